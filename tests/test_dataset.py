"""Dataset folders: what is written comes back, and what is not as agreed is refused by name."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchsuite_registry.poses import Frame
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray

from benchsuite.datasets.dataset import About, Clip, Dataset, WrongDataset, in_memory, open_dataset, write_dataset

Columns = dict[str, NDArray[Any]]

ABOUT = About("made-up", "test", "H36M_17", 10.0, "free", "a test", notes=("one", "two"))
CLIPS = (
    Clip("a.cam1", "walk", "s1", "cam1", tuple(float(k) for k in range(9)), (1.0, 2.0, 3.5)),
    Clip("b.cam1", "run", "s2"),
    Clip("c.cam1", "walk", "s2"),
)
HEIGHTS = 100.0 * np.array([9, 9, 5, 0.5, 9, 5, 0.5, 12, 14, 15, 16.5, 14, 11, 8.5, 14, 11, 8.5])
BREADTHS = 100.0 * np.array([0, -1, -1, -1, 1, 1, 1, 0, 0, 0, 0, 1.5, 1.5, 1.5, -1.5, -1.5, -1.5])


def columns(rows: int = 10) -> Columns:
    """A person 1.65 m tall who stands still 4 m away; clips of 3, 5 and 2 rows where there are ten."""
    person = np.stack((BREADTHS, 900.0 - HEIGHTS, np.full(17, 4000.0)), axis=1)
    clip = np.repeat(np.arange(3, dtype=np.int32), (3, 5, 2))[:rows]
    return {
        "uv": np.arange(rows * 34, dtype=np.float32).reshape(rows, 17, 2),
        "visible": np.ones((rows, 17), dtype=bool),
        "xyz": np.repeat(person[None], rows, axis=0).astype(np.float32),
        "focal": np.full((rows, 2), 1145.0, dtype=np.float32),
        "center": np.full((rows, 2), 500.0, dtype=np.float32),
        "clip": clip,
        "frame": np.array([0, 2, 4, 0, 1, 2, 3, 9, 5, 6], dtype=np.int32)[:rows],
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_dataset(tmp_path / "set", ABOUT, columns(), CLIPS)
    return tmp_path / "set"


# ---- what is written comes back ------------------------------------------------------------------


def test_a_folder_comes_back_as_it_was_written(folder: Path) -> None:
    dataset = open_dataset(folder)
    assert dataset.about == ABOUT
    assert dataset.clips == CLIPS
    assert dataset.path == folder
    assert set(dataset.columns) == set(columns())
    for name, column in columns().items():
        assert isinstance(dataset.columns[name], np.memmap)
        assert np.array_equal(dataset.columns[name], column)
        assert dataset.columns[name].dtype == column.dtype


def test_batches_hold_the_rows_asked_for(folder: Path) -> None:
    dataset = open_dataset(folder)
    batch = dataset.keypoints(np.array([9, 3]))
    assert batch.uv[0, 0].tolist() == [306.0, 307.0]
    assert batch.ids.tolist() == [9, 3]
    assert batch.clip.tolist() == [2, 1]
    assert batch.frame.tolist() == [6, 0]
    assert batch.camera.focal.tolist() == [[1145.0, 1145.0]] * 2
    target = dataset.target(slice(2, 5))
    assert target.poses.frame is Frame.CAMERA
    assert target.poses.ids.tolist() == [2, 3, 4]
    assert target.poses.xyz[1, 10].tolist() == [0.0, -750.0, 4000.0]


def test_labels_name_action_subject_and_clip(folder: Path) -> None:
    dataset = open_dataset(folder)
    labels = dataset.labels(slice(0, 10))
    assert dataset.actions == labels.action.names == ("walk", "run")
    assert labels.action.codes.tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 0, 0]
    assert labels.subject.codes.tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 1, 1]
    assert labels.clip.names == ("a.cam1", "b.cam1", "c.cam1")
    assert labels.clip.codes.tolist() == [0, 0, 0, 1, 1, 1, 1, 1, 2, 2]


def test_clips_of_one_take_share_its_label(tmp_path: Path) -> None:
    seen_twice = (replace(CLIPS[0], take="a"), replace(CLIPS[1], take="a"), CLIPS[2])
    take = write_dataset(tmp_path, ABOUT, columns(), seen_twice).labels(slice(None)).take
    assert take is not None
    assert take.names == ("a", "c.cam1")  # a clip that names no take is one
    assert take.codes.tolist() == [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]


def test_optional_columns_come_back_and_are_checked(tmp_path: Path) -> None:
    more = columns() | {"box": np.zeros((10, 4), dtype=np.float32), "size": np.full((10, 2), 1000, dtype=np.int32)}
    write_dataset(tmp_path / "set", ABOUT, more, CLIPS)
    assert open_dataset(tmp_path / "set").columns["size"][3].tolist() == [1000, 1000]
    with pytest.raises(WrongDataset, match=r"column 'box': wanted float32 \(10, 4\), found float32 \(10, 2\)$"):
        write_dataset(tmp_path / "set", ABOUT, more | {"box": more["box"][:, :2]}, CLIPS)


def test_batches_cover_every_row_once(folder: Path) -> None:
    dataset = open_dataset(folder)
    assert list(dataset.batches(4)) == [slice(0, 4), slice(4, 8), slice(8, 10)]
    assert list(dataset.batches(10)) == [slice(0, 10)]
    assert list(dataset.batches(4, whole_clips=True)) == [slice(0, 3), slice(3, 8), slice(8, 10)]


def test_head_takes_rows_evenly_and_is_another_dataset(folder: Path) -> None:
    dataset = open_dataset(folder)
    head = dataset.head(4)
    assert head.columns["frame"].tolist() == [0, 0, 3, 6]  # rows 0, 3, 6 and 9
    assert head.labels(slice(None)).clip.codes.tolist() == [0, 1, 1, 2]
    assert len(head) == 4
    assert head.fingerprint != dataset.fingerprint
    assert dataset.head(10) is dataset


def test_a_folder_of_splits_opens_by_split(tmp_path: Path) -> None:
    for split in ("train", "test"):
        write_dataset(tmp_path / split, replace(ABOUT, split=split), columns(), CLIPS)
    assert open_dataset(tmp_path).about.split == "test"
    assert open_dataset(tmp_path, "train").about.split == "train"
    with pytest.raises(WrongDataset, match=r"wanted a dataset\.json or a folder 'val' with one"):
        open_dataset(tmp_path, "val")


def test_the_fingerprint_follows_columns_and_clips_alone(folder: Path, tmp_path: Path) -> None:
    first = open_dataset(folder).fingerprint
    again = write_dataset(tmp_path / "2", replace(ABOUT, made_by="another command"), columns(), CLIPS)
    moved = write_dataset(tmp_path / "3", ABOUT, columns() | {"uv": columns()["uv"] + 1}, CLIPS)
    named = write_dataset(tmp_path / "4", ABOUT, columns(), (*CLIPS[:2], replace(CLIPS[2], action="jump")))
    assert again.fingerprint == first
    assert len({first, moved.fingerprint, named.fingerprint}) == 3


def test_an_empty_dataset_opens_and_has_no_batches(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path, ABOUT, columns(0), ())
    assert len(dataset) == 0
    assert list(dataset.batches(4)) == []
    assert list(dataset.batches(4, whole_clips=True)) == []
    assert dataset.target(slice(None)).poses.xyz.shape == (0, 17, 3)


def test_a_dataset_without_3d_opens_and_says_so_when_asked(tmp_path: Path) -> None:
    flat = columns()
    del flat["xyz"]
    dataset = write_dataset(tmp_path, ABOUT, flat, CLIPS)
    assert dataset.keypoints(slice(None)).uv.shape == (10, 17, 2)
    with pytest.raises(WrongDataset, match="made-up has no column 'xyz': it is 2D only"):
        dataset.poses(slice(None))
    assert dataset.target(slice(None)).poses.xyz.isnan().all()


def test_the_columns_on_disk_cannot_be_changed_through_a_batch(folder: Path) -> None:
    dataset = open_dataset(folder)
    dataset.keypoints(slice(None)).uv.zero_()
    assert dataset.columns["uv"][0, 1].tolist() == [2.0, 3.0]


def test_missing_joints_do_not_hide_or_feign_a_unit(tmp_path: Path) -> None:
    mm = columns()
    mm["xyz"][np.random.default_rng(0).random((10, 17)) < 0.5] = np.nan
    assert len(in_memory(ABOUT, mm, CLIPS, "")) == 10
    metres = mm | {"xyz": mm["xyz"] / 1000}
    with pytest.raises(WrongDataset, match="this looks like metres"):
        in_memory(ABOUT, metres, CLIPS, "")
    none = mm | {"xyz": np.full_like(mm["xyz"], np.nan)}
    assert len(in_memory(ABOUT, none, CLIPS, "")) == 10


# ---- columns that are not as agreed --------------------------------------------------------------


def changed(name: str, change: Callable[[NDArray[Any]], Any]) -> Callable[[Columns], Columns]:
    return lambda made: made | {name: change(made[name])}


def without(name: str) -> Callable[[Columns], Columns]:
    return lambda made: {key: column for key, column in made.items() if key != name}


WRONG_COLUMNS: dict[str, tuple[Callable[[Columns], Columns], str]] = {
    "missing": (without("visible"), "column 'visible' is missing"),
    "unknown": (lambda made: made | {"depth": made["focal"]}, "unknown columns depth"),
    "type": (
        changed("uv", lambda c: c.astype(np.float64)),
        "column 'uv': wanted float32 (10, 17, 2), found float64 (10, 17, 2)",
    ),
    "joints": (
        changed("xyz", lambda c: c[:, :16]),
        "column 'xyz': wanted float32 (10, 17, 3), found float32 (10, 16, 3)",
    ),
    "rows": (changed("frame", lambda c: c[:9]), "column 'frame': wanted int32 (10,), found int32 (9,)"),
    "no axis": (changed("clip", lambda c: c[0]), "column 'clip': wanted int32 (10,), found int32 ()"),
    "clips": (changed("clip", lambda c: c[::-1].copy()), "column 'clip' is not ascending"),
    "clip beyond": (changed("clip", lambda c: c + np.int32(1)), "column 'clip' names a clip beyond the 3 listed"),
    "clip before": (changed("clip", lambda c: c - np.int32(1)), "column 'clip' names a clip beyond the 3 listed"),
    "frames": (changed("frame", lambda c: c[::-1].copy()), "column 'frame' is not ascending within each clip"),
    "frame twice": (changed("frame", lambda c: c // 5), "column 'frame' is not ascending within each clip"),
    "metres": (
        changed("xyz", lambda c: c / np.float32(1000)),
        "column 'xyz' is not in mm: a person's bones add up to 4.05, wanted 2500-9000; this looks like metres",
    ),
    "centimetres": (
        changed("xyz", lambda c: c / np.float32(10)),
        "column 'xyz' is not in mm: a person's bones add up to 405, wanted 2500-9000",
    ),
}


@pytest.mark.parametrize("case", WRONG_COLUMNS)
def test_wrong_columns_are_not_written(tmp_path: Path, case: str) -> None:
    spoil, message = WRONG_COLUMNS[case]
    with pytest.raises(WrongDataset) as error:
        write_dataset(tmp_path / "set", ABOUT, spoil(columns()), CLIPS)
    assert str(error.value) == f"{tmp_path / 'set'}: {message}"
    assert not (tmp_path / "set").exists()


def test_a_person_s_bones_by_hand() -> None:
    """The 4050 mm above: 16 bones of the figure, added up on paper."""
    xyz = columns()["xyz"][0].astype(np.float64)
    total = sum(np.linalg.norm(xyz[a] - xyz[b]) for a, b in H36M_17.bones)
    legs, trunk, arms = 2 * (100 + 400 + 450), 300 + 200 + 100 + 150, 2 * (150 + 300 + 250)
    assert total == pytest.approx(legs + trunk + arms, abs=1e-3)


def test_an_unknown_skeleton_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongDataset, match="unknown skeleton 'H36M_16'; known: H36M_17, MPII_16"):
        write_dataset(tmp_path, replace(ABOUT, skeleton="H36M_16"), columns(), CLIPS)


def test_what_was_there_stays_when_the_new_is_refused(folder: Path) -> None:
    with pytest.raises(WrongDataset):
        write_dataset(folder, ABOUT, columns() | {"clip": columns()["clip"] + np.int32(1)}, CLIPS)
    assert len(open_dataset(folder)) == 10


# ---- folders that are not as agreed --------------------------------------------------------------


def edit(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    file = folder / "dataset.json"
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


def rewrite(folder: Path, name: str, column: NDArray[Any]) -> None:
    """A column that ``dataset.json`` does describe, hash and all, but that is wrong."""
    np.save(folder / f"{name}.npy", column)
    digest = hashlib.sha256((folder / f"{name}.npy").read_bytes()).hexdigest()
    described = {"dtype": str(column.dtype), "shape": list(column.shape), "sha256": digest}
    edit(folder, lambda d: d["columns"].update({name: described}))


def cut(file: Path, size: int) -> None:
    file.write_bytes(file.read_bytes()[:size])


WRONG_FOLDERS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "one byte": (
        lambda f: (f / "uv.npy").write_bytes((f / "uv.npy").read_bytes()[:-1] + b"\x01"),
        "uv.npy: sha256 differs from dataset.json: the file was changed",
    ),
    "cut short": (lambda f: cut(f / "xyz.npy", 1000), "xyz.npy: wanted a whole .npy file: "),
    "cut in its head": (lambda f: cut(f / "xyz.npy", 40), "xyz.npy: wanted a whole .npy file: "),
    "empty file": (lambda f: cut(f / "xyz.npy", 0), "xyz.npy: wanted a whole .npy file: "),
    "no npy": (lambda f: (f / "xyz.npy").write_text("1 2 3"), "xyz.npy: wanted a whole .npy file: "),
    "objects": (
        lambda f: np.save(f / "clip.npy", np.array([None] * 10), allow_pickle=True),
        "clip.npy: wanted a whole .npy file: ",
    ),
    "another type": (
        lambda f: np.save(f / "uv.npy", columns()["uv"].astype(np.float64)),
        "uv.npy: wanted float32 [10, 17, 2], found float64 [10, 17, 2]",
    ),
    "another shape": (
        lambda f: np.save(f / "uv.npy", columns()["uv"][:9]),
        "uv.npy: wanted float32 [10, 17, 2], found float32 [9, 17, 2]",
    ),
    "no file": (lambda f: (f / "focal.npy").unlink(), "focal.npy: column is missing"),
    "no column": (lambda f: edit(f, lambda d: d["columns"].pop("focal")), ": column 'focal' is missing"),
    "unknown column": (lambda f: rewrite(f, "depth", columns()["focal"]), ": unknown columns depth"),
    "a wrong column": (
        lambda f: rewrite(f, "visible", columns()["visible"].astype(np.uint8)),
        ": column 'visible': wanted bool (10, 17), found uint8 (10, 17)",
    ),
    "metres": (
        lambda f: rewrite(f, "xyz", columns()["xyz"] / np.float32(1000)),
        ": column 'xyz' is not in mm: a person's bones add up to 4.05, wanted 2500-9000; this looks like metres",
    ),
    "schema": (
        lambda f: edit(f, lambda d: d.update(schema=2)),
        "dataset.json: wanted schema 1, found 2",
    ),
    "no schema": (
        lambda f: edit(f, lambda d: d.pop("schema")),
        "dataset.json: wanted schema 1, found None",
    ),
    "a list": (lambda f: (f / "dataset.json").write_text("[1]"), "dataset.json: wanted schema 1, found [1]"),
    "units": (
        lambda f: edit(f, lambda d: d["units"].update(xyz="m")),
        "dataset.json: wanted units {'uv': 'px', 'xyz': 'mm'}, found {'uv': 'px', 'xyz': 'm'}",
    ),
    "no JSON": (lambda f: cut(f / "dataset.json", 100), "dataset.json: wanted JSON: "),
    "no text": (lambda f: (f / "dataset.json").write_bytes(b"\xff\xfe{"), "dataset.json: wanted JSON: "),
    "no licence": (
        lambda f: edit(f, lambda d: d["about"].pop("licence")),
        "dataset.json: a key is missing or of the wrong kind: ",
    ),
    "no clips": (
        lambda f: edit(f, lambda d: d.pop("clips")),
        "dataset.json: a key is missing or of the wrong kind: 'clips'",
    ),
    "a clip's key": (
        lambda f: edit(f, lambda d: d["clips"][0].update(colour="red")),
        "dataset.json: a key is missing or of the wrong kind: ",
    ),
    "a clip's place": (
        lambda f: edit(f, lambda d: d["clips"][0].update(position=["here"])),
        "dataset.json: a key is missing or of the wrong kind: ",
    ),
    "no hash": (
        lambda f: edit(f, lambda d: d["columns"]["uv"].pop("sha256")),
        "dataset.json: a key is missing or of the wrong kind: 'sha256'",
    ),
    "columns": (
        lambda f: edit(f, lambda d: d.update(columns=["uv"])),
        "dataset.json: a key is missing or of the wrong kind: ",
    ),
}


@pytest.mark.parametrize("case", WRONG_FOLDERS)
def test_a_wrong_folder_is_refused_by_name(folder: Path, case: str) -> None:
    spoil, message = WRONG_FOLDERS[case]
    spoil(folder)
    with pytest.raises(WrongDataset, match=re.escape(message)) as error:
        open_dataset(folder)
    assert str(error.value).startswith(str(folder))


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongDataset, match=re.escape(f"{tmp_path}: wanted a dataset.json or a folder 'test' with one")):
        open_dataset(tmp_path)


def test_hashes_are_not_read_where_they_are_not_asked_for(folder: Path) -> None:
    spoil, _ = WRONG_FOLDERS["one byte"]
    spoil(folder)
    assert isinstance(open_dataset(folder, verify=False), Dataset)
