"""Endless people: poses and clips drawn from the motion prior, and the dataset ``synthetic`` made of them."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.datasets.dataset import About, Clip, Dataset, in_memory
from benchsuite.filming import place_cameras
from benchsuite.synthetic import motion
from benchsuite.synthetic.prior import FPS, WINDOW, Prior, WrongPrior, load_prior
from benchsuite.synthetic.rotations import OWN_SIDE, Floats, bends

CLIP_FPS = 10
MOST_FRAMES = WINDOW * CLIP_FPS // FPS
"""A clip is at most as long as the prior's window."""

CLIPS = 252
SPLITS = ("test", "train")

_POSES_PER_CLIP, _FEWEST_CLIPS, _TRIES = 4, 16, 1000
_ROUNDING_RAD = 1e-3
_STATURE, _WIDEST = 0.05, 2.0
"""Standard deviation of a body's size, and how many standard deviations are allowed."""


class SyntheticMotion:
    """Draws from a prior. Everything comes from the generator that is handed in.

    Args:
        prior: what to draw from; the one that comes with the package if none is given.
    """

    def __init__(self, prior: Prior | None = None) -> None:
        self.prior = prior or load_prior()
        self.actions = tuple(str(action) for action in self.prior.actions)

    def poses(self, rng: np.random.Generator, count: int) -> NDArray[np.float32]:
        """Single poses (count, 17, 3) in mm, world frame, pelvis above the origin; each action as often as any other.

        Up to four come from one drawn window, each on a body of its own; their order is random.
        """
        made: list[Floats] = [np.empty((0, 17, 3), np.float32)]
        missing = count
        while missing > 0:
            action = rng.integers(0, len(self.actions), missing // (_POSES_PER_CLIP - 1) + _FEWEST_CLIPS)
            frames = np.sort(rng.choice(WINDOW, _POSES_PER_CLIP, replace=False))
            features = self.prior.features(self._drawn(rng, action), frames, action).reshape(-1, motion.FEATURES)
            features[:, motion.LIFT] += self.prior.ground
            xyz = motion.upright(features, self.bodies(rng, len(features)))
            made.append(xyz[self._possible(xyz, np.repeat(action, _POSES_PER_CLIP))])
            missing -= len(made[-1])
            if not len(made[-1]):
                raise WrongPrior(f"none of {len(xyz)} poses drawn bends as the prior's training data do")
        heading = rng.uniform(-np.pi, np.pi, count).astype(np.float32)
        order = rng.permutation(count - min(missing, 0))[:count]
        return motion.turned(np.concatenate(made)[order], heading)

    def clip(self, rng: np.random.Generator, action: int, frames: int = MOST_FRAMES) -> NDArray[np.float32]:
        """One clip (frames, 17, 3) at 10 Hz in mm, world frame, of one body; the first pelvis above the origin.

        Raises:
            ValueError: it would be longer than the prior's window.
            WrongPrior: what the prior gives never lies in the ranges it holds; so does ``poses``.
        """
        if not 1 <= frames <= MOST_FRAMES:
            raise ValueError(f"wanted clips of 1 to {MOST_FRAMES} frames, found {frames}")
        lengths = self.bodies(rng, 1)[0].astype(np.float64)
        heading = float(rng.uniform(-np.pi, np.pi))
        which = np.array([action])
        for _ in range(_TRIES):
            features = self.prior.features(self._drawn(rng, which), np.arange(WINDOW), which)[0].astype(np.float64)
            features[:, motion.LIFT] += self.prior.ground - features[:, motion.LIFT].min()
            world = motion.travelled(motion.steadied(features), lengths, heading, FPS)
            if self._possible(world, which).all():
                return world[:: FPS // CLIP_FPS][:frames].astype(np.float32)
        raise WrongPrior(
            f"none of {_TRIES} clips drawn of {self.actions[action]} bends as the prior's training data do"
        )

    def clips(
        self, rng: np.random.Generator, count: int, frames: int = MOST_FRAMES
    ) -> tuple[NDArray[np.float32], list[str]]:
        """Clips (count, frames, 17, 3) as ``clip`` makes them, and their actions, which take turns.

        Each has a stream of its own, so the first few are the same however many are asked for.
        """
        own = rng.spawn(count)
        which = [k % len(self.actions) for k in range(count)]
        world = [self.clip(stream, action, frames) for stream, action in zip(own, which, strict=True)]
        return np.stack(world), [self.actions[action] for action in which]

    def bodies(self, rng: np.random.Generator, count: int) -> NDArray[np.float32]:
        """Bone lengths (count, 16) in mm of as many people, left as right."""
        stature = 1 + _STATURE * _within(rng.standard_normal((count, 1), dtype=np.float32))
        bone = _within(rng.standard_normal((count, 16), dtype=np.float32))[:, OWN_SIDE]
        lengths: NDArray[np.float32] = self.prior.lengths * stature * (1 + self.prior.variety * bone)
        return lengths

    def _drawn(self, rng: np.random.Generator, action: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
        """A point (N, D) of each action's mixture."""
        prior = self.prior
        chance = rng.random(len(action))
        drawn = rng.standard_normal((len(action), prior.mean.shape[1]), dtype=np.float32)
        for own in np.unique(action):
            components = np.flatnonzero(prior.components_of == own)
            edges = np.cumsum(prior.share[components])[:-1]
            rows = np.flatnonzero(action == own)
            chosen = components[np.searchsorted(edges, chance[rows], side="right")]
            drawn[rows] = prior.mean[chosen] + drawn[rows] @ prior.spread[own].T
        return drawn

    def _possible(self, xyz: Floats, action: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
        """Whether all joints of each pose (N, 17, 3) bend as they do in the training data of its action."""
        bent = bends(xyz)
        low, high = self.prior.bend_low - _ROUNDING_RAD, self.prior.bend_high[action] + _ROUNDING_RAD
        within: NDArray[np.bool_] = ((bent >= low) & (bent <= high)).all(1)
        return within


def _within(normal: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.clip(normal, -_WIDEST, _WIDEST)


def synthetic_dataset(
    *,
    clips: int = CLIPS,
    frames: int = MOST_FRAMES,
    seed: int = 0,
    split: str = "test",
    prior: Prior | None = None,
) -> Dataset:
    """The dataset ``synthetic``: clips at 10 Hz, each filmed by one virtual camera, held in memory.

    The same arguments give the same arrays, bit for bit, and a clip stays the same however many there are.

    Args:
        clips: how many; the actions take turns.
        frames: of each clip.
        seed: where all comes from, together with ``split``.
        split: ``test`` or ``train``: two streams that share nothing.
        prior: what to draw from; the one that comes with the package if none is given.

    Raises:
        ValueError: a clip would be longer than the prior's window, there are none, or there is no such split.
    """
    if split not in SPLITS:
        raise ValueError(f"dataset synthetic has no split {split!r}; it has {', '.join(SPLITS)}")
    if clips < 1:
        raise ValueError(f"wanted at least one clip, found {clips}")
    source = SyntheticMotion(prior)
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in ("uv", "xyz", "focal", "center")}
    described = []
    for k in range(clips):
        rng = np.random.default_rng((seed, SPLITS.index(split), k))
        action = k % len(source.actions)
        world = source.clip(rng, action, frames)
        camera = place_cameras(rng, world[:, 0].mean(0, keepdims=True, dtype=np.float64))
        xyz = camera.see(world[None])
        parts["xyz"].append(xyz[0])
        parts["uv"].append(camera.project(xyz)[0])
        parts["focal"].append(np.repeat(camera.focal, frames, axis=0))
        parts["center"].append(np.repeat(camera.center, frames, axis=0))
        described.append(
            Clip(
                name=f"{split}-{k:05d}",
                action=source.actions[action],
                subject=f"body-{k:05d}",
                camera="virtual",
                rotation=tuple(camera.rotation[0].ravel().tolist()),
                position=tuple(camera.position[0].tolist()),
            )
        )
    columns = {name: np.concatenate(rows).astype(np.float32) for name, rows in parts.items()}
    columns["visible"] = np.ones(columns["uv"].shape[:2], dtype=bool)
    columns["clip"] = np.repeat(np.arange(clips, dtype=np.int32), frames)
    columns["frame"] = np.tile(np.arange(frames, dtype=np.int32), clips)
    fingerprint = synthetic_fingerprint(clips=clips, frames=frames, seed=seed, split=split, prior=source.prior)
    about = About(
        name="synthetic",
        split=split,
        skeleton="H36M_17",
        fps=CLIP_FPS,
        licence="Apache-2.0",
        source="drawn from a motion prior fitted on the CMU Graphics Lab Motion Capture Database (mocap.cs.cmu.edu)",
        made_by=f"synthetic_dataset(clips={clips}, frames={frames}, seed={seed}, split={split!r})",
        notes=("synthetic: no one ever moved so; in the role of the paper's Unity data, not equal to it",),
    )
    return in_memory(about, columns, tuple(described), fingerprint)


def synthetic_fingerprint(
    *,
    clips: int = CLIPS,
    frames: int = MOST_FRAMES,
    seed: int = 0,
    split: str = "test",
    prior: Prior | None = None,
) -> str:
    """The fingerprint of ``synthetic_dataset`` with the same arguments, without drawing it."""
    known = (prior or load_prior()).fingerprint
    told = {"prior": known, "clips": clips, "frames": frames, "seed": seed, "split": split}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
