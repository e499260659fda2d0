"""3D labels for 2D datasets: crops, their cameras, scores, resuming; expected values are worked out by hand."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import toys
from benchsuite_registry.loading import load_registries
from benchsuite_registry.skeletons import H36M_17, LSP_14
from shells import PLUGIN, Shell

from benchsuite.datasets.column_writer import JOURNAL, ColumnWriter, UnfinishedElsewhere
from benchsuite.datasets.columns import WrongDataset
from benchsuite.datasets.dataset import Dataset, in_memory, open_dataset, write_dataset
from benchsuite.filming import H36M_FOCAL
from benchsuite.images.pictures import in_source_of
from benchsuite.joints import read_known
from benchsuite.labels import INTRINSICS, anatomy, generator
from benchsuite.labels.crop import Crops, crops_of
from benchsuite.labels.generator import label_dataset
from benchsuite.labels.intrinsics import People, cameras, check_hypothesis
from benchsuite.labels.labeller import REASONS, VERDICT, LabellingStopped, Recipe
from benchsuite.labels.quality import PARTS, SCALES, Labelled, faults, parts, scores
from benchsuite.labels.tally import tally
from benchsuite.running.pipeline import Settings
from benchsuite.synthetic.prior import load_prior
from benchsuite.synthetic.rotations import joint_places

AT = {joint: k for k, joint in enumerate(H36M_17.joints)}


DRAW = generator._draw


@pytest.fixture(autouse=True)
def _undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes longer than all the rest together."""
    monkeypatch.setattr(generator, "_draw", lambda folder, labels: None)


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    monkeypatch.chdir(tmp_path)
    toys.CALLS.clear()
    return Shell(tmp_path, capsys)


def recipe(lifter: str = "toy", *agree: str, batch: int = 4, **more: object) -> Recipe:
    """The toy lifter, which knows the pose, and the real refiner."""
    refiners = [load_registries().refiners.parse(text) for text in ("geosearch", *agree)]
    settings = Settings(batch=batch, device=torch.device("cpu"))
    toy = toys.toy_registries().lifters.parse(lifter)
    made = Recipe(toy, refiners[0], tuple(refiners[1:]), "dataset", settings=settings)
    return replace(made, **more)  # type: ignore[arg-type]


def flat_dataset(clips: int = 3) -> Dataset:
    """The toy people, in 2D alone."""
    return toys.toy_dataset(clips, poses=False)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


# Crops


def test_crop_is_a_square_around_the_joints_with_a_quarter_more() -> None:
    uv = np.array([[(100.0, 50.0), (200.0, 450.0), (9999.0, 9999.0)]])
    crops = crops_of(uv, np.array([[True, True, False]]))
    assert crops.side.tolist() == [500.0]
    assert crops.corner.tolist() == [[-100.0, 0.0]]
    assert crops.squares.tolist() == [[-100.0, 0.0, 400.0, 500.0]]
    np.testing.assert_allclose(crops.points(uv)[0, :2], [(102.4, 25.6), (153.6, 230.4)])  # times 0.512


def test_crop_is_the_box_where_there_is_one() -> None:
    uv = np.tile(np.array([(100.0, 50.0), (200.0, 450.0)]), (2, 1, 1))
    box = np.array([(0.0, 0.0, 100.0, 200.0), (np.nan, 0.0, 1.0, 1.0)])
    crops = crops_of(uv, np.ones((2, 2), dtype=bool), box)
    assert crops.squares[0].tolist() == [-50.0, 0.0, 150.0, 200.0]
    assert crops.side.tolist() == [200.0, 500.0]  # the second has no whole box


def test_nothing_to_crop_has_no_side_and_leaves_pixels_alone() -> None:
    uv = np.full((2, 3, 2), 7.0)
    crops = crops_of(uv, np.array([[True] * 3, [False] * 3]))
    assert crops.side[0] == 0.0
    assert np.isnan(crops.side[1])
    assert crops.factor.tolist() == [1.0, 1.0]


def test_joints_are_read_by_name_and_interpolated() -> None:
    uv = np.stack([np.arange(14.0), np.arange(14.0) ** 2], axis=1)[None].repeat(2, axis=0)
    visible = np.ones((2, 14), dtype=bool)
    visible[1, LSP_14.index("l_hip")] = False
    read, known = read_known(uv, visible, LSP_14, H36M_17)
    hips = uv[0, [LSP_14.index("l_hip"), LSP_14.index("r_hip")]]
    np.testing.assert_allclose(read[0, AT["pelvis"]], hips.mean(0))
    np.testing.assert_allclose(read[0, AT["l_wrist"]], uv[0, LSP_14.index("l_wrist")])
    unknown = [{H36M_17.joints[j] for j in np.flatnonzero(~row)} for row in known]
    assert unknown == [{"neck_nose"}, {"neck_nose", "l_hip", "pelvis", "spine"}]


