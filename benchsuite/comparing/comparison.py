"""Two methods on the same samples: how much the second changes, where, and for how many poses to the worse."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from benchsuite_registry.contracts import Evaluator, Metric
from benchsuite_registry.poses import Labels, PoseBatch
from numpy.typing import NDArray

from benchsuite.comparing.compared import Comparison, Headlines, Quantile, Row
from benchsuite.datasets.dataset import Dataset
from benchsuite.leaderboard.fingerprints import check_alike, named
from benchsuite.leaderboard.standings import spelling
from benchsuite.metrics import joint_errors
from benchsuite.records.clip_figures import Headline, clusters, headline_of, sums_of
from benchsuite.records.results import Record
from benchsuite.running.pipeline import protocol_of
from benchsuite.running.scoring import scored
from benchsuite.statistics import Average, ClipSums, Estimate, drawn_together, paired

Array = NDArray[np.float64]

SHARES = (5, 10, 25, 50, 75, 90, 95, 99)
"""Quantiles of the samples' figures that are told, %."""


class CannotCompare(ValueError):
    """Two predictions cannot be compared as was asked; says why."""


def compare(
    first: tuple[str, PoseBatch],
    second: tuple[str, PoseBatch],
    evaluator: Evaluator,
    dataset: Dataset,
    *,
    draws: int = 1000,
) -> Comparison:
    """Compare two methods' predictions of all of ``dataset``, pose by pose.

    Intervals are percentile bootstraps over takes (clips, where takes are not told), the same drawn for both methods.

    Args:
        first: name and predictions.
        second: likewise.
        evaluator: who scores; its headline must be a mean of figures of single samples.
        dataset: of the predictions, in its order.
        draws: how many sets of takes are drawn; 0 for no intervals.

    Raises:
        CannotCompare: the headline is no such mean, or no sample has a figure of both.
        ValueError: the evaluator refuses the predictions.
    """
    labels = dataset.labels(slice(0, len(dataset)))
    (headline, one), (_, other) = (_scored(evaluator, poses, dataset, labels) for _, poses in (first, second))
    both = np.flatnonzero(np.isfinite(one.values) & np.isfinite(other.values))
    if not len(both):
        raise CannotCompare(f"{first[0]} and {second[0]} have a {headline.name} of no sample in common")
    clip, action = (codes[both] for codes in clusters(labels))
    pair = _Pair(one.values[both], other.values[both], clip, action, draws)
    lower = headline.better == "lower"
    best = np.minimum(pair.first, pair.second) if lower else np.maximum(pair.first, pair.second)
    overall, pooled = pair.row("", one.average), pair.row("")
    told_over = ClipSums.of(pair.first, clip, action).drawn_over(one.average)
    ahead: Array = pair.second if (overall.second < overall.first) == lower else pair.first
    worse, improved = (pair.second > pair.first, pair.second < pair.first)[:: 1 if lower else -1]
    return Comparison(
        first=first[0],
        second=second[0],
        dataset=dataset.about.name,
        figure=headline.name,
        unit=headline.unit,
        better=headline.better,
        average=one.average,
        protocol=protocol_of(evaluator),
        samples=len(both),
        left_out=len(dataset) - len(both),
        overall=overall,
        pooled=pooled,
        told_over=told_over,
        detectable=(overall if told_over == one.average else pooled).difference.detectable,
        actions=tuple(pair.of(action == k).row(labels.action.names[k] or "all") for k in np.unique(action)),
        joints=tuple(_joints(first[1], second[1], dataset, draws)),
        worse=pair.mean(np.where(worse, 100.0, 0.0)),
        improved=pair.mean(np.where(improved, 100.0, 0.0)),
        oracle=pair.mean(best, one.average),
        headroom=pair.mean(np.abs(ahead - best), one.average),
        quantiles=tuple(_quantiles(pair)),
    )


