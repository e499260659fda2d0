"""Pose sets that geosearch is tried on: random ones, and those that were made to be hard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from benchsuite_refiners.columns import Columns
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray

Array = NDArray[np.floating]
FOCAL, CENTER = (1145.0494, 1143.7811), (512.5415, 515.4515)


@dataclass
class Poses:
    """B poses: (B, J, 2) px, (B, J), (B, 2) px, (B, 2) px, (B, J, 3) mm."""

    uv: Array
    visible: NDArray[np.bool_]
    focal: Array
    center: Array
    xyz: Array

    def columns(self) -> Columns:
        """As the search takes them."""
        arrays = (self.uv, self.visible, self.focal, self.center, self.xyz)
        return Columns(*(np.ascontiguousarray(a.reshape(len(a), -1)) for a in arrays))


def people(rng: np.random.Generator, count: int) -> Array:
    """Random kinematic poses in H36M_17, (B, 17, 3) mm, root at 0: bones of human length, any direction."""
    lengths = [132, 442, 454, 132, 442, 454, 233, 257, 121, 115, 151, 278, 251, 151, 278, 251]
    xyz = np.zeros((count, 17, 3))
    for (parent, child), length in zip(H36M_17.bones, lengths, strict=True):
        bone = rng.normal(size=(count, 3))
        xyz[:, child] = xyz[:, parent] + length * bone / np.linalg.norm(bone, axis=1, keepdims=True)
    return xyz


def film(
    xyz: Array,
    root: Array,
    noise: Array | float = 0.0,
    *,
    focal: tuple[float, float] = FOCAL,
    center: tuple[float, float] = CENTER,
    dtype: type = np.float64,
) -> Poses:
    """True poses (B, J, 3) seen at ``root`` (B, 3), and predicted with ``noise`` on every joint but the root."""
    focals, centers = np.tile(focal, (len(xyz), 1)), np.tile(center, (len(xyz), 1))
    placed = xyz + root[:, None]
    uv = placed[..., :2] / placed[..., 2:] * focals[:, None] + centers[:, None]
    predicted = xyz + noise
    predicted = predicted - predicted[:, :1]
    visible = np.ones(xyz.shape[:2], dtype=bool)
    return Poses(*(a.astype(dtype) if a is not visible else a for a in (uv, visible, focals, centers, predicted)))


def _noise(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.normal(0, 35, shape)


def skeletons(rng: np.random.Generator, count: int) -> Poses:
    """Kinematic poses 3-7 m away, predicted with noise and a wrong scale, in float32."""
    xyz = people(rng, count)
    root = rng.uniform((-800, -500, 3000), (800, 500, 7000), (count, 3))
    noise = _noise(rng, xyz.shape) + xyz * rng.normal(0, 0.04, (count, 1, 1))
    return film(xyz, root, noise, dtype=np.float32)


def wild(rng: np.random.Generator, count: int) -> Poses:
    """Uniform joints in float64, a fifth of them invisible."""
    xyz = rng.uniform(-600, 600, (count, 17, 3))
    xyz[:, 0] = 0
    poses = film(xyz, rng.uniform((-800, -500, 3000), (800, 500, 7000), (count, 3)), _noise(rng, xyz.shape))
    poses.visible = rng.random((count, 17)) < 0.8
    return poses


def ties(rng: np.random.Generator, count: int) -> Poses:
    """Exact in binary: the best real depth lies half-way between two millimetres."""
    depth = rng.integers(2900, 7000, (count, 1)) + 0.5
    rays = rng.integers(-512, 512, (count, 17, 2)) / 1024
    rays[:, 0] = 0
    xyz = np.zeros((count, 17, 3))
    xyz[..., :2] = rays * depth[..., None]
    visible = np.arange(17) < np.full((count, 1), 16)  # for an exact mean
    return Poses(rays * 1024.0, visible, np.full((count, 2), 1024.0), np.zeros((count, 2)), xyz)


def pixel_rounded(rng: np.random.Generator, count: int) -> Poses:
    """Keypoints on whole pixels and joints on whole millimetres, as annotations are."""
    xyz = people(rng, count).round()
    poses = film(xyz, np.tile((300, 100, 5000), (count, 1)), _noise(rng, xyz.shape).round(), dtype=np.float32)
    poses.uv = poses.uv.round()
    return poses


def tiny(rng: np.random.Generator, count: int) -> Poses:
    """People of two per cent of their size, far away: hardly a pixel wide."""
    xyz = people(rng, count) * 0.02
    return film(xyz, np.tile((0, 0, 6500), (count, 1)), rng.normal(0, 0.2, xyz.shape), dtype=np.float32)


def too_near(rng: np.random.Generator, count: int) -> Poses:
    """Depths under the range, some of them so low that a joint would be behind the camera."""
    return film(people(rng, count) * 0.1, np.tile((0, 0, 900), (count, 1)), rng.normal(0, 3, (count, 17, 3)))


def too_far(rng: np.random.Generator, count: int) -> Poses:
    """Depths beyond the range."""
    return film(people(rng, count), np.tile((0, 0, 9000), (count, 1)), _noise(rng, (count, 17, 3)))


def coincident(rng: np.random.Generator, count: int) -> Poses:
    """All keypoints in one point."""
    poses = film(people(rng, count), np.tile((0, 0, 5000), (count, 1)))
    poses.uv = np.repeat(poses.uv[:, :1], 17, axis=1)
    return poses


def collinear(rng: np.random.Generator, count: int) -> Poses:
    """All joints on one line of sight but one of the axes."""
    xyz = people(rng, count) * (1, 0, 1)
    return film(xyz, np.tile((0, 0, 4321), (count, 1)), _noise(rng, xyz.shape) * (1, 0, 1))


def perfect(rng: np.random.Generator, count: int) -> Poses:
    """Predictions without error: the quartic's cubic has a triple root."""
    return film(people(rng, count), rng.integers((-800, -500, 3000), (800, 500, 7000), (count, 3)))