# Cameras of crops


def people_of(dataset: Dataset) -> People:
    uv, visible = np.asarray(dataset.columns["uv"], dtype=float), dataset.columns["visible"]
    crops = crops_of(uv, visible)
    return People(crops.points(uv), visible, crops, slice(0, len(uv)))


def test_dataset_intrinsics_keep_every_ray() -> None:
    dataset = flat_dataset()
    people = people_of(dataset)
    focal, center = cameras("dataset", people, dataset)
    rays = (people.uv - center[:, None]) / focal[:, None]
    np.testing.assert_allclose(rays, (dataset.columns["uv"] - 500.0) / 1000.0, atol=1e-6)


def test_cropped_intrinsics_by_hand() -> None:
    crops = Crops(np.array([[-100.0, 0.0]]), np.array([500.0]))
    people = People(np.full((1, 17, 2), 40.0), np.ones((1, 17), dtype=bool), crops, slice(0, 1))
    columns = {"focal": [(1000.0, 900.0)], "center": [(500.0, 400.0)], "size": [(640, 480)]}
    dataset = replace(flat_dataset(), columns={name: np.array(column) for name, column in columns.items()})
    expected = {
        "dataset": ((512.0, 460.8), (307.2, 204.8)),
        "image": ((393.216, 393.216), (215.04, 122.88)),  # 1.2 x 640 x 0.512; (320 + 100, 240) x 0.512
        "root-centred": (tuple(H36M_FOCAL[0]), (40.0, 40.0)),
    }
    for hypothesis, (focal, center) in expected.items():
        found = cameras(hypothesis, people, dataset)
        np.testing.assert_allclose(found, [[focal], [center]], err_msg=hypothesis)


def flat_person(px_per_mm: float) -> np.ndarray:
    """Keypoints (1, 17, 2) of someone whose bones all lie in the image plane, of mean length."""
    angle = np.linspace(0.0, 6.0, 16)
    directions = np.stack((np.cos(angle), np.sin(angle), 0 * angle), axis=1)
    return joint_places(directions, load_prior().lengths.astype(float))[None, :, :2] * px_per_mm


def test_scaled_intrinsics_put_a_person_5_m_away() -> None:
    for px_per_mm in (0.05, 0.2):
        uv = flat_person(px_per_mm)
        known = np.ones((1, 17), dtype=bool)
        crops = Crops(np.zeros((1, 2)), np.array([256.0]))
        focal, center = cameras("scaled", People(uv, known, crops, slice(0, 1)), flat_dataset())
        assert focal.mean() / px_per_mm == pytest.approx(5000.0)  # mm x px_per_mm = mm / distance x focal
        assert (focal[0] / focal[0, 0]).tolist() == (H36M_FOCAL[0] / H36M_FOCAL[0, 0]).tolist()
        assert center.tolist() == [[128.0, 128.0]]
        uv[0, AT["l_wrist"]] += 500.0  # one joint in the wrong place: the third bone is not fooled
        spoilt, _ = cameras("scaled", People(uv, known, crops, slice(0, 1)), flat_dataset())
        np.testing.assert_allclose(spoilt, focal)


def test_scaled_intrinsics_without_a_bone_are_those_of_an_average_crop() -> None:
    known = np.zeros((1, 17), dtype=bool)
    known[0, [AT["l_wrist"], AT["r_wrist"], AT["pelvis"], AT["head_top"]]] = True
    crops = Crops(np.zeros((1, 2)), np.array([256.0]))
    focal, _ = cameras("scaled", People(flat_person(0.1), known, crops, slice(0, 1)), flat_dataset())
    assert focal.mean() == pytest.approx(750.0)


def test_hypotheses_say_what_they_lack() -> None:
    dataset = flat_dataset()
    with pytest.raises(WrongDataset, match="dataset toy has no column 'size'"):
        check_hypothesis("image", dataset)
    unknown = replace(dataset, about=replace(dataset.about, intrinsics="unknown"))
    with pytest.raises(WrongDataset, match="does not know its intrinsics; wanted one of scaled, root-centred, image"):
        check_hypothesis("dataset", unknown)
    for hypothesis in INTRINSICS:
        if hypothesis != "image":
            check_hypothesis(hypothesis, dataset)


# Scores


def sound_pose() -> np.ndarray:
    """(1, 17, 3) mm: someone of mean proportions who stands upright; x ahead, y to the left, z up."""
    down, side = (0.0, 0.0, -1.0), 0.2
    directions = {"r_hip": (0, -1, 0), "l_hip": (0, 1, 0), "r_shoulder": (0, -1, 0), "l_shoulder": (0, 1, 0)}
    for s, sign in (("r_", -1), ("l_", 1)):
        directions |= {s + "knee": down, s + "ankle": down, s + "elbow": (0, sign * side, -((1 - side**2) ** 0.5))}
        directions[s + "wrist"] = directions[s + "elbow"]
    bones = [directions.get(H36M_17.joints[child], (0.0, 0.0, 1.0)) for _, child in H36M_17.bones]
    return joint_places(np.array(bones, dtype=float), load_prior().lengths.astype(float))[None]


