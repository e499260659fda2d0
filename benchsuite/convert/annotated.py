"""People annotated in photographs and videos: what every converter of a 2D source does alike.

Where nothing tells a camera's intrinsics they follow a hypothesis, and the dataset says so. Pixels of joints that
nobody labelled are 0; those of joints that are occluded but labelled stay, though ``visible`` is False for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from benchsuite_registry.skeletons import Skeleton, skeleton
from numpy.typing import NDArray

from benchsuite.convert.outcome import Outcome
from benchsuite.convert.photographs import found, listed
from benchsuite.datasets.columns import About, Clip, used_clips
from benchsuite.datasets.dataset import write_dataset
from benchsuite.images.crops import box_around, ends_of

FOCAL_PER_SIDE = 1.2
HYPOTHESIS = f"focal = {FOCAL_PER_SIDE} max(width, height), center = the image's center"
CENTERED = "guessed: what the joints span, with the same margin after as before them"


@dataclass(frozen=True)
class People:
    """N annotated people.

    Attributes:
        uv: (N, J, 2) px.
        labelled: (N, J), whether a joint's pixels mean anything.
        visible: (N, J), whether it can be seen; always labelled, too.
        clip: (N,) number of the clip.
        frame: (N,) frame in it.
        size: (N, 2) px, width and height of the image, 0 where unknown; None if all are.
        guess: (N, 2) px, the size to go by where it is unknown, and how it was guessed; None: the person is taken to
            be in the image's middle.
        box: (N, 4) px, x0 y0 x1 y1; NaN where unknown; None if all are.
        head: (N,) px, head size of PCKh; NaN where unknown; None if all are.
        intrinsics: (N, 4) px, fx fy cx cy; None if unknown.
        photographs: N paths, None where unknown; the same None if all are.
    """

    uv: NDArray[Any]
    labelled: NDArray[np.bool_]
    visible: NDArray[np.bool_]
    clip: NDArray[np.integer]
    frame: NDArray[np.integer]
    size: NDArray[Any] | None = None
    guess: tuple[NDArray[Any], str] | None = None
    box: NDArray[Any] | None = None
    head: NDArray[Any] | None = None
    intrinsics: NDArray[Any] | None = None
    photographs: Sequence[Path | None] | None = None

    def rows(self, order: NDArray[np.integer]) -> People:
        """Those people, in that order."""
        picked: dict[str, Any] = {
            field.name: value[order]
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), np.ndarray)
        }
        if self.guess is not None:
            picked["guess"] = self.guess[0][order], self.guess[1]
        if self.photographs is not None:
            picked["photographs"] = [self.photographs[k] for k in order.tolist()]
        return replace(self, **picked)


def write_people(
    out: Path, about: About, clips: Sequence[Clip], people: People, *, with_images: bool = False
) -> Outcome:
    """Write a dataset folder, rows in the order of ``clip`` and ``frame``.

    Pictures are listed if all photographs are there.

    Args:
        out: folder to write.
        about: with notes, to which come more.
        clips: what ``people.clip`` counts.
        people: in any order.
        with_images: leave out people whose photograph is not there.

    Returns:
        The notes; a problem if nobody is left.
    """
    people = people.rows(np.lexsort((people.frame, people.clip)))
    pictures = found(people.photographs, people.size) if people.photographs else []
    notes = list(about.notes)
    if with_images:
        there = np.flatnonzero([file is not None for file in pictures])
        if not len(there):
            none = f"none of {len(people.uv)} (an archive has to be unpacked first)"
            return Outcome(problems=[f"{about.source}: wanted photographs, found {none}"])
        if left_out := len(people.uv) - len(there):
            notes.append(f"{left_out} people without a photograph left out")
        people, pictures = people.rows(there), [pictures[k] for k in there.tolist()]
        about = replace(about, made_by=f"{about.made_by} --with-images")
    clip, clips = used_clips(people.clip, clips) if with_images else (people.clip.astype(np.int32), tuple(clips))
    labelled = people.labelled & has_pixels(people.uv)
    uv = np.where(labelled[..., None], people.uv, 0.0)
    notes += _counted(labelled, skeleton(about.skeleton))
    around = box_around(uv, labelled)
    box = around if people.box is None else np.where(np.isnan(people.box), around, people.box)
    if flat := int(((box[:, 2:] - box[:, :2]) <= 0).any(axis=1).sum()):
        notes.append(f"{flat} people have a box of no area")
    columns: dict[str, NDArray[Any]] = {
        "uv": uv.astype(np.float32),
        "visible": people.visible & labelled,
        "box": box.astype(np.float32),
        "clip": clip,
        "frame": people.frame.astype(np.int32),
    }
    if (columns["visible"] != labelled).any():
        columns["labelled"] = labelled
    if people.head is not None:
        columns["head"] = people.head.astype(np.float32)
    size = np.zeros((len(uv), 2)) if people.size is None else people.size
    known = np.asarray((size > 0).all(axis=1))
    if known.all():
        columns["size"] = size.astype(np.int32)
    if people.intrinsics is not None:
        columns["focal"], columns["center"] = np.hsplit(people.intrinsics.astype(np.float32), 2)
    else:
        said = HYPOTHESIS
        if not known.all():
            guess, how = people.guess or (_centered(uv, labelled), CENTERED)
            size = np.where(known[:, None], size, guess)
            said += f"; the size is unknown for {int((~known).sum())} of {len(uv)} people, {how}"
        columns["focal"], columns["center"] = hypothesised(size)
        about = replace(about, intrinsics=said)
        notes.append(f"intrinsics are a hypothesis: {said}")
    about, photographs = listed(replace(about, notes=tuple(notes)), columns, pictures, "--with-images")
    write_dataset(out, about, columns, clips, photographs)
    return Outcome([f"{len(uv)} people in {len(clips)} clips", *about.notes])


def has_pixels(uv: NDArray[Any]) -> NDArray[np.bool_]:
    """Which joints (..., J) of ``uv`` (..., J, 2) have finite pixels."""
    return np.asarray(np.isfinite(uv).all(axis=-1))


def hypothesised(size: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Focal lengths and centers, (N, 2) px each, of images (N, 2) px wide and high.

    Source: option (c) for images in the wild; the paper does not say which intrinsics it takes.
    """
    focal = np.repeat(FOCAL_PER_SIDE * size.max(axis=1, keepdims=True), 2, axis=1)
    return focal.astype(np.float32), (size / 2).astype(np.float32)


