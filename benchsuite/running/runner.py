"""The matrix of sources, refiners, evaluators and datasets: what is missing is measured, and kept at once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchsuite_registry.contracts import Evaluator, Scalar
from benchsuite_registry.registries import Component

from benchsuite.documents import CannotWrite, sweep, write_whole
from benchsuite.records.results import Record, identity, read_record, read_records, record_path, write_record
from benchsuite.records.worst import write_worst
from benchsuite.running.apart import Named, NamedBranch, PassApart, ProtocolsApart, plugin_files
from benchsuite.running.cells import Cell, said_by
from benchsuite.running.matrix import Matrix, Pass, passes_of
from benchsuite.running.pipeline import Outcome, run_pass
from benchsuite.running.stages import name_of
from benchsuite.running.workers import Errand, Limits, Lost, do, named_if_out_of_memory

if TYPE_CHECKING:
    from benchsuite.running.cluster import Cluster


class Unwritten(CannotWrite):
    """Records were measured and could not be written; holds them."""

    def __init__(self, message: str, records: tuple[Record, ...]) -> None:
        super().__init__(message)
        self.records = records


class Runner:
    """Measures a matrix into a results folder. A cell that failed before counts as missing.

    Several runs may share a folder. Cells that another has finished when their turn comes are taken as they are; should
    two be at one cell at a time, both measure it and the later record takes the earlier one's place, whole.

    Args:
        matrix: what to measure.
        results: the folder that keeps ``records``.
        fresh: measure again what is there already.
        apart: measure in processes of their own, within these limits; None for this process.
        cluster: measure by its workers; ``apart`` is then for what is asked on this machine.

    Attributes:
        passes: everything asked for, dataset by dataset, source by source.

    Raises:
        CannotWrite: something is missing and the folder cannot be written to; names it.
        WrongDocument: a record in it is not what its layout says.
        WrongRun: a component's weights cannot be told.
    """

    def __init__(
        self,
        matrix: Matrix,
        results: Path,
        *,
        fresh: bool = False,
        apart: Limits | None = None,
        cluster: Cluster | None = None,
    ) -> None:
        records = read_records(results)
        self._settings = matrix.settings
        self._results = results
        self._fresh = fresh
        self._apart = apart
        self._cluster = cluster
        self._plugins = plugin_files(matrix.components)
        self._failed = [r for r in records if r.failure]
        kept = [] if fresh else [r for r in records if not r.failure]
        self.passes = tuple(passes_of(matrix, kept, self._said(matrix.evaluators)))
        if any(one.missing for one in self.passes):
            check_writable(results)
        cells = (identity(r) for one in self.passes for r in (*one.kept, *(cell.blank for cell in one.missing)))
        self._order = {cell: number for number, cell in enumerate(cells)}

    def measure(
        self,
        advance: Callable[[int], object] = lambda samples: None,
        begin: Callable[[Pass], object] = lambda one: None,
    ) -> Generator[Record, None, None]:
        """What is missing of all passes, written, cell by cell. Closing the generator ends what is under way.

        Args:
            advance: told how many samples are done, each time some are.
            begin: told which pass begins.

        Raises:
            Unwritten: a record could not be written; the error holds it.
        """
        if self._cluster:
            yield from self._measure_afar(self._cluster, self._apart or Limits(), advance)
            return
        if self._apart:
            yield from self._measure_apart(self._apart, advance, begin)
            return
        for one in self.passes:
            if one.missing:
                begin(one)
                yield from self.run(one, advance)

    def ordered(self, records: Iterable[Record]) -> list[Record]:
        """Records in the order of the matrix, however they came."""
        return sorted(records, key=lambda record: self._order[identity(record)])

    def run(self, one: Pass, advance: Callable[[int], object] = lambda samples: None) -> tuple[Record, ...]:
        """What is missing of a pass, measured in this process and written.

        Args:
            one: one of ``passes``.
            advance: told how many samples are done, each time some are.

        Raises:
            Unwritten: not all records could be written; the error holds all.
        """
        found, missing = self._still_missing(one)
        if not missing:
            return found
        outcomes = run_pass(one.source, [cell.branch for cell in missing], one.dataset, self._settings, advance)
        records, errors = [], []
        for cell, outcome in zip(missing, outcomes, strict=True):
            try:
                records.append(self._keep(cell, outcome))
            except Unwritten as error:
                records += error.records
                errors.append(error)
        if errors:
            raise Unwritten(str(errors[0]), (*found, *records)) from errors[0]
        return (*found, *records)

    def _measure_apart(
        self, limits: Limits, advance: Callable[[int], object], begin: Callable[[Pass], object]
    ) -> Generator[Record, None, None]:
        cells: list[dict[NamedBranch, Cell]] = []
        came_by: list[Record] = []

        def errands() -> Iterator[Errand[NamedBranch, Outcome]]:
            for one in self.passes:
                found, missing = self._still_missing(one)
                came_by.extend(found)
                if missing:
                    begin(one)
                    cells.append({NamedBranch.of(cell.branch): cell for cell in missing})
                    yield self._errand(one, cells[-1])

        for number, branch, came in do(errands(), limits, advance):
            yield self._keep(cells[number][branch], _outcome(came, limits))
        yield from came_by

    def _measure_afar(
        self, cluster: Cluster, limits: Limits, advance: Callable[[int], object]
    ) -> Generator[Record, None, None]:
        asked: list[tuple[Pass, dict[NamedBranch, Cell]]] = []
        for one in self.passes:
            found, missing = self._still_missing(one)
            yield from found
            if missing:
                asked.append((one, {NamedBranch.of(cell.branch): cell for cell in missing}))
        errands = (
            (
                self._errand(one, cells),
                cluster.terms(
                    (one.source, *(c for cell in cells.values() for c in cell.branch.components)),
                    self._settings.device,
                    one.held,
                ),
            )
            for one, cells in asked
        )
        for number, came in cluster.do(errands):
            advance(came.samples)
            for branch, what in came.parts:
                yield self._keep(asked[number][1][branch].on(came.device), _outcome(what, limits))

    def _errand(self, one: Pass, branches: Iterable[NamedBranch]) -> Errand[NamedBranch, Outcome]:
        act = PassApart(self._plugins, Named.of(one.source), one.held, self._settings)
        return Errand(act, tuple(branches))

    def _still_missing(self, one: Pass) -> tuple[tuple[Record, ...], tuple[Cell, ...]]:
        """The records that another run has written by now, and the cells that nobody has."""
        found, missing = [], []
        for cell in one.missing:
            there = None if self._fresh else _finished(record_path(self._results, cell.blank))
            if there and identity(there) == identity(cell.blank):
                found.append(there)
            else:
                missing.append(cell)
        return tuple(found), tuple(missing)

    def _keep(self, cell: Cell, outcome: Outcome) -> Record:
        record = cell.filled(outcome)
        try:
            write_worst(self._results, record, outcome.worst)  # first: what is recorded is not measured again
            path = write_record(self._results, record)
        except CannotWrite as error:
            raise Unwritten(str(error), (record,)) from error
        for earlier in self._failed:  # it may lie elsewhere: weights were missing, or the evaluator was broken
            if _asked(earlier) == _asked(record) and (place := record_path(self._results, earlier)) != path:
                place.unlink(missing_ok=True)
        return record

    def _said(self, evaluators: Sequence[Component[Evaluator]]) -> dict[str, Mapping[str, Scalar]]:
        """What each evaluator says of its protocol, by its name."""
        if self._apart is None:
            return {name_of(e): said_by(e) for e in evaluators}
        names = {Named.of(e): name_of(e) for e in evaluators}
        answers = do([Errand(ProtocolsApart(self._plugins), tuple(names))], self._apart)
        return {names[part]: {} if isinstance(said, Lost) else said for _, part, said in answers}


def check_writable(results: Path) -> None:
    """Find out that a results folder takes no records before anything is measured.

    Raises:
        CannotWrite: read-only, full, or not a folder; names it.
    """
    probe = results / "records" / ".probe"
    try:
        write_whole(probe, bytes(1 << 16))
        with suppress(FileNotFoundError):  # another run may have been faster
            sweep(results, probe)
    except OSError as error:
        raise CannotWrite(f"results folder {results} takes no records: {error}") from None
    probe.unlink(missing_ok=True)


def _outcome(came: Outcome | Lost, limits: Limits) -> Outcome:
    outcome = Outcome((), came.failure, 0, came.seconds) if isinstance(came, Lost) else came
    if outcome.failure:
        return replace(outcome, failure=named_if_out_of_memory(outcome.failure, limits))
    return outcome


def _finished(path: Path) -> Record | None:
    """The record at ``path``, if there is one and it did not fail."""
    if not path.is_file():
        return None
    record = read_record(path)
    return None if record.failure else record


def _asked(record: Record) -> tuple[Any, ...]:
    """What was asked for, whatever weights and protocol it met."""
    parts = (record.source, record.refiner, record.evaluator)
    asked = (part and (part.kind, part.name, dict(part.parameters)) for part in parts)
    return (*asked, record.dataset.fingerprint, record.provenance.get("seed"))
