"""Killed, out of disk, in odd places: no finished cell is lost, and no half-written record is ever read."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.context import ForkProcess
from pathlib import Path

import pytest
import rowdies
from matrices import matrix, run
from shells import dataset_in, timeless

from benchsuite.cli import main
from benchsuite.documents import CannotWrite, sweep
from benchsuite.records.results import read_records
from benchsuite.running.runner import Runner, Unwritten

FILE = Path(rowdies.__file__)
MANY = [f"--lifter=rowdy:off_mm={mm},seconds=0.01" for mm in range(6)] + ["--refiner=none", "--refiner=rowdy-back"]
CELLS = 24
"""Six sources, bare and refined, by two evaluators."""


def words(place: Path, results: Path) -> list[str]:
    """The command of a run of 24 cells."""
    evaluators = ["--evaluator", "rowdy-error", "--evaluator", "rowdy-error:deed=edits"]
    asked = ["run", "--plugin", str(FILE), "--dataset", str(place / "toy"), "--batch", "4", "-o", str(results)]
    return [*asked, *MANY, *evaluators]


def begin(place: Path, results: Path, *more: str) -> ForkProcess:
    """The run in a process of its own. It is forked, for importing torch would take longer than the run."""

    def child() -> None:
        with results.with_name(f"said of {results.name}").open("a") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
            sys.stdout = sys.stderr = said
            try:
                code = main([*words(place, results), *more])
            except BaseException:
                traceback.print_exc()
                code = 99
            said.flush()
            os._exit(code)

    process = get_context("fork").Process(target=child)
    process.start()
    return process


def ended(process: ForkProcess) -> int | None:
    process.join(300)
    return process.exitcode


@pytest.fixture
def undisturbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, float]:
    """A folder with a dataset, and one run's ``results`` in it; how long that took."""
    # others may commit meanwhile
    monkeypatch.setattr("benchsuite.running.matrix.environment", lambda device: {"git": None})
    dataset_in(tmp_path / "toy")
    assert main(words(tmp_path, tmp_path / "results")) == 0  # here, so that forks find everything imported
    assert len(read_records(tmp_path / "results")) == CELLS
    start = time.monotonic()
    assert ended(begin(tmp_path, tmp_path / "again")) == 0
    assert timeless(tmp_path / "again") == timeless(tmp_path / "results")
    return tmp_path, time.monotonic() - start


def kill_at_random(place: Path, seconds: float, kills: int, *more: str) -> list[int]:
    """Kill a run, end it with another, time and again; how many cells were finished at each kill."""
    wanted, rng, finished = timeless(place / "results"), random.Random(0), []
    for number in range(kills):
        results = place / f"killed {number}"
        process = begin(place, results, *more)
        process.join(rng.uniform(0, seconds))
        process.kill()
        assert ended(process) in (-9, 0)
        there = {path: path.stat().st_mtime_ns for path in (results / "records").rglob("*.json")}
        assert len(read_records(results)) == len(there)
        finished.append(len(there))
        assert ended(begin(place, results, *more)) == 0, results.with_name(f"said of {results.name}").read_text()
        assert timeless(results) == wanted
        assert {path: path.stat().st_mtime_ns for path in there} == there, "a finished cell was measured again"
    return finished


@pytest.mark.parametrize("kills", [5, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(3600)])])
def test_killed_at_random_moments(kills: int, undisturbed: tuple[Path, float]) -> None:
    finished = kill_at_random(*undisturbed, kills)
    print(f"finished at each kill: {finished}")
    assert any(0 < count < CELLS for count in finished)


@pytest.mark.slow
def test_killed_at_random_moments_with_workers(undisturbed: tuple[Path, float]) -> None:
    place, _ = undisturbed
    start = time.monotonic()
    assert ended(begin(place, place / "once", "--jobs", "2")) == 0
    assert timeless(place / "once") == timeless(place / "results")
    print(f"finished at each kill: {kill_at_random(place, time.monotonic() - start, 3, '--jobs', '2')}")


def test_two_runs_in_one_folder(undisturbed: tuple[Path, float]) -> None:
    place, seconds = undisturbed
    first = begin(place, place / "both")
    time.sleep(seconds / 3)
    second, third = begin(place, place / "both"), begin(place, place / "both", "--fresh")
    assert [ended(process) for process in (first, second, third)] == [0, 0, 0]
    assert timeless(place / "both") == timeless(place / "results")


