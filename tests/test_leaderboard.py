"""The leaderboard: what may share a table, seeds, ties, failures, and the same bytes every time."""

from __future__ import annotations

import argparse
import math
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tabulate
from benchsuite_registry.contracts import Metric, Scalar

from benchsuite.cli import leaderboard as command
from benchsuite.documents import WrongDocument
from benchsuite.leaderboard import leaderboard
from benchsuite.leaderboard.markdown import code, table_of, text
from benchsuite.leaderboard.sheets import BY_INTERVALS, OVER_FRAMES, UNTOLD
from benchsuite.records.results import ClipFigures, DatasetUsed, Failure, Part, Record, write_record

CMU = DatasetUsed("cmu", "test", "f00d" * 16, 12345, 67)
PROTOCOL: Mapping[str, Scalar] = {"joints": 17, "root_counted": True}


def mpjpe(value: float, low: float | None = None, high: float | None = None, **actions: float) -> tuple[Metric, ...]:
    by_action = (Metric("MPJPE", v, "mm", "lower", group=f"action={a}", n=9) for a, v in actions.items())
    return (Metric("MPJPE", value, "mm", "lower", low=low, high=high, n=12345), *by_action)


def record(
    name: str = "martinez",
    metrics: Sequence[Metric] = (),
    *,
    refiner: Part | None = None,
    dataset: DatasetUsed = CMU,
    protocol: Mapping[str, Scalar] = PROTOCOL,
    error: str | None = None,
    seed: int = 0,
    **source: Any,
) -> Record:
    return Record(
        source=Part("lifter", name, distribution="benchsuite 0.1.0", **source),
        refiner=refiner,
        evaluator=Part("evaluator", "h36m-p1"),
        dataset=dataset,
        protocol=protocol,
        metrics=tuple(metrics),
        failure=Failure(error, "message", "traceback") if error else None,
        provenance={"seed": seed},
    )


def trained(name: str, recipe: str, seed: int, value: float, **more: Any) -> Record:
    file = f"{name}-{seed}.safetensors"
    return record(
        name,
        mpjpe(value, value - 1, value + 2),
        parameters={"weights": file},
        changed={"weights": file},
        weights=more.pop("weights", f"{recipe}-{seed}"),
        trained={"recipe": recipe, "seed": seed},
        **more,
    )


def made(root: Path, *records: Record) -> str:
    for each in records:
        write_record(root, each)
    return leaderboard(root)


def rows(page: str, header: str) -> list[list[str]]:
    """Cells of the tables whose header line begins with ``header``, the header's first."""
    found: list[list[str]] = []
    lines = iter(page.splitlines())
    for line in lines:
        if line.startswith(header):
            while line.startswith("|"):
                found.append(re.split(r" ?(?<!\\)\| ?", line)[1:-1])
                line = next(lines, "")
    return [r for r in found if "---" not in r[-1]]


def overall(page: str) -> list[list[str]]:
    return rows(page, "| rank |")


