"""Ranks that the test set can tell: paired draws of clips decide who is better than whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.clip_figures import sums_of
from benchsuite.standings import Contest, Standing
from benchsuite.statistics import NORMAL, ClipSums, Estimate, drawn_together

DECIMALS = 2
"""Of the headline as it is printed; numbers that print the same are never told apart."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Place:
    """Where a standing stands.

    Attributes:
        rank: one more than there are methods that are better beyond doubt.
        shared: whether another has the same rank.
        behind: how much worse it is than the first row, paired clip by clip, with its 95 % interval; None for the
            first row itself, and where clips are not kept.
    """

    rank: int
    shared: bool
    behind: Estimate | None


@dataclass(frozen=True)
class Ranking:
    """The places of a contest.

    Attributes:
        places: one a standing, in the same order; None for those without a number.
        detectable: how far apart two methods would truly have to be for their order to show in four of five such test
            sets, the median over neighbouring rows; None where clips are not kept.
    """

    places: tuple[Place | None, ...]
    detectable: float | None


def ranking(contest: Contest) -> Ranking:
    """Who is better than whom.

    One method is better than another beyond doubt if 0 lies outside the 95 % interval of their paired difference, 1.96
    standard errors of it to either side; the errors are those of one set of draws of clips, the same for all. Where a
    record lacks its clips, or there are too few to draw, the printed numbers decide.

    Seeds of one method count by their mean, and only clips are drawn: the intervals are about other clips, not about
    other trainings.
    """
    standings = contest.standings
    column = contest.columns[0] if contest.columns else None
    figures = [standing.figure(column) if column else None for standing in standings]
    numbered = [(k, figure) for k, figure in enumerate(figures) if figure and not np.isnan(figure.mean)]
    if column is None or not numbered:
        return Ranking((None,) * len(standings), None)
    sign = 1.0 if column.better == "lower" else -1.0
    means = sign * np.array([figure.mean for _, figure in numbered])
    errors = _errors([standings[k] for k, _ in numbered])
    apart = np.round(means, DECIMALS)[:, None] > np.round(means, DECIMALS)
    behind = means[:, None] - means
    told = apart & ~(behind <= NORMAL * errors)  # NaN errors leave it to the printed numbers
    ranks = 1 + told.sum(axis=1)
    places: list[Place | None] = [None] * len(standings)
    for row, (k, figure) in enumerate(numbered):
        value, error = float(behind[row, 0]), float(errors[row, 0])
        known = row > 0 and not np.isnan(error)
        lag = Estimate(value, value - NORMAL * error, value + NORMAL * error, figure.n, error) if known else None
        places[k] = Place(int(ranks[row]), int((ranks == ranks[row]).sum()) > 1, lag)
    steps = np.diagonal(errors, offset=-1)
    step = float(np.median(steps[~np.isnan(steps)])) if not np.isnan(steps).all() else None
    return Ranking(tuple(places), None if step is None else Estimate(0.0, None, None, 0, step).detectable)


def _errors(standings: Sequence[Standing]) -> Array:
    """Standard errors (M, M) of all paired differences; NaN where they cannot be had."""
    errors = np.full((len(standings), len(standings)), np.nan)
    kept = {k: sums for k, standing in enumerate(standings) if (sums := clip_sums(standing))}
    if len({(average, sums.action.tobytes()) for average, sums in kept.values()}) != 1:
        return errors  # none kept, or not the same clips although the fingerprint says so: nothing can be paired
    average = next(iter(kept.values()))[0]
    drawn = drawn_together([sums for _, sums in kept.values()], over_actions=average == "actions")
    if drawn is not None:
        covariance = np.atleast_2d(np.cov(drawn, rowvar=False))
        variance = np.diagonal(covariance)
        squares = variance[:, None] + variance - 2.0 * covariance
        errors[np.ix_(list(kept), list(kept))] = np.sqrt(np.maximum(squares, 0.0))
    return errors


def clip_sums(standing: Standing) -> tuple[str, ClipSums] | None:
    """What the headline averages over, and its sums by clip, the mean over the seeds; None unless all keep them."""
    seeds = [(record.clips.average, sums_of(record.clips)) for record in standing.records if record.clips]
    if not seeds or len(seeds) < len(standing.records):
        return None
    (average, first), *others = seeds
    if any(way != average or not np.array_equal(first.count, sums.count) for way, sums in others):
        return None
    return average, ClipSums(np.mean([sums.total for _, sums in seeds], axis=0), first.count, first.action)
