"""``leaderboard.tex``: tables as papers print them, methods down, actions across, the headline last.

To be read by ``\\input``; the document needs the packages ``booktabs`` and ``graphicx``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

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
)
from benchsuite.leaderboard.standings import Column, Figure, Standing
from benchsuite.records.reported import ReportedTable

ESCAPES = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "[": "{[}",  # after a line's end it would begin an option
    **{mark: rf"\{mark}" for mark in "&%$#_{}"},
    "±": r"$\pm$",
    "\u00d7": r"$\times$",
    "Δ": r"$\Delta$",
    "≤": r"$\le$",
    "↓": r"$\downarrow$",
    "↑": r"$\uparrow$",
    "\u2013": "--",
    "\u2019": "'",
    "“": "``",
    "”": "''",
}
NONE = "--"
FAILED = "failed with"

INTRODUCTION = r"""% Made by `benchsuite leaderboard --format latex`. In the preamble:
%   \usepackage{booktabs} \usepackage{graphicx}
% Best of each column bold; = marks ranks that are shared, \dag rows with a note.
"""


def page(published: Published) -> str:
    """A table a contest and, for its other columns, a second; then what papers report."""
    tables = [INTRODUCTION]
    for sheet in published.sheets:
        if sheet.headline:
            tables += [_by_group(sheet, *one) for one in sheet.contest.printed_by_group()]
            tables.append(_overall(sheet))
    return "\n".join([*tables, *(_reported(table) for table in published.reported)])


def text(words: str) -> str:
    """``words`` so that LaTeX shows every character of them; those that only some engines know stay as they are."""
    return "".join(ESCAPES.get(mark, mark) for mark in " ".join(words.split()))


def _by_group(sheet: Sheet, kind: str, column: Column, groups: Sequence[str]) -> str:
    columns = _names(sheet, sheet.scored)
    for group in (*groups, ""):
        figures = [s.figure(column, group) for s in sheet.scored]
        columns.append((text(label(group)) or "Average", _bold_best(figures, column, 1)))
    caption = f"{_caption(sheet)} {_head(column)} by {text(kind)}."
    return _table(caption, _label(sheet, f"{kind} {column.name}"), columns, _remarks(sheet.scored))


def _overall(sheet: Sheet) -> str:
    columns = _names(sheet, sheet.contest.standings)
    for column, figures in sheet.columns():
        columns.append((_head(column), _bold_best(figures, column, 2)))
        if column == sheet.drawn:
            intervals = ["" if f is None or f.low is None else f"[{f.low:.2f}, {f.high:.2f}]" for f in figures]
            columns.append((r"95\,\% interval", intervals))
    columns.append(("seeds", [str(len(s.records)) for s in sheet.contest.standings]))
    if any(s.undefined for s in sheet.contest.standings):
        columns.append(("undefined", [str(s.undefined) for s in sheet.contest.standings]))
    if any(s.errors for s in sheet.contest.standings):
        columns.append((FAILED, [text(", ".join(s.errors)) for s in sheet.contest.standings]))
    caption = " ".join((_caption(sheet), *map(text, sheet.notes)))
    return _table(caption, _label(sheet, "all"), columns, _remarks(sheet.contest.standings))


def _remarks(standings: Sequence[Standing]) -> list[str]:
    return list(dict.fromkeys(rf"\dag{{}} {text(remark)}" for s in standings for remark in s.remarks))


def _caption(sheet: Sheet) -> str:
    used = sheet.contest.dataset
    where = f"{used.name}, {used.split}" if used.split else used.name
    said = "; ".join(f"{key} {value}" for key, value in in_words(sheet.contest.protocol))
    size = f"{used.samples} samples in {used.clips} clips"
    return text(f"{sheet.contest.evaluator} on {where}: {size}. Protocol: {said}.")


def _label(sheet: Sheet, view: str) -> str:
    contest = sheet.contest
    words = (contest.evaluator, contest.dataset.name, contest.dataset.split, view, digest(contest.protocol))
    return "tab:" + re.sub(r"[^A-Za-z0-9]+", "-", "-".join(filter(None, words)))


def _names(sheet: Sheet, standings: Sequence[Standing]) -> list[tuple[str, list[str]]]:
    places = dict(zip(map(id, sheet.contest.standings), sheet.ranking.places, strict=True))
    return [
        ("", [rank(places[id(s)]) or NONE for s in standings]),
        ("method", [text(_method(s)) + r" \dag{}" * bool(s.remarks) for s in standings]),
        ("refiner", [text(s.refiner or "none") for s in standings]),
    ]


def _method(standing: Standing) -> str:
    return standing.method + (f" ({recipe(standing)})" if recipe(standing) else "")


def _head(column: Column) -> str:
    return text(f"{column.name} ({column.unit}) {ARROWS[column.better]}")


def _bold_best(figures: Sequence[Figure | None], column: Column, decimals: int) -> list[str]:
    top = best(figures, column, decimals)
    cells = []
    for figure in figures:
        number = printed(figure, decimals)
        shown = NONE if number is None else f"{number:z.{decimals}f}"
        spread = rf" $\pm$ {figure.sd:.{decimals}f}" if figure and figure.sd is not None and decimals > 1 else ""
        cells.append((rf"\textbf{{{shown}}}" if is_best(figure, top, decimals) else shown) + spread)
    return cells


def _reported(table: ReportedTable) -> str:
    columns = [("method", [text(row.method) for row in table.rows])]
    for place, column in enumerate(table.columns):
        cells = ((row.values[place], column in row.bold) for row in table.rows)
        shown = ["" if v is None else rf"\textbf{{{v}}}" if bold else str(v) for v, bold in cells]
        columns.append((text(column), shown))
    caption = text(f"{table.paper}, {table.table}: {table.title}. Numbers in {table.unit}, {table.better} is better.")
    key = re.sub(r"[^A-Za-z0-9]+", "-", f"{table.paper} {table.table}")
    notes = [f"{row.method}: {note}" for row in table.rows for note in row.notes]
    below = [text(note) for note in (table.protocol, *notes, *table.notes)]
    return _table(f"Reported, not measured here. {caption}", f"tab:reported-{key}", columns, below)


def _table(caption: str, key: str, columns: Sequence[tuple[str, Sequence[str]]], notes: Sequence[str] = ()) -> str:
    words = {"", "method", "refiner", FAILED}
    cells = [[head for head, _ in columns], *zip(*(cells for _, cells in columns), strict=True)]
    head, *rows = (" & ".join(row) + r" \\" for row in cells)
    return "\n".join(
        (
            r"\begin{table*}",
            r"\centering",
            rf"\caption{{{caption}}}",
            rf"\label{{{key}}}",
            r"\resizebox{\ifdim\width>\textwidth\textwidth\else\width\fi}{!}{%",  # shrinks, never enlarges
            rf"\begin{{tabular}}{{@{{}}{''.join('l' if head in words else 'r' for head, _ in columns)}@{{}}}}",
            r"\toprule",
            head,
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}}",
            *(rf"\par\smallskip{{\footnotesize\raggedright {note}\par}}" for note in notes),
            r"\end{table*}",
            "",
        )
    )
