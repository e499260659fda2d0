"""Records as tables in a terminal, or as JSON."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence

from tabulate import tabulate

from benchsuite.cli import ALL_GOOD, SOME_FAILED
from benchsuite.documents import plain
from benchsuite.leaderboard.sheets import label, shortened
from benchsuite.leaderboard.standings import Column, Contest, Figure, Standing, contests, spelling
from benchsuite.records.reported import ReportedTable
from benchsuite.records.results import Failure, Record

BESIDE_HEADLINE = (
    "P-MPJPE",
    "AUC",
    "PCKh@0.1",
    "copy-left PCKh@0.5",
    "relative disparity RMSE",
    "copy-left relative disparity RMSE",
    "2D only",
    "depth set to zero",
    "majority class",
    "chance",
)
"""Metrics that a narrow terminal has room for; records and leaderboards hold all of them."""

MOST_GROUPS = 20
"""Of a kind that has more, a terminal has no room for a column each."""


def print_json(records: Sequence[Record]) -> None:
    """An array of records, each as its file has it."""
    print(json.dumps(plain(records), indent=1, ensure_ascii=False))


def print_tables(records: Sequence[Record], reported: Sequence[ReportedTable] = ()) -> None:
    """A table for each evaluator, dataset and protocol, best first, its protocol above it.

    Networks that see images get the tables by action, scene and so on too, as papers print them, and below all, each in
    a table of its own, those of ``reported`` that speak of such networks and the same evaluators.
    """
    pairs = {(record.evaluator.name, record.source.kind) for record in records}
    for contest in contests(records):
        print(_table(contest), end="\n\n")
        if any(s.records[0].source.kind == "image model" for s in contest.standings):
            for kind, column, groups in contest.printed_by_group():
                if len(groups) <= MOST_GROUPS:
                    print(_by_group(contest, kind, column, groups), end="\n\n")
    for table in reported:
        if (table.evaluator, table.sources) in pairs:
            print(_reported(table), end="\n\n")


def report_failures(records: Sequence[Record]) -> int:
    """Say on stderr which records failed and why; the exit code that follows."""
    code = ALL_GOOD
    for record in records:
        if why := record.failure:
            method = " + ".join(spelling(part) for part in (record.source, record.refiner) if part)
            place = f"{method} on {record.dataset.name} by {spelling(record.evaluator)}"
            print(f"failed: {place}: {why.type}: {why.message}{_where(record, why)}", file=sys.stderr)
            code = SOME_FAILED
    if any(record.failure and record.failure.traceback for record in records):
        print("whole tracebacks: failure.traceback of the records", file=sys.stderr)
    return code


def _where(record: Record, why: Failure) -> str:
    """The innermost line of a plugin on the way to what went wrong: `` (broken.py:13)``; empty if none is known."""
    parts = (part for part in (record.source, record.refiner, record.evaluator) if part)
    plugins = {re.sub(r"^file |( \d\S*)?( sha256:\S+)?$", "", part.distribution) for part in parts} - {"benchsuite"}
    packages = {name.replace("-", "_") for name in plugins}
    frames = re.findall(r'^  File "(.+)", line (\d+)', why.traceback, re.MULTILINE)
    own = [f" ({file}:{line})" for file, line in frames if file.partition("/")[0] in plugins | packages]
    return own[-1] if own else ""


def report_remarks(records: Sequence[Record]) -> None:
    """Say on stderr which components did what none should."""
    for remark in dict.fromkeys(remark for record in records for remark in record.provenance.get("remarks", ())):
        print(f"warning: {remark}", file=sys.stderr)


def _table(contest: Contest) -> str:
    used = contest.dataset
    split = f" ({used.split})" if used.split else ""
    protocol = ", ".join(f"{key}={value}" for key, value in sorted(contest.protocol.items()))
    columns = [c for k, c in enumerate(contest.columns) if k == 0 or c.name in BESIDE_HEADLINE]
    heads = ["method", "refiner", *([_head(c, contest.standings) for c in columns] or ["result"]), "n"]
    table = _github(heads, [_row(standing, columns) for standing in contest.standings])
    remarks = dict.fromkeys(remark for standing in contest.standings for remark in standing.remarks)
    below = "".join(f"\n\n† {' '.join(remark.split())}" for remark in remarks)
    title = f"{contest.evaluator} on {used.name}{split}: {used.samples} samples of {used.clips} clips"
    apart = f"not one table with the one before: {'; '.join(map(str, contest.apart))}\n" if contest.apart else ""
    return f"{title}, fingerprint {shortened(used.fingerprint)}\nprotocol: {protocol}\n{apart}\n{table}{below}"


def _by_group(contest: Contest, kind: str, column: Column, groups: Sequence[str]) -> str:
    rows = []
    for standing in contest.standings:
        figures = [standing.figure(column, group) for group in (*groups, "")]
        rows.append([*_names(standing), *("-" if f is None else f"{f.mean:.1f}" for f in figures)])
    heads = ["method", "refiner", *map(label, groups), "Average"]
    return f"{column.name} ({column.unit}) by {kind}:\n\n{_github(heads, rows)}"


def _reported(table: ReportedTable) -> str:
    rows = [[row.method, *("" if value is None else str(value) for value in row.values)] for row in table.rows]
    title = f"reported by {table.paper}, {table.table}: {table.title} ({table.unit}); not measured here"
    return f"{title}\nprotocol: {table.protocol}\n\n{_github(['method', *table.columns], rows)}"


def _github(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table, names to the left and numbers to the right."""
    made: str = tabulate(
        [[escaped(cell) for cell in row] for row in rows],
        heads,
        tablefmt="github",
        disable_numparse=True,
        colalign=["left" if head in ("method", "refiner") else "right" for head in heads],
    )
    return made


def _head(column: Column, standings: Sequence[Standing]) -> str:
    interval = any(figure and figure.low is not None for figure in (s.figure(column) for s in standings))
    return f"{column.name} ({column.unit}){' [95 % interval]' if interval else ''}"


def _row(standing: Standing, columns: Sequence[Column]) -> list[str]:
    method, refiner = _names(standing)
    names = [f"{method} †" if standing.remarks else method, refiner]
    if standing.errors:
        return [*names, *["failed"] * max(1, len(columns)), "-"]
    figures = [standing.figure(column) for column in columns]
    n = f"{figures[0].n}" if figures and figures[0] else "-"
    n += f" ({standing.undefined} undefined)" if standing.undefined else ""
    return [*names, *map(_number, figures), n]


def _names(standing: Standing) -> list[str]:
    recipe = f" ({standing.recipe})" if standing.recipe not in ("", standing.method) else ""
    return [standing.method + recipe, standing.refiner or "none"]


def _number(figure: Figure | None) -> str:
    if figure is None:
        return "-"
    interval = "" if figure.low is None else f" [{figure.low:.2f}, {figure.high:.2f}]"
    spread = "" if figure.sd is None else f" ± {figure.sd:.2f}"
    return f"{figure.mean:.2f}{spread}{interval}"


def escaped(cell: str) -> str:
    """A cell's text, unable to end the cell or the line."""
    return " ".join(cell.split()).replace("|", "\\|")
