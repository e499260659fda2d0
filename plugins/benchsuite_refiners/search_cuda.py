"""The geometric search on CUDA devices: one Triton kernel over tiles of poses, all their joints at once.

The mathematics are those of ``objective``, compiled from the same source. With ``TRITON_INTERPRET=1``
in the environment the kernel runs on the CPU, which is slow and for tests.
"""
# mypy: allow-untyped-defs, allow-incomplete-defs, allow-untyped-calls, allow-untyped-decorators
# A kernel's arguments have the types that Triton gives them.

from __future__ import annotations

from math import ceil, inf, log2
from types import FunctionType, ModuleType
from typing import Any

import torch
import triton
import triton.language as tl

from benchsuite_refiners import objective as mathematics
from benchsuite_refiners.columns import Columns, Placed, Search


def _where(condition, yes, no):
    return tl.where(condition, yes, no)


def _ceil(x):
    return tl.ceil(x)


def _sqrt(x):
    return tl.sqrt(x)


def _abs(x):
    return tl.abs(x)


def _sinh(x):
    return 0.5 * (tl.exp(x) - tl.exp(-x))


def _arcsinh(x):
    size = tl.abs(x)
    logarithm = tl.log(size + tl.sqrt(size * size + 1.0))
    return tl.where(x < 0.0, -logarithm, logarithm)


NUMPY = ModuleType("numpy")
"""What ``objective`` takes from NumPy, as Triton has it."""
for _function in (_where, _ceil, _sqrt, _sinh, _arcsinh):
    setattr(NUMPY, _function.__name__[1:], triton.jit(_function))
setattr(NUMPY, "inf", tl.constexpr(inf))  # noqa: B010

NAMES: dict[str, Any] = {
    "__name__": mathematics.__name__,
    "np": NUMPY,
    "tl": tl,
    "abs": triton.jit(_abs),
    "Values": tl.tensor,
    "Line": tl.tensor,
    "QUARTIC": tl.constexpr(mathematics.QUARTIC),
    "L1": tl.constexpr(mathematics.L1),
    "TIE_MM": tl.constexpr(mathematics.TIE_MM),
}


def _translated(name: str) -> Any:
    """The function of ``objective`` with that name, for Triton to compile."""
    function = FunctionType(getattr(mathematics, name).__code__, NAMES, name)
    NAMES[name] = triton.jit(function)
    return NAMES[name]


_choose, _prefer, _nearest_sq, _nearest_quartic, _rise_l1, _loss, _line_of = map(
    _translated, ("choose", "prefer", "nearest_sq", "nearest_quartic", "rise_l1", "loss", "line_of")
)

_QUARTIC, _L1 = tl.constexpr(mathematics.QUARTIC), tl.constexpr(mathematics.L1)
_ROOT, _LITERAL = tl.constexpr(mathematics.ROOT), tl.constexpr(mathematics.LITERAL)
_UNDEFINED, _AT_BOUND = tl.constexpr(mathematics.UNDEFINED), tl.constexpr(mathematics.AT_BOUND)
_ROOT_MISSING = tl.constexpr(mathematics.ROOT_MISSING)
_JOINTS_MISSING = tl.constexpr(mathematics.JOINTS_MISSING)
_COINCIDENT, _LEAST_RISE = tl.constexpr(mathematics.COINCIDENT), tl.constexpr(mathematics.LEAST_RISE_MM)
_NAN, _INF = tl.constexpr(float("nan")), tl.constexpr(inf)


@triton.jit
def _total(values):
    return tl.sum(values, axis=1, keep_dims=True)


