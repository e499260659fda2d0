"""Solids that rays can meet: round cones and boxes, each in a frame of its own.

A round cone is the hull of two balls; a ball, a capsule and a tapered capsule are all round cones. Each solid has an
affine map into its own frame, where it stands at the origin along Z; a map that squeezes an axis makes ellipsoids, and
limbs and torsos that are wider than deep. Straight rays stay straight under such maps and keep their parameter, so a
ray meets the squeezed solid where its image meets the round one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchsuite.rendering.compiling import compiled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUND, BOX = 0, 1


class Solids(NamedTuple):
    """N solids; a point ``p`` (3,) mm of the outer frame is ``turn @ p + move`` in a solid's own.

    Attributes:
        turn: (N, 3, 3).
        move: (N, 3).
        sizes: (N, 3): of a round cone the length between its balls, the radius of the ball at the origin and of
            the ball up the Z axis. A box is the cube from -1 to 1.
        kind: (N,) ``ROUND`` or ``BOX``.
        part: (N,) which part of the body, or what else it belongs to.
        material: (N,) row of the materials.
        paint: (N,) the solid in whose frame its texture lies.
        belt: (N,) the solid below whose z = 0 it has another material; -1 for none.
        below: (N,) that material's row.
    """

    turn: Floats
    move: Floats
    sizes: Floats
    kind: Ints
    part: Ints
    material: Ints
    paint: Ints
    belt: Ints
    below: Ints

    def moved(self, rotation: Floats, position: Floats) -> Solids:
        """The same solids in a frame whose points are ``rotation @ (p - position)`` of this one's."""
        move = self.move + np.einsum("nij,j->ni", self.turn, position)
        return self._replace(turn=self.turn @ rotation.T, move=move)


def joined(groups: Sequence[Solids]) -> Solids:
    """Several groups of solids as one; ``paint`` and ``belt`` of each count from its own first."""
    starts = np.cumsum([0, *(len(group.kind) for group in groups)])
    shifted = [
        g._replace(paint=g.paint + start, belt=np.where(g.belt < 0, -1, g.belt + start))
        for g, start in zip(groups, starts[:-1], strict=True)
    ]
    return Solids(*(np.concatenate(column) for column in zip(*shifted, strict=True)))


@compiled
def meet_ball(ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, radius: float) -> float:
    """Where the ray ``o + t d`` enters a ball about the origin; infinity where it does not, from inside neither."""
    a = dx * dx + dy * dy + dz * dz
    b = ox * dx + oy * dy + oz * dz
    c = ox * ox + oy * oy + oz * oz - radius * radius
    inside = b * b - a * c
    if inside < 0.0:
        return np.inf
    t = (-b - np.sqrt(inside)) / a
    return t if t > 0.0 else np.inf


@compiled
def meet_cone(
    ox: float, oy: float, oz: float, dx: float, dy: float, dz: float, length: float, r1: float, r2: float
) -> float:
    """Where the ray ``o + t d`` enters a round cone; infinity where it does not."""
    if length <= abs(r1 - r2):  # one ball holds the other
        return meet_ball(ox, oy, oz if r1 >= r2 else oz - length, dx, dy, dz, max(r1, r2))
    best = min(meet_ball(ox, oy, oz, dx, dy, dz, r1), meet_ball(ox, oy, oz - length, dx, dy, dz, r2))
    # Between the circles where it touches the balls the side is sqrt(x^2 + y^2) cos + z sin = r1.
    sin = (r1 - r2) / length
    cos2 = 1.0 - sin * sin
    w, dw = r1 - oz * sin, -dz * sin
    a = cos2 * (dx * dx + dy * dy) - dw * dw
    b = cos2 * (ox * dx + oy * dy) - w * dw
    c = cos2 * (ox * ox + oy * oy) - w * w
    inside = b * b - a * c
    if inside >= 0.0 and a != 0.0:
        root = np.sqrt(inside)
        for sign in (-1.0, 1.0):
            t = (-b + sign * root) / a
            z = oz + t * dz
            if 0.0 < t < best and r1 * sin <= z <= length + r2 * sin and w + t * dw > 0.0:
                best = t
    return best


@compiled
def meet_box(ox: float, oy: float, oz: float, dx: float, dy: float, dz: float) -> float:
    """Where the ray ``o + t d`` enters the cube from -1 to 1; infinity where it does not."""
    near, far = 0.0, np.inf
    for o, d in ((ox, dx), (oy, dy), (oz, dz)):
        if abs(d) < 1e-12:
            if abs(o) > 1.0:
                return np.inf
        else:
            one, other = (-1.0 - o) / d, (1.0 - o) / d
            near, far = max(near, min(one, other)), min(far, max(one, other))
    return near if 0.0 < near <= far else np.inf


