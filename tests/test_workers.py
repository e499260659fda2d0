"""Runs in processes of their own: the same numbers, and whoever ruins his process ruins his own cells alone."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import rowdies
import toys
from benchsuite_registry.loading import load_registries
from matrices import failure
from shells import dataset_in, timeless

from benchsuite.datasets.dataset import open_dataset
from benchsuite.records.results import Record, read_records
from benchsuite.running.matrix import Matrix
from benchsuite.running.pipeline import Settings
from benchsuite.running.runner import Runner
from benchsuite.running.stdout import aside
from benchsuite.running.workers import Limits

FILES = (Path(rowdies.__file__),)
PATIENT = Limits(2)


def rowdy(
    place: Path | None,
    *sources: str,
    refiners: tuple[str | None, ...] = (None,),
    evaluators: tuple[str, ...] = ("rowdy-error",),
    **more: Any,
) -> Matrix:
    known = load_registries(FILES)
    return Matrix(
        tuple(known.lifters.parse(s) for s in sources),
        tuple(known.refiners.parse(r) if r else None for r in refiners),
        tuple(known.evaluators.parse(e) for e in evaluators),
        (("toy", open_dataset(place) if place else toys.toy_dataset()),),
        **{"settings": Settings(batch=4), **more},
    )


def run_apart(asked: Matrix, results: Path, limits: Limits = PATIENT) -> list[Record]:
    runner = Runner(asked, results, apart=limits)
    return runner.ordered(runner.measure())


@pytest.mark.parametrize(("on_disk", "limit"), [(True, None), (False, 7)], ids=["folder", "memory, limited"])
def test_records_are_the_same_byte_for_byte(on_disk: bool, limit: int | None, tmp_path: Path) -> None:
    place = dataset_in(tmp_path / "toy") if on_disk else None
    asked = rowdy(
        place,
        "rowdy:off_mm=34,deed=edits",
        "rowdy:off_mm=17,deed=raises",
        refiners=(None, "rowdy-back:back_mm=17,deed=threads"),
        limit=limit,
    )
    here = Runner(asked, tmp_path / "here")
    by_order = here.ordered(here.measure())
    apart = run_apart(asked, tmp_path / "apart")
    assert [r.source.changed for r in apart] == [r.source.changed for r in by_order]
    assert timeless(tmp_path / "apart") == timeless(tmp_path / "here")
    assert len(timeless(tmp_path / "here")) == 4 + 2  # two cells have worst poses too


DEADLY = {
    "hangs": ("TimedOut", r"{who}: timed out after 3 s"),
    "hogs": ("OutOfMemory", r"{who}: Unable to allocate 1.00 TiB.*limit: 20 GB."),
    "faults": ("Killed", r"{who}: killed by signal 11 \(SIGSEGV\)"),
    "leaves": ("Exited", r"{who}: exited with code 3"),
    "leaves-quietly": ("Exited", r"{who}: exited with code 0"),
    "interrupts": ("KeyboardInterrupt", r"{who}"),
    "strange": ("Strange", "{who}: odd"),
}


@pytest.mark.parametrize(
    "deeds",
    [("hangs", "faults"), pytest.param(tuple(set(DEADLY) - {"hangs", "faults"}), marks=pytest.mark.slow)],
    ids=["two", "the others"],
)
def test_who_ruins_his_process_ruins_his_own_cells_alone(
    deeds: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """All stand in one pass, between a bare source and a good refiner."""
    asked = rowdy(
        dataset_in(tmp_path / "toy"),
        "rowdy:off_mm=34",
        refiners=(None, *(f"rowdy-back:deed={deed}" for deed in deeds), "rowdy-back:back_mm=17"),
    )
    bare, *failed, refined = run_apart(asked, tmp_path / "results", Limits(2, timeout_s=3, memory_gb=20))
    said = capfd.readouterr()
    assert (bare.metrics[0].value, refined.metrics[0].value) == pytest.approx((2, 1), abs=1e-4)
    for deed, record in zip(deeds, failed, strict=True):
        kind, message = DEADLY[deed]
        found = failure(record)
        assert found[0] == kind
        assert re.fullmatch(message.format(who=f"refiner rowdy-back:deed={deed}"), found[1])
        if deed in ("hangs", "faults"):
            assert record.failure
            assert "rowdies.py" in record.failure.traceback, "it must say where it was"
            assert "/tests/" not in record.failure.traceback
            assert f"last words before it {deed}\n" in said.err
            assert not said.out
    assert len(read_records(tmp_path / "results")) == len(deeds) + 2


def test_an_evaluator_that_ruins_the_process_that_asks_for_its_protocol(tmp_path: Path) -> None:
    asked = ("rowdy-error:deed=faults,at=protocol", "rowdy-error", "rowdy-error:deed=leaves")
    faults, well, leaves = run_apart(rowdy(None, "rowdy:off_mm=34", evaluators=asked), tmp_path)
    assert well.metrics[0].value == pytest.approx(2, abs=1e-4)
    assert failure(faults)[1].startswith("evaluator rowdy-error:deed=faults,at=protocol: killed by signal 11")
    assert failure(leaves)[1] == "evaluator rowdy-error:deed=leaves: exited with code 3"


@pytest.mark.parametrize(
    ("deed", "remark"),
    [
        ("threads", "changed the number of threads"),
        ("dtype", "changed torch's default dtype"),
        ("folder", "changed the current folder"),
        ("environment", "changed the environment"),
        ("reseeds", "changed the seed"),
        ("reseeds-numpy", "changed the seed"),
        ("reseeds-random", "changed the seed"),
        ("prints", "printed to stdout"),
        ("prints-below", "printed to stdout"),
        ("edits", "changed its input"),
        ("edits-camera", "changed its input"),
        ("edits-clip", "changed its input"),
    ],
)
def test_who_meddles_is_named_and_changes_nothing(deed: str, remark: str, tmp_path: Path) -> None:
    refiners = (f"rowdy-back:back_mm=17,deed={deed}", "rowdy-back:back_mm=17", None)
    runner = Runner(rowdy(None, "rowdy:off_mm=34", "rowdy:off_mm=34,deed=" + deed, refiners=refiners), tmp_path)
    environment = dict(os.environ)
    with aside():  # as all commands do
        records = runner.ordered(runner.measure())
    assert os.environ == environment
    assert [r.metrics[0].value for r in records] == pytest.approx([1, 1, 2, 1, 1, 2], abs=1e-4)
    by_refiner, by_source = f"refiner {refiners[0]} {remark}", f"lifter rowdy:off_mm=34.0,deed={deed} {remark}"
    by_refiner = by_refiner.replace("=17,", "=17.0,")
    told = [r.provenance.get("remarks") for r in records]
    assert told == [[by_refiner], None, None, [by_source, by_refiner], [by_source], [by_source]]


@pytest.mark.parametrize("deed", ["edits", "edits-target"])
def test_an_evaluator_that_edits_what_it_scores_is_named(deed: str, tmp_path: Path) -> None:
    asked = (f"rowdy-error:deed={deed}", "rowdy-error")
    for evaluators in (asked, asked[:1]):  # alone it is handed what nobody else needs
        runner = Runner(rowdy(None, "rowdy:off_mm=34", evaluators=evaluators), tmp_path, fresh=True)
        edits, *well = runner.ordered(runner.measure())
        assert edits.provenance["remarks"] == [f"evaluator rowdy-error:deed={deed} changed its input"]
        for record in (edits, *well):
            assert record.metrics[0].value == pytest.approx(2, abs=1e-4)
        assert not any("remarks" in record.provenance for record in well)


def command(place: Path, *words: str) -> list[str]:
    plugin = ["--plugin", str(FILES[0]), "--dataset", str(place / "toy"), "--evaluator", "rowdy-error"]
    return [sys.executable, "-m", "benchsuite", "run", *plugin, "-o", str(place / "results"), *words]


def shell(place: Path) -> dict[str, Any]:
    return {"env": {**os.environ, "PYTHONPATH": str(FILES[0].parent)}, "cwd": place, "text": True}


def test_the_command_keeps_stdout_to_itself_and_names_who_failed(tmp_path: Path) -> None:
    place = tmp_path / "mit Leerzeichen und Ümläuten 骨"
    dataset_in(place / "toy")
    deeds = ("prints-below", "leaves", "lingers")
    words = ("--json", "--jobs", "2", *(f"--lifter=rowdy:deed={deed}" for deed in deeds))
    done = subprocess.run(command(place, *words), capture_output=True, **shell(place))
    assert done.returncode == 1
    records = json.loads(done.stdout)
    assert [r["source"]["changed"] for r in records] == [{"deed": deed} for deed in deeds]
    talk = [[f"lifter rowdy:deed={deed} printed to stdout"] for deed in deeds]
    assert [r["provenance"].get("remarks") for r in records] == [talk[0], None, talk[2]]
    assert "hello from below" in done.stderr
    failed = "failed: rowdy:deed=leaves on toy by rowdy-error: Exited: lifter rowdy:deed=leaves: exited with code 3"
    assert failed in done.stderr
    assert len(read_records(place / "results")) == 3
    for child in re.findall(r"started (\d+)", done.stderr):
        until(lambda child=child: not alive(int(child)))


def test_ctrl_c_ends_the_workers_and_keeps_what_is_finished(tmp_path: Path) -> None:
    dataset_in(tmp_path / "toy")
    words = ("--lifter", "rowdy", "--lifter", "rowdy:deed=hangs", "--jobs", "1")
    running = subprocess.Popen(
        command(tmp_path, *words),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # whoever tests may ignore it
        **shell(tmp_path),
    )
    until(lambda: list((tmp_path / "results").rglob("rowdy-*.json")))
    until(lambda: children(running.pid))
    (worker,) = children(running.pid)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted; cells that are finished and stay in" in said
    until(lambda: not alive(worker))
    assert [r.source.changed for r in read_records(tmp_path / "results")] == [{}]


def test_workers_die_with_whoever_sent_them(tmp_path: Path) -> None:
    dataset_in(tmp_path / "toy")
    words = ("--lifter", "rowdy:deed=hangs", "--jobs", "1")
    running = subprocess.Popen(
        command(tmp_path, *words), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **shell(tmp_path)
    )
    until(lambda: children(running.pid))
    (worker,) = children(running.pid)
    running.kill()
    running.wait()
    until(lambda: not alive(worker))


def until(true: Any, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """Of any of its threads."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for thread in threads for word in thread.read_text().split()]


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
