"""Predictions of a whole dataset, scored in one go, by an evaluator that is built already."""

from __future__ import annotations

import numpy as np
from benchsuite_registry.contracts import Evaluator, Measurements, Metric
from benchsuite_registry.poses import PoseBatch

from benchsuite.dataset import Dataset

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
    measured = [evaluator.measure(poses.rows(rows), dataset.target(rows)) for rows in dataset.batches(_BATCH)]
    columns = {name: np.concatenate([batch[name] for batch in measured]) for name in measured[0]}
    return tuple(evaluator.summarise(columns, dataset.labels(slice(0, len(dataset))))), columns