@compiled
def meet(solids: Solids, n: int, dx: float, dy: float, dz: float) -> float:
    """Where the ray ``t (dx, dy, dz)`` from the origin of the outer frame enters solid ``n``; infinity if nowhere."""
    turn, move, sizes = solids.turn, solids.move, solids.sizes
    x = turn[n, 0, 0] * dx + turn[n, 0, 1] * dy + turn[n, 0, 2] * dz
    y = turn[n, 1, 0] * dx + turn[n, 1, 1] * dy + turn[n, 1, 2] * dz
    z = turn[n, 2, 0] * dx + turn[n, 2, 1] * dy + turn[n, 2, 2] * dz
    if solids.kind[n] == BOX:
        return meet_box(move[n, 0], move[n, 1], move[n, 2], x, y, z)
    return meet_cone(move[n, 0], move[n, 1], move[n, 2], x, y, z, sizes[n, 0], sizes[n, 1], sizes[n, 2])


@compiled
def foot_of(x: float, y: float, z: float, length: float, r1: float, r2: float) -> float:
    """The place on a round cone's axis whose ball is nearest to a point of its frame."""
    if length <= abs(r1 - r2):
        return 0.0 if r1 >= r2 else length
    sin = (r1 - r2) / length
    return float(min(max(z - np.sqrt(x * x + y * y) * sin / np.sqrt(1.0 - sin * sin), 0.0), length))


def bounds(solids: Solids, focal: Floats, center: Floats) -> Floats:
    """Exact boxes (N, 4) px, x0 y0 x1 y1, around the solids' pictures; their frame is the camera's.

    The box of a solid that does not lie before the camera as a whole is everything.
    """
    back = np.asarray(np.linalg.inv(solids.turn), dtype=np.float64)
    tip = np.zeros_like(solids.move)
    tip[:, 2] = solids.sizes[:, 0]
    one = _ball_boxes(back, -solids.move, solids.sizes[:, 1])
    other = _ball_boxes(back, tip - solids.move, solids.sizes[:, 2])
    boxes = np.concatenate((np.minimum(one[:, :2], other[:, :2]), np.maximum(one[:, 2:], other[:, 2:])), axis=1)
    cubes = solids.kind == BOX
    if cubes.any():
        corners = np.stack(np.meshgrid((-1.0, 1.0), (-1.0, 1.0), (-1.0, 1.0)), axis=-1).reshape(-1, 3)
        points = np.einsum("nij,nkj->nki", back[cubes], corners - solids.move[cubes, None])
        with np.errstate(all="ignore"):
            pixels = points[..., :2] / points[..., 2:]
        found = np.concatenate((pixels.min(1), pixels.max(1)), axis=1)
        found[points[..., 2].min(1) <= 1.0] = _EVERYTHING
        boxes[cubes] = found
    return boxes * np.tile(focal, 2) + np.tile(center, 2)


_EVERYTHING = np.array([-np.inf, -np.inf, np.inf, np.inf])


def _ball_boxes(back: Floats, at: Floats, radius: Floats) -> Floats:
    """Boxes (N, 4) x0 y0 x1 y1 at depth 1 of balls of the frames that ``back`` (N, 3, 3) turns into the camera's.

    The dual quadric of an ellipsoid projects to the dual conic of its outline, whose tangents parallel to the axes
    bound it.
    """
    middle = np.einsum("nij,nj->ni", back, at)
    conic = (radius**2)[:, None, None] * (back @ back.transpose(0, 2, 1)) - middle[:, :, None] * middle[:, None]
    last, diagonal = conic[:, :2, 2], conic[:, (0, 1), (0, 1)]
    low = conic[:, 2, 2:]
    with np.errstate(all="ignore"):
        root = np.sqrt(np.maximum(last**2 - low * diagonal, 0.0))
        found = np.concatenate(((last + root) / low, (last - root) / low), axis=1)
    found[(low[:, 0] >= 0.0) | (middle[:, 2] <= 0.0)] = _EVERYTHING
    return found


def lowest(solids: Solids) -> float:
    """The height of the lowest point of round solids in a frame with Z up."""
    back = np.asarray(np.linalg.inv(solids.turn), dtype=np.float64)
    tip = np.zeros_like(solids.move)
    tip[:, 2] = solids.sizes[:, 0]
    spread = np.linalg.norm(back[:, 2], axis=1)
    balls = ((-solids.move, solids.sizes[:, 1]), (tip - solids.move, solids.sizes[:, 2]))
    return float(min((np.einsum("nj,nj->n", back[:, 2], at) - r * spread).min() for at, r in balls))
