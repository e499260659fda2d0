"""Crops: where their squares lie, what they show, which camera sees them, and datasets with pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pictured import ABOUT, CLIPS, HEIGHT, WIDTH, dots, found_dots, middle_of, people, photographed, rendered, spotted

from benchsuite.datasets.dataset import Dataset, WrongDataset, in_memory, open_dataset, write_dataset
from benchsuite.images.crops import crop_camera, cut, is_beside, pixels_in_crop, squares_around
from benchsuite.images.photographs import WrongImage
from benchsuite.images.pictures import check_pictures, cut_rows, missing_photographs, squares

image = pytest.importorskip("PIL.Image")


# squares


def test_squares_are_a_quarter_larger_than_the_longer_side() -> None:
    """A box of 40 x 80 px about (120, 240): 1.25 times 80 is 100."""
    box = np.array([[100, 200, 140, 280], [np.nan, 0, 1, 1]], np.float32)
    found = squares_around(box)
    assert found[0].tolist() == [70, 190, 170, 290]
    assert np.isnan(found[1]).all()


def test_squares_about_boxes_else_joints_else_the_whole_picture() -> None:
    columns = people(4)
    columns["uv"][1, :, 0] = np.linspace(50, 90, 16)  # 40 wide
    columns["uv"][1, :, 1] = 60
    columns["visible"][2] = False
    columns["box"] = np.array([[10, 20, 50, 100], [np.nan] * 4, [np.nan] * 4, [5, 5, 5, 5]], np.float32)
    found = squares(in_memory(ABOUT, columns, CLIPS, ""), slice(0, 4))
    assert found[0].tolist() == [-20, 10, 80, 110]
    # an eighth of 40 on either side makes 50, a quarter more 62.5
    np.testing.assert_allclose(found[1], [70 - 31.25, 60 - 31.25, 70 + 31.25, 60 + 31.25])
    assert found[2].tolist() == [0, -20, 160, 140], "the longer side is 160"
    uv = columns["uv"][3].astype(np.float64)
    np.testing.assert_allclose((found[3, 2:] - found[3, :2]), 1.25**2 * np.ptp(uv, axis=0).max(), rtol=1e-6)
    del columns["size"]
    assert np.isnan(squares(in_memory(ABOUT, columns, CLIPS, ""), slice(2, 3))).all()


def test_occluded_joints_count_where_they_are_labelled() -> None:
    columns = people(1)
    whole = squares(in_memory(ABOUT, columns, CLIPS, ""), slice(0, 1))
    columns["labelled"], columns["visible"] = columns["visible"], columns["visible"].copy()
    columns["visible"][0, :8] = False
    np.testing.assert_array_equal(squares(in_memory(ABOUT, columns, CLIPS, ""), slice(0, 1)), whole)


def test_squares_beside_the_picture() -> None:
    touching = np.array([[-10, 0, 0, 10], [100, 0, 110, 10], [0, -5, 10, 0.0], [0, 50, 10, 60]])
    assert is_beside(touching, 100, 50).all()
    assert is_beside(touching + 0.1, 100, 50).tolist() == [False, True, False, True]


# cutting


@pytest.mark.parametrize("side", [40.0, 64.0, 97.3, 118.9])
@pytest.mark.parametrize("size", [32, 64, 200])
def test_a_dot_is_where_the_mapping_says(side: float, size: int) -> None:
    """Light falls within a twentieth of a pixel of the picture of where the mapping puts it, enlarged or reduced."""
    place = np.array((71.37, 58.81))
    rgb = np.repeat((255 * dots(place[None], sigma=3.0)).round().astype(np.uint8)[..., None], 3, axis=2)
    square = np.array((place[0] - 0.43 * side, place[1] - 0.52 * side))
    square = np.concatenate((square, square + side))
    found = middle_of(cut(rgb, square, size)[..., 1])
    wanted = pixels_in_crop(place[None, None], square[None], size)[0, 0]
    assert np.abs(found - wanted).max() * side / size < 0.05


def test_whole_pixels_are_kept_as_they_are() -> None:
    rgb = np.random.default_rng(0).integers(0, 255, (30, 40, 3), np.uint8)
    np.testing.assert_array_equal(cut(rgb, np.array((5, 7, 21, 23)), 16), rgb[7:23, 5:21])


def test_twice_as_small_is_smooth() -> None:
    """A checkerboard of single pixels becomes grey; picking every other pixel would give black or white."""
    board = np.indices((40, 40)).sum(0) % 2 * 255
    found = cut(np.repeat(board[..., None], 3, 2).astype(np.uint8), np.array((4, 4, 36, 36)), 16)
    np.testing.assert_allclose(found, 127.5, atol=1)


def test_beyond_the_picture_all_is_black() -> None:
    white = np.full((20, 30, 3), 255, np.uint8)
    found = cut(white, np.array((-10, -10, 30, 30)), 40)
    assert (found[10:30, 10:, :] == 255).all()
    assert found.astype(int).sum() == 255 * 3 * 20 * 30
    for beside in ((-50, 0, -10, 40), (40, 0, 80, 40), (0, -90, 40, -50), (0, 25, 40, 65)):
        assert not cut(white, np.array(beside), 8).any()


def test_a_square_without_measure_is_refused() -> None:
    white = np.full((20, 30, 3), 255, np.uint8)
    for square in ((5, 5, 5, 5), (np.nan,) * 4, (0, 0, 1e6, 1e6)):
        with pytest.raises(WrongImage, match="crop: wanted a square of at most 67,108,864 pixels, found corners"):
            cut(white, np.array(square), 8)


def test_the_crop_has_a_camera_of_its_own() -> None:
    """A square of 50 px becomes 100 px: focal lengths double, and the axis is where the center comes to lie."""
    square = np.array([[30.0, 20.0, 80.0, 70.0]])
    focal, center = crop_camera(np.array([[200.0, 210.0]]), np.array([[80.0, 60.0]]), square, 100)
    assert focal.tolist() == [[400, 420]]
    assert center.tolist() == [[100, 80]]


# datasets with pictures


def assert_exact(dataset: Dataset, size: int = 96) -> None:
    """The dot in the blue is where the crop's camera sees joint 0, and the others' dots are near their joints."""
    images = dataset.images(slice(1, 4), size)
    assert images.rgb.shape == (3, 3, size, size)
    assert images.rgb.dtype == torch.float32
    assert images.ids.tolist() == [1, 2, 3]
    given = dataset.keypoints(slice(1, 4))
    uv = given.camera.pixels_in(given.uv, images.camera)
    torch.testing.assert_close(images.camera.project(dataset.poses(slice(1, 4)).xyz), uv, atol=2e-3, rtol=0)
    for crop, joints in zip(images.rgb.permute(0, 2, 3, 1).numpy(), uv.numpy(), strict=True):
        assert np.abs(middle_of(crop[..., 2]) - joints[0]).max() < 0.05 * size / 160
        assert np.abs(found_dots(crop) - joints).max() < 0.3


def test_rendered_pictures() -> None:
    assert_exact(rendered())


def test_photographs(tmp_path: Path) -> None:
    made = photographed(tmp_path)
    assert_exact(made)
    assert made.has_images
    again = open_dataset(tmp_path / "data")
    assert again.photographs == tuple(f"some/{k}.png" for k in range(5))
    np.testing.assert_array_equal(again.images(slice(0, 5), 32).rgb, rendered().images(slice(0, 5), 32).rgb)
    some = made.images(np.array([4, 0]), 32)
    assert some.ids.tolist() == [4, 0]
    np.testing.assert_array_equal(some.rgb, made.images(slice(0, 5), 32).rgb[[4, 0]])
    thinned = made.head(2)
    np.testing.assert_array_equal(thinned.images(slice(0, 2), 32).rgb, made.images(np.array([0, 4]), 32).rgb)


def test_a_photograph_of_several_people_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchsuite.images import pictures

    made = photographed(tmp_path, 4, image=np.array([2, 2, 2, 0], np.int32))
    read: list[str] = []
    real = pictures.read_photograph
    monkeypatch.setattr(pictures, "read_photograph", lambda path: read.append(path.name) or real(path))
    made.images(slice(0, 4), 16)
    assert read == ["2.png", "0.png"]


def test_a_label_is_cut_from_its_source_in_one_go() -> None:
    """The square that a label's crop shows is the one its source's row shows, whatever the label's own scale."""
    source = rendered(3, box=np.array([[20, 30, 120, 90], [-30, 10, 50, 70], [100, 50, 130, 110]], np.float32))
    crop = squares_around(source.columns["box"], 1.0)
    columns = {
        name: source.columns[name] for name in ("visible", "xyz", "clip", "frame", "rgb") if name in source.columns
    }
    columns |= {
        "uv": pixels_in_crop(source.columns["uv"], crop, 256).astype(np.float32),
        "size": np.full((3, 2), 256, np.int32),
        "crop": crop.astype(np.float32),
    }
    focal, center = crop_camera(source.columns["focal"], source.columns["center"], crop, 256)
    columns |= {"focal": focal.astype(np.float32), "center": center.astype(np.float32)}
    label = in_memory(ABOUT, columns, CLIPS, "")
    wanted, found = source.images(slice(0, 3), 64), label.images(slice(0, 3), 64)
    np.testing.assert_array_equal(found.rgb, wanted.rgb)
    torch.testing.assert_close(found.camera.focal, wanted.camera.focal)
    torch.testing.assert_close(found.camera.center, wanted.camera.center, atol=1e-4, rtol=1e-5)