def test_a_page_by_hand(tmp_path: Path) -> None:
    geosearch = Part("refiner", "geosearch", {"objective": "l1"}, {"objective": "l1"})
    frames = Metric("frames", 47.0, "mm", "lower", n=12345)
    pck = Metric("PCK", 91.0, "%", "higher", n=12345)
    page = made(
        tmp_path,
        record(metrics=(*mpjpe(45.5, 44.0, 47.25, Walking=36.4, SittingDown=58.0), frames, pck)),
        record(
            metrics=(*mpjpe(38.5, 37.25, 40.0, Walking=30.3, SittingDown=58.04), replace(frames, value=48.0), pck),
            refiner=geosearch,
        ),
    )
    # 3670bffb: sha256sum of {"joints": 17, "root_counted": true}
    section = page[page.index("### ") :]
    assert section == (
        "### `h36m-p1` on `cmu`, test\n\n"
        "Data: 12,345 samples in 67 clips, fingerprint `f00df00df00d`.\n\n"
        "Protocol `3670bffb`: joints 17; root counted yes.\n\n"
        "| rank | method | refiner | MPJPE (mm) ↓ | 95 % interval | n | frames (mm) ↓ | PCK (%) ↑ | seeds |\n"
        "|---:|:---|:---|---:|---:|---:|---:|---:|---:|\n"
        "| 1 | `martinez` | `geosearch:objective=l1` | **38.50** | [37.25, 40.00] | 12,345 | 48.00 | 91.00 | 1 |\n"
        "| 2 | `martinez` | none | 45.50 | [44.00, 47.25] | 12,345 | **47.00** | 91.00 | 1 |\n\n"
        f"{BY_INTERVALS}\n\n"
        "MPJPE (mm) ↓ by action:\n\n"
        "| method | refiner | Walk | SittingD. | Average |\n"
        "|:---|:---|---:|---:|---:|\n"
        "| `martinez` | `geosearch:objective=l1` | **30.3** | 58.0 | **38.5** |\n"
        "| `martinez` | none | 36.4 | 58.0 | 45.5 |\n"
    ), "nothing is reported, so nothing says so"


def test_of_a_part_of_a_dataset_its_size_is_said(tmp_path: Path) -> None:
    page = made(tmp_path, record(metrics=mpjpe(40.0), dataset=replace(CMU, fingerprint=CMU.fingerprint + "/600")))
    assert "fingerprint `f00df00df00d/600`." in page
    assert "<code>f00df00df00d/600</code>" in leaderboard(tmp_path, "html")


def test_auc_stands_beside_pck_by_scene_alone(tmp_path: Path) -> None:
    def of(name: str, **groups: float) -> tuple[Metric, ...]:
        return tuple(
            Metric(name, value, "%", "higher", group.replace("_", "="), n=9) for group, value in groups.items()
        )

    figures = {"all": 70.0, "scene_street": 75.0, "scene_room": 65.0, "activity_walk": 70.0}
    metrics = (*of("PCK", **figures), *of("AUC", **{group: value / 2 for group, value in figures.items()}))
    page = made(tmp_path, record("zhou", [replace(m, group=m.group.removeprefix("all")) for m in metrics]))
    titles = [line for line in page.splitlines() if " by " in line and line.endswith(":")]
    assert titles == ["PCK (%) ↑ by scene:", "AUC (%) ↑ by scene:", "PCK (%) ↑ by activity:"]
    assert rows(page, "| method | refiner | street |")[-1] == ["`zhou`", "none", "37.5", "32.5", "35.0"]
    assert "AUC (\\%) " in leaderboard(tmp_path, "latex")


def test_equal_headlines_share_rank_and_bold(tmp_path: Path) -> None:
    values = {"a": 40.001, "b": 40.0, "c": 41.0, "d": 41.004, "e": 50.0}
    page = made(tmp_path, *(record(name, mpjpe(v, v, v)) for name, v in values.items()))
    ranked = [(r[0], r[1], r[3]) for r in overall(page)[1:]]
    assert ranked == [
        ("1=", "`b`", "**40.00**"),
        ("1=", "`a`", "**40.00**"),
        ("3=", "`c`", "41.00"),
        ("3=", "`d`", "41.00"),
        ("5", "`e`", "50.00"),
    ]


def test_higher_is_better_where_the_metric_says_so(tmp_path: Path) -> None:
    def pck(value: float) -> tuple[Metric, ...]:
        return (Metric("PCK", value, "%", "higher", low=value - 7, high=value + 7, n=5),)  # 10 exceeds sqrt(2) * 7

    page = made(tmp_path, record("low", pck(60.0)), record("high", pck(70.0)))
    assert [(r[0], r[1], r[3]) for r in overall(page)[1:]] == [("1", "`high`", "**70.00**"), ("2", "`low`", "60.00")]


