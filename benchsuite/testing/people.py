"""What components under test are given: made-up people, seen by virtual cameras, and pictures of them."""

from __future__ import annotations

import atexit
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from benchsuite_registry.poses import Camera, Frame, ImageBatch, KeypointBatch, PoseBatch, shifted_right
from benchsuite_registry.skeletons import Skeleton
from torch import Tensor

from benchsuite.datasets.dataset import Dataset, in_memory, write_dataset
from benchsuite.images.crops import CONTEXT
from benchsuite.synthetic.source import synthetic_dataset

CLIPS, FRAMES = 28, 9
"""Every action four times: twice among the training clips, twice among the test clips."""

SAMPLES, PICTURES = 12, 2
"""How many a component that takes single samples, or pictures, is given at once."""

_BACKGROUND, _THICKNESS = 0.2, 1 / 40


@cache
def people() -> Dataset:
    """Clips of both splits, with the columns that evaluators may need."""
    drawn = synthetic_dataset(clips=CLIPS, frames=FRAMES)
    clips = tuple(
        replace(clip, split=("train", "test")[k // 7 % 2], take=clip.name) for k, clip in enumerate(drawn.clips)
    )
    uv = drawn.columns["uv"]
    head = np.linalg.norm(uv[:, drawn.skeleton.index("head_top")] - uv[:, drawn.skeleton.index("thorax")], axis=-1)
    columns = {
        **drawn.columns,
        "box": np.concatenate((uv.min(1), uv.max(1)), axis=1),
        "size": np.full((len(drawn), 2), 1000, np.int32),
        "head": head.astype(np.float32),
    }
    return in_memory(replace(drawn.about, split=""), columns, clips, drawn.fingerprint)


def each(clip: int) -> slice:
    """Rows of one clip."""
    return slice(clip * FRAMES, (clip + 1) * FRAMES)


def spread(first: int, count: int = SAMPLES) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Rows of ``count`` different clips, each frame ``first`` of its clip."""
    return np.arange(count) * 2 * FRAMES + first


@cache
def folder() -> Path:
    """A dataset folder with the splits ``train`` and ``test``; gone when the process ends."""
    place = TemporaryDirectory(prefix="benchsuite-trial-")
    atexit.register(place.cleanup)
    for split in ("train", "test"):
        drawn = synthetic_dataset(clips=CLIPS, frames=FRAMES, split=split)
        write_dataset(Path(place.name) / split, drawn.about, drawn.columns, drawn.clips)
    return Path(place.name)


def predicted(xyz: Tensor, keypoints: KeypointBatch, delta_x_mm: float) -> PoseBatch:
    """Camera-frame points (B, J, 3) mm as a prediction that says all that one can say.

    Args:
        xyz: the points.
        keypoints: of the same samples.
        delta_x_mm: shift of the right view.
    """
    right = keypoints.camera.project(shifted_right(xyz, delta_x_mm))
    found = keypoints.camera.project(xyz)
    return PoseBatch(xyz, Frame.CAMERA, keypoints.skeleton, keypoints.ids, right, found).root_relative()


def noise(shape: torch.Size, spread_mm: float, seed: int = 0) -> Tensor:
    """Normal noise, mm; of one seed it only grows with ``spread_mm``."""
    return spread_mm * torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def renamed(skeleton: Skeleton) -> tuple[Skeleton, list[int]]:
    """A skeleton of the same joints in another order, parents first, and the columns that are read into it."""
    order, waiting = [], [j for j, parent in enumerate(skeleton.parents) if parent < 0]
    while waiting:
        joint = waiting.pop()
        order.append(joint)
        waiting += [child for child, parent in enumerate(skeleton.parents) if parent == joint]
    joints = tuple(skeleton.joints[j] for j in order)
    parents = tuple(order.index(p) if (p := skeleton.parents[j]) >= 0 else -1 for j in order)
    return Skeleton(f"{skeleton.name} in another order", joints, parents, skeleton.root), order


def reordered(keypoints: KeypointBatch) -> KeypointBatch:
    """The same keypoints in another order of joints."""
    skeleton, order = renamed(keypoints.skeleton)
    return replace(keypoints, uv=keypoints.uv[:, order], visible=keypoints.visible[:, order], skeleton=skeleton)


def pictures(keypoints: KeypointBatch, size: int) -> ImageBatch:
    """Square crops of stick figures, ``size`` px wide, each limb of a colour of its own."""
    low, high = keypoints.uv.amin(1), keypoints.uv.amax(1)
    side = CONTEXT * (high - low).amax(1)
    scale = (size / side)[:, None]
    corner = (low + high - side[:, None]) / 2
    camera = Camera(keypoints.camera.focal * scale, (keypoints.camera.center - corner) * scale)
    uv = (keypoints.uv - corner[:, None]) * scale[:, None]
    rgb = torch.full((len(keypoints), 3, size, size), _BACKGROUND)
    rows, columns = torch.meshgrid(torch.arange(size) + 0.5, torch.arange(size) + 0.5, indexing="ij")
    pixels = torch.stack((columns, rows), dim=-1)
    for number, (parent, child) in enumerate(keypoints.skeleton.bones):
        start, along = uv[:, parent, None, None], (uv[:, child] - uv[:, parent])[:, None, None]
        share = ((pixels - start) * along).sum(-1, keepdim=True) / along.square().sum(-1, keepdim=True).clamp(min=1e-6)
        off = (pixels - start - share.clamp(0, 1) * along).norm(dim=-1)
        colour = torch.tensor([(number * k % 16) / 15 for k in (3, 5, 7)]).view(1, 3, 1, 1)
        rgb = torch.where((off < size * _THICKNESS)[:, None], colour, rgb)
    return ImageBatch(rgb, camera, keypoints.ids)
