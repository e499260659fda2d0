"""``leaderboard.md``: the tables that a repository shows."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from tabulate import tabulate

from benchsuite.leaderboard.front import machine_in_words
from benchsuite.leaderboard.pareto import DISTURBED, Priced, priced
from benchsuite.leaderboard.sheets import (
    ARROWS,
    Published,
    Sheet,
    best,
    digest,
    in_words,
    is_best,
    label,
    printed,
    rank,
    recipe,
    shortened,
)
from benchsuite.leaderboard.standings import Column, Figure, Standing
from benchsuite.records.cost import Cost
from benchsuite.records.reported import ReportedTable
from benchsuite.statistics import Estimate

NONE = "-"
FRONT = "●"
SHORT = 160
"""Most characters of what went wrong; records and the page have all of it."""

INTRODUCTION = """\
# Leaderboard

<!-- Made by `benchsuite leaderboard` from the files beside it. Do not edit: `benchsuite leaderboard --check` fails. -->

Two numbers share a table only if evaluator, data and protocol are the same. The best of each column is
**bold**, several where they print the same, none where all do; shared ranks are marked `=`.

* A method trained by one recipe (in brackets) with several seeds is one row: mean ± standard deviation (n - 1).
* 95 % interval: of the number to its left, the headline; over several seeds both ends are averaged. A mean over
  actions has none where an action has a single take, so that nothing can be drawn anew; that over frames then has.
* Columns that are 0 throughout, such as undefined poses where all are defined, are left out.
* A rank is one more than there are methods better beyond doubt: the 95 % interval of their paired difference, the same
  takes drawn for both, leaves 0 out. It is the difference of the headlines; that of the means over frames where an
  action has a single take, which is then said below the table.
* Where clips are not kept, nothing can be paired. A method is then better beyond doubt if the difference exceeds 1.96
  times the root of the sum of both squared standard errors, each the width of its 95 % interval over 2 · 1.96. That is
  cautious, since the test set is the same for both. Where there is no interval either there is no rank, unless a method
  is alone. Both are said below the table.
* Behind the first: the paired difference to the first row, where clips are kept. The smallest difference that the data
  can tell is what two neighbouring rows would truly have to be apart for it to show in four of five such test sets
  (median).
* `n`: samples behind the headline. A row with undefined samples that others predict stands last, neither ranked nor
  bold: what it leaves out may be what is hard. A failed run is a row with its error's type and no numbers.
"""

REPORTED = """\
## Reported