def bent(joint: str, tip: str, ahead: float, length: float) -> np.ndarray:
    """The sound pose with the bone from ``joint`` to ``tip`` turned ahead (or back) by an angle, degrees."""
    pose = sound_pose()
    angle = np.radians(ahead)
    pose[0, AT[tip]] = pose[0, AT[joint]] + length * np.array((np.sin(angle), 0.0, -np.cos(angle)))
    return pose


def judged(xyz: np.ndarray, **more: object) -> tuple[dict[str, np.ndarray], float]:
    sound = Labelled(
        lifted=xyz - xyz[:, :1],
        xyz=xyz,
        seen=np.ones((1, 17), dtype=bool),
        missing=np.zeros(1),
        depth_mm=np.array([5000.0]),
        others_mm=[],
        flags=np.zeros(1, np.uint8),
    )
    found = faults(replace(sound, **more))  # type: ignore[arg-type]
    return found, float(scores(parts(found))[0])


def test_a_faultless_label_scores_1() -> None:
    found, score = judged(sound_pose() + np.array((10.0, 20.0, 5000.0)))
    assert {name: fault[0] for name, fault in found.items()} == pytest.approx(dict.fromkeys(PARTS, 0.0), abs=1e-6)
    assert score == pytest.approx(1.0, abs=1e-5)


def test_an_asymmetric_arm_costs() -> None:
    pose = sound_pose()
    for parent, child in (("r_shoulder", "r_elbow"), ("r_elbow", "r_wrist")):
        bone = sound_pose()[0, AT[child]] - sound_pose()[0, AT[parent]]
        pose[0, AT[child]] = pose[0, AT[parent]] + bone * np.exp(0.5)
    assert anatomy.asymmetry(pose)[0] == pytest.approx((2 * 0.5**2 / 4) ** 0.5)  # two of four pairs
    found, score = judged(pose)
    assert found["symmetry"][0] == pytest.approx(0.125**0.5 - 0.05)
    assert score == pytest.approx(np.exp(-found["symmetry"][0] / 0.5 - found["proportion"][0] / 0.4), rel=1e-5)
    assert score < 0.5


def test_a_shin_of_a_metre_costs() -> None:
    shin = float(load_prior().lengths[AT["r_ankle"] - 1])
    pose = bent("r_knee", "r_ankle", 0.0, 1000.0)
    assert anatomy.disproportion(pose)[0] == pytest.approx(np.log(1000.0 / shin) / 10**0.5)  # one of ten long bones
    assert judged(pose)[1] < 0.3


@pytest.mark.parametrize(("joint", "tip"), [("r_knee", "r_ankle"), ("l_knee", "l_ankle")])
def test_a_knee_bends_back_and_not_ahead(joint: str, tip: str) -> None:
    shin = float(load_prior().lengths[AT[tip] - 1])
    assert judged(bent(joint, tip, -80.0, shin))[1] == pytest.approx(1.0, abs=1e-5)
    found, score = judged(bent(joint, tip, 80.0, shin))
    assert found["angles"][0] == pytest.approx(np.radians(70.0))  # ten degrees are what it seems to at most
    assert score == pytest.approx(np.exp(-70.0 / 30.0), rel=1e-4)


@pytest.mark.parametrize(("joint", "tip"), [("r_elbow", "r_wrist"), ("l_elbow", "l_wrist")])
def test_an_elbow_bends_ahead_and_not_back(joint: str, tip: str) -> None:
    forearm = float(load_prior().lengths[AT[tip] - 1])
    assert judged(bent(joint, tip, 80.0, forearm))[0]["angles"][0] == 0.0
    assert judged(bent(joint, tip, -80.0, forearm))[0]["angles"][0] > np.radians(40.0)


def test_a_spine_bent_double_costs() -> None:
    pose = sound_pose()
    hinge, above = AT["spine"], [AT[j] for j in H36M_17.joints if "hip" not in j and "knee" not in j]
    above = [j for j in above if H36M_17.joints[j] not in ("pelvis", "spine", "r_ankle", "l_ankle")]
    pose[0, above] = (pose[0, above] - pose[0, hinge]) * (-1.0, 1.0, -1.0) + pose[0, hinge]  # half a turn
    limit = float(load_prior().bend_high[:, 8].max())
    assert judged(pose)[0]["angles"][0] == pytest.approx(np.pi - limit - np.radians(5.0), rel=1e-3)


