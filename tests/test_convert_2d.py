"""Converters of 2D sources: every trap of every format, and sources that are spoilt."""

from __future__ import annotations

import csv
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotations import MPII_HEAD, Converter, coco_person, lsp_joints, mpii_line, mpii_person, release
from benchsuite_registry.skeletons import COCO_17, LSP_14, PENN_13
from penn_labels import penn
from scipy.io import savemat

from benchsuite.convert import keypoints
from benchsuite.convert.ai_challenger import JOINTS
from benchsuite.convert.annotated import hypothesised
from benchsuite.doctor.counts import PENN_ACTION_CLIPS, PENN_ACTION_SPLITS
from benchsuite.images.crops import box_around


@pytest.fixture
def converter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Converter:
    return Converter(tmp_path / "out", capsys)


# Penn Action


def test_penn_action(tmp_path: Path, converter: Converter) -> None:
    labels = tmp_path / "penn" / "labels"
    visibility = np.ones((30, 13), np.uint8)
    visibility[3, 5], visibility[4] = 0, 0
    x = (10.0 + np.arange(13) + np.arange(30)[:, None]).astype(np.uint8)  # some real files hold unsigned bytes
    box = np.tile((5.0, 6.0, 105.0, 206.0), (28, 1))
    box[0, 2:] = box[0, :2]
    penn(labels, 1, x=x, visibility=visibility, bbox=box)
    penn(labels, 2, frames=24, action="bowl", train=-1, pose="back")
    assert converter("penn-action", tmp_path / "penn") == 0
    found = converter.dataset
    assert [(c.name, c.action, c.split, c.camera) for c in found.clips] == [
        ("0001", "squats", "train", "front"),
        ("0002", "bowling", "test", "back"),
    ]
    assert len(found) == 54
    uv, visible = found.columns["uv"], found.columns["visible"]
    # the file's index 1 is the right shoulder, whatever Penn Action's documentation says
    assert uv[2, PENN_13.index("r_shoulder")].tolist() == [10 + 1 + 2, 22]
    assert uv[2, PENN_13.index("l_shoulder")].tolist() == [10 + 2 + 2, 24]
    assert uv[2, PENN_13.index("head")].tolist() == [12, 20]
    assert not visible[3, PENN_13.index("r_wrist")]
    assert uv[3, PENN_13.index("r_wrist")].tolist() == [0, 0], "filler must not go on"
    assert visible[3].sum() == 12
    assert visible[4].sum() == 0, "a frame without a joint keeps its place"
    assert found.columns["frame"][:30].tolist() == list(range(30))
    assert found.columns["size"][0].tolist() == [480, 360]
    assert found.columns["focal"][0].tolist() == pytest.approx([576, 576])  # 1.2 * 480
    assert found.columns["center"][0].tolist() == [240, 180]
    assert found.about.intrinsics.startswith("focal = 1.2 max(width, height)")
    assert (found.about.fps, found.about.keypoints, found.about.skeleton) == (0, "annotated", "PENN_13")
    boxes = found.columns["box"]
    assert boxes[1].tolist() == [5, 6, 105, 206]
    # joints of frame 0 span 12 by 24 px; an eighth of 24 is 3
    assert boxes[0].tolist() == [10 - 3, 20 - 3, 22 + 3, 44 + 3]
    assert boxes[29].tolist() == [39 - 3, 17, 51 + 3, 47], "the file has 28 boxes for 30 frames"
    for note in (
        "1 training clips, 1 test clips",
        "each pair's right one first, against Penn Action's documentation",
        "1 clips are shorter than 25 frames",
        "3 frames have no box, or one of no area",
        "1 people without a single labelled joint",
        "the frame rate is unknown",
    ):
        assert note in converter.notes


@pytest.mark.parametrize("view", ["front", "back"])
def test_penn_action_with_left_first_after_all(tmp_path: Path, converter: Converter, view: str) -> None:
    """The data decide: thirty clips that show the left shoulder first outweigh the rule."""
    for number in range(30):
        x = np.tile(100.0 + np.arange(13) * (-1 if view == "front" else 1), (5, 1))
        penn(tmp_path, number, frames=5, x=x, pose=view)
    assert converter("penn-action", tmp_path) == 0
    assert "each pair's left one first:" in converter.notes
    side = -1 if view == "front" else 1
    assert converter.dataset.columns["uv"][0, PENN_13.index("l_shoulder"), 0] == 100 + side


