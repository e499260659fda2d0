"""Datasets on disk: a folder of memory-mapped ``.npy`` columns and a ``dataset.json``.

The folder is the contract: converters write it, one reader reads it, anyone may write it. What it
holds is told in ``benchsuite.datasets.columns``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchsuite_registry.poses import (
    Camera,
    Category,
    Frame,
    ImageBatch,
    KeypointBatch,
    Labels,
    PoseBatch,
    Target,
)
from benchsuite_registry.skeletons import Skeleton, skeleton
from numpy.typing import NDArray

from benchsuite.datasets.columns import COLUMNS, OPTIONAL, About, Clip, WrongDataset, check_columns, check_unit
from benchsuite.datasets.folders import describe_folder, read_folder

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


@dataclass(frozen=True)
class Dataset:
    """A dataset in hand: columns, on disk or in memory, and what is known about them.

    Attributes:
        about: the description.
        columns: by name, memory-mapped where they lie on disk.
        clips: what ``clip`` counts.
        fingerprint: sha256 over the hashes of all columns and of the list of photographs, and the clips.
        path: its folder, if it has one.
        photographs: what the column ``image`` counts, paths from ``photograph_folder``.
    """

    about: About
    columns: Mapping[str, NDArray[Any]]
    clips: tuple[Clip, ...]
    fingerprint: str
    path: Path | None = field(default=None, compare=False)
    photographs: tuple[str, ...] = ()

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

    @property
    def has_images(self) -> bool:
        """Whether there are pictures to look at: photographs, or pixels."""
        return "image" in self.columns or "rgb" in self.columns

    @property
    def photograph_folder(self) -> Path:
        """Where the photographs lie, if there are any."""
        return (self.path or Path()) / self.about.images

    def photographs_from(self, folder: Path) -> str:
        """The way from ``folder`` to the photographs, so that both can be moved together; empty if there are none."""
        return os.path.relpath(self.photograph_folder.resolve(), folder.resolve()) if self.photographs else ""

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

    @cached_property
    def _pictures(self) -> tuple[NDArray[np.int64], tuple[str, ...]] | None:
        """Code of each row's picture and names, where all are single images and no clip names a take."""
        if self.about.fps or any(clip.take for clip in self.clips):
            return None
        found, codes = np.unique(self.columns.get("image", np.arange(len(self))), return_inverse=True)
        return codes, tuple(map(str, found))

    def keypoints(self, rows: slice | NDArray[np.integer]) -> KeypointBatch:
        """2D side of ``rows``."""
        column = {name: _tensor(self.columns[name][rows]) for name in COLUMNS if name not in OPTIONAL}
        return KeypointBatch(
            uv=column["uv"],
            visible=column["visible"],
            camera=Camera(column["focal"], column["center"]),
            skeleton=self.skeleton,
            ids=torch.from_numpy(self.numbers(rows)),
            clip=column["clip"].long(),
            frame=column["frame"].long(),
        )

    def images(self, rows: slice | NDArray[np.integer], size: int) -> ImageBatch:
        """Crops about the people of ``rows``, ``size`` px wide, each with its own camera.

        Raises:
            WrongImage: a photograph is missing or does not read, or the person is not in it.
            WrongDataset: the dataset has no pictures.
        """
        from benchsuite.images.pictures import images_of

        return images_of(self, rows, size)

    def poses(self, rows: slice | NDArray[np.integer]) -> PoseBatch:
        """True poses of ``rows``, camera frame.

        Raises:
            WrongDataset: the dataset has no 3D.
        """
        if "xyz" not in self.columns:
            raise WrongDataset(f"dataset {self.about.name} has no column 'xyz': it is 2D only")
        ids = torch.from_numpy(self.numbers(rows))
        return PoseBatch(_tensor(self.columns["xyz"][rows]), Frame.CAMERA, self.skeleton, ids)

    def numbers(self, rows: slice | NDArray[np.integer]) -> NDArray[np.int64]:
        """The numbers of ``rows``, found without counting all others."""
        return np.arange(*rows.indices(len(self))) if isinstance(rows, slice) else rows.astype(np.int64) % len(self)

    def labels(self, rows: slice | NDArray[np.integer]) -> Labels:
        """Labels of ``rows``."""
        clip = self.columns["clip"][rows]
        made = {label: Category(torch.from_numpy(codes[clip]), names) for label, (codes, names) in self._codes.items()}
        if self._pictures:  # a clip of photographs shows nothing that they have in common
            codes, names = self._pictures
            made["take"] = Category(_tensor(codes[rows]), names)
        return Labels(clip=made.pop("name"), **made)

    def target(self, rows: slice | NDArray[np.integer]) -> Target:
        """The truth of ``rows``; poses of NaN where the dataset is 2D only."""
        keypoints = self.keypoints(rows)
        if "xyz" in self.columns:
            poses = self.poses(rows)
        else:
            unknown = torch.full((*keypoints.uv.shape[:2], 3), torch.nan)
            poses = PoseBatch(unknown, Frame.CAMERA, self.skeleton, keypoints.ids)
        head, labelled = (_tensor(self.columns[c][rows]) if c in self.columns else None for c in ("head", "labelled"))
        return Target(poses, self.labels(rows), keypoints, head, labelled)

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
        return replace(self.some(rows), fingerprint=f"{self.fingerprint}/{limit}")

    def some(self, rows: NDArray[np.integer]) -> Dataset:
        """The samples of ``rows``, ascending, alone."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        return replace(self, columns=columns, fingerprint=f"{self.fingerprint}/rows {' '.join(map(str, rows))}")


def _tensor(column: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.array(column))  # a copy: memory maps are read-only


def in_memory(
    about: About,
    columns: Mapping[str, NDArray[Any]],
    clips: tuple[Clip, ...],
    fingerprint: str,
    photographs: tuple[str, ...] = (),
) -> Dataset:
    """A dataset that never saw a disk, its columns checked like any other's."""
    check_columns(about.name, about, columns, clips, photographs)
    return Dataset(about, columns, clips, fingerprint, photographs=photographs)


def write_dataset(
    folder: Path,
    about: About,
    columns: Mapping[str, NDArray[Any]],
    clips: tuple[Clip, ...],
    photographs: tuple[str, ...] = (),
) -> Dataset:
    """Write a dataset folder, whole or not at all: ``dataset.json`` comes last.

    Raises:
        WrongDataset: a column is missing, has the wrong shape or type, or fails the unit guard.
    """
    check_columns(str(folder), about, columns, clips, photographs)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.json").unlink(missing_ok=True)
    for name, column in columns.items():
        np.save(folder / f"{name}.npy", column, allow_pickle=False)
    return describe_dataset(folder, about, columns, clips, photographs)


def describe_dataset(
    folder: Path,
    about: About,
    columns: Mapping[str, NDArray[Any]],
    clips: tuple[Clip, ...],
    photographs: tuple[str, ...] = (),
) -> Dataset:
    """Make a dataset of columns that lie in ``folder`` already; as ``write_dataset``."""
    describe_folder(folder, about, columns, clips, photographs)
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
    held = read_folder(folder, verify=verify)
    return Dataset(held.about, held.columns, held.clips, held.fingerprint, folder, held.photographs)
