"""What goes into a search and what comes out of it, the same on every device.

Arrays are NumPy's on the CPU and torch's on a CUDA device, their rows contiguous.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Columns(NamedTuple):
    """B poses of J joints.

    Attributes:
        uv: (B, 2 J) px.
        visible: (B, J) bool.
        focal: (B, 2) px.
        center: (B, 2) px.
        xyz: (B, 3 J) mm, root-relative.
    """

    uv: Any
    visible: Any
    focal: Any
    center: Any
    xyz: Any


class Search(NamedTuple):
    """What is searched for.

    Attributes:
        joints: columns of the root and of the left and the right hip, -1 where there is none.
        objective: index into ``objective.OBJECTIVES``.
        align: index into ``objective.ALIGNMENTS``.
        low: least depth allowed, whole mm.
        high: greatest depth allowed, whole mm.
    """

    joints: tuple[int, int, int]
    objective: int
    align: int
    low: float
    high: float


class Placed(NamedTuple):
    """The poses at the depths found.

    Attributes:
        xyz: (B, 3 J) mm, camera frame.
        depth: (B,) float64 mm, NaN where there is none.
        cost: (B,) float64, the objective at that depth.
        flags: (B,) uint8 bit set.
    """

    xyz: Any
    depth: Any
    cost: Any
    flags: Any
