"""Penn Action's label files, one clip each, as one dataset with both splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchsuite_registry.skeletons import PENN_13
from numpy.typing import NDArray
from tqdm import tqdm

from benchsuite.convert.annotated import People, write_people
from benchsuite.convert.archives import WrongSource, read_mat, unpacked
from benchsuite.convert.outcome import Outcome
from benchsuite.datasets.columns import About, Clip

WINDOW = 25
"""Frames that the action classifier of the protocol looks at; shorter clips are counted."""

ACTIONS = {
    "bowl": "bowling",
    "pullup": "pull_ups",
    "pushup": "push_ups",
    "situp": "sit_ups",
    "squat": "squats",
    "strum_guitar": "strumming_guitar",
    "baseball_pitch": "baseball_pitch",
    "baseball_swing": "baseball_swing",
    "bench_press": "bench_press",
    "clean_and_jerk": "clean_and_jerk",
    "golf_swing": "golf_swing",
    "jump_rope": "jump_rope",
    "jumping_jacks": "jumping_jacks",
    "tennis_forehand": "tennis_forehand",
    "tennis_serve": "tennis_serve",
}
"""What the files call each of the 15 actions, and what Penn Action's readme calls it."""

LICENCE = "annotations are public; cite Zhang, Zhu, Derpanis: From Actemes to Action, ICCV 2013"

LEAST_VOTES, MAJORITY = 30, 2 / 3
"""What it takes to believe a source that its left joints come first, as the documentation says."""


@dataclass(frozen=True)
class _Labels:
    """One file.

    Attributes:
        uv: (T, 13, 2) px, joints in the file's order.
        labelled: (T, 13).
        box: (T, 4) px, x0 y0 x1 y1, NaN where the file has none.
        size: width and height, px.
    """

    clip: Clip
    uv: NDArray[np.float64]
    labelled: NDArray[np.bool_]
    box: NDArray[np.float64]
    size: tuple[int, int]


def convert(source: Path, out: Path, seed: int, *, with_images: bool = False) -> Outcome:
    """Write ``out``, a dataset in PENN_13 with true left and right, one clip a file.

    Args:
        source: Penn Action's folder, its ``labels``, or a zip archive of either. Photographs are looked for in
            ``frames`` beside ``labels``.
        out: folder to write.
        seed: nothing is drawn.
        with_images: take only frames whose photograph is there.

    Raises:
        FileNotFoundError: there is no such source, or no label file in it.
    """
    problems: list[str] = []
    read: list[_Labels] = []
    try:
        with unpacked(source, frozenset({".mat"})) as folder:
            files = _label_files(folder)
            if not files:
                raise FileNotFoundError(f"{source}: wanted Penn Action's labels/*.mat, found none")
            for file in tqdm(files, desc="reading", unit="clip", disable=None):
                try:
                    read.append(_read(file))
                except (WrongSource, OSError) as error:
                    problems.append(str(error))
            frames = files[0].parent.parent / "frames"
    except WrongSource as error:
        return Outcome(problems=[str(error)])
    if not read:
        return Outcome(problems=problems)
    outcome = _write(read, out, source, frames if frames.is_dir() else None, with_images)
    return Outcome(outcome.notes, [*problems, *outcome.problems])


def _label_files(folder: Path) -> list[Path]:
    inner = next((f for f in (folder / "labels", *sorted(folder.glob("*/labels"))) if f.is_dir()), folder)
    return sorted(inner.glob("*.mat"))


def _read(file: Path) -> _Labels:
    mat = read_mat(file)
    wanted = ("action", "pose", "train", "x", "y", "visibility", "bbox", "dimensions")
    if missing := [name for name in wanted if name not in mat]:
        raise WrongSource(file, f"variables {', '.join(wanted)}", f"no {', '.join(missing)}")
    x, y, visible = mat["x"], mat["y"], mat["visibility"]
    frames = len(x)
    if not frames or any(a.shape != (frames, len(PENN_13)) or a.dtype.kind not in "uifb" for a in (x, y, visible)):
        raise WrongSource(
            file, f"x, y and visibility of (frames, {len(PENN_13)})", f"{x.shape}, {y.shape}, {visible.shape}"
        )
    action, train, dimensions = _text(mat["action"]), mat["train"].ravel().tolist(), mat["dimensions"].ravel().tolist()
    if action not in ACTIONS:
        raise WrongSource(file, f"an action out of {', '.join(ACTIONS)}", repr(action))
    if train not in ([1], [-1]):
        raise WrongSource(file, "train of 1 or -1", str(train))
    if len(dimensions) != 3 or min(dimensions[:2]) <= 0:
        raise WrongSource(file, "dimensions: height, width, frames", str(dimensions))
    clip = Clip(file.stem, ACTIONS[action], camera=_text(mat["pose"]), split="train" if train == [1] else "test")
    uv = np.stack((x, y), axis=2).astype(np.float64)  # some files hold unsigned bytes
    box = _boxes(file, mat["bbox"], frames)
    return _Labels(clip, uv, visible.astype(bool), box, (int(dimensions[1]), int(dimensions[0])))


