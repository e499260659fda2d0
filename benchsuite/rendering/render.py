"""From motion capture to a dataset of pictures: streaming, and resumed where it was killed."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray

from benchsuite.datasets.column_writer import JOURNAL, ColumnWriter, Layout, UnfinishedElsewhere
from benchsuite.datasets.columns import About, Clip, layout_of
from benchsuite.datasets.dataset import Dataset, WrongDataset, describe_dataset, open_dataset
from benchsuite.documents import plain
from benchsuite.rendering import Kind
from benchsuite.rendering.bodies import mirrored, posed
from benchsuite.rendering.motion import AIRBORNE, Motion, near, turned
from benchsuite.rendering.picture import Picture, take_picture
from benchsuite.rendering.scenes import lab_scene, wild_scene
from benchsuite.rendering.shots import LAB_REACH_MM, lab_shot, wild_shot

LAB_SUBJECTS = {"train": ("S1", "S5", "S6", "S7", "S8"), "test": ("S9", "S11")}
"""As Human3.6M's, who is who."""

WILD_REACH_MM = 600.0
"""How far people go in the wild, where consecutive frames share a scene."""

BATCH = 64
VERSION = 1
"""Of the pictures: another one means that the same command draws others."""


@dataclass(frozen=True)
class Order:
    """What to render.

    Attributes:
        kind: where people are seen.
        split: ``train`` or ``test``: of the motion, and of the lab's subjects.
        count: pictures.
        seed: of everything that is drawn.
        size: px of the square pictures.
        clips: of so many clips, consecutive frames in place of single ones; 0 for single ones.
    """

    kind: Kind
    split: str
    count: int
    seed: int = 0
    size: int = 160
    clips: int = 0

    def rng(self, *what: str | int) -> np.random.Generator:
        """What follows from the seed, the kind and ``what`` alone."""
        words = [zlib.crc32(word.encode()) if isinstance(word, str) else word for word in (self.kind, *what)]
        return np.random.default_rng((self.seed, *words))


