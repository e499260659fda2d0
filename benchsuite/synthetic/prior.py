"""The motion prior: what people do in 2.4 s, fitted on real takes and kept in a small file.

A window of 48 frames at 20 Hz is told by the features of ``motion``, as a few cosines over time, and
those as a few principal components of all actions together; there each action is a Gaussian mixture
whose components share one covariance. ``fitting`` makes it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.convert.archives import WrongSource, read_npz
from benchsuite.synthetic.rotations import Floats

FPS, WINDOW = 20, 48
"""Frames a second, and frames of a window."""
SHIPPED = Path(__file__).with_name("motion_prior.npz")


class WrongPrior(ValueError):
    """A prior's file does not hold what is wanted; says what was wanted and what was found."""


@dataclass(frozen=True)
class Prior:
    """A fitted prior: A actions, C mixture components of all actions, D dimensions, K cosines, F features.

    Attributes:
        actions: (A,) names.
        components_of: (C,) the action of each component.
        share: (C,) its share in its action.
        mean: (C, D).
        spread: (A, D, D) Cholesky factor of the covariance that the components of an action share.
        basis: (D, K, F) and ``centre`` (K, F): from D numbers to cosines of features.
        low: (A, F) and ``high`` (A, F): the range of each feature in each action.
        bend_low: (11,) rad, the least of each angle between neighbouring bones, in all actions: anyone may straighten.
        bend_high: (A, 11) rad, the most in each action.
        lengths: (16,) mm, bone lengths of the training skeletons' mean, left as right.
        variety: (16,) how much each varies for people of one stature, as a share of it.
        ground: height in leg lengths of the lowest joint of one who stands.
    """

    actions: NDArray[np.str_]
    components_of: NDArray[np.int32]
    share: NDArray[np.float32]
    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    basis: NDArray[np.float32]
    centre: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    bend_low: NDArray[np.float32]
    bend_high: NDArray[np.float32]
    lengths: NDArray[np.float32]
    variety: NDArray[np.float32]
    ground: NDArray[np.float32]

    @cached_property
    def over_time(self) -> NDArray[np.float32]:
        """(WINDOW, K): the value of each cosine in each frame."""
        return cosines(self.centre.shape[0]).astype(np.float32)

    @cached_property
    def fingerprint(self) -> str:
        """sha256 over all it holds."""
        digest = hashlib.sha256()
        for column in fields(self):
            digest.update(np.ascontiguousarray(getattr(self, column.name)).tobytes())
        return digest.hexdigest()

    def features(self, drawn: Floats, frames: NDArray[np.integer[Any]], action: NDArray[np.integer[Any]]) -> Floats:
        """Features (N, len(frames), F) within the range of their action.

        Args:
            drawn: (N, D) from the mixtures.
            frames: which frames of the window, the same for all.
            action: (N,) index of each.
        """
        size = self.centre.size
        told = (drawn @ self.basis.reshape(-1, size) + self.centre.reshape(size)).reshape(-1, *self.centre.shape)
        made = self.over_time[frames] @ told
        within: Floats = np.clip(made, self.low[action][:, None], self.high[action][:, None], out=made)
        return within

    def save(self, path: Path) -> None:
        """Write the prior, floats as float16 but for the ranges, which are limits and stay exact."""
        kept = {column.name: getattr(self, column.name) for column in fields(self)}
        for name in ("mean", "spread", "basis", "centre"):
            kept[name] = kept[name].astype(np.float16)
        np.savez_compressed(path, allow_pickle=False, **kept)


def load_prior(path: Path = SHIPPED) -> Prior:
    """The prior in a file; the one that comes with the package if none is named.

    Raises:
        WrongPrior: no such file, or one that lacks something.
    """
    try:
        file = read_npz(path)
    except (OSError, WrongSource) as error:
        raise WrongPrior(f"{path}: wanted a motion prior: {error}") from None
    if missing := [column.name for column in fields(Prior) if column.name not in file]:
        raise WrongPrior(f"{path}: wanted a motion prior, found no {', '.join(missing)}")
    held: dict[str, Any] = {column.name: file[column.name] for column in fields(Prior)}
    return Prior(**{name: v.astype(np.float32) if v.dtype == np.float16 else v for name, v in held.items()})


def cosines(count: int) -> NDArray[np.float64]:
    """(WINDOW, count): the first cosines of the orthonormal DCT-II."""
    frame, order = np.arange(WINDOW)[:, None], np.arange(count)[None]
    made = np.sqrt(2 / WINDOW) * np.cos(np.pi * (frame + 0.5) * order / WINDOW)
    made[:, 0] /= np.sqrt(2)
    return np.asarray(made)
