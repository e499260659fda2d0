"""The poses that a cell gets most wrong, kept beside its record: ``worst/<evaluator>/<dataset>/<cell>.json``.

A cell has some if its evaluator measures one figure a sample of which the headline is the mean, and the truth is 3D.
They are the worst frames of the clips that go worst, one each: a clip's frames resemble each other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchsuite.documents import WrongDocument, dump, load, write_whole
from benchsuite.records.results import Record, record_path

SCHEMA = 1
COUNT = 8
"""How many samples of a cell are kept."""

_COORDINATE = r"(?:-?\d{1,39}|nan)"


@dataclass(frozen=True)
class WorstSample:
    """A sample that went wrong.

    Attributes:
        id: its row in the dataset.
        clip: the clip's name.
        frame: its number within the clip.
        action: what is done.
        value: the headline's figure of this sample alone.
        predicted: X, Y and Z of each joint in whole mm, parted by blanks; the root at the origin, camera axes, joints
            those of the truth. ``nan`` where one is not known.
        true: likewise, the truth.
    """

    id: int
    clip: str
    frame: int
    action: str
    value: float
    predicted: str
    true: str


@dataclass(frozen=True)
class Worst:
    """The samples that a cell gets most wrong, the worst first.

    Attributes:
        name: of the figure that says so, the cell's headline.
        unit: of the samples' own values.
        better: which way is better.
        joints: names of the joints.
        parents: index of each joint's parent, -1 for the root.
        samples: at most ``COUNT``.
        schema: version of this layout.
    """

    name: str
    unit: str
    better: Literal["lower", "higher"]
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    samples: tuple[WorstSample, ...]
    schema: int = SCHEMA


def worst_path(root: Path, record: Record) -> Path:
    """Where the worst samples of ``record`` lie under ``root``, the results folder."""
    return root / "worst" / record_path(root, record).relative_to(root / "records")


def write_worst(root: Path, record: Record, worst: Worst | None) -> None:
    """Put ``worst`` at its place, whole or not at all; with None nothing stays there.

    Raises:
        CannotWrite: a full disk, a read-only folder...; names the folder.
    """
    path = worst_path(root, record)
    if worst:
        write_whole(path, dump(worst))
    elif path.exists():
        path.unlink()


def read_worst(path: Path) -> Worst:
    """The worst samples in the file ``path``.

    Raises:
        WrongDocument: the file is not what ``write_worst`` writes; names file, key, wanted, found.
    """
    worst = load(path, Worst, SCHEMA)
    joints = len(worst.joints)
    if not joints or len(worst.parents) != joints or not all(-1 <= p < joints for p in worst.parents):
        raise WrongDocument(f"{path}: parents: wanted one for each of {joints} joints, found {list(worst.parents)}")
    pose = re.compile(f"{_COORDINATE}(?: {_COORDINATE}){{{3 * joints - 1}}}")
    for number, sample in enumerate(worst.samples):
        for name in ("predicted", "true"):
            if not pose.fullmatch(getattr(sample, name)):
                raise WrongDocument(
                    f"{path}: samples[{number}].{name}: wanted {3 * joints} whole numbers or nan, parted by blanks"
                )
    return worst
