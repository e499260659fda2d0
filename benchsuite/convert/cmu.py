"""CMU's motion capture, three kinds of files, as takes of one skeleton in one world: mm, z up.

The joints are told in ``cmu_skeletons``, the world and the split here.

Three things are amended. Salsa was shot at 60 Hz, not at the 120 of its headers. Every DAZ file
starts with a rest pose that a low-pass filter has smeared over its first eight frames: ten are
dropped. And since one DAZ skeleton was put on performers of all sizes, a DAZ take is moved up or
down until its lower ankle is, in the median frame, 75 mm above the floor, as in CMU's walks. CMU's
own takes stay where they were: their floor is at 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray

from benchsuite.convert.acclaim import read_amc, read_asf
from benchsuite.convert.bvh import read_bvh
from benchsuite.convert.cmu_skeletons import ASF, DAZ, WALK
from benchsuite.convert.motion import MotionFormatError

Split = Literal["train", "test"]

INDEX_FILE = "cmu-mocap-index-text.txt"
TEST_PERFORMERS = frozenset({"02", "08", "16"})
TEST_FILES = frozenset({"salsa_05", "salsa_20", "martial_10", "indian_15"})
"""By file where CMU's number of the performer is unknown; salsa n and n + 15 are partners."""

_FOLDERS = {"salsa": "salsa", "indian": "indian-dance", "martial": "martial"}
"""The action of a file that bears a number alone, by its folder."""
_KEYWORDS = {
    "walk": "walk",
    "run": "run|jog",
    "jump": "jump|hop",
    "climb": "climb",
    "punch": "punch|strike|box",
    "sword": "sword",
    "wash": "wash",
    "reach": "reach|bend over|scoop|lift",
    "dance": "dance",
}
"""What CMU's index calls an action; where a description names several, the one named first counts."""
ACTIONS = (*_KEYWORDS, "uneven-terrain", *_FOLDERS.values(), "other")

_SALSA_FPS = 60.0
_DAZ_ANKLE_MM = 75.0


@dataclass(frozen=True)
class TakeFile:
    """One take before it is read.

    Attributes:
        path: AMC or BVH file.
        name: None of a source's takes shares it: ``02_01`` (performer_take), ``salsa_05``.
        performer: CMU's number where it is known; else the name, each file a performer.
        action: One of ACTIONS.
        split: The performer's side; partners of a salsa stand on the same one.
        duplicates: Other files of the same take, left out: the BVH where there is an AMC.
    """

    path: Path
    name: str
    performer: str
    action: str
    split: Split
    duplicates: tuple[Path, ...] = ()


@dataclass(frozen=True, eq=False)
class Take:
    """One take as poses.

    Attributes:
        name: As in TakeFile; so are performer, action and split.
        performer: Who moves.
        action: What is done.
        split: ``train`` or ``test``.
        fps: Frames a second, as they were shot.
        world: (T, 17, 3), mm, joints of H36M_17; world frame, right-handed: x and y along the
            floor, z up, the floor near z = 0.
    """

    name: str
    performer: str
    action: str
    split: Split
    fps: float
    world: NDArray[np.float32]


def find_takes(source: Path) -> list[TakeFile]:
    """The takes in a folder and in all below it, sorted by name.

    A take that stands both as AMC and as BVH comes once, as AMC; its ``duplicates`` name the other.
    The action comes from CMU's index, which is looked for in ``source`` and in the three folders
    above it; without it, from the folder (``cmu-walk-bvh`` holds walks).

    Args:
        source: CMU's folder or any below it.

    Raises:
        NotADirectoryError: ``source`` is no folder.
        FileNotFoundError: It holds no take.
    """
    if not source.is_dir():
        raise NotADirectoryError(f"{source}: wanted a folder of AMC or BVH files")
    index = _read_index(source)
    takes: dict[str, TakeFile] = {}
    # AMC sorts before BVH, so that it is the one already there.
    for path in sorted(source.rglob("*"), key=lambda p: (p.suffix.lower(), p)):
        if path.suffix.lower() in (".amc", ".bvh") and path.is_file():
            take = _take_file(path, index)
            first = takes.setdefault(take.name, take)
            if first is not take:
                takes[take.name] = replace(first, duplicates=(*first.duplicates, path))
    if not takes:
        raise FileNotFoundError(f"{source}: wanted AMC or BVH files here or below, found none")
    return [takes[name] for name in sorted(takes)]


