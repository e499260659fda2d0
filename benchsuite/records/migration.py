"""Records of older layouts, brought up to date one version at a time.

| version | layout |
|---|---|
| 0 | before the first release: parts without `trained`; no key `schema`, or 0; `records/<evaluator>/<cell>.json` |
| 1 | that of `benchsuite.records.results` |
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchsuite.documents import WrongDocument, made, parsed
from benchsuite.records.results import SCHEMA, Record, record_path, write_record

Document = Mapping[str, Any]


def _trained(document: Document) -> Document:
    """0 to 1: parts say how their weights came about; nothing is known of these."""
    parts = ("source", "refiner", "evaluator")
    known = {part: {**document[part], "trained": {}} for part in parts if isinstance(document.get(part), dict)}
    return {**document, **known}


STEPS: tuple[Callable[[Document], Document], ...] = (_trained,)
"""How a document of each version becomes one of the next."""


def migrate(root: Path) -> list[tuple[Path, Path]]:
    """Rewrite the older records under ``root``, the results folder, each at its place.

    Nothing is rewritten unless every file can be read.

    Returns:
        Where each lay and where it lies.

    Raises:
        WrongDocument: a file is no record of any known version; names it.
        CannotWrite: the folder cannot be written to.
    """
    older = []
    for path in sorted((root / "records").rglob("*.json")):
        document = parsed(path)
        if (version := _version(path, document)) < SCHEMA:
            older.append((path, _up_to_date(path, document, version)))
    moved = []
    for path, record in older:
        place = record_path(root, record)
        if place != path and place.exists():
            raise WrongDocument(f"{path}: there is a record at {place} already: delete one of them")
        write_record(root, record)
        if place != path:
            path.unlink()
        moved.append((path, place))
    return moved


def _version(path: Path, document: Document) -> int:
    version = document.get("schema", 0)
    if type(version) is not int or not 0 <= version <= SCHEMA:
        raise WrongDocument(f"{path}: schema: wanted a version of 0 to {SCHEMA}, found {version!r}")
    return version


def _up_to_date(path: Path, document: Document, version: int) -> Record:
    for step in STEPS[version:]:
        document = step(document)
    return made(path, {**document, "schema": SCHEMA}, Record, SCHEMA)
