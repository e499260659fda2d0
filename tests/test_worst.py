"""The worst samples of a cell: which they are, what is kept of them, how they are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import toys
from benchsuite_registry.contracts import Metric
from benchsuite_registry.poses import Frame, PoseBatch
from benchsuite_registry.skeletons import H36M_17
from matrices import matrix, run

from benchsuite.datasets.dataset import Dataset
from benchsuite.documents import WrongDocument
from benchsuite.records.clip_figures import headline_of
from benchsuite.records.results import read_records
from benchsuite.records.worst import COUNT, Worst, WorstSample, read_worst, worst_path, write_worst
from benchsuite.running.candidates import Candidates

CLIPS, FRAMES = 12, 5


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Sixty samples, five of each of twelve clips."""
    toy = toys.toy_dataset()
    count = CLIPS * FRAMES
    rows = np.arange(count) % len(toy)
    columns = {name: np.ascontiguousarray(column[rows]) for name, column in toy.columns.items()}
    columns["clip"] = (np.arange(count) // FRAMES).astype(columns["clip"].dtype)
    columns["frame"] = (np.arange(count) % FRAMES * 10).astype(columns["frame"].dtype)
    clips = tuple(replace(toy.clips[0], name=f"clip {number}", action=f"act {number % 3}") for number in range(CLIPS))
    return replace(toy, columns=columns, clips=clips)


def streamed(dataset: Dataset, errors: np.ndarray[Any, Any], batch: int, better: Any = "lower") -> Worst | None:
    """The worst by ``errors``, of predictions whose right hip lies the sample's number to the right of the root."""
    xyz = torch.zeros(len(dataset), 17, 3)
    xyz[:, 1, 0] = torch.arange(len(dataset))
    poses = PoseBatch(xyz + 5, Frame.CAMERA, H36M_17, torch.arange(len(dataset)))
    candidates = Candidates()
    measured = {"other": -errors, "error": errors, "flag": errors > 0, "wide": np.stack((errors, errors), 1)}
    for start in range(0, len(dataset), batch):
        rows = slice(start, start + batch)
        candidates.offer({name: column[rows] for name, column in measured.items()}, poses.rows(rows), dataset)
    metric = Metric("mean error", float(errors[np.isfinite(errors)].mean()), "mm", better)
    headline = headline_of([metric], measured, dataset.labels(slice(0, len(dataset))), "frames")
    assert headline is not None
    return candidates.worst(metric, headline, dataset)


@pytest.mark.parametrize("batch", [1, 7, 60])
@pytest.mark.parametrize("undefined", [np.nan, np.inf, -np.inf])
def test_the_worst_frame_of_each_of_the_worst_clips(batch: int, undefined: float, dataset: Dataset) -> None:
    errors = np.random.default_rng(3).permutation(60).astype(np.float64)
    errors[[11, 30]] = undefined
    worst = streamed(dataset, errors, batch)
    assert worst is not None
    errors[[11, 30]] = np.nan
    by_clip = sorted(((float(np.nanmax(errors[c * 5 : c * 5 + 5])), c) for c in range(CLIPS)), reverse=True)
    assert [(s.value, s.clip) for s in worst.samples] == [(value, f"clip {c}") for value, c in by_clip[:COUNT]]
    first = worst.samples[0]
    assert first.id == int(np.nanargmax(errors))
    assert (first.frame, first.action) == (first.id % 5 * 10, f"act {first.id // 5 % 3}")
    numbers = [int(number) for number in first.predicted.split()]
    assert numbers[:6] == [0, 0, 0, first.id, 0, 0], "root-relative, X of the right hip"
    assert len(numbers) == 17 * 3


def test_where_higher_is_better_the_lowest_are_worst(dataset: Dataset) -> None:
    errors = np.arange(60.0)
    worst = streamed(dataset, errors, 60, "higher")
    assert worst is not None
    assert [s.id for s in worst.samples] == [0, 5, 10, 15, 20, 25, 30, 35]


def test_of_equals_the_earlier_counts_whatever_the_batches(dataset: Dataset) -> None:
    errors = np.where(np.arange(60) % 5 < 2, 8.0, 1.0)
    found = [streamed(dataset, errors, batch) for batch in (1, 6, 60)]
    assert found[0] == found[1] == found[2]
    assert found[0] is not None
    assert [s.id for s in found[0].samples] == [0, 5, 10, 15, 20, 25, 30, 35]


def test_without_a_true_pose_there_is_nothing_to_draw(dataset: Dataset) -> None:
    flat = replace(dataset, columns={k: v for k, v in dataset.columns.items() if k != "xyz"})
    assert streamed(flat, np.arange(60.0), 60) is None


def test_a_run_keeps_them_beside_its_record(tmp_path: Path) -> None:
    (record,) = run(matrix("toy:off_mm=34"), tmp_path)
    path = worst_path(tmp_path, record)
    assert path.relative_to(tmp_path).parts[:3] == ("worst", "toy-error", record.dataset.name)
    worst = read_worst(path)
    assert (worst.name, worst.joints, worst.parents) == ("toy error", H36M_17.joints, H36M_17.parents)
    # the toy puts one joint 34 mm off, which is 2 mm on average over 17
    assert [s.value for s in worst.samples] == pytest.approx([2.0] * len(worst.samples), abs=1e-4)
    for sample in worst.samples:
        off = np.array(sample.predicted.split(), int) - np.array(sample.true.split(), int)
        assert abs(off[3] - 34) <= 1
        assert np.abs(np.delete(off, 3)).max() <= 1
    assert read_records(tmp_path) == (record,)


def test_a_cell_that_fails_now_keeps_none(tmp_path: Path) -> None:
    (record,) = run(matrix("toy"), tmp_path)
    write_worst(tmp_path, record, None)
    assert not worst_path(tmp_path, record).exists()
    write_worst(tmp_path, record, None)


SAMPLE = WorstSample(3, "clip", 0, "act", 2.5, "0 0 0 1 -2 nan", "0 0 0 1 2 3")
WORST = Worst("MPJPE", "mm", "lower", ("pelvis", "hip"), (-1, 0), (SAMPLE,))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (replace(WORST, samples=(replace(SAMPLE, true="0 0 0 1 2"),)), r"samples\[0\]\.true: wanted 6 whole numbers"),
        (replace(WORST, samples=(replace(SAMPLE, predicted="0 0 0 1 2 x"),)), r"samples\[0\]\.predicted: wanted 6"),
        (replace(WORST, samples=(replace(SAMPLE, predicted="0 0 0 1  2 3"),)), "parted by blanks"),
        (replace(WORST, samples=(replace(SAMPLE, predicted="0 0 0 1 2 </script>"),)), r"samples\[0\]\.predicted"),
        (replace(WORST, parents=(-1,)), r"parents: wanted one for each of 2 joints, found \[-1\]"),
        (replace(WORST, parents=(-1, 2)), r"parents: wanted one for each of 2 joints"),
        (replace(WORST, joints=(), parents=()), "parents"),
        (replace(WORST, schema=9), "schema: wanted 1, found 9"),
    ],
)
def test_what_is_not_as_agreed_is_refused(wrong: Worst, message: str, tmp_path: Path) -> None:
    (record,) = run(matrix("toy"), tmp_path)
    path = worst_path(tmp_path, record)
    write_worst(tmp_path, record, WORST)
    assert read_worst(path) == WORST
    write_worst(tmp_path, record, wrong)
    with pytest.raises(WrongDocument, match=message):
        read_worst(path)