def read_take(take: TakeFile) -> Take:
    """The poses of a take, in mm, upright and standing on the floor.

    Args:
        take: From ``find_takes``.

    Raises:
        FileNotFoundError: An AMC has no ASF beside it.
        MotionFormatError: A file does not read, or its skeleton is none of CMU's three.
        OSError: A file does not open.
    """
    if take.path.suffix.lower() != ".amc":
        motion = read_bvh(take.path)
        known = [WALK, DAZ]
    else:
        motion = read_amc(take.path, read_asf(asf_of(take.path)))
        known = [ASF]
    skeleton = next((kind for kind in known if kind.needs <= set(motion.names)), None)
    if skeleton is None:
        wanted = ", or ".join(f"a {k.kind} with {' '.join(sorted(k.needs))}" for k in known)
        raise MotionFormatError(take.path, 1, wanted, " ".join(motion.names))
    first = skeleton.settling if motion.starts_at_rest else 0
    if len(motion.positions) <= first:
        wanted = f"frames after the rest pose and the {first} that it spoils"
        raise MotionFormatError(take.path, 1, wanted, f"{len(motion.positions)} in all")
    points = {name: motion.positions[first:, k] for k, name in enumerate(motion.names)}
    x, y, z = np.moveaxis(skeleton.h36m(points), -1, 0)
    world = np.stack([x, -z, y], axis=-1)  # a quarter turn about x: y up becomes z up
    if skeleton is DAZ:
        ankles = world[:, [H36M_17.index("l_ankle"), H36M_17.index("r_ankle")], 2]
        world[..., 2] += _DAZ_ANKLE_MM - np.median(ankles.min(axis=1))
    fps = _SALSA_FPS if take.action == "salsa" else motion.fps
    return Take(take.name, take.performer, take.action, take.split, fps, world.astype(np.float32))


def _take_file(path: Path, index: Mapping[str, str]) -> TakeFile:
    folder = path.parent.name.lower()
    if match := re.fullmatch(r"(\d{2,3})_\d{2,3}", path.stem):
        name, performer = path.stem, match[1]
        action = _action(index.get(name, folder))
    else:
        name = performer = f"{folder}_{path.stem}"
        action = _FOLDERS.get(folder, "other")
    split: Split = "test" if performer in TEST_PERFORMERS | TEST_FILES else "train"
    return TakeFile(path, name, performer, action, split)


def asf_of(amc: Path) -> Path:
    """The ASF beside an AMC: the performer's where there are several.

    Raises:
        FileNotFoundError: there is none, or none to be told from the others.
    """
    beside = sorted(p for p in amc.parent.iterdir() if p.suffix.lower() == ".asf")
    own = [p for p in beside if p.stem == amc.stem.split("_")[0]]
    if len(own or beside) != 1:
        found = ", ".join(p.name for p in beside) or "none"
        raise FileNotFoundError(f"{amc}: wanted its skeleton, one .asf beside it, found {found}")
    return (own or beside)[0]


def _read_index(source: Path) -> dict[str, str]:
    """What each take shows, by its name, from CMU's index; nothing where there is no index."""
    found = sorted(source.rglob(INDEX_FILE))
    found += [above / INDEX_FILE for above in source.resolve().parents[:3]]
    for path in found:
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            return dict(re.findall(r"^(\d+_\d+)[ \t]+(\S.*?)\s*$", text, re.MULTILINE))
    return {}


def _action(description: str) -> str:
    text = description.lower()
    if "terrain" in text:
        return "uneven-terrain"
    matches = {action: re.search(words, text) for action, words in _KEYWORDS.items()}
    starts = {action: match.start() for action, match in matches.items() if match}
    return min(starts, key=lambda action: starts[action], default="other")
