"""The picture of accuracy beside cost, and of the Pareto front in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from benchsuite.leaderboard.pareto import Machine, Priced
from benchsuite.leaderboard.sheets import recipe
from benchsuite.leaderboard.standings import Column, Standing

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 380, 58, 24, 30, 44
"""Of the picture and its margins, px."""

BEYOND = 2.0
"""Methods that are more than so many times worse than the best are named below the picture, not drawn."""


def machine_in_words(machine: Machine) -> str:
    """A device and how many threads were used of it."""
    device, threads = machine
    return f"{device}, {threads} thread{'s' * (threads != 1)}"


def picture(rows: Sequence[Priced], headline: Column) -> dict[str, Any]:
    """Where the points, the front and the ticks of the picture lie, px; what is left out, by name."""
    top = min(r.figure.mean for r in rows) if headline.better == "lower" else max(r.figure.mean for r in rows)
    drawn = [r for r in rows if top <= 0 or max(r.figure.mean / top, top / max(r.figure.mean, 1e-9)) <= BEYOND]
    times = [r.cost.per_pose_us for r in drawn]
    values = [r.figure.mean for r in drawn]
    across = _Axis(math.log10(min(times)), math.log10(max(times)), LEFT, WIDTH - RIGHT)
    up = _Axis(min(values), max(values), HEIGHT - BOTTOM, TOP)
    points: list[dict[str, Any]] = [
        {
            "x": across.at(math.log10(r.cost.per_pose_us)),
            "y": up.at(r.figure.mean),
            "name": _name(r.standing),
            "said": f"{_name(r.standing)}: {r.figure.mean:.2f} {headline.unit}, {r.cost.per_pose_us:.3g} µs a pose"
            f"{' †' * r.cost.is_disturbed}",
            "front": r.on_front,
        }
        for r in drawn
    ]
    front = sorted((p for p in points if p["front"]), key=lambda p: p["x"])
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "bottom": HEIGHT - BOTTOM,
        "right": WIDTH - RIGHT,
        "points": sorted(points, key=lambda p: bool(p["front"])),  # the front is drawn last, over the others
        "front": " ".join(f"{p['x']},{p['y']}" for p in front),
        "across": [{"at": across.at(math.log10(t)), "said": f"{t:g}"} for t in _decades(across.low, across.high)],
        "up": [{"at": up.at(v), "said": f"{v:g}"} for v in _even(up.low, up.high)],
        "left_out": [f"{_name(r.standing)} ({r.figure.mean:.1f})" for r in rows if r not in drawn],
    }


class _Axis:
    """From numbers to px, with a little room at both ends."""

    def __init__(self, low: float, high: float, start: float, stop: float) -> None:
        room = 0.07 * (high - low) or 0.1
        self.low, self.high = low - room, high + room
        self._start, self._stop = start, stop

    def at(self, value: float) -> float:
        return round(self._start + (value - self.low) / (self.high - self.low) * (self._stop - self._start), 1)


def _decades(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten between the two logarithms."""
    found = [m * 10.0**e for e in range(math.floor(low), math.ceil(high) + 1) for m in (1, 2, 5)]
    return [t for t in found if low <= math.log10(t) <= high]


def _even(low: float, high: float) -> list[float]:
    """Round numbers between the two, about five."""
    step = 10.0 ** math.floor(math.log10((high - low) / 4))
    step *= max(m for m in (1, 2, 5) if m * step <= (high - low) / 4)
    return [round(k * step, 10) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _name(standing: Standing) -> str:
    words = [standing.method, recipe(standing), f"+ {standing.refiner}" if standing.refiner else ""]
    return " ".join(filter(None, words))