def test_every_other_part_by_hand() -> None:
    pose = sound_pose()
    seen = np.ones((1, 17), dtype=bool)
    seen[0, 3] = False
    shift = np.zeros((1, 17, 3))
    shift[0, 2], shift[0, 3] = (0.0, 3.0, 4.0), (100.0, 0.0, 0.0)  # the second is not seen
    cases = {
        "residual": ({"lifted": pose - pose[:, :1] + shift, "seen": seen}, 5.0 / 16.0),
        "agreement": ({"others_mm": [np.array([5500.0]), np.array([4000.0])]}, np.log(5.0 / 4.0)),
        "missing": ({"missing": np.array([0.25])}, 0.25),
        "reported": ({"flags": np.array([0b1010], np.uint8)}, 2.0),
    }
    for part, (more, fault) in cases.items():
        found, score = judged(pose, **more)
        assert found[part][0] == pytest.approx(fault), part
        assert score == pytest.approx(np.exp(-fault / SCALES[part]), rel=1e-4), part


def test_the_score_falls_with_every_fault_and_to_0_without_a_number() -> None:
    for part in PARTS:
        worse = [{name: np.array([0.3 * k * (name == part)]) for name in PARTS} for k in range(4)]
        row = [float(scores(parts(found))[0]) for found in worse]
        assert row == sorted(row, reverse=True)
        assert len(set(row)) == 4
        assert scores(parts({**worse[0], part: np.array([np.nan])})).tolist() == [0.0]


def test_a_person_without_extent_is_worth_nothing() -> None:
    found, score = judged(np.full((1, 17, 3), 5.0))
    assert np.isnan(found["angles"][0])
    assert score == 0.0


def test_depths_of_nothing_agree_with_nobody() -> None:
    for depth in (0.0, np.nan):
        assert judged(sound_pose(), others_mm=[np.array([depth])])[1] == 0.0


# Labels


def test_labels_are_the_truth_where_the_lifter_knows_it(tmp_path: Path) -> None:
    labels = label_dataset(flat_dataset(), recipe(), tmp_path / "out")
    truth = toys.toy_dataset().columns["xyz"]  # roots lie on whole millimetres
    np.testing.assert_allclose(labels.columns["xyz"], truth, atol=0.02)
    assert labels.about.skeleton == "H36M_17"
    assert labels.about.name == "toy-labels"
    assert labels.columns["row"].tolist() == list(range(15))
    assert np.array(labels.columns["size"]).tolist() == [[256, 256]] * 15
    camera = labels.keypoints(slice(0, 15)).camera
    projected = camera.project(labels.poses(slice(0, 15)).xyz)
    np.testing.assert_allclose(projected, labels.columns["uv"], atol=1e-3)
    square = np.asarray(labels.columns["crop"])[:, None]
    back = labels.columns["uv"] * (square[..., 2:] - square[..., :2]) / 256 + square[..., :2]
    np.testing.assert_allclose(back, flat_dataset().columns["uv"], atol=1e-2)
    assert (labels.columns["score"] > 0.25).all()
    assert open_dataset(tmp_path / "out").fingerprint == labels.fingerprint  # hashes hold


def lsp_people() -> Dataset:
    """The toy people as LSP would annotate them; the second lacks an ankle, the third has it occluded."""
    whole = flat_dataset(1)
    columns = dict(whole.columns)
    names = [j if j != "neck" else "thorax" for j in LSP_14.joints]
    columns["uv"] = columns["uv"][:, [AT[j] for j in names]]
    visible, labelled = (np.ones((5, 14), dtype=bool) for _ in range(2))
    visible[1:3, 0] = labelled[1, 0] = False
    columns |= {"visible": visible, "labelled": labelled}
    return in_memory(replace(whole.about, skeleton="LSP_14"), columns, whole.clips, "lsp")


def test_joints_nobody_annotated_are_where_the_label_projects(tmp_path: Path) -> None:
    labels = label_dataset(lsp_people(), recipe(threshold=0.0), tmp_path / "out")
    own = np.array([j in LSP_14.joints for j in H36M_17.joints])
    expected = np.tile(own, (5, 1))
    expected[1, AT["r_ankle"]] = False
    assert (labels.columns["visible"] == expected).all()  # interpolated joints are no annotations
    camera = labels.keypoints(slice(0, 5)).camera
    projected = camera.project(labels.poses(slice(0, 5)).xyz)
    np.testing.assert_allclose(projected, labels.columns["uv"], atol=1e-3)
    assert labels.columns["score"][1] < labels.columns["score"][0]  # a joint was filled in
    assert labels.columns["score"][2] == pytest.approx(labels.columns["score"][0], rel=0.05)  # this one was not


