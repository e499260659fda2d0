"""Photographs of converted datasets: each is found, listed, and shows its person where the joints say; and parts."""

from __future__ import annotations

import csv
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from annotations import MPII_HEAD, Converter, coco_person, lsp_joints, mpii_line, mpii_person, release
from benchsuite_registry.skeletons import skeleton
from penn_labels import penn
from pictured import dots, middle_of, photographed, rendered
from scipy.io import savemat
from test_convert_3dhp import VALID, poses, variables, write_v5

from benchsuite.convert.ai_challenger import JOINTS
from benchsuite.datasets.dataset import Clip, Dataset, WrongDataset, open_dataset, write_dataset
from benchsuite.doctor import examine

image = pytest.importorskip("PIL.Image")

WIDTH, HEIGHT = 200, 150


@pytest.fixture
def converter(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Converter:
    return Converter(tmp_path / "out", capsys)


def shot(file: Path, place: Any, width: int = WIDTH, height: int = HEIGHT) -> None:
    """A photograph with a white dot at a pixel; PNG whatever it is called, so that nothing is lost."""
    file.parent.mkdir(parents=True, exist_ok=True)
    grey = (255 * dots(np.array([place], dtype=np.float64), width, height)).round().astype(np.uint8)
    image.fromarray(grey).convert("RGB").save(file, format="png")


def assert_shown(dataset: Dataset, joint: str, rows: int) -> None:
    """The dot of every crop is where the crop's camera sees that joint."""
    assert len(dataset) == rows
    everybody = slice(0, rows)
    images, given = dataset.images(everybody, 100), dataset.keypoints(everybody)
    uv = given.camera.pixels_in(given.uv, images.camera)[:, dataset.skeleton.index(joint)].numpy()
    for crop, wanted in zip(images.rgb[:, 0].numpy(), uv, strict=True):
        assert np.abs(middle_of(crop) - wanted).max() < 0.1


@pytest.mark.parametrize(("form", "digits", "share"), [("lsp", 4, 0.1), ("lspet", 5, 0.9)])
def test_leeds(tmp_path: Path, converter: Converter, form: str, digits: int, share: float) -> None:
    joints = lsp_joints(3, share)
    joints[:, 0, 2] = share > 0.5  # right ankles are labelled
    savemat(tmp_path / "joints.mat", {"joints": joints.transpose(2, 1, 0)})
    for k in range(3):
        shot(tmp_path / "images" / f"im{k + 1:0{digits}d}.jpg", joints[k, 0, :2])
    assert converter(form, tmp_path) == 0
    assert_shown(converter.dataset, "r_ankle", 3)
    assert converter.dataset.about.images == str(tmp_path / "images")
    assert "with 3 photographs" in converter.notes
    (tmp_path / "images" / f"im{2:0{digits}d}.jpg").unlink()
    assert converter(form, tmp_path) == 0
    assert not converter.dataset.has_images
    assert converter.dataset.photographs == ()
    assert "2 of 3 samples have their photograph, so no pictures are written; --with-images takes" in converter.notes
    assert converter(form, tmp_path, "--with-images") == 0
    assert_shown(converter.dataset, "r_ankle", 2)
    assert converter.dataset.columns["frame"].tolist() == [0, 2]
    assert converter.dataset.about.made_by.endswith(" --with-images")
    assert "1 people without a photograph left out" in converter.notes


def test_none_of_the_photographs_is_there(tmp_path: Path, converter: Converter) -> None:
    savemat(tmp_path / "joints.mat", {"joints": lsp_joints(3, 0.9).transpose(2, 1, 0)})
    assert converter("lspet", tmp_path, "--with-images") == 1
    assert "Leeds Sports Pose Extended: wanted photographs, found none of 3" in converter.problems
    shot(tmp_path / "images" / "im00001.jpg", (10, 10))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for file in (tmp_path / "joints.mat", tmp_path / "images" / "im00001.jpg"):
            archive.write(file, f"lspet/{file.relative_to(tmp_path)}")
    assert converter("lspet", tmp_path / "a.zip", "--with-images") == 1
    assert "an archive has to be unpacked first" in converter.problems


def test_photographs_that_do_not_read_are_as_good_as_none(tmp_path: Path, converter: Converter) -> None:
    savemat(tmp_path / "joints.mat", {"joints": lsp_joints(2, 1.0).transpose(2, 1, 0)})
    shot(tmp_path / "images" / "im00001.jpg", (10, 10))
    (tmp_path / "images" / "im00002.jpg").write_bytes(b"spoilt")
    assert converter("lspet", tmp_path) == 0
    assert "1 of 2 samples have their photograph" in converter.notes
    assert converter("lspet", tmp_path, "--with-images") == 0
    assert converter.dataset.columns["frame"].tolist() == [0]


def test_mpii_csv(tmp_path: Path, converter: Converter) -> None:
    """Two people share a picture; the pictures are listed once each, in the order of the rows."""
    places = (10, 30, 20)
    rows = [
        [str(k), name, *mpii_line(mpii_person(at) * (1, 0.8)), "2", "walking", category]
        for k, (name, at, category) in enumerate(zip("bab", places, ("z", "a", "z"), strict=True))
    ]
    with (tmp_path / "mpii_human_pose.csv").open("w", newline="") as file:
        csv.writer(file).writerows([MPII_HEAD, *rows])
    (tmp_path / "images").mkdir()
    for name in "ab":
        image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "images" / name, format="png")
    assert converter("mpii", tmp_path) == 0
    found = converter.dataset
    assert found.columns["frame"].tolist() == [1, 0, 2], "by activity"
    assert found.columns["image"].tolist() == [0, 1, 1]
    assert found.photographs == ("a", "b")
    assert found.columns["size"].tolist() == [[WIDTH, HEIGHT]] * 3
    (tmp_path / "images" / "a").unlink()
    assert converter("mpii", tmp_path, "--with-images") == 0
    assert [clip.name for clip in converter.dataset.clips] == ["z/walking"], "clips without anybody left go"
    assert converter.dataset.columns["clip"].tolist() == [0, 0]


