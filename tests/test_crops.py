"""Training crops: pictures, pixels, poses and cameras stay together however they are varied; who may be drawn."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from benchsuite_registry.skeletons import H36M_17, LSP_14, MPII_16
from pictured import ABOUT, dots, middle_of, people
from sticks import stick_figures

from benchsuite.datasets.dataset import About, Clip, Dataset, WrongDataset, in_memory, write_dataset
from benchsuite.training import crops as training_crops
from benchsuite.training.crops import Crops, CropSource, in_mpii

LEFT, RIGHT, HEAD = (MPII_16.index(joint) for joint in ("l_wrist", "r_wrist", "head_top"))
SIZE = 64


def marked(folder: Path | None = None, count: int = 6, **more: np.ndarray) -> Dataset:
    """People whose left wrist is a red dot, the right one green, the head blue; photographs if there is a folder."""
    columns = {**people(count), **more}
    columns["clip"] = np.arange(count, dtype=np.int32)
    clips = tuple(Clip(f"clip {k}", take="one") for k in range(count))
    light = [[dots(uv[j][None]) for j in (LEFT, RIGHT, HEAD)] for uv in columns["uv"]]
    rgb = (255 * np.stack(light)).round().astype(np.uint8).transpose(0, 2, 3, 1)
    about = replace(ABOUT, split="train", fps=10.0)
    if folder is None:
        return in_memory(about, {**columns, "rgb": rgb}, clips, "marked")
    image = pytest.importorskip("PIL.Image")
    for k, picture in enumerate(rgb):
        image.fromarray(picture).save(folder / f"{k}.png")
    columns["image"] = np.arange(count, dtype=np.int32)
    names = tuple(f"{k}.png" for k in range(count))
    return write_dataset(folder / "set", replace(about, images=".."), columns, clips, names)


def drawn(source: CropSource, count: int = 200) -> Crops:
    return source.pairs(np.random.default_rng(1), count)


def handed(points: np.ndarray) -> np.ndarray:
    """The sign of triangles (N, 3, 2)."""
    a, b = points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]
    return np.sign(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])


@pytest.mark.parametrize("where", ["pixels", "kept photographs", "photographs"])
def test_dots_are_where_the_keypoints_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    if where == "photographs":
        monkeypatch.setattr(training_crops, "KEPT_BYTES", 0)
    dataset = marked(None if where == "pixels" else tmp_path)
    crops = drawn(CropSource(dataset, size=SIZE))
    uv = crops.uv[:, [LEFT, RIGHT, HEAD]].numpy()
    whole = ((uv > 8) & (uv < SIZE - 8)).all((1, 2))
    assert whole.sum() > 100
    found = np.stack([[middle_of(colour) for colour in rgb] for rgb in crops.rgb[torch.from_numpy(whole)].numpy()])
    uv, xyz = uv[whole], crops.xyz[torch.from_numpy(whole)].numpy()
    # told by the dots alone: has the picture been mirrored? Then its red dot is a right wrist
    index = np.abs(xyz[:, :1, 2] - dataset.columns["xyz"][None, :, 0, 2]).argmin(1)  # people differ in depth
    mirrored = handed(found) != handed(dataset.columns["uv"][index][:, [LEFT, RIGHT, HEAD]])
    assert 0.35 < mirrored.mean() < 0.65
    uv[mirrored] = uv[mirrored][:, [1, 0, 2]]
    assert np.abs(found - uv).max() < 0.25


@pytest.mark.parametrize("varied", [True, False])
def test_the_camera_sees_the_pose_at_the_keypoints(varied: bool) -> None:
    """Rolling a camera with unequal focal lengths, the person off its axis."""
    source = CropSource(marked(), size=SIZE, varied=varied)
    for crops in (drawn(source), source.held_out(np.random.default_rng(0), 200)):
        torch.testing.assert_close(crops.camera.project(crops.xyz), crops.uv, rtol=0, atol=1e-3)


def test_unvaried_crops_are_what_inference_sees() -> None:
    dataset = marked()
    source = CropSource(dataset, size=SIZE, varied=False)
    seen = source.held_out(np.random.default_rng(0), 100)
    wanted = dataset.images(slice(None), SIZE)
    assert torch.equal(seen.rgb, wanted.rgb)
    torch.testing.assert_close(seen.center, wanted.camera.center)
    crops = drawn(source, 20)
    index = (crops.uv[:, None] - seen.uv[None]).abs().sum((2, 3)).argmin(1)
    torch.testing.assert_close(crops.uv, seen.uv[index])
    torch.testing.assert_close(crops.focal, seen.focal[index])
    gaps = (crops.rgb - seen.rgb[index]).abs()  # by another resampler
    assert gaps.mean() < 0.005
    assert gaps.max() < 0.2


def test_how_much_crops_vary() -> None:
    """One person drawn again and again. Zhou et al.: sides by 2^N(0, .25) within half an octave, turns by N(0, 30)
    degrees within 60 in 40 % of the cases, half of them mirrored, colours by 0.6-1.4."""
    one = marked(count=1)
    count = 4000
    crops = drawn(CropSource(one, size=16), count)
    still = drawn(CropSource(one, size=16, varied=False), 1)
    zoom = torch.log2(still.focal / crops.focal)
    assert (zoom[:, 0] - zoom[:, 1]).abs().max() < 1e-5
    zoom = zoom[:, 0].numpy()
    assert np.abs(zoom).max() == pytest.approx(0.5, abs=1e-6)
    inner = np.abs(zoom) < 0.49
    assert inner.mean() == pytest.approx(0.954, abs=0.015)  # two standard deviations
    assert zoom.std() == pytest.approx(0.24, abs=0.015)  # of 0.25, cut

    def heading(poses: torch.Tensor, joint: int) -> np.ndarray:
        gap = (poses[:, joint] - poses[:, MPII_16.root_index])[:, :2].double().numpy()
        return np.rad2deg(np.arctan2(gap[:, 1], gap[:, 0]))

    plain = heading(crops.xyz, HEAD) - heading(still.xyz, HEAD)
    turned = (plain + 180) % 360 - 180
    # mirrored, x has the other sign: 180 degrees minus what it was, and turned the other way
    flipped = (180 - heading(crops.xyz, HEAD) - heading(still.xyz, HEAD) + 180) % 360 - 180
    other = heading(crops.xyz, RIGHT) - heading(still.xyz, RIGHT)
    mirrored = np.abs((other - plain + 180) % 360 - 180) > 1e-2
    assert mirrored.mean() == pytest.approx(0.5, abs=0.03)
    angle = np.where(mirrored, flipped, turned)
    rolled = np.abs(angle) > 1e-2
    assert rolled.mean() == pytest.approx(0.4, abs=0.03)
    assert np.abs(angle).max() == pytest.approx(60, abs=0.1)
    assert angle[rolled].std() == pytest.approx(28.8, abs=1.5)  # of 30, cut

    grey = replace(one, columns={**one.columns, "rgb": np.full_like(one.columns["rgb"], 200)})
    middle = drawn(CropSource(grey, size=16), count).rgb[..., 8, 8].numpy() / (200 / 255)
    assert middle.min() == pytest.approx(0.6, abs=0.005)
    assert middle.max() == pytest.approx(255 / 200), "no more than white"
    assert (middle < 1).mean() == pytest.approx(0.5, abs=0.02)
    assert np.abs(np.corrcoef(middle.T) - np.eye(3)).max() < 0.1, "each colour has its own"


def test_scaling_down_smooths() -> None:
    """A board of black and white pixels becomes grey, whichever way it is turned."""
    board = np.indices((256, 256)).sum(0) % 2 * 255
    sticks = stick_figures(4, side=256, take="one")
    rgb = np.repeat(board[None, ..., None], 4, axis=0).repeat(3, axis=3).astype(np.uint8)
    whole = np.tile(np.array((10, 10, 246, 246), np.float32), (4, 1))
    dataset = replace(sticks, columns={**sticks.columns, "rgb": rgb, "box": whole})
    middle = drawn(CropSource(dataset, size=64, varied=False), 8).rgb[..., 12:-12, 12:-12]
    assert (middle - 0.5).abs().max() < 0.05


def test_reading_joints_by_name() -> None:
    rng = np.random.default_rng(0)
    uv, known = rng.normal(size=(2, 14, 2)), np.ones((2, 14), dtype=bool)
    known[1, LSP_14.index("l_hip")] = False
    made, there = in_mpii(uv, known, LSP_14)
    at = {joint: MPII_16.index(joint) for joint in MPII_16.joints}
    of = {joint: LSP_14.index(joint) for joint in LSP_14.joints}
    np.testing.assert_allclose(made[0, at["pelvis"]], (uv[0, of["l_hip"]] + uv[0, of["r_hip"]]) / 2)
    np.testing.assert_allclose(made[0, at["thorax"]], (uv[0, of["l_shoulder"]] + uv[0, of["r_shoulder"]]) / 2)
    np.testing.assert_allclose(made[:, at["r_elbow"]], uv[:, of["r_elbow"]])
    assert not there[:, at["upper_neck"]].any(), "its neck is another place"
    assert there[0].sum() == 15
    assert not there[1, [at["pelvis"], at["l_hip"]]].any()

    uv, known = rng.normal(size=(1, 17, 2)), np.ones((1, 17), dtype=bool)
    known[0, [H36M_17.index("pelvis"), H36M_17.index("neck_nose")]] = False
    made, there = in_mpii(uv, known, H36M_17)
    np.testing.assert_allclose(made[0, at["pelvis"]], (uv[0, 1] + uv[0, 4]) / 2)
    np.testing.assert_allclose(made[0, at["thorax"]], uv[0, H36M_17.index("thorax")])
    assert there[0].tolist() == [joint != "upper_neck" for joint in MPII_16.joints]


def test_without_3d_and_with_some_joints_unlabelled() -> None:
    labelled = np.ones((6, 16), dtype=bool)
    labelled[:, [LEFT, HEAD]] = False
    dataset = marked(labelled=labelled)
    del dataset.columns["xyz"]  # type: ignore[attr-defined]
    crops = drawn(CropSource(dataset, size=SIZE, number=3))
    assert crops.xyz.isnan().all()
    assert (crops.source == 3).all()
    assert not crops.known[:, HEAD].any()
    assert (crops.known[:, LEFT] ^ crops.known[:, RIGHT]).all(), "mirrored, the right one is not known"
    assert crops.known[:, [0, 5]].all()


def test_generated_labels_show_their_part_of_the_photograph(tmp_path: Path) -> None:
    """The labels' picture is a square of the photograph, here 100 px of it as 50 px."""
    photographs = marked(tmp_path)
    corner = np.array((20.0, 10.0))
    columns = dict(photographs.columns)
    columns["uv"] = ((photographs.columns["uv"] - corner) / 2).astype(np.float32)
    columns["focal"] = photographs.columns["focal"] / 2
    columns["center"] = ((photographs.columns["center"] - corner) / 2).astype(np.float32)
    columns["crop"] = np.tile(np.array((20, 10, 120, 110), np.float32), (6, 1))
    columns["size"] = np.full((6, 2), 50, np.int32)
    about = replace(photographs.about, images="..", intrinsics="unknown")
    labels = write_dataset(tmp_path / "labels", about, columns, photographs.clips, photographs.photographs)
    source = CropSource(labels, size=SIZE, varied=False)
    for crops in (drawn(source, 60), source.held_out(np.random.default_rng(0), 10)):
        torch.testing.assert_close(crops.camera.project(crops.xyz), crops.uv, rtol=0, atol=1e-3)
        inside = ((crops.uv[:, HEAD] > 8) & (crops.uv[:, HEAD] < SIZE - 8)).all(1)
        found = np.stack([middle_of(rgb[2].numpy()) for rgb in crops.rgb[inside]])
        assert inside.sum() > 2
        np.testing.assert_allclose(found, crops.uv[inside, HEAD], atol=0.3)


