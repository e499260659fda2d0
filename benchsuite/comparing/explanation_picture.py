"""An explanation as a waterfall: from one number to the other, one knob at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchsuite.comparing.explanation import Explanation, spelt
from benchsuite.pictures.drawing import LEFT_COLOUR, RIGHT_COLOUR, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDS_COLOUR, RULE = "#4d4d4d", "#d9d9d9"


def draw_waterfall(found: Explanation, title: str, names: tuple[str, str]) -> Figure:
    """Bars from the first reading's number at the top to the second's at the foot.

    Args:
        found: what to draw.
        title: method and dataset.
        names: of the two readings.

    Raises:
        NoMatplotlib: matplotlib is not installed.
    """
    lines = len(found.contributions) + 2
    figure = new_figure(9.0, 1.3 + 0.55 * lines)
    axes = figure.add_subplot()
    labels, reached = [], found.first
    ends = [found.first]
    for place, one in enumerate(found.contributions, 1):
        good = (one.value < 0) == (found.better == "lower")
        axes.barh(place, one.value, left=reached, height=0.6, color=RIGHT_COLOUR if good else LEFT_COLOUR, zorder=2)
        axes.plot([reached] * 2, [place - 1.3, place + 0.3], color="black", lw=0.8, zorder=3)
        reached += one.value
        ends.append(reached)
        edge = max(reached, reached - one.value)
        axes.annotate(f"{one.value:+.2f}", (edge, place), (4, 0), textcoords="offset points", va="center", fontsize=9)
        labels.append(f"{one.knob}\n{spelt(one.first)} → {spelt(one.second)}")
    axes.plot([reached] * 2, [lines - 2.3, lines - 0.7], color="black", lw=0.8, zorder=3)
    low, high = min(ends), max(ends)
    room = 0.12 * (high - low) or 1.0
    floor = max(0.0, low - 2.5 * room) if low >= 0 else low - 2.5 * room
    for place, value in ((0, found.first), (lines - 1, found.second)):
        axes.barh(place, value - floor, left=floor, height=0.6, color=ENDS_COLOUR, zorder=2)
        axes.annotate(f"{value:.2f}", (value, place), (4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(range(lines), [names[0], *labels, names[1]], fontsize=8)
    axes.set_xlim(floor, high + room)
    axes.invert_yaxis()
    axes.grid(axis="x", color=RULE, lw=0.7, zorder=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    cut = "" if floor == 0 else f"; the axis begins at {floor:.0f}"
    axes.set_xlabel(f"{found.unit}, means over all orders{cut}")
    axes.set_title(title, fontsize=10)
    return figure
