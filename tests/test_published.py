"""A results folder that others submit to: validation, the published schema, migration, what is published here."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from benchsuite_registry.contracts import Metric
from test_results import BAD, RECORD

from benchsuite.cli import main
from benchsuite.documents import WrongDocument, dump, plain
from benchsuite.records.cost import Cost, Latency, write_cost
from benchsuite.records.migration import STEPS, migrate
from benchsuite.records.results import (
    SCHEMA,
    ClipFigures,
    Failure,
    Part,
    Record,
    read_record,
    read_records,
    record_path,
    write_record,
)
from benchsuite.records.schema import schema_of
from benchsuite.records.validation import problems
from benchsuite.records.worst import Worst, WorstSample, read_worst, worst_path, write_worst

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results"
SCHEMA_FILE = RESULTS / "schema.json"

COMMAND = "benchsuite run --lifter stereo:weights=a.safetensors --refiner geosearch --evaluator h36m-p1 --dataset cmu"
GOOD = replace(
    RECORD,
    provenance={"seed": 0, "git": {"commit": "c0ffee", "dirty": False}, "command": COMMAND},
)
WORST = Worst(
    "MPJPE",
    "mm",
    "lower",
    ("pelvis", "hip"),
    (-1, 0),
    (WorstSample(3, "c", 0, "a", 2.5, "0 0 0 1 2 3", "0 0 0 1 2 nan"),),
)


# ---- validation ----------------------------------------------------------------------------------


def test_a_good_folder_has_no_problems(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_record(tmp_path, GOOD)
    write_record(tmp_path, replace(GOOD, refiner=None, metrics=(), failure=Failure("ValueError", "no", "")))
    write_worst(tmp_path, GOOD, WORST)
    assert list(problems(tmp_path)) == []
    for spelt in ([], ["-r"]):
        assert main(["results", "validate", *spelt, str(tmp_path)]) == 0
        assert "2 records, 0 reported: all good" in capsys.readouterr().err


def test_one_record_is_no_plural(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_record(tmp_path, replace(GOOD, metrics=()))
    assert main(["results", "validate", "-r", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"{tmp_path}: 1 record, 0 reported: 1 problem\n"


METRIC = GOOD.metrics[0]
DRAWN = replace(
    GOOD,
    evaluator=replace(GOOD.evaluator, parameters={"bootstrap": 1000}),
    metrics=(replace(METRIC, value=42.0, low=40.0, high=44.0, n=2),),
    clips=ClipFigures("frames", "40 44", "1 1", "0 0"),
)
"""Of two clips a draw is both times the first, 40, one time in four, and both times the second, 44, as often."""

WRONG: dict[str, tuple[Record, str]] = {
    "no numbers": (replace(GOOD, metrics=()), "metrics: wanted a finite headline"),
    "a headline of NaN": (replace(GOOD, metrics=(replace(METRIC, value=float("nan")),)), "metrics: wanted a finite"),
    "a group first": (replace(GOOD, metrics=GOOD.metrics[::-1]), "metrics: wanted a finite headline of the whole set"),
    "the same twice": (replace(GOOD, metrics=(METRIC, METRIC)), r"metrics\[1\]: MPJPE  stands there twice"),
    "ends swapped": (
        replace(GOOD, metrics=(replace(METRIC, low=44.5, high=40.0),)),
        r"metrics\[0\]: wanted low <= high, found 44\.5 and 40\.0",
    ),
    "too many samples": (
        replace(GOOD, metrics=(replace(METRIC, n=1201),)),
        r"metrics\[0\]\.n: wanted 0 to 1200 samples, found 1201",
    ),
    "numbers of a failure": (
        replace(GOOD, failure=Failure("E", "", "")),
        "metrics: wanted none, since it failed",
    ),
    "clips that do not fit": (
        replace(GOOD, clips=ClipFigures("actions", "1 2", "5", "0 0")),
        "clips: wanted a mean, a count and an action of each, found 2, 1 and 2",
    ),
    "uncommitted": (
        replace(GOOD, provenance={**GOOD.provenance, "git": {"commit": "c0ffee", "dirty": True}}),
        "provenance.git: measured with uncommitted code",
    ),
    "a headline outside its interval": (
        replace(GOOD, metrics=(replace(METRIC, value=12.0),)),
        r"metrics\[0\]: wanted a value from 40\.0 to 44\.5, found 12\.0",
    ),
    "a headline that is not that of its clips": (
        replace(GOOD, metrics=(replace(METRIC, n=5),), clips=ClipFigures("actions", "40 46 41", "2 1 2", "0 0 1")),
        r"metrics\[0\]: wanted 41\.500000, the mean of its clips, found 42\.125",  # (126 / 3 + 41) / 2
    ),
    "more samples than its clips have": (
        replace(GOOD, metrics=(replace(METRIC, n=6),), clips=ClipFigures("frames", "42 42.25", "2 2", "0 1")),
        r"metrics\[0\]\.n: wanted 4, the samples of its clips, found 6",
    ),
    "an interval that draws of its clips do not give": (
        replace(DRAWN, metrics=(replace(METRIC, value=42.0, low=41.99, high=42.01, n=2),)),
        r"metrics\[0\]: wanted an interval of 40\.0 to 44\.0, as draws of its clips give, found 41\.99 to 42\.01",
    ),
    "an interval where a take has none to be drawn against": (
        replace(DRAWN, clips=ClipFigures("actions", "40 44", "1 1", "0 1")),
        r"metrics\[0\]: wanted an interval of None to None, as draws of its clips give, found 40\.0 to 44\.0",
    ),
    "an interval narrower than other takes can make it": (
        replace(
            DRAWN,
            metrics=(replace(METRIC, value=42.0, low=41.5, high=43.0, n=2),),
            clips=ClipFigures("frames", "40 44", "1 1", "0 1"),
        ),
        r"metrics\[0\]: wanted an interval of 40\.0 to 44\.0, as draws of its clips give, found 41\.5 to 43\.0",
    ),
    "no commit": (
        replace(GOOD, provenance={**GOOD.provenance, "git": None}),
        "provenance.git: no commit known: measure it in a checkout",
    ),
    "a plugin file": (
        replace(GOOD, refiner=Part("refiner", "geosearch", distribution="file flat.py sha256:0a1b2c3d4e5f")),
        "refiner.distribution: wanted a distribution that others can install, found file flat.py sha256:0a1b2c3d4e5f",
    ),
    "no command": (
        replace(GOOD, provenance={"seed": 0, "git": GOOD.provenance["git"]}),
        "provenance.command: wanted the command",
    ),
    "a part of the data": (
        replace(GOOD, provenance={**GOOD.provenance, "command": f"{COMMAND} --limit 10"}),
        "provenance.command: measured with --limit",
    ),
    "another's command": (
        replace(GOOD, provenance={**GOOD.provenance, "command": COMMAND.replace("stereo", "martinez")}),
        "provenance.command: wanted --lifter stereo, found",
    ),
    "changed what is not there": (
        replace(GOOD, source=replace(GOOD.source, changed={"height": 3})),
        "lifter.changed: 'height' is no parameter",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_published_is_named(case: str, tmp_path: Path) -> None:
    record, message = WRONG[case]
    path = write_record(tmp_path, record)
    (found,) = problems(tmp_path)
    assert re.search(f"^{re.escape(str(path))}: {message}", found)


def test_intervals_that_are_those_of_the_clips_or_cannot_be_told(tmp_path: Path) -> None:
    elsewhere = replace(DRAWN.evaluator, distribution="elsewhere 1.0")
    parted = replace(DRAWN.metrics[0], low=41.0, high=43.5)  # clips of two actions may be parts of one take
    for record in (
        DRAWN,
        replace(DRAWN, evaluator=elsewhere, metrics=(replace(METRIC, value=42.0, low=41.99, high=42.01, n=2),)),
        replace(DRAWN, metrics=(parted,), clips=ClipFigures("frames", "40 44", "1 1", "0 1")),
    ):
        write_record(tmp_path, record)
        assert list(problems(tmp_path)) == []


def test_all_problems_are_named_not_the_first_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_record(tmp_path, GOOD)
    (tmp_path / "records" / "torn.json").write_text("{")
    moved = write_record(tmp_path, replace(GOOD, refiner=None))
    moved.rename(moved.with_name("elsewhere.json"))
    write_worst(tmp_path, replace(GOOD, dataset=replace(GOOD.dataset, name="gone")), WORST)
    (tmp_path / "reported").mkdir()
    (tmp_path / "reported" / "a.json").write_text("[]")
    assert main(["results", "validate", str(tmp_path)]) == 1
    shown = capsys.readouterr()
    assert "4 problems" in shown.err
    for part in ("torn.json: wanted JSON", "belongs at", "no record that it belongs to", "a.json: wanted an object"):
        assert part in shown.out


def test_costs_and_labels_are_read_too(tmp_path: Path) -> None:
    told = json.loads((RESULTS / "labels" / "lsp.json").read_text(encoding="utf-8"))
    found = Cost(GOOD.source, None, "cpu: toy", 1, 17, (Latency(1, 2.0, 1.0, 3.0, 9),), 12.5, 1.0, {})
    write_cost(tmp_path, found)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "lsp.json").write_text(json.dumps(told))
    assert list(problems(tmp_path)) == []
    write_cost(tmp_path, found).rename(tmp_path / "costs" / "b.json")
    (tmp_path / "costs" / "a.json").write_text("{}")
    for name, latencies in (("c", ()), ("d", (Latency(1, float("nan"), 1.0, 3.0, 9),))):
        (tmp_path / "costs" / f"{name}.json").write_bytes(dump(replace(found, latencies=latencies)))
    for name, change in (("x", {"kept": "many"}), ("y", {"people": 3})):
        (tmp_path / "labels" / f"{name}.json").write_text(json.dumps({**told, **change}))
    messages = [problem.removeprefix(f"{tmp_path}/") for problem in problems(tmp_path)]
    assert [message.partition(" ")[0] for message in messages] == [
        *(f"costs/{name}.json:" for name in "abcd"),
        *(f"labels/{name}.json:" for name in "xy"),
    ]
    assert messages[0] == "costs/a.json: schema: wanted 1, found null"
    assert messages[1].startswith(f"costs/b.json: what it says belongs at {tmp_path / 'costs' / 'stereo-'}")
    assert messages[2] == "costs/c.json: latencies: wanted one at least, found none"
    assert messages[3] == "costs/d.json: latencies[0]: wanted some time for some poses, found nan ms for 1 poses"
    assert messages[4] == 'labels/x.json: kept: wanted an integer, found "many"'
    assert messages[5].endswith("as the source has and the reasons add up to, found 3, 2000 and 2000")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["results", "validate", str(tmp_path / "nowhere")]) == 2
    assert "nowhere: no such results folder" in capsys.readouterr().err


# ---- the published schema ------------------------------------------------------------------------


def fits(document: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(schema_of(Record)).is_valid(document))


def test_the_published_schema_is_that_of_the_records(capsys: pytest.CaptureFixture[str]) -> None:
    jsonschema.Draft202012Validator.check_schema(schema_of(Record))
    assert main(["results", "schema"]) == 0
    assert SCHEMA_FILE.read_text(encoding="utf-8") == capsys.readouterr().out


READ_BUT_NO_DOCUMENT = ("not JSON", "truncated", "empty", "not UTF-8", "bare NaN", "too deep")


@pytest.mark.parametrize("case", [case for case in BAD if case not in READ_BUT_NO_DOCUMENT])
def test_what_the_reader_refuses_does_not_fit_the_schema(case: str, tmp_path: Path) -> None:
    path = write_record(tmp_path, RECORD)
    assert fits(json.loads(path.read_bytes()))
    assert not fits(json.loads(BAD[case][0](path.read_bytes())))


def test_what_the_reader_takes_fits_the_schema(tmp_path: Path) -> None:
    metric = Metric("MPJPE", float("nan"), "mm", "lower", low=float("-inf"))
    for record in (
        replace(RECORD, refiner=None, metrics=(), failure=Failure("E", "", "")),
        replace(RECORD, metrics=(metric,), clips=ClipFigures("frames", "1", "1", "0")),
    ):
        assert fits(plain(record))
        assert dump(read_record(write_record(tmp_path, record))) == dump(record)
    earlier = {key: value for key, value in plain(RECORD).items() if key != "clips"}
    assert fits(earlier)


def test_the_schema_says_what_each_key_means() -> None:
    described = schema_of(Record)
    for name, found in [("Record", described), *described["$defs"].items()]:
        for key, value in found.get("properties", {}).items():
            assert value.get("description") or name in ("DatasetUsed", "Failure"), f"{name}.{key}"


# ---- migration -----------------------------------------------------------------------------------


def older(root: Path, record: Record = RECORD, change: Callable[[Any], object] = lambda document: None) -> Path:
    """A record as version 0 had it, at its old place."""
    document = {key: value for key, value in plain(record).items() if key not in ("schema", "clips")}
    for part in ("source", "refiner", "evaluator"):
        if document[part]:
            del document[part]["trained"]
    change(document)
    path = root / "records" / record.evaluator.name / f"{record.source.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document))
    return path


def test_an_older_record_is_brought_to_its_new_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = older(tmp_path)
    current = write_record(tmp_path, replace(RECORD, refiner=None))
    before = current.stat().st_mtime_ns
    with pytest.raises(WrongDocument, match="schema: wanted 1, found null"):
        read_records(tmp_path)
    assert main(["results", "migrate", str(tmp_path)]) == 0
    untrained = replace(RECORD, source=replace(RECORD.source, trained={}))
    assert not path.exists()
    assert read_record(record_path(tmp_path, RECORD)) == untrained
    assert len(read_records(tmp_path)) == 2
    assert current.stat().st_mtime_ns == before, "what is up to date is left alone"
    assert f"{path} -> {record_path(tmp_path, RECORD)}" in capsys.readouterr().out
    assert migrate(tmp_path) == []


def test_a_version_says_how_to_be_brought_up_to_date(tmp_path: Path) -> None:
    older(tmp_path, change=lambda d: d.update(schema=0))
    with pytest.raises(WrongDocument, match=r"wanted 1, found 0; an older one: `benchsuite results migrate`"):
        read_records(tmp_path)


def test_nothing_is_rewritten_unless_all_can_be_read(tmp_path: Path) -> None:
    path = older(tmp_path)
    torn = path.with_name("torn.json")
    for content, message in (
        ("{", "torn.json: wanted JSON"),
        ('{"schema": 99}', "schema: wanted a version of 0 to 1, found 99"),
        ('{"schema": true}', "schema: wanted a version"),
        ('{"source": 3}', "key is missing"),
    ):
        torn.write_text(content)
        with pytest.raises(WrongDocument, match=message):
            migrate(tmp_path)
        assert path.exists()


def test_a_newer_record_of_the_cell_is_not_overwritten(tmp_path: Path) -> None:
    older(tmp_path)
    write_record(tmp_path, RECORD)
    with pytest.raises(WrongDocument, match=r"stereo\.json: there is a record at .* already"):
        migrate(tmp_path)
    assert read_record(record_path(tmp_path, RECORD)) == RECORD


def test_there_is_a_step_from_every_version() -> None:
    assert len(STEPS) == SCHEMA


# ---- what is published here ----------------------------------------------------------------------


def test_what_is_published_is_valid_and_fits_its_schema() -> None:
    assert list(problems(RESULTS)) == []
    validator = jsonschema.Draft202012Validator(json.loads(SCHEMA_FILE.read_text(encoding="utf-8")))
    for path in sorted((RESULTS / "records").rglob("*.json")):
        validator.validate(json.loads(path.read_text(encoding="utf-8")))


def replayable() -> list[Path]:
    """Published records that need neither plugins, data nor weights beyond those that come with the package."""
    found = []
    for path in sorted((RESULTS / "records").rglob("*.json")):
        record = read_record(path)
        parts = filter(None, (record.source, record.refiner, record.evaluator))
        ours = all(part.distribution.startswith("benchsuite ") for part in parts)
        if ours and record.dataset.name == "synthetic" and not record.source.changed:
            found.append(path)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("path", replayable(), ids=lambda path: path.stem)
def test_the_command_of_a_published_record_measures_it_again(path: Path, tmp_path: Path) -> None:
    published = read_record(path)
    words = shlex.split(published.provenance["command"])
    assert main([*words[1:], "-o", str(tmp_path)]) == 0
    (again,) = read_records(tmp_path)
    place = path.relative_to(RESULTS)
    assert record_path(tmp_path, again) == tmp_path / place, "another cell"
    assert [(m.name, m.group, m.unit, m.n) for m in again.metrics] == [
        (m.name, m.group, m.unit, m.n) for m in published.metrics
    ]
    for found, wanted in zip(again.metrics, published.metrics, strict=True):
        # a tenth of what the leaderboard prints: another processor adds up in another order
        assert found.value == pytest.approx(wanted.value, abs=1e-3), f"{wanted.name} {wanted.group}"
        assert found.low == pytest.approx(wanted.low, abs=1e-2)
    kept = worst_path(RESULTS, published)
    if kept.exists():
        found_worst, wanted_worst = read_worst(worst_path(tmp_path, again)), read_worst(kept)
        assert [s.value for s in found_worst.samples] == pytest.approx(
            [s.value for s in wanted_worst.samples], abs=1e-2
        )