def hopeless_people() -> Dataset:
    """The toy people, of whom some cannot be labelled."""
    whole = flat_dataset(2)
    uv, visible = np.array(whole.columns["uv"]), np.array(whole.columns["visible"])
    visible[1] = False
    visible[2, 3:] = False
    uv[3] = 100.0
    visible[4, 0] = False
    uv[5, :14] = np.nan
    columns = {**whole.columns, "uv": uv, "visible": visible}
    return in_memory(whole.about, columns, whole.clips, "hopeless")


def test_people_who_cannot_be_labelled_are_counted_by_reason(tmp_path: Path) -> None:
    labels = label_dataset(hopeless_people(), recipe(), tmp_path / "out")
    assert labels.columns["row"].tolist() == [0, 6, 7, 8, 9]
    statistics = json.loads((tmp_path / "out" / "statistics.json").read_text())
    counted = {reason: count for reason, count in statistics["reasons"].items() if count}
    assert counted == {
        "kept": 5,
        "no visible joint": 1,
        "fewer than 4 visible joints": 2,
        "zero-size crop": 1,
        "no visible root": 1,
    }
    assert labels.about.provenance["reasons"] == statistics["reasons"]
    assert (statistics["people"], statistics["labelled"], statistics["kept_share"]) == (10, 5, 0.5)


def pictured_people(**more: np.ndarray) -> Dataset:
    """The toy people, in 2D alone, each in a picture of a grey of its own that starts at the top left of the joints."""
    flat = flat_dataset(2)
    rgb = np.zeros((len(flat), 40, 50, 3), np.uint8) + np.arange(10, 110, 10, dtype=np.uint8)[:, None, None, None]
    uv = np.asarray(flat.columns["uv"]) / 20  # of 1000 px: into the pictures
    scaled = {"uv": uv, "focal": flat.columns["focal"] / 20, "center": flat.columns["center"] / 20}
    columns = {**flat.columns, **scaled, "visible": np.array(flat.columns["visible"]), "rgb": rgb, **more}
    columns["visible"][3] = False
    return in_memory(flat.about, columns, flat.clips, "pictured")