def test_penn_action_from_a_zip_archive_with_frames_beside(tmp_path: Path, converter: Converter) -> None:
    penn(tmp_path / "a" / "labels", 1)
    frames = tmp_path / "a" / "frames" / "0001"
    frames.mkdir(parents=True)
    (frames / "000001.jpg").write_bytes(b"")
    assert converter("penn-action", tmp_path / "a") == 0
    assert "1 of 30 samples have their photograph, so no pictures are written; --with-images" in converter.notes
    columns = {name: column.copy() for name, column in converter.dataset.columns.items()}
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(tmp_path / "a" / "labels" / "0001.mat", "Penn_Action/labels/0001.mat")
    assert converter("penn-action", tmp_path / "a.zip") == 0
    assert all((converter.dataset.columns[name] == column).all() for name, column in columns.items())


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"action": "cartwheel"}, "wanted an action out of bowl, pullup"),
        ({"train": 0}, "wanted train of 1 or -1, found [0]"),
        ({"x": np.ones((30, 14))}, "wanted x, y and visibility of (frames, 13), found (30, 14)"),
        ({"y": np.ones((29, 13))}, "(29, 13)"),
        ({"bbox": np.ones((30, 3))}, "wanted bbox of (frames, 4), found (30, 3)"),
        ({"dimensions": np.array([[0, 480, 30]])}, "wanted dimensions: height, width, frames"),
    ],
)
def test_one_spoilt_penn_action_file(tmp_path: Path, converter: Converter, changed: dict[str, Any], told: str) -> None:
    penn(tmp_path, 1, **changed)
    penn(tmp_path, 2)
    assert converter("penn-action", tmp_path) == 1
    assert "0001.mat: wanted" in converter.problems
    assert told in converter.problems
    assert [clip.name for clip in converter.dataset.clips] == ["0002"], "the others go on"


def test_penn_action_without_a_variable_or_a_file(tmp_path: Path, converter: Converter) -> None:
    savemat(tmp_path / "0001.mat", {"x": 1})
    assert converter("penn-action", tmp_path) == 1
    assert "found no action, pose, train, y, visibility, bbox, dimensions" in converter.problems
    (tmp_path / "empty").mkdir()
    assert converter("penn-action", tmp_path / "empty") == 2
    assert "wanted Penn Action's labels/*.mat, found none" in converter.problems
    assert converter("penn-action", tmp_path / "nowhere") == 2


def test_the_real_penn_action(shared_data: Path, converter: Converter) -> None:
    assert converter("penn-action", shared_data / "penn_action") == 0
    found = converter.dataset
    clips = found.clips
    assert {s: sum(c.split == s for c in clips) for s in PENN_ACTION_SPLITS} == PENN_ACTION_SPLITS
    assert {a: sum(c.action == a for c in clips) for a in found.actions} == PENN_ACTION_CLIPS
    assert len(found) == 163_841
    assert "95% of 567 front views and on its right in 76% of 598 back views" in converter.notes
    assert "21 clips are shorter than 25 frames" in converter.notes


# LSP and LSPET


@pytest.mark.parametrize("axes", [(2, 1, 0), (1, 2, 0)])
def test_lsp(tmp_path: Path, converter: Converter, axes: tuple[int, int, int]) -> None:
    joints = lsp_joints(1001, 0.1)
    savemat(tmp_path / "lsp_joints.mat", {"joints": joints.transpose(axes)})
    assert converter("lsp", tmp_path) == 0
    found = converter.dataset
    np.testing.assert_allclose(found.columns["uv"], joints[..., :2], rtol=1e-6)
    np.testing.assert_array_equal(found.columns["visible"], joints[..., 2] == 0)
    assert [(c.name, c.split) for c in found.clips] == [("lsp-train", "train"), ("lsp-test", "test")]
    assert found.columns["clip"].tolist() == [0] * 1000 + [1]
    assert found.columns["frame"].tolist() == list(range(1001))
    assert "size" not in found.columns
    # not knowing the image, the person is in its middle: as much room after the joints as before them
    middle = (joints[..., :2].min(1) + joints[..., :2].max(1)) / 2
    np.testing.assert_allclose(found.columns["center"], middle, rtol=1e-5)
    np.testing.assert_allclose(found.columns["focal"][:, 0], 2.4 * middle.max(1), rtol=1e-5)
    assert "the size is unknown for 1001 of 1001 people" in found.about.intrinsics


