"""Records: one JSON file a cell of the run's matrix, and the numbers papers report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from benchsuite_registry.contracts import Metric, Scalar

SCHEMA = 1


@dataclass(frozen=True)
class Part:
    """A component of a cell: its name, and all its parameters, defaults included.

    Attributes:
        kind: ``lifter``, ``image model``, ``refiner`` or ``evaluator``.
        name: the entry's name.
        parameters: every parameter's value.
        changed: the parameters that differ from the defaults, as shown in tables.
        distribution: ``name version`` of the distribution it came from.
        weights: sha256 of its trained weights, if it has any.
    """

    kind: str
    name: str
    parameters: Mapping[str, Scalar] = field(default_factory=dict)
    changed: Mapping[str, Scalar] = field(default_factory=dict)
    distribution: str = ""
    weights: str | None = None


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
