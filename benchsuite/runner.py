"""The matrix of sources, refiners, evaluators and datasets: what is missing is measured, and kept at once."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from benchsuite_registry.contracts import Evaluator, Refiner
from benchsuite_registry.registries import Component

from benchsuite.cells import Cell, blank_record, protocol_on
from benchsuite.dataset import Dataset, WrongDataset
from benchsuite.documents import CannotWrite, write_whole
from benchsuite.pipeline import Branch, Settings, run_pass
from benchsuite.provenance import described, environment
from benchsuite.results import Part, Record, identity, read_records, record_path, write_record
from benchsuite.stages import name_of


class WrongRun(ValueError):
    """What was asked for cannot be run, and nothing was."""


class Unwritten(CannotWrite):
    """Records were measured and could not be written; holds them."""

    def __init__(self, message: str, records: tuple[Record, ...]) -> None:
        super().__init__(message)
        self.records = records


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
        WrongDataset: a dataset is empty or lacks a column that an evaluator needs.
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
            words += ["--plugin", file.removeprefix("file ")]
        return shlex.join(words)


@dataclass(frozen=True)
class Pass:
    """One source on one dataset: what is kept of it, and what is missing."""

    source: Component[Any]
    dataset: Dataset
    kept: tuple[Record, ...]
    missing: tuple[Cell, ...]


class Runner:
    """Measures a matrix into a results folder. A cell that failed before counts as missing.

    Args:
        matrix: what to measure.
        results: the folder that keeps ``records``.
        fresh: measure again what is there already.

    Attributes:
        passes: everything asked for, dataset by dataset, source by source.

    Raises:
        CannotWrite: the folder cannot be written to; names it.
        WrongDocument: a record in it is not what its layout says.
        WrongRun: a component's weights cannot be told.
    """

    def __init__(self, matrix: Matrix, results: Path, *, fresh: bool = False) -> None:
        check_writable(results)
        records = read_records(results)
        self._settings = matrix.settings
        self._results = results
        self._failed = [r for r in records if r.failure]
        self.passes = tuple(_plan(matrix, [] if fresh else [r for r in records if not r.failure]))

    def run(self, one: Pass, advance: Callable[[int], object] = lambda samples: None) -> tuple[Record, ...]:
        """What is missing of a pass, measured and written.

        Args:
            one: one of ``passes``.
            advance: told how many samples are done, each time some are.

        Raises:
            Unwritten: not all records could be written; the error holds all.
        """
        outcomes = run_pass(one.source, [cell.branch for cell in one.missing], one.dataset, self._settings, advance)
        records = tuple(cell.filled(outcome) for cell, outcome in zip(one.missing, outcomes, strict=True))
        errors = []
        for record in records:
            try:
                self._write(record)
            except CannotWrite as error:
                errors.append(error)
        if errors:
            raise Unwritten(str(errors[0]), records) from errors[0]
        return records

    def _write(self, record: Record) -> None:
        path = write_record(self._results, record)
        for earlier in self._failed:  # it may lie elsewhere: weights were missing, or the evaluator was broken
            if _asked(earlier) == _asked(record) and (place := record_path(self._results, earlier)) != path:
                place.unlink(missing_ok=True)


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


def check_writable(results: Path) -> None:
    """Find out that a results folder takes no records before anything is worked out.

    Raises:
        CannotWrite: read-only, full, or not a folder; names it.
    """
    probe = results / "records" / f".{os.getpid()}.probe"
    try:
        write_whole(probe, bytes(1 << 16))
    except CannotWrite as error:
        raise CannotWrite(f"results folder {results} takes no records: {error}") from None
    probe.unlink()


def _plan(matrix: Matrix, kept: Sequence[Record]) -> Iterator[Pass]:
    there = {identity(record): record for record in kept}
    parts = {name_of(c): _described(c) for c in matrix.components}
    surroundings = {**environment(matrix.settings.device), "seed": matrix.settings.seed}
    for name, whole in matrix.datasets:
        dataset = whole if matrix.limit is None else whole.head(matrix.limit)
        protocols = {name_of(e): protocol_on(e, dataset) for e in matrix.evaluators}
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
            )


def _described(component: Component[Any]) -> Part:
    try:
        return described(component)
    except Exception as error:
        raise WrongRun(f"{name_of(component)}: its weights cannot be told: {error}") from error


def _asked(record: Record) -> tuple[Any, ...]:
    """What was asked for, whatever weights and protocol it met."""
    parts = (record.source, record.refiner, record.evaluator)
    asked = (part and (part.kind, part.name, dict(part.parameters)) for part in parts)
    return (*asked, record.dataset.fingerprint, record.provenance.get("seed"))


def _spelt(part: Part) -> str:
    pairs = ",".join(f"{key}={value}" for key, value in part.changed.items())
    return f"{part.name}:{pairs}" if pairs else part.name
