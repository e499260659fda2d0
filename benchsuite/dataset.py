"""Datasets on disk: a folder of memory-mapped ``.npy`` columns and a ``dataset.json``.

The folder is the contract: converters write it, one reader reads it, anyone may write it. What it
holds is told in ``benchsuite.columns``.
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

from benchsuite.columns import COLUMNS, OPTIONAL, About, Clip, WrongDataset, check_columns, check_unit

__all__ = [
    "COLUMNS",
    "About",
    "Clip",
    "Dataset",
    "WrongDataset",
    "check_unit",
    "describe_dataset",
    "in_memory",
    "open_dataset",
    "write_dataset",
]

SCHEMA = 1
UNITS = {"uv": "px", "xyz": "mm"}


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
        for label in ("action", "subject", "name", "split", "take", "camera"):
            values = [getattr(c, label) or (c.name if label == "take" else "") for c in self.clips]
            names = tuple(dict.fromkeys(values))
            lookup = {name: code for code, name in enumerate(names)}
            coded[label] = (np.array([lookup[v] for v in values], dtype=np.int64), names)
        return coded

    def keypoints(self, rows: slice | NDArray[np.integer]) -> KeypointBatch:
        """2D side of ``rows``."""
        column = {name: _tensor(self.columns[name][rows]) for name in COLUMNS if name not in OPTIONAL}
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
        return Labels(clip=made.pop("name"), **made)

    def target(self, rows: slice | NDArray[np.integer]) -> Target:
        """The truth of ``rows``; poses of NaN where the dataset is 2D only."""
        keypoints = self.keypoints(rows)
        if "xyz" in self.columns:
            poses = self.poses(rows)
        else:
            unknown = torch.full((*keypoints.uv.shape[:2], 3), torch.nan)
            poses = PoseBatch(unknown, Frame.CAMERA, self.skeleton, keypoints.ids)
        return Target(poses, self.labels(rows), keypoints)

    def batches(self, size: int, *, whole_clips: bool = False) -> Iterator[slice]:
        """Consecutive rows, about ``size`` at a time; exactly one clip at a time if asked."""
        if whole_clips:
            clip = self.columns["clip"]
            edges: list[int] = np.flatnonzero(np.diff(clip, prepend=-1, append=-1)).tolist()
            if len(clip):
                for start, stop in pairwise(edges):
                    yield slice(start, stop)
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
    check_columns(about.name, about, columns, clips)
    return Dataset(about, columns, clips, fingerprint)


def write_dataset(folder: Path, about: About, columns: Mapping[str, NDArray[Any]], clips: tuple[Clip, ...]) -> Dataset:
    """Write a dataset folder, whole or not at all: ``dataset.json`` comes last.

    Raises:
        WrongDataset: a column is missing, has the wrong shape or type, or fails the unit guard.
    """
    check_columns(str(folder), about, columns, clips)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.json").unlink(missing_ok=True)
    for name, column in columns.items():
        np.save(folder / f"{name}.npy", column, allow_pickle=False)
    return describe_dataset(folder, about, columns, clips)


def describe_dataset(
    folder: Path, about: About, columns: Mapping[str, NDArray[Any]], clips: tuple[Clip, ...]
) -> Dataset:
    """Make a dataset of columns that lie in ``folder`` already; as ``write_dataset``."""
    check_columns(str(folder), about, columns, clips)
    described = {
        name: {
            "dtype": str(column.dtype),
            "shape": list(column.shape),
            "sha256": sha256(folder / f"{name}.npy"),
        }
        for name, column in columns.items()
    }
    document = {
        "schema": SCHEMA,
        "about": asdict(about),
        "units": UNITS,
        "columns": described,
        "clips": [clip.document() for clip in clips],
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
    if document.get("units") != UNITS:
        raise WrongDataset(f"{file}: wanted units {UNITS}, found {document.get('units')!r}")
    try:
        about = About(**{**document["about"], "notes": tuple(document["about"].get("notes", ()))})
        clips = tuple(_clip(c) for c in document["clips"])
        described = {
            name: {key: c[key] for key in ("dtype", "shape", "sha256")} for name, c in document["columns"].items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WrongDataset(f"{file}: a key is missing or of the wrong kind: {error}") from None
    columns = {name: _open_column(folder, name, c, verify=verify) for name, c in described.items()}
    check_columns(str(folder), about, columns, clips)
    fingerprint = _fingerprint({n: c["sha256"] for n, c in described.items()}, clips)
    return Dataset(about, columns, clips, fingerprint, folder)


_PLACE = ("rotation", "position")


def _clip(document: dict[str, Any]) -> Clip:
    placed = {key: tuple(map(float, document[key])) for key in _PLACE if key in document}
    return Clip(**{**document, **placed})


def _open_column(folder: Path, name: str, described: Mapping[str, Any], *, verify: bool) -> NDArray[Any]:
    file = folder / f"{name}.npy"
    if not file.is_file():
        raise WrongDataset(f"{file}: column is missing")
    try:
        column = np.load(file, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
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

    text = json.dumps([sorted(hashes.items()), [clip.document() for clip in clips]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
