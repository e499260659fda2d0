"""What a paired comparison of two methods shows, in numbers and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from benchsuite_registry.contracts import Scalar

from benchsuite.statistics import Average, Estimate


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
class Headlines:
    """Two methods' headlines, paired. Differences are the second's figure less the first's.

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
        left_out: how many others there are.
        overall: the headline.
        pooled: the same as a mean over all frames.
        told_over: whose difference is told: that over frames where an action has too few takes to draw.
        detectable: how large a true difference would have to be to show in four of five such test sets.
    """

    first: str
    second: str
    dataset: str
    figure: str
    unit: str
    better: Literal["lower", "higher"]
    average: Average
    protocol: Mapping[str, Scalar]
    samples: int
    left_out: int
    overall: Row
    pooled: Row
    told_over: Average
    detectable: float | None

    @property
    def told(self) -> Row:
        """The row whose difference is told."""
        return self.overall if self.told_over == self.average else self.pooled

    @property
    def verdict(self) -> str:
        """What the difference that is told says, in words."""
        why = "" if self.told_over == self.average else "There is an action of a single take, so over frames: "
        return why + verdict(self.told.difference, self.first, self.second, self.unit, self.better)


@dataclass(frozen=True)
class Comparison(Headlines):
    """What a comparison pose by pose shows beyond the headlines.

    Attributes:
        actions: the headline, action by action, over frames.
        joints: error of each joint, mm, poses moved to their roots and no further.
        worse: share of the poses that the second makes worse, %.
        improved: share of those that it makes better, %.
        oracle: what picking the better of the two for each pose would score.
        headroom: how much better that is than the better of the two.
        quantiles: of the samples' figures.
    """

    actions: tuple[Row, ...]
    joints: tuple[Row, ...]
    worse: Estimate
    improved: Estimate
    oracle: Estimate
    headroom: Estimate
    quantiles: tuple[Quantile, ...]


def verdict(difference: Estimate, first: str, second: str, unit: str, better: str) -> str:
    """What a difference, ``second`` less ``first``, says in words."""
    low, high = difference.low, difference.high
    if low is None or high is None:
        return "There are too few takes to say whether the difference would show on others."
    if not difference.leaves_out_zero:
        by = f"{difference.value:+.2f} {unit} [{low:+.2f}, {high:+.2f}]"
        return f"The two cannot be told apart: {second} less {first} is {by}."
    least, most = sorted((abs(low), abs(high)))
    ahead = second if (difference.value < 0) == (better == "lower") else first
    return f"{ahead} is better by {abs(difference.value):.2f} {unit} [{least:.2f}, {most:.2f}]."