def _text(value: NDArray[Any]) -> str:
    return str(value.ravel()[0]) if value.size else ""


def _boxes(file: Path, given: NDArray[Any], frames: int) -> NDArray[np.float64]:
    """A row for every frame; of frames without a box of some area, NaN."""
    if given.ndim != 2 or given.shape[1] != 4 or given.dtype.kind not in "uif":
        raise WrongSource(file, "bbox of (frames, 4)", str(given.shape))
    box = np.full((frames, 4), np.nan)
    rows = min(frames, len(given))
    box[:rows] = given[:rows]
    box[~(box[:, 2:] > box[:, :2]).all(axis=1)] = np.nan
    return box


def _write(read: Sequence[_Labels], out: Path, source: Path, frames: Path | None, with_images: bool) -> Outcome:
    lengths = [len(labels.uv) for labels in read]
    order, notes = _sides(read)
    labelled = np.concatenate([labels.labelled for labels in read])[:, order]
    box = np.concatenate([labels.box for labels in read])
    photographs = None
    if frames is not None:
        photographs = [_frame(frames, labels.clip, k) for labels in read for k in range(len(labels.uv))]
    people = People(
        uv=np.concatenate([labels.uv for labels in read])[:, order],
        labelled=labelled,
        visible=labelled,
        clip=np.repeat(np.arange(len(read)), lengths),
        frame=np.concatenate([np.arange(length) for length in lengths]),
        size=np.repeat([labels.size for labels in read], lengths, axis=0),
        box=box,
        photographs=photographs,
    )
    train = sum(labels.clip.split == "train" for labels in read)
    notes.insert(0, f"{train} training clips, {len(read) - train} test clips")
    notes.append("the frame rate is unknown: fps is 0")
    if short := sum(length < WINDOW for length in lengths):
        notes.append(f"{short} clips are shorter than {WINDOW} frames")
    if boxless := int(np.isnan(box[:, 0]).sum()):
        notes.append(f"{boxless} frames have no box, or one of no area: theirs is drawn around the joints")
    if outside := [labels.clip.name for labels in read if _leaves(labels)]:
        notes.append(f"clips with joints outside their image, kept as they are: {', '.join(outside)}")
    about = About(
        name="penn-action",
        split="",
        skeleton=PENN_13.name,
        fps=0.0,
        licence=LICENCE,
        source="Penn Action",
        keypoints="annotated",
        made_by=f"benchsuite convert penn-action {source.name} -o {out.name}",
        notes=tuple(notes),
    )
    return write_people(out, about, [labels.clip for labels in read], people, with_images=with_images)


def _frame(frames: Path, clip: Clip, number: int) -> Path:
    """The photograph of a clip's frame, which files count from 1."""
    return frames / clip.name / f"{number + 1:06d}.jpg"


def _leaves(labels: _Labels) -> bool:
    uv = labels.uv[labels.labelled]
    return bool(((uv < 0) | (uv > labels.size)).any())


def _sides(read: Sequence[_Labels]) -> tuple[NDArray[np.intp], list[str]]:
    """Which of the file's joints stands for each of PENN_13's, and what says so.

    Penn Action documents the left joint of each pair first, but its annotations have the right one there: seen from
    the front, a person's right is on the image's left.
    """
    lies_left: dict[str, list[bool]] = {"front": [], "back": []}
    shoulders = PENN_13.index("l_shoulder"), PENN_13.index("r_shoulder")
    for labels in read:
        both = labels.labelled[:, shoulders].all(axis=1)
        if labels.clip.camera in lies_left and both.any():
            first, second = (labels.uv[both, joint, 0] for joint in shoulders)
            lies_left[labels.clip.camera].append(bool(np.median(first - second) < 0))
    front, back = lies_left["front"], lies_left["back"]
    votes, left_first = len(front) + len(back), len(front) - sum(front) + sum(back)
    right_first = votes < LEAST_VOTES or left_first < MAJORITY * votes
    order = np.array(PENN_13.mirror if right_first else range(len(PENN_13)))
    evidence = (
        f"the first shoulder lies on the image's left in {_share(front)} of {len(front)} front views "
        f"and on its right in {_share([not left for left in back])} of {len(back)} back views"
    )
    note = f"joints are read with each pair's {'right' if right_first else 'left'} one first"
    if right_first:
        note += ", against Penn Action's documentation"
    return order, [f"{note}: {evidence}"]


def _share(votes: Sequence[bool]) -> str:
    return f"{np.mean(votes):.0%}" if votes else "-"
