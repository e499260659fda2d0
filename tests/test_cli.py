"""The command line: what it prints where, and how it ends."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import toys
from shells import PLUGIN, Shell, rows

from benchsuite.cli import COMMANDS, REFUSALS
from benchsuite.cli.tables import escaped
from benchsuite.datasets.dataset import write_dataset
from benchsuite.records.results import read_records

HEAVY = ("torch", "mmengine", "sklearn", "scipy", "matplotlib", "tabulate", "tqdm")


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, capsys)


# run


def test_run_prints_a_table_and_writes_records(shell: Shell) -> None:
    refiners = ("--refiner", "none", "--refiner", "toy-back:back_mm=17")
    assert shell.run("--lifter", "toy:off_mm=34", "--lifter", "toy", *refiners) == 0
    title, protocol, *_ = shell.out.splitlines()
    assert title.startswith("toy-error on toy (test): 15 samples of 3 clips, fingerprint ")
    assert protocol == "protocol: fps=10.0, joints=17, keypoints=projected"
    assert rows(shell.out) == [
        ["method", "refiner", "toy error (mm) [95 % interval]", "n"],
        ["toy", "none", "0.00 [-1.00, 1.00]", "15"],
        ["toy", "toy-back:back_mm=17.0", "1.00 [0.00, 2.00]", "15"],
        ["toy:off_mm=34.0", "toy-back:back_mm=17.0", "1.00 [0.00, 2.00]", "15"],
        ["toy:off_mm=34.0", "none", "2.00 [1.00, 3.00]", "15"],
    ]
    assert shell.err == "", "no bar off a terminal"
    assert len(read_records(shell.results)) == 4


def test_run_takes_h36m_p1_and_synthetic_if_nothing_is_said(shell: Shell) -> None:
    assert shell("run", "--plugin", PLUGIN, "--lifter", "toy", "--limit", "20") == 0
    assert shell.out.startswith("h36m-p1 on synthetic (test): 20 samples of 20 clips")
    head, (method, refiner, _, _, n) = rows(shell.out)
    assert head == ["method", "refiner", *(f"{m} (mm) [95 % interval]" for m in ("MPJPE", "P-MPJPE")), "n"]
    assert (method, refiner, n) == ("toy", "none", "20")


def test_run_asks_only_for_what_is_named(shell: Shell) -> None:
    assert shell.run("--lifter", "toy", "--refiner", "toy-back") == 0
    assert [row[:2] for row in rows(shell.out)[1:]] == [["toy", "toy-back"]]


def test_run_measures_the_same_once(shell: Shell) -> None:
    assert shell.run("--lifter", "toy", "--lifter", "toy:off_mm=0", "--dataset", "toy") == 0
    assert len(rows(shell.out)) == 2


def test_run_json_is_the_records_whatever_methods_print(shell: Shell) -> None:
    assert shell.run("--lifter", "toy:does=prints", "--json") == 0
    (record,) = json.loads(shell.out)
    (file,) = (shell.results / "records").rglob("*.json")
    assert record == json.loads(file.read_text())
    assert "a method talks" in shell.err


def test_run_resumes(shell: Shell) -> None:
    shell.run("--lifter", "toy:off_mm=34")
    before = {file: file.stat().st_mtime_ns for file in shell.results.rglob("*.json")}
    assert shell.run("--lifter", "toy:off_mm=34", "--lifter", "toy") == 0
    assert shell.err == "already in results: 1 of the cells; --fresh measures them again\n"
    assert [row[0] for row in rows(shell.out)[1:]] == ["toy", "toy:off_mm=34.0"]
    assert {file: file.stat().st_mtime_ns for file in before} == before
    shell.run("--lifter", "toy:off_mm=34", "--fresh")
    assert shell.err == ""
    assert {file: file.stat().st_mtime_ns for file in before} != before


def test_run_goes_on_after_a_failure(shell: Shell) -> None:
    assert shell.run("--lifter", "toy:does=raises", "--lifter", "toy:off_mm=34") == 1
    assert rows(shell.out)[1:] == [
        ["toy:off_mm=34.0", "none", "2.00 [1.00, 3.00]", "15"],
        ["toy:does=raises", "none", "failed", "-"],
    ]
    line = next(
        k for k, text in enumerate(Path(PLUGIN).read_text().splitlines(), 1) if 'ValueError("no | today")' in text
    )
    failed, where = shell.err.splitlines()
    said = "ValueError: lifter toy:does=raises: no | today"
    assert failed == f"failed: toy:does=raises on toy by toy-error: {said} (toys.py:{line})"
    assert where == "whole tracebacks: failure.traceback of the records"


def test_run_prints_a_table_though_everything_failed(shell: Shell) -> None:
    assert shell.run("--lifter", "toy:does=raises") == 1
    assert rows(shell.out)[1:] == [["toy:does=raises", "none", "failed", "-"]]


def test_run_interrupted_keeps_finished_cells(shell: Shell) -> None:
    assert shell.run("--lifter", "toy:off_mm=34", "--lifter", "toy:does=interrupts", "--lifter", "toy") == 130
    assert shell.err == "interrupted; cells that are finished and stay in results: 1\n"
    assert [row[0] for row in rows(shell.out)[1:]] == ["toy:off_mm=34.0"]
    assert [record.source.changed for record in read_records(shell.results)] == [{"off_mm": 34.0}]


def test_run_prints_what_it_cannot_write(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchsuite.documents import CannotWrite
    from benchsuite.running import runner

    def full(root: Path, record: Any) -> Path:
        raise CannotWrite(f"{root}: No space left on device")

    monkeypatch.setattr(runner, "write_record", full)
    assert shell.run("--lifter", "toy:off_mm=34", "--lifter", "toy") == 1
    assert "error: results: No space left on device" in shell.err
    assert [row[2] for row in rows(shell.out)[1:]] == ["2.00 [1.00, 3.00]"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--lifter", "toi"), "unknown lifter 'toi'; did you mean toy?; known: "),
        (("--lifter", "toy", "--refiner", "toyback"), "unknown refiner 'toyback'; did you mean toy-back?"),
        (("--lifter", "toy", "--evaluator", "toy-eror"), "unknown evaluator 'toy-eror'; did you mean toy-error?"),
        (("--image-model", "toy"), "unknown image model 'toy'; known: "),
        (("--lifter", "toy:of_mm=3"), "lifter toy: unknown parameter 'of_mm'; did you mean off_mm?"),
        (("--lifter", "toy:off_mm=far"), "lifter toy: parameter off_mm: wanted a number, found 'far'"),
        (("--lifter", "toy:does=nothing"), "lifter toy: parameter does: wanted one of well, raises, "),
        (("--lifter", "toy:off_mm"), "toy: wanted key=value after the colon, found 'off_mm'"),
        (("--lifter", "toy", "--dataset", "synthtic"), "dataset 'synthtic': wanted synthetic or a dataset folder; did"),
        (("--lifter", "toy", "--dataset", "."), ".: wanted a dataset.json or a folder 'test' with one"),
        (("--lifter", "toy", "-o", "toy/uv.npy"), "results folder toy/uv.npy takes no records: "),
        (("--lifter", "toy-clips", "--limit", "3"), "lifter toy-clips needs whole clips"),
        (("--lifter", "toy", "--limit", "0"), "argument --limit: wanted a whole number of 1 or more, found '0'"),
        (("--lifter", "toy", "--seed", "-1"), "argument --seed: wanted a whole number of 0 or more, found '-1'"),
        (("--lifter", "toy", "--plugin", "no.py"), "error: --plugin no.py: wanted a Python file, found none"),
        ((), "wanted a --lifter or an --image-model; lifters: "),
    ],
)
def test_run_refuses_before_any_work(words: tuple[str, ...], message: str, shell: Shell) -> None:
    assert shell.run(*words) == 2
    assert message in shell.err
    assert shell.out == ""
    assert read_records(shell.results) == ()


def test_run_refuses_a_changed_dataset(shell: Shell) -> None:
    column = np.load("toy/uv.npy")
    np.save("toy/uv.npy", column + 1)
    assert shell.run("--lifter", "toy") == 2
    assert "uv.npy: sha256 differs from dataset.json" in shell.err


def test_run_refuses_an_empty_dataset(shell: Shell) -> None:
    empty = toys.toy_dataset(0)
    write_dataset(Path("empty"), empty.about, empty.columns, empty.clips)
    assert shell.run("--lifter", "toy", "--dataset", "empty") == 2
    assert shell.err == "benchsuite run: error: dataset empty has no samples\n"


def test_run_refuses_a_device_that_is_not_there(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert shell.run("--lifter", "toy", "--device", "cuda") == 2
    assert shell.err == "benchsuite run: error: device cuda: there is no CUDA device here\n"


def test_a_broken_plugin_is_named_and_stops_nobody(shell: Shell) -> None:
    Path("broken.py").write_text("import nothing_of_this_name\n")
    warning = "warning: plugin 'broken' of file broken.py could not be loaded: ModuleNotFoundError"
    assert shell.run("--lifter", "toy", "--plugin", "broken.py") == 0
    assert shell.err.count(warning) == 1
    assert shell("list", "plugins", "--plugin", "broken.py") == 0
    assert shell.err.count(warning) == 1
    assert "broken" in shell.out
    assert "broken: ModuleNotFoundError: No module named 'nothing_of_this_name'" in shell.out


def test_the_command_in_a_record_replays_it(shell: Shell) -> None:
    shell.run("--lifter", "toy:off_mm=34", "--refiner", "toy-back:back_mm=17", "--seed", "3", "--limit", "7")
    (first,) = read_records(shell.results)
    command: str = first.provenance["command"]
    assert command.endswith(" --plugin toys.py")
    words = command.removesuffix("toys.py").split()
    assert shell(*words[1:], PLUGIN, "-o", "again") == 0
    (second,) = read_records(Path("again"))
    assert second.metrics == first.metrics
    assert second.provenance["command"] == command
    assert (second.source, second.refiner, second.dataset) == (first.source, first.refiner, first.dataset)


# list and describe


def test_list_shows_every_kind(shell: Shell) -> None:
    assert shell("list", "--plugin", PLUGIN) == 0
    kinds = [line.partition(":")[0] for line in shell.out.splitlines() if not line.startswith(" ")]
    assert kinds == ["lifters", "refiners", "image-models", "evaluators", "datasets", "plugins"]
    assert any(
        line.split() == ["toy-back", "moves", "one", "joint", "back", "file", "toys.py"] for line in _short(shell.out)
    )
    assert any(line.startswith("  h36m-p1 ") for line in shell.out.splitlines())


def _short(out: str) -> list[str]:
    return [line.replace(PLUGIN, "toys.py") for line in out.splitlines()]


def test_list_json_of_one_kind(shell: Shell) -> None:
    assert shell("list", "refiners", "--plugin", PLUGIN, "--json") == 0
    (toy,) = (entry for entry in json.loads(shell.out)["refiners"] if entry["name"] == "toy-back")
    assert toy == {"name": "toy-back", "summary": "moves one joint back", "from": f"file {PLUGIN}"}


def test_list_refuses_another_kind(shell: Shell) -> None:
    assert shell("list", "lifter") == 2
    assert "invalid choice: 'lifter'" in shell.err


def test_describe_says_all(shell: Shell) -> None:
    assert shell("describe", "toy", "--plugin", PLUGIN) == 0
    assert _short(shell.out) == [
        "toy (lifter): the true pose, one joint off",
        "reference: nobody 1999",
        "from: file toys.py",
        "takes: samples",
        "",
        "parameters:",
        "  off_mm (float, default 0.0): how far the right hip is off, mm",
        "  does (well|raises|exits|interrupts|breaks|spoils|draws|camera|short|shuffled|array|shape|nan|prints, "
        "default well): how it behaves",
    ]


def test_describe_json(shell: Shell) -> None:
    assert shell("describe", "toy-back", "--plugin", PLUGIN, "--json") == 0
    (toy,) = json.loads(shell.out)
    assert toy["kind"] == "refiner"
    assert toy["parameters"][0] == {"name": "back_mm", "type": "float", "default": 0.0, "choices": [], "help": "mm"}


def test_describe_a_dataset(shell: Shell) -> None:
    assert shell("describe", "synthetic") == 0
    assert shell.out.startswith("synthetic (dataset): ")


def test_describe_offers_near_names(shell: Shell) -> None:
    assert shell("describe", "toy-bak", "--plugin", PLUGIN) == 2
    assert "unknown name 'toy-bak'; did you mean toy-back" in shell.err


# the whole


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there(name: str, shell: Shell) -> None:
    module = importlib.import_module(f"benchsuite.cli.{COMMANDS[name][0]}")
    assert module.HELP
    assert shell(name, "--help") == 0
    assert shell.out.startswith(f"usage: benchsuite {name} ")


def test_help_lists_all_commands(shell: Shell) -> None:
    assert shell("--help") == 0
    for name, (_, text) in COMMANDS.items():
        assert f"\n    {name} " in shell.out or f"\n    {name}\n" in shell.out
        assert text in shell.out


def test_an_unknown_command_is_answered_with_a_near_one(shell: Shell) -> None:
    assert shell("rnu") == 2
    assert "unknown command 'rnu'; did you mean run?" in shell.err


def test_a_file_that_does_not_open_is_no_traceback(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchsuite.cli import listing

    monkeypatch.setattr(listing, "registries", lambda args: Path("no/such/file").read_text())
    assert shell("list") == 2
    assert shell.err == "benchsuite list: error: [Errno 2] No such file or directory: 'no/such/file'\n"


def test_nothing_asked_is_a_usage_error(shell: Shell) -> None:
    assert shell() == 2
    assert "required: COMMAND" in shell.err


RESULTS = str(Path(__file__).parents[1] / "results")


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        *((words.split(), HEAVY) for words in ("--help", "list", "list --json", "describe h36m-p1", "run --help")),
        (["leaderboard", "--check", "-r", RESULTS], ("torch", "sklearn", "scipy")),
        (["results", "validate", RESULTS], HEAVY),
    ],
)
def test_nothing_heavy_is_imported_for(words: list[str], heavy: tuple[str, ...]) -> None:
    code = f"""
import sys
from benchsuite.cli import main
try:
    main({words!r})
except SystemExit:
    pass
print("heavy:", *(name for name in {heavy!r} if name in sys.modules))
"""
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "heavy:"


@pytest.mark.parametrize(("module", "name"), [(m, name) for m, names in REFUSALS.items() for name in names])
def test_errors_that_are_told_in_a_line_lie_where_they_are_looked_for(module: str, name: str) -> None:
    error = getattr(importlib.import_module(module), name)
    assert issubclass(error, Exception)
    assert error.__module__ == module


def test_as_a_module() -> None:
    done = subprocess.run((sys.executable, "-m", "benchsuite", "--version"), capture_output=True, text=True, check=True)
    assert done.stdout.startswith("benchsuite 0.")


def test_a_reader_who_leaves_early_is_no_error() -> None:
    command = (sys.executable, "-m", "benchsuite", "list")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_cells_cannot_break_a_table() -> None:
    assert escaped("a|b\nc") == "a\\|b c"