def test_seeds_of_one_recipe_are_one_row(tmp_path: Path) -> None:
    page = made(
        tmp_path,
        *(trained("martinez", "martinez-1024", seed, value) for seed, value in enumerate((40.0, 42.0, 44.0))),
        trained("martinez", "martinez-256", 0, 50.0),
        trained("stereo", "martinez-1024", 1, 60.0),
    )
    # sd of 40, 42, 44 with n - 1 is 2; the ends 39, 41, 43 and 42, 44, 46 average 41 and 44
    assert overall(page)[1:] == [
        ["1", "`martinez` (`martinez-1024`)", "none", "**42.00** ± 2.00", "[41.00, 44.00]", "12,345", "3"],
        ["2", "`martinez` (`martinez-256`)", "none", "50.00", "[49.00, 52.00]", "12,345", "1"],
        ["3", "`stereo` (`martinez-1024`)", "none", "60.00", "[59.00, 62.00]", "12,345", "1"],
    ]
    assert "safetensors" not in page


def test_seeds_are_not_merged_over_parameters_refiners_or_failures(tmp_path: Path) -> None:
    page = made(
        tmp_path,
        trained("stereo", "r", 0, 40.0),
        replace(trained("stereo", "r", 1, 41.0), refiner=Part("refiner", "geosearch")),
        replace(trained("stereo", "r", 2, 42.0), metrics=(), failure=Failure("ValueError", "", "")),
        replace(
            trained("stereo", "r", 3, 43.0),
            source=Part("lifter", "stereo", {"sign": -1}, {"sign": -1}, weights="3" * 64, trained={"recipe": "r"}),
        ),
    )
    assert [(r[1], r[2], r[3], r[6]) for r in overall(page)[1:]] == [
        ("`stereo` (`r`)", "none", "**40.00**", "1"),
        ("`stereo` (`r`)", "`geosearch`", "41.00", "1"),
        ("`stereo:sign=-1` (`r`)", "none", "43.00", "1"),
        ("`stereo` (`r`)", "none", "-", "1"),
    ]


def test_weights_that_differ_in_more_than_the_seed_stay_apart(tmp_path: Path) -> None:
    page = made(
        tmp_path,
        trained("stereo", "r", 0, 40.0, weights="a1" * 32),
        trained("stereo", "r", 0, 41.0, weights="b2" * 32),
    )
    assert [r[1] for r in overall(page)[1:]] == ["`stereo:weights=a1a1a1a1` (`r`)", "`stereo:weights=b2b2b2b2` (`r`)"]


def test_weights_without_a_recipe_are_named_by_their_hash(tmp_path: Path) -> None:
    one = record(
        "x",
        mpjpe(1.0),
        parameters={"weights": "mine"},
        changed={"weights": "mine", "depth": 2},
        weights="c3" * 32,
    )
    shipped = record("x", mpjpe(2.0), parameters={"weights": ""}, weights="d4" * 32)
    page = made(tmp_path, one, shipped)
    assert [r[1] for r in overall(page)[1:]] == ["`x:depth=2,weights=c3c3c3c3`", "`x`"]


def test_evaluation_seeds_are_seeds_too(tmp_path: Path) -> None:
    page = made(tmp_path, record(metrics=mpjpe(10.0), seed=0), record(metrics=mpjpe(13.0), seed=1))
    # 10 and 13: mean 11.5, sd = sqrt(2 * 1.5^2 / 1) = 2.1213
    assert [r[3:] for r in overall(page)[1:]] == [["11.50 ± 2.12", "-", "12,345", "2"]]