def nearly_perfect(rng: np.random.Generator, count: int) -> Poses:
    """Errors of fractions of a millimetre seen at a wide angle: the quartic is far from a parabola between depths."""
    noise = rng.normal(0, 0.3, (count, 17, 3))
    return film(people(rng, count), np.tile((0, 0, 3000), (count, 1)), noise, focal=(300.0, 300.0))


def mirrored(rng: np.random.Generator, count: int, sign: tuple[int, int, int] = (-1, 1, 1)) -> Poses:
    """Predictions mirrored against their keypoints."""
    poses = film(people(rng, count), np.tile((200, 0, 4000), (count, 1)), _noise(rng, (count, 17, 3)))
    poses.xyz = poses.xyz * sign
    return poses


def close_up(rng: np.random.Generator, count: int) -> Poses:
    """So near, and so wrong, that joints would stand behind the camera."""
    xyz = people(rng, count)
    poses = film(xyz, np.tile((0, 0, 2500), (count, 1)), _noise(rng, xyz.shape))
    poses.xyz[..., 2] *= 3
    return poses


def broken(rng: np.random.Generator, count: int) -> Poses:
    """Half of the samples broken in one way or another, for masks and flags."""
    poses = skeletons(rng, count)
    poses.visible = rng.random((count, 17)) < rng.choice([0.1, 0.5, 0.9], (count, 1))
    poses.uv[rng.random((count, 17)) < 0.05] = np.nan
    poses.xyz[rng.random((count, 17)) < 0.05] = np.inf
    return poses


Maker = Callable[[np.random.Generator, int], Poses]
MIRRORED: list[Maker] = [partial(mirrored, sign=sign) for sign in ((-1, 1, 1), (-1, -1, 1), (1, 1, -1), (-1, -1, -1))]
ADVERSARIAL: list[Maker] = [
    *(ties, pixel_rounded, tiny, too_near, too_far, coincident, collinear, perfect, nearly_perfect, close_up, broken),
    *MIRRORED,
]
