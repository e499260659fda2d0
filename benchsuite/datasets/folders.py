"""Dataset folders: ``dataset.json``, a ``.npy`` file a column, ``images.txt``; read strictly, described last."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from benchsuite_registry.checkpoints import sha256
from numpy.typing import NDArray

from benchsuite.datasets.columns import About, Clip, WrongDataset, check_columns

SCHEMA = 1
UNITS = {"uv": "px", "xyz": "mm"}
IMAGES = "images.txt"

_PLACE = ("rotation", "position")


@dataclass(frozen=True)
class Content:
    """What a dataset folder holds, checked.

    Attributes:
        about: the description.
        columns: by name, memory-mapped.
        clips: what ``clip`` counts.
        fingerprint: sha256 over the hashes of all columns and of ``images.txt``, and the clips.
        photographs: what ``image`` counts: paths from the folder ``About.images``.
    """

    about: About
    columns: Mapping[str, NDArray[Any]]
    clips: tuple[Clip, ...]
    fingerprint: str
    photographs: tuple[str, ...]


def describe_folder(
    folder: Path,
    about: About,
    columns: Mapping[str, NDArray[Any]],
    clips: tuple[Clip, ...],
    photographs: tuple[str, ...],
) -> None:
    """Make a dataset of columns that lie in ``folder`` already: ``dataset.json`` comes last.

    Raises:
        WrongDataset: a column is not as agreed, or a photograph's path leaves its folder.
    """
    check_columns(str(folder), about, columns, clips, photographs)
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
    if photographs:
        _check_paths(f"{folder}: photographs", photographs)
        (folder / IMAGES).write_bytes("".join(f"{path}\n" for path in photographs).encode("utf-8", "surrogateescape"))
        document["images"] = {"sha256": sha256(folder / IMAGES)}
    else:
        (folder / IMAGES).unlink(missing_ok=True)
    partial = folder / "dataset.json.partial"
    partial.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(partial, folder / "dataset.json")


def read_folder(folder: Path, *, verify: bool) -> Content:
    """What ``folder`` holds.

    Args:
        folder: with a ``dataset.json``.
        verify: compare every column with its hash; ``images.txt`` always is.

    Raises:
        WrongDataset: anything that is not as the contract says; names file and expectation.
    """
    file = folder / "dataset.json"
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise WrongDataset(f"{file}: wanted JSON: {error}") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        found = document.get("schema") if isinstance(document, dict) else document
        raise WrongDataset(f"{file}: wanted schema {SCHEMA}, found {found!r}")
    if document.get("units") != UNITS:
        raise WrongDataset(f"{file}: wanted units {UNITS}, found {document.get('units')!r}")
    try:
        about = About(**{**document["about"], "notes": tuple(document["about"].get("notes", ()))})
        clips = tuple(clip_of(c) for c in document["clips"])
        described = {
            name: {key: c[key] for key in ("dtype", "shape", "sha256")} for name, c in document["columns"].items()
        }
        listed = str(document["images"]["sha256"]) if "images" in document else ""
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise WrongDataset(f"{file}: a key is missing or of the wrong kind: {error}") from None
    columns = {name: _open_column(folder, name, c, verify=verify) for name, c in described.items()}
    photographs = _read_photographs(folder / IMAGES, listed) if listed else ()
    check_columns(str(folder), about, columns, clips, photographs)
    hashes = {name: c["sha256"] for name, c in described.items()}
    return Content(
        about, columns, clips, _fingerprint({**hashes, IMAGES: listed} if listed else hashes, clips), photographs
    )


def clip_of(document: dict[str, Any]) -> Clip:
    """What ``Clip.document`` told."""
    placed = {key: tuple(map(float, document[key])) for key in _PLACE if key in document}
    return Clip(**{**document, **placed})


def moved(finished: Path, folder: Path) -> None:
    """Put a finished dataset where ``folder`` is, in place of an earlier one; ``dataset.json`` comes last."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.json").unlink(missing_ok=True)
    for file in sorted(finished.iterdir(), key=lambda file: file.name == "dataset.json"):
        os.replace(file, folder / file.name)
    finished.rmdir()


def _open_column(folder: Path, name: str, described: Mapping[str, Any], *, verify: bool) -> NDArray[Any]:
    file = folder / f"{name}.npy"
    if not file.is_file():
        raise WrongDataset(f"{file}: column is missing")
    try:
        column = np.lib.format.open_memmap(file, mode="r")  # not np.load, to which an archive is as good as an array
    except Exception as error:  # NumPy raises whatever the bytes of a header lead it to
        if isinstance(error, OSError) and error.filename:
            raise
        raise WrongDataset(f"{file}: wanted a whole .npy file: {error}") from None
    if list(column.shape) != described["shape"] or str(column.dtype) != described["dtype"]:
        raise WrongDataset(
            f"{file}: wanted {described['dtype']} {described['shape']}, found {column.dtype} {list(column.shape)}"
        )
    if verify and sha256(file) != described["sha256"]:
        raise WrongDataset(f"{file}: sha256 differs from dataset.json: the file was changed")
    return np.asarray(column) if column.size == 0 else column


def _read_photographs(file: Path, listed: str) -> tuple[str, ...]:
    if not file.is_file():
        raise WrongDataset(f"{file}: the list of photographs is missing")
    if sha256(file) != listed:
        raise WrongDataset(f"{file}: sha256 differs from dataset.json: the file was changed")
    paths = tuple(file.read_bytes().decode("utf-8", "surrogateescape").split("\n")[:-1])
    _check_paths(str(file), paths)
    return paths


def _check_paths(owner: str, paths: tuple[str, ...]) -> None:
    for line, path in enumerate(paths, start=1):
        parts = PurePosixPath(path)
        if not parts.parts or parts.is_absolute() or ".." in parts.parts or "\n" in path:
            raise WrongDataset(
                f"{owner}: line {line}: wanted a path inside the folder of the photographs, found {path!r}"
            )


def _fingerprint(hashes: Mapping[str, str], clips: tuple[Clip, ...]) -> str:
    text = json.dumps([sorted(hashes.items()), [clip.document() for clip in clips]], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
