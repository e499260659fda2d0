"""People annotated in photographs and videos: what every converter of a 2D source does alike.

Where nothing tells a camera's intrinsics they follow a hypothesis, and the dataset says so. Pixels of joints that
nobody labelled are 0; those of joints that are occluded but labelled stay, though ``visible`` is False for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from benchsuite_registry.skeletons import Skeleton, skeleton
from numpy.typing import NDArray

from benchsuite.columns import About, Clip
from benchsuite.convert.hdf5_cdf import MissingLibrary
from benchsuite.dataset import write_dataset

FOCAL_PER_SIDE = 1.2
HYPOTHESIS = f"focal = {FOCAL_PER_SIDE} max(width, height), center = the image's center"
CENTERED = "guessed: what the joints span, with the same margin after as before them"
MARGIN = 0.125
"""Of a box's longer side, all around the joints."""


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


def write_people(out: Path, about: About, clips: Sequence[Clip], people: People) -> list[str]:
    """Write a dataset folder, rows in the order of ``clip`` and ``frame``; returns the notes it was given and more."""
    order = np.lexsort((people.frame, people.clip))
    labelled = people.labelled[order] & has_pixels(people.uv[order])
    uv = np.where(labelled[..., None], people.uv[order], 0.0)
    notes = [*about.notes, *_counted(labelled, skeleton(about.skeleton))]
    around = box_around(uv, labelled)
    box = around if people.box is None else np.where(np.isnan(people.box[order]), around, people.box[order])
    if flat := int(((box[:, 2:] - box[:, :2]) <= 0).any(axis=1).sum()):
        notes.append(f"{flat} people have a box of no area")
    columns: dict[str, NDArray[Any]] = {
        "uv": uv.astype(np.float32),
        "visible": people.visible[order] & labelled,
        "box": box.astype(np.float32),
        "clip": people.clip[order].astype(np.int32),
        "frame": people.frame[order].astype(np.int32),
    }
    if (columns["visible"] != labelled).any():
        columns["labelled"] = labelled
    if people.head is not None:
        columns["head"] = people.head[order].astype(np.float32)
    size = np.zeros((len(uv), 2)) if people.size is None else people.size[order]
    known = np.asarray((size > 0).all(axis=1))
    if known.all():
        columns["size"] = size.astype(np.int32)
    if people.intrinsics is not None:
        intrinsics = people.intrinsics[order]
        columns["focal"], columns["center"] = np.hsplit(intrinsics.astype(np.float32), 2)
    else:
        said = HYPOTHESIS
        if not known.all():
            guess, how = people.guess or (_centered(uv, labelled), CENTERED)
            size = np.where(known[:, None], size, guess if people.guess is None else guess[order])
            said += f"; the size is unknown for {int((~known).sum())} of {len(uv)} people, {how}"
        columns["focal"], columns["center"] = hypothesised(size)
        about = replace(about, intrinsics=said)
        notes.append(f"intrinsics are a hypothesis: {said}")
    write_dataset(out, replace(about, notes=tuple(notes)), columns, tuple(clips))
    return [f"{len(uv)} people in {len(clips)} clips", *notes]


def has_pixels(uv: NDArray[Any]) -> NDArray[np.bool_]:
    """Which joints (..., J) of ``uv`` (..., J, 2) have finite pixels."""
    return np.asarray(np.isfinite(uv).all(axis=-1))


def hypothesised(size: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Focal lengths and centers, (N, 2) px each, of images (N, 2) px wide and high.

    Source: option (c) for images in the wild; the paper does not say which intrinsics it takes.
    """
    focal = np.repeat(FOCAL_PER_SIDE * size.max(axis=1, keepdims=True), 2, axis=1)
    return focal.astype(np.float32), (size / 2).astype(np.float32)


def box_around(uv: NDArray[Any], labelled: NDArray[np.bool_]) -> NDArray[Any]:
    """Boxes (N, 4) px, x0 y0 x1 y1, ``MARGIN`` around the labelled joints; NaN where there are none."""
    low, high = _ends(uv, labelled)
    margin = MARGIN * (high - low).max(axis=1, keepdims=True)
    return np.concatenate((low - margin, high + margin), axis=1)


def _ends(uv: NDArray[Any], labelled: NDArray[np.bool_]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Smallest and largest pixel (N, 2) of the labelled joints; NaN where there are none."""
    low = np.where(labelled[..., None], uv, np.inf).min(axis=1)
    high = np.where(labelled[..., None], uv, -np.inf).max(axis=1)
    nobody = ~labelled.any(axis=1)
    low[nobody] = high[nobody] = np.nan
    return low, high


def _centered(uv: NDArray[Any], labelled: NDArray[np.bool_]) -> NDArray[Any]:
    """Sizes (N, 2) px of images that have each person in their middle.

    For the 400 photographs of LSPET that were at hand this comes to 0.67-1.38 of the longer side (90 %; median 0.96).
    """
    low, high = _ends(uv, labelled)
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


def photograph_sizes(files: Sequence[Path | None]) -> NDArray[np.int64]:
    """Width and height (N, 2) px of photographs, 0 for those that are not there or do not read.

    Raises:
        MissingLibrary: there are photographs, but nothing to read them with.
    """
    sizes = np.zeros((len(files), 2), dtype=np.int64)
    for row, file in enumerate(files):
        if file is not None and file.is_file():
            sizes[row] = _size(file)
    return sizes


def _size(file: Path) -> tuple[int, int]:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingLibrary(
            f"{file}: the sizes of photographs need Pillow: pip install benchsuite[data] ({error})"
        ) from None
    try:
        with Image.open(file) as image:  # reads no more than the header
            return image.size
    except (OSError, ValueError, Image.DecompressionBombError):
        return 0, 0


def split_of(stem: str) -> str:
    """``train`` or ``test`` (which also stands for validation), as a file's name says; empty if it does not."""
    name = stem.lower()
    return "train" if "train" in name else "test" if "val" in name or "test" in name else ""
