"""The geometric search compiled by numba, which must be installed: one pass over the poses, eight of them at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import overload, register_jitable

from benchsuite.kernels.blocks import block, every, give, take
from benchsuite.kernels.lanes import EIGHT, LANES, choices
from benchsuite.kernels.machine_code import machine_code, text_of
from benchsuite_refiners import objective as mathematics
from benchsuite_refiners.objective import place

choices(mathematics.choose, mathematics.some)
overload(mathematics.wide)(lambda values: (lambda values: values) if values == LANES else None)
for _name in (
    *("prefer", "nearest_sq", "nearest_quartic", "rise_l1", "loss", "line_of"),
    *("miss", "residual", "average", "place"),
):
    register_jitable(forceinline=True)(getattr(mathematics, _name))


def compiled() -> Callable[..., None]:
    """``objective.place`` of all rows, given the members of ``Placed``, ``Columns`` and ``Search``."""
    text = text_of(mathematics)

    def place_each(
        placed: Any,
        depths: Any,
        costs: Any,
        flags: Any,
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
    ) -> None:
        text  # noqa: B018
        count, width = visible.shape
        uvs, seen, poses = block(2 * width, uv.dtype), block(width, visible.dtype), block(3 * width, xyz.dtype)
        focals, centers = block(2, focal.dtype), block(2, center.dtype)
        moved, found, flag = block(3 * width, xyz.dtype), block(2, np.float64), block(1, np.uint8)
        i = every()
        for first in range(0, count, EIGHT):
            take(uvs, uv, first)
            take(seen, visible, first)
            take(focals, focal, first)
            take(centers, center, first)
            take(poses, xyz, first)
            found[i, 0], found[i, 1], flag[i, 0] = place(
                i, moved, uvs, seen, focals, centers, poses, joints, objective, align, low, high
            )
            give(placed, moved, first)
            for lane in range(min(EIGHT, count - first)):
                row = first + lane
                depths[row], costs[row], flags[row] = found[lane, 0], found[lane, 1], flag[lane, 0]

    return machine_code(place_each, fastmath={"contract"})
