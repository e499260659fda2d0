"""Datasets on disk: a folder of memory-mapped ``.npy`` columns and a ``dataset.json``.

The folder is the contract: converters write it, one reader reads it, anyone may write it.

* ``uv`` (N, J, 2) float32 px, ``visible`` (N, J) bool
* ``xyz`` (N, J, 3) float32 mm, camera frame, absolute; absent in 2D datasets
* ``focal`` and ``center`` (N, 2) float32 px
* ``clip`` (N,) int32 index into ``clips``, ascending; ``frame`` (N,) int32, ascending in a clip
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchsuite_registry.checkpoints import sha256
from benchsuite_registry.poses import (
    Camera,
    Category,
    Frame,
    KeypointBatch,
    Labels,
    PoseBatch,
    Target,
)
from benchsuite_registry.skeletons import Skeleton, skeleton
from numpy.typing import NDArray

SCHEMA = 1


class WrongDataset(ValueError):
    """A dataset folder is not what the contract says; names the folder, column or key."""


@dataclass(frozen=True)
class Clip:
    """One take seen by one camera.

    Attributes:
        name: unique in the dataset.
        action: what is done in it.
        subject: who does it.
        camera: which camera saw it.
        rotation: world-to-camera rotation as nine numbers, row by row, if it is known.
        position: the camera's place in the world, mm, if it is known. The world has Z up.
    """

    name: str
    action: str = ""
    subject: str = ""
    camera: str = ""
    rotation: tuple[float, ...] | None = None
    position: tuple[float, ...] | None = None


@dataclass(frozen=True)
class About:
    """What ``dataset.json`` says beside its columns.

    Attributes:
        name: such as ``cmu``.
        split: ``train``, ``test`` or empty.
        skeleton: name of the skeleton the columns are in.
        fps: frames a second; 0 for single images.
        licence: under which terms the data may be used.
        source: where they come from.
        keypoints: where the 2D comes from: ``projected``, ``annotated`` or ``detected``.
        made_by: the command that wrote the folder.
        notes: anything a user should know.
    """

    name: str
    split: str
    skeleton: str
    fps: float
    licence: str
    source: str
    keypoints: str = "projected"
    made_by: str = ""
    notes: tuple[str, ...] = ()


COLUMNS: Mapping[str, tuple[str, tuple[str | int, ...]]] = {
    "uv": ("float32", ("N", "J", 2)),
    "visible": ("bool", ("N", "J")),
    "xyz": ("float32", ("N", "J", 3)),
    "focal": ("float32", ("N", 2)),
    "center": ("float32", ("N", 2)),
    "clip": ("int32", ("N",)),
    "frame": ("int32", ("N",)),
}
OPTIONAL = frozenset({"xyz"})


@dataclass(frozen=True)
class Dataset:
    """A dataset in hand: columns, on disk or in memory, and what is known about them.

    Attributes:
        about: the description.
        columns: by name, memory-mapped where they lie on disk.
        clips: what ``clip`` counts.
        fingerprint: sha256 over all columns' hashes and clips.
    """

    about: About
    columns: Mapping[str, NDArray[Any]]
    clips: tuple[Clip, ...]
    fingerprint: str
    path: Path | None = field(default=None, compare=False)

    def __len__(self) -> int:
        return len(self.columns["uv"])

    @cached_property
    def skeleton(self) -> Skeleton:
        """The joints of the columns."""
        return skeleton(self.about.skeleton)

    @property
    def actions(self) -> tuple[str, ...]:
        """Action names, each once, in the order they appear."""
        return tuple(dict.fromkeys(c.action for c in self.clips))

    @cached_property
    def _codes(self) -> dict[str, tuple[NDArray[np.int64], tuple[str, ...]]]:
        """Code of each clip and names, for each label."""
        coded = {}
        for label in ("action", "subject", "name"):
            values = [getattr(c, label) for c in self.clips]
            names = tuple(dict.fromkeys(values))
            lookup = {name: code for code, name in enumerate(names)}
            coded[label] = (np.array([lookup[v] for v in values], dtype=np.int64), names)
        return coded

    def keypoints(self, rows: slice | NDArray[np.integer]) -> KeypointBatch:
        """2D side of ``rows``."""
        column = {name: _tensor(self.columns[name][rows]) for name in COLUMNS if name != "xyz"}
        ids = np.arange(len(self))[rows]
        return KeypointBatch(
            uv=column["uv"],
            visible=column["visible"],
            camera=Camera(column["focal"], column["center"]),
            skeleton=self.skeleton,
            ids=torch.from_numpy(ids),
            clip=column["clip"].long(),
            frame=column["frame"].long(),
        )

    def poses(self, rows: slice | NDArray[np.integer]) -> PoseBatch:
        """True poses of ``rows``, camera frame.

        Raises:
            WrongDataset: the dataset has no 3D.
        """
        if "xyz" not in self.columns:
            raise WrongDataset(f"dataset {self.about.name} has no column 'xyz': it is 2D only")
        ids = torch.from_numpy(np.arange(len(self))[rows])
        return PoseBatch(_tensor(self.columns["xyz"][rows]), Frame.CAMERA, self.skeleton, ids)

    def labels(self, rows: slice | NDArray[np.integer]) -> Labels:
        """Labels of ``rows``."""
        clip = self.columns["clip"][rows]
        made = {label: Category(torch.from_numpy(codes[clip]), names) for label, (codes, names) in self._codes.items()}
        return Labels(action=made["action"], subject=made["subject"], clip=made["name"])

    def target(self, rows: slice | NDArray[np.integer]) -> Target:
        """The truth of ``rows``."""
        return Target(self.poses(rows), self.labels(rows))

    def batches(self, size: int, *, whole_clips: bool = False) -> Iterator[slice]:
        """Consecutive rows, about ``size`` at a time; exactly one clip at a time if asked."""
        if whole_clips:
            clip = self.columns["clip"]
            edges = np.flatnonzero(np.diff(clip, prepend=-1, append=-1))
            if len(clip):
                for start, stop in pairwise(edges):
                    yield slice(int(start), int(stop))
            return
        for start in range(0, len(self), size):
            yield slice(start, min(start + size, len(self)))

    def head(self, limit: int) -> Dataset:
        """``limit`` rows spread evenly over the dataset, so that every action keeps its share."""
        if limit >= len(self):
            return self
        rows = np.linspace(0, len(self) - 1, limit).round().astype(np.int64)
        columns = {name: column[rows] for name, column in self.columns.items()}
        return Dataset(self.about, columns, self.clips, f"{self.fingerprint}/{limit}")


def _tensor(column: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.array(column))  # a copy: memory maps are read-only


def in_memory(about: About, columns: Mapping[str, NDArray[Any]], clips: tuple[Clip, ...], fingerprint: str) -> Dataset:
    """A dataset that never saw a disk, its columns checked like any other's."""
    _check_columns(about.name, about, columns, clips)
    return Dataset(about, columns, clips, fingerprint)