def test_pixels_come_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rendered pictures are copied for the people who are kept, and show what they show in the source."""
    monkeypatch.setattr(generator, "PICTURES", 2)
    source = pictured_people()
    labels = label_dataset(source, recipe(batch=6), tmp_path / "out")
    row = labels.columns["row"]
    assert row.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    np.testing.assert_array_equal(labels.columns["rgb"], source.columns["rgb"][row])
    wanted, found = source.images(np.asarray(row), 32), labels.images(slice(0, 9), 32)
    assert (wanted.rgb - found.rgb).abs().max() <= 1 / 255
    torch.testing.assert_close(found.camera.center, wanted.camera.center, atol=1e-3, rtol=0)  # intrinsics: dataset's


def test_photographs_come_along(tmp_path: Path) -> None:
    source = pictured_people()
    columns = {name: column for name, column in source.columns.items() if name != "rgb"}
    columns["image"] = np.arange(10, dtype=np.int32)[::-1].copy()
    names = tuple(f"{k}.png" for k in range(10))
    image = pytest.importorskip("PIL.Image")
    (tmp_path / "photos").mkdir()
    for name, rgb in zip(names, source.columns["rgb"][::-1], strict=True):
        image.fromarray(rgb).save(tmp_path / "photos" / name)
    about = replace(source.about, images="../photos")
    held = write_dataset(tmp_path / "in", about, columns, source.clips, names)
    labels = label_dataset(held, recipe(batch=6), tmp_path / "elsewhere" / "out")
    assert labels.columns["image"].tolist() == [9, 8, 7, 5, 4, 3, 2, 1, 0]
    assert labels.photographs == names
    assert labels.about.images == "../../photos"
    pixels = label_dataset(source, recipe(batch=6), tmp_path / "rgb")
    np.testing.assert_array_equal(labels.images(slice(0, 9), 32).rgb, pixels.images(slice(0, 9), 32).rgb)
    DRAW(tmp_path / "elsewhere" / "out", labels)
    (tmp_path / "photos" / "4.png").unlink()
    DRAW(tmp_path / "elsewhere" / "out", labels)
    assert (tmp_path / "elsewhere" / "out" / "labels.png").stat().st_size > 10_000
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("elsewhere", "photos"):
        (tmp_path / name).rename(moved / name)
    again = open_dataset(moved / "elsewhere" / "out")
    assert np.array_equal(again.images(slice(0, 3), 32).rgb, pixels.images(slice(0, 3), 32).rgb)


def test_labels_of_labels_show_the_same_photograph(tmp_path: Path) -> None:
    """The crop of a crop is told as a square of the picture itself."""
    source = pictured_people()
    first = label_dataset(source, recipe(), tmp_path / "first")
    second = label_dataset(first, recipe(), tmp_path / "second")
    side = np.asarray(second.columns["crop"][:, 2] - second.columns["crop"][:, 0])
    assert 5 < side.min() < side.max() < 60, "px of the picture, not of a crop of 256"
    whole = np.tile((0.0, 0.0, 256.0, 256.0), (2, 1))
    np.testing.assert_allclose(in_source_of(second, slice(0, 2), whole), second.columns["crop"][:2], rtol=1e-6)


def test_keep_all_writes_everybody(tmp_path: Path) -> None:
    labels = label_dataset(hopeless_people(), recipe(keep_all=True, threshold=1.0), tmp_path / "out")
    assert labels.columns["row"].tolist() == list(range(10))
    lost = [1, 2, 3, 4, 5]
    assert (labels.columns["score"][lost] == 0).all()
    assert np.isnan(labels.columns["xyz"][lost]).all()
    assert (np.delete(labels.columns["score"], lost) > 0).all()


def test_the_threshold_decides_what_is_kept(tmp_path: Path) -> None:
    source = hopeless_people()
    source.columns["visible"][6, AT["l_wrist"]] = source.columns["visible"][9, 15:] = False
    everybody = label_dataset(source, recipe(keep_all=True, threshold=0.0), tmp_path / "all")
    score = np.array(everybody.columns["score"])
    assert score[9] < score[6] < 0.98 * score[[0, 7, 8]].min()
    some = label_dataset(source, recipe(threshold=0.99 * float(score[0])), tmp_path / "some")
    assert some.columns["row"].tolist() == [0, 7, 8]
    assert len(label_dataset(source, recipe(threshold=1.0), tmp_path / "none")) == 0


def test_other_objectives_are_asked_and_named(tmp_path: Path) -> None:
    labels = label_dataset(flat_dataset(), recipe("toy:off_mm=60", "geosearch:objective=l1"), tmp_path / "out")
    alone = label_dataset(flat_dataset(), recipe("toy:off_mm=60"), tmp_path / "alone")
    assert (labels.columns["score"] < alone.columns["score"]).all()
    assert "--agree geosearch:objective=l1" in labels.about.made_by
    assert labels.about.provenance["agree"][0]["changed"] == {"objective": "l1"}
    assert "--agree none" in alone.about.made_by


def test_whole_clips_for_those_who_need_them(tmp_path: Path) -> None:
    toys.CALLS.clear()
    label_dataset(flat_dataset(), recipe("toy-clips"), tmp_path / "out")
    assert [count for name, count in toys.CALLS if name.startswith("lifter")] == [5, 5, 5]


def test_a_method_that_fails_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(LabellingStopped, match=r"lifter toy:does=raises: ValueError: no \| today"):
        label_dataset(flat_dataset(), recipe("toy:does=raises"), tmp_path / "out")
    with pytest.raises(LabellingStopped, match="wanted 4 poses, found 3"):
        label_dataset(flat_dataset(), recipe("toy:does=short"), tmp_path / "out2")
    poses = label_dataset(flat_dataset(), recipe("toy:does=nan"), tmp_path / "out3")
    assert 7 not in poses.columns["row"]
    assert poses.about.provenance["reasons"]["no finite pose"] == 1


# Resuming


def stop_at(call: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run be interrupted at some batch."""
    calls = iter(range(1, 100))
    label = generator.Labeller.label

    def stopping(self: generator.Labeller, rows: slice) -> object:
        if next(calls) == call:
            raise KeyboardInterrupt
        return label(self, rows)

    monkeypatch.setattr(generator.Labeller, "label", stopping)


