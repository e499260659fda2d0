"""Predictions of a whole dataset, scored in one go, by an evaluator that is built already."""

from __future__ import annotations

from benchsuite_registry.contracts import Evaluator, Measurements, Metric
from benchsuite_registry.poses import PoseBatch

from benchsuite.datasets.dataset import Dataset
from benchsuite.datasets.long_columns import Gathered, labels_of

_BATCH = 4096


def scored(evaluator: Evaluator, poses: PoseBatch, dataset: Dataset) -> tuple[tuple[Metric, ...], Measurements]:
    """The metrics, and the figures of all samples.

    Args:
        evaluator: who scores.
        poses: of all samples of ``dataset``, in its order.
        dataset: of the truth.

    Raises:
        ValueError: the evaluator refuses the predictions.
    """
    gathered = Gathered(len(dataset))
    for rows in dataset.batches(_BATCH):
        gathered.add(evaluator.measure(poses.rows(rows), dataset.target(rows)))
    columns = gathered.columns()
    return tuple(evaluator.summarise(columns, labels_of(dataset))), columns
