"""What a motion capture file holds once read: named points over time, and the mathematics that two formats share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_DIGITS = 12
"""Of a whole number; Python refuses to read one of thousands."""


class MotionFormatError(ValueError):
    """A motion capture file that does not read. Its message is always ``FILE:LINE: wanted ..., found ...``.

    Args:
        path: The file.
        line: The line where reading stopped, counted from 1.
        wanted: What the format asks for there.
        found: What stands there.
    """

    def __init__(self, path: Path, line: int, wanted: str, found: str) -> None:
        super().__init__(path, line, wanted, found)  # all four, so that the error survives pickling
        self.path, self.line, self.wanted, self.found = path, line, wanted, found

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: wanted {self.wanted}, found {self.found}"


@dataclass(frozen=True, eq=False)
class Motion:
    """The points of a skeleton over time.

    Attributes:
        names: N names, none twice.
        positions: (T, N, 3), in the file's own unit and axes.
        fps: Frames a second, as the file says.
        starts_at_rest: Whether the first frame leaves the root exactly unrotated. No captured frame does: it is the
            rest pose that some converters put before the first captured frame.
    """

    names: tuple[str, ...]
    positions: Floats
    fps: float
    starts_at_rest: bool = False

    def __post_init__(self) -> None:
        if self.positions.ndim != 3 or self.positions.shape[1:] != (len(self.names), 3):
            raise ValueError(f"wanted positions (T, {len(self.names)}, 3), found {self.positions.shape}")

    def joint(self, name: str) -> Floats:
        """The path (T, 3) of one point, in the file's own unit and axes.

        Raises:
            KeyError: No point has that name.
        """
        if name not in self.names:
            raise KeyError(f"no joint {name!r}; there are {', '.join(self.names)}")
        return self.positions[:, self.names.index(name)]


def read_lines(path: Path) -> list[str]:
    """The lines of a text file, whatever their ends; bytes that are no UTF-8 are kept as replacement marks."""
    return path.read_text(encoding="utf-8", errors="replace").split("\n")


def shown(text: str) -> str:
    """``text`` for an error message: quoted, and cut where it is long."""
    text = text.strip()
    return repr(text if len(text) <= 40 else text[:37] + "...") if text else "nothing"


def parse_numbers(path: Path, line: int, words: Sequence[str], count: int, what: str) -> list[float]:
    """``words`` as ``count`` finite numbers.

    Args:
        path: The file, for the error.
        line: The line of it, counted from 1, for the error.
        words: The words that stand there.
        count: How many numbers there must be.
        what: What the numbers are, for the error.

    Raises:
        MotionFormatError: There are more or fewer, or one is no finite number.
    """
    if len(words) != count:
        raise MotionFormatError(path, line, f"{count} numbers ({what})", f"{len(words)}: {shown(' '.join(words))}")
    try:
        numbers = list(map(float, words))
    except ValueError:
        numbers = []
    if len(numbers) != count or not math.isfinite(sum(numbers)):
        bad = next((word for word in words if not _finite(word)), " ".join(words))
        raise MotionFormatError(path, line, f"{count} finite numbers ({what})", shown(bad))
    return numbers


def _finite(word: str) -> bool:
    try:
        return math.isfinite(float(word))
    except ValueError:
        return False


def rotation(axes: str, angles: Floats) -> Floats:
    """The product, left to right, of one rotation about a coordinate axis per letter of ``axes``.

    Args:
        axes: Letters of ``xyz``; the last is the one that turns a vector first.
        angles: (T, len(axes)), rad.

    Returns:
        (T, 3, 3) matrices for column vectors; the identity where ``axes`` is empty.
    """
    product = np.tile(np.eye(3), (len(angles), 1, 1))
    for column, axis in enumerate(axes):
        i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
        cos, sin = np.cos(angles[:, column, None]), np.sin(angles[:, column, None])
        # Turning about the third axis mixes columns i and j alone: cheaper than a product of matrices.
        left, right = product[:, :, i], product[:, :, j]
        product[:, :, i], product[:, :, j] = left * cos + right * sin, right * cos - left * sin
    return product


def accumulate(parents: Sequence[int], local: Sequence[Floats | None]) -> list[Floats]:
    """Each node's rotation in the world, from those against its parent.

    Args:
        parents: Index of each node's parent, which comes before it; -1 for the root, which comes first.
        local: (T, 3, 3) of each node against its parent; None for a node that does not turn. The root's is given.

    Returns:
        (T, 3, 3) of each node against the world.
    """
    world: list[Floats] = []
    for parent, turn in zip(parents, local, strict=True):
        if parent < 0:
            if turn is None:
                raise ValueError("the root's rotation must be given")
            world.append(turn)
        else:
            world.append(world[parent] if turn is None else world[parent] @ turn)
    return world
