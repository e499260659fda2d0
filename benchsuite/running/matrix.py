"""What is to be measured: sources, refiners, evaluators and datasets, and the passes that their combinations make."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from benchsuite_registry.contracts import Evaluator, Refiner, Scalar
from benchsuite_registry.registries import Component

from benchsuite.datasets.dataset import Dataset, WrongDataset
from benchsuite.images.pictures import check_pictures
from benchsuite.records.results import Part, Record, identity
from benchsuite.running.apart import Held
from benchsuite.running.cells import Cell, blank_record, with_dataset
from benchsuite.running.pipeline import Branch, Settings
from benchsuite.running.provenance import described, environment
from benchsuite.running.stages import name_of


class WrongRun(ValueError):
    """What was asked for cannot be run, and nothing was."""


@dataclass(frozen=True)
class Matrix:
    """All that is to be measured.

    Attributes:
        sources: lifters and image models.
        refiners: None stands for the bare source.
        evaluators: who score.
        datasets: each after the name that a command line gives it.
        settings: seed, batch size, device.
        limit: how many samples of each dataset; None for all.

    Raises:
        WrongDataset: a dataset is empty or lacks a column that an evaluator needs, or pictures that a source does.
        WrongRun: whole clips are needed, and the limit leaves frames out.
    """

    sources: tuple[Component[Any], ...]
    refiners: tuple[Component[Refiner] | None, ...]
    evaluators: tuple[Component[Evaluator], ...]
    datasets: tuple[tuple[str, Dataset], ...]
    settings: Settings = field(default_factory=Settings)
    limit: int | None = None

    def __post_init__(self) -> None:
        for name, dataset in self.datasets:
            check_dataset(name, dataset, self.evaluators)
            for source in self.sources:
                if source.registry.kind == "image model":
                    check_pictures(name, dataset if self.limit is None else dataset.head(self.limit), name_of(source))
        if self.limit is not None and (thinned := [c for c in self.components if c.entry.unit == "clip"]):
            raise WrongRun(f"{name_of(thinned[0])} needs whole clips; a limit leaves frames out of them")

    @property
    def components(self) -> tuple[Component[Any], ...]:
        """Everyone who acts."""
        return (*self.sources, *(r for r in self.refiners if r), *self.evaluators)

    def command(self, parts: Sequence[Part], dataset: str) -> str:
        """The command line that measures one cell alone."""
        words = ["benchsuite", "run"]
        for part in parts:
            words += [f"--{part.kind.replace(' ', '-')}", _spelt(part)]
        words += ["--dataset", dataset, "--seed", str(self.settings.seed), "--batch", str(self.settings.batch)]
        words += ["--device", self.settings.device.type]
        words += [] if self.limit is None else ["--limit", str(self.limit)]
        for file in dict.fromkeys(part.distribution for part in parts if part.distribution.startswith("file ")):
            words += ["--plugin", file.removeprefix("file ").partition(" sha256:")[0]]
        return shlex.join(words)


@dataclass(frozen=True)
class Pass:
    """One source on one dataset: what is kept of it, and what is missing."""

    source: Component[Any]
    dataset: Dataset
    kept: tuple[Record, ...]
    missing: tuple[Cell, ...]
    held: Held


def passes_of(matrix: Matrix, kept: Sequence[Record], said: Mapping[str, Mapping[str, Scalar]]) -> Iterator[Pass]:
    """The passes of ``matrix``, dataset by dataset, source by source.

    Args:
        matrix: all that is to be measured.
        kept: records that need not be measured again.
        said: each evaluator's part of the protocol, by its name.

    Raises:
        WrongRun: a component's weights cannot be told.
    """
    there = {identity(record): record for record in kept}
    parts = {name_of(c): _described(c) for c in matrix.components}
    surroundings = {**environment(matrix.settings.device), "seed": matrix.settings.seed}
    for name, whole in matrix.datasets:
        dataset = whole if matrix.limit is None else whole.head(matrix.limit)
        protocols = {name_of(e): with_dataset(said[name_of(e)], dataset) for e in matrix.evaluators}
        for source in matrix.sources:
            blanks = []
            for branch in (Branch(*pair) for pair in product(matrix.refiners, matrix.evaluators)):
                used = [parts[name_of(c)] for c in (source, *branch.components)]
                provenance = {**surroundings, "command": matrix.command(used, name)}
                blank = blank_record(used, protocols[name_of(branch.evaluator)], dataset, provenance)
                blanks.append(Cell(branch, blank))
            yield Pass(
                source,
                dataset,
                kept=tuple(there[key] for cell in blanks if (key := identity(cell.blank)) in there),
                missing=tuple(cell for cell in blanks if identity(cell.blank) not in there),
                held=Held.of(whole, matrix.limit),
            )


def check_dataset(name: str, dataset: Dataset, evaluators: Iterable[Component[Evaluator]]) -> None:
    """Find out that a dataset cannot be scored before anything is worked out.

    Raises:
        WrongDataset: it is empty or lacks a column that an evaluator needs.
    """
    if not len(dataset):
        raise WrongDataset(f"dataset {name} has no samples")
    for evaluator in evaluators:
        for column in evaluator.entry.needs:
            if column not in dataset.columns:
                raise WrongDataset(f"dataset {name} has no column {column!r}, which {name_of(evaluator)} needs")


def _described(component: Component[Any]) -> Part:
    try:
        return described(component)
    except Exception as error:
        raise WrongRun(f"{name_of(component)}: its weights cannot be told: {error}") from error


def _spelt(part: Part) -> str:
    pairs = ",".join(f"{key}={value}" for key, value in part.changed.items())
    return f"{part.name}:{pairs}" if pairs else part.name
