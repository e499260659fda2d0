"""Training pairs, and the augmented filming that makes them from world poses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from benchsuite_registry.poses import Camera
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray
from torch import Tensor

from benchsuite.filming import place_cameras

Array = NDArray[np.floating]

NEAREST_MM = 1200.0
"""No joint comes nearer to a training camera than this."""


class Pairs(NamedTuple):
    """2D and 3D of B people in ``H36M_17``.

    Attributes:
        uv: (B, 17, 2) float32 px.
        xyz: (B, 17, 3) float32 mm, camera frame.
        focal: (B, 2) px.
        center: (B, 2) px.
    """

    uv: Tensor
    xyz: Tensor
    focal: Tensor
    center: Tensor

    @property
    def camera(self) -> Camera:
        """The intrinsics."""
        return Camera(self.focal, self.center)


def varied(rng: np.random.Generator, world: Array) -> Array:
    """Poses (B, 17, 3) mm of other bodies in the same postures: half of them mirrored, the body's size drawn with 6 %
    and each bone's length with 4 % standard deviation, left like right. The feet stay where they were.

    Mirrored poses change sides, so that left stays left.
    """
    mirrored = rng.random(len(world)) < 0.5
    flipped = world[:, list(H36M_17.mirror)] * (-1.0, 1.0, 1.0)
    world = np.where(mirrored[:, None, None], flipped, world)
    size = np.clip(rng.normal(1.0, 0.06, (len(world), 1)), 0.8, 1.2)
    stretch = size * np.clip(rng.normal(1.0, 0.04, world.shape[:2]), 0.88, 1.12)
    for left, right in enumerate(H36M_17.mirror):
        if left < right:
            stretch[:, right] = stretch[:, left]
    body = world.copy()
    for parent, joint in H36M_17.bones:
        body[:, joint] = body[:, parent] + (world[:, joint] - world[:, parent]) * stretch[:, joint, None]
    body[..., 2] += (world[..., 2].min(1) - body[..., 2].min(1))[:, None]
    return body


def filmed(rng: np.random.Generator, world: Array) -> Pairs:
    """Pairs from world poses (B, 17, 3) mm, each seen by a camera of its own.

    The cameras look at a place near the person, as one that films a whole take would, so people stand anywhere in the
    image and 2-8 m away.
    """
    around = world[:, 0] + rng.normal(0.0, 1.0, (len(world), 3)) * (700.0, 700.0, 0.0)
    around[:, 2] = rng.uniform(700.0, 1100.0, len(world))
    cameras = place_cameras(rng, around, height_mm=(900.0, 2200.0))
    xyz = cameras.see(world)
    xyz[..., 2] += np.maximum(0.0, NEAREST_MM - xyz[..., 2].min(1))[:, None]
    uv = cameras.project(xyz)
    parts = (uv, xyz, cameras.focal, cameras.center)
    return Pairs(*(torch.from_numpy(part.astype(np.float32)) for part in parts))
