"""A pass: what it works out, and how it takes what components hand back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import toys
from benchsuite_registry.contracts import Entry
from benchsuite_registry.registries import Origin
from matrices import failure, matrix, run, spelt

from benchsuite.datasets import long_columns
from benchsuite.datasets.dataset import Dataset, WrongDataset
from benchsuite.records.results import identity, read_records
from benchsuite.running.matrix import WrongRun
from benchsuite.running.pipeline import Settings
from benchsuite.running.predicting import read_ahead


@pytest.fixture(autouse=True)
def _no_calls_yet() -> None:
    toys.CALLS.clear()


def test_numbers_are_those_worked_out_by_hand(tmp_path: Path) -> None:
    """One joint of 17 is off by 34 mm: 2 mm on the mean; moved 17 mm back, 1 mm."""
    records = run(matrix("toy:off_mm=34", refiners=(None, "toy-back:back_mm=17")), tmp_path)
    assert [spelt(r) for r in records] == ["34 none well", "34 toy-back well"]
    assert [r.metrics[0].value for r in records] == pytest.approx([2, 1], abs=1e-4)
    assert [r.metrics[0].n for r in records] == [15, 15]


def test_figures_that_lie_in_files_give_the_same_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = matrix("toy:off_mm=34", refiners=(None, "toy-back:back_mm=17"))
    in_memory = run(asked, tmp_path / "memory")
    monkeypatch.setattr(long_columns, "IN_MEMORY", 0)
    monkeypatch.setattr(long_columns, "ROWS", 4)
    in_files = run(asked, tmp_path / "files")
    assert [(r.metrics, r.clips) for r in in_files] == [(r.metrics, r.clips) for r in in_memory]


def test_what_cannot_be_read_fails_the_pass_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OSError("the disk is gone")

    asked = matrix("toy")
    monkeypatch.setattr(Dataset, "target", broken)
    (record,) = run(asked, tmp_path)
    assert failure(record) == ("OSError", "lifter toy: the disk is gone")


def test_every_combination_is_measured(tmp_path: Path) -> None:
    asked = matrix(
        "toy",
        "toy:off_mm=17",
        refiners=(None, "toy-back"),
        evaluators=("toy-error", "toy-error:does=spoils"),
        datasets=(("toy", toys.toy_dataset()), ("other", toys.toy_dataset(1, "other"))),
    )
    records = run(asked, tmp_path)
    assert len({(r.dataset.name, spelt(r)) for r in records}) == len(records) == 2 * 2 * 2 * 2
    assert {(r.dataset.name, r.dataset.samples, r.dataset.clips) for r in records} == {("toy", 15, 3), ("other", 5, 1)}


def test_a_source_predicts_once_for_all_who_use_it(tmp_path: Path) -> None:
    run(matrix("toy", refiners=(None, "toy-back"), evaluators=("toy-error", "toy-error:does=spoils")), tmp_path)
    assert [count for name, count in toys.CALLS if name.startswith("lifter")] == [4, 4, 4, 3]
    assert [count for name, count in toys.CALLS if name.startswith("refiner")] == [4, 4, 4, 3]
    assert [count for name, count in toys.CALLS if name.startswith("evaluator:well")] == [4, 4, 4, 4, 4, 4, 3, 3]


def test_whole_clips_for_those_who_need_them(tmp_path: Path) -> None:
    run(matrix("toy-clips"), tmp_path)
    assert [count for name, count in toys.CALLS if name.startswith("lifter")] == [5, 5, 5]


def test_a_limit_is_refused_where_clips_must_be_whole() -> None:
    with pytest.raises(WrongRun, match="lifter toy-clips needs whole clips"):
        matrix("toy-clips", limit=3)


def test_a_limit_spreads_over_the_dataset_and_is_another_cell(tmp_path: Path) -> None:
    (limited,) = run(matrix("toy", limit=3), tmp_path)
    assert (limited.dataset.samples, limited.dataset.clips, limited.metrics[0].n) == (3, 3, 3)
    (whole,) = run(matrix("toy"), tmp_path)
    assert whole.dataset.samples == 15
    assert limited.dataset.fingerprint != whole.dataset.fingerprint
    assert len(read_records(tmp_path)) == 2


def test_flagged_samples_are_counted(tmp_path: Path) -> None:
    bare, refined = run(matrix("toy", refiners=(None, "toy-back")), tmp_path)
    assert refined.provenance["flagged"] == 3  # rows 0, 5 and 10
    assert "flagged" not in bare.provenance


def test_nobody_can_spoil_what_others_are_handed(tmp_path: Path) -> None:
    asked = matrix(
        "toy:off_mm=34,does=spoils",
        refiners=(None, "toy-back:does=spoils", "toy-back:back_mm=17"),
        evaluators=("toy-error:does=spoils", "toy-error"),
    )
    values = [record.metrics[0].value for record in run(asked, tmp_path)]
    assert values == pytest.approx([2, 2, 2, 2, 1, 1], abs=1e-4)


def test_randomness_comes_from_the_seed_alone(tmp_path: Path) -> None:
    draws = "toy:does=draws"

    def value(where: str, seed: int, batch: int = 4, **more: Any) -> float:
        settings = Settings(seed, batch)
        return run(matrix(draws, settings=settings, **more), tmp_path / where)[-1].metrics[0].value

    first = value("a", 3)
    torch.rand(7)
    assert value("b", 3) == first
    assert value("c", 3, evaluators=("toy-error:does=spoils", "toy-error"), refiners=("toy-back", None)) == first
    assert value("d", 4) != first
    assert value("e", 3, batch=15) != first, "each batch must draw anew"


# What comes back is checked


@pytest.mark.parametrize(
    ("does", "type_", "message"),
    [
        ("raises", "ValueError", "lifter toy:does=raises: no | today"),
        ("exits", "SystemExit", "lifter toy:does=exits: 3"),
        ("breaks", "OSError", "lifter toy:does=breaks: cannot find toys.py"),
        ("camera", "BrokenContract", "lifter toy:does=camera: wanted poses in Frame.ROOT, found Frame.CAMERA"),
        ("short", "BrokenContract", "lifter toy:does=short: wanted 4 poses, found 3"),
        ("shuffled", "BrokenContract", "lifter toy:does=shuffled: wanted ids in the order given: 0 where 3 was found"),
        ("array", "BrokenContract", "lifter toy:does=array: wanted a PoseBatch, found a ndarray"),
        ("shape", "ValueError", "lifter toy:does=shape: PoseBatch.xyz: wanted shape ('any', 17, 3), found (4, 5, 3)"),
        ("nan", "UndefinedHeadline", "evaluator toy-error: toy error is nan: 1 of 15 predicted poses are not finite"),
    ],
)
def test_a_failing_source_fails_all_its_cells_and_no_others(
    does: str, type_: str, message: str, tmp_path: Path
) -> None:
    records = run(matrix(f"toy:does={does}", "toy:off_mm=34", refiners=(None, "toy-back")), tmp_path)
    assert [failure(r) for r in records[:2]] == [(type_, message)] * 2
    assert [r.metrics[0].value for r in records[2:]] == pytest.approx([2, 2], abs=1e-4)
    assert sorted(read_records(tmp_path), key=identity) == sorted(records, key=identity)


@pytest.mark.parametrize(
    ("does", "type_", "message"),
    [
        ("raises", "ValueError", "refiner toy-back:does=raises: no | today"),
        ("root", "BrokenContract", "refiner toy-back:does=root: wanted poses in Frame.CAMERA, found Frame.ROOT"),
        ("column", "BrokenContract", "refiner toy-back:does=column: cost: wanted shape (4,), found (5,)"),
        ("poses", "BrokenContract", "refiner toy-back:does=poses: wanted a Refinement, found a PoseBatch"),
    ],
)
def test_a_failing_refiner_fails_its_cells_alone(does: str, type_: str, message: str, tmp_path: Path) -> None:
    asked = matrix("toy:off_mm=34", refiners=(None, f"toy-back:does={does}", "toy-back:back_mm=17"))
    bare, failed, refined = run(asked, tmp_path)
    assert failure(failed) == (type_, message)
    assert (bare.metrics[0].value, refined.metrics[0].value) == pytest.approx((2, 1), abs=1e-4)


@pytest.mark.parametrize(
    ("does", "type_", "message"),
    [
        ("raises", "ValueError", "evaluator toy-error:does=raises: no | today"),
        ("rows", "BrokenContract", "evaluator toy-error:does=rows: mm: wanted 4 rows, found 3"),
        ("nothing", "BrokenContract", "evaluator toy-error:does=nothing: wanted at least one metric, found none"),
        (
            "imagines",
            "TypeError",
            "evaluator toy-error:does=imagines: [0].low: wanted something JSON can hold, found 1j",
        ),
    ],
)
def test_a_failing_evaluator_fails_its_cells_alone(does: str, type_: str, message: str, tmp_path: Path) -> None:
    failed, scored = run(matrix("toy:off_mm=34", evaluators=(f"toy-error:does={does}", "toy-error")), tmp_path)
    assert failure(failed) == (type_, message)
    assert scored.metrics[0].value == pytest.approx(2, abs=1e-4)


def test_an_evaluator_may_fail_on_one_refiner_alone(tmp_path: Path) -> None:
    """The evaluator is shared; what a refiner does to it must not reach the bare source's cell."""
    refined, bare = run(matrix("toy:off_mm=34", refiners=("toy-back:back_mm=1e39", None)), tmp_path)
    assert bare.metrics[0].value == pytest.approx(2, abs=1e-4)
    assert failure(refined)[0] == "UndefinedHeadline"


