"""The numbers that papers report: ``results/reported/<paper>-<table>.json``, one table a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchsuite.documents import WrongDocument, load
from benchsuite.reading import MAY_BE_ABSENT

SCHEMA = 1


@dataclass(frozen=True)
class ReportedRow:
    """A row of a paper's table.

    Attributes:
        method: the row's label as printed, citation included.
        values: one a column, as printed; None where no number is known.
        bold: the columns that the paper prints bold in this row.
        notes: doubts about the row.
    """

    method: str
    values: tuple[int | float | None, ...]
    bold: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class ReportedTable:
    """A table as a paper prints it.

    Attributes:
        schema: version of this layout.
        paper: who says so.
        table: its name in the paper.
        title: what it shows.
        protocol: how the numbers came about, and what the paper leaves unsaid.
        unit: of every number.
        better: which way is better.
        columns: their labels as printed.
        rows: in the paper's order.
        notes: doubts about the table as a whole.
        evaluator: whose numbers it is printed beside; empty if nobody's.
        sources: of which kind, such as ``image model``.
    """

    schema: int
    paper: str
    table: str
    title: str
    protocol: str
    unit: str
    better: Literal["lower", "higher"]
    columns: tuple[str, ...]
    rows: tuple[ReportedRow, ...]
    notes: tuple[str, ...]
    evaluator: str = field(default="", metadata=MAY_BE_ABSENT)
    sources: str = field(default="", metadata=MAY_BE_ABSENT)


def read_reported(root: Path) -> tuple[ReportedTable, ...]:
    """All reported tables under ``root``, the results folder, in the order of their file names.

    Raises:
        WrongDocument: a file is not what the layout says; names file, key, wanted, found.
    """
    return tuple(read_table(path) for path in sorted((root / "reported").glob("*.json"), key=lambda p: p.name))


def read_table(path: Path) -> ReportedTable:
    """The table in the file ``path``.

    Raises:
        WrongDocument: the file is not what the layout says; names file, key, wanted, found.
    """
    table = load(path, ReportedTable, SCHEMA)
    for number, row in enumerate(table.rows):
        if len(row.values) != len(table.columns):
            raise WrongDocument(
                f"{path}: rows[{number}].values: wanted {len(table.columns)} numbers, found {len(row.values)}"
            )
        if stray := [column for column in row.bold if column not in table.columns]:
            raise WrongDocument(f"{path}: rows[{number}].bold: no such column: {stray[0]}")
    return table