What papers print, not measured here: each table has a protocol of its own. Bold as printed; blank where no
number is known.
"""


def page(published: Published) -> str:
    """The Markdown of all that is published."""
    measured = [_measured(sheet, published.costs) for sheet in published.sheets] or ["No records yet.\n"]
    reported = [REPORTED, *map(_reported, published.reported)] if published.reported else []
    return "\n".join([INTRODUCTION, "## Measured\n", *measured, *reported])


def _measured(sheet: Sheet, costs: Sequence[Cost]) -> str:
    contest, headline, detectable = sheet.contest, sheet.headline, sheet.ranking.detectable
    used = contest.dataset
    split = f", {text(used.split)}" if used.split else ""
    parts = [
        f"### {code(contest.evaluator)} on {code(used.name)}{split}",
        f"Data: {used.samples:,} samples in {used.clips:,} clips, fingerprint {code(shortened(used.fingerprint))}.",
        f"Protocol {code(digest(contest.protocol))}: {_in_words(sheet)}.",
        *([f"Not one table with the one before: {text('; '.join(map(str, contest.apart)))}."] if contest.apart else []),
        _overall(sheet),
    ]
    if notes := [note for standing in contest.standings for note in _notes(standing)]:
        parts.append("\n".join(dict.fromkeys(notes)))
    if headline and detectable is not None:
        parts.append(f"Smallest difference that these data can tell: {detectable:.2f} {text(headline.unit)}.")
    parts += sheet.notes
    for kind, column, groups in contest.printed_by_group():
        parts += [f"{_header(column)} by {text(kind)}:", _by_group(sheet.scored, column, groups)]
    for machine, rows in priced(sheet.contest, costs).items():
        parts += [
            f"Cost on {text(machine_in_words(machine))}; {FRONT} marks the Pareto front of accuracy and time a pose:",
            _cost(sheet, rows),
        ]
        if any(row.cost.is_disturbed for row in rows):
            parts.append(DISTURBED)
    return "\n\n".join(parts) + "\n"


def _in_words(sheet: Sheet) -> str:
    said = text("; ".join(f"{key} {value}" for key, value in in_words(sheet.contest.protocol)))
    return said or "nothing is known, the evaluator could not be built"


def _overall(sheet: Sheet) -> str:
    standings, places = sheet.contest.standings, sheet.ranking.places
    behind = [p.behind if p else None for p in places]
    table = _names(standings)
    table[0] = ("method", [name + " †" * bool(s.remarks) for name, s in zip(table[0][1], standings, strict=True)])
    if sheet.headline:
        table.insert(0, ("rank", [rank(p) or NONE for p in places]))
    for column, figures in sheet.columns():
        table.append((_header(column), _bold_best(figures, column, decimals=2)))
        if column == sheet.drawn:
            table.append(("95 % interval", [_interval(f) for f in figures]))
            if any(behind):
                shown = [NONE if b is None else f"{b.value:.2f} {_interval(b)}" for b in behind]
                table.append(("behind the first", shown))
        if column == sheet.headline:
            table.append(("n", [_count(f) if f else NONE for f in figures]))
    table.append(("seeds", [str(len(s.records)) for s in standings]))
    if any(s.errors for s in standings):
        table.append(("failed with", [text(", ".join(s.errors)) for s in standings]))
    return table_of(table)


def _notes(standing: Standing) -> list[str]:
    """What went wrong in a row, and what was odd."""
    failed = [f"* failed: {text(textwrap.shorten(why, SHORT))}" for why in standing.failures]
    return failed + [f"* † {text(remark)}" for remark in standing.remarks]


def _by_group(standings: Sequence[Standing], column: Column, groups: Sequence[str]) -> str:
    table = _names(standings)
    for group in (*groups, ""):
        figures = [s.figure(column, group) for s in standings]
        table.append((text(label(group)) or "Average", _bold_best(figures, column, decimals=1)))
    return table_of(table)


def _cost(sheet: Sheet, rows: Sequence[Priced]) -> str:
    table = _names([r.standing for r in rows])
    if sheet.headline:
        table.append((_header(sheet.headline), [f"{r.figure.mean:.2f}" for r in rows]))
    table.append(("front", [FRONT if r.on_front else "" for r in rows]))
    first, last = rows[0].cost.latencies[0].batch, rows[0].cost.latencies[-1].batch
    table.append((f"batch of {first} (ms)", [r.cost.told[0] for r in rows]))
    table.append((f"batch of {last:,} (µs a pose)", [r.cost.told[1] for r in rows]))
    table.append(("peak (MiB)", [f"{r.cost.peak_mib:.0f}" for r in rows]))
    table.append(("parameters", [f"{r.cost.parameters:,}" for r in rows]))
    return table_of(table)


def _names(standings: Sequence[Standing]) -> list[tuple[str, list[str]]]:
    methods = [code(s.method) + (f" ({code(recipe(s))})" if recipe(s) else "") for s in standings]
    return [("method", methods), ("refiner", [code(s.refiner) if s.refiner else "none" for s in standings])]


def _header(column: Column) -> str:
    return f"{text(column.name)} ({text(column.unit)}) {ARROWS[column.better]}"


def _bold_best(figures: Sequence[Figure | None], column: Column, decimals: int) -> list[str]:
    top = best(figures, column, decimals)
    cells = []
    for figure in figures:
        number = printed(figure, decimals)
        if figure is None or number is None:
            cells.append(NONE if figure is None else "NaN")
            continue
        shown = f"{number:z.{decimals}f}"
        spread = f" ± {figure.sd:.{decimals}f}" if figure.sd is not None and decimals > 1 else ""
        cells.append((f"**{shown}**" if is_best(figure, top, decimals) else shown) + spread)
    return cells


def _interval(figure: Figure | Estimate | None) -> str:
    return f"[{figure.low:.2f}, {figure.high:.2f}]" if figure and figure.low is not None else NONE


def _count(figure: Figure) -> str:
    return f"{figure.n:,}" + (f" ({figure.undefined:,} undefined)" if figure.undefined else "")


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
    return "\n\n".join([*parts, table_of(columns), *(["\n".join(notes)] if notes else [])]) + "\n"


def text(words: str) -> str:
    """``words`` on one line, so that Markdown shows every character of them."""
    return re.sub(r"[\\|*_<`~]", r"\\\g<0>", " ".join(words.split()))


def code(words: str) -> str:
    """``words`` on one line as a code span that may stand in a table."""
    return "`" + " ".join(words.replace("`", "'").split()).replace("|", r"\|") + "`"


def table_of(columns: Sequence[tuple[str, Sequence[str]]]) -> str:
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