@pytest.mark.parametrize("axes", [(2, 1, 0), (1, 2, 0)])
def test_lspet(tmp_path: Path, converter: Converter, axes: tuple[int, int, int]) -> None:
    joints = lsp_joints(50, 0.9)
    joints[joints[..., 2] == 0, :2] = -40  # junk, as the real ones
    joints[7, :, 2] = 0
    savemat(tmp_path / "joints.mat", {"joints": joints.transpose(axes)})
    assert converter("lspet", tmp_path / "joints.mat") == 0
    found = converter.dataset
    labelled = joints[..., 2] == 1
    np.testing.assert_array_equal(found.columns["visible"], labelled)
    assert (found.columns["uv"][~labelled] == 0).all()
    assert found.about.split == found.clips[0].split == "train"
    assert "1 people without a single labelled joint, kept" in converter.notes
    hips = labelled[:, LSP_14.index("r_hip")] & labelled[:, LSP_14.index("l_hip")]
    assert f"{(~hips).sum()} people without a root" in converter.notes
    assert np.isnan(found.columns["box"][7]).all()
    assert (found.columns["focal"] > 0).all()


def test_each_flag_convention_is_told_from_the_other(tmp_path: Path, converter: Converter) -> None:
    savemat(tmp_path / "joints.mat", {"joints": lsp_joints(50, 0.9).transpose(1, 2, 0)})
    assert converter("lsp", tmp_path) == 1
    assert "this is LSPET, where 1 means labelled; convert it as lspet" in converter.problems
    savemat(tmp_path / "joints.mat", {"joints": lsp_joints(50, 0.1).transpose(1, 2, 0)})
    assert converter("lspet", tmp_path) == 1
    assert "this is LSP, where 1 means occluded; convert it as lsp" in converter.problems


def test_sizes_of_photographs(tmp_path: Path, converter: Converter) -> None:
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "images").mkdir()
    savemat(tmp_path / "joints.mat", {"joints": lsp_joints(2, 1.0).transpose(1, 2, 0)})
    image.new("RGB", (300, 200)).save(tmp_path / "images" / "im00002.jpg")
    assert converter("lspet", tmp_path) == 0
    assert converter.dataset.columns["center"][1].tolist() == [150, 100]
    assert converter.dataset.columns["focal"][1].tolist() == [360, 360]
    assert "size" not in converter.dataset.columns, "one is unknown"
    assert "the size is unknown for 1 of 2 people" in converter.dataset.about.intrinsics
    image.new("RGB", (200, 400)).save(tmp_path / "images" / "im00001.jpg")
    assert converter("lspet", tmp_path) == 0
    assert converter.dataset.columns["size"].tolist() == [[200, 400], [300, 200]]


def test_joints_of_no_known_shape(tmp_path: Path, converter: Converter) -> None:
    for joints in (np.zeros((16, 3, 5)), np.zeros((3, 14)), np.zeros((14, 3, 0))):
        savemat(tmp_path / "joints.mat", {"joints": joints})
        assert converter("lsp", tmp_path) == 1
        assert "wanted joints of (3, 14, N) or (14, 3, N)" in converter.problems
    savemat(tmp_path / "joints.mat", {"other": 1})
    assert converter("lsp", tmp_path) == 1
    (tmp_path / "joints.mat").unlink()
    assert converter("lspet", tmp_path) == 2


def test_the_real_lsp_and_lspet(shared_data: Path, converter: Converter) -> None:
    assert converter("lsp", shared_data / "lsp") == 0
    assert len(converter.dataset) == 2000
    assert converter.dataset.columns["visible"].mean() == pytest.approx(1 - 0.073, abs=5e-4)
    assert converter("lspet", shared_data / "lsp") == 0
    whole = {name: column.copy() for name, column in converter.dataset.columns.items()}
    assert len(whole["uv"]) == 10000
    assert whole["visible"].mean() == pytest.approx(0.8801, abs=5e-5)
    if (shared_data / "lsp" / "lspet_400img" / "images").is_dir():
        pytest.importorskip("PIL")
        assert converter("lspet", shared_data / "lsp" / "lspet_400img") == 0
        np.testing.assert_array_equal(converter.dataset.columns["uv"], whole["uv"][:400])
        assert converter.dataset.columns["size"].min() > 80


