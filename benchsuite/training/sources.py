"""Where training pairs come from: datasets on disk, filmed again at every draw, or the endless synthetic source."""

from __future__ import annotations

import hashlib
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray
from torch import Tensor

from benchsuite.datasets.dataset import Dataset, WrongDataset
from benchsuite.training.pairs import Pairs, filmed, varied

HELD_OUT = 20
"""One take in this many is held out of training, for validation."""


B_co = TypeVar("B_co", bound=tuple[Tensor, ...], covariant=True)


class Source(Protocol[B_co]):
    """Draws pairs of what a network sees and what is true; the same generator state gives the same pairs."""

    name: str

    def pairs(self, rng: np.random.Generator, count: int) -> B_co:
        """``count`` training pairs."""
        ...

    def held_out(self, rng: np.random.Generator, count: int) -> B_co:
        """``count`` pairs that training never sees."""
        ...

    def about(self) -> dict[str, Any]:
        """What a checkpoint says about its data."""
        ...


class DatasetSource:
    """Pairs from a dataset in ``H36M_17``.

    Args:
        dataset: with 3D poses.
        refilm: put each pose back into the world, vary the body and film it with another camera; needs clips that
            say where their camera stood.

    Raises:
        WrongDataset: it is empty, 2D only, in another skeleton, or ``refilm`` asks for what the clips do not say.
    """

    def __init__(self, dataset: Dataset, *, refilm: bool) -> None:
        self.name = dataset.about.name
        self.dataset = dataset
        self.refilm = refilm
        if "xyz" not in dataset.columns or dataset.skeleton != H36M_17 or not len(dataset):
            raise WrongDataset(
                f"dataset {self.name}: training wants 3D poses in {H36M_17.name}, found {len(dataset)} samples of "
                f"{dataset.about.skeleton}{'' if 'xyz' in dataset.columns else ' without 3D'}"
            )
        placed = [clip.rotation is not None and clip.position is not None for clip in dataset.clips]
        if refilm and not all(placed):
            raise WrongDataset(
                f"dataset {self.name}: {placed.count(False)} of {len(placed)} clips do not say where their camera "
                "stood, so they cannot be filmed again; train with --as-filmed"
            )
        if refilm:
            self._rotation = np.array([clip.rotation for clip in dataset.clips]).reshape(-1, 3, 3)
            self._position = np.array([clip.position for clip in dataset.clips])
        self._training, self._validation = split_takes(dataset)
        if not refilm:
            seen = np.asarray(dataset.columns["visible"])
            self._training = self._training[seen[self._training].all(axis=1)]
            self._validation = self._validation[seen[self._validation].all(axis=1)]
            if not len(self._training) or not len(self._validation):
                never = [dataset.skeleton.joints[j] for j in np.flatnonzero(~seen.any(axis=0))]
                raise WrongDataset(
                    f"dataset {self.name}: as filmed, training wants samples with all joints seen, found none; "
                    f"never seen: {', '.join(never) or 'no joint alone'}"
                )

    def pairs(self, rng: np.random.Generator, count: int) -> Pairs:
        """``count`` pairs out of the takes that are not held out."""
        return self._draw(rng, self._training[rng.integers(0, len(self._training), count)])

    def held_out(self, rng: np.random.Generator, count: int) -> Pairs:
        """``count`` pairs out of the takes that are, as they were filmed."""
        rows = self._validation[rng.integers(0, len(self._validation), count)]
        return self._as_filmed(rows)

    def _draw(self, rng: np.random.Generator, rows: NDArray[np.integer]) -> Pairs:
        if not self.refilm:
            return self._as_filmed(rows)
        clip = self.dataset.columns["clip"][rows]
        world = self.dataset.columns["xyz"][rows] @ self._rotation[clip] + self._position[clip][:, None]
        return filmed(rng, varied(rng, world))

    def _as_filmed(self, rows: NDArray[np.integer]) -> Pairs:
        columns = (self.dataset.columns[name][rows] for name in ("uv", "xyz", "focal", "center"))
        return Pairs(*(torch.from_numpy(np.ascontiguousarray(column)) for column in columns))

    def about(self) -> dict[str, Any]:
        """Name, split, size, fingerprint and how it was drawn from."""
        about = self.dataset.about
        return {
            "dataset": about.name,
            "split": about.split,
            "samples": len(self._training),
            "fingerprint": self.dataset.fingerprint,
            "refilmed": self.refilm,
        }


def split_takes(dataset: Dataset) -> tuple[NDArray[np.integer], NDArray[np.integer]]:
    """Rows to train on, and rows of the takes that are held out; the same rows twice if there are too few takes.

    Of single images each is a take. Clips of the split ``test`` are in neither.
    """
    labels = dataset.labels(slice(None))
    assert labels.take is not None
    assert labels.split is not None
    held = np.array([_is_held_out(take) for take in labels.take.names])[labels.take.codes]
    ours = np.array([split != "test" for split in labels.split.names])[labels.split.codes]
    training, validation = np.flatnonzero(ours & ~held), np.flatnonzero(ours & held)
    if not len(training) or not len(validation):
        training = validation = np.flatnonzero(ours)
    if not len(training):
        raise WrongDataset(f"dataset {dataset.about.name}: all clips are of the split test, none to train on")
    return training, validation


def _is_held_out(take: str) -> bool:
    return int.from_bytes(hashlib.sha256(take.encode()).digest()[:4]) % HELD_OUT == 0


POOL = 200_000
"""Synthetic postures a training run draws from; bodies and views are new at every draw."""


class SyntheticSource:
    """Pairs from the shipped motion prior: postures out of a large pool, each time with another body and camera."""

    name = "synthetic"

    def __init__(self) -> None:
        from benchsuite.synthetic.source import SyntheticMotion

        motion = SyntheticMotion()
        self._fingerprint = motion.prior.fingerprint
        self._training, self._validation = (
            motion.poses(np.random.default_rng(stream), count) for stream, count in ((1, POOL), (2, POOL // HELD_OUT))
        )

    def pairs(self, rng: np.random.Generator, count: int) -> Pairs:
        """``count`` training pairs."""
        return filmed(rng, varied(rng, self._training[rng.integers(0, len(self._training), count)]))

    def held_out(self, rng: np.random.Generator, count: int) -> Pairs:
        """``count`` pairs of postures outside the pool."""
        return filmed(rng, self._validation[rng.integers(0, len(self._validation), count)])

    def about(self) -> dict[str, Any]:
        """That it is the synthetic source, and of which prior."""
        return {"dataset": self.name, "samples": POOL, "fingerprint": self._fingerprint, "refilmed": True}
