"""Two methods on the same samples: how much the second changes, where, and for how many poses to the worse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from benchsuite_registry.contracts import Evaluator, Metric, Scalar
from benchsuite_registry.poses import Labels, PoseBatch
from numpy.typing import NDArray

from benchsuite.clip_figures import Headline, clusters, headline_of, sums_of
from benchsuite.dataset import Dataset
from benchsuite.fingerprints import check_alike, named
from benchsuite.metrics import joint_errors
from benchsuite.pipeline import protocol_of
from benchsuite.results import Record
from benchsuite.scoring import scored
from benchsuite.statistics import ClipSums, Estimate, drawn_together, paired

Array = NDArray[np.float64]

SHARES = (5, 10, 25, 50, 75, 90, 95, 99)
"""Quantiles of the samples' figures that are told, %."""


class CannotCompare(ValueError):
    """Two predictions cannot be compared as was asked; says why."""


@dataclass(frozen=True)
class Row:
    """Both methods on a part of the samples or of the body.

    Attributes:
        name: of the action or the joint; empty for all.
        first: mean of the first method.
        second: mean of the second.
        difference: second less first, paired, with its 95 % interval.
    """

    name: str
    first: float
    second: float
    difference: Estimate


@dataclass(frozen=True)
class Quantile:
    """How the samples' figures are spread.

    Attributes:
        share: % of the samples that lie below.
        first: quantile of the first method's figures.
        second: of the second's.
        difference: of the samples' differences, second less first.
    """

    share: int
    first: float
    second: float
    difference: float


@dataclass(frozen=True)
class Comparison:
    """What a paired comparison shows. Differences are the second's figure less the first's.

    Attributes:
        first: name of one method.
        second: name of the other.
        dataset: name of what both predicted.
        figure: the evaluator's headline.
        unit: of it.
        better: which way is better.
        average: what the overall means are over, ``actions`` or ``frames``.
        protocol: of the evaluator on this dataset.
        samples: how many both have a figure of; only these are compared.
        left_out: how many one of them lacks.
        overall: the headline.
        pooled: the same as a mean over all frames.
        detectable: how large a true difference would have to be to show in four of five such test sets.
        actions: the headline, action by action, over frames.
        joints: error of each joint, mm, poses moved to their roots and no further.
        worse: share of the poses that the second makes worse, %.
        improved: share of those that it makes better, %.
        oracle: what picking the better of the two for each pose would score.
        headroom: how much better that is than the better of the two.
        quantiles: of the samples' figures.
    """

    first: str
    second: str
    dataset: str
    figure: str
    unit: str
    better: Literal["lower", "higher"]
    average: Literal["actions", "frames"]
    protocol: Mapping[str, Scalar]
    samples: int
    left_out: int
    overall: Row
    pooled: Row
    detectable: float | None
    actions: tuple[Row, ...]
    joints: tuple[Row, ...]
    worse: Estimate
    improved: Estimate
    oracle: Estimate
    headroom: Estimate
    quantiles: tuple[Quantile, ...]

    @property
    def verdict(self) -> str:
        """What the overall difference says, in words; that over frames where actions have too few clips to draw."""
        told = (self.first, self.second, self.unit, self.better)
        if self.overall.difference.low is None and self.pooled.difference.low is not None:
            return f"There is an action of a single clip, so over frames: {verdict(self.pooled.difference, *told)}"
        return verdict(self.overall.difference, *told)


def verdict(difference: Estimate, first: str, second: str, unit: str, better: str) -> str:
    """What a difference, ``second`` less ``first``, says in words."""
    low, high = difference.low, difference.high
    if low is None or high is None:
        return "There are too few clips to say whether the difference would show on others."
    if not difference.leaves_out_zero:
        by = f"{difference.value:+.2f} {unit} [{low:+.2f}, {high:+.2f}]"
        return f"The two cannot be told apart: {second} less {first} is {by}."
    least, most = sorted((abs(low), abs(high)))
    ahead = second if (difference.value < 0) == (better == "lower") else first
    return f"{ahead} is better by {abs(difference.value):.2f} {unit} [{least:.2f}, {most:.2f}]."


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
        draws: how many sets of clips are drawn; 0 for no intervals.

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
    overall = pair.row("", one.average)
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
        pooled=pair.row(""),
        detectable=overall.difference.detectable,
        actions=tuple(pair.of(action == k).row(labels.action.names[k] or "all") for k in np.unique(action)),
        joints=tuple(_joints(first[1], second[1], dataset, draws)),
        worse=pair.mean(np.where(worse, 100.0, 0.0)),
        improved=pair.mean(np.where(improved, 100.0, 0.0)),
        oracle=pair.mean(best, one.average),
        headroom=pair.mean(np.abs(ahead - best), one.average),
        quantiles=tuple(_quantiles(pair)),
    )


def compare_records(first: Record, second: Record, *, draws: int = 1000) -> Row:
    """The headlines of two records and their paired difference, from the clips that the records keep.

    Raises:
        CannotCompare: one of them keeps no clips.
        MixedProtocols: their fingerprints differ; names the fields.
    """
    check_alike([first, second])
    sums = []
    for record in (first, second):
        if record.clips is None:
            raise CannotCompare(f"{named(record)} keeps no figures of its clips; measure it again")
        sums.append(sums_of(record.clips))
    over_actions = first.clips is not None and first.clips.average == "actions"
    drawn = drawn_together(sums, over_actions=over_actions, draws=draws)
    means = [(s.over_actions if over_actions else s.over_frames)(draws=0) for s in sums]
    differences = None if drawn is None else drawn[:, 1] - drawn[:, 0]
    difference = Estimate.drawn(means[1].value - means[0].value, min(m.n for m in means), differences)
    return Row("", means[0].value, means[1].value, difference)


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

    def mean(self, values: Array, average: str = "frames") -> Estimate:
        return _mean(ClipSums.of(values, self.clip, self.action), average, self.draws)

    def row(self, name: str, average: str = "frames") -> Row:
        first, second = (
            _mean(ClipSums.of(values, self.clip, self.action), average, 0).value for values in (self.first, self.second)
        )
        difference = paired(self.second, self.first, self.clip, self.action)
        return Row(name, first, second, _mean(difference, average, self.draws))


def _mean(sums: ClipSums, average: str, draws: int) -> Estimate:
    return sums.over_actions(draws=draws) if average == "actions" else sums.over_frames(draws=draws)


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