def test_mpii_release(tmp_path: Path, converter: Converter) -> None:
    savemat(tmp_path / "mpii_human_pose_v1_u12_1.mat", {"RELEASE": release()})
    shot(tmp_path / "images" / "a.jpg", mpii_person(10)[0])
    assert converter("mpii", tmp_path) == 0
    assert_shown(converter.dataset, "r_ankle", 1)


@pytest.mark.parametrize("place", ["train2017", "images/train2017", "annotations/train2017"])
def test_coco(tmp_path: Path, converter: Converter, place: str) -> None:
    people = [coco_person(7, 60, bbox=[10, 2, 90, 60]), coco_person(9, 90, bbox=[20, 2, 90, 60])]
    images = [{"id": k, "width": WIDTH, "height": HEIGHT, "file_name": f"{k:012d}.jpg"} for k in (7, 9)]
    for name, chosen in (("train2017", people), ("val2017", people[1:])):
        file = tmp_path / "annotations" / f"person_keypoints_{name}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps({"images": images, "annotations": chosen}))
        for person in chosen:
            where = tmp_path / place.replace("train2017", name) / f"{person['image_id']:012d}.jpg"
            shot(where, person["keypoints"][-3:-1])
    assert converter("coco", tmp_path) == 0
    assert_shown(converter.dataset, "r_ankle", 3)
    folder = tmp_path / Path(place).parent
    assert converter.dataset.about.images == str(folder)
    assert converter.dataset.photographs == (
        "train2017/000000000007.jpg",
        "train2017/000000000009.jpg",
        "val2017/000000000009.jpg",
    )


