"""Which poses of a pass may turn out the worst; see ``benchsuite.records.worst`` for what is kept of them."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from benchsuite_registry.contracts import Measurements, Metric
from benchsuite_registry.poses import PoseBatch
from numpy.typing import NDArray
from torch import Tensor

from benchsuite.datasets.dataset import Dataset
from benchsuite.records.clip_figures import Headline
from benchsuite.records.worst import COUNT, Worst, WorstSample


class Candidates:
    """Predictions that may turn out the worst, while a dataset streams through.

    Which column of figures is the headline's, and which way it is better, is known at the end alone; so both ends of
    all are kept, which is little. Of each clip only the worst frame counts: its neighbours would show the same thing.
    """

    def __init__(self) -> None:
        self._ends: dict[tuple[str, int], tuple[NDArray[np.floating], PoseBatch]] = {}

    def offer(self, figures: Measurements, poses: PoseBatch, dataset: Dataset) -> None:
        """Keep what of a batch may be among the worst.

        Args:
            figures: of the batch's samples.
            poses: their predictions.
            dataset: that they are rows of.
        """
        clip = dataset.columns["clip"]
        for name, figure in figures.items():
            column = np.asarray(figure)
            if column.ndim == 1 and column.dtype.kind == "f":
                for sign in (1, -1):
                    self._keep((name, sign), column, poses, clip)

    def _keep(
        self, key: tuple[str, int], column: NDArray[np.floating], poses: PoseBatch, clip: NDArray[np.integer]
    ) -> None:
        if key in self._ends:
            earlier, kept = self._ends[key]
            if len(earlier) == COUNT and not (key[1] * column > key[1] * earlier[-1]).any():
                return
        picked = _most(key[1] * column, clip[poses.ids.numpy(force=True)])
        values, some = column[picked], _rows(poses, picked)
        if key in self._ends:
            values, some = np.concatenate((earlier, values)), _joined((kept, some))
            picked = _most(key[1] * values, clip[some.ids.numpy()])
            values, some = values[picked], _rows(some, picked)
        self._ends[key] = values, some

    def worst(self, metric: Metric, headline: Headline, dataset: Dataset) -> Worst | None:
        """The worst by a pass's headline; None where the truth is not 3D, or a pose has no root.

        Args:
            metric: the headline.
            headline: its figure of each sample.
            dataset: that was scored.
        """
        if "xyz" not in dataset.columns:
            return None
        sign = 1 if metric.better == "lower" else -1
        values, poses = self._ends[headline.name, sign]
        rows, shape = poses.ids.numpy(), dataset.skeleton
        target = dataset.target(rows)
        try:
            xyz, true = poses.root_relative().in_skeleton(shape).xyz, target.poses.root_relative().xyz
        except KeyError:
            return None
        labels, frame = target.labels, dataset.columns["frame"][rows]
        samples = tuple(
            WorstSample(
                int(row),
                labels.clip.names[labels.clip.codes[k]],
                int(frame[k]),
                labels.action.names[labels.action.codes[k]],
                float(values[k]),
                _whole_mm(xyz[k]),
                _whole_mm(true[k]),
            )
            for k, row in enumerate(rows)
        )
        return Worst(metric.name, metric.unit, metric.better, shape.joints, shape.parents, samples)


def _most(column: NDArray[np.floating], clip: NDArray[np.integer]) -> NDArray[np.intp]:
    """Rows of the ``COUNT`` highest finite numbers, one a clip, highest first; of equals the earlier.

    The others have no place: they say that a figure is undefined, not how wrong a pose is.
    """
    finite = np.isfinite(column)
    order: NDArray[np.intp] = np.argsort(np.where(finite, -column, np.inf), kind="stable")[: finite.sum()]
    _, first = np.unique(clip[order], return_index=True)
    rows: NDArray[np.intp] = order[np.sort(first)[:COUNT]]
    return rows


def _rows(poses: PoseBatch, rows: NDArray[np.intp]) -> PoseBatch:
    return replace(poses, right_uv=None, uv=None).rows(torch.from_numpy(rows).to(poses.xyz.device)).to("cpu")


def _joined(parts: list[PoseBatch] | tuple[PoseBatch, ...]) -> PoseBatch:
    return replace(parts[0], xyz=torch.cat([p.xyz for p in parts]), ids=torch.cat([p.ids for p in parts]))


def _whole_mm(xyz: Tensor) -> str:
    return " ".join(f"{v:z.0f}" if math.isfinite(v) else "nan" for v in xyz.flatten().tolist())