# MPII


def test_mpii_csv_with_activities(tmp_path: Path, converter: Converter) -> None:
    first, second, third = mpii_person(10), mpii_person(1500), mpii_person(20)
    first[3] = -1
    first[4] = (-1, 50)  # out of the image, not missing
    second[9] = -1
    rows = [
        ["1", "a.jpg", *mpii_line(first), "2", "yoga, Power", "conditioning exercise"],
        ["2", "a.jpg", *mpii_line(second), "4", "curling", "sports"],
        ["3", "b.jpg", *mpii_line(third), "3", "yoga, Power", "conditioning exercise"],
        ["4", "c.jpg", *mpii_line(third), "3", "[]", "[]"],
    ]
    with (tmp_path / "mpii_human_pose.csv").open("w", newline="") as file:
        csv.writer(file).writerows([MPII_HEAD, *rows])
    assert converter("mpii", tmp_path) == 0
    found = converter.dataset
    assert [(c.name, c.action) for c in found.clips] == [
        ("mpii", ""),
        ("conditioning exercise/yoga, Power", "yoga, Power"),
        ("sports/curling", "curling"),
    ]
    assert found.columns["clip"].tolist() == [0, 1, 1, 2]
    assert found.columns["frame"].tolist() == [3, 0, 2, 1], "rows of the file"
    assert found.columns["visible"][1].sum() == 15
    assert not found.columns["visible"][1, 3]
    assert found.columns["uv"][1, 4].tolist() == [-1, 50]
    # 0.75 of the 50 px between the head's joints; 25 times the scale where one is missing
    assert found.columns["head"].tolist() == [37.5, 37.5, 37.5, 100.0]
    # a.jpg holds a joint at x = 1650, so it is 1920 x 1080 for both of its people
    assert found.columns["focal"][:, 0].tolist() == pytest.approx([1536, 2304, 1536, 2304])
    assert found.columns["center"][1].tolist() == [960, 540]
    assert "2 joints are missing" in converter.notes


def test_mpii_csv_without_header(tmp_path: Path, converter: Converter) -> None:
    lines = [",".join(["a.jpg", *mpii_line(mpii_person(10))]), "a.jpg,1,2", ",".join(["b.jpg", *["x"] * 32])]
    (tmp_path / "train_joints.csv").write_text("\n".join([lines[1], lines[0], lines[2]]) + "\n")
    assert converter("mpii", tmp_path / "train_joints.csv") == 1
    assert "train_joints.csv:1: wanted 33 columns, names and numbers, found 3 columns" in converter.problems
    assert "train_joints.csv:3: wanted 33 columns" in converter.problems
    found = converter.dataset
    assert [(c.name, c.split) for c in found.clips] == [("mpii", "train")]
    assert found.columns["frame"].tolist() == [1]
    np.testing.assert_allclose(found.columns["uv"][0], mpii_person(10))
    (tmp_path / "train_joints.csv").write_text("a,b\n")
    assert converter("mpii", tmp_path / "train_joints.csv") == 1
    assert "wanted lines of 33 columns, found 2 columns" in converter.problems


def test_mpii_release(tmp_path: Path, converter: Converter) -> None:
    savemat(tmp_path / "mpii_human_pose_v1_u12_1.mat", {"RELEASE": release()})
    (tmp_path / "train_joints.csv").write_text("")
    assert converter("mpii", tmp_path) == 0
    found = converter.dataset
    assert [(c.name, c.action) for c in found.clips] == [("sports/curling", "curling")]
    assert len(found) == 1
    labelled = np.arange(16) != 5
    visible = labelled & (np.arange(16) != 2)
    np.testing.assert_array_equal(found.columns["visible"][0], visible)
    np.testing.assert_allclose(found.columns["uv"][0][labelled], mpii_person(10)[labelled])
    assert found.columns["head"].tolist() == pytest.approx([0.6 * 100])  # a box of 60 by 80
    assert "mpii_human_pose_v1_u12_1.mat is taken, left out: train_joints.csv" in converter.notes
    assert "1 people without joints left out" in converter.notes