@pytest.mark.parametrize("call", [1, 2, 4])
def test_an_interrupted_run_goes_on_and_ends_the_same(
    call: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    label_dataset(hopeless_people(), recipe(batch=3), tmp_path / "whole" / "out")
    monkeypatch.setattr(generator, "COMMIT_EVERY_S", 0.0)
    out = tmp_path / "broken" / "out"
    with monkeypatch.context() as patch:
        stop_at(call, patch)
        with pytest.raises(KeyboardInterrupt):
            label_dataset(hopeless_people(), recipe(batch=3), out)
    with (out / "xyz.npy").open("ab") as file:
        file.write(b"written, but never committed")
    toys.CALLS.clear()
    label_dataset(hopeless_people(), recipe(batch=3), out)
    assert len([name for name, _ in toys.CALLS if name.startswith("lifter")]) == 5 - call
    assert files(out) == files(tmp_path / "whole" / "out")
    assert JOURNAL not in files(out)


def test_killed_while_it_finishes_it_finishes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    label_dataset(flat_dataset(), recipe(), tmp_path / "whole" / "out")
    for step in ("tally", "_draw", "describe_dataset"):
        out = tmp_path / step / "out"
        with monkeypatch.context() as patch:
            patch.setattr(generator, step, interrupted)
            with pytest.raises(KeyboardInterrupt):
                label_dataset(flat_dataset(), recipe(), out)
        assert not (out / "dataset.json").exists()
        label_dataset(flat_dataset(), recipe(), out)
        assert files(out) == files(tmp_path / "whole" / "out"), step
    with monkeypatch.context() as patch:
        patch.setattr(ColumnWriter, "forget", interrupted)
        with pytest.raises(KeyboardInterrupt):
            label_dataset(flat_dataset(), recipe(), tmp_path / "last" / "out")
    label_dataset(flat_dataset(), recipe(), tmp_path / "last" / "out")
    assert files(tmp_path / "last" / "out") == files(tmp_path / "whole" / "out")


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


SUICIDAL = """
import os, signal
from benchsuite_registry.contracts import Entry, Parameter
from benchsuite_registry.hookspecs import hookimpl
import toys

class Suicidal(toys.ToyLifter):
    def lift(self, keypoints):
        if os.environ.get("DIES_AT") == str(int(keypoints.ids[0])):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().lift(keypoints)

@hookimpl
def benchsuite_lifters():
    return (Entry("suicidal", Suicidal, "kills its process when told to"),)
"""


def test_a_process_killed_outright_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plugin, source = tmp_path / "suicidal.py", flat_dataset()
    plugin.write_text(SUICIDAL)
    data = write_dataset(tmp_path / "flat", source.about, source.columns, source.clips)
    words = f"label --data {data.path} --lifter suicidal --refiner geosearch --plugin {plugin} --batch 5".split()
    start = "import sys, benchsuite.labels.generator as g; from benchsuite.cli import main; g.COMMIT_EVERY_S = 0; "
    run = f"{start} g._draw = lambda folder, labels: None; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", run, *words, "--intrinsics", "dataset", "-o", str(tmp_path / "out")]
    monkeypatch.setenv("PYTHONPATH", str(Path(toys.__file__).parent))
    monkeypatch.setenv("DIES_AT", "10")
    assert subprocess.run(command, capture_output=True, check=False).returncode == -9
    assert json.loads((tmp_path / "out" / JOURNAL).read_text())["reached"] == 10
    monkeypatch.setenv("DIES_AT", "0")  # it would die again if it began at the beginning
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    labels = open_dataset(tmp_path / "out")
    np.testing.assert_allclose(labels.columns["xyz"], toys.toy_dataset().columns["xyz"], atol=0.02)


def test_another_command_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generator, "COMMIT_EVERY_S", 0.0)
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        stop_at(3, patch)
        with pytest.raises(KeyboardInterrupt):
            label_dataset(flat_dataset(), recipe(), out)
    with pytest.raises(UnfinishedElsewhere, match=r"unfinished run .*threshold: wanted 0\.5, found 0\.25"):
        label_dataset(flat_dataset(), recipe(threshold=0.5), out)
    finished = label_dataset(flat_dataset(), recipe(), out)
    toys.CALLS.clear()
    assert label_dataset(flat_dataset(), recipe(), out).fingerprint == finished.fingerprint
    assert toys.CALLS == []  # nothing was left to do
    with pytest.raises(UnfinishedElsewhere, match=r"holds a dataset already, made by 'benchsuite label --data toy"):
        label_dataset(flat_dataset(), recipe(batch=5), out)


def test_two_processes_never_share_a_folder(tmp_path: Path) -> None:
    layout = {"clip": ("int32", ())}
    with ColumnWriter(tmp_path, layout, {}), pytest.raises(UnfinishedElsewhere, match="another process"):
        ColumnWriter(tmp_path, layout, {}).__enter__()
    with ColumnWriter(tmp_path, layout, {}):  # the first has let go
        pass


def test_grown_columns_have_the_bytes_of_saved_ones(tmp_path: Path) -> None:
    whole = np.arange(60, dtype=np.float32).reshape(10, 3, 2)
    with ColumnWriter(tmp_path, {"uv": ("float32", (3, 2))}, {"for": "a test"}) as writer:
        for part in np.split(whole, [3, 4]):
            writer.append({"uv": part})
        writer.commit(10)
        np.testing.assert_array_equal(writer.columns()["uv"], whole)
        with pytest.raises(ValueError, match=r"column uv: wanted rows float32 \(3, 2\), found float64"):
            writer.append({"uv": whole.astype(float)})
    np.save(tmp_path / "saved.npy", whole)
    assert (tmp_path / "uv.npy").read_bytes() == (tmp_path / "saved.npy").read_bytes()


def test_a_column_that_lost_rows_is_named(tmp_path: Path) -> None:
    layout = {"clip": ("int32", ())}
    with ColumnWriter(tmp_path, layout, {}) as writer:
        writer.append({"clip": np.arange(5, dtype=np.int32)})
        writer.commit(5)
    with (tmp_path / "clip.npy").open("r+b") as file:
        file.truncate(140)
    with pytest.raises(UnfinishedElsewhere, match=r"clip\.npy: wanted the 5 rows"):
        ColumnWriter(tmp_path, layout, {}).__enter__()


