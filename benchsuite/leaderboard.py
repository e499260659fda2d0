"""``results/leaderboard.md``, made of the records and the reported tables alone.

Equal records give equal bytes: nothing of the clock, the machine or the order of files gets in.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchsuite_registry.contracts import Scalar
from tabulate import tabulate

from benchsuite.documents import WrongDocument, plain, write_whole
from benchsuite.reported import ReportedTable, read_reported
from benchsuite.results import read_records
from benchsuite.standings import Column, Contest, Figure, Standing, contests

FILE = "leaderboard.md"
NONE = "-"
ARROWS = {"lower": "↓", "higher": "↑"}

H36M_SHORT = {
    "Directions": "Direct.",
    "Discussion": "Discuss",
    "Greeting": "Greet",
    "Phoning": "Phone",
    "Posing": "Pose",
    "Purchases": "Purch.",
    "SittingDown": "SittingD.",
    "Smoking": "Smoke",
    "Waiting": "Wait",
    "WalkDog": "WalkD.",
    "Walking": "Walk",
    "WalkTogether": "WalkT.",
}
"""Human3.6M's actions as tables shorten them."""

INTRODUCTION = """\
# Leaderboard

<!-- Made by `benchsuite leaderboard` from the files beside it. Do not edit: `benchsuite leaderboard --check` fails. -->

Two numbers share a table only if evaluator, data and protocol are the same. The best of each column is
**bold**, several where they print the same, none where all do; shared ranks are marked `=`.

* A method trained by one recipe (in brackets) with several seeds is one row: mean ± standard deviation (n - 1).
* 95 % interval: of the headline, the first number; over several seeds both ends are averaged; `-` where an action
  has a single take, so that nothing can be drawn anew.
* Columns that are 0 throughout, such as undefined poses where all are defined, are left out.
* `n`: samples behind the headline. A failed run is a row with its error's type and no numbers.
"""

REPORTED = """\
## Reported

What papers print, not measured here: each table has a protocol of its own. Bold as printed; blank where no
number is known.
"""


def leaderboard(root: Path) -> str:
    """The Markdown that the records and reported tables under ``root``, the results folder, make.

    Raises:
        WrongDocument: one of them is not what its layout says, or there is no such folder.
    """
    if not root.is_dir():
        raise WrongDocument(f"{root}: no such results folder")
    measured = [_contest(c) for c in contests(read_records(root))] or ["No records yet.\n"]
    reported = [_reported(t) for t in read_reported(root)]
    return "\n".join([INTRODUCTION, "## Measured\n", *measured, REPORTED, *reported])


def write_leaderboard(root: Path) -> Path:
    """Bring the leaderboard up to date, whole or not at all; errors as ``leaderboard`` and ``write_whole``."""
    write_whole(path := root / FILE, leaderboard(root).encode())
    return path


def drift(root: Path) -> list[str]:
    """Unified diff from the leaderboard on disk to the one its records make; empty if they agree."""
    path = root / FILE
    found = path.read_bytes().decode(errors="replace") if path.is_file() else ""
    return [
        line.rstrip("\n")
        for line in difflib.unified_diff(
            found.splitlines(keepends=True), leaderboard(root).splitlines(keepends=True), str(path), "from the records"
        )
    ]


def _contest(contest: Contest) -> str:
    used, standings, columns = contest.dataset, contest.standings, contest.columns
    split = f", {text(used.split)}" if used.split else ""
    parts = [
        f"### {code(contest.evaluator)} on {code(used.name)}{split}",
        f"Data: {used.samples:,} samples in {used.clips:,} clips, fingerprint {code(used.fingerprint[:12])}.",
        f"Protocol {code(_digest(contest.protocol))}: {_in_words(contest.protocol)}.",
        _overall(standings, columns),
    ]
    for kind, groups in contest.groups.items():
        parts += [f"{_header(columns[0])} by {text(kind)}:", _by_group(standings, columns[0], groups)]
    return "\n\n".join(parts) + "\n"


def _overall(standings: Sequence[Standing], columns: Sequence[Column]) -> str:
    table = _names(standings)
    for place, column in enumerate(columns):
        figures = [s.figure(column) for s in standings]
        if place and all(f is None or f.mean == 0 for f in figures):
            continue
        numbers = (_header(column), _bold_best(figures, column, decimals=2))
        if place:
            table.append(numbers)
            continue
        table.insert(0, ("rank", _ranks(figures, column)))
        table += [numbers, ("95 % interval", [_interval(f) for f in figures])]
        table.append(("n", [f"{f.n:,}" if f else NONE for f in figures]))
    table.append(("seeds", [str(len(s.records)) for s in standings]))
    if any(s.errors for s in standings):
        table.append(("failed with", [text(", ".join(s.errors)) for s in standings]))
    return markdown(table)


