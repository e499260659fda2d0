"""``leaderboard.html``: one file that opens offline, its style, scripts and numbers inside.

It can be read without scripts and printed; with them tables sort and filter, and the worst poses turn.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from benchsuite.leaderboard.fingerprints import UNSAID, differences
from benchsuite.leaderboard.front import machine_in_words, picture
from benchsuite.leaderboard.pareto import DISTURBED, Machine, Priced, priced
from benchsuite.leaderboard.sheets import (
    ARROWS,
    Published,
    Sheet,
    best,
    commands,
    digest,
    in_words,
    is_best,
    label,
    printed,
    rank,
    recipe,
    seeds,
    shortened,
)
from benchsuite.leaderboard.standings import Column, Contest, Figure, Standing
from benchsuite.records.cost import Cost
from benchsuite.records.worst import read_worst, worst_path

FOLDER = Path(__file__).parent / "page"
SCRIPTS = ("tables.js", "viewer.js", "dialog.js")

SHADES = 9

LONGEST = 40
"""A value of a protocol that has as many characters, such as a hash, is shortened in headings."""

FADES_AT = 0.5
"""How much worse than the best of its column, relative to it, a number is that is not shaded any more."""

BEYOND = 1.5
"""Numbers worse than the best by a larger factor are drawn at the end of the scale."""


def page(published: Published) -> str:
    """The whole file.

    Raises:
        WrongDocument: a record's worst samples are not what their layout says.
    """
    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["shortened"] = shortened
    details = Details(published.root)
    contests = [sheet.contest for sheet in published.sheets]
    sheets = [
        _sheet(sheet, number, details, published.costs, contests) for number, sheet in enumerate(published.sheets)
    ]
    figures = {f"{s['id']}/{kind}": view["others"] for s in sheets for kind, view in s["views"].items()}
    return environment.get_template("page.html.jinja").render(
        style=_inlined("page.css"),
        scripts=[_inlined(name) for name in SCRIPTS],
        sheets=sheets,
        views=list(dict.fromkeys(view for sheet in sheets for view in sheet["views"])),
        reported=published.reported,
        details={"rows": details.rows, "skeletons": details.skeletons},
        figures={"shades": SHADES, "fadesAt": FADES_AT, "others": {key: o for key, o in figures.items() if o}},
    )


class Details:
    """What opens when a row is picked: how to measure it again, where it comes from, its worst poses."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.rows: dict[str, dict[str, Any]] = {}
        self.skeletons: list[dict[str, Any]] = []

    def add(self, key: str, standing: Standing) -> None:
        """Keep those of one row."""
        first = seeds(standing)[0]
        git = first.provenance.get("git")
        origin = {
            "commit": git.get("commit", "")[:12] if isinstance(git, dict) and git.get("commit") else None,
            **{name: first.provenance.get(name) for name in ("device", "benchsuite", "torch")},
            "weights": first.source.weights and first.source.weights[:12],
        }
        self.rows[key] = {
            "commands": commands(standing),
            "origin": {name: str(value) for name, value in origin.items() if value},
            "failed": [*standing.failures, *standing.remarks],
            "worst": self._worst(standing),
        }

    def _worst(self, standing: Standing) -> dict[str, Any] | None:
        paths = ((r, worst_path(self._root, r)) for r in seeds(standing))
        record, path = next(((r, path) for r, path in paths if path.is_file()), (None, None))
        if record is None or path is None:
            return None
        worst = read_worst(path)
        skeleton = {"joints": worst.joints, "parents": worst.parents}
        if skeleton not in self.skeletons:
            self.skeletons.append(skeleton)
        return {
            "skeleton": self.skeletons.index(skeleton),
            "figure": f"{worst.name} in {worst.unit}",
            "samples": [(s.clip, s.frame, s.action, round(s.value, 1), s.predicted, s.true) for s in worst.samples],
        }


def _inlined(name: str) -> Markup:
    return Markup((FOLDER / name).read_text(encoding="utf-8"))


def _sheet(
    sheet: Sheet, number: int, details: Details, costs: Sequence[Cost], alike: Sequence[Contest]
) -> dict[str, Any]:
    contest, standings = sheet.contest, sheet.contest.standings
    columns = list(sheet.columns())
    drawn = next((figures for column, figures in columns if column == sheet.drawn), [])
    bars = Bars(drawn, sheet.drawn)
    shown = [_cells(figures, column, 2) for column, figures in columns]
    rows = []
    for place, standing in enumerate(standings):
        key = _key(number, place)
        details.add(key, standing)
        where = sheet.ranking.places[place]
        rows.append(
            {
                "key": key,
                "rank": rank(where),
                "method": standing.method,
                "recipe": recipe(standing),
                "refiner": standing.refiner or "",
                "cells": [cells[place] for cells in shown],
                "bar": bars.bar(drawn[place]) if drawn else None,
                "behind": where.behind if where else None,
                "undefined": standing.undefined,
                "seeds": len(standing.records),
                "errors": ", ".join(standing.errors),
                "remarks": "; ".join(standing.remarks),
            }
        )
    return {
        "id": f"s{number}",
        "contest": contest,
        "own": _own(contest, alike),
        "digest": digest(contest.protocol),
        "protocol": in_words(contest.protocol),
        "detectable": sheet.ranking.detectable,
        "notes": sheet.notes,
        "drawn": sheet.drawn,
        "columns": [{"column": column, "arrow": ARROWS[column.better]} for column, _ in columns],
        "rows": rows,
        "behind": any(row["behind"] for row in rows),
        "intervals": bars.intervals,
        "leader": bars.bar(drawn[0]) if drawn else None,
        "views": {kind: _by_group(sheet, contest, kind) for kind in contest.groups},
        "prices": [_prices(*each, number, contest) for each in priced(contest, costs).items()],
    }