def test_ai_challenger(tmp_path: Path, converter: Converter) -> None:
    points = [value for joint in range(14) for value in (20 + 5 * joint, 100 - 3 * joint, 1)]
    record = {
        "human_annotations": {"human1": [5, 5, 120, 140]},
        "keypoint_annotations": {"human1": points},
    }
    folder = tmp_path / "keypoint_train_images_20170902"
    (tmp_path / "keypoint_train_annotations_20170902.json").write_text(
        json.dumps([{**record, "image_id": "x"}, {**record, "image_id": "y"}])
    )
    wrist = JOINTS.index("l_wrist")
    for name in "xy":
        shot(folder / f"{name}.jpg", (20 + 5 * wrist, 100 - 3 * wrist))
    assert converter("ai-challenger", tmp_path) == 0
    assert_shown(converter.dataset, "l_wrist", 2)


def test_penn_action(tmp_path: Path, converter: Converter) -> None:
    """Frames are counted from 1; the file's index 1 is the right shoulder."""
    for number, frames in ((1, 3), (2, 2)):
        penn(tmp_path / "labels", number, frames=frames, bbox=np.tile((5.0, 6.0, 45.0, 76.0), (frames, 1)))
        for k in range(frames):
            shot(tmp_path / "frames" / f"{number:04d}" / f"{k + 1:06d}.jpg", (11 + k, 22), 480, 360)
    assert converter("penn-action", tmp_path) == 0
    assert_shown(converter.dataset, "r_shoulder", 5)
    assert converter.dataset.photographs[3] == "0002/000001.jpg"
    (tmp_path / "frames" / "0001" / "000002.jpg").unlink()
    assert converter("penn-action", tmp_path, "--with-images") == 0
    assert converter.dataset.columns["frame"].tolist() == [0, 2, 0, 1]


def test_mpi_inf_3dhp(tmp_path: Path, converter: Converter) -> None:
    """Pictures are numbered from 1 among all frames, valid or not."""
    write_v5(tmp_path / "TS5" / "annot_data.mat", variables("TS5"))
    uv = variables("TS5")["annot2"][:, 0]
    pelvis = skeleton("MPI_INF_3DHP_17").index("pelvis")
    for frame in VALID:
        shot(tmp_path / "TS5" / "imageSequence" / f"img_{frame + 1:06d}.jpg", uv[frame, pelvis], 1920, 1080)
    assert len(poses("TS5")) == 12
    assert converter("mpi-inf-3dhp", tmp_path) == 0
    assert_shown(converter.dataset, "pelvis", len(VALID))
    (tmp_path / "TS5" / "imageSequence" / "img_000002.jpg").unlink()
    assert converter("mpi-inf-3dhp", tmp_path) == 0
    assert not converter.dataset.has_images
    assert "7 of 8 samples have their photograph, so no pictures are written\n" in converter.notes


def test_own_photographs(tmp_path: Path, converter: Converter) -> None:
    uv = [[[50 + 5 * k, 20 + 5 * k] for k in range(14)], [[60 + 5 * k, 30 + 5 * k] for k in range(14)]]
    given = {"skeleton": "LSP_14", "uv": uv, "image_size": [WIDTH, HEIGHT], "image": ["shots/1.png", "2.png"]}
    for name, place in zip(given["image"], ((50, 20), (60, 30)), strict=True):
        shot(tmp_path / name, place)
    (tmp_path / "own.json").write_text(json.dumps(given))
    assert converter("keypoints", tmp_path / "own.json") == 0
    assert_shown(converter.dataset, "r_ankle", 2)


def test_the_real_photographs(shared_data: Path, converter: Converter) -> None:
    folder = shared_data / "lsp" / "lspet_400img"
    if not (folder / "images").is_dir():
        pytest.skip("no photographs here")
    assert converter("lspet", folder) == 0
    found = converter.dataset
    assert len(found.photographs) == 400
    images = found.images(np.arange(0, 400, 20), 64)
    assert images.rgb.shape == (20, 3, 64, 64)
    assert images.rgb.flatten(1).std(dim=1).min() > 0.03, "none is empty"


# parts