def _by_group(standings: Sequence[Standing], headline: Column, groups: Sequence[str]) -> str:
    scored = [s for s in standings if not s.errors]
    table = _names(scored)
    for group in groups:
        label = group.partition("=")[2] or group
        figures = [s.figure(headline, group) for s in scored]
        table.append((text(H36M_SHORT.get(label, label)), _bold_best(figures, headline, decimals=1)))
    return markdown(table)


def _names(standings: Sequence[Standing]) -> list[tuple[str, list[str]]]:
    methods = [code(s.method) + (f" ({code(s.recipe)})" if s.recipe not in ("", s.method) else "") for s in standings]
    return [("method", methods), ("refiner", [code(s.refiner) if s.refiner else "none" for s in standings])]


def _header(column: Column) -> str:
    return f"{text(column.name)} ({text(column.unit)}) {ARROWS[column.better]}"


def _printed(figure: Figure | None, decimals: int) -> float | None:
    """The mean as it is printed, for comparing; None if there is none."""
    return None if figure is None or math.isnan(figure.mean) else round(figure.mean, decimals)


def _best(figures: Sequence[Figure | None], column: Column, decimals: int) -> float | None:
    """The best number as printed; None where several methods all print the same."""
    numbers = [p for f in figures if (p := _printed(f, decimals)) is not None]
    if len(numbers) > 1 and len(set(numbers)) == 1:
        return None
    return (min if column.better == "lower" else max)(numbers, default=None)


def _bold_best(figures: Sequence[Figure | None], column: Column, decimals: int) -> list[str]:
    best = _best(figures, column, decimals)
    cells = []
    for figure in figures:
        number = _printed(figure, decimals)
        if figure is None or number is None:
            cells.append(NONE if figure is None else "NaN")
            continue
        shown = f"{number:z.{decimals}f}"
        spread = f" ± {figure.sd:.{decimals}f}" if figure.sd is not None and decimals > 1 else ""
        cells.append((f"**{shown}**" if number == best else shown) + spread)
    return cells


def _ranks(figures: Sequence[Figure | None], column: Column) -> list[str]:
    numbers = [_printed(f, 2) for f in figures]
    known = [n for n in numbers if n is not None]
    sign = 1 if column.better == "lower" else -1
    return [
        NONE if n is None else f"{1 + sum(sign * k < sign * n for k in known)}{'=' if known.count(n) > 1 else ''}"
        for n in numbers
    ]


def _interval(figure: Figure | None) -> str:
    return f"[{figure.low:.2f}, {figure.high:.2f}]" if figure and figure.low is not None else NONE


def _digest(protocol: Mapping[str, Scalar]) -> str:
    return hashlib.sha256(json.dumps(plain(protocol), sort_keys=True).encode()).hexdigest()[:8]


def _in_words(protocol: Mapping[str, Scalar]) -> str:
    said = (f"{key.replace('_', ' ')} {_spoken(value)}" for key, value in sorted(protocol.items()))
    return text("; ".join(said)) or "nothing is known, the evaluator could not be built"


def _spoken(value: Scalar) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _reported(table: ReportedTable) -> str:
    unit = f"Numbers in {text(table.unit)}, {table.better} is better."
    parts = [f"### {text(table.paper)}, {text(table.table)}: {text(table.title)}", f"{text(table.protocol)} {unit}"]
    columns = [("method", [text(row.method) for row in table.rows])]
    for place, column in enumerate(table.columns):
        cells = ((row.values[place], column in row.bold) for row in table.rows)
        shown = ["" if v is None else f"**{v}**" if bold else str(v) for v, bold in cells]
        columns.append((text(column), shown))
    notes = [f"* {text(row.method)}: {text(note)}" for row in table.rows for note in row.notes]
    notes += [f"* {text(note)}" for note in table.notes]
    return "\n\n".join([*parts, markdown(columns), *(["\n".join(notes)] if notes else [])]) + "\n"


def text(words: str) -> str:
    """``words`` on one line, so that Markdown shows every character of them."""
    return re.sub(r"[\\|*_<`~]", r"\\\g<0>", " ".join(words.split()))


def code(words: str) -> str:
    """``words`` on one line as a code span that may stand in a table."""
    return "`" + " ".join(words.replace("`", "'").split()).replace("|", r"\|") + "`"


def markdown(columns: Sequence[tuple[str, Sequence[str]]]) -> str:
    """A Markdown table of named columns; the cells are Markdown already.

    Cells are not padded: padding would depend on whether the optional ``wcwidth`` is installed, and a
    longer name would change every line.
    """
    rows = list(zip(*(cells for _, cells in columns), strict=True))
    headers = [header for header, _ in columns]
    aligned = ["left" if header in ("method", "refiner") else "right" for header in headers]
    lines = tabulate(rows, headers, tablefmt="pipe", disable_numparse=True, colalign=aligned).splitlines()
    lines[1] = re.sub("-+", "---", lines[1])
    return "\n".join(re.sub(" +", " ", line) for line in lines)