@triton.jit(do_not_specialize=["count", "low", "high"])
def _place(
    placed,
    depths,
    costs,
    flags,
    uv,
    visible,
    focal,
    center,
    xyz,
    count,
    low,
    high,
    JOINTS: tl.constexpr,
    WIDE: tl.constexpr,
    ROOT: tl.constexpr,
    LEFT: tl.constexpr,
    RIGHT: tl.constexpr,
    OBJECTIVE: tl.constexpr,
    ALIGN: tl.constexpr,
    STEPS: tl.constexpr,
    TILE: tl.constexpr,
):
    """``objective.place`` for a tile: [TILE, 1] values a pose, [TILE, WIDE] values a joint."""
    i = tl.program_id(0).to(tl.int64) * TILE + tl.arange(0, TILE)[:, None]
    j = tl.arange(0, WIDE)[None, :]
    row = i < count
    here = row & (j < JOINTS)
    at = i * JOINTS + j
    fx = tl.load(focal + 2 * i, mask=row, other=1.0).to(tl.float64)
    fy = tl.load(focal + 2 * i + 1, mask=row, other=1.0).to(tl.float64)
    cx = tl.load(center + 2 * i, mask=row, other=0.0).to(tl.float64)
    cy = tl.load(center + 2 * i + 1, mask=row, other=0.0).to(tl.float64)
    u = tl.load(uv + 2 * at, mask=here, other=0.0).to(tl.float64)
    v = tl.load(uv + 2 * at + 1, mask=here, other=0.0).to(tl.float64)
    x = tl.load(xyz + 3 * at, mask=here, other=0.0).to(tl.float64)
    y = tl.load(xyz + 3 * at + 1, mask=here, other=0.0).to(tl.float64)
    z = tl.load(xyz + 3 * at + 2, mask=here, other=0.0).to(tl.float64)
    seen = tl.load(visible + at, mask=here, other=0) != 0
    pinhole = (fx > 0.0) & (fy > 0.0)
    camera = (tl.where(pinhole, 1.0 / fx, _NAN), tl.where(pinhole, 1.0 / fy, _NAN), cx, cy)
    usable, line = _line_of(u, v, seen, x, y, z, camera)

    one = usable.to(tl.float64)
    used = _total(one)
    share = one / tl.where(used > 0.0, used, 1.0)
    missing = 0.0 * used
    if ALIGN == _LITERAL:
        share = 0.0 * one
    if ALIGN == _ROOT:
        hips = tl.where((j == LEFT) | (j == RIGHT), one, 0.0)
        share = tl.where(_total(hips) > 1.0, 0.5 * hips, share)
        root = tl.where(j == ROOT, one, 0.0)
        missing = 1.0 - _total(root)
        share = tl.where(missing > 0.0, share, root)
    ra, rb = _total(share * line[0]), _total(share * line[1])
    rx, ry = _total(share * line[2]), _total(share * line[3])
    own = (line[0] - ra, line[1] - rb, line[2] - rx, line[3] - ry)
    px, py, qx, qy = _prefer(usable, own, (0.0, 0.0, 0.0, 0.0))

    pp, pq = _total(px * px + py * py), _total(px * qx + py * qy)
    pp = tl.where((pp > _COINCIDENT) & (used > 1.0), pp, _NAN)
    best = _nearest_sq(pp, pq)
    if OBJECTIVE == _QUARTIC:
        ex, ey = px * best + qx, py * best + qy
        a, b, c = px * px + py * py, px * ex + py * ey, ex * ex + ey * ey
        aa, ab, bc = _total(a * a), _total(a * b), _total(b * c)
        best = best + _nearest_quartic(aa, ab, _total(a * c + 2.0 * b * b), bc)
    if OBJECTIVE == _L1:
        least, best = 0.0 * best + (low - 1), 0.0 * best + (high + 1)
        for _ in range(STEPS):
            k = tl.floor(0.5 * (least + best))
            rise = _total(_rise_l1(px, py, px * k + qx, py * k + qy))
            rises = (rise >= -_LEAST_RISE) | (least >= best)
            least, best = tl.where(rises, least, k + 1.0), tl.where(rises, k, best)

    depth = tl.where(best < low, low, tl.where(best > high, high, best))
    first = tl.floor(-tl.min(tl.where(usable, z, _INF), axis=1, keep_dims=True)) + 1.0
    depth = tl.where(depth < first, first, depth)
    defined = depth <= high
    known, far = defined.to(tl.float64), tl.where(defined, depth, 0.0)
    ex, ey = known * (px * far + qx), known * (py * far + qy)
    cost = _total(_loss(OBJECTIVE, ex, ey))
    tl.store(placed + 3 * at, x + (known * (ra * far + rx) + ex), mask=here)
    tl.store(placed + 3 * at + 1, y + (known * (rb * far + ry) + ey), mask=here)
    tl.store(placed + 3 * at + 2, z + far, mask=here)
    tl.store(depths + i, tl.where(defined, depth, _NAN), mask=row)
    tl.store(costs + i, tl.where(defined, cost, _NAN), mask=row)
    beyond = (defined & (depth != best)).to(tl.float64)
    flag = _UNDEFINED * (1.0 - known) + _AT_BOUND * beyond + _ROOT_MISSING * missing
    flag += tl.where(used < JOINTS, _JOINTS_MISSING, 0)
    tl.store(flags + i, flag.to(tl.uint8), mask=row)


def search(columns: Columns, wanted: Search, poses_a_tile: int = 16) -> Placed:
    """Poses at their best depths.

    Args:
        columns: the poses and their keypoints, all on one device.
        wanted: what is searched for.
        poses_a_tile: a power of 2.
    """
    uv, visible, focal, center, xyz = columns
    count, joints = visible.shape
    placed = torch.empty_like(xyz)
    depth, cost = xyz.new_empty(2, count, dtype=torch.float64)
    flags = xyz.new_empty(count, dtype=torch.uint8)
    if count:
        with torch.cuda.device_of(xyz):
            tiles: Any = _place[(triton.cdiv(count, poses_a_tile),)]
            tiles(
                *(placed, depth, cost, flags, uv, visible.view(torch.uint8), focal, center, xyz),
                *(count, int(wanted.low), int(wanted.high)),
                *(joints, triton.next_power_of_2(joints), *wanted.joints, wanted.objective, wanted.align),
                STEPS=ceil(log2(wanted.high - wanted.low + 3)) + 1,
                TILE=poses_a_tile,
            )
    return Placed(placed, depth, cost, flags)
