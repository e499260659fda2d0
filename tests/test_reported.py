"""What the paper reports, as committed: equal to the transcribed tables, doubts stated and true."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from benchsuite.documents import WrongDocument
from benchsuite.leaderboard import leaderboard
from benchsuite.records.reported import ReportedRow, ReportedTable, read_reported

RESULTS = Path(__file__).parents[1] / "results"
PAPER = RESULTS.parents[1] / "shared" / "paper"

# Name in the paper, file of the transcription
TRANSCRIBED = {
    "Table 1": "table1.csv",
    "Table 2": "table2.csv",
    "Table 3": "table3.csv",
    "Table 4": "table4.csv",
    "Figure 6": "fig6.csv",
}
NOT_NUMBERS = {"method", "note", "bold_mask", "delta_x_mm"}


def table(name: str) -> ReportedTable:
    (found,) = (t for t in read_reported(RESULTS) if t.table == name)
    return found


def printed(name: str) -> list[dict[str, str]]:
    if not PAPER.is_dir():
        pytest.skip(f"the transcribed tables are not here: {PAPER} does not exist")
    with (PAPER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_all_of_them_are_here() -> None:
    assert {t.table for t in read_reported(RESULTS)} == set(TRANSCRIBED)


@pytest.mark.parametrize("name", TRANSCRIBED)
def test_every_cell_is_the_transcribed_one(name: str) -> None:
    rows = printed(TRANSCRIBED[name])
    found = table(name)
    assert len(found.rows) == len(rows)
    for mine, theirs in zip(found.rows, rows, strict=True):
        numbers = {k: v for k, v in theirs.items() if k not in NOT_NUMBERS}
        # compared as text: 243.0 is not 243, and an empty cell is an empty cell
        assert ["" if v is None else str(v) for v in mine.values] == list(numbers.values())
        if "bold_mask" in theirs:
            assert list(found.columns) == list(numbers)
            assert "".join(str(int(c in mine.bold)) for c in found.columns) == theirs["bold_mask"]
        if theirs.get("delta_x_mm"):
            assert mine.method == f"Δx = {theirs['delta_x_mm']} mm"
        elif "method" in theirs:
            assert mine.method == theirs["method"]


def _verdict(row: ReportedRow) -> str:
    """``row_checks.csv``'s verdict, worked out from the row's numbers."""
    *actions, average = (v for v in row.values if v is not None)
    apart = round(abs(average - fmean(actions)), 3)
    return "ok" if apart <= 0.05 else "within_rounding" if apart <= 0.1 else "MISMATCH"


def _noted(row: ReportedRow) -> str:
    """The verdict that the row's notes state."""
    words = {"within what rounding allows": "within_rounding", "more apart than rounding allows": "MISMATCH"}
    notes = [n for n in row.notes if n.startswith("printed average")]
    if not notes:
        return "ok"
    (said,) = (re.fullmatch(r"printed average (\S+), mean of the printed actions (\S+): (.*)", n) for n in notes)
    assert said is not None
    *actions, average = (v for v in row.values if v is not None)
    assert (said[1], said[2]) == (str(average), f"{fmean(actions):.2f}")
    return words[said[3]]


@pytest.mark.parametrize("name", ["Table 1", "Table 3"])
def test_each_average_that_disagrees_with_its_actions_is_noted(name: str) -> None:
    rows = table(name).rows
    assert {len(r.values) for r in rows} == {16}
    assert [_noted(r) for r in rows] == [_verdict(r) for r in rows]


def test_the_verdicts_are_those_of_the_row_checks() -> None:
    checks = {(r["table"], r["method"]): r["verdict"] for r in printed("row_checks.csv")}
    found = {(TRANSCRIBED[n], r.method): _verdict(r) for n in ("Table 1", "Table 3") for r in table(n).rows}
    assert found == checks


def test_what_the_notes_say_of_swapped_columns_and_ties_is_true() -> None:
    first, third = table("Table 1"), table("Table 3")
    dog, walk = first.columns.index("WalkD"), first.columns.index("Walk")
    assert [r.method for r in first.rows if r.values[dog] < r.values[walk]] == ["Yang et al. [44]"]  # type: ignore[operator]
    assert all(r.values[dog] < r.values[walk] for r in third.rows)  # type: ignore[operator]
    rows = {r.method: r for r in (*first.rows, *third.rows)}
    tied = rows["Martinez et al. [19] (GT) w/ GS"], rows["Ours (GT) w/ GS"]
    equal = {c for c, a, b in zip(first.columns, tied[0].values, tied[1].values, strict=True) if a == b}
    assert equal == {"Purch.", "Smoke"}
    assert not equal & set(tied[0].bold)
    assert equal <= set(tied[1].bold)


def test_what_is_not_known_stays_blank() -> None:
    (ours,) = (r for r in table("Table 4").rows if r.method == "Ours")
    assert ours.values == (None, None)
    assert ours.notes
    assert "| Ours | | |\n" in leaderboard(RESULTS)
    assert "5000" in table("Table 2").notes[0]


def _document(**changes: Any) -> dict[str, Any]:
    row = {"method": "a|b [1]", "values": [1, 2.50, None], "bold": ["y"], "notes": ["is it?"]}
    return {
        "schema": 1,
        "paper": "P 2000",
        "table": "Table 9",
        "title": "t",
        "protocol": "p.",
        "unit": "mm",
        "better": "lower",
        "columns": ["x", "y", "z"],
        "rows": [row],
        "notes": ["n"],
    } | changes


def _write(root: Path, document: Any) -> None:
    (root / "reported").mkdir()
    (root / "reported" / "p-table9.json").write_text(json.dumps(document))


def test_a_table_is_shown_as_printed(tmp_path: Path) -> None:
    _write(tmp_path, _document())
    assert leaderboard(tmp_path).endswith(
        "### P 2000, Table 9: t\n\n"
        "p. Numbers in mm, lower is better.\n\n"
        "| method | x | y | z |\n"
        "|:---|---:|---:|---:|\n"
        "| a\\|b [1] | 1 | **2.5** | |\n\n"
        "* a\\|b [1]: is it?\n"
        "* n\n"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": 2}, "schema: wanted 1, found 2"),
        ({"columns": ["x", "y"]}, r"rows\[0\]\.values: wanted 2 numbers, found 3"),
        ({"columns": ["x", "w", "z"]}, r"rows\[0\]\.bold: no such column: y"),
        ({"better": "less"}, "better: wanted 'lower' or 'higher', found \"less\""),
        ({"rows": [{"method": "m", "values": ["1"], "bold": [], "notes": []}]}, r"rows\[0\]\.values\[0\]: wanted"),
        ({"footnotes": []}, "footnotes: unknown key"),
    ],
)
def test_a_bad_table_is_refused(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    _write(tmp_path, _document(**changes))
    with pytest.raises(WrongDocument, match=rf"p-table9\.json: {message}"):
        read_reported(tmp_path)
