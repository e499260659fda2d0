"""MPII Human Pose: the official ``RELEASE`` structure, and two CSV files that people have made of it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from benchsuite_registry.skeletons import MPII_16
from numpy.typing import NDArray
from tqdm import tqdm

from benchsuite.convert.annotated import People, has_pixels, write_people
from benchsuite.convert.archives import WrongSource, read_mat, unpacked
from benchsuite.convert.outcome import Outcome
from benchsuite.convert.photographs import photograph_sizes
from benchsuite.datasets.columns import HEAD_PER_DIAGONAL, HEAD_PER_NECK_TO_TOP, About, Clip

LICENCE = (
    "annotations: Simplified BSD License, free for research; cite Andriluka, Pishchulin, Gehler, Schiele: "
    "2D Human Pose Estimation, CVPR 2014"
)
HEAD_PER_SCALE = 25.0
"""PCKh's head size: ``scale`` is six heads, from neck to top, in 200 px."""

VIDEO_SIZES = ((1280, 720), (1920, 1080))
"""px. The images are frames of YouTube's videos; how often joints lie at a pixel falls off at these borders alone."""

JOINTS = len(MPII_16)
SHOWN = 5


@dataclass
class _Rows:
    """People as they are read, a list item each."""

    uv: list[NDArray[np.float64]] = field(default_factory=list)
    visible: list[NDArray[np.bool_]] = field(default_factory=list)
    head: list[float] = field(default_factory=list)
    frame: list[int] = field(default_factory=list)
    image: list[str] = field(default_factory=list)
    activity: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, frame: int, uv: NDArray[np.float64], visible: NDArray[np.bool_], head: float, image: str) -> None:
        self.frame.append(frame)
        self.uv.append(uv)
        self.visible.append(visible)
        self.head.append(head)
        self.image.append(image)


def convert(source: Path, out: Path, seed: int, *, with_images: bool = False) -> Outcome:
    """Write ``out``, a dataset in MPII_16, one clip an activity where the source names them; ``frame`` counts its rows.

    ``head`` is PCKh's head size: 0.6 of the head box's diagonal, or the same out of the head's joints or the scale.

    Args:
        source: the official ``mpii_human_pose*.mat``, ``mpii_human_pose.csv``, ``train_joints.csv``, or a folder or
            zip archive, of which the first of the three is taken. Photographs are looked for in ``images`` beside it.
        out: folder to write.
        seed: nothing is drawn.
        with_images: take only people whose photograph is there.

    Raises:
        FileNotFoundError: there is no such source, or no such file in it.
    """
    try:
        with unpacked(source, frozenset({".mat", ".csv"})) as folder:
            file, passed = _file(source, folder)
            rows = _read_release(file) if file.suffix == ".mat" else _read_csv(file)
            folder = file.parent / "images"
            photographs = [folder / name for name in rows.image] if folder.is_dir() else None
            size = photograph_sizes(photographs) if photographs else None
    except WrongSource as error:
        return Outcome(problems=[str(error)])
    if not rows.uv:
        return Outcome(problems=rows.problems or [f"{source}: no person in it has labelled joints"])
    if passed:
        rows.notes.insert(0, f"{file.name} is taken, left out: {', '.join(passed)}")
    people, clips = _people(rows)
    about = About(
        name="mpii",
        split="train",
        skeleton=MPII_16.name,
        fps=0.0,
        licence=LICENCE,
        source="MPII Human Pose",
        keypoints="annotated",
        made_by=f"benchsuite convert mpii {source.name} -o {out.name}",
        notes=tuple(rows.notes),
    )
    people = replace(people, size=size, photographs=photographs)
    outcome = write_people(out, about, clips, people, with_images=with_images)
    return Outcome(outcome.notes, [*rows.problems, *outcome.problems])


def _file(source: Path, folder: Path) -> tuple[Path, list[str]]:
    """The file to read, and the names of others that could have been."""
    if folder.is_file():
        return folder, []
    patterns = ("mpii_human_pose*.mat", "mpii_human_pose.csv", "train_joints.csv")
    files = [f for pattern in patterns for f in sorted(folder.rglob(pattern))]
    if not files:
        raise FileNotFoundError(f"{source}: wanted {' or '.join(patterns)}, found none")
    return files[0], [f.name for f in files[1:]]


def _people(rows: _Rows) -> tuple[People, list[Clip]]:
    activities = rows.activity or [("", "")] * len(rows.uv)
    names = sorted(set(activities))
    clips = [Clip("/".join(filter(None, name)) or "mpii", action=name[1], split="train") for name in names]
    lookup = {name: number for number, name in enumerate(names)}
    uv = np.stack(rows.uv)
    people = People(
        uv=uv,
        labelled=np.ones(uv.shape[:2], dtype=bool),  # NaN where not
        visible=np.stack(rows.visible),
        clip=np.array([lookup[activity] for activity in activities]),
        frame=np.array(rows.frame),
        guess=(
            _video_sizes(uv, rows.image),
            f"guessed: the smallest of {VIDEO_SIZES} that holds all joints in the image",
        ),
        head=np.array(rows.head),
    )
    return people, clips