def compare_records(first: Record, second: Record, *, draws: int = 1000) -> Headlines:
    """The headlines of two records and their paired difference, from the clips that the records keep.

    A record says how many samples of a clip have a figure, not which: clips of which the two have different numbers
    are left out.

    Raises:
        CannotCompare: one of them keeps no clips, or they have none in common.
        MixedProtocols: their fingerprints differ; names the fields.
    """
    check_alike([first, second])
    averages, whole = zip(*map(_kept, (first, second)), strict=True)
    names = ["+".join(spelling(part) for part in (r.source, r.refiner) if part) for r in (first, second)]
    both = (whole[0].count == whole[1].count) & (whole[0].count > 0)
    if not both.any():
        raise CannotCompare(f"{names[0]} and {names[1]} have the same samples of no clip")
    sums = [ClipSums(s.total[both], s.count[both], s.action[both]) for s in whole]
    average: Average = averages[0]
    overall, pooled = (_drawn_row(sums, over, draws) for over in (average, "frames"))
    told_over = sums[0].drawn_over(average)
    headline, samples = first.metrics[0], int(sums[0].count.sum())
    return Headlines(
        first=names[0],
        second=names[1],
        dataset=first.dataset.name,
        figure=headline.name,
        unit=headline.unit,
        better=headline.better,
        average=average,
        protocol=first.protocol,
        samples=samples,
        left_out=first.dataset.samples - samples,
        overall=overall,
        pooled=pooled,
        told_over=told_over,
        detectable=(overall if told_over == average else pooled).difference.detectable,
    )


def _kept(record: Record) -> tuple[Average, ClipSums]:
    if record.clips is None:
        raise CannotCompare(f"{named(record)} keeps no figures of its clips; measure it again")
    return record.clips.average, sums_of(record.clips)


def _drawn_row(sums: Sequence[ClipSums], average: Average, draws: int) -> Row:
    drawn = drawn_together(sums, over_actions=average == "actions", draws=draws)
    first, second = (s.over(average, draws=0) for s in sums)
    differences = None if drawn is None else drawn[:, 1] - drawn[:, 0]
    return Row("", first.value, second.value, Estimate.drawn(second.value - first.value, first.n, differences))


@dataclass(frozen=True)
class _Pair:
    """Figures (N,) of the same samples by two methods, and what is drawn for intervals."""

    first: Array
    second: Array
    clip: NDArray[np.int64]
    action: NDArray[np.int64]
    draws: int

    def of(self, rows: NDArray[np.bool_]) -> _Pair:
        """Some of the samples."""
        return _Pair(self.first[rows], self.second[rows], self.clip[rows], self.action[rows], self.draws)

    def mean(self, values: Array, average: Average = "frames") -> Estimate:
        return ClipSums.of(values, self.clip, self.action).over(average, draws=self.draws)

    def row(self, name: str, average: Average = "frames") -> Row:
        first, second = (
            ClipSums.of(values, self.clip, self.action).over(average, draws=0).value
            for values in (self.first, self.second)
        )
        difference = paired(self.second, self.first, self.clip, self.action)
        return Row(name, first, second, difference.over(average, draws=self.draws))


def _scored(evaluator: Evaluator, poses: PoseBatch, dataset: Dataset, labels: Labels) -> tuple[Metric, Headline]:
    """The evaluator's headline, and the samples' figures that it is a mean of."""
    metrics, columns = scored(evaluator, poses, dataset)
    headline = headline_of(metrics, columns, labels, protocol_of(evaluator).get("average"))
    if headline is None:
        raise CannotCompare(
            f"{metrics[0].name} is {metrics[0].value:.4g}, and no mean of the samples' own figures is: "
            "it cannot be compared pose by pose"
        )
    return metrics[0], headline


def _joints(first: PoseBatch, second: PoseBatch, dataset: Dataset, draws: int) -> Iterator[Row]:
    """Errors of the joints of the dataset's skeleton but for the root, which is at its place by definition."""
    if "xyz" not in dataset.columns:
        return
    true = dataset.poses(slice(0, len(dataset))).root_relative().xyz
    read = (poses.root_relative().in_skeleton(dataset.skeleton).xyz for poses in (first, second))
    errors = [joint_errors(predicted, true).numpy() for predicted in read]
    clip, action = clusters(dataset.labels(slice(0, len(dataset))))
    for k, name in enumerate(dataset.skeleton.joints):
        there = np.isfinite(errors[0][:, k]) & np.isfinite(errors[1][:, k])
        if there.any() and name != dataset.skeleton.root:
            yield _Pair(errors[0][:, k], errors[1][:, k], clip, action, draws).of(there).row(name)


def _quantiles(pair: _Pair) -> Iterator[Quantile]:
    columns = (pair.first, pair.second, pair.second - pair.first)
    for share, values in zip(SHARES, zip(*(np.percentile(c, SHARES) for c in columns), strict=True), strict=True):
        yield Quantile(share, *map(float, values))
