"""Floors that every lifter should beat: a mean pose, and the nearest training pose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from benchsuite_registry.poses import Frame, KeypointBatch, PoseBatch
from benchsuite_registry.skeletons import H36M_17
from torch import Tensor, nn

from benchsuite.datasets.dataset import open_dataset
from benchsuite.training.course import Stage
from benchsuite.training.pairs import Pairs


class MeanPose(nn.Module):
    """The mean root-relative pose of the training data, whatever the keypoints say."""

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(len(H36M_17), 3))

    def lift(self, keypoints: KeypointBatch) -> PoseBatch:
        """The same pose for every sample."""
        xyz = self.mean.to(keypoints.uv.device).expand(len(keypoints), -1, -1).clone()
        return PoseBatch(xyz, Frame.ROOT, H36M_17, keypoints.ids)


class MeanPoseCourse:
    """Nothing to be trained, only fitted."""

    method = "mean-pose"
    reads: Literal["pairs"] = "pairs"

    def __init__(self) -> None:
        self.network = MeanPose()
        self.architecture: dict[str, Any] = {}

    def fit(self, pairs: Pairs) -> None:
        """Take the mean of the root-relative training poses."""
        self.network.mean.copy_((pairs.xyz - pairs.xyz[:, :1]).double().mean(0))

    def stages(self) -> Sequence[Stage[Pairs]]:
        """None."""
        return ()


class Nearest:
    """The training pose whose 2D, centred at the root and scaled to unit size, lies nearest.

    Args:
        data: dataset folder whose ``train`` split is searched.
        samples: how many of its samples are kept, evenly spread.
    """

    def __init__(self, data: str, samples: int) -> None:
        from sklearn.neighbors import NearestNeighbors

        if not data:
            raise ValueError("lifter nearest: wanted the training data's folder, as in nearest:data=DIR")
        dataset = open_dataset(Path(data), "train", verify=False).head(samples)
        every = slice(0, len(dataset))
        self._poses = dataset.poses(every).in_skeleton(H36M_17).root_relative().xyz
        self._search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(_posture(dataset.keypoints(every)))

    def lift(self, keypoints: KeypointBatch) -> PoseBatch:
        """The nearest training pose of every sample."""
        found = np.empty(0, dtype=np.int64)
        if len(keypoints):
            found = self._search.kneighbors(_posture(keypoints), return_distance=False)[:, 0]
        xyz = self._poses[torch.from_numpy(found)].to(keypoints.uv.device)
        return PoseBatch(xyz, Frame.ROOT, H36M_17, keypoints.ids)


def _posture(keypoints: KeypointBatch) -> np.ndarray[Any, np.dtype[np.float32]]:
    uv, known = keypoints.known_in(H36M_17)
    rays = keypoints.camera.rays(uv)
    rays = torch.where(known[..., None], rays - rays[:, :1], 0.0)
    size = rays.norm(dim=(1, 2), keepdim=True).clamp(min=1e-9)
    found: np.ndarray[Any, np.dtype[np.float32]] = (rays / size).flatten(1).float().cpu().numpy()
    return found