def _video_sizes(uv: NDArray[np.float64], images: Sequence[str]) -> NDArray[np.int64]:
    """The smallest of ``VIDEO_SIZES`` (N, 2) px that holds everybody in the image; the largest if none does."""
    _, image = np.unique(images, return_inverse=True)
    reach = np.zeros((image.max() + 1, 2))
    np.fmax.at(reach, image, np.nanmax(uv, axis=1))
    sizes = np.array(VIDEO_SIZES)
    fits = np.asarray((reach[:, None] <= sizes).all(axis=2))
    smallest = np.where(fits.any(axis=1), fits.argmax(axis=1), len(sizes) - 1)
    return sizes[smallest][image]


def _read_csv(file: Path) -> _Rows:
    """Either CSV file; told apart by the header that only one of them has.

    Raises:
        WrongSource: no line of it can be read.
    """
    rows = _Rows()
    try:
        with file.open(newline="", encoding="utf-8") as text:
            lines = list(csv.reader(text))
    except (csv.Error, UnicodeDecodeError) as error:
        raise WrongSource(file, "CSV", str(error)) from None
    headed = bool(lines) and lines[0][:2] == ["ID", "NAME"]
    # image and joints, or number, image, joints, scale, activity and category
    before, count = (2, 2 * JOINTS + 5) if headed else (1, 2 * JOINTS + 1)
    wrong = []
    for number, line in enumerate(lines[headed:], start=1 + headed):
        try:
            if len(line) != count:
                raise ValueError(f"{len(line)} columns")
            uv = np.array(line[before : before + 2 * JOINTS], dtype=np.float64).reshape(JOINTS, 2)
            scale = float(line[-3]) if headed else np.nan
        except ValueError as error:
            wrong.append(f"{file}:{number}: wanted {count} columns, names and numbers, found {error}")
            continue
        uv[(uv == -1).all(axis=1)] = np.nan
        known = has_pixels(uv)
        joints = [MPII_16.index("upper_neck"), MPII_16.index("head_top")]
        length = float(np.linalg.norm(np.subtract(*uv[joints])))
        head = HEAD_PER_NECK_TO_TOP * length if length > 0 else HEAD_PER_SCALE * scale
        rows.add(number - 1 - headed, uv, known, head, line[before - 1])
        if headed:
            rows.activity.append((_named(line[-1]), _named(line[-2])))
    if not rows.uv:
        raise WrongSource(file, f"lines of {count} columns", wrong[0].rpartition("found ")[2] if wrong else "none")
    rows.problems += wrong[:SHOWN]
    if len(wrong) > SHOWN:
        rows.problems.append(f"{file}: {len(wrong) - SHOWN} more lines like these")
    missing = sum(int((~v).sum()) for v in rows.visible)
    rows.notes.append(f"{missing} joints are missing (-1, -1); where labelled ones are occluded is not told")
    if headed:
        rows.notes.append("one clip an activity, rows in the file's order; frame is the row's number from 0")
    return rows


def _named(text: str) -> str:
    return "" if text == "[]" else text


def _read_release(file: Path) -> _Rows:
    """The people of the official structure whose joints are given; images for testing have none.

    Raises:
        WrongSource: there is no such structure, or a field is missing.
    """
    mat = read_mat(file)
    if "RELEASE" not in mat:
        raise WrongSource(file, "a structure RELEASE", f"variables {', '.join(mat) or 'none'}")
    rows = _Rows()
    without = 0
    try:
        release = mat["RELEASE"].item()
        images, acts = release.annolist.ravel(), release.act.ravel()
        training = release.img_train.ravel()
        for image, act, train in tqdm(
            zip(images, acts, training, strict=True), total=len(images), desc="reading", unit="image", disable=None
        ):
            if not train:
                continue
            name, activity = _text(image.image.item().name), (_text(act.cat_name), _text(act.act_name))
            for person in _structs(image, "annorect"):
                points = [p for holder in _structs(person, "annopoints") for p in _structs(holder, "point")]
                if not points:
                    without += 1
                    continue
                rows.add(len(rows.uv), *_joints(points), _head_of_box(person), name)
                rows.activity.append(activity)
    except (AttributeError, ValueError, TypeError, IndexError) as error:
        raise WrongSource(file, "RELEASE with annolist, act and img_train of MPII's layout", str(error)) from None
    rows.notes.append("one clip an activity; images for testing have no joints and are left out")
    if without:
        rows.notes.append(f"{without} people without joints left out")
    return rows


def _joints(points: Sequence[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Pixels (16, 2), NaN where not labelled, and which joints (16,) can be seen."""
    uv, visible = np.full((JOINTS, 2), np.nan), np.zeros(JOINTS, dtype=bool)
    for point in points:
        joint = int(point.id.item())
        if not 0 <= joint < JOINTS:
            raise ValueError(f"joint id {joint}")
        uv[joint] = point.x.item(), point.y.item()
        seen = getattr(point, "is_visible", np.empty(0))
        visible[joint] = seen.size == 0 or float(seen.item()) != 0  # the head's joints have no such flag
    return uv, visible


def _head_of_box(person: Any) -> float:
    try:
        box = [float(getattr(person, key).item()) for key in ("x1", "y1", "x2", "y2")]
    except (AttributeError, ValueError):
        return float("nan")
    return HEAD_PER_DIAGONAL * float(np.hypot(box[2] - box[0], box[3] - box[1]))


def _structs(owner: Any, name: str) -> list[Any]:
    """The structures in a field that may be missing, or an empty matrix."""
    value = getattr(owner, name, np.empty(0))
    return list(value.ravel()) if value.dtype == object else []


def _text(value: NDArray[Any]) -> str:
    return str(value.item()) if value.size else ""