def test_any_squares_may_be_cut() -> None:
    made = rendered(2)
    square = np.array([[0, 0, 32, 32], [16, 8, 48, 40]])
    found = cut_rows(made, np.array([1, 0]), square, 32)
    np.testing.assert_array_equal(found[0], made.columns["rgb"][1, :32, :32])
    np.testing.assert_array_equal(found[1], made.columns["rgb"][0, 8:40, 16:48])


# what may be wrong with them


def test_people_beside_their_picture(tmp_path: Path) -> None:
    box = np.tile(np.array((10, 10, 90, 90), np.float32), (5, 1))
    box[2] = (-300, 0, -200, 100)
    made = photographed(tmp_path, box=box)
    with pytest.raises(
        WrongImage, match=r"2\.png \(row 2\): wanted a person in the picture of 160 x 120 px, found -312\.5 -12\.5"
    ):
        made.images(slice(0, 5), 32)
    with pytest.raises(WrongDataset, match=r"dataset D: 1 people lie beside their pictures, in rows 2$"):
        check_pictures("D", made, "somebody")
    assert made.images(slice(3, 5), 32).ids.tolist() == [3, 4]


def test_missing_photographs_are_counted_and_named(tmp_path: Path) -> None:
    made = photographed(tmp_path, 9)
    check_pictures("D", made, "somebody")
    for k in range(1, 8):
        (tmp_path / "photos" / "some" / f"{k}.png").unlink()
    assert missing_photographs(made)[0] == "some/1.png"
    with pytest.raises(
        WrongDataset, match=r"dataset D: 7 of 9 photographs are missing in .*photos: some/1\.png, some/2"
    ):
        check_pictures("D", made, "somebody")
    with pytest.raises(WrongImage, match=r"some/1\.png: wanted a photograph, found no such file"):
        made.images(slice(0, 2), 32)


