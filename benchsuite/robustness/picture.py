"""Robustness curves as a picture: a panel for each disturbance, a line for each method."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchsuite.pictures.drawing import new_figure
from benchsuite.robustness.curves import Robustness
from benchsuite.robustness.disturbances import DISTURBANCES, Disturbance

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#2b6cb8", "#d1352b", "#2e8b57", "#e08a1e", "#7b4fa3", "#4d4d4d", "#1aa6b7", "#b0578d")
"""Of the methods, in turn."""

MARKERS = "osD^vP*X"
RULE = "#dcdcdc"


def draw_robustness(found: Robustness) -> Figure:
    """The curves with their 95 % intervals shaded; a dotted line stands at the undisturbed level.

    Raises:
        NoMatplotlib: matplotlib is not installed.
    """
    shown = [d for d in DISTURBANCES if any(c.disturbance == d.name for c in found.curves)]
    methods = list(dict.fromkeys(curve.method for curve in found.curves))
    figure = new_figure(max(5.5, 3.7 * len(shown)), 4.4)
    panels = figure.subplots(1, max(1, len(shown)), sharey=True, squeeze=False)[0]
    for axes, disturbance in zip(panels, shown, strict=False):
        _panel(axes, found, disturbance, methods)
    panels[0].set_ylabel(f"{found.figure} ({found.unit})" if found.figure else "")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(4, len(labels)), frameon=False)
    figure.suptitle(f"{found.dataset}, {found.samples:,} samples, {found.evaluator}", fontsize=11)
    return figure


def _panel(axes: Axes, found: Robustness, disturbance: Disturbance, methods: list[str]) -> None:
    axes.axvline(disturbance.clean, color="#9a9a9a", lw=1.0, ls=":", zorder=1)
    for curve in found.curves:
        if curve.disturbance != disturbance.name or all(point.error for point in curve.points):
            continue
        number = methods.index(curve.method)
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        levels = [point.level for point in curve.points]
        known = [point for point in curve.points if point.low is not None and point.high is not None]
        axes.fill_between(
            [p.level for p in known],
            [p.low or 0.0 for p in known],
            [p.high or 0.0 for p in known],
            color=colour,
            alpha=0.15,
            lw=0,
            zorder=2,
        )
        values = [point.value for point in curve.points]
        axes.plot(levels, values, color=colour, marker=marker, ms=4.5, lw=1.9, label=curve.method, zorder=3)
    if disturbance.logarithmic:
        axes.set_xscale("log")
        axes.set_xticks(disturbance.levels, [f"{level:g}" for level in disturbance.levels])
        axes.minorticks_off()
    else:
        axes.set_xticks(disturbance.levels, [f"{level:g}" for level in disturbance.levels])
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(color=RULE, lw=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(disturbance.axis, fontsize=9)
    axes.set_title(disturbance.title, fontsize=11)
