"""The photographs that annotations were made on: which are there, how large they are, how a dataset lists them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.datasets.columns import About
from benchsuite.images.photographs import WrongImage, photograph_size


def photograph_sizes(files: Sequence[Path | None]) -> NDArray[np.int64]:
    """Width and height (N, 2) px of photographs, 0 for those that are not there or do not read.

    Raises:
        NoPillow: there are photographs, but nothing to read them with.
    """
    known: dict[Path | None, tuple[int, int]] = {None: (0, 0)}
    for file in files:
        if file not in known:
            known[file] = _size(file) if file is not None and file.is_file() else (0, 0)
    return np.array([known[file] for file in files], dtype=np.int64).reshape(-1, 2)


def _size(file: Path) -> tuple[int, int]:
    try:
        return photograph_size(file)
    except WrongImage:
        return 0, 0


def found(files: Sequence[Path | None], size: NDArray[Any] | None = None) -> list[Path | None]:
    """The photographs that are there, None in place of the others.

    Those of an unpacked archive are gone when it is closed.

    Args:
        files: N paths, None where unknown.
        size: (N, 2) px; 0 says that a photograph does not read.
    """
    there = {file for file in set(files) if file is not None and file.is_file()}
    reads = np.ones(len(files), dtype=bool) if size is None else np.asarray((size > 0).all(axis=1))
    return [file if file in there and ok else None for file, ok in zip(files, reads.tolist(), strict=True)]


def listed(
    about: About, columns: dict[str, NDArray[Any]], files: Sequence[Path | None], option: str = ""
) -> tuple[About, tuple[str, ...]]:
    """What ``about`` and ``images.txt`` say of photographs, one a row of ``columns``, which get the column ``image``.

    Nothing, but for a note, if not all are there.

    Args:
        about: of the dataset.
        columns: of the dataset.
        files: each row's photograph, None where it is not there.
        option: what to say to get a dataset of those that are there.
    """
    paths = [os.path.abspath(file) for file in files if file is not None]
    if not paths:
        return about, ()
    if len(paths) < len(files):
        hint = f"; {option} takes those alone" if option else ""
        note = f"{len(paths)} of {len(files)} samples have their photograph, so no pictures are written{hint}"
        return replace(about, notes=(*about.notes, note)), ()
    number = {path: k for k, path in enumerate(dict.fromkeys(paths))}
    columns["image"] = np.array([number[path] for path in paths], dtype=np.int32)
    folder = os.path.commonpath([os.path.dirname(path) for path in paths])
    about = replace(about, images=folder, notes=(*about.notes, f"with {len(number)} photographs"))
    return about, tuple(Path(path).relative_to(folder).as_posix() for path in number)
