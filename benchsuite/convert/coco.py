"""COCO's person keypoints: 17 joints, sizes and boxes known."""

from __future__ import annotations

from array import array
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from benchsuite_registry.skeletons import COCO_17
from numpy.typing import NDArray
from tqdm import tqdm

from benchsuite.convert.annotated import People, split_of, write_people
from benchsuite.convert.archives import WrongSource
from benchsuite.convert.json_items import each_file, json_items, short
from benchsuite.convert.outcome import Outcome
from benchsuite.datasets.columns import About, Clip

LICENCE = (
    "annotations: CC BY 4.0; photographs: Flickr's terms; cite Lin et al.: Microsoft COCO: Common Objects in Context, "
    "ECCV 2014"
)
VISIBLE, OCCLUDED = 2, 1
NUMBERS = 3 * len(COCO_17)


class _File:
    """The people of one JSON file, as it is read."""

    def __init__(self, photographs: Path | None) -> None:
        self.photographs = photographs
        self.names: dict[int, str] = {}
        self.keypoints, self.box, self.image = array("d"), array("d"), array("q")
        self.sizes: dict[int, tuple[int, int]] = {}
        self.left_out: Counter[str] = Counter()

    def image_is(self, image: Any) -> None:
        """Take up the size and the name of an image."""
        self.sizes[int(image["id"])] = int(image["width"]), int(image["height"])
        self.names[int(image["id"])] = str(image.get("file_name", ""))

    def photograph(self, image: int) -> Path | None:
        """Where an image should lie."""
        name = self.names.get(image)
        return self.photographs / name if self.photographs and name else None

    def person_is(self, person: Any) -> None:
        """Take up a person, unless it is a crowd, or has no labelled joint."""
        keypoints = person.get("keypoints")
        if person.get("iscrowd"):
            self.left_out["crowds"] += 1
        elif not keypoints or not any(keypoints[2::3]):
            self.left_out["people without a labelled joint"] += 1
        else:
            if len(keypoints) != NUMBERS:
                raise ValueError(f"{len(keypoints)} keypoint numbers, wanted {NUMBERS}")
            x, y, width, height = map(float, person["bbox"])
            image = int(person["image_id"])
            self.keypoints.extend(map(float, keypoints))
            self.box.extend((x, y, x + width, y + height))
            self.image.append(image)


def convert(source: Path, out: Path, seed: int, *, with_images: bool = False) -> Outcome:
    """Write ``out``, a dataset in COCO_17, one clip a JSON file; ``frame`` counts its people from 0.

    Crowds and people without a labelled joint are left out. Validation stands as ``test``.

    Args:
        source: a ``person_keypoints_*.json``, a folder with some (``annotations`` too), or a zip archive of them.
            Photographs are looked for in a folder such as ``train2017`` or ``images/train2017``, beside the file or
            beside its folder.
        out: folder to write.
        seed: nothing is drawn.
        with_images: take only people whose photograph is there.

    Raises:
        FileNotFoundError: there is no such source, or no such file in it.
    """
    read, problems = each_file(source, "person_keypoints_*.json", _read)
    if not any(len(file.image) for file in read.values()):
        return Outcome(problems=problems or [f"{source}: nobody in it has a labelled joint"])
    outcome = _write(read, out, source, with_images)
    return Outcome(outcome.notes, [*problems, *outcome.problems])


def _read(file: Path) -> _File:
    folder = file.stem.removeprefix("person_keypoints_")
    beside = (base / images / folder for base in (file.parent, file.parent.parent) for images in ("", "images"))
    found = _File(next((place for place in beside if place.is_dir()), None))
    for key, item in tqdm(json_items(file), desc=file.name, unit="item", disable=None):
        try:
            if key == "images":
                found.image_is(item)
            elif key == "annotations":
                found.person_is(item)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            wanted = f"{key} with id, width and height" if key == "images" else "annotations with keypoints and bbox"
            raise WrongSource(file, wanted, f"{short(item)} ({type(error).__name__}: {error})") from None
    return found


def _write(read: dict[str, _File], out: Path, source: Path, with_images: bool) -> Outcome:
    files = list(read.values())
    counts = [len(file.image) for file in files]
    keypoints = np.concatenate([np.frombuffer(file.keypoints) for file in files]).reshape(-1, len(COCO_17), 3)
    size = np.array([file.sizes.get(image, (0, 0)) for file in files for image in file.image])
    left_out = sum((file.left_out for file in files), Counter[str]())
    about = About(
        name="coco",
        split="",
        skeleton=COCO_17.name,
        fps=0.0,
        licence=LICENCE,
        source="COCO person keypoints",
        keypoints="annotated",
        made_by=f"benchsuite convert coco {source.name} -o {out.name}",
        notes=tuple(f"{count} {what} left out" for what, count in left_out.items()),
    )
    flag: NDArray[np.float64] = keypoints[..., 2]
    people = People(
        uv=keypoints[..., :2],
        labelled=(flag == VISIBLE) | (flag == OCCLUDED),
        visible=flag == VISIBLE,
        clip=np.repeat(np.arange(len(files)), counts),
        frame=np.concatenate([np.arange(count) for count in counts]),
        size=size,
        box=np.concatenate([np.frombuffer(file.box) for file in files]).reshape(-1, 4),
        photographs=[file.photograph(image) for file in files for image in file.image],
    )
    clips = [Clip(stem, split=split_of(stem)) for stem in read]
    return write_people(out, about, clips, people, with_images=with_images)