@pytest.mark.parametrize(
    "other",
    [
        record("b", mpjpe(2.0), protocol={**PROTOCOL, "root_counted": False}),
        record("b", mpjpe(2.0), protocol={**PROTOCOL, "root_counted": 1}),
        record("b", mpjpe(2.0), protocol={**PROTOCOL, "stride": 5}),
        record("b", mpjpe(2.0), dataset=replace(CMU, fingerprint="beef" * 16)),
        record("b", mpjpe(2.0), dataset=replace(CMU, split="train")),
        replace(record("b", mpjpe(2.0)), evaluator=Part("evaluator", "other")),
        replace(record("b", mpjpe(2.0)), evaluator=Part("evaluator", "h36m-p1", {"joints": 14}, {"joints": 14})),
        replace(record("b", mpjpe(2.0)), origin="reported"),
    ],
    ids=["root", "type", "stride", "data", "split", "evaluator", "evaluator's parameter", "origin"],
)
def test_what_differs_in_protocol_or_data_never_shares_a_table(other: Record, tmp_path: Path) -> None:
    page = made(tmp_path, record("a", mpjpe(1.0, 0.5, 1.5)), record("c", mpjpe(3.0, 2.5, 3.5)), other)
    assert page.count("| rank |") == 2
    # the other stands first in a table of its own
    assert [(r[0], r[1]) for r in overall(page) if r[1] == "`b`"] == [("1", "`b`")]
    assert [(r[0], r[1]) for r in overall(page) if r[1] == "`c`"] == [("2", "`c`")]


def test_metrics_of_another_unit_never_share_a_column(tmp_path: Path) -> None:
    metres = (Metric("MPJPE", 0.04, "m", "lower", n=1),)
    page = made(tmp_path, record("mm", mpjpe(40.0)), record("m", metres))
    cells = overall(page)
    headers = cells[0]
    both = ("MPJPE (mm) ↓", "MPJPE (m) ↓")
    found = {r[1]: tuple(r[headers.index(h)] for h in both) for r in cells[1:]}
    assert sorted(found["`m`"]) == ["-", "0.04"]
    assert found["`mm`"][both.index("MPJPE (mm) ↓")] == "40.00"


def test_a_failed_cell_is_a_row_with_its_error(tmp_path: Path) -> None:
    page = made(tmp_path, record("good", mpjpe(40.0, walk=39.0)), record("bad", error="OutOf|Memory"))
    header, good, bad = overall(page)
    assert header[-1] == "failed with"
    assert (good[1], good[-1]) == ("`good`", "")
    assert bad == ["-", "`bad`", "none", "-", "-", "-", "1", r"OutOf\|Memory"]
    assert [r[0] for r in rows(page, "| method |")] == ["method", "`good`"]


def test_who_failed_and_who_meddled_is_named_below_the_table(tmp_path: Path) -> None:
    said = "lifter odd changed the seed"
    odd = replace(record("odd", mpjpe(40.0)), provenance={"seed": 0, "remarks": [said]})
    failed = replace(record("bad"), failure=Failure("ValueError", "lifter bad: " + "no " * 99, ""))
    page = made(tmp_path, odd, record("good", mpjpe(41.0)), failed)
    assert [row[1] for row in overall(page)[1:]] == ["`odd` †", "`good`", "`bad`"]
    (why,) = (line for line in page.splitlines() if line.startswith("* failed"))
    assert why.startswith("* failed: ValueError: lifter bad: no no ")
    assert len(why) < 180
    assert f"\n* † {said}\n" in page


def test_a_table_of_failures_alone(tmp_path: Path) -> None:
    page = made(tmp_path, record("bad", error="ValueError", protocol={}))
    assert "| `bad` | none | 1 | ValueError |" in page


def test_an_undefined_number_says_so_and_is_neither_best_nor_ranked(tmp_path: Path) -> None:
    page = made(tmp_path, record("nan", mpjpe(math.nan)), record("z", mpjpe(99.0)))
    assert [(r[0], r[1], r[3]) for r in overall(page)[1:]] == [("1", "`z`", "**99.00**"), ("-", "`nan`", "NaN")]


