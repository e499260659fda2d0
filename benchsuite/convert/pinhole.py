"""A pinhole's intrinsics, and how to find them from points and their pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Pinhole:
    """Intrinsics of one camera.

    Attributes:
        focal: (2,) px.
        center: (2,) px.
    """

    focal: Array
    center: Array

    def __str__(self) -> str:
        return f"f {self.focal[0]:.1f}, {self.focal[1]:.1f}; c {self.center[0]:.1f}, {self.center[1]:.1f} px"

    def project(self, points: NDArray[np.floating]) -> Array:
        """Pixels (..., 2) of camera-frame points (..., 3) mm. Source: Eq. (1), Sec. 3.2."""
        pixels: Array = points[..., :2] / points[..., 2:] * self.focal + self.center
        return pixels

    def error_px(self, points: NDArray[np.floating], uv: NDArray[np.floating]) -> float:
        """Root mean square distance of the projected points (..., 3) mm from the pixels (..., 2)."""
        return float(np.sqrt(np.nanmean(((self.project(points) - uv) ** 2).sum(axis=-1))))


def fitted_pinhole(points: NDArray[np.floating], uv: NDArray[np.floating]) -> Pinhole:
    """The pinhole that projects camera-frame points (..., 3) mm nearest to pixels (..., 2) by least squares."""
    rays, pixels = (points[..., :2] / points[..., 2:]).reshape(-1, 2), uv.reshape(-1, 2)
    known = np.isfinite(rays).all(axis=1) & np.isfinite(pixels).all(axis=1)
    lines = [
        np.linalg.lstsq(np.column_stack((rays[known, side], np.ones(known.sum()))), pixels[known, side], rcond=None)[0]
        for side in (0, 1)
    ]
    focal, center = np.stack(lines, axis=1)
    return Pinhole(focal, center)