def test_what_another_run_finished_by_now_is_taken_as_it_is(tmp_path: Path) -> None:
    late = Runner(matrix("toy", refiners=(None, "toy-back")), tmp_path)
    (early,) = run(matrix("toy"), tmp_path)
    found, measured = late.ordered(late.measure())
    assert found == early
    assert measured.refiner


def test_a_record_that_another_run_deletes_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(matrix("toy", "toy:does=raises"), tmp_path)
    gone = next(path for path in (tmp_path / "records").rglob("*.json") if '"failure": {' in path.read_text())
    read_text = Path.read_text

    def vanishing(path: Path, *args: object, **more: object) -> str:
        if path == gone:
            path.unlink()
        return read_text(path, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", vanishing)
    assert [record.source.changed for record in read_records(tmp_path)] == [{}]


# Disks


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    place.mkdir()
    if subprocess.run(("mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place), capture_output=True).returncode:
        pytest.skip("only root may mount a file system")
    try:
        yield place
    finally:
        subprocess.run(("umount", place), check=True)


def test_a_disk_that_is_full_by_now(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as disk:
        runner = Runner(matrix("toy:off_mm=34", "toy"), disk)
        (first,) = runner.run(runner.passes[0])
        filler = disk / "filler"
        with pytest.raises(OSError, match="No space"):
            filler.write_bytes(bytes(1 << 20))
        with pytest.raises(Unwritten, match="No space left") as caught:
            runner.run(runner.passes[1])
        assert len(caught.value.records) == 1
        assert read_records(disk) == (first,)
        assert list(disk.rglob("*.partial")) == []
        with pytest.raises(CannotWrite, match="takes no records"):
            Runner(matrix("toy"), disk)
        filler.unlink()
        again = Runner(matrix("toy:off_mm=34", "toy"), disk)
        assert [len(one.missing) for one in again.passes] == [0, 1]


def test_a_disk_that_may_only_be_read(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small") as disk:
        run(matrix("toy"), disk)
        subprocess.run(("mount", "-o", "remount,ro", disk), check=True)
        with pytest.raises(CannotWrite, match=f"results folder {disk} takes no records.*Read-only"):
            Runner(matrix("toy:off_mm=34"), disk)
        assert [len(one.kept) for one in Runner(matrix("toy"), disk).passes] == [1], "nothing has to be written"
        assert len(read_records(disk)) == 1


# Clocks and places


def test_a_clock_that_goes_backwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [4e9]

    def backwards() -> float:
        now[0] -= 1e6
        return now[0]

    monkeypatch.setattr(time, "time", backwards)
    run(matrix("toy"), tmp_path)
    for path in (tmp_path / "records").rglob("*.json"):
        os.utime(path, (4e9, 4e9))  # written in 2096
    runner = Runner(matrix("toy", "toy:off_mm=34"), tmp_path)
    assert [len(one.missing) for one in runner.passes] == [0, 1]
    (record,) = runner.measure()
    assert 0 <= record.provenance["seconds"] < 100


def test_what_killed_runs_left_is_swept_away_an_hour_later(tmp_path: Path) -> None:
    now = tmp_path / "now"
    now.touch()
    moment = now.stat().st_mtime
    ages = {"fresh": 0, "old": 3700, "from the future": -1e6}
    for name, age in ages.items():
        path = tmp_path / "records" / f".{name}.json.7.partial"
        path.parent.mkdir(exist_ok=True)
        path.touch()
        os.utime(path, (moment - age, moment - age))
    sweep(tmp_path, now)
    assert {path.name for path in (tmp_path / "records").iterdir()} == {
        ".fresh.json.7.partial",
        ".from the future.json.7.partial",
    }


@pytest.mark.parametrize("name", ["with a blank", "Ümläut 骨 \N{BONE}", os.fsdecode(b"latin\xe9"), "100%{x}'\"$(ls)"])
def test_odd_places(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # as it is outside of tests
    dataset_in(tmp_path / name)
    results = tmp_path / name / "re sults"
    words = ["run", "--plugin", str(FILE), "--lifter", "rowdy", "--evaluator", "rowdy-error"]
    for _ in range(2):
        assert main([*words, "--dataset", str(tmp_path / name), "-o", str(results)]) == 0
    assert "1 of the cells" in capsys.readouterr().err
    (record,) = read_records(results)
    assert record.provenance["command"].count(str(tmp_path)) == 0