def _centered(uv: NDArray[Any], labelled: NDArray[np.bool_]) -> NDArray[Any]:
    """Sizes (N, 2) px of images that have each person in their middle.

    For the 400 photographs of LSPET that were at hand this comes to 0.67-1.38 of the longer side (90 %; median 0.96).
    """
    low, high = ends_of(uv, labelled)
    sizes: NDArray[Any] = np.nan_to_num(np.maximum(high + np.maximum(low, 0.0), 1.0), nan=1.0)
    return sizes


def _counted(labelled: NDArray[np.bool_], bones: Skeleton) -> list[str]:
    """A line for each way in which people are incomplete."""
    hips = labelled[:, bones.index("l_hip")] & labelled[:, bones.index("r_hip")]
    root = hips | labelled[:, bones.index("pelvis")] if "pelvis" in bones.joints else hips
    counts = {
        "people without a single labelled joint, kept": int((~labelled.any(axis=1)).sum()),
        "people without a root (neither pelvis nor both hips)": int((~root).sum()),
    }
    return [f"{count} {what}" for what, count in counts.items() if count]


def split_of(stem: str) -> str:
    """``train`` or ``test`` (which also stands for validation), as a file's name says; empty if it does not."""
    name = stem.lower()
    return "train" if "train" in name else "test" if "val" in name or "test" in name else ""
