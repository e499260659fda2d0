"""A temporal lifter: each pose from the keypoints of the frames around it, by ridge regression."""

from __future__ import annotations

from pathlib import Path

import torch
from benchsuite_registry.checkpoints import load_checkpoint, save_checkpoint
from benchsuite_registry.poses import Frame, KeypointBatch, PoseBatch
from benchsuite_registry.skeletons import H36M_17
from torch import Tensor

from benchsuite.datasets.dataset import open_dataset


class Window:
    """Lifts whole clips; at a clip's ends the first or last frame stands for those that are not there.

    Args:
        weights: a file that ``train`` wrote.

    Raises:
        ValueError: no weights are given.
    """

    def __init__(self, weights: str) -> None:
        if not weights:
            raise ValueError("lifter window: wanted weights=FILE, written by benchsuite_example.window.train")
        tensors, about = load_checkpoint(Path(weights), "window")
        self.matrix = tensors["matrix"]
        self.frames: int = about["frames"]

    def lift(self, keypoints: KeypointBatch) -> PoseBatch:
        """Poses of one clip's frames."""
        xyz = windows(keypoints, self.frames) @ self.matrix
        poses = PoseBatch(xyz.view(-1, len(H36M_17), 3), Frame.ROOT, H36M_17, keypoints.ids)
        return poses.root_relative()


def windows(keypoints: KeypointBatch, frames: int) -> Tensor:
    """What the regression sees of a clip's T frames: (T, 34 ``frames`` + 1), rays relative to the root's, unitless."""
    columns = [keypoints.skeleton.index(joint) for joint in H36M_17.joints]
    rays = keypoints.camera.rays(keypoints.uv)[:, columns]
    seen = (keypoints.visible & keypoints.uv.isfinite().all(-1))[:, columns, None]
    middle = torch.where(seen, rays, 0.0).sum(1, keepdim=True) / seen.sum(1, keepdim=True).clamp(min=1)
    rays = torch.where(seen, rays, middle)
    relative = (rays - rays[:, :1]).flatten(1)
    there = torch.arange(len(relative))[:, None] + torch.arange(frames) - frames // 2
    around = relative[there.clamp(0, len(relative) - 1)].flatten(1)
    return torch.cat((around, torch.ones_like(around[:, :1])), dim=1)


def train(data: Path, out: Path, *, frames: int, noise_px: float = 0.0, seed: int = 0, ridge: float = 1e-3) -> None:
    """Fit the regression to the ``train`` split of a dataset folder, its keypoints made noisy, and write the weights.

    Args:
        data: dataset folder in ``H36M_17``.
        out: the ``.safetensors`` file to write.
        frames: of the window, odd.
        noise_px: standard deviation of the noise.
        seed: of the noise.
        ridge: what is added to the mean square of each input, unitless.
    """
    dataset = open_dataset(data, "train", verify=False)
    drawn = torch.Generator().manual_seed(seed)
    inputs, truth = [], []
    for rows in dataset.batches(0, whole_clips=True):
        keypoints = dataset.keypoints(rows)
        keypoints.uv.add_(noise_px * torch.randn(keypoints.uv.shape, generator=drawn))
        inputs.append(windows(keypoints, frames))
        truth.append(dataset.poses(rows).root_relative().xyz.flatten(1))
    x, y = torch.cat(inputs).double(), torch.cat(truth).double()
    scale = x.square().mean(0).sqrt().clamp(min=1e-9)
    x = x / scale
    normal = x.T @ x / len(x) + ridge * torch.eye(x.shape[1], dtype=x.dtype)
    matrix = torch.linalg.solve(normal, x.T @ y / len(x)) / scale[:, None]
    about = {"method": "window", "frames": frames, "noise_px": noise_px, "seed": seed, "recipe": f"{frames} frames"}
    save_checkpoint(out, {"matrix": matrix.float()}, about)
