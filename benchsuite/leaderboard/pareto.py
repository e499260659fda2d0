"""Accuracy beside cost: which methods of a contest no other beats in both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchsuite.leaderboard.standings import Contest, Figure, Standing
from benchsuite.records.cost import Cost, method_key


@dataclass(frozen=True)
class Priced:
    """A row of a contest with what it costs.

    Attributes:
        standing: the row.
        figure: its headline.
        cost: on one machine.
        on_front: whether it lacks no sample and its cost is undisturbed, and no other such row is as good in headline
            and time a pose, and better in one of them.
    """

    standing: Standing
    figure: Figure
    cost: Cost
    on_front: bool


DISTURBED = "† other processes kept it waiting: it is not on the front."
"""Below figures marked so."""

Machine = tuple[str, int]
"""A device's name and how many threads were used of it: what costs must share to be compared."""


def priced(contest: Contest, costs: Sequence[Cost]) -> dict[Machine, tuple[Priced, ...]]:
    """Of each machine, the rows whose cost is known there, in the contest's order; machines by name."""
    machines: dict[Machine, dict[str, Cost]] = {}
    for cost in costs:
        machines.setdefault((cost.device, cost.threads), {})[method_key(cost.source, cost.refiner)] = cost
    found = {machine: _priced(contest, machines[machine]) for machine in sorted(machines)}
    return {machine: rows for machine, rows in found.items() if rows}


def _priced(contest: Contest, costs: Mapping[str, Cost]) -> tuple[Priced, ...]:
    if not contest.columns:
        return ()
    column = contest.columns[0]
    rows = []
    for standing in contest.standings:
        figure, first = standing.figure(column), standing.records[0]
        cost = costs.get(method_key(first.source, first.refiner))
        if figure and cost and not math.isnan(figure.mean):
            rows.append((standing, figure, cost))
    sign = 1.0 if column.better == "lower" else -1.0
    points = {
        n: (sign * figure.mean, cost.per_pose_us)
        for n, (_, figure, cost) in enumerate(rows)
        if not (cost.is_disturbed or figure.undefined)
    }
    front = {n for n, best in zip(points, pareto([*points.values()]), strict=True) if best}
    return tuple(Priced(*row, n in front) for n, row in enumerate(rows))


def pareto(points: Sequence[tuple[float, ...]]) -> tuple[bool, ...]:
    """Which points no other is at least as good as in everything and better in something; less is better."""

    def beaten(point: tuple[float, ...]) -> bool:
        return any(all(a <= b for a, b in zip(other, point, strict=True)) and other != point for other in points)

    return tuple(not beaten(point) for point in points)
