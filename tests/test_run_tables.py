"""What a run of networks that see images prints: the paper's tables by action and by scene, and what papers report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from benchsuite_registry.contracts import Metric
from shells import rows

from benchsuite.cli.tables import print_tables, report_failures
from benchsuite.records.reported import ReportedTable, read_reported
from benchsuite.records.results import DatasetUsed, Failure, Part, Record

RESULTS = Path(__file__).parents[1] / "results"


def record(name: str, evaluator: str, *metrics: Metric, kind: str = "image model") -> Record:
    return Record(
        source=Part(kind, name, distribution="benchsuite 0.1.0"),
        refiner=None,
        evaluator=Part("evaluator", evaluator),
        dataset=DatasetUsed("wild", "test", "f00d" * 16, 8, 2),
        protocol={"joints": 16},
        metrics=metrics,
        failure=None,
        provenance={"seed": 0},
    )


def mpjpe(total: float, **actions: float) -> tuple[Metric, ...]:
    return (
        Metric("MPJPE", total, "mm", "lower", n=8),
        *(Metric("MPJPE", mm, "mm", "lower", f"action={action}", n=4) for action, mm in actions.items()),
        Metric("P-MPJPE", total / 2, "mm", "lower", n=8),
        *(Metric("P-MPJPE", mm / 2, "mm", "lower", f"action={action}", n=4) for action, mm in actions.items()),
    )


def test_who_meddled_is_marked_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    odd = replace(
        record("odd", "h36m-p1", *mpjpe(40.0), kind="lifter"), provenance={"remarks": ["lifter odd changed | x"]}
    )
    _, table, below, _ = printed(capsys, odd, record("good", "h36m-p1", *mpjpe(41.0), kind="lifter"))
    assert [row[0] for row in rows(table)] == ["method", "odd †", "good"]
    assert below == "† lifter odd changed | x"


def test_a_failure_is_found_in_the_installed_plugin_that_it_passed_last(capsys: pytest.CaptureFixture[str]) -> None:
    frames = ("benchsuite/running/stages.py", "my_lifters/simple.py", "my_lifters/layers.py", "torch/nn/linear.py")
    trace = "".join(f'  File "{file}", line {place}, in act\n    act()\n' for place, file in enumerate(frames, 1))
    failed = replace(record("odd", "h36m-p1"), failure=Failure("ValueError", "no", trace))
    source = replace(failed.source, distribution="my-lifters 0.1 sha256:0123456789ab")
    report_failures([replace(failed, source=source)])
    assert (
        capsys.readouterr().err.splitlines()[0]
        == "failed: odd on wild by h36m-p1: ValueError: no (my_lifters/layers.py:3)"
    )


def test_of_a_part_of_a_dataset_its_size_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    whole = record("odd", "h36m-p1", *mpjpe(40.0))
    page, *_ = printed(capsys, replace(whole, dataset=replace(whole.dataset, fingerprint="f00d" * 16 + "/600")))
    assert page.splitlines()[0].endswith(", fingerprint f00df00df00d/600")


def pck(name: str, total: float, **scenes: float) -> tuple[Metric, ...]:
    groups = (Metric(name, share, "%", "higher", f"scene={scene}", n=4) for scene, share in scenes.items())
    return (Metric(name, total, "%", "higher", n=8), *groups)


def printed(
    capsys: pytest.CaptureFixture[str], *records: Record, reported: tuple[ReportedTable, ...] = ()
) -> list[str]:
    print_tables(records, reported)
    return capsys.readouterr().out.split("\n\n")


def test_by_action_as_in_table_3(capsys: pytest.CaptureFixture[str]) -> None:
    zhou, wild = mpjpe(64.94, Walking=51.44, SittingDown=111.6), mpjpe(58.0, Walking=41.1, SittingDown=102.4)
    blocks = printed(capsys, record("zhou", "h36m-p1", *zhou), record("wild", "h36m-p1", *wild))
    assert blocks[2] == "MPJPE (mm) by action:"
    assert rows(blocks[3]) == [
        ["method", "refiner", "Walk", "SittingD.", "Average"],
        ["wild", "none", "41.1", "102.4", "58.0"],
        ["zhou", "none", "51.4", "111.6", "64.9"],
    ]
    assert len(blocks) == 5, "nothing but the headline by action"


def test_who_leaves_samples_undefined_comes_last_and_says_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    half = tuple(replace(metric, n=metric.n // 2) for metric in mpjpe(12.0))
    blocks = printed(capsys, record("half", "h36m-p1", *half), record("whole", "h36m-p1", *mpjpe(58.0)))
    assert [(row[0], row[-1]) for row in rows(blocks[1])[1:]] == [("whole", "8"), ("half", "4 (4 undefined)")]


def test_by_scene_as_in_table_4(capsys: pytest.CaptureFixture[str]) -> None:
    wild = (*pck("PCK", 69.2, street=71.1, room=64.7), *pck("AUC", 32.5, street=33.0))
    blocks = printed(capsys, record("wild", "mpi-inf-3dhp", *wild))
    assert [rows(blocks[k])[1:] for k in (3, 5)] == [
        [["wild", "none", "71.1", "64.7", "69.2"]],
        [["wild", "none", "33.0", "-", "32.5"]],
    ]
    assert blocks[2::2] == ["PCK (%) by scene:", "AUC (%) by scene:", ""]


def test_lifters_and_many_groups_have_no_room(capsys: pytest.CaptureFixture[str]) -> None:
    (*lifter, _) = printed(capsys, record("stereo", "h36m-p1", *mpjpe(40.0, Walking=30.0), kind="lifter"))
    assert len(lifter) == 2
    many = mpjpe(40.0, **{f"action-{k}": 30.0 for k in range(21)})
    assert len(printed(capsys, record("wild", "h36m-p1", *many))) == 3


def test_reported_numbers_stand_in_tables_of_their_own(capsys: pytest.CaptureFixture[str]) -> None:
    reported = read_reported(RESULTS)
    blocks = printed(capsys, record("wild", "h36m-p1", *mpjpe(50.0)), reported=reported)
    assert blocks[2].startswith("reported by Wang et al. 2019, Table 3: ")
    assert "not measured here\nprotocol: MPJPE after alignment of the root" in blocks[2]
    table = rows(blocks[3])
    assert (table[0][:3], table[0][-2:], len(table[0])) == (["method", "Direct.", "Discuss"], ["WalkT.", "Average"], 17)
    assert [(row[0], row[-1]) for row in table[1:]] == [
        ("Zhou et al. [47]", "64.9"),
        ("Yang et al. [44]", "59.7"),
        ("Ours", "58.0"),
    ]
    both = (record("wild", "mpi-inf-3dhp", *pck("PCK", 70.0)), record("stereo", "h36m-p1", *mpjpe(50.0), kind="lifter"))
    (*_, title, table_4, end) = printed(capsys, *both, reported=reported)
    assert "Table 4" in title
    assert rows(table_4)[1:] == [
        ["Zhou et al. [47]", "69.2", "32.5"],
        ["Yang et al. [44]", "69.0", "32.0"],
        ["Ours", "", ""],
    ]
    assert end == ""
