"""Things: the solids and planes that are not the person, as they are put together. World frame, Z up, mm."""

from __future__ import annotations

import numpy as np

from benchsuite.rendering.bodies import frame_along
from benchsuite.rendering.figures import OUTSIDE
from benchsuite.rendering.shading import Planes
from benchsuite.rendering.solids import BOX, ROUND, Floats, Solids
from benchsuite.rendering.textures import WIDTH

UP = np.array([0.0, 0.0, 1.0])


class Things:
    """Solids and materials, world frame, as they are put together."""

    def __init__(self) -> None:
        self._solids: list[tuple[Floats, Floats, tuple[float, float, float], int, int]] = []
        self._planes: list[tuple[Floats, Floats, int]] = []
        self._materials: list[Floats] = []

    def made_of(self, row: Floats) -> int:
        """The number of a new material."""
        self._materials.append(row)
        return len(self._materials) - 1

    def plane(self, at: Floats, out: Floats, ahead: Floats, row: int) -> None:
        """A plane through ``at``, seen from where ``out`` points; ``ahead`` is its texture's Y axis."""
        turn = frame_along(out, ahead).T
        self._planes.append((turn, -turn @ at, row))

    def pole(self, a: Floats, b: Floats, r1: float, r2: float, row: int) -> None:
        """A round cone."""
        turn = frame_along(b - a, np.array([0.3, 1.0, 0.1])).T
        self._solids.append((turn, -turn @ a, (float(np.linalg.norm(b - a)), r1, r2), ROUND, row))

    def blob(self, middle: Floats, semi: Floats, heading: float, row: int) -> None:
        """An upright ellipsoid."""
        turn = _turned(heading).T / semi[:, None]
        self._solids.append((turn, -turn @ middle, (0.0, 1.0, 1.0), ROUND, row))

    def box(self, middle: Floats, half: Floats, heading: float, row: int) -> None:
        """An upright box."""
        turn = _turned(heading).T / half[:, None]
        self._solids.append((turn, -turn @ middle, (1.0, 1.0, 1.0), BOX, row))

    def solids(self) -> Solids:
        """All solids."""
        count = len(self._solids)
        turn = np.array([t for t, *_ in self._solids]).reshape(count, 3, 3)
        move = np.array([m for _, m, *_ in self._solids]).reshape(count, 3)
        sizes = np.array([s for _, _, s, *_ in self._solids], dtype=np.float64).reshape(count, 3)
        kind = np.array([k for *_, k, _ in self._solids], dtype=np.int64)
        row = np.array([r for *_, r in self._solids], dtype=np.int64)
        none = np.full(count, -1, dtype=np.int64)
        return Solids(
            turn, move, sizes, kind, np.full(count, OUTSIDE, dtype=np.int64), row, np.arange(count), none, none
        )

    def planes(self) -> Planes:
        """All planes."""
        turn, move, row = zip(*self._planes, strict=True)
        return Planes(np.array(turn), np.array(move), np.array(row, dtype=np.int64))

    def materials(self) -> Floats:
        """All materials."""
        return np.array(self._materials).reshape(-1, WIDTH)


def _turned(heading: float) -> Floats:
    c, s = np.cos(heading), np.sin(heading)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
