"""Human3.6M's 28 cameras: where they stood for each subject, their intrinsics, and their lenses.

The lens is not OpenCV's: the tangential pair (p1, p2) enters as ``ray * (p1 x + p2 y) + r² (p1, p2)``. Human3.6M's own
files list the pair the other way round.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.filming import H36M_CENTER, H36M_FOCAL

Array = NDArray[np.float64]

CAMERAS = ("54138969", "55011271", "58860488", "60457274")

_SIZE = ((1000, 1002), (1000, 1000), (1000, 1000), (1000, 1002))
_RADIAL = (
    (-0.207098916, 0.247775182, -0.00307515031),
    (-0.194213629, 0.24040854, 0.00681997556),
    (-0.208338186, 0.255488008, -0.00246049743),
    (-0.198384091, 0.218323678, -0.00894780736),
)
_TANGENTIAL = (
    (-0.000975698873, -0.00142447161),
    (-0.00161902665, -0.00274089444),
    (0.00148438697, -0.000759999326),
    (-0.000587205577, -0.001813362),
)
_PLACES = """
S1 54138969 0.140705645 -0.150070176 -0.755240798 0.622328043 1841.10706 4955.28467 1563.44543
S1 55011271 0.615718782 -0.764836311 -0.148338258 0.117947407 1761.27856 -5078.00684 1606.26501
S1 58860488 0.146514729 -0.146478519 0.76530236 -0.609417558 -1846.77771 5215.04639 1491.97241
S1 60457274 0.583400846 -0.785316229 0.145488232 -0.14749594 -1794.78967 -3722.69897 1574.8927
S5 54138969 0.146737725 -0.162370965 -0.7551893 0.617893875 2097.3916 4880.94482 1605.73242
S5 55011271 0.615975857 -0.762679219 -0.15728192 0.118981503 2031.70081 -5167.93311 1612.9231
S5 58860488 0.142913714 -0.129078418 0.767838478 -0.611014307 -1620.59485 5171.65869 1496.43701
S5 60457274 0.592047989 -0.781421781 0.127474859 -0.150364175 -1637.17371 -3867.31738 1547.0332
S6 54138969 0.133789778 -0.156923965 -0.757109046 0.619887948 1935.45178 4950.24561 1618.08386
S6 55011271 0.614719748 -0.762881279 -0.161747679 0.118192449 1969.80396 -5128.73877 1632.77881
S6 58860488 0.152994812 -0.135291308 0.764609635 -0.611278117 -1769.59644 5185.36133 1476.99341
S6 60457274 0.591610134 -0.780477405 0.128322706 -0.156159386 -1721.6687 -3884.13135 1540.48792
S7 54138969 0.143524185 -0.163133681 -0.754832864 0.618882477 1974.51294 4926.35449 1597.83264
S7 55011271 0.614167273 -0.763826251 -0.159664556 0.117792994 1937.05847 -5119.79004 1631.56653
S7 58860488 0.1455006 -0.128748164 0.76605165 -0.612713933 -1741.81116 5208.24951 1464.82458
S7 60457274 0.591284811 -0.782176435 0.124454737 -0.151964873 -1734.71057 -3832.42139 1548.58301
S8 54138969 0.141105875 -0.155898675 -0.75619173 0.619644046 2150.65186 4896.16113 1611.90466
S8 55011271 0.616960168 -0.764766812 -0.148463503 0.111581579 2219.96558 -5148.45312 1613.04407
S8 58860488 0.147144407 -0.133771196 0.767012835 -0.610036969 -1571.22156 5137.01855 1498.17615
S8 60457274 0.592782438 -0.782587051 0.121478163 -0.146319956 -1476.91333 -3896.74121 1547.97217
S9 54138969 0.155405879 -0.155482158 -0.753209531 0.619959474 2044.4585 4935.11719 1481.22754
S9 55011271 0.618784487 -0.763473511 -0.141322389 0.119339682 1990.95972 -5123.81055 1568.80481
S9 58860488 0.133578271 -0.136710048 0.768945456 -0.610073864 -1670.99219 5211.98584 1528.38794
S9 60457274 0.587939918 -0.782340705 0.142761439 -0.147948697 -1696.04346 -3827.09985 1591.41272
S11 54138969 0.152324721 -0.154423207 -0.754756331 0.619107008 2098.44019 4926.55469 1500.27856
S11 55011271 0.618944943 -0.760091722 -0.15300633 0.125525832 2083.18237 -4912.17285 1561.07861
S11 58860488 0.149432287 -0.156502277 0.768123388 -0.602630436 -1609.81531 5177.33594 1537.89673
S11 60457274 0.589425147 -0.78188771 0.139912114 -0.147153616 -1590.73804 -3854.16895 1578.01758
"""
"""Subject, camera, unit quaternion (w x y z) from the camera's axes to the world's, and its place in the world, mm.
As listed in facebookresearch/VideoPose3D, common/h36m_dataset.py."""


@dataclass(frozen=True, eq=False)
class H36MCamera:
    """One camera as it stood for one subject.

    Attributes:
        name: Human3.6M's number of it.
        rotation: (3, 3) world to camera, det +1.
        position: (3,) mm, world, Z up.
        focal: (2,) px.
        center: (2,) px.
        radial: (3,) k1, k2, k3.
        tangential: (2,) p1, p2 in the order of this module's formula.
        size: width and height of its images, px.
    """

    name: str
    rotation: Array
    position: Array
    focal: Array
    center: Array
    radial: Array
    tangential: Array
    size: tuple[int, int]

    def see(self, world: NDArray[np.floating]) -> Array:
        """Camera-frame points of world points (..., 3) mm."""
        seen: Array = (world - self.position) @ self.rotation.T
        return seen

    def project(self, points: NDArray[np.floating]) -> Array:
        """Pixels (..., 2) of camera-frame points (..., 3) mm, through a pinhole. Source: Eq. (1), Sec. 3.2."""
        pixels: Array = points[..., :2] / points[..., 2:] * self.focal + self.center
        return pixels

    def distort(self, uv: NDArray[np.floating]) -> Array:
        """Where the lens puts what a pinhole would put at ``uv`` (..., 2) px."""
        bent, _ = self._bent((uv - self.center) / self.focal)
        pixels: Array = bent * self.focal + self.center
        return pixels

    def undistort(self, uv: NDArray[np.floating]) -> Array:
        """Where a pinhole would put what the lens puts at ``uv`` (..., 2) px; NaN where Newton's method finds no place.

        What it gives is within 1e-6 px of ``uv`` when it is distorted again.
        """
        bent = (uv - self.center) / self.focal
        ray = bent.astype(np.float64)
        for _ in range(_NEWTON_STEPS):
            found, slope = self._bent(ray)
            if not (np.abs((found - bent) * self.focal) > _PRECISE_PX).any():  # NaN stays what it is
                break
            ray = ray - _solved(slope, found - bent)
        there = np.abs((self._bent(ray)[0] - bent) * self.focal).max(axis=-1) <= _PRECISE_PX
        pixels: Array = np.where(there[..., None], ray * self.focal + self.center, np.nan)
        return pixels

    def _bent(self, ray: Array) -> tuple[Array, Array]:
        """Rays (..., 2) behind the lens and the lens' Jacobian (..., 2, 2) there."""
        square = (ray**2).sum(axis=-1)[..., None]
        radial = 1.0 + square * (self.radial[0] + square * (self.radial[1] + square * self.radial[2]))
        stretch = radial + (ray @ self.tangential)[..., None]
        growth = 2.0 * (self.radial[0] + square * (2.0 * self.radial[1] + square * 3.0 * self.radial[2]))
        slope = stretch[..., None] * np.eye(2)
        slope = slope + ray[..., :, None] * (growth * ray + self.tangential)[..., None, :]
        slope = slope + 2.0 * self.tangential[:, None] * ray[..., None, :]
        return ray * stretch + square * self.tangential, slope


