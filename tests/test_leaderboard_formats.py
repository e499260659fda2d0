"""The leaderboard in its other formats: CSV, JSON, LaTeX and what of the HTML needs no browser."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from crowd import crowd
from test_leaderboard import CMU, _run, mpjpe, record, trained

from benchsuite.documents import dump
from benchsuite.leaderboard import FORMATS, leaderboard, write_leaderboard
from benchsuite.leaderboard.front import FEW, HEIGHT, LONGEST, _times
from benchsuite.leaderboard.html import Bars
from benchsuite.leaderboard.latex import text
from benchsuite.leaderboard.pareto import DISTURBED
from benchsuite.leaderboard.standings import Column, Figure
from benchsuite.records.cost import Cost, Latency, write_cost
from benchsuite.records.reported import ReportedRow, ReportedTable
from benchsuite.records.results import Part, Record, write_record

SMOOTH = Part("refiner", "smooth", {"frames": 5}, {"frames": 5})
ODD = r"a_b%c&d#e$f{g}h~i^j\k|l<m>n [o]"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    records = [
        *(trained("alpha", "short", seed, value) for seed, value in enumerate((40.0, 42.0, 44.0))),
        replace(record("beta", mpjpe(38.125, 37.0, 39.5, Walking=30.25, Eating=50.0)), refiner=SMOOTH),
        record("beta", mpjpe(50.0, Walking=30.25, Eating=60.0)),
        record(ODD, mpjpe(60.0), error=None),
        record("broken", error="ValueError"),
    ]
    command = "benchsuite run --lifter beta --dataset cmu"
    records[3] = replace(records[3], provenance={"seed": 0, "command": command})
    for each in records:
        write_record(tmp_path, each)
    return tmp_path


def table(page: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(page)))


def test_csv_has_one_number_a_row(root: Path) -> None:
    rows = table(leaderboard(root, "csv"))
    by_action = [
        (r["refiner"], r["metric"], r["group_kind"], r["group"], r["mean"]) for r in rows if r["method"] == "beta"
    ]
    assert by_action == [
        ("smooth:frames=5", "MPJPE", "", "", "38.125"),
        ("smooth:frames=5", "MPJPE", "action", "Walking", "30.25"),
        ("smooth:frames=5", "MPJPE", "action", "Eating", "50.0"),
        ("", "MPJPE", "", "", "50.0"),
        ("", "MPJPE", "action", "Walking", "30.25"),
        ("", "MPJPE", "action", "Eating", "60.0"),
    ]
    first = rows[0]
    assert (first["rank"], first["low"], first["high"], first["n"]) == ("1", "37.0", "39.5", "12345")
    assert first["command"] == "benchsuite run --lifter beta --dataset cmu"
    (alpha,) = (r for r in rows if r["method"] == "alpha")
    # sd of 40, 42, 44 with n - 1 is 2
    assert (alpha["recipe"], alpha["seeds"], alpha["mean"], alpha["sd"]) == ("short", "3", "42.0", "2.0")
    (broken,) = (r for r in rows if r["method"] == "broken")
    assert (broken["failed_with"], broken["mean"], broken["rank"]) == ("ValueError", "", "")


def test_json_says_the_same_and_more(root: Path) -> None:
    document = json.loads(leaderboard(root, "json"))
    (contest,) = document["measured"]
    assert (contest["evaluator"], contest["dataset"]["samples"], contest["protocol"]["joints"]) == (
        "h36m-p1",
        12345,
        17,
    )
    methods = contest["methods"]
    assert [(m["rank"], m["method"], m["refiner"]) for m in methods[:2]] == [
        (1, "beta", "smooth:frames=5"),
        (2, "alpha", None),
    ]
    assert methods[0]["figures"][0] == {
        "metric": "MPJPE",
        "unit": "mm",
        "better": "lower",
        "group": None,
        "mean": 38.125,
        "sd": None,
        "low": 37.0,
        "high": 39.5,
        "n": 12345,
        "undefined": 0,
    }
    assert methods[-1] | {"commands": []} == {
        "rank": None,
        "shared": None,
        "behind": None,
        "method": "broken",
        "recipe": None,
        "refiner": None,
        "seeds": 1,
        "failed_with": ["ValueError"],
        "failures": ["ValueError: message"],
        "remarks": [],
        "commands": [],
        "figures": [],
    }


def test_latex_is_the_table_of_a_paper(root: Path) -> None:
    page = leaderboard(root, "latex")
    by_action = page[page.index(r"\begin{tabular}") : page.index(r"\end{tabular}")].splitlines()
    assert by_action[1:6] == [
        r"\toprule",
        r" & method & refiner & Walk & Eating & Average \\",
        r"\midrule",
        r"1 & beta & smooth:frames=5 & 30.2 & \textbf{50.0} & \textbf{38.1} \\",
        r"2 & alpha (short) & none & -- & -- & 42.0 \\",
    ]
    assert r"\textbf{30.2}" not in page, "where all print the same none is best"
    assert r"\textbf{38.12} & [37.00, 39.50]" in page
    assert r"42.00 $\pm$ 2.00" in page


def test_ties_are_marked_in_latex(tmp_path: Path) -> None:
    for name, value in (("a", 40.001), ("b", 40.0), ("c", 41.0)):
        write_record(tmp_path, record(name, mpjpe(value, value - 0.5, value + 0.5)))
    rows = [line for line in leaderboard(tmp_path, "latex").splitlines() if line.endswith(r"\\")][1:]
    assert [row.split(" & ")[:2] for row in rows] == [["1=", "b"], ["1=", "a"], ["3", "c"]]
    assert [r"\textbf{40.00}" in row for row in rows] == [True, True, False]


def test_every_character_that_latex_minds_is_escaped(root: Path) -> None:
    assert text("a_b & 100%") == r"a\_b \& 100\%"
    assert text("\\x{y}") == r"\textbackslash{}x\{y\}"
    plain = re.sub(r"\$\\[a-z]+\$|\\[&%$#_{},\\]|\\[a-zA-Z]+", "", leaderboard(root, "latex").partition("\n\n")[2])
    plain = plain.replace("{>}", "")  # what compares a table's width with the page's
    assert not re.search(r"[#$^~|<>\\]", plain)
    depth = 0
    for mark in plain:
        depth += {"{": 1, "}": -1}.get(mark, 0)
        assert depth >= 0
    assert depth == 0
    for body in re.findall(
        r"\\begin\{tabular\}\{@\{\}([lr]+)@\{\}\}(.*?)\\end\{tabular\}", leaderboard(root, "latex"), re.S
    ):
        lines = [line for line in body[1].splitlines() if line.endswith(r"\\")]
        assert len(lines) > 1
        assert {len(re.split(r"(?<!\\)&", line)) for line in lines} == {len(body[0])}


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex here")
def test_latex_compiles(root: Path, tmp_path: Path) -> None:
    write_leaderboard(root, "latex", tmp_path / "table.tex")
    packages = r"\usepackage{booktabs}\usepackage{graphicx}"
    document = rf"\documentclass{{article}}{packages}\begin{{document}}\input{{table}}\end{{document}}"
    (tmp_path / "paper.tex").write_text(document)
    command = ("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Overfull" not in done.stdout


SHRINKING = r"\\resizebox\{.*?\n(.*?\\end\{tabular\})\}"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex here")
def test_wide_tables_are_shrunk_to_the_page_and_narrow_ones_stay_as_they_are(tmp_path: Path) -> None:
    write_record(tmp_path / "narrow", record("narrow", mpjpe(1.0, Walking=1.0)))
    write_record(tmp_path / "wide", record("wide", mpjpe(1.0, **{f"Action number {k}": 1.0 for k in range(30)})))
    lines = [r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}"]
    for folder in (tmp_path / "narrow", tmp_path / "wide"):
        first = re.search(SHRINKING, leaderboard(folder, "latex"), re.S)
        assert first is not None
        # as the page has it, and the bare table
        lines += [rf"\setbox{number}\hbox{{{first[number]}}}" for number in (0, 1)]
        lines += [r"\typeout{WIDTHS \the\wd0 \the\wd1 \the\textwidth}"]
    (tmp_path / "paper.tex").write_text("\n".join([*lines, r"\end{document}"]))
    command = ("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    told = re.findall(r"WIDTHS ([\d.]+)pt *([\d.]+)pt *([\d.]+)pt", done.stdout)
    (narrow, bare, page), (wide, too_wide, _) = [[float(width) for width in each] for each in told]
    assert narrow == pytest.approx(bare, abs=0.01)
    assert bare < page < too_wide
    assert wide == pytest.approx(page, abs=0.1)


def test_what_went_wrong_and_what_was_odd_is_in_every_format(tmp_path: Path) -> None:
    said = "lifter odd changed 100 % of its input"
    odd = record("odd", mpjpe(40.0, Walking=40.0))
    write_record(tmp_path, replace(odd, provenance={"seed": 0, "remarks": [said]}))
    write_record(tmp_path, record("good", mpjpe(41.0, Walking=41.0)))
    write_record(tmp_path, record("bad", error="ValueError"))
    told = {r["method"]: (r["remarks"], r["failures"]) for r in table(leaderboard(tmp_path, "csv"))}
    assert told == {"odd": (said, ""), "good": ("", ""), "bad": ("", "ValueError: message")}
    (contest,) = json.loads(leaderboard(tmp_path, "json"))["measured"]
    assert [(m["remarks"], m["failures"]) for m in contest["methods"]] == [
        ([said], []),
        ([], []),
        ([], ["ValueError: message"]),
    ]
    _, by_action, overall = leaderboard(tmp_path, "latex").split(r"\begin{table*}")
    for one in (by_action, overall):
        assert r"& odd \dag{} & none" in one
        assert "& good & none" in one
        assert one.index(r"\end{tabular}") < one.index(r"\dag{} lifter odd changed 100 \% of its input")
    (bad,) = (line for line in overall.splitlines() if "& bad &" in line)
    assert bad == r"-- & bad & none & -- &  & 1 & ValueError \\"


def test_latex_says_under_which_protocol_a_paper_reports_and_what_is_doubted(tmp_path: Path) -> None:
    row = ReportedRow("Li & Chan [7]", (42.5, None), ("Ave.",), ("a slip?",))
    known = ReportedTable(
        1, "Wang 2019", "Table 2", "shifts", "Protocol #1.", "mm", "lower", ("Ave.", "Walk"), (row,), ("all odd",)
    )
    (tmp_path / "reported").mkdir()
    (tmp_path / "reported" / "wang.json").write_bytes(dump(known))
    page = leaderboard(tmp_path, "latex")
    assert r"Li \& Chan {[}7] & \textbf{42.5} &  \\" in page
    below = page[page.index(r"\end{tabular}") :]
    notes = re.findall(r"raggedright (.*)\\par", below)
    assert notes == [r"Protocol \#1.", r"Li \& Chan {[}7]: a slip?", "all odd"]


def cost(name: str, refiner: Part | None, batch_ms: float) -> Cost:
    """Of a method that takes ``batch_ms`` for 1000 poses."""
    latencies = (Latency(1, 0.5, 0.4, 0.6, 100), Latency(1000, batch_ms, batch_ms, batch_ms, 100))
    known: dict[str, Any] = {
        "source": Part("lifter", name, distribution="benchsuite 0.1.0"),
        "refiner": refiner,
        "device": "cpu: made up",
        "threads": 1,
        "parameters": 1_234_567,
        "latencies": latencies,
        "peak_mib": 12.0,
        "provenance": {},
        "schema": 1,
    }
    return Cost(**{**dict.fromkeys(Cost.__dataclass_fields__, 1.0), **known})


def test_costs_stand_beside_accuracy_where_there_are_some(root: Path) -> None:
    assert "<figure>" not in leaderboard(root, "html")
    write_cost(root, cost("beta", None, 20.0))
    write_cost(root, cost("beta", SMOOTH, 90.0))
    write_cost(root, cost(ODD, None, 30.0))
    page = leaderboard(root, "html")
    assert page.count("<figure>") == 1
    points = re.findall(
        r"<g(?: class=\"(front)\")? data-row=\"\w+\" tabindex=\"0\"><title>(\w+).*? µs a pose: ([\d.]+)</title>", page
    )
    # 60 mm in 30 µs is beaten by 50 mm in 20; 38.1 mm in 90 is the most accurate
    assert sorted(points) == [("", "a_b", "30"), ("front", "beta", "20"), ("front", "beta", "90")]
    rows = [line for line in leaderboard(root).splitlines() if "1,234,567" in line]
    assert [line.replace("| |", "| - |").split(" | ")[3] for line in rows] == ["●", "●", "-"]
    assert DISTURBED not in page + leaderboard(root)


def test_times_from_7_to_120_have_their_ticks_at_round_numbers_and_so_have_those_from_45_to_95() -> None:
    assert _times(math.log10(7), math.log10(120)) == [10, 20, 50, 100]
    assert _times(math.log10(45), math.log10(95)) == [50, 60, 70, 80, 90]


def test_names_stay_in_the_picture_however_long_and_many_they_are(root: Path) -> None:
    for number in range(40):  # each is on the front: the slower, the more accurate
        name = f"method-{number}-" + "of-a-very-long-name" * (number % 4)
        write_record(root, record(name, mpjpe(60.0 - number / 10)))
        write_cost(root, cost(name, None, 10.0 + number))
    text = r'<text x="\S+" y="(\S+)" dy=".35em" text-anchor="\w+">(method-.*?)</text>'
    drawn = re.findall(text, leaderboard(root, "html"))
    assert len(drawn) == 40
    assert all(0 <= float(y) <= HEIGHT for y, _ in drawn)
    assert max(len(name) for _, name in drawn) == LONGEST


def test_few_methods_beside_their_costs_are_all_named_at_once(root: Path) -> None:
    for per_pose in (10.0, 20.0):
        write_cost(root, cost("beta", SMOOTH if per_pose > 10 else None, per_pose))
    assert '<svg class="few"' in leaderboard(root, "html")
    for number in range(FEW):
        write_record(root, record(f"m{number}", mpjpe(50.0 + number / 10)))
        write_cost(root, cost(f"m{number}", None, 30.0 + number))
    assert '<svg class="few"' not in leaderboard(root, "html")


def test_what_a_busy_machine_disturbed_is_marked_and_not_on_the_front(root: Path) -> None:
    write_cost(root, replace(cost("beta", None, 20.0), computing=0.5))
    write_cost(root, cost(ODD, None, 30.0))
    page, text = leaderboard(root, "html"), leaderboard(root)
    points = re.findall(
        r"<g(?: class=\"(front)\")? data-row=\"\w+\" tabindex=\"0\"><title>(\w+).*?: [\d.]+( †)?</title>",
        page,
    )
    assert sorted(points) == [("", "beta", " †"), ("front", "a_b", "")]
    assert (page.count(">0.5 †</td>"), page.count(">20 †</td>")) == (1, 1)
    rows = [line.replace("| |", "| - |").split(" | ") for line in text.splitlines() if "1,234,567" in line]
    assert [row[3:6] for row in rows] == [["-", "0.5 †", "20 †"], ["●", "0.5", "30"]]
    assert DISTURBED in page
    assert f"\n\n{DISTURBED}\n" in text


def test_the_dialog_of_a_row_says_what_went_wrong_and_what_was_odd(tmp_path: Path) -> None:
    said = "lifter odd changed its input"
    write_record(tmp_path, replace(record("odd", mpjpe(1.0)), provenance={"seed": 0, "remarks": [said]}))
    write_record(tmp_path, record("bad", error="ValueError"))
    page = leaderboard(tmp_path, "html")
    details = re.search(r'<script type="application/json" id="details">(.*?)</script>', page, re.S)
    assert details is not None
    rows = json.loads(details[1])["rows"].values()
    assert [row["failed"] for row in rows] == [[said], ["ValueError: message"]]
    assert page.count(f'<em title="{said}">†</em>') == 1


def test_a_page_asks_for_nothing_outside_itself(root: Path) -> None:
    page = leaderboard(root, "html")
    assert re.findall(r"(?:https?:)?//[a-z]", re.sub(r"\s//.*", "", page)) == []
    assert set(re.findall(r"\b(?:src|href)=\"([^\"#]*)", page)) == {"data:,", ""}
    assert not re.findall(r"@import|url\(|<link rel=.style", page)
    assert "default-src 'none'" in page


def test_names_cannot_end_the_script_that_holds_them(tmp_path: Path) -> None:
    hostile = "</script><script>alert(1)</script>"
    made = replace(record(hostile, mpjpe(1.0)), provenance={"seed": 0, "command": hostile})
    write_record(tmp_path, made)
    page = leaderboard(tmp_path, "html")
    assert "<script>alert" not in page
    details = re.search(r'<script type="application/json" id="details">(.*?)</script>', page, re.S)
    assert details is not None
    assert json.loads(details[1])["rows"]["s0r0"]["commands"] == [hostile]


def test_intervals_lie_on_one_scale() -> None:
    column = Column("MPJPE", "mm", "lower")
    figures = [Figure(20.0, None, 18.0, 24.0, 1), Figure(99.0, None, 90.0, 110.0, 1), None]
    bars = Bars(figures, column)  # from 18 to 1.5 times that, 27
    assert bars.bar(figures[0]) == {
        "left": 0.0,
        "width": 66.67,
        "middle": 22.22,
        "beyond": False,
        "said": "95 % interval 18.00 to 24.00",
    }
    assert (bars.bar(figures[1]) or {})["beyond"] is True
    assert bars.bar(None) is None
    higher = Bars(
        [Figure(90.0, None, None, None, 1), Figure(10.0, None, None, None, 1)], replace(column, better="higher")
    )
    assert (higher.bar(Figure(75.0, None, None, None, 1)) or {})["middle"] == 50.0  # from 60 to 90


def test_a_thousand_records_make_a_page_that_can_be_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda file: None)  # these need not survive a power cut
    assert crowd(tmp_path) == 1000
    page = leaderboard(tmp_path, "html").encode()
    assert page.count(b'data-view="overall"') == 2
    assert page.count(b'class="open"') == 2 * 1000, "each method in its table, overall and by action"
    assert len(page) < 6_000_000


@pytest.mark.parametrize("form", FORMATS)
def test_equal_records_give_equal_bytes(form: str, root: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("copy") / "results"
    shutil.copytree(root, other)
    assert leaderboard(other, form) == leaderboard(root, form)
    assert str(root) not in leaderboard(root, form)


@pytest.mark.parametrize("form", FORMATS)
def test_no_records_are_no_error(form: str, tmp_path: Path) -> None:
    assert leaderboard(tmp_path, form)


def test_the_command_writes_checks_and_prints_each_format(
    root: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    results = ("-r", str(root))
    assert _run(*results, "--format", "latex") == 0
    assert capsysbinary.readouterr().out.decode().strip() == str(root / "leaderboard.tex")
    file = root / "elsewhere.csv"
    assert _run(*results, "--format", "csv", "-o", str(file)) == 0
    assert file.read_text() == leaderboard(root, "csv")
    assert _run(*results, "--format", "csv", "-o", str(file), "--check") == 0
    file.write_text(file.read_text().replace("38.125", "8.125"))
    capsysbinary.readouterr()
    assert _run(*results, "--format", "csv", "-o", str(file), "--check") == 1
    assert b"stale" in capsysbinary.readouterr().err
    assert _run(*results, "--format", "json", "-o", "-") == 0
    assert capsysbinary.readouterr().out == leaderboard(root, "json").encode()


def test_the_command_offers_what_there_is() -> None:
    from benchsuite.cli.leaderboard import FORMATS as OFFERED

    assert tuple(FORMATS) == OFFERED


def test_two_hundred_of_one_dataset_keep_their_places(tmp_path: Path) -> None:
    made: list[Record] = [record(f"m{k:03}", mpjpe(100.0 - k), dataset=CMU) for k in range(200)]
    for each in made:
        write_record(tmp_path, each)
    names = re.findall(r'data-key="s0r\d+" aria-haspopup="dialog">(m\d+)<', leaderboard(tmp_path, "html"))
    assert names == [f"m{k:03}" for k in reversed(range(200))]
