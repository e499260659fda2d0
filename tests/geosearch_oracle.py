"""What geosearch must agree with: an exhaustive scan in float64, and the paper's procedure to the letter.

Both evaluate Eq. (4) joint by joint at every depth; nothing here knows a closed form.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def common_miss(
    miss: list[Array], usable: list[bool], joints: tuple[int, int, int], align: str
) -> tuple[Array | float, bool]:
    """What is taken off every joint's miss (each (2, D)), and whether the root's was not to be had."""
    root, left, right = joints
    there = [m for m, used in zip(miss, usable, strict=True) if used]
    if align == "literal":
        return 0.0, False
    if align == "root" and root >= 0 and usable[root]:
        return miss[root], False
    if align == "root" and left >= 0 and usable[left] and usable[right]:
        return (miss[left] + miss[right]) / 2, True
    return sum(there) / len(there), align == "root"  # type: ignore[return-value]


def scan(
    uv: Array,
    visible: NDArray[np.bool_],
    focal: Array,
    center: Array,
    xyz: Array,
    *,
    joints: tuple[int, int, int] = (0, 4, 1),
    objective: str = "sq",
    align: str = "root",
    low: int = 2800,
    high: int = 7199,
) -> tuple[float, float, int]:
    """Depth, cost and flags of one pose by trying every whole millimetre, the smaller of two that tie.

    Args:
        uv: (J, 2) px.
        visible: (J,).
        focal: (2,) px.
        center: (2,) px.
        xyz: (J, 3) mm, root-relative.
        joints: columns of the root, the left and the right hip, -1 where there is none.
        objective: as ``GeoSearch``, and all that follow.
    """
    uv, focal, center, xyz = (np.asarray(a, dtype=np.float64) for a in (uv, focal, center, xyz))
    usable = [
        bool(v) and np.isfinite(p).all() and np.isfinite(q).all() for v, p, q in zip(visible, uv, xyz, strict=True)
    ]
    flags = 0 if all(usable) else 8
    depths = np.arange(low - 1, high + 2, dtype=np.float64)
    if sum(usable) == 0:
        return np.nan, np.nan, flags | 1 | (4 if align == "root" else 0)
    miss = [((p - center) / focal)[:, None] * (q[2] + depths) - q[:2, None] for p, q in zip(uv, xyz, strict=True)]
    common, no_root = common_miss(miss, usable, joints, align)
    flags |= 4 if no_root else 0
    squared = [((m - common) ** 2).sum(axis=0) for m, used in zip(miss, usable, strict=True) if used]
    power = {"sq": 1.0, "quartic": 2.0, "l1": 0.5}[objective]
    total = sum(s if power == 1.0 else s**2 if power == 2.0 else np.sqrt(s) for s in squared)
    seen = {tuple(p) for p, used in zip(uv, usable, strict=True) if used}
    nearest = min(q[2] for q, used in zip(xyz, usable, strict=True) if used)
    first = max(low, int(np.floor(-nearest)) + 1)
    if len(seen) < 2 or first > high:
        return np.nan, np.nan, flags | 1
    best = first - low + 1 + int(np.argmin(total[first - low + 1 : -1]))
    if best != int(np.argmin(total)):
        flags |= 2
    return depths[best], total[best], flags


def literal_scan(
    uv: list[list[float]],
    focal: list[float],
    center: list[float],
    xyz: list[list[float]],
    *,
    objective: str = "sq",
    rooted: bool = True,
    start_mm: int = 0,
) -> int:
    """The paper's procedure in plain Python: from ``start_mm`` up by 1 mm until the loss rises.

    Args:
        uv: J pairs, px; the first joint is the root.
        focal: fx, fy, px.
        center: cx, cy, px.
        xyz: J triples, mm, root-relative.
        rooted: compare what is left when the root is taken off both sides.
    """
    power = {"sq": 1.0, "quartic": 2.0, "l1": 0.5}[objective]
    best, depth = float("inf"), start_mm
    while True:
        x = [(u - center[0]) * (q[2] + depth) / focal[0] for (u, _), q in zip(uv, xyz, strict=True)]
        y = [(v - center[1]) * (q[2] + depth) / focal[1] for (_, v), q in zip(uv, xyz, strict=True)]
        x0, y0 = (x[0] - xyz[0][0], y[0] - xyz[0][1]) if rooted else (0.0, 0.0)
        loss = 0.0
        for j, q in enumerate(xyz):
            loss += ((x[j] - x0 - q[0]) ** 2 + (y[j] - y0 - q[1]) ** 2) ** power
        if loss >= best:
            return depth - 1
        best, depth = loss, depth + 1