_NEWTON_STEPS = 8
_PRECISE_PX = 1e-6


def _solved(matrix: Array, right: Array) -> Array:
    """The solution (..., 2) of 2 x 2 equations, by Cramer's rule."""
    (a, b), (c, d) = np.moveaxis(matrix[..., 0, :], -1, 0), np.moveaxis(matrix[..., 1, :], -1, 0)
    x, y = right[..., 0], right[..., 1]
    solution: Array = np.stack((d * x - b * y, a * y - c * x), axis=-1) / (a * d - b * c)[..., None]
    return solution


def _published() -> dict[tuple[str, str], H36MCamera]:
    cameras = {}
    for line in _PLACES.split("\n")[1:-1]:
        subject, name, *numbers = line.split()
        place, number = np.array(numbers, dtype=np.float64), CAMERAS.index(name)
        cameras[subject, name] = H36MCamera(
            name,
            _world_to_camera(place[:4] / np.linalg.norm(place[:4])),
            place[4:],
            H36M_FOCAL[number],
            H36M_CENTER[number],
            np.array(_RADIAL[number]),
            np.array(_TANGENTIAL[number]),
            _SIZE[number],
        )
    return cameras


def _world_to_camera(quaternion: Array) -> Array:
    """The rotation undone by a unit quaternion."""
    w, x, y, z = quaternion
    to_world = (
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)),
    )
    return np.array(to_world).T


PUBLISHED: Mapping[tuple[str, str], H36MCamera] = _published()
"""By subject and camera: S1, S5, S6, S7, S8, S9, S11, each with four."""