def test_mpii_of_another_layout(tmp_path: Path, converter: Converter) -> None:
    file = tmp_path / "mpii_human_pose.mat"
    savemat(file, {"joints": 1})
    assert converter("mpii", file) == 1
    assert "wanted a structure RELEASE, found variables joints" in converter.problems
    savemat(file, {"RELEASE": {"annolist": 1}})
    assert converter("mpii", file) == 1
    assert "wanted RELEASE with annolist, act and img_train of MPII's layout" in converter.problems
    spoilt = release()
    spoilt["annolist"][0, 0]["annorect"][0, 0]["annopoints"][0, 0]["point"][0, 0]["id"] = 16
    savemat(file, {"RELEASE": spoilt})
    assert converter("mpii", file) == 1
    assert "joint id 16" in converter.problems


def test_the_real_mpii(shared_data: Path, converter: Converter) -> None:
    assert converter("mpii", shared_data / "mpii" / "train_joints.csv") == 0
    assert len(converter.dataset) == 17_928
    assert converter.dataset.columns["visible"].all()
    assert converter("mpii", shared_data / "mpii" / "mpii_human_pose.csv") == 0
    assert len(converter.dataset) == 17_372
    assert (~converter.dataset.columns["visible"]).sum() == 20_111
    assert len(converter.dataset.clips) == 397


# COCO and AI Challenger


def test_coco(tmp_path: Path, converter: Converter) -> None:
    people = [
        coco_person(7, 100, {3: 1, 4: 0}),
        coco_person(7, 200, iscrowd=1),
        coco_person(8, 300, dict.fromkeys(range(17), 0)),
        coco_person(9, 400),
    ]
    train = {"info": {"year": 2017}, "annotations": people[:3], "images": [{"id": 7, "width": 640, "height": 480}]}
    val = {"images": [{"id": 9, "width": 100, "height": 200}], "annotations": [people[3]], "categories": []}
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "person_keypoints_train2017.json").write_text(json.dumps(train))
    (tmp_path / "annotations" / "person_keypoints_val2017.json").write_text(json.dumps(val))
    assert converter("coco", tmp_path) == 0
    found = converter.dataset
    assert [(c.name, c.split) for c in found.clips] == [
        ("person_keypoints_train2017", "train"),
        ("person_keypoints_val2017", "test"),
    ]
    assert found.columns["clip"].tolist() == [0, 1]
    assert found.columns["size"].tolist() == [[640, 480], [100, 200]]
    assert found.columns["box"].tolist() == [[1, 2, 31, 42]] * 2
    assert found.columns["focal"][:, 0].tolist() == pytest.approx([768, 240])
    visible = found.columns["visible"]
    assert (~visible[0]).nonzero()[0].tolist() == [3, 4]
    assert found.columns["uv"][0, 3].tolist() == [103, 6], "occluded, but labelled"
    assert found.columns["labelled"][0].tolist() == [joint != 4 for joint in range(17)]
    assert found.columns["uv"][0, COCO_17.index("r_ankle")].tolist() == [116, 32]
    assert "1 crowds left out" in converter.notes
    assert "1 people without a labelled joint left out" in converter.notes


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"annotations": [coco_person(1, 1) | {"keypoints": [1, 2, 2]}]}, "3 keypoint numbers, wanted 51"),
        ({"annotations": [{"image_id": 1, "keypoints": [1, 1, 2] * 17}]}, "KeyError: 'bbox'"),
        ({"images": [{"id": 1}]}, "wanted images with id, width and height"),
        ({"annotations": []}, "nobody in it has a labelled joint"),
    ],
)
def test_spoilt_coco(tmp_path: Path, converter: Converter, document: dict[str, Any], told: str) -> None:
    file = tmp_path / "person_keypoints_train.json"
    file.write_text(json.dumps(document))
    assert converter("coco", file) == 1
    assert told in converter.problems