def test_photographs_of_another_size(tmp_path: Path) -> None:
    made = photographed(tmp_path)
    image.new("RGB", (HEIGHT, WIDTH)).save(tmp_path / "photos" / "some" / "3.png")
    with pytest.raises(WrongImage, match=r"3\.png: wanted 160 x 120 px, as the dataset says, found 120 x 160"):
        made.images(slice(3, 4), 32)


def test_datasets_without_pictures() -> None:
    flat = in_memory(ABOUT, people(2), CLIPS, "")
    assert not flat.has_images
    with pytest.raises(WrongDataset, match="dataset spots has no pictures"):
        flat.images(slice(0, 2), 32)
    with pytest.raises(
        WrongDataset, match=r"dataset D has no pictures \(column 'image' or 'rgb'\), which image model x"
    ):
        check_pictures("D", flat, "image model x")


def test_the_list_of_photographs_is_part_of_the_dataset(tmp_path: Path) -> None:
    made = photographed(tmp_path)
    listed = tmp_path / "data" / "images.txt"
    assert listed.read_bytes() == b"".join(f"some/{k}.png\n".encode() for k in range(5))
    other = write_dataset(tmp_path / "other", made.about, made.columns, CLIPS, (*made.photographs[:4], "some/ü 5.png"))
    assert other.fingerprint != made.fingerprint
    moved = write_dataset(tmp_path / "moved", replace(made.about, images="/x"), made.columns, CLIPS, made.photographs)
    assert moved.fingerprint == made.fingerprint, "where the photographs lie does not matter"
    assert open_dataset(tmp_path / "other").photographs[4] == "some/ü 5.png"
    listed.write_text(listed.read_text().replace("3", "2"))
    with pytest.raises(WrongDataset, match=r"images\.txt: sha256 differs from dataset\.json"):
        open_dataset(tmp_path / "data", verify=False)
    listed.unlink()
    with pytest.raises(WrongDataset, match=r"images\.txt: the list of photographs is missing"):
        open_dataset(tmp_path / "data")


