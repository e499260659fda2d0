"""Motion that bodies are posed by: which frame of which clip each picture takes, and its pose in the world."""

from __future__ import annotations

from collections import Counter
from functools import cached_property

import numpy as np
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray

from benchsuite.datasets.columns import Clip
from benchsuite.datasets.dataset import Dataset, WrongDataset
from benchsuite.rendering.bodies import Floats
from benchsuite.rendering.solids import Ints

AIRBORNE = frozenset({"jump", "run"})
"""Actions in which both feet leave the floor."""

_GOLDEN = (5**0.5 - 1) / 2


class Motion:
    """A dataset of filmed poses seen as motion in the world.

    Raises:
        WrongDataset: there are no poses in ``H36M_17``, or a clip does not know its camera; names what was found.
    """

    def __init__(self, dataset: Dataset) -> None:
        name = dataset.about.name
        if dataset.about.skeleton != H36M_17.name or "xyz" not in dataset.columns:
            has = "poses" if "xyz" in dataset.columns else "2D keypoints alone"
            raise WrongDataset(
                f"dataset {name}: wanted poses in {H36M_17.name}, found {has} in {dataset.about.skeleton}"
            )
        if not len(dataset):
            raise WrongDataset(f"dataset {name} is empty: there is no motion in it")
        for clip in dataset.clips:
            if clip.rotation is None or clip.position is None:
                raise WrongDataset(
                    f"dataset {name}: clip {clip.name} does not know its camera's rotation and position, so that its "
                    "poses cannot be placed in the world"
                )
        self.dataset = dataset
        self.clip = np.asarray(dataset.columns["clip"]).astype(np.int64)

    def clip_of(self, row: int) -> Clip:
        """The clip of a row."""
        return self.dataset.clips[int(self.clip[row])]

    def world(self, rows: Ints | int) -> Floats:
        """Poses (..., 17, 3) mm, world."""
        rotation, position = self._cameras
        clip = self.clip[rows]
        xyz = self.dataset.columns["xyz"][rows].astype(np.float64)
        return np.asarray(xyz @ rotation[clip] + position[clip][..., None, :])

    @cached_property
    def _cameras(self) -> tuple[Floats, Floats]:
        clips = self.dataset.clips
        rotation = np.array([clip.rotation for clip in clips], dtype=np.float64).reshape(-1, 3, 3)
        return rotation, np.array([clip.position for clip in clips], dtype=np.float64)

    @cached_property
    def takes(self) -> dict[str, int]:
        """Each take's number, in the order of their names."""
        return {name: k for k, name in enumerate(sorted({clip.take or clip.name for clip in self.dataset.clips}))}

    @cached_property
    def cameras(self) -> dict[str, int]:
        """Each camera's number, in the order of their names."""
        return {name: k for k, name in enumerate(sorted({clip.camera for clip in self.dataset.clips}))}

    @cached_property
    def middles(self) -> Floats:
        """(takes, 2) mm: where on the floor each take happens."""
        rows = np.arange(0, len(self.dataset), 5)  # neighbouring frames stand at the same place
        take = np.array([self.takes[clip.take or clip.name] for clip in self.dataset.clips])[self.clip[rows]]
        root = self.world(rows)[:, 0, :2]
        count = np.maximum(np.bincount(take, minlength=len(self.takes)), 1)
        sums = [np.bincount(take, root[:, axis], len(self.takes)) for axis in (0, 1)]
        return np.stack(sums, axis=1) / count[:, None]

    def spread(self, rng: np.random.Generator) -> Ints:
        """All rows, in an order whose beginning is spread over everything, however long it is.

        Clips take turns, those of one action the more often the more there are of them, but only as their number's
        square root; frames of a clip follow each other as far apart as can be.
        """
        start = np.searchsorted(self.clip, np.arange(len(self.dataset.clips)))
        frame = np.arange(len(self.clip)) - start[self.clip]
        offset = rng.random(len(start))
        apart = (frame * _GOLDEN + offset[self.clip]) % 1.0
        by_clip = np.lexsort((apart, self.clip))
        turn = np.empty(len(self.clip), dtype=np.int64)
        turn[by_clip] = np.arange(len(self.clip)) - start[self.clip[by_clip]]
        crowd = Counter(clip.action for clip in self.dataset.clips)
        slowness = np.array([crowd[clip.action] ** 0.5 for clip in self.dataset.clips])
        return np.argsort((turn + rng.random(len(start))[self.clip]) * slowness[self.clip], kind="stable")

    def sequences(self, rng: np.random.Generator, clips: int, frames: int) -> Ints:
        """Rows of ``frames`` consecutive frames from the midst of each of some clips, the clips drawn.

        Raises:
            WrongDataset: there are not as many clips that long.
        """
        start, length = np.unique(self.clip, return_index=True, return_counts=True)[1:]
        long = np.flatnonzero(length >= frames)
        if len(long) < clips:
            raise WrongDataset(
                f"dataset {self.dataset.about.name}: wanted {clips} clips of {frames} frames, found {len(long)}"
            )
        drawn = np.sort(rng.permutation(long)[:clips])
        first = start[drawn] + (length[drawn] - frames) // 2
        return np.asarray((first[:, None] + np.arange(frames)).ravel())


def turned(points: Floats, heading: float) -> Floats:
    """World points (..., 3) turned about Z."""
    c, s = np.cos(heading), np.sin(heading)
    return np.asarray(points @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]]))


def near(at: NDArray[np.floating], reach: float) -> Floats:
    """A place (2,) on the floor, drawn in to within ``reach`` of the origin, far ones the more."""
    far = float(np.linalg.norm(at))
    return np.asarray(at * (reach * np.tanh(far / reach) / max(far, 1e-6)))
