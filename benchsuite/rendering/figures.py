"""Figures: the solids that a body in clothes is made of, in a pose."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.rendering.bodies import Floats, frame_along
from benchsuite.rendering.solids import ROUND, Solids


class Part(IntEnum):
    """Parts of a body."""

    TORSO = 0
    NECK = 1
    HEAD = 2
    L_UPPER_ARM = 3
    L_FOREARM = 4
    L_HAND = 5
    R_UPPER_ARM = 6
    R_FOREARM = 7
    R_HAND = 8
    L_THIGH = 9
    L_SHIN = 10
    L_FOOT = 11
    R_THIGH = 12
    R_SHIN = 13
    R_FOOT = 14
    SKIRT = 15


OUTSIDE = 16
"""The part of whatever is not the person."""

_NEXT = {
    Part.TORSO: (Part.TORSO, Part.NECK, Part.L_UPPER_ARM, Part.R_UPPER_ARM, Part.L_THIGH, Part.R_THIGH, Part.SKIRT),
    Part.L_UPPER_ARM: (Part.L_UPPER_ARM, Part.L_FOREARM),
    Part.L_FOREARM: (Part.L_FOREARM, Part.L_HAND),
    Part.L_HAND: (Part.L_HAND,),
    Part.R_UPPER_ARM: (Part.R_UPPER_ARM, Part.R_FOREARM),
    Part.R_FOREARM: (Part.R_FOREARM, Part.R_HAND),
    Part.R_HAND: (Part.R_HAND,),
    Part.L_THIGH: (Part.L_THIGH, Part.L_SHIN),
    Part.L_SHIN: (Part.L_SHIN,),
    Part.R_THIGH: (Part.R_THIGH, Part.R_SHIN),
    Part.R_SHIN: (Part.R_SHIN,),
    Part.L_FOOT: (Part.L_FOOT,),
    Part.R_FOOT: (Part.R_FOOT,),
}


def soft_parts() -> NDArray[np.bool_]:
    """(16, 16): which parts' surfaces flow into each other."""
    flows = np.zeros((len(Part), len(Part)), dtype=bool)
    for one, others in _NEXT.items():
        for other in others:
            flows[one, other] = flows[other, one] = True
    return flows


class Figure:
    """A body's solids, world frame, as they are put together.

    Attributes:
        ends: of each solid's axis, mm.
        radii: mm, its smaller radius there.
        skull: which solids are the head without its hair.
    """

    def __init__(self) -> None:
        self._rows: list[list[Any]] = []
        self.ends: list[tuple[Floats, Floats]] = []
        self.radii: list[float] = []
        self.skull: list[int] = []

    def limb(
        self, part: Part, row: int, a: Floats, b: Floats, r1: float, r2: float, ahead: Floats, deep: float = 1.0
    ) -> int:
        """A round cone from ``a`` to ``b``, ``deep`` times as thick along ``ahead`` as across; which solid it is."""
        length = float(np.linalg.norm(b - a))
        axes = frame_along(b - a, ahead)
        turn = axes.T / np.array((1.0, deep, 1.0))[:, None]
        self.ends.append((a, b))
        self.radii.append(min(deep, 1.0) * 0.5 * (r1 + r2))
        return self._add(part, row, turn, -turn @ a, (length, r1, r2))

    def blob(self, part: Part, row: int, middle: Floats, axes: Floats, semi: tuple[float, float, float]) -> int:
        """An ellipsoid with the given semi-axes along the columns of ``axes``; which solid it is."""
        turn = axes.T / np.array(semi)[:, None]
        reach = max(semi[2] - min(semi), 0.0)
        self.ends.append((middle - reach * axes[:, 2], middle + reach * axes[:, 2]))
        self.radii.append(min(semi))
        return self._add(part, row, turn, -turn @ middle, (0.0, 1.0, 1.0))

    def paint(self, solids: list[int], frame: int) -> None:
        """Paint some solids in the frame of another, so that a pattern goes on over their seams."""
        for n in solids:
            self._rows[n][6] = frame

    def gird(self, solids: list[int], belt: int, above: int, below: int) -> None:
        """Give some solids one material above z = 0 of another's frame, and another below."""
        for n in solids:
            self._rows[n][5], self._rows[n][7:] = above, [belt, below]

    def _add(self, part: Part, row: int, turn: Floats, move: Floats, sizes: tuple[float, float, float]) -> int:
        number = len(self._rows)
        self._rows.append([turn, move, sizes, ROUND, int(part), row, number, -1, -1])
        return number

    def lifted(self, height: float) -> None:
        """Move all of it up by ``height`` mm."""
        rise = np.array([0.0, 0.0, height])
        self.ends = [(a + rise, b + rise) for a, b in self.ends]
        for row in self._rows:
            row[1] = row[1] - row[0] @ rise

    def solids(self) -> Solids:
        """All of them."""
        turn, move, sizes, *counted = zip(*self._rows, strict=True)
        whole = (np.array(column, dtype=np.int64) for column in counted)
        return Solids(np.array(turn), np.array(move), np.array(sizes, dtype=np.float64), *whole)
