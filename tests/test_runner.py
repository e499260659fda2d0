"""The runner: every cell of the matrix is measured once, kept, and fails alone."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
import torch
import toys
from benchsuite_registry.checkpoints import save_checkpoint, sha256
from benchsuite_registry.contracts import Entry, Parameter
from benchsuite_registry.registries import Origin, Registries
from matrices import failure, matrix, run

from benchsuite.documents import CannotWrite, WrongDocument
from benchsuite.records.results import read_records
from benchsuite.running.matrix import WrongRun
from benchsuite.running.pipeline import Settings
from benchsuite.running.runner import Runner, Unwritten


@pytest.fixture(autouse=True)
def _no_calls_yet() -> None:
    toys.CALLS.clear()


def test_a_second_run_measures_only_what_is_missing(tmp_path: Path) -> None:
    first = run(matrix("toy"), tmp_path)
    toys.CALLS.clear()
    assert run(matrix("toy"), tmp_path) == first
    assert toys.CALLS == []
    both = run(matrix("toy", refiners=(None, "toy-back")), tmp_path)
    assert both[:1] == first
    assert {name for name, _ in toys.CALLS} == {"lifter:well", "refiner:well", "evaluator:well"}
    assert sum(count for name, count in toys.CALLS if name.startswith("evaluator")) == 15  # the refined cell alone


@pytest.mark.parametrize(
    "other",
    [
        {"sources": ("toy:off_mm=1",)},
        {"evaluators": ("toy-error:does=spoils",)},
        {"datasets": (("toy", toys.toy_dataset(2)),)},
        {"settings": Settings(seed=1)},
        {"refiners": ("toy-back",)},
    ],
    ids=lambda other: next(iter(other)),
)
def test_another_cell_is_not_taken_for_the_one_that_is_there(other: dict[str, Any], tmp_path: Path) -> None:
    run(matrix("toy"), tmp_path)
    more = dict(other)
    runner = Runner(matrix(*more.pop("sources", ("toy",)), **more), tmp_path)
    assert [(len(one.kept), len(one.missing)) for one in runner.passes] == [(0, 1)]


def test_fresh_measures_again(tmp_path: Path) -> None:
    run(matrix("toy"), tmp_path)
    toys.CALLS.clear()
    run(matrix("toy"), tmp_path, fresh=True)
    assert sum(count for name, count in toys.CALLS if name.startswith("lifter")) == 15
    assert len(read_records(tmp_path)) == 1


def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    run(matrix("toy:does=raises"), tmp_path)
    toys.CALLS.clear()
    run(matrix("toy:does=raises"), tmp_path)
    assert toys.CALLS == [("lifter:raises", 4)]
    assert len(read_records(tmp_path)) == 1


def trained_lifter(path: Path) -> Registries:
    """Registries with a lifter that has weights at ``path`` and needs them."""

    def build(weights: str) -> toys.ToyLifter:
        assert path.is_file(), f"no weights at {path}"
        return toys.ToyLifter()

    known = toys.toy_registries()
    parameters = {"weights": Parameter("", "file")}
    known.lifters.register(
        Entry("trained", build, "has weights", parameters=parameters, checkpoint=lambda _: path), Origin("toys", "1.0")
    )
    return known


def test_weights_are_told_and_make_another_cell(tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    known = trained_lifter(weights)
    results = tmp_path / "results"
    (failed,) = run(matrix("trained", known=known), results)
    assert failure(failed)[0] == "AssertionError"

    about = {
        "method": "trained",
        "recipe": "short",
        "seed": 5,
        "command": "benchsuite train",
        "stages": {"long": "story"},
    }
    save_checkpoint(weights, {"w": torch.zeros(2)}, about)
    (record,) = run(matrix("trained", known=known), results)
    assert record.source.weights == sha256(weights)
    assert record.source.trained == {"recipe": "short", "seed": 5, "command": "benchsuite train"}
    assert read_records(results) == (record,), "the failure is out of date and must be gone"

    save_checkpoint(weights, {"w": torch.ones(2)}, about)
    run(matrix("trained", known=known), results)
    assert len({r.source.weights for r in read_records(results)}) == 2


def test_weights_that_cannot_be_told_are_refused_before_any_work(tmp_path: Path) -> None:
    def nowhere(_: Any) -> Path:
        raise RuntimeError("no such recipe")

    known = toys.toy_registries()
    known.lifters.register(Entry("broken", toys.ToyLifter, "", checkpoint=nowhere), Origin("toys", "1.0"))
    with pytest.raises(WrongRun, match="lifter broken: its weights cannot be told: no such recipe"):
        run(matrix("toy", "broken", known=known), tmp_path)
    assert toys.CALLS == []


def test_ctrl_c_keeps_what_is_finished(tmp_path: Path) -> None:
    runner = Runner(matrix("toy", "toy:does=interrupts"), tmp_path)
    finished = runner.run(runner.passes[0])
    with pytest.raises(KeyboardInterrupt):
        runner.run(runner.passes[1])
    assert read_records(tmp_path) == finished


@pytest.mark.parametrize("place", ["a file", "under a file", "/proc/no-such-folder"])
def test_a_folder_that_takes_no_results_is_named_before_any_work(place: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("in the way")
    results = {"a file": file, "under a file": file / "results"}.get(place, Path(place))
    with pytest.raises(CannotWrite, match=f"results folder {results} takes no records"):
        Runner(matrix("toy"), results)
    assert toys.CALLS == []


def full_disk(*_: Any) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_what_is_there_already_is_shown_from_a_folder_that_takes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = run(matrix("toy"), tmp_path)
    monkeypatch.setattr(os, "fsync", full_disk)
    assert run(matrix("toy"), tmp_path) == records
    with pytest.raises(CannotWrite, match="takes no records"):
        Runner(matrix("toy"), tmp_path, fresh=True)


def test_a_full_disk_is_found_before_any_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(CannotWrite, match=f"results folder {tmp_path} takes no records.*No space left"):
        Runner(matrix("toy"), tmp_path)
    assert list(tmp_path.rglob("*.probe")) == []


def test_records_are_handed_over_even_if_the_disk_is_full_by_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runner = Runner(matrix("toy:off_mm=34"), tmp_path)
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(Unwritten, match="No space left") as caught:
        runner.run(runner.passes[0])
    assert caught.value.records[0].metrics[0].value == pytest.approx(2, abs=1e-4)


def test_a_broken_record_is_named(tmp_path: Path) -> None:
    run(matrix("toy"), tmp_path)
    (file,) = (tmp_path / "records").rglob("*.json")
    file.write_text("{")
    with pytest.raises(WrongDocument, match=str(file)):
        Runner(matrix("toy"), tmp_path)