def write_dataset(folder: Path, about: About, columns: Mapping[str, NDArray[Any]], clips: tuple[Clip, ...]) -> Dataset:
    """Write a dataset folder, whole or not at all: ``dataset.json`` comes last.

    Raises:
        WrongDataset: a column is missing, has the wrong shape or type, or fails the unit guard.
    """
    _check_columns(str(folder), about, columns, clips)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.json").unlink(missing_ok=True)
    described = {}
    for name, column in columns.items():
        file = folder / f"{name}.npy"
        np.save(file, column, allow_pickle=False)
        described[name] = {
            "dtype": str(column.dtype),
            "shape": list(column.shape),
            "sha256": sha256(file),
        }
    document = {
        "schema": SCHEMA,
        "about": asdict(about),
        "units": {"uv": "px", "xyz": "mm"},
        "columns": described,
        "clips": [{k: v for k, v in asdict(c).items() if v not in ("", None)} for c in clips],
    }
    partial = folder / "dataset.json.partial"
    partial.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    os.replace(partial, folder / "dataset.json")
    return open_dataset(folder, verify=False)


def open_dataset(folder: Path, split: str = "test", *, verify: bool = True) -> Dataset:
    """Open a dataset folder, or its split of that name if it holds splits.

    Args:
        folder: holds ``dataset.json``, or one folder per split.
        split: which split to take.
        verify: compare every column with its hash.

    Raises:
        WrongDataset: anything that is not as the contract says; names file and expectation.
    """
    if not (folder / "dataset.json").is_file():
        if (folder / split / "dataset.json").is_file():
            return open_dataset(folder / split, split, verify=verify)
        raise WrongDataset(f"{folder}: wanted a dataset.json or a folder {split!r} with one")
    file = folder / "dataset.json"
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise WrongDataset(f"{file}: wanted JSON: {error}") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else document
        raise WrongDataset(f"{file}: wanted schema {SCHEMA}, found {found!r}")
    try:
        about = About(**{**document["about"], "notes": tuple(document["about"].get("notes", ()))})
        clips = tuple(_clip(c) for c in document["clips"])
        described = {name: dict(c) for name, c in document["columns"].items()}
    except (KeyError, TypeError, AttributeError) as error:
        raise WrongDataset(f"{file}: a key is missing or of the wrong kind: {error}") from None
    columns = {name: _open_column(folder, name, c, verify=verify) for name, c in described.items()}
    _check_columns(str(folder), about, columns, clips)
    fingerprint = _fingerprint({n: c["sha256"] for n, c in described.items()}, clips)
    return Dataset(about, columns, clips, fingerprint, folder)


