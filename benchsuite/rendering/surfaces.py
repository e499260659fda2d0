"""What is at a point of a surface: its normal, its material, how much light comes past the person."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchsuite.rendering.compiling import compiled
from benchsuite.rendering.solids import BOX, Floats, Ints, Solids, foot_of

BLEND_MM = 32.0
"""Joined solids of a body share their normals this far from where they meet, so that skin and cloth bend softly."""


class Shades(NamedTuple):
    """What of a person casts shadows: C of their solids, the larger ones.

    Attributes:
        solid: (C,) which they are.
        ray: (C, 3) the way to the light in each one's frame.
        ends: (C, 2, 3) mm, of their axes, camera frame.
        radii: (C,) mm.
        near: (P, P) which of the person's P solids' surfaces flow into each other.
    """

    solid: Ints
    ray: Floats
    ends: Floats
    radii: Floats
    near: NDArray[np.bool_]


@compiled
def own_frame(turn: Floats, move: Floats, n: int, x: float, y: float, z: float) -> tuple[float, float, float]:
    """A point of the outer frame in that of solid or plane ``n``."""
    return (
        turn[n, 0, 0] * x + turn[n, 0, 1] * y + turn[n, 0, 2] * z + move[n, 0],
        turn[n, 1, 0] * x + turn[n, 1, 1] * y + turn[n, 1, 2] * z + move[n, 1],
        turn[n, 2, 0] * x + turn[n, 2, 1] * y + turn[n, 2, 2] * z + move[n, 2],
    )


@compiled
def surface(solids: Solids, n: int, x: float, y: float, z: float) -> tuple[float, float, float, float]:
    """The outward unit normal of solid ``n`` next to a point, and how far outside the point lies, in its own mm."""
    turn, length, r1, r2 = solids.turn, solids.sizes[n, 0], solids.sizes[n, 1], solids.sizes[n, 2]
    px, py, pz = own_frame(turn, solids.move, n, x, y, z)
    if solids.kind[n] == BOX:
        ax, ay, az = abs(px), abs(py), abs(pz)
        px = px if ax >= ay and ax >= az else 0.0
        py = py if ay > ax and ay >= az else 0.0
        pz = pz if az > ax and az > ay else 0.0
        outside = max(ax, ay, az) - 1.0
    else:
        foot = foot_of(px, py, pz, length, r1, r2)
        along = foot / length if length > 0.0 else 0.0
        pz -= foot
        outside = np.sqrt(px * px + py * py + pz * pz) - (r1 + along * (r2 - r1))
    nx = turn[n, 0, 0] * px + turn[n, 1, 0] * py + turn[n, 2, 0] * pz
    ny = turn[n, 0, 1] * px + turn[n, 1, 1] * py + turn[n, 2, 1] * pz
    nz = turn[n, 0, 2] * px + turn[n, 1, 2] * py + turn[n, 2, 2] * pz
    norm = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-30
    return nx / norm, ny / norm, nz / norm, outside


@compiled
def blended(
    solids: Solids, n: int, near: NDArray[np.bool_], x: float, y: float, z: float
) -> tuple[float, float, float]:
    """The normal at a point of solid ``n``, softened where joined solids are near."""
    nx, ny, nz, _ = surface(solids, n, x, y, z)
    if n >= len(near):
        return nx, ny, nz
    for m in range(len(near)):
        if m != n and near[n, m]:
            mx, my, mz, outside = surface(solids, m, x, y, z)
            if outside < BLEND_MM:
                w = 1.0 - max(outside, 0.0) / BLEND_MM
                w *= w
                nx, ny, nz = nx + w * mx, ny + w * my, nz + w * mz
    norm = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-30
    return nx / norm, ny / norm, nz / norm


@compiled
def lit(solids: Solids, shades: Shades, skip: int, soft: float, x: float, y: float, z: float) -> float:
    """How much of the light reaches a point past the person, 0 to 1; solid ``skip`` casts no shadow on itself."""
    share = 1.0
    for k in range(len(shades.solid)):
        n = shades.solid[k]
        if n == skip:
            continue
        length, r1, r2 = solids.sizes[n, 0], solids.sizes[n, 1], solids.sizes[n, 2]
        px, py, pz = own_frame(solids.turn, solids.move, n, x, y, z)
        dx, dy, dz = shades.ray[k, 0], shades.ray[k, 1], shades.ray[k, 2]
        # Where the ray comes nearest to the axis, then where it comes nearest to that place of it.
        across = dx * dx + dy * dy
        squeezed = across + dz * dz
        along = pz - dz * (px * dx + py * dy) / across if across > 1e-12 * squeezed else pz
        along = min(max(along, 0.0), length)
        t = -(px * dx + py * dy + (pz - along) * dz) / squeezed
        if t <= 0.0:
            continue
        qx, qy, qz = px + t * dx, py + t * dy, pz + t * dz - along
        radius = r1 + (along / length if length > 0.0 else 0.0) * (r2 - r1)
        width = (soft * t + 4.0) * np.sqrt(squeezed)
        far2 = qx * qx + qy * qy + qz * qz
        if far2 < (radius + width) ** 2:
            share = min(share, max(0.0, 0.5 + 0.5 * (np.sqrt(far2) - radius) / width))
            if share <= 0.0:
                break
    return share


@compiled
def openness(shades: Shades, n: int, x: float, y: float, z: float, nx: float, ny: float, nz: float) -> float:
    """How much of what is around a point with normal ``nx, ny, nz`` on solid ``n`` is not the person, 1 to 0."""
    shut = 0.0
    for k in range(len(shades.solid)):
        if shades.solid[k] == n:
            continue
        ends = shades.ends
        ax, ay, az = ends[k, 0, 0], ends[k, 0, 1], ends[k, 0, 2]
        bx, by, bz = ends[k, 1, 0] - ax, ends[k, 1, 1] - ay, ends[k, 1, 2] - az
        length2 = bx * bx + by * by + bz * bz
        s = ((x - ax) * bx + (y - ay) * by + (z - az) * bz) / length2 if length2 > 0.0 else 0.0
        s = min(max(s, 0.0), 1.0)
        vx, vy, vz = ax + s * bx - x, ay + s * by - y, az + s * bz - z
        far2 = vx * vx + vy * vy + vz * vz
        r2 = shades.radii[k] * shades.radii[k]
        if 1.2 * r2 < far2 < 36.0 * r2:
            cosine = nx * vx + ny * vy + nz * vz
            if cosine > 0.0:
                shut += cosine * r2 / (far2 * np.sqrt(far2))
    return 1.0 / (1.0 + 1.2 * shut)


@compiled
def painted(solids: Solids, n: int, x: float, y: float, z: float) -> tuple[int, float, float, float]:
    """The material at a point of solid ``n``, and the point in the frame that it is painted in, in mm."""
    row = solids.material[n]
    belt = solids.belt[n]
    if belt >= 0 and own_frame(solids.turn, solids.move, belt, x, y, z)[2] < 0.0:
        row = solids.below[n]
    frame = solids.paint[n]
    turn = solids.turn
    px, py, pz = own_frame(turn, solids.move, frame, x, y, z)
    if solids.kind[frame] == BOX:
        px /= np.sqrt(turn[frame, 0, 0] ** 2 + turn[frame, 0, 1] ** 2 + turn[frame, 0, 2] ** 2)
        py /= np.sqrt(turn[frame, 1, 0] ** 2 + turn[frame, 1, 1] ** 2 + turn[frame, 1, 2] ** 2)
        pz /= np.sqrt(turn[frame, 2, 0] ** 2 + turn[frame, 2, 1] ** 2 + turn[frame, 2, 2] ** 2)
    return row, px, py, pz