def test_folders_without_pictures_keep_their_fingerprint(tmp_path: Path) -> None:
    """It is what it was before there were pictures: over the columns' hashes and the clips."""
    import hashlib

    made = write_dataset(tmp_path, ABOUT, people(2), CLIPS)
    hashes = {name: c["sha256"] for name, c in json.loads((tmp_path / "dataset.json").read_text())["columns"].items()}
    text = json.dumps([sorted(hashes.items()), [clip.document() for clip in CLIPS]], sort_keys=True)
    assert made.fingerprint == hashlib.sha256(text.encode()).hexdigest()


def test_columns_that_contradict_each_other(tmp_path: Path) -> None:
    columns = people(2)
    number = np.arange(2, dtype=np.int32)
    rgb = np.zeros((2, HEIGHT, WIDTH, 3), np.uint8)
    for more, names, told in (
        ({"image": number}, ("a.jpg",), "column 'image' names a photograph beyond the 1 listed"),
        ({"image": number - 1}, ("a.jpg", "b.jpg"), "names a photograph beyond"),
        ({"image": number, "rgb": rgb}, ("a.jpg", "b.jpg"), "wanted column 'image' or 'rgb', found both"),
        ({}, ("a.jpg",), "photographs are listed, but column 'image' is missing"),
        ({"rgb": rgb[..., :2]}, (), r"column 'rgb': wanted uint8 \(2, 120, 160, 3\)"),
    ):
        with pytest.raises(WrongDataset, match=told):
            in_memory(ABOUT, {**columns, **more}, CLIPS, "", names)
    for path in ("/etc/passwd", "../a.jpg", "", "a/../../b.jpg"):
        with pytest.raises(WrongDataset, match=r"line 2: wanted a path inside the folder of the photographs"):
            write_dataset(tmp_path, ABOUT, {**columns, "image": number}, CLIPS, ("a.jpg", path))
    cropped = {**columns, "crop": np.zeros((2, 4), np.float32)}
    del cropped["size"]
    with pytest.raises(WrongDataset, match="column 'crop' is there, but 'size' is missing"):
        in_memory(ABOUT, cropped, CLIPS, "")


def test_the_truth_knows_head_sizes_and_labelled_joints() -> None:
    columns = people(3)
    head = np.array((10, 20, np.nan), np.float32)
    labelled = np.ones((3, 16), dtype=bool)
    target = in_memory(ABOUT, {**columns, "head": head, "labelled": labelled}, CLIPS, "").target(slice(1, 3))
    assert target.head is not None
    assert target.head[0] == 20
    assert target.head[1].isnan()
    assert target.labelled is not None
    assert target.labelled.all()
    assert in_memory(ABOUT, columns, CLIPS, "").target(slice(0, 2)).head is None


def test_the_middle_of_light_is_counted_from_the_corner() -> None:
    """The measure that the tests above go by: one white pixel, the third of the second row."""
    grey = np.zeros((4, 5))
    grey[1, 2] = 1
    assert middle_of(grey).tolist() == [2.5, 1.5]
    assert spotted(np.array([[2.5, 1.5]]), 5, 4)[1, 2].tolist() == [255, 15, 255]
