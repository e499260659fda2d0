"""Records as tables in a terminal, or as JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from tabulate import tabulate

from benchsuite.cli import ALL_GOOD, SOME_FAILED
from benchsuite.documents import plain
from benchsuite.results import Record
from benchsuite.standings import Column, Contest, Figure, Standing, contests, spelling

BESIDE_HEADLINE = (
    "P-MPJPE",
    "AUC",
    "copy-left PCKh@0.5",
    "relative disparity RMSE",
    "copy-left relative disparity RMSE",
    "2D only",
    "depth set to zero",
    "majority class",
    "chance",
)
"""Metrics that a narrow terminal has room for; records and leaderboards hold all of them."""


def print_json(records: Sequence[Record]) -> None:
    """An array of records, each as its file has it."""
    print(json.dumps(plain(records), indent=1, ensure_ascii=False))


def print_tables(records: Sequence[Record]) -> None:
    """A table for each evaluator, dataset and protocol, best first, its protocol above it."""
    for contest in contests(records):
        print(_table(contest), end="\n\n")


def report_failures(records: Sequence[Record]) -> int:
    """Say on stderr which records failed and why; the exit code that follows."""
    code = ALL_GOOD
    for record in records:
        if why := record.failure:
            method = " + ".join(spelling(part) for part in (record.source, record.refiner) if part)
            place = f"{method} on {record.dataset.name} by {spelling(record.evaluator)}"
            print(f"failed: {place}: {why.type}: {why.message}", file=sys.stderr)
            code = SOME_FAILED
    return code


def _table(contest: Contest) -> str:
    used = contest.dataset
    split = f" ({used.split})" if used.split else ""
    protocol = ", ".join(f"{key}={value}" for key, value in sorted(contest.protocol.items()))
    columns = [c for k, c in enumerate(contest.columns) if k == 0 or c.name in BESIDE_HEADLINE]
    heads = ["method", "refiner", *([_head(c, contest.standings) for c in columns] or ["result"]), "n"]
    rows = [_row(standing, columns) for standing in contest.standings]
    table = tabulate(
        [[escaped(cell) for cell in row] for row in rows],
        heads,
        tablefmt="github",
        disable_numparse=True,
        colalign=("left", "left", *["right"] * (len(heads) - 2)),
    )
    title = f"{contest.evaluator} on {used.name}{split}: {used.samples} samples of {used.clips} clips"
    return f"{title}, fingerprint {used.fingerprint[:12]}\nprotocol: {protocol}\n\n{table}"


def _head(column: Column, standings: Sequence[Standing]) -> str:
    interval = any(figure and figure.low is not None for figure in (s.figure(column) for s in standings))
    return f"{column.name} ({column.unit}){' [95 % interval]' if interval else ''}"


def _row(standing: Standing, columns: Sequence[Column]) -> list[str]:
    recipe = f" ({standing.recipe})" if standing.recipe not in ("", standing.method) else ""
    names = [standing.method + recipe, standing.refiner or "none"]
    if standing.errors:
        return [*names, *["failed"] * max(1, len(columns)), "-"]
    figures = [standing.figure(column) for column in columns]
    n = f"{figures[0].n}" if figures and figures[0] else "-"
    return [*names, *map(_number, figures), n]


def _number(figure: Figure | None) -> str:
    if figure is None:
        return "-"
    interval = "" if figure.low is None else f" [{figure.low:.2f}, {figure.high:.2f}]"
    spread = "" if figure.sd is None else f" ± {figure.sd:.2f}"
    return f"{figure.mean:.2f}{spread}{interval}"


def escaped(cell: str) -> str:
    """A cell's text, unable to end the cell or the line."""
    return " ".join(cell.split()).replace("|", "\\|")
