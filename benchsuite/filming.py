"""Virtual cameras: world poses filmed the way Human3.6M was.

The world frame is right-handed with Z up, in mm, the floor at z = 0. The camera frame has X to the
right, Y down and Z forward.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

H36M_FOCAL = np.array(
    [
        (1145.0494384765625, 1143.7811279296875),
        (1149.6756591796875, 1147.5916748046875),
        (1149.1407470703125, 1148.7989501953125),
        (1145.5113525390625, 1144.77392578125),
    ]
)
"""fx, fy in px of Human3.6M's cameras 54138969, 55011271, 58860488, 60457274."""

H36M_CENTER = np.array(
    [
        (512.54150390625, 515.4514770507812),
        (508.8486328125, 508.0649108886719),
        (519.8158569335938, 501.40264892578125),
        (514.9682006835938, 501.88201904296875),
    ]
)
"""cx, cy in px of the same cameras."""

MIN_DISTANCE_MM, MAX_DISTANCE_MM = 3000.0, 7000.0
HUMAN_HEIGHTS_MM = (1200.0, 1900.0)


@dataclass(frozen=True)
class VirtualCameras:
    """C placed cameras, seeing world points as ``rotation @ (world - position)``.

    Attributes:
        rotation: (C, 3, 3), rows are the camera's axes in the world, det = +1.
        position: (C, 3) mm, world.
        focal: (C, 2) px.
        center: (C, 2) px.
    """

    rotation: Array
    position: Array
    focal: Array
    center: Array

    def __len__(self) -> int:
        return len(self.rotation)

    def only(self, number: int) -> VirtualCameras:
        """Camera ``number`` alone."""
        one = slice(number, number + 1)
        return VirtualCameras(self.rotation[one], self.position[one], self.focal[one], self.center[one])

    def see(self, world: NDArray[np.floating]) -> Array:
        """Camera-frame points of each camera.

        Args:
            world: (C, ..., 3) mm, world frame; the first axis goes along the cameras.

        Returns:
            (C, ..., 3) mm, camera frame.
        """
        shape = (len(self),) + (1,) * (world.ndim - 2) + (3,)
        flat = (world - self.position.reshape(shape)).reshape(len(self), -1, 3)
        return (flat @ self.rotation.transpose(0, 2, 1)).reshape(world.shape)

    def project(self, points: NDArray[np.floating]) -> Array:
        """Pixels (C, ..., 2) of camera-frame points (C, ..., 3) mm. Source: Eq. (1), Sec. 3.2."""
        shape = (len(self),) + (1,) * (points.ndim - 2) + (2,)
        pixels: Array = points[..., :2] / points[..., 2:] * self.focal.reshape(shape) + self.center.reshape(shape)
        return pixels


def place_cameras(
    rng: np.random.Generator,
    target: NDArray[np.floating],
    *,
    headings: NDArray[np.floating] | None = None,
    aim_spread_mm: float = 300.0,
    height_mm: tuple[float, float] = HUMAN_HEIGHTS_MM,
) -> VirtualCameras:
    """Cameras with Human3.6M's intrinsics around people, one per row of ``target``.

    Each stands 3-7 m from its target and at a person's height above the floor, level but for looking at the
    target give or take ``aim_spread_mm``, as a person who films would hold it.

    Args:
        rng: where all choices come from.
        target: (C, 3) mm, world, the point each camera looks at.
        headings: (C,) rad, from which side each looks; drawn evenly if not given.
        aim_spread_mm: standard deviation of where the camera really looks.
        height_mm: lowest and highest camera.
    """
    count = len(target)
    if headings is None:
        headings = rng.uniform(-np.pi, np.pi, count)
    distance = rng.uniform(MIN_DISTANCE_MM, MAX_DISTANCE_MM, count)
    height = rng.uniform(*height_mm, count)
    aim = target + rng.normal(0.0, aim_spread_mm, (count, 3)) * (1.0, 1.0, 0.5)
    offset = np.stack((np.cos(headings), np.sin(headings)), axis=1) * distance[:, None]
    position = np.column_stack((target[:, :2] + offset, height))
    model = rng.integers(0, len(H36M_FOCAL), count)
    return VirtualCameras(look_at(position, aim), position, H36M_FOCAL[model], H36M_CENTER[model])


def look_at(position: Array, aim: NDArray[np.floating]) -> Array:
    """World-to-camera rotations (C, 3, 3) of level cameras at ``position`` that look at ``aim``.

    Args:
        position: (C, 3) mm, world.
        aim: (C, 3) mm, world.
    """
    forward = aim - position
    forward /= np.linalg.norm(forward, axis=1, keepdims=True)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    return np.stack((right, np.cross(forward, right), forward), axis=1)