# Numbers, pictures, command line


def test_tally_by_hand() -> None:
    verdict = np.zeros((5, len(VERDICT)), np.float32)
    verdict[:, 0] = (0, 1, 2, 7, 0)
    verdict[:, 1] = (0.5, 0.1, 0.0, 0.0, 0.9)
    verdict[:, 2] = (4000, 5000, np.nan, np.nan, 6000)
    verdict[:, 3] = (2, 3, 0, 8, 0)
    verdict[:, 4:] = 0.5
    found = tally(verdict)
    assert (found["people"], found["labelled"], found["kept"], found["kept_share"]) == (5, 3, 2, 0.4)
    assert found["reasons"] == {reason: [2, 1, 1, 0, 0, 0, 0, 1][k] for k, reason in enumerate(REASONS)}
    assert found["score"] == pytest.approx({"p5": 0.14, "p25": 0.3, "p50": 0.5, "p75": 0.7, "p95": 0.86})
    assert found["depth_mm"]["p50"] == 5000
    assert found["flags"] == {"1": 1, "2": 2}
    assert set(found["parts"]) == set(PARTS)


def test_the_sheet_shows_random_and_worst_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(generator, "_draw", DRAW)
    from benchsuite.labels.sheet import draw_labels

    labels = label_dataset(lsp_people(), recipe(threshold=0.0), tmp_path / "out")
    figure = draw_labels(labels, columns=2)
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert len(figure.axes) == 2 * 2 * 4
    assert float(titles[0]) >= float(titles[1])
    assert titles[2] == f"{labels.columns['score'].min():.2f}"
    assert (tmp_path / "out" / "labels.png").read_bytes()[:4] == b"\x89PNG"


def test_show_draws_2d_and_labels(shell: Shell) -> None:
    pytest.importorskip("matplotlib")
    from benchsuite.pictures.drawing import contact_sheet

    assert len(contact_sheet(lsp_people(), columns=2, rows=1).axes) == 4  # 2D alone, twice as many
    whole = toys.toy_dataset()
    assert len(contact_sheet(whole, columns=2, rows=1).axes) == 2 * 4
    middle = {name: column[5:10] for name, column in whole.columns.items()}  # the other clips have lost their frames
    assert len(contact_sheet(replace(whole, columns=middle), columns=2, rows=1).axes) == 2 * 4
    source = lsp_people()
    write_dataset(shell.folder / "flat", source.about, source.columns, source.clips)
    assert shell("show", "flat", "-o", "flat.png") == 0
    assert (shell.folder / "flat.png").read_bytes()[:4] == b"\x89PNG"


def label(shell: Shell, *words: str) -> int:
    return shell("label", "--plugin", PLUGIN, "--data", "toy", "--lifter", "toy", "--refiner", "geosearch", *words)


def test_the_command_labels_and_tells(shell: Shell) -> None:
    assert label(shell, "-o", "labels") == 0, shell.err
    assert shell.out.startswith("labels: 15 labels of 15 people (100.0%)\n")
    there = open_dataset(shell.folder / "labels")
    objectives = [part["changed"]["objective"] for part in there.about.provenance["agree"]]
    assert objectives == ["quartic", "l1"]  # asked for by default
    assert there.about.intrinsics.startswith("hypothesis scaled: ")
    assert there.about.made_by.startswith("benchsuite label --data toy --lifter toy --refiner geosearch --agree ")
    assert str(shell.folder) not in (shell.folder / "labels" / "dataset.json").read_text()
    assert label(shell, "-o", "none", "--threshold", "1", "--agree", "none") == 1
    assert "score below the threshold" in shell.out


BAD: dict[str, tuple[list[str], str]] = {
    "threshold": (["--threshold", "2"], "wanted a number from 0 to 1, found '2'"),
    "hypothesis": (["--intrinsics", "guess"], "invalid choice: 'guess'"),
    "size": (["--intrinsics", "image"], "dataset toy has no column 'size'"),
    "agree": (["--agree", "none", "--agree", "geosearch"], "--agree none: wanted it alone"),
    "refiner": (["--agree", "geosarch"], "unknown refiner 'geosarch'; did you mean geosearch?"),
    "method": (["--lifter", "toy:does=raises"], "lifter toy:does=raises: ValueError"),
    "folder": (["-o", "toy"], "toy holds a dataset already"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_is_refused(case: str, shell: Shell) -> None:
    words, message = BAD[case]
    assert label(shell, "-o", "out", *words) == 2
    assert message in shell.err
    assert not (shell.folder / "out" / "dataset.json").exists()


def test_labelling_needs_no_torch_to_be_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "benchsuite.labels.generator", None)
    assert label(shell, "-o", "out", "--lifter", "tow") == 2
    assert "unknown lifter 'tow'" in shell.err
