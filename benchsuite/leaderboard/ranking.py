"""Ranks that the test set can tell: paired draws of takes, or else intervals, decide who is better than whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.leaderboard.standings import Contest, Figure, Standing
from benchsuite.records.clip_figures import sums_of
from benchsuite.statistics import NORMAL, SAME, Average, ClipSums, Estimate, drawn_together

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
        places: one a standing, in the same order; None for those without a number, with undefined samples, or that
            nothing tells from any other.
        detectable: how far apart two methods would truly have to be for their order to show in four of five such test
            sets, the median over neighbouring rows that are not the same; None where clips are not kept.
        over_frames: whether places, what is behind and ``detectable`` are those of the mean over frames although the
            headline is one over actions: an action has a single take.
        by_intervals: whether methods without clips to pair were told apart by their intervals.
        untold: whether a method has no place because neither tells it from any other.
    """

    places: tuple[Place | None, ...]
    detectable: float | None
    over_frames: bool = False
    by_intervals: bool = False
    untold: bool = False


def ranking(contest: Contest) -> Ranking:
    """Who is better than whom.

    One method is better than another beyond doubt if 0 lies outside the 95 % interval of their paired difference, 1.96
    standard errors of it to either side; the errors are those of one set of draws of takes, the same for all. Where
    takes cannot be drawn within actions the difference is that of the means over frames. Where a record lacks its
    clips, or there are too few to draw, the squared error is the sum of both methods', of their headlines' intervals:
    too large, if anything, since what is hard in a test set is hard for both. Who has no interval either is not ranked,
    unless alone: digits tell nothing.

    Seeds of one method count by their mean, and only takes are drawn: the intervals are about other takes, not about
    other trainings. A method that leaves samples undefined that others predict is not ranked: what it left out may be
    what is hard.
    """
    standings = contest.standings
    column = contest.columns[0] if contest.columns else None
    figures = [standing.figure(column) if column else None for standing in standings]
    numbered = [(k, f) for k, f in enumerate(figures) if f and not np.isnan(f.mean) and not f.undefined]
    if column is None or not numbered:
        return Ranking((None,) * len(standings), None)
    paired = _paired([standings[k] for k, _ in numbered], np.array([figure.mean for _, figure in numbered]))
    behind, printed = paired.behind if column.better == "lower" else -paired.behind
    unpaired, single = np.isnan(paired.errors), _single([figure for _, figure in numbered])
    errors = np.where(unpaired, single, paired.errors)
    ranks = 1 + ((printed > 0) & (behind > NORMAL * errors)).sum(axis=1)  # NaN errors tell nothing
    ranked = (~np.isnan(errors)).sum(axis=1) >= min(2, len(numbered))  # by itself, and by another if there is one
    places: list[Place | None] = [None] * len(standings)
    for row, (k, figure) in enumerate(numbered):
        if not ranked[row]:
            continue
        value, error = float(behind[row, 0]), float(paired.errors[row, 0])
        known = row > 0 and not np.isnan(error)
        lag = Estimate(value, value - NORMAL * error, value + NORMAL * error, figure.n, error) if known else None
        places[k] = Place(int(ranks[row]), int((ranks[ranked] == ranks[row]).sum()) > 1, lag)
    steps = np.diagonal(paired.errors, offset=-1)
    steps = steps[steps > 0]
    step = Estimate(0.0, None, None, 0, float(np.median(steps)) if len(steps) else None)
    by_intervals = bool((unpaired & ~np.isnan(single)).any())
    return Ranking(tuple(places), step.detectable, paired.over_frames, by_intervals, untold=not ranked.all())


def _single(figures: Sequence[Figure]) -> Array:
    """(M, M) standard errors of differences, had each method a test set of its own; NaN where one has no interval."""
    widths = [np.nan if f.low is None or f.high is None else f.high - f.low for f in figures]
    return np.hypot.outer(widths, widths) / (2.0 * NORMAL)


@dataclass(frozen=True)
class _Paired:
    """All paired differences of M methods.

    Attributes:
        behind: (2, M, M) the row's mean less the column's; then the same of means as printed.
        errors: (M, M) their standard errors; NaN where they cannot be had, 0 between methods that do the same.
        over_frames: see ``Ranking``.
    """

    behind: Array
    errors: Array
    over_frames: bool


def _paired(standings: Sequence[Standing], means: Array) -> _Paired:
    behind, errors = _differences(means), np.full((len(standings), len(standings)), np.nan)
    np.fill_diagonal(errors, 0.0)
    nothing = _Paired(behind, errors, over_frames=False)
    kept = {k: sums for k, standing in enumerate(standings) if (sums := clip_sums(standing))}
    if len({(average, sums.action.tobytes(), sums.count.tobytes()) for average, sums in kept.values()}) != 1:
        return nothing  # none kept, or not the same samples of each clip: nothing can be paired
    average = next(iter(kept.values()))[0]
    together = [sums for _, sums in kept.values()]
    over = together[0].drawn_over(average)
    drawn = drawn_together(together, over_actions=over == "actions")
    if drawn is None:
        return nothing
    pairs = np.ix_(list(kept), list(kept))
    if over != average:
        rows, columns = pairs
        behind[:, rows, columns] = _differences(np.array([sums.over(over, draws=0).value for sums in together]))
    covariance = np.atleast_2d(np.cov(drawn, rowvar=False))
    both = np.add.outer(np.diagonal(covariance), np.diagonal(covariance))
    squares = both - 2.0 * covariance
    errors[pairs] = np.sqrt(np.where(squares > SAME**2 * both, squares, 0.0))
    return _Paired(behind, errors, over_frames=over != average)


def _differences(means: Array) -> Array:
    both = np.stack((means, np.round(means, DECIMALS)))
    return both[:, :, None] - both[:, None]


def clip_sums(standing: Standing) -> tuple[Average, ClipSums] | None:
    """What the headline averages over, and its sums by clip, the mean over the seeds; None unless all keep them."""
    seeds = [(record.clips.average, sums_of(record.clips)) for record in standing.records if record.clips]
    if not seeds or len(seeds) < len(standing.records):
        return None
    (average, first), *others = seeds
    if any(way != average or not np.array_equal(first.count, sums.count) for way, sums in others):
        return None
    return average, ClipSums(np.mean([sums.total for _, sums in seeds], axis=0), first.count, first.action)
