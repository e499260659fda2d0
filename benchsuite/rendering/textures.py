"""What surfaces look like: colour as a function of the place in the frame of what is painted."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.rendering.compiling import compiled

Floats = NDArray[np.float64]


class Pattern(IntEnum):
    """How two colours are laid out."""

    PLAIN = 0
    RINGS = 1  # stripes across the Z axis
    STRIPES = 2  # stripes along the Z axis
    PLAID = 3
    CHECKS = 4
    CLOUDS = 5
    CAMOUFLAGE = 6
    DOTS = 7
    BRICKS = 8
    FACE = 9  # of the ball of radius 1, X to the person's right, Y ahead, Z up


class Print(IntEnum):
    """What is on the front of a garment."""

    NOTHING = 0
    DISC = 1
    BAND = 2
    BUTTONS = 3
    OPEN = 4  # an open jacket, what is worn below it shows


PATTERN, PERIOD, COLOUR, SECOND, THIRD, GLOSS, GRAIN, COARSE, PRINT, PRINT_SIZE = 0, 1, 2, 5, 8, 11, 12, 13, 14, 15
WIDTH = 16
"""Columns of a material."""

Colour = Sequence[float] | Floats


def material(
    colour: Colour,
    second: Colour | None = None,
    pattern: Pattern = Pattern.PLAIN,
    period: float = 100.0,
    **more: Any,
) -> Floats:
    """A material (16,): colours are linear RGB.

    Args:
        colour: the first colour.
        second: the second one of the pattern; the first where there is none.
        pattern: how they are laid out.
        period: mm, after which the pattern repeats.
        more: ``third`` colour, of prints and lips; ``gloss``; ``grain``, how much noise modulates the colour, and
            ``coarse`` mm, the size of its grains; ``print`` and ``print_size`` mm; of faces, ``print_size`` is how
            much beard there is.
    """
    row = np.zeros(WIDTH)
    row[PATTERN], row[PERIOD] = pattern, period
    row[COLOUR : COLOUR + 3] = colour
    row[SECOND : SECOND + 3] = colour if second is None else second
    row[THIRD : THIRD + 3] = more.get("third", (0.0, 0.0, 0.0))
    row[GLOSS], row[GRAIN], row[COARSE] = more.get("gloss", 0.05), more.get("grain", 0.0), more.get("coarse", 40.0)
    row[PRINT], row[PRINT_SIZE] = more.get("print", Print.NOTHING), more.get("print_size", 0.0)
    return row


@compiled
def _hash(x: int, y: int, z: int) -> float:
    """A number in [0, 1) for every cell of the lattice."""
    h = (x * 374761393 + y * 668265263 + z * 2147483647) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    h ^= h >> 16
    return h / 4294967296.0


@compiled
def noise(x: float, y: float, z: float) -> float:
    """Smooth noise in [0, 1], one grain a unit."""
    ix, iy, iz = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
    fx, fy, fz = x - ix, y - iy, z - iz
    fx, fy, fz = fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy), fz * fz * (3 - 2 * fz)
    total = 0.0
    for dx in range(2):
        wx = fx if dx else 1.0 - fx
        for dy in range(2):
            wy = fy if dy else 1.0 - fy
            for dz in range(2):
                wz = fz if dz else 1.0 - fz
                total += wx * wy * wz * _hash(ix + dx, iy + dy, iz + dz)
    return total


@compiled
def clouds(x: float, y: float, z: float) -> float:
    """Noise of three sizes in [0, 1]."""
    return (
        0.57 * noise(x, y, z)
        + 0.29 * noise(2.1 * x + 7, 2.1 * y + 3, 2.1 * z)
        + 0.14 * noise(4.3 * x, 4.3 * y, 4.3 * z)
    )


@compiled
def _step(value: float, edge: float, soft: float) -> float:
    """0 below the edge, 1 above it, a ramp of width ``soft`` between."""
    return min(max((value - edge) / soft + 0.5, 0.0), 1.0)


@compiled
def _share(pattern: int, x: float, y: float, z: float) -> float:
    """How much of the second colour there is; the pattern repeats after 1."""
    if pattern == 1:
        return 1.0 if z - np.floor(z) < 0.5 else 0.0
    if pattern == 2:
        return 1.0 if x - np.floor(x) < 0.5 else 0.0
    if pattern == 3:
        one = 1.0 if x - np.floor(x) < 0.5 else 0.0
        other = 1.0 if z - np.floor(z) < 0.5 else 0.0
        return 0.5 * (one + other)
    if pattern == 4:
        return 1.0 if (int(np.floor(2 * x)) + int(np.floor(2 * y)) + int(np.floor(2 * z + 0.31))) & 1 else 0.0
    if pattern == 5:
        return clouds(2 * x, 2 * y, 2 * z)
    if pattern == 6:
        return _step(clouds(2 * x, 2 * y, 2 * z), 0.5, 0.03)
    if pattern == 7:
        fx, fz = x - np.floor(x) - 0.5, z - np.floor(z) - 0.5
        return 1.0 if fx * fx + fz * fz < 0.07 else 0.0
    row = np.floor(2 * y)
    along = x + (0.5 if int(row) & 1 else 0.0)
    return 1.0 if along - np.floor(along) < 0.06 or 2 * y - row < 0.12 else 0.0


@compiled
def colour_at(materials: Floats, n: int, x: float, y: float, z: float) -> tuple[float, float, float]:
    """The linear colour of material ``n`` at a place in the frame it is painted in."""
    r, g, b = materials[n, 2], materials[n, 3], materials[n, 4]
    pattern = int(materials[n, 0])
    if pattern == 9:
        return _face(materials, n, x, y, z)
    if pattern:
        s = _share(pattern, x / materials[n, 1], y / materials[n, 1], z / materials[n, 1])
        r, g, b = r + s * (materials[n, 5] - r), g + s * (materials[n, 6] - g), b + s * (materials[n, 7] - b)
    on = int(materials[n, 14])
    if on and y > 0.0:
        size = materials[n, 15]
        inside = (
            (on == 1 and x * x + z * z < size * size)
            or (on == 2 and abs(z) < 0.45 * size)
            or (on == 3 and ((abs(x) < 7.0 and z / 90.0 - np.floor(z / 90.0) < 0.35) or abs(x + 14.0) < 3.0))
            or (on == 4 and abs(x) < 0.55 * size)
        )
        if inside:
            r, g, b = materials[n, 8], materials[n, 9], materials[n, 10]
    if materials[n, 12] > 0.0:
        fine = 1.0 / materials[n, 13]
        rough = 0.65 * noise(x * fine, y * fine, z * fine) + 0.35 * noise(
            2.6 * x * fine, 2.6 * y * fine, 2.6 * z * fine
        )
        s = 1.0 + materials[n, 12] * (2.0 * rough - 1.0)
        r, g, b = r * s, g * s, b * s
    return r, g, b


@compiled
def _face(materials: Floats, n: int, x: float, y: float, z: float) -> tuple[float, float, float]:
    """Skin in the first colour, brows, stubble and temples in the second, lips in the third; eyes white and dark."""
    r, g, b = materials[n, 2], materials[n, 3], materials[n, 4]
    if y < 0.0:
        return r, g, b
    ax = abs(x)
    blush = max(0.0, 1.0 - ((ax - 0.5) ** 2 + (z + 0.25) ** 2) / 0.07)
    r, g, b = r * (1 + 0.05 * blush), g * (1 - 0.08 * blush), b * (1 - 0.08 * blush)
    beard = materials[n, 15]
    if beard > 0.0 and z < -0.30 - 0.25 * max(0.0, 0.55 - ax) and not (ax < 0.22 and z > -0.5):
        s = beard * min(1.0, (-0.3 - z) / 0.2)
        r, g, b = r + s * (materials[n, 5] - r), g + s * (materials[n, 6] - g), b + s * (materials[n, 7] - b)
    if (ax / 0.24) ** 2 + ((z + 0.56) / 0.07) ** 2 < 1.0:
        return materials[n, 8], materials[n, 9], materials[n, 10]
    if ((ax - 0.40) / 0.20) ** 2 + ((z - 0.02) / 0.11) ** 2 < 1.0:
        if ((ax - 0.40) / 0.11) ** 2 + ((z - 0.02) / 0.12) ** 2 < 1.0:
            return 0.02, 0.015, 0.01
        return 0.3 + 0.4 * r, 0.3 + 0.38 * g, 0.3 + 0.36 * b
    if abs(z - 0.22 + 0.25 * (ax - 0.40) ** 2) < 0.055 and 0.18 < ax < 0.64:
        return 0.7 * materials[n, 5], 0.7 * materials[n, 6], 0.7 * materials[n, 7]
    socket = max(0.0, 1.0 - ((ax - 0.40) / 0.3) ** 2 - ((z - 0.05) / 0.22) ** 2)
    s = 1.0 - 0.25 * socket
    return r * s, g * s, b * s