def test_single_images_are_held_out_one_by_one_and_test_clips_never_shown() -> None:
    sticks = stick_figures(100, side=16)
    clips = tuple(replace(clip, split="test" if k >= 60 else "train") for k, clip in enumerate(sticks.clips))
    single = replace(sticks, about=replace(sticks.about, fps=0.0), clips=clips)
    source = CropSource(single, size=16, varied=False)

    def bodies(crops: Crops) -> set[float]:
        return {round(float((pose[HEAD] - pose[6]).norm()), 2) for pose in crops.xyz}

    trained, held = bodies(drawn(source, 1000)), bodies(source.held_out(np.random.default_rng(0), 100))
    poses = torch.from_numpy(sticks.columns["xyz"])
    tested = {round(float((pose[H36M_17.index("head_top")] - pose[0]).norm()), 2) for pose in poses[60:]}
    assert 1 <= len(held) <= 10
    assert trained.isdisjoint(held)
    assert len(trained | held) == 60
    assert (trained | held).isdisjoint(tested)


def test_the_same_generator_draws_the_same_crops() -> None:
    source = CropSource(marked(), size=SIZE)
    for a, b in zip(drawn(source, 20), drawn(source, 20), strict=True):
        assert torch.equal(a, b)


def test_datasets_that_cannot_be_trained_on() -> None:
    dataset = marked()
    blind = {name: column for name, column in dataset.columns.items() if name != "rgb"}
    with pytest.raises(WrongDataset, match="no pictures"):
        CropSource(replace(dataset, columns=blind), size=SIZE)
    with pytest.raises(WrongDataset, match="wants people in H36M_17, LSP_14, MPII_16, found 6 samples of COCO_17"):
        CropSource(replace(dataset, about=About("x", "", "COCO_17", 0.0, "", "")), size=SIZE)
    with pytest.raises(WrongDataset, match="all clips are of the split test"):
        CropSource(replace(dataset, clips=tuple(replace(clip, split="test") for clip in dataset.clips)), size=SIZE)
    nobody = {**dataset.columns, "visible": np.zeros((6, 16), dtype=bool)}
    crops = drawn(CropSource(replace(dataset, columns=nobody), size=SIZE))
    assert not crops.known.any(), "nothing is known of them, but their pictures are there"
