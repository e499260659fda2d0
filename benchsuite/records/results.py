"""Records: one JSON file a cell of the run's matrix, at a place that follows from what the cell is."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from benchsuite_registry.contracts import Metric, Scalar
from benchsuite_registry.hookspecs import PROJECT

from benchsuite.documents import WrongDocument, dump, load, plain, write_whole
from benchsuite.reading import MAY_BE_ABSENT

SCHEMA = 1


@dataclass(frozen=True)
class Part:
    """A component of a cell: its name, and all its parameters, defaults included.

    Attributes:
        kind: ``lifter``, ``image model``, ``refiner`` or ``evaluator``.
        name: the entry's name.
        parameters: every parameter's value, but for later ones at their default.
        changed: the parameters that differ from the defaults, as shown in tables.
        distribution: ``name version`` of the distribution it came from, and if that is not the suite's the hash of its
            source, ``sha256:...``; of a plugin file ``file name sha256:...``.
        weights: sha256 of its trained weights, if it has any.
        trained: how they came about, as the weights file says: ``recipe``, ``seed``...
    """

    kind: str
    name: str
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    changed: Mapping[str, Scalar] = field(default_factory=dict)
    distribution: str = ""
    weights: str | None = None
    trained: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DatasetUsed:
    """The dataset a cell was scored on."""

    name: str
    split: str
    fingerprint: str
    samples: int
    clips: int


@dataclass(frozen=True)
class Failure:
    """Why a cell has no numbers."""

    type: str
    message: str
    traceback: str


@dataclass(frozen=True)
class ClipFigures:
    """What the headline is a mean of, clip by clip: all that a paired bootstrap over clips needs.

    The numbers stand in one line each, parted by blanks. Two records of one fingerprint list the same clips in the
    same order.

    Attributes:
        average: what the headline is a mean over, ``actions`` or ``frames``.
        mean: of the clip's defined samples, to seven digits; 0 where it has none.
        count: how many samples of the clip are defined.
        action: code of the clip's action; a clip that shows two is listed twice.
    """

    average: Literal["actions", "frames"]
    mean: str
    count: str
    action: str


@dataclass(frozen=True)
class Record:
    """One cell: a source, a refiner or none, an evaluator, a dataset.

    Attributes:
        source: the lifter or image model.
        refiner: None for the bare source.
        evaluator: who scored.
        dataset: on what.
        protocol: the protocol's fingerprint; two numbers share a column only if theirs are equal.
        metrics: the first is the headline; empty if the cell failed.
        failure: None if it did not.
        provenance: versions, git commit and dirty flag, device, seed, seconds, command.
        origin: ``measured`` here, or ``reported`` by a paper.
        schema: version of this layout.
        clips: the headline clip by clip, where it is a plain mean of samples' figures; records of earlier days lack it.
    """

    source: Part
    refiner: Part | None
    evaluator: Part
    dataset: DatasetUsed
    protocol: Mapping[str, Scalar]
    metrics: tuple[Metric, ...]
    failure: Failure | None
    provenance: Mapping[str, Any]
    origin: Literal["measured", "reported"] = "measured"
    schema: int = SCHEMA
    clips: ClipFigures | None = field(default=None, metadata=MAY_BE_ABSENT)


def identity(record: Record) -> str:
    """Hex sha256 over what makes two cells the same; only the seed counts of the provenance.

    Where the weights lay does not count, but their hash does; see ``identity_of``.
    """
    said = {
        "source": identity_of(record.source),
        "refiner": record.refiner and identity_of(record.refiner),
        "evaluator": identity_of(record.evaluator),
        "dataset": record.dataset.fingerprint,
        "seed": record.provenance.get("seed"),
        "protocol": record.protocol,
    }
    return hashlib.sha256(json.dumps(plain(said), sort_keys=True).encode()).hexdigest()


def identity_of(part: Part) -> dict[str, Any]:
    """What makes two parts the same, JSON-able: not where its weights lay, nor the suite's own version.

    The version of another distribution is, and the hash of its source: its numbers are of no other state of it.
    """
    return {
        "kind": part.kind,
        "name": part.name,
        "parameters": {k: v for k, v in part.parameters.items() if k != "weights" or part.weights is None},
        "weights": part.weights,
        "distribution": PROJECT if part.distribution.startswith(f"{PROJECT} ") else part.distribution,
    }


def record_path(root: Path, record: Record) -> Path:
    """Where ``record`` lies: ``records/<evaluator>/<dataset>/<source>[+<refiner>]-<hash8>.json``.

    Names are made safe for any file system; parameters stand in the hash alone.

    Args:
        root: the results folder.
        record: may lack its metrics: a place depends on what the cell is, not on what came of it.
    """
    method = _file_name(record.source.name)
    if record.refiner:
        method += f"+{_file_name(record.refiner.name)}"
    folder = root / "records" / _file_name(record.evaluator.name) / _file_name(record.dataset.name)
    return folder / f"{method}-{identity(record)[:8]}.json"


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", name)[:80].lstrip(".") or "_"


def write_record(root: Path, record: Record) -> Path:
    """Write ``record`` at its place, whole or not at all; an earlier record of the cell gives way.

    Raises:
        CannotWrite: a full disk, a read-only folder...; names the folder.
        TypeError: something in the record that JSON cannot hold; names its key.
    """
    path = record_path(root, record)
    write_whole(path, dump(record))
    return path


def read_record(path: Path) -> Record:
    """The record in the file ``path``.

    Raises:
        WrongDocument: the file is not what ``write_record`` writes; names file, key, wanted, found.
    """
    return load(path, Record, SCHEMA)


def read_records(root: Path) -> tuple[Record, ...]:
    """All records under ``root``, the results folder, in the order of their paths.

    Raises:
        WrongDocument: as ``read_record``, or a record that does not lie at its place: it was
            renamed, or what the cell is was changed by hand.
    """
    records = []
    for path in sorted((root / "records").rglob("*.json"), key=lambda p: p.relative_to(root).as_posix()):
        try:
            record = read_record(path)
        except WrongDocument:
            if not path.exists():  # another run found that it is out of date
                continue
            raise
        if (place := record_path(root, record)) != path:
            raise WrongDocument(f"{path}: what it records belongs at {place}")
        records.append(record)
    return tuple(records)