def test_what_is_no_lifter_is_named(tmp_path: Path) -> None:
    (record,) = run(matrix("toy-wrong"), tmp_path)
    assert failure(record) == ("BrokenContract", "lifter toy-wrong: wanted a Lifter, built a Unbuildable")


def test_what_can_be_moved_is_moved_to_the_device(tmp_path: Path) -> None:
    moved = []

    class Movable(toys.ToyLifter):
        def to(self, device: torch.device) -> None:
            moved.append(device)

    known = toys.toy_registries()
    known.lifters.register(Entry("movable", Movable, ""), Origin("toys", "1.0"))
    run(matrix("movable", known=known), tmp_path)
    assert moved == [torch.device("cpu")]


def test_an_empty_dataset_is_refused_before_any_work() -> None:
    with pytest.raises(WrongDataset, match="dataset nobody has no samples"):
        matrix("toy", datasets=(("nobody", toys.toy_dataset(0)),))


def test_what_says_that_it_needs_3d_is_refused_before_any_work() -> None:
    with pytest.raises(WrongDataset, match="dataset flat has no column 'xyz', which evaluator toy-3d needs"):
        matrix("toy", evaluators=("toy-error", "toy-3d"), datasets=(("flat", toys.toy_dataset(poses=False)),))


def test_what_needs_3d_unsaid_fails_where_there_is_none(tmp_path: Path) -> None:
    (record,) = run(matrix("toy", datasets=(("toy", toys.toy_dataset(poses=False)),)), tmp_path)
    assert failure(record) == (
        "UndefinedHeadline",
        "evaluator toy-error: toy error is nan: 0 of 15 predicted poses are not finite, "
        "and dataset toy has no true ones",
    )


def test_a_gpu_takes_larger_batches_where_none_is_asked_for() -> None:
    cuda, cpu = torch.device("cuda"), torch.device("cpu")
    assert [Settings.of(0, batch, device).batch for device in (cuda, cpu) for batch in (None, 7)] == [16384, 7, 1024, 7]


def test_what_is_read_for_a_gpu_is_pinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda column: column.clone().fill_(1))  # there may be no GPU
    dataset = toys.toy_dataset()
    ((_, coming),) = read_ahead(dataset, [slice(0, 4)], torch.device("cuda"))
    assert torch.equal(coming.result().keypoints.camera.focal, torch.ones(4, 2))
    assert torch.equal(coming.result().target.poses.xyz, dataset.target(slice(0, 4)).poses.xyz)
