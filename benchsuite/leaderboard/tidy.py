"""``leaderboard.csv`` and ``leaderboard.json``: every number at full precision, for programs to read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from benchsuite.documents import plain
from benchsuite.leaderboard.sheets import Published, Sheet, commands, digest
from benchsuite.leaderboard.standings import Column, Figure, Standing

SCHEMA = 1

IDENTITY = [
    "evaluator",
    "dataset",
    "split",
    "data",
    "protocol",
    "rank",
    "shared",
    "method",
    "recipe",
    "refiner",
    "seeds",
]
NUMBERS = ["metric", "unit", "better", "group_kind", "group", "mean", "sd", "low", "high", "n", "undefined"]
HEADS = [*IDENTITY, *NUMBERS, "failed_with", "failures", "remarks", "command"]
"""Columns of the CSV; a row is one metric of one method for the whole set or one group."""


def csv_page(published: Published) -> str:
    """One number a row; a row without a number for each failed method."""
    file = io.StringIO()
    writer = csv.DictWriter(file, HEADS, restval="", lineterminator="\n")
    writer.writeheader()
    for sheet in published.sheets:
        used = sheet.contest.dataset
        shared = {"evaluator": sheet.contest.evaluator, "dataset": used.name, "split": used.split}
        shared |= {"data": used.fingerprint, "protocol": digest(sheet.contest.protocol)}
        for standing, place in zip(sheet.contest.standings, sheet.ranking.places, strict=True):
            row: dict[str, Any] = {
                **shared,
                "rank": place.rank if place else "",
                "shared": place.shared if place else "",
                "method": standing.method,
                "recipe": standing.recipe,
                "refiner": standing.refiner or "",
                "seeds": len(standing.records),
                "failed_with": " ".join(standing.errors),
                "failures": "; ".join(standing.failures),
                "remarks": "; ".join(standing.remarks),
                "command": "; ".join(commands(standing)),
            }
            figures = [_flat(*each) for each in _figures(sheet, standing)]
            writer.writerows({**row, **figure} for figure in figures or [{}])
    return file.getvalue()


def json_page(published: Published) -> str:
    """Contests with their methods, and the tables that papers report."""
    document = {
        "schema": SCHEMA,
        "measured": [_contest(sheet) for sheet in published.sheets],
        "reported": published.reported,
        "costs": published.costs,
    }
    return json.dumps(plain(document), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _contest(sheet: Sheet) -> dict[str, Any]:
    contest = sheet.contest
    return {
        "evaluator": contest.evaluator,
        "dataset": contest.dataset,
        "protocol": contest.protocol,
        "protocol_digest": digest(contest.protocol),
        "detectable": sheet.ranking.detectable,
        "over_frames": sheet.ranking.over_frames,
        "by_intervals": sheet.ranking.by_intervals,
        "methods": [
            {
                "rank": place and place.rank,
                "shared": place and place.shared,
                "behind": place and place.behind,
                "method": standing.method,
                "recipe": standing.recipe or None,
                "refiner": standing.refiner,
                "seeds": len(standing.records),
                "failed_with": standing.errors,
                "failures": standing.failures,
                "remarks": standing.remarks,
                "commands": commands(standing),
                "figures": [_nested(*each) for each in _figures(sheet, standing)],
            }
            for standing, place in zip(contest.standings, sheet.ranking.places, strict=True)
        ],
    }


def _figures(sheet: Sheet, standing: Standing) -> Iterator[tuple[Column, str, Figure]]:
    """All numbers of a row: each column of the whole set, then those by group."""
    groups = ((column, group) for _, column, found in sheet.contest.by_group() for group in found)
    for column, group in (*((column, "") for column in sheet.contest.columns), *groups):
        if figure := standing.figure(column, group):
            yield column, group, figure


def _nested(column: Column, group: str, figure: Figure) -> dict[str, Any]:
    return {"metric": column.name, "unit": column.unit, "better": column.better, "group": group or None, **vars(figure)}


def _flat(column: Column, group: str, figure: Figure) -> dict[str, Any]:
    kind, _, name = group.partition("=")
    numbers = {key: "" if value is None else value for key, value in vars(figure).items()}
    what = {"metric": column.name, "unit": column.unit, "better": column.better}
    return {**what, "group_kind": kind if name else "", "group": name or kind, **numbers}