def test_ai_challenger(tmp_path: Path, converter: Converter) -> None:
    points = [value for joint in range(14) for value in (joint, 100 + joint, 1)]
    points[3 * 2 + 2] = 2  # the right wrist is occluded
    points[3 * 5 : 3 * 6] = [0, 0, 3]  # the left one is not labelled
    record = {
        "image_id": "abc",
        "url": "http://example.org",
        "human_annotations": {"human1": [1, 2, 3, 4], "human2": [5, 6, 7, 8]},
        "keypoint_annotations": {"human1": points, "human2": [0, 0, 3] * 14},
    }
    file = tmp_path / "keypoint_validation_annotations_20170911.json"
    file.write_text(json.dumps([record, record | {"image_id": "def"}]))
    assert converter("ai-challenger", tmp_path) == 0
    found = converter.dataset
    assert (found.about.skeleton, found.clips[0].split) == ("LSP_14", "test")
    assert len(found) == 2
    for name, joint in {"r_shoulder": 0, "r_wrist": 2, "l_shoulder": 3, "r_hip": 6, "l_ankle": 11}.items():
        assert found.columns["uv"][0, LSP_14.index(name)].tolist() == [joint, 100 + joint], name
    assert found.columns["uv"][0, LSP_14.index("head_top")].tolist() == [12, 112]
    assert found.columns["uv"][0, LSP_14.index("neck")].tolist() == [13, 113]
    unseen = {LSP_14.joints[k] for k in np.flatnonzero(~found.columns["visible"][0])}
    assert unseen == {"r_wrist", "l_wrist"}
    assert found.columns["uv"][0, LSP_14.index("l_wrist")].tolist() == [0, 0]
    assert found.columns["box"][0].tolist() == [1, 2, 3, 4]
    assert "2 people without a labelled joint left out" in converter.notes
    assert set(JOINTS) == set(LSP_14.joints)


@pytest.mark.parametrize(
    ("points", "told"),
    [([1, 2, 1] * 13, "human1 has 39 keypoint numbers, wanted 42"), ([1, 2, 0] * 14, "flags 1, 2 or 3 wanted")],
)
def test_spoilt_ai_challenger(tmp_path: Path, converter: Converter, points: list[int], told: str) -> None:
    record = {"image_id": "a", "human_annotations": {}, "keypoint_annotations": {"human1": points}}
    (tmp_path / "keypoint_train_annotations.json").write_text(json.dumps([record]))
    assert converter("ai-challenger", tmp_path) == 1
    assert told in converter.problems


# anyone's own keypoints


def own(**changed: Any) -> dict[str, Any]:
    uv = [[[50 + 10 * k + row, 20 + 5 * k] for k in range(14)] for row in range(4)]
    given = {"skeleton": "LSP_14", "uv": uv, "image_size": [640, 480], **changed}
    return {key: value for key, value in given.items() if value is not None}


def test_json_and_npz_say_the_same(tmp_path: Path, converter: Converter) -> None:
    given = own(
        clip=["b", "a", "b", "a"],
        frame=[9, 1, 3, 2],
        action=["run", "sit", "run", "sit"],
        split=["train", "test", "train", "test"],
        score=[[0.9] * 13 + [0.2]] * 4,
        fps=25,
        name="mine",
        licence="mine, too",
    )
    (tmp_path / "own.json").write_text(json.dumps(given))
    np.savez(tmp_path / "own.npz", **{key: np.asarray(value) for key, value in given.items()})
    found = []
    for kind in ("json", "npz"):
        assert converter("keypoints", tmp_path / f"own.{kind}") == 0
        dataset = converter.dataset
        found.append({name: column.copy() for name, column in dataset.columns.items()})
        assert [(c.name, c.action, c.split) for c in dataset.clips] == [("b", "run", "train"), ("a", "sit", "test")]
        about = dataset.about
        assert (about.name, about.fps, about.licence, about.keypoints) == ("mine", 25, "mine, too", "detected")
    assert all((found[0][name] == found[1][name]).all() for name in found[0])
    assert found[0]["frame"].tolist() == [3, 9, 1, 2]
    assert found[0]["uv"][:, 0, 0].tolist() == [52, 50, 51, 53]
    assert found[0]["visible"][:, :13].all()
    assert not found[0]["visible"][:, 13].any()
    assert found[0]["focal"][0].tolist() == pytest.approx([768, 768])


