"""The mathematics of the geometric search, written once for every backend.

Joint j is seen along the ray (a, b) and predicted at (x, y, z) from the root. At root depth d its
back-projection misses the prediction by ``(a, b) (z + d) - (x, y)``, a straight line in d. For a
perfect pose all joints miss by the same amount, the place of the root; what is left when that
common miss is taken off is the residual ``e(d) = p d + q``. All objectives are convex in d, so the
best whole millimetre is the smallest k with ``f(k + 1) - f(k) >= 0``: no scan is needed.

A function's values are float64 of many poses: numba compiles the functions for eight at a time,
NumPy runs them on more. So they choose, and hardly ever branch.

Source: Eq. (4)-(5), Sec. 3.4.
Deviation: Eq. (5) subtracts absolute and root-relative coordinates; the common miss mends that.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

OBJECTIVES = ("sq", "quartic", "l1")
SQ, QUARTIC, L1 = range(3)

ALIGNMENTS = ("root", "mean", "literal")
ROOT, MEAN, LITERAL = range(3)

UNDEFINED, AT_BOUND, ROOT_MISSING, JOINTS_MISSING = 1, 2, 4, 8

COINCIDENT = 1e-12
"""Sum of p.p up to which the 2D joints count as one point: a thousandth of a pixel at f = 1000 px."""

TIE_MM = 1e-9
"""Depths this close to a tie are tied, or rounding would choose, and each backend otherwise."""

LEAST_RISE_MM = 1e-11
"""The same for ``l1``: of metres float64 knows 1e-13 mm, and a sum of distances has errors of so many joints."""

Values = Any
Line = tuple[Values, Values, Values, Values]
"""x and y of p, then of q, in ``p d + q``."""


def choose(condition: Values, yes: Values, no: Values) -> Values:
    """``yes`` where ``condition`` holds, else ``no``."""
    return np.where(condition, yes, no)


def prefer(condition: Values, yes: Line, no: Line) -> Line:
    """``choose`` for lines."""
    return (
        choose(condition, yes[0], no[0]),
        choose(condition, yes[1], no[1]),
        choose(condition, yes[2], no[2]),
        choose(condition, yes[3], no[3]),
    )


def wide(values: Values) -> Values:
    """``values`` in float64."""
    return np.asarray(values, dtype=np.float64)


def some(condition: Values) -> bool:
    """Whether ``condition`` holds for any of the poses at hand."""
    return bool(np.any(condition))


def nearest_sq(pp: Values, pq: Values) -> Values:
    """Whole millimetre with the least sum of |e|^2 from the sums of p.p and p.q."""
    return np.ceil(-pq / pp - 0.5 - TIE_MM)


def nearest_quartic(aa: Values, ab: Values, ac2bb: Values, bc: Values) -> Values:
    """Whole millimetre with the least sum of |e|^4.

    With h = k + 1/2 the step f(k + 1) - f(k) is 4 (aa h^3 + 3 ab h^2 + (ac2bb + aa/4) h + bc + ab/4).
    This cubic rises everywhere, and without its square term its linear one is at least 1/4: its
    root is simple even where that of f' is triple, as it is for a perfect pose.

    Args:
        aa, ab, ac2bb, bc: sums over joints of A A, A B, A C + 2 B B and B C, where A = p.p,
            B = p.q and C = q.q, with d counted from near the optimum, lest digits are lost.
    """
    shift = ab / aa
    linear = ac2bb / aa + 0.25
    third = linear / 3.0 - shift * shift
    third = choose(third > 1.0 / 12.0, third, 1.0 / 12.0)
    half = 0.5 * ((2.0 * shift * shift - linear) * shift + bc / aa + 0.25 * shift)
    width = np.sqrt(third)
    root = -shift - 2.0 * width * np.sinh(np.arcsinh(half / (third * width)) / 3.0)
    return np.ceil(root - 0.5 - TIE_MM)


def rise_l1(px: Values, py: Values, ex: Values, ey: Values) -> Values:
    """By how much |e| grows over the next millimetre, without the cancellation of a difference."""
    here = ex * ex + ey * ey
    growth = px * (2.0 * ex + px) + py * (2.0 * ey + py)
    there = here + growth
    both = np.sqrt(here) + np.sqrt(choose(there > 0.0, there, 0.0))
    return growth / choose(both > 0.0, both, 1.0)


def loss(objective: int, ex: Values, ey: Values) -> Values:
    """What one joint adds to the objective: mm^2 (sq), mm^4 (quartic) or mm (l1)."""
    squared = ex * ex + ey * ey
    if objective == QUARTIC:
        squared = squared * squared
    if objective == L1:
        squared = np.sqrt(squared)
    return squared


def line_of(
    u: Values, v: Values, visible: Values, x: Values, y: Values, z: Values, camera: Line
) -> tuple[Values, Line]:
    """Whether a joint can be used, and if so its miss as a line in d; else zeros.

    Args:
        u, v: its keypoint, px.
        visible: whether it has one.
        x, y, z: its prediction, mm from the root.
        camera: 1/fx, 1/fy, cx, cy; px.
    """
    a, b = (u - camera[2]) * camera[0], (v - camera[3]) * camera[1]
    x, y = a * z - x, b * z - y
    usable = visible & (abs(x) + abs(y) < np.inf)
    return usable, prefer(usable, (a, b, x, y), (0.0, 0.0, 0.0, 0.0))


def miss(i: Any, j: int, uv: Any, visible: Any, xyz: Any, camera: Line) -> tuple[Values, Line]:
    """``line_of`` joint j of poses i."""
    k = 3 * j
    return line_of(uv[i, 2 * j], uv[i, 2 * j + 1], visible[i, j], xyz[i, k], xyz[i, k + 1], xyz[i, k + 2], camera)


def residual(i: Any, j: int, uv: Any, visible: Any, xyz: Any, camera: Line, common: Line) -> tuple[Values, Line]:
    """``miss`` with the common miss taken off."""
    usable, (a, b, x, y) = miss(i, j, uv, visible, xyz, camera)
    line = a - common[0], b - common[1], x - common[2], y - common[3]
    return usable, prefer(usable, line, (0.0, 0.0, 0.0, 0.0))


def average(i: Any, joints: Iterable[int], uv: Any, visible: Any, xyz: Any, camera: Line) -> tuple[Values, Line]:
    """How many of ``joints`` can be used, and their mean miss."""
    used = a = b = x = y = 0.0
    for j in joints:
        usable, line = miss(i, j, uv, visible, xyz, camera)
        used = used + choose(usable, 1.0, 0.0)
        a, b, x, y = a + line[0], b + line[1], x + line[2], y + line[3]
    share = 1.0 / choose(used > 0.0, used, 1.0)
    return used, (a * share, b * share, x * share, y * share)


def place(
    i: Any,
    placed: Any,
    uv: Any,
    visible: Any,
    focal: Any,
    center: Any,
    xyz: Any,
    joints: tuple[int, int, int],
    objective: int,
    align: int,
    low: float,
    high: float,
) -> tuple[Values, Values, Values]:
    """Depth of the root in mm, cost and flags of poses ``i``, which it writes into ``placed``.

    Args:
        i: a slice of rows.
        placed: (B, 3 J) mm, camera frame, is written.
        uv: (B, 2 J) px.
        visible: (B, J) bool.
        focal: (B, 2) px.
        center: (B, 2) px.
        xyz: (B, 3 J) mm, root-relative.
        joints: columns of the root and of the left and the right hip, -1 where there is none.
        objective: SQ, QUARTIC or L1.
        align: ROOT, MEAN or LITERAL.
        low: least depth allowed, whole mm.
        high: greatest depth allowed, whole mm.
    """
    count = visible.shape[1]
    root, left, right = joints
    fx, fy = wide(focal[i, 0]), wide(focal[i, 1])
    cx, cy = wide(center[i, 0]), wide(center[i, 1])
    pinhole = (fx > 0.0) & (fy > 0.0)
    camera = choose(pinhole, 1.0 / fx, np.nan), choose(pinhole, 1.0 / fy, np.nan), cx, cy

    common = (0.0, 0.0, 0.0, 0.0)
    missing = 1.0
    if align == ROOT and root >= 0:
        usable, common = miss(i, root, uv, visible, xyz, camera)
        missing = choose(usable, 0.0, 1.0)
    if align != LITERAL and some(missing > 0.0):
        _, instead = average(i, range(count), uv, visible, xyz, camera)
        if align == ROOT and left >= 0:
            found, hips = average(i, (left, right), uv, visible, xyz, camera)
            instead = prefer(found > 1.0, hips, instead)
        common = prefer(missing > 0.0, instead, common)

    used = zz = pp = pq = 0.0
    for j in range(count):
        usable, (px, py, qx, qy) = residual(i, j, uv, visible, xyz, camera, common)
        z = choose(usable, xyz[i, 3 * j + 2], 0.0)
        used, zz = used + choose(usable, 1.0, 0.0), zz + z * wide(z)
        pp, pq = pp + (px * px + py * py), pq + (px * qx + py * qy)
    pp = choose((pp > COINCIDENT) & (used > 1.0), pp, np.nan)

    best = nearest_sq(pp, pq)
    if objective == QUARTIC:
        aa = ab = ac2bb = bc = 0.0
        for j in range(count):
            _, (px, py, qx, qy) = residual(i, j, uv, visible, xyz, camera, common)
            ex, ey = px * best + qx, py * best + qy
            a, b, c = px * px + py * py, px * ex + py * ey, ex * ex + ey * ey
            aa, ab, ac2bb, bc = aa + a * a, ab + a * b, ac2bb + (a * c + 2.0 * b * b), bc + b * c
        best = best + nearest_quartic(aa, ab, ac2bb, bc)
    if objective == L1:  # bisection, one step beyond either end to know which depths lie beyond
        least, best = best * 0.0 + (low - 1.0), best * 0.0 + (high + 1.0)
        while some(least < best):
            k = np.floor(0.5 * (least + best))
            rise = 0.0
            for j in range(count):
                _, (px, py, qx, qy) = residual(i, j, uv, visible, xyz, camera, common)
                rise = rise + rise_l1(px, py, px * k + qx, py * k + qy)
            rises = (rise >= -LEAST_RISE_MM) | (least >= best)
            least, best = choose(rises, least, k + 1.0), choose(rises, k, best)

    depth = choose(best < low, low, choose(best > high, high, best))
    if some(depth * depth <= zz):  # else each |z| is below the depth, so that no joint is behind the camera
        nearest = np.inf
        for j in range(count):
            usable, _ = miss(i, j, uv, visible, xyz, camera)
            z = xyz[i, 3 * j + 2]
            nearest = choose(usable & (z < nearest), z, nearest)
        first = np.floor(-nearest) + 1.0
        depth = choose(depth < first, first, depth)
    defined = depth <= high

    known, depth = choose(defined, 1.0, 0.0), choose(defined, depth, 0.0)
    ox, oy = known * (common[0] * depth + common[2]), known * (common[1] * depth + common[3])
    cost = 0.0
    for j in range(count):
        _, (px, py, qx, qy) = residual(i, j, uv, visible, xyz, camera, common)
        ex, ey = known * (px * depth + qx), known * (py * depth + qy)
        cost = cost + loss(objective, ex, ey)
        placed[i, 3 * j] = xyz[i, 3 * j] + (ox + ex)
        placed[i, 3 * j + 1] = xyz[i, 3 * j + 1] + (oy + ey)
        placed[i, 3 * j + 2] = xyz[i, 3 * j + 2] + depth
    flags = (
        UNDEFINED * (1.0 - known)
        + AT_BOUND * choose(defined & (depth != best), 1.0, 0.0)
        + JOINTS_MISSING * choose(used < count, 1.0, 0.0)
    )
    if align == ROOT:
        flags = flags + ROOT_MISSING * missing
    return choose(defined, depth, np.nan), choose(defined, cost, np.nan), flags