def _key(number: int, place: int) -> str:
    return f"s{number}r{place}"


def _own(contest: Contest, others: Sequence[Contest]) -> str:
    """In what a contest differs from others of the same evaluator on the same dataset; empty if there are none."""
    apart = {
        difference.field: contest.fingerprint.get(difference.field, UNSAID)
        for other in others
        if (other.evaluator, other.dataset.name) == (contest.evaluator, contest.dataset.name)
        for difference in differences(contest.fingerprint, other.fingerprint)
    }
    return ", ".join(f"{field} {v if len(v) < LONGEST else v[:12]}" for field, v in in_words(apart))


def _by_group(sheet: Sheet, contest: Contest, kind: str) -> dict[str, Any]:
    """A view by groups of one kind: their heads; for each scored row its numbers, shaded; those of other figures."""
    column, *others = [c for c in contest.columns if c in contest.groups[kind]]
    groups = tuple(dict.fromkeys(group for c in (column, *others) for group in contest.groups[kind][c]))
    cells = [_cells([s.figure(column, g) for s in sheet.scored], column, 1) for g in ("", *groups)]
    return {
        "column": column,
        "heads": [{"short": label(group), "long": group.partition("=")[2] or group} for group in groups],
        "rows": list(zip(*cells, strict=True)),
        "others": [
            {
                "name": other.name,
                "unit": other.unit,
                "better": other.better,
                "rows": [[printed(s.figure(other, g), 1) for g in ("", *groups)] for s in sheet.scored],
            }
            for other in others
        ],
    }


def _prices(machine: Machine, rows: Sequence[Priced], number: int, contest: Contest) -> dict[str, Any]:
    headline = contest.columns[0]
    keys = [_key(number, contest.standings.index(row.standing)) for row in rows]
    return {
        "machine": machine_in_words(machine),
        "rows": rows,
        "keys": keys,
        "headline": headline,
        "picture": picture(rows, keys, headline),
        "disturbed": DISTURBED if any(row.cost.is_disturbed for row in rows) else "",
    }


def _cells(figures: Sequence[Figure | None], column: Column, decimals: int) -> list[dict[str, Any]]:
    """Numbers as printed, each with its standard deviation over seeds, whether it is best, and a shade."""
    top = best(figures, column, decimals)
    cells = []
    for figure in figures:
        number = printed(figure, decimals)
        if figure is None or number is None:
            cells.append({"shown": "NaN" if figure else "", "sd": "", "best": False, "shade": 0})
            continue
        away = abs(number - top) / (abs(top) * FADES_AT) if top else 1.0
        cells.append(
            {
                "shown": f"{number:z.{decimals}f}",
                "sd": "" if figure.sd is None else f"{figure.sd:.{decimals}f}",
                "best": is_best(figure, top, decimals),
                "shade": round(SHADES * max(0.0, 1.0 - away)),
            }
        )
    return cells


class Bars:
    """Where the intervals of a column lie on one scale, in percent of its width.

    The scale ends where numbers are ``BEYOND`` times worse than the best, or else the floors would press all others
    together; what lies beyond is drawn at the end.
    """

    def __init__(self, figures: Sequence[Figure | None], column: Column | None) -> None:
        known = [f for f in figures if f is not None and math.isfinite(f.mean)]
        ends = [end for f in known for end in (f.mean, f.low, f.high) if end is not None]
        self._low, self._high = min(ends, default=0.0), max(ends, default=0.0)
        self.intervals = any(f.low is not None for f in known)
        if column and column.better == "lower" and self._low > 0:
            self._high = min(self._high, BEYOND * self._low)
        elif column and column.better == "higher" and self._high > 0:
            self._low = max(self._low, self._high / BEYOND)

    def bar(self, figure: Figure | None) -> dict[str, Any] | None:
        """Left end, width and middle; None without a number to draw."""
        if figure is None or not math.isfinite(figure.mean) or self._low == self._high:
            return None
        middle, beyond = self._at(figure.mean), not self._low <= figure.mean <= self._high
        if figure.low is None or figure.high is None:
            return {"left": middle, "width": 0, "middle": middle, "beyond": beyond, "said": "no interval"}
        left, right = self._at(figure.low), self._at(figure.high)
        said = f"95 % interval {figure.low:.2f} to {figure.high:.2f}"
        return {"left": left, "width": round(right - left, 2), "middle": middle, "beyond": beyond, "said": said}

    def _at(self, value: float) -> float:
        share = (value - self._low) / (self._high - self._low)
        return round(100 * min(max(share, 0.0), 1.0), 2)