class Renderer:
    """Pictures of an order, each for itself.

    Raises:
        WrongDataset: the motion is not enough or of the wrong kind.
    """

    def __init__(self, order: Order, source: Dataset) -> None:
        self.order, self.motion = order, Motion(source)
        if order.clips:
            self.rows = self.motion.sequences(order.rng(order.split, "clips"), order.clips, order.count // order.clips)
            self.numbers = np.arange(len(self.rows))
        else:
            if order.count > len(source):
                raise WrongDataset(
                    f"dataset {source.about.name}: wanted {order.count} frames, one a picture, found {len(source)}"
                )
            spread = self.motion.spread(order.rng(order.split, "order"))[: order.count]
            self.numbers = np.argsort(spread, kind="stable")
            self.rows = spread[self.numbers]

    def clips(self) -> tuple[Clip, ...]:
        """The clips that pictures are taken from, in order."""
        return tuple(self._clip(self.motion.dataset.clips[k]) for k in np.unique(self.motion.clip[self.rows]))

    def columns(self, part: slice, pool: ThreadPoolExecutor) -> dict[str, NDArray[Any]]:
        """The columns of some pictures, in the dataset's order."""
        rows = self.rows[part]
        pictures = list(pool.map(self.picture, self.numbers[part], rows))
        known = np.unique(self.motion.clip[self.rows])
        single = {
            name: np.stack([getattr(p, name) for p in pictures]).astype(dtype)
            for name, (dtype, _) in layout(self.order.size).items()
            if name in Picture.__dataclass_fields__
        }
        count = len(rows)
        return {
            **single,
            "labelled": np.ones((count, len(H36M_17)), dtype=bool),
            "size": np.full((count, 2), self.order.size, dtype=np.int32),
            "clip": np.searchsorted(known, self.motion.clip[rows]).astype(np.int32),
            "frame": np.asarray(self.motion.dataset.columns["frame"][rows]).astype(np.int32),
        }

    def picture(self, number: int, row: int) -> Picture:
        """Picture ``number``, of a row of the motion."""
        clip = self.motion.clip_of(row)
        # Frames of one clip share their subject and scene.
        rng = self.order.rng(self.order.split, clip.name if self.order.clips else int(number))
        standing = clip.action not in AIRBORNE
        noise = self.order.rng(self.order.split, "noise", int(number))
        motion, middle = self.motion.world(row), self.motion.middles[self.motion.takes[clip.take or clip.name]]
        if self.order.kind is Kind.LAB:
            scene = lab_scene(self.order.rng(self._subject(clip)), rng)
            heading = self.order.rng("heading", clip.take or clip.name).uniform(-np.pi, np.pi)
            motion[:, :2] -= middle
            motion = turned(motion, heading)
            motion[:, :2] += near(motion[0, :2], LAB_REACH_MM) - motion[0, :2]
            shot = lab_shot(self.motion.cameras[clip.camera] % 4)
        else:
            stands = near(motion[0, :2] - middle, WILD_REACH_MM) if self.order.clips else np.zeros(2)
            motion[:, :2] += stands - motion[0, :2]
            motion = mirrored(motion) if rng.random() < 0.5 else motion
            about = np.array([0.0, 0.0, 900.0])
            shot = wild_shot(rng, about)
            scene = wild_scene(rng, shot, about)
        joints = posed(scene.body, motion, standing=standing)
        return take_picture(scene, joints, shot, self.order.size, noise, standing=standing)

    def _subject(self, clip: Clip) -> str:
        names = LAB_SUBJECTS[self.order.split]
        return names[self.motion.takes[clip.take or clip.name] % len(names)]

    def _clip(self, clip: Clip) -> Clip:
        told = Clip(clip.name, action=clip.action, subject=clip.subject, camera=clip.camera, take=clip.take)
        if self.order.kind is not Kind.LAB:
            return told
        shot = lab_shot(self.motion.cameras[clip.camera] % 4)
        rotation, position = tuple(shot.rotation.ravel().tolist()), tuple(shot.position.tolist())
        return replace(told, subject=self._subject(clip), rotation=rotation, position=position)


def layout(size: int) -> Layout:
    """What a dataset of pictures holds."""
    names = "uv visible labelled xyz focal center box size head rgb clip frame"
    return layout_of(names.split(), len(H36M_17), size)


def render_dataset(
    order: Order, source: Dataset, out: Path, threads: int = 1, advance: Callable[[int], object] = lambda pictures: None
) -> Dataset:
    """Write the dataset ``out`` of pictures; if it is there already, do nothing.

    An unfinished run of the same order goes on where it was and ends with the same bytes as an undisturbed one.

    Args:
        order: what to render.
        source: motion in ``H36M_17``, its cameras known.
        out: the folder to write.
        threads: how many pictures are rendered at a time.
        advance: told how many pictures are done, each time some are.

    Raises:
        UnfinishedElsewhere: the folder belongs to another command, or another process is at work in it.
        WrongDataset: the motion is not enough or of the wrong kind, or the folder holds another dataset.
        NoNumba: numba is not installed.
    """
    plan = plain({**asdict(order), "version": VERSION, "motion": source.fingerprint})
    if (out / "dataset.json").is_file():
        return _finished(out, plan)
    renderer = Renderer(order, source)
    with ColumnWriter(out, layout(order.size), plan) as writer, ThreadPoolExecutor(threads) as pool:
        done = int(writer.reached or 0)
        advance(done)
        for part in _parts(done, order.count):
            writer.append(renderer.columns(part, pool))
            writer.commit(part.stop)
            advance(part.stop - part.start)
        clips = renderer.clips()
        made = describe_dataset(out, _about(order, source, plan), writer.columns(), clips)
        writer.forget()
    return made


def _parts(done: int, count: int) -> Iterator[slice]:
    return (slice(start, min(start + BATCH, count)) for start in range(done, count, BATCH))


def _about(order: Order, source: Dataset, plan: dict[str, Any]) -> About:
    what = f"--clips {order.clips} --frames {order.count // order.clips}" if order.clips else f"--count {order.count}"
    return About(
        name=f"rendered-{order.kind}",
        split=order.split,
        skeleton=H36M_17.name,
        fps=source.about.fps if order.clips else 0.0,
        licence=source.about.licence,
        source=f"rendered people moved by {source.about.name}: {source.about.source}",
        made_by=f"benchsuite render {order.kind} --data {source.about.name} --split {order.split} {what} "
        f"--seed {order.seed} --size {order.size}",
        notes=(
            "head_top is the crown, as in photographs' annotations, higher than the end of motion capture's head bone",
            "box is around all of the person in the picture, also where something hides them",
        ),
        provenance=plan,
    )


def _finished(out: Path, plan: dict[str, Any]) -> Dataset:
    there = open_dataset(out, verify=False)
    if there.about.provenance != plan:
        raise UnfinishedElsewhere(
            f"{out} holds a dataset already, made by {there.about.made_by or 'another command'!r}; "
            "delete the folder or write elsewhere"
        )
    (out / JOURNAL).unlink(missing_ok=True)  # killed at the very end
    return there
