"""The picture of accuracy beside cost, and of the Pareto front in it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from benchsuite.leaderboard.pareto import Machine, Priced
from benchsuite.leaderboard.sheets import recipe
from benchsuite.leaderboard.standings import Column, Standing

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 380, 58, 24, 30, 44
"""Of the picture and its margins, px."""

LINE, LETTER, AWAY = 15, 6.6, 9
"""Of a name in it, px: its height, a letter's width, how far beside its point it stands."""

LONGEST = 45
"""Letters of a name in it; the whole one shows beside the pointer."""

STEPS = 40
"""Points of a line between two methods that a name may not cover."""

ROOM = 0.2
"""Of the accuracies drawn, how far the picture goes beyond the best: no method is there, but their names may."""

FEW = 12
"""Methods of whom all are named at once; else the others' names show one at a time."""

BEYOND = 2.0
"""Methods that are more than so many times worse than the best are named below the picture, not drawn."""


def machine_in_words(machine: Machine) -> str:
    """A device and how many threads were used of it."""
    device, threads = machine
    return f"{device}, {threads} thread{'s' * (threads != 1)}"


def picture(rows: Sequence[Priced], keys: Sequence[str], headline: Column) -> dict[str, Any]:
    """Where the points, their names, the front and the ticks of the picture lie, px; what is left out, by name."""
    best_is_low = headline.better == "lower"
    top = min(r.figure.mean for r in rows) if best_is_low else max(r.figure.mean for r in rows)
    drawn = [r for r in rows if top <= 0 or max(r.figure.mean / top, top / max(r.figure.mean, 1e-9)) <= BEYOND]
    times = [r.cost.per_pose_us for r in drawn]
    values = [r.figure.mean for r in drawn]
    across = _Axis(math.log10(min(times)), math.log10(max(times)), LEFT, WIDTH - RIGHT)
    up = _Axis(min(values), max(values), HEIGHT - BOTTOM, TOP, ROOM if best_is_low else 0, 0 if best_is_low else ROOM)
    points: list[dict[str, Any]] = [
        {
            "x": across.at(math.log10(r.cost.per_pose_us)),
            "y": up.at(r.figure.mean),
            "key": key,
            "name": shortened(_name(r.standing)),
            "said": f"{_name(r.standing)}: {r.figure.mean:.2f} {headline.unit}, µs a pose: {r.cost.told[1]}",
            "front": r.on_front,
        }
        for r, key in zip(rows, keys, strict=True)
        if r in drawn
    ]
    front = sorted((p for p in points if p["front"]), key=lambda p: p["x"])
    labels = _Labels([(p["x"], p["y"]) for p in points], [(p["x"], p["y"]) for p in front])
    for point in reversed(front):  # so that no line leads across a name farther right
        point["label"] = labels.add(point, -1 if best_is_low else 1)
    few = len(points) <= FEW
    for point in points:
        if "label" not in point:
            alone = _label(point, 0, 1 if point["x"] < 0.7 * WIDTH else -1)
            point["label"] = labels.add(point, 1 if best_is_low else -1) if few else alone
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "bottom": HEIGHT - BOTTOM,
        "right": WIDTH - RIGHT,
        "few": few,
        "points": sorted(points, key=lambda p: bool(p["front"])),  # the front is drawn last, over the others
        "front": " ".join(f"{p['x']},{p['y']}" for p in front),
        "across": [{"at": across.at(math.log10(t)), "said": f"{t:g}"} for t in _times(across.low, across.high)],
        "up": [{"at": up.at(v), "said": f"{v:g}"} for v in _even(up.low, up.high)],
        "left_out": [f"{_name(r.standing)} ({r.figure.mean:.1f})" for r in rows if r not in drawn],
    }


def _label(point: Mapping[str, Any], rise: float, side: int) -> dict[str, Any]:
    """A name to the right (1) or left (-1) of its point, ``rise`` px above it."""
    return {
        "x": round(point["x"] + side * AWAY, 1),
        "y": round(point["y"] - rise, 1),
        "anchor": "start" if side > 0 else "end",
        "leads": abs(rise) > LINE,
    }


class _Labels:
    """Names placed one after another where they cover neither a point, nor the front, nor each other."""

    def __init__(self, points: Sequence[tuple[float, float]], front: Sequence[tuple[float, float]]) -> None:
        self._taken = [(x - 5, y - 5, x + 5, y + 5) for x, y in points]
        for (x, y), (to_x, to_y) in pairwise(front):
            on_line = [(x + k / STEPS * (to_x - x), y + k / STEPS * (to_y - y)) for k in range(STEPS)]
            self._taken += [(u - 1, v - 1, u + 1, v + 1) for u, v in on_line]

    def add(self, point: Mapping[str, Any], first: int) -> dict[str, Any]:
        """The nearest free place, above (1) or below (-1) first; beside the point if none is free."""
        sides = (1, -1) if point["x"] < 0.7 * WIDTH else (-1, 1)
        rises = [sign * step * LINE / 2 for step in range(1, 2 * HEIGHT // LINE) for sign in (first, -first)]
        for rise in rises:
            for side in sides:
                label = _label(point, rise, side)
                box = _box(label, point["name"])
                inside = box[0] >= LEFT and box[2] <= WIDTH and box[1] >= TOP - LINE and box[3] <= HEIGHT - BOTTOM
                if inside and not any(_overlap(box, other) for other in self._taken):
                    self._taken.append(box)
                    return label
        return _label(point, 0, sides[0])


Box = tuple[float, float, float, float]


def _box(label: Mapping[str, Any], name: str) -> Box:
    """Left, top, right and bottom of a name, px, a little wider than its letters are on average."""
    wide = LETTER * len(name)
    left = label["x"] if label["anchor"] == "start" else label["x"] - wide
    return (left, label["y"] - LINE / 2, left + wide, label["y"] + LINE / 2)


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


class _Axis:
    """From numbers to px, with a little room at both ends, and more where it is asked for, as a share."""

    def __init__(self, low: float, high: float, start: float, stop: float, below: float = 0, above: float = 0) -> None:
        span = high - low or 1.0
        self.low, self.high = low - (0.07 + below) * span, high + (0.07 + above) * span
        self._start, self._stop = start, stop

    def at(self, value: float) -> float:
        return round(self._start + (value - self.low) / (self.high - self.low) * (self._stop - self._start), 1)


def _times(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten between the two logarithms, or round numbers where there are too few of those."""
    found = [m * 10.0**e for e in range(math.floor(low), math.ceil(high) + 1) for m in (1, 2, 5)]
    inside = [t for t in found if low <= math.log10(t) <= high]
    return inside if len(inside) > 2 else _even(10.0**low, 10.0**high)


def _even(low: float, high: float) -> list[float]:
    """Round numbers between the two, about five."""
    step = 10.0 ** math.floor(math.log10((high - low) / 4))
    step *= max(m for m in (1, 2, 5) if m * step <= (high - low) / 4)
    return [round(k * step, 10) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def shortened(name: str) -> str:
    """As much of a name as has room in the picture."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _name(standing: Standing) -> str:
    words = [standing.method, recipe(standing), f"+ {standing.refiner}" if standing.refiner else ""]
    return " ".join(filter(None, words))
