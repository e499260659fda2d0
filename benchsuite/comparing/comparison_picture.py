"""A comparison as a picture: differences by action and by joint with their intervals, and how the figures spread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchsuite.comparing.compared import Comparison, Row
from benchsuite.pictures.drawing import LEFT_COLOUR, RIGHT_COLOUR, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BETTER, WORSE, NEITHER, RULE = RIGHT_COLOUR, LEFT_COLOUR, "#8a8a8a", "#d9d9d9"


def draw_comparison(found: Comparison) -> Figure:
    """Three panels: actions, joints, and the quantiles of both methods' figures.

    Raises:
        NoMatplotlib: matplotlib is not installed.
    """
    lines = max(len(found.actions) + 1, len(found.joints), 10)
    figure = new_figure(13.5, 2.1 + 0.27 * lines)
    panels = figure.subplots(1, 3, width_ratios=(1.0, 1.0, 0.9))
    overall = Row("all", found.overall.first, found.overall.second, found.overall.difference)
    actions = sorted(found.actions, key=lambda row: row.difference.value, reverse=True)
    _forest(panels[0], [*actions, overall], found.better, f"{found.figure} ({found.unit}), B less A, by action")
    joints = sorted(found.joints, key=lambda row: row.difference.value, reverse=True)
    if joints:
        _forest(panels[1], joints, "lower", "error (mm), B less A, by joint")
    else:
        panels[1].set_axis_off()
    _spread(panels[2], found)
    figure.suptitle(f"A: {found.first}\nB: {found.second}\non {found.dataset}, {found.samples:,} samples", fontsize=11)
    return figure


def _forest(axes: Axes, rows: Sequence[Row], better: str, title: str) -> None:
    axes.axvline(0.0, color="black", lw=0.8)
    for place, row in enumerate(rows):
        found = row.difference
        good = (found.value < 0) == (better == "lower")
        colour = NEITHER if not found.leaves_out_zero else BETTER if good else WORSE
        if found.low is not None and found.high is not None:
            axes.plot([found.low, found.high], [place, place], color=colour, lw=2.2, solid_capstyle="round")
        axes.plot(found.value, place, "D" if row.name == "all" else "o", color=colour, ms=6)
    axes.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=9)
    axes.grid(axis="x", color=RULE, lw=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_title(title, fontsize=10)


def _spread(axes: Axes, found: Comparison) -> None:
    shares = [q.share for q in found.quantiles]
    for name, values, colour in (
        ("A", [q.first for q in found.quantiles], NEITHER),
        ("B", [q.second for q in found.quantiles], "black"),
    ):
        axes.plot(values, shares, marker="o", ms=4, lw=1.8, color=colour, label=name)
    axes.set_ylabel("poses that lie below (%)")
    axes.set_xlabel(f"{found.figure} ({found.unit})")
    axes.set_ylim(0, 100)
    axes.grid(color=RULE, lw=0.7)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    axes.set_title(
        f"B makes {found.worse.value:.0f} % of the poses worse\n"
        f"an oracle that picks the better: {found.oracle.value:.1f} {found.unit}",
        fontsize=10,
    )