def test_a_part_of_a_dataset(tmp_path: Path, converter: Converter) -> None:
    whole = photographed(tmp_path, 5)
    source = tmp_path / "data"
    assert converter("part", source, "--rows", "1:4", "--without", "xyz", "--split", "train") == 0
    part = converter.dataset
    assert "xyz" not in part.columns
    assert (part.about.split, part.clips[0].split) == ("train", "train")
    for name, column in part.columns.items():
        np.testing.assert_array_equal(column, whole.columns[name][1:4])
    np.testing.assert_array_equal(part.images(slice(0, 3), 32).rgb, whole.images(slice(1, 4), 32).rgb)
    assert not Path(part.about.images).is_absolute(), "data and photographs may be moved together"
    assert "part of a dataset of 5 samples: --rows 1:4 --without xyz --split train" in part.about.notes
    assert converter("part", source, "--without", "image") == 0
    assert converter.dataset.photographs == ()
    assert converter.dataset.about.images == ""
    assert len(converter.dataset) == 5


def test_only_clips_with_rows_are_left(tmp_path: Path, converter: Converter) -> None:
    made = rendered(4)
    clips = tuple(Clip(name) for name in "abc")
    clip = np.array((0, 1, 1, 2), np.int32)
    write_dataset(tmp_path / "in", made.about, {**made.columns, "clip": clip}, clips)
    assert converter("part", tmp_path / "in", "--rows", "2:") == 0
    assert [one.name for one in converter.dataset.clips] == ["b", "c"]
    assert converter.dataset.columns["clip"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--rows", "1-3"), "--rows: wanted A:B, such as 0:300, :300 or 300:, found '1-3'"),
        (("--rows", "1:2:3"), "--rows: wanted A:B"),
        (("--rows", "7:"), "rows 7: of 3 are none"),
        (("--without", "uv"), "--without uv: wanted one of box, crop"),
        (("--without", "head"), "has no such column"),
    ],
)
def test_parts_that_cannot_be(tmp_path: Path, converter: Converter, options: tuple[str, ...], told: str) -> None:
    photographed(tmp_path, 3)
    assert converter("part", tmp_path / "data", *options) == 1
    assert told in converter.problems
    with pytest.raises(WrongDataset):
        open_dataset(tmp_path / "out")


def test_a_part_does_not_overwrite_its_source(tmp_path: Path, converter: Converter) -> None:
    made = rendered(3)
    write_dataset(tmp_path / "out", made.about, made.columns, made.clips)
    assert converter("part", tmp_path / "out", "--rows", ":1") == 1
    assert "wanted another folder than the source's" in converter.problems
    assert len(converter.dataset) == 3


# the doctor


def photographs_found(folder: Path) -> tuple[str, str]:
    (one,) = [finding for finding in examine(folder) if finding.check == "photographs"]
    return one.verdict, one.text


def test_the_doctor_looks_at_photographs(tmp_path: Path) -> None:
    photographed(tmp_path, 6)
    assert photographs_found(tmp_path / "data") == ("ok", "all 6 are there and read")
    folder = tmp_path / "photos" / "some"
    (folder / "1.png").unlink()
    (folder / "2.png").write_bytes((folder / "2.png").read_bytes()[:300])
    image.new("RGB", (9, 7)).save(folder / "4.png")
    verdict, text = photographs_found(tmp_path / "data")
    assert verdict == "wrong"
    assert text.startswith("of 6, 1 are missing: some/1.png; 1 do not read: some/2.png (")
    assert text.endswith("; 1 are of another size: some/4.png (9 x 7, not 160 x 120)")


def test_the_doctor_unpacks_some_photographs_of_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchsuite.doctor import pictures

    photographed(tmp_path, 5)
    monkeypatch.setattr(pictures, "READ", 2)
    assert photographs_found(tmp_path / "data")[1] == "all 5 are there and read (2 unpacked, of the others the header)"


def test_the_doctor_sees_boxes_beside_the_picture(tmp_path: Path) -> None:
    box = np.tile(np.array((10, 10, 90, 90), np.float32), (4, 1))
    box[1], box[2], box[3] = (-90, 0, -10, 50), (150, 100, 300, 200), np.nan
    photographed(tmp_path, 4, box=box)
    (found,) = [finding for finding in examine(tmp_path / "data") if finding.check == "boxes"]
    assert (found.verdict, found.text) == ("wrong", "1 of 4 have no area; 1 lie outside of the image")
