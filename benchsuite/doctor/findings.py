"""What an examination of a dataset finds, and how checks look at its joints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchsuite.datasets.dataset import Dataset

Verdict = Literal["ok", "odd", "wrong"]
Floats = NDArray[np.float64]

ROWS = 1 << 15
"""Samples looked at in one go: memory stays flat."""

SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One line of the table.

    Attributes:
        check: what was looked at.
        verdict: ``ok``; ``odd``, where a person should look; ``wrong``, where results would be.
        text: what was found.
        split: where, in folders that hold several.
        figures: numbers behind it, JSON-able.
    """

    check: str
    verdict: Verdict
    text: str
    split: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)


def verdict(value: float, odd: float, wrong: float) -> Verdict:
    """``wrong`` beyond one limit, ``odd`` beyond the other; ``wrong`` may be infinite, or less than ``odd``."""
    if wrong < odd:
        value, odd, wrong = -value, -odd, -wrong
    return "wrong" if value > wrong else "odd" if value > odd else "ok"


def pieces(dataset: Dataset) -> Iterator[slice]:
    """All rows, so many at a time."""
    return dataset.batches(ROWS)


def seen(dataset: Dataset, rows: slice) -> tuple[Floats, NDArray[np.bool_]]:
    """Pixels (n, J, 2), NaN where a joint is not visible, and which (n, J) are."""
    visible = np.asarray(dataset.columns["visible"][rows])
    return np.where(visible[..., None], dataset.columns["uv"][rows].astype(np.float64), np.nan), visible


def joint(dataset: Dataset, points: Floats, *names: str) -> Floats:
    """The first joint (n, D) of those names that the skeleton has; ``x`` stands for the middle of ``l_x`` and ``r_x``.

    NaN where it is missing, or the skeleton has none of them.
    """
    bones = dataset.skeleton
    for name in names:
        pair = [f"{side}_{name}" for side in "lr"]
        for candidate in ([name], pair):
            if set(candidate) <= set(bones.joints):
                made: Floats = points[:, [bones.index(one) for one in candidate]].mean(axis=1)
                return made
    return np.full((len(points), points.shape[2]), np.nan)


HEADS = ("head_top", "head", "nose", "neck_nose", "neck")


def some_of(names: list[str]) -> str:
    """The first names of a list, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