def test_own_intrinsics_and_holes(tmp_path: Path, converter: Converter) -> None:
    given = own(image_size=None, focal=[800, 810], center=[[300, 200]] * 4)
    given["uv"][1][2] = [None, None]
    (tmp_path / "own.json").write_text(json.dumps(given))
    assert converter("keypoints", tmp_path / "own.json") == 0
    found = converter.dataset
    assert found.columns["focal"].tolist() == [[800, 810]] * 4
    assert found.about.intrinsics == "known"
    assert (~found.columns["visible"]).nonzero()[0].tolist() == [1]
    assert (~found.columns["visible"]).nonzero()[1].tolist() == [2]
    assert found.columns["frame"].tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (own(skeleton=None), "wanted the key 'skeleton', found none"),
        (own(skeleton="LSP_15"), "unknown skeleton 'LSP_15'"),
        (own(image_size=None), "wanted image_size, or focal and center, found neither"),
        (own(skeleton="MPII_16"), "wanted uv of (4, 16, 2), numbers, found (4, 14, 2)"),
        (own(uvs=1), "found 'uvs'"),
        (own(uv=[[[1, 2]], [[1, 2], [3, 4]]]), "rows of different lengths"),
        (own(uv=(np.asarray(own()["uv"]) / 640).tolist()), "are they normalised?"),
        (own(uv=[[[None, None]] * 14] * 4), "wanted at least one joint"),
        (own(frame=[0, 1, 1, 2]), "each frame once in a clip"),
        (own(frame=[0, 1, 1.5, 2]), "frame of whole numbers"),
        (own(clip=["a"] * 4, action=["x", "y", "x", "x"]), "wanted one action for clip 'a', found 'x' and 'y'"),
        (own(keypoints="guessed"), "'detected' or 'annotated'"),
        (own(clip=[1, 2, 3, 4]), "wanted clip of (4,), text"),
        (own(focal=[0, 1], center=[1, 1]), "positive focal"),
    ],
)
def test_spoilt_own_keypoints(tmp_path: Path, converter: Converter, given: dict[str, Any], told: str) -> None:
    (tmp_path / "own.json").write_text(json.dumps(given))
    assert converter("keypoints", tmp_path / "own.json") == 1
    assert told in converter.problems
    assert "own.json: wanted" in converter.problems


def test_files_that_are_no_keypoints(tmp_path: Path, converter: Converter) -> None:
    for name, content, told in (
        ("a.json", "[1, 2", "wanted whole JSON"),
        ("b.json", "[1, 2]", "wanted a JSON object, found list"),
        ("c.json", "[" * 100_000, "wanted whole JSON"),
        ("d.json", "", "wanted between 1 and"),
        ("e.txt", "{}", "wanted a .json or .npz file"),
        ("f.npz", "{}", "wanted a whole zip archive"),
    ):
        (tmp_path / name).write_text(content)
        assert converter("keypoints", tmp_path / name) == 1
        assert told in converter.problems
    assert converter("keypoints", tmp_path / "g.json") == 2


def test_the_documented_layout_is_the_one_that_is_read(tmp_path: Path, converter: Converter) -> None:
    text = (Path(__file__).parents[1] / "docs" / "keypoints.md").read_text()
    keys = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert keys == list(keypoints.LAYOUT)
    (tmp_path / "own.json").write_text(text.partition("```json")[2].partition("```")[0])
    assert converter("keypoints", tmp_path / "own.json") == 0
    assert len(converter.dataset) == 1


# what all share


def test_boxes_and_intrinsics_by_hand() -> None:
    uv = np.array([[(10.0, 20.0), (50.0, 100.0), (999.0, 999.0)], [(5.0, 5.0)] * 3, [(1.0, 1.0)] * 3])
    labelled = np.array([[True, True, False], [True] * 3, [False] * 3])
    box = box_around(uv, labelled)
    assert box[0].tolist() == [0, 10, 60, 110]  # an eighth of 80 all around
    assert box[1].tolist() == [5, 5, 5, 5]
    assert np.isnan(box[2]).all()
    focal, center = hypothesised(np.array([[640, 480], [100, 300]]))
    assert focal.tolist() == [[768, 768], [360, 360]]
    assert center.tolist() == [[320, 240], [50, 150]]


def test_photographs_need_pillow(tmp_path: Path, converter: Converter, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "im00001.jpg").write_bytes(b"")
    savemat(tmp_path / "joints.mat", {"joints": lsp_joints(1, 1.0).transpose(1, 2, 0)})
    assert converter("lspet", tmp_path) == 0, "a photograph that does not read is as good as none"
    assert "the size is unknown for 1 of 1 people" in converter.dataset.about.intrinsics
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert converter("lspet", tmp_path) == 2
    assert "photographs need Pillow: pip install benchsuite[data]" in converter.problems
