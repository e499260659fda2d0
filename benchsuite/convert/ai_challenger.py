"""AI Challenger's human keypoints: the 14 joints of LSP in another order, boxes known, image sizes not."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from benchsuite_registry.skeletons import LSP_14
from tqdm import tqdm

from benchsuite.convert.annotated import People, split_of, write_people
from benchsuite.convert.archives import WrongSource
from benchsuite.convert.json_items import each_file, json_items, short
from benchsuite.convert.outcome import Outcome
from benchsuite.convert.photographs import photograph_sizes
from benchsuite.datasets.columns import About, Clip

_ARM, _LEG = ("shoulder", "elbow", "wrist"), ("hip", "knee", "ankle")
JOINTS = (*(f"{side}_{joint}" for limb in (_ARM, _LEG) for side in "rl" for joint in limb), "head_top", "neck")
"""In the order of the files."""

VISIBLE, OCCLUDED, MISSING = 1, 2, 3
LICENCE = (
    "for research; cite Wu et al.: AI Challenger: A Large-scale Dataset for Going Deeper in Image Understanding, 2017"
)


@dataclass
class _File:
    """The people of one JSON file, as it is read."""

    keypoints: array[float] = field(default_factory=lambda: array("d"))
    box: array[float] = field(default_factory=lambda: array("d"))
    image: list[str] = field(default_factory=list)
    photographs: Path | None = None
    left_out: int = 0

    def add(self, record: Any) -> None:
        """Take up the people of an image, those without a labelled joint left out."""
        image = str(record["image_id"])
        for name, keypoints in record["keypoint_annotations"].items():
            if len(keypoints) != 3 * len(JOINTS):
                raise ValueError(f"{name} has {len(keypoints)} keypoint numbers, wanted {3 * len(JOINTS)}")
            if wrong := set(keypoints[2::3]) - {VISIBLE, OCCLUDED, MISSING}:
                raise ValueError(f"flags {VISIBLE}, {OCCLUDED} or {MISSING} wanted, {name} has {sorted(wrong)}")
            if all(flag == MISSING for flag in keypoints[2::3]):
                self.left_out += 1
                continue
            box = record["human_annotations"].get(name, [np.nan] * 4)
            if len(box) != 4:
                raise ValueError(f"the box of {name} has {len(box)} numbers, wanted 4")
            values = [*map(float, keypoints), *map(float, box)]
            self.keypoints.extend(values[:-4])
            self.box.extend(values[-4:])
            self.image.append(image)


def convert(source: Path, out: Path, seed: int, *, with_images: bool = False) -> Outcome:
    """Write ``out``, a dataset in LSP_14, one clip a JSON file; ``frame`` counts its people from 0.

    Validation and test stand as ``test``.

    Args:
        source: a ``keypoint_*annotations*.json``, a folder with some, or a zip archive. Photographs are looked for in
            ``keypoint_*images*`` beside each.
        out: folder to write.
        seed: nothing is drawn.
        with_images: take only people whose photograph is there.

    Raises:
        FileNotFoundError: there is no such source, or no such file in it.
    """
    read, problems = each_file(source, "keypoint_*annotations*.json", _read)
    if not any(file.image for file in read.values()):
        return Outcome(problems=problems or [f"{source}: nobody in it has a labelled joint"])
    outcome = _write(read, out, source, with_images)
    return Outcome(outcome.notes, [*problems, *outcome.problems])


def _read(file: Path) -> _File:
    found = _File(photographs=next((f for f in sorted(file.parent.glob("keypoint_*images*")) if f.is_dir()), None))
    for _, record in tqdm(json_items(file), desc=file.name, unit="image", disable=None):
        try:
            found.add(record)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            wanted = "records with image_id, human_annotations and keypoint_annotations"
            raise WrongSource(file, wanted, f"{short(record)} ({type(error).__name__}: {error})") from None
    return found


def _write(read: dict[str, _File], out: Path, source: Path, with_images: bool) -> Outcome:
    files: Sequence[_File] = list(read.values())
    photographs = [file.photographs and file.photographs / f"{i}.jpg" for file in files for i in file.image]
    counts = [len(file.image) for file in files]
    order = [JOINTS.index(joint) for joint in LSP_14.joints]
    keypoints = np.concatenate([np.frombuffer(file.keypoints) for file in files]).reshape(-1, len(JOINTS), 3)[:, order]
    flag = keypoints[..., 2]
    about = About(
        name="ai-challenger",
        split="",
        skeleton=LSP_14.name,
        fps=0.0,
        licence=LICENCE,
        source="AI Challenger 2017, human keypoints",
        keypoints="annotated",
        made_by=f"benchsuite convert ai-challenger {source.name} -o {out.name}",
        notes=(f"{sum(file.left_out for file in files)} people without a labelled joint left out",),
    )
    people = People(
        uv=keypoints[..., :2],
        labelled=flag != MISSING,
        visible=flag == VISIBLE,
        clip=np.repeat(np.arange(len(files)), counts),
        frame=np.concatenate([np.arange(count) for count in counts]),
        size=photograph_sizes(photographs),
        photographs=photographs,
        box=np.concatenate([np.frombuffer(file.box) for file in files]).reshape(-1, 4),
    )
    clips = [Clip(stem, split=split_of(stem)) for stem in read]
    return write_people(out, about, clips, people, with_images=with_images)