def test_a_row_that_leaves_samples_undefined_comes_last_and_says_how_many(tmp_path: Path) -> None:
    half = tuple(replace(m, n=m.n // 2) for m in mpjpe(12.0, walk=11.0))
    whole, z = mpjpe(99.0, 98.5, 99.5, walk=98.0), mpjpe(100.0, 99.5, 100.5)  # 1 exceeds sqrt(2) / 2
    page = made(tmp_path, record("half", half), record("whole", whole), record("z", z))
    head, *lines = overall(page)
    assert [(line[0], line[1], line[3], line[head.index("n")]) for line in lines] == [
        ("1", "`whole`", "**99.00**", "12,345"),
        ("2", "`z`", "100.00", "12,345"),
        ("-", "`half`", "12.00", "6,172 (6,173 undefined)"),
    ]
    assert [r[2] for r in rows(page, "| method |")[1:]] == ["**98.0**", "-", "11.0"]
    assert "<em>6,173 undefined</em>" in leaderboard(tmp_path, "html")
    assert r"\textbf{12" not in leaderboard(tmp_path, "latex")


def test_without_clips_and_intervals_there_is_no_rank_and_the_page_says_why(tmp_path: Path) -> None:
    page = made(tmp_path, record("a", mpjpe(40.0)), record("b", mpjpe(41.0)))
    assert [(r[0], r[3]) for r in overall(page)[1:]] == [("-", "**40.00**"), ("-", "41.00")]
    assert f"\n{UNTOLD}\n" in page
    assert BY_INTERVALS not in page
    web = leaderboard(tmp_path, "html")
    assert f'<p class="about">{UNTOLD}</p>' in web
    assert web.count('<td class="rank"></td>') == 2
    assert UNTOLD.replace("%", r"\%") in leaderboard(tmp_path, "latex")


def test_an_interval_stands_beside_the_number_that_it_is_of(tmp_path: Path) -> None:
    """Two takes in action 0, one in action 1: the mean over actions has none."""
    frames = Metric("MPJPE avg_frames", 40.0, "mm", "lower", low=38.0, high=42.0, n=12345)
    clips = ClipFigures("actions", "30 50 40", "1 1 1", "0 0 1")
    a = replace(record("a", (*mpjpe(41.0), frames)), clips=clips)
    b = replace(record("b", (*mpjpe(43.0), replace(frames, value=42.0))), clips=replace(clips, mean="31 52 43"))
    page = made(tmp_path, a, b)
    head, first, second = overall(page)
    assert head[3:8] == ["MPJPE (mm) ↓", "n", r"MPJPE avg\_frames (mm) ↓", "95 % interval", "behind the first"]
    assert (first[5:8], second[7].partition(" ")[0]) == (["**40.00**", "[38.00, 42.00]", "-"], "2.00")
    assert f"\n{OVER_FRAMES}\n" in page
    assert OVER_FRAMES in leaderboard(tmp_path, "latex")
    web = leaderboard(tmp_path, "html")
    assert OVER_FRAMES in web
    heads = [re.sub("&nbsp;.*|<.*?>", "", cell) for cell in re.findall("<th scope=.col.*?</th>", web)]
    assert heads.index("95 % interval") == heads.index("behind") - 1 == heads.index("MPJPE avg_frames") + 1


def test_pipes_unicode_and_markup_stay_in_their_cells(tmp_path: Path) -> None:
    name = "走る|ü*_`x`\n<b>"
    odd = record(name, mpjpe(1.0, **{"sit|down*": 2.0}), changed={"path": "a|b"})
    page = made(tmp_path, odd, record("plain", mpjpe(2.0)))
    assert r"| `走る\|ü*_'x' <b>:path=a\|b` |" in page
    assert r"| method | refiner | sit\|down\* |" in page
    assert text("a|b*c_d`e<f\\g\nh") == r"a\|b\*c\_d\`e\<f\\g h"
    assert code("a|b`c") == r"`a\|b'c`"


def test_numbers_as_text_stay_text() -> None:
    assert table_of([("method", ["1e5", "0x10"]), ("x", ["007", "1.10"])]).splitlines()[2:] == [
        "| 1e5 | 007 |",
        "| 0x10 | 1.10 |",
    ]


def _some_records() -> list[Record]:
    made = [trained("stereo", "r", seed, 40.0 + seed / 7) for seed in range(3)]
    made += [record(f"m{k}", mpjpe(40.0 + k % 3, walk=float(k)), refiner=Part("refiner", "g")) for k in range(6)]
    made += [record("走", mpjpe(1.0), protocol={"joints": 14}), record("bad", error="E")]
    return made


def test_equal_records_give_equal_bytes_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    records = _some_records()
    first = made(tmp_path / "a", *records)
    random.Random(7).shuffle(records)
    assert made(tmp_path / "b", *records) == first
    rglob = Path.rglob
    monkeypatch.setattr(Path, "rglob", lambda *a: reversed(list(rglob(*a))))
    assert leaderboard(tmp_path / "a") == first
    # tabulate pads by wcwidth where that happens to be installed
    monkeypatch.setattr(tabulate, "wcwidth", None)
    monkeypatch.setattr(tabulate, "WIDE_CHARS_MODE", False)
    assert leaderboard(tmp_path / "a") == first


def _run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    command.configure(parser)
    return command.main(parser.parse_args(arguments))


def test_check_is_silent_while_the_leaderboard_is_what_the_records_give(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path, *_some_records())
    assert _run("-r", str(tmp_path)) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'leaderboard.md'}\n"
    assert (tmp_path / "leaderboard.md").read_bytes().decode() == leaderboard(tmp_path)
    assert _run("-r", str(tmp_path), "--check") == 0
    assert capsys.readouterr().out == ""


def test_check_finds_a_changed_number(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(tmp_path, record(metrics=mpjpe(45.5)))
    _run("-r", str(tmp_path))
    file = tmp_path / "leaderboard.md"
    file.write_text(file.read_text().replace("45.50", "35.50"))
    changed = file.read_bytes()
    capsys.readouterr()
    assert _run("-r", str(tmp_path), "--check") == 1
    shown = capsys.readouterr()
    changes = [line for line in shown.out.splitlines() if "5.50" in line]
    row = "| 1 | `martinez` | none | {} | - | 12,345 | 1 |"
    assert changes == [f"-{row.format('35.50')}", f"+{row.format('45.50')}"]
    assert "stale" in shown.err
    assert file.read_bytes() == changed


def test_check_finds_a_new_record_and_a_missing_leaderboard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(tmp_path, record("late", mpjpe(50.0, 49.0, 51.0)), record(metrics=mpjpe(45.5, 45.0, 46.0)))
    assert _run("-r", str(tmp_path), "--check") == 1
    _run("-r", str(tmp_path))
    write_record(tmp_path, record("later", mpjpe(60.0, 59.0, 61.0)))
    capsys.readouterr()
    assert _run("-r", str(tmp_path), "--check") == 1
    added = [line for line in capsys.readouterr().out.splitlines() if line.startswith("+|")]
    assert added == ["+| 3 | `later` | none | 60.00 | [59.00, 61.00] | 12,345 | 1 |"]


def test_only_the_first_lines_of_a_long_difference_are_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made(tmp_path, *(record(f"m{k:03}", mpjpe(float(k))) for k in range(60)))
    assert _run("-r", str(tmp_path), "--check") == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 41
    assert lines[-1].startswith("... and ")


def test_a_bad_record_stops_the_leaderboard_and_leaves_the_old_one(tmp_path: Path) -> None:
    path = write_record(tmp_path, record(metrics=mpjpe(45.5)))
    _run("-r", str(tmp_path))
    before = (tmp_path / "leaderboard.md").read_bytes()
    path.write_text("{")
    with pytest.raises(WrongDocument, match="wanted JSON"):
        _run("-r", str(tmp_path))
    assert (tmp_path / "leaderboard.md").read_bytes() == before


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongDocument, match="nowhere: no such results folder"):
        _run("-r", str(tmp_path / "nowhere"))
    assert not list(tmp_path.iterdir())