_PLACE = ("rotation", "position")


def _clip(document: dict[str, Any]) -> Clip:
    placed = {key: tuple(map(float, document.pop(key))) for key in _PLACE if key in document}
    return Clip(**document, **placed)


def _open_column(folder: Path, name: str, described: Mapping[str, Any], *, verify: bool) -> NDArray[Any]:
    file = folder / f"{name}.npy"
    if not file.is_file():
        raise WrongDataset(f"{file}: column is missing")
    try:
        column = np.load(file, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        raise WrongDataset(f"{file}: wanted a whole .npy file: {error}") from None
    if list(column.shape) != described["shape"] or str(column.dtype) != described["dtype"]:
        raise WrongDataset(
            f"{file}: wanted {described['dtype']} {described['shape']}, found {column.dtype} {list(column.shape)}"
        )
    if verify and sha256(file) != described["sha256"]:
        raise WrongDataset(f"{file}: sha256 differs from dataset.json: the file was changed")
    return np.asarray(column) if column.size == 0 else column


def _fingerprint(hashes: Mapping[str, str], clips: tuple[Clip, ...]) -> str:
    import hashlib

    text = json.dumps([sorted(hashes.items()), [asdict(c) for c in clips]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _check_columns(owner: str, about: About, columns: Mapping[str, NDArray[Any]], clips: tuple[Clip, ...]) -> None:
    try:
        sizes = {"J": len(skeleton(about.skeleton))}
    except KeyError as error:
        raise WrongDataset(f"{owner}: {error.args[0]}") from None
    for name, (dtype, shape) in COLUMNS.items():
        if name not in columns:
            if name in OPTIONAL:
                continue
            raise WrongDataset(f"{owner}: column {name!r} is missing")
        column = columns[name]
        wanted = tuple(side if isinstance(side, int) else sizes.setdefault(side, len(column)) for side in shape)
        if str(column.dtype) != dtype or column.shape != wanted:
            raise WrongDataset(
                f"{owner}: column {name!r}: wanted {dtype} {wanted}, found {column.dtype} {column.shape}"
            )
    if unknown := set(columns) - set(COLUMNS):
        raise WrongDataset(f"{owner}: unknown columns {', '.join(sorted(unknown))}")
    clip = columns["clip"]
    if len(clip) and (clip.min() < 0 or clip.max() >= len(clips)):
        raise WrongDataset(f"{owner}: column 'clip' names a clip beyond the {len(clips)} listed")
    if len(clip) and (np.diff(clip) < 0).any():
        raise WrongDataset(f"{owner}: column 'clip' is not ascending")
    if "xyz" in columns:
        _check_unit(owner, columns["xyz"], skeleton(about.skeleton))


SHORTEST_BODY_MM, LONGEST_BODY_MM = 2500.0, 9000.0


def _check_unit(owner: str, xyz: NDArray[Any], bones: Skeleton) -> None:
    """The metres guard: the bones of a person add up to a few thousand mm."""
    some = np.asarray(xyz[:: max(1, len(xyz) // 256)], dtype=np.float64)
    if not len(some):
        return
    parents, children = np.array(bones.bones).T
    lengths = np.linalg.norm(some[:, children] - some[:, parents], axis=-1)
    if np.isnan(lengths).all():
        return
    total = float(np.nanmedian(np.nansum(lengths, axis=1)))
    if not SHORTEST_BODY_MM <= total <= LONGEST_BODY_MM:
        hint = "; this looks like metres" if total < LONGEST_BODY_MM / 1000 else ""
        raise WrongDataset(
            f"{owner}: column 'xyz' is not in mm: a person's bones add up to {total:.4g}, "
            f"wanted {SHORTEST_BODY_MM:.0f}-{LONGEST_BODY_MM:.0f}{hint}"
        )
