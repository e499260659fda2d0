"""The headline clip by clip: found in what an evaluator measured, kept in a record, added up again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from benchsuite_registry.contracts import Metric
from numpy.typing import NDArray

from benchsuite.records.results import ClipFigures
from benchsuite.statistics import Average, ClipSums

if TYPE_CHECKING:
    from benchsuite_registry.poses import Labels  # torch, which leaderboards do without

AVERAGES: tuple[Average, ...] = ("frames", "actions")


@dataclass(frozen=True)
class Headline:
    """An evaluator's first metric as a plain mean of samples' figures.

    Attributes:
        name: of the measured column.
        values: (N,) the figure of each sample; NaN where it has none.
        sums: the same, clip by clip.
        average: what it is a mean over.
    """

    name: str
    values: NDArray[np.float64]
    sums: ClipSums
    average: Average


def headline_of(
    metrics: Sequence[Metric], measurements: Mapping[str, NDArray[Any]], labels: Labels, average: object = None
) -> Headline | None:
    """The measured column and the way of averaging that give the first metric; None if none does.

    Args:
        metrics: what the evaluator made of the measurements.
        measurements: of all samples.
        labels: of all samples; takes, or clips where takes are not told, are what is drawn.
        average: what the evaluator's protocol says; tried first, where both ways give the same number.
    """
    clip, action = clusters(labels)
    named = [name for name in (metrics[0].name, *measurements) if name in measurements]
    for name in dict.fromkeys(named):
        column = measurements[name]
        if column.ndim != 1 or column.dtype.kind != "f":
            continue
        sums = ClipSums.of(column, clip, action)
        for way in sorted(AVERAGES, key=lambda way: way != average):
            if np.isclose(sums.over(way, draws=0).value, metrics[0].value, rtol=1e-9, atol=1e-9):
                return Headline(name, column.astype(np.float64, copy=False), sums, way)
    return None


def clusters(labels: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Codes (N,) of the takes, or clips where takes are not told, and of the actions."""
    clip, action = (label.codes.cpu().numpy() for label in (labels.take or labels.clip, labels.action))
    return clip, action


def kept(headline: Headline) -> ClipFigures:
    """``headline`` as a record keeps it."""
    sums = headline.sums
    mean = np.divide(sums.total, sums.count, out=np.zeros_like(sums.total), where=sums.count > 0)
    return ClipFigures(
        headline.average,
        " ".join(f"{m:.7g}" for m in mean),
        " ".join(f"{n:.0f}" for n in sums.count),
        " ".join(map(str, sums.action)),
    )


def sums_of(figures: ClipFigures) -> ClipSums:
    """What a record keeps, added up again.

    Raises:
        ValueError: the lines are not numbers, or not equally many.
    """
    mean, count = (np.array(line.split(), dtype=np.float64) for line in (figures.mean, figures.count))
    action = np.array(figures.action.split(), dtype=np.int64)
    if not len(mean) == len(count) == len(action):
        found = f"{len(mean)}, {len(count)} and {len(action)}"
        raise ValueError(f"clips: wanted a mean, a count and an action of each, found {found}")
    return ClipSums(mean * count, count, action)
