"""``benchsuite convert h36m``: one dataset from three kinds of archives, its traps named, its bad files too."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import h36m_archives as archives
import numpy as np
import pytest
from benchsuite_registry.skeletons import COCO_17, H36M_17, MPII_16
from h36m_archives import CAMERAS, FILES, Takes
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from benchsuite.cli import main
from benchsuite.convert import h36m
from benchsuite.convert.h36m import convert
from benchsuite.convert.h36m_cameras import PUBLISHED
from benchsuite.convert.h36m_sources import MOVING, VideoPose3D
from benchsuite.convert.h36m_takes import ACTIONS, find_takes
from benchsuite.datasets.column_writer import UnfinishedElsewhere
from benchsuite.datasets.dataset import Dataset, open_dataset

WRITERS = {
    "videopose3d": archives.write_videopose3d,
    "martinez": archives.write_martinez,
    "official": archives.write_official,
}
SPLITS = ("train", "test")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same takes in each format."""
    folder = tmp_path_factory.mktemp("archives")
    return {name: write(folder / name, archives.all_takes()) for name, write in WRITERS.items()}


@pytest.fixture(scope="module")
def converted(sources: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("converted")
    for name, source in sources.items():
        assert convert(source, folder / name, seed=0).problems == []
    return {name: folder / name for name in sources}


def some(takes: Takes, *keys: tuple[str, str]) -> Takes:
    return {key: takes[key] for key in keys}


# ---- the same columns, and the right ones --------------------------------------------------------


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("kind", ["martinez", "official"])
def test_all_formats_convert_to_identical_columns(kind: str, split: str, converted: dict[str, Path]) -> None:
    one, other = (open_dataset(converted[name], split) for name in ("videopose3d", kind))
    assert one.columns.keys() == other.columns.keys()
    for name, column in one.columns.items():
        assert column.dtype == other.columns[name].dtype
        assert np.array_equal(column, other.columns[name]), name
    assert one.clips == other.clips
    assert one.fingerprint == other.fingerprint


def seen_by(subject: str, name: str, camera: int) -> NDArray[np.float64]:
    """(T, 17, 3) mm, camera frame, from the motion itself; Human3.6M's quaternions of S9, read by SciPy."""
    assert subject == "S9"
    turn, place = [
        ((0.15540588, -0.15548216, -0.75320953, 0.61995947), (2044.4585, 4935.1172, 1481.2275)),
        ((0.61878449, -0.76347351, -0.14132239, 0.11933968), (1990.9597, -5123.8106, 1568.8048)),
        ((0.13357827, -0.13671005, 0.76894546, -0.61007386), (-1670.9922, 5211.9858, 1528.3879)),
        ((0.58793992, -0.78234071, 0.14276144, -0.14794870), (-1696.0435, -3827.0999, 1591.4127)),
    ][camera]
    to_world = Rotation.from_quat(np.roll(turn, -1))
    world = archives.motion(subject, name)[:, list(MOVING)]
    seen: NDArray[np.float64] = to_world.inv().apply((world - place).reshape(-1, 3)).reshape(world.shape)
    return seen


@pytest.mark.parametrize("camera", range(4))
def test_poses_are_what_the_camera_sees(camera: int, converted: dict[str, Path]) -> None:
    dataset = open_dataset(converted["martinez"])
    (number,) = (k for k, clip in enumerate(dataset.clips) if clip.name == f"S9_Waiting_1.{CAMERAS[camera]}")
    rows = dataset.columns["clip"] == number
    xyz = seen_by("S9", "Waiting 1", camera)
    assert np.abs(dataset.columns["xyz"][rows] - xyz).max() < 2e-3
    focal = [(1145.04944, 1143.78113), (1149.67566, 1147.59167), (1149.14075, 1148.79895), (1145.51135, 1144.77393)]
    center = [(512.541504, 515.451477), (508.848633, 508.064911), (519.815857, 501.402649), (514.968201, 501.882019)]
    uv = xyz[..., :2] / xyz[..., 2:] * focal[camera] + center[camera]
    assert np.abs(dataset.columns["uv"][rows] - uv).max() < 1e-3
    assert dataset.columns["focal"][rows][0] == pytest.approx(focal[camera], abs=1e-4)
    assert dataset.columns["center"][rows][0] == pytest.approx(center[camera], abs=1e-4)
    assert dataset.columns["size"][rows][0].tolist() == [[1000, 1002], [1000, 1000], [1000, 1000], [1000, 1002]][camera]
    assert dataset.columns["visible"][rows].all()
    assert dataset.columns["frame"][rows].tolist() == list(range(len(xyz)))


def test_splits_takes_and_actions_are_the_protocol_s(converted: dict[str, Path]) -> None:
    train, test = (open_dataset(converted["official"], split) for split in SPLITS)
    assert {c.subject for c in train.clips} == {"S1", "S5", "S6", "S7", "S8"}
    assert {c.subject for c in test.clips} == {"S9", "S11"}
    assert list(dict.fromkeys(c.take for c in train.clips)) == [
        "S1_Directions_1", "S1_Photo_2", "S1_Sitting_2", "S1_WalkDog_1", "S5_Discussion_2", "S5_Walking_2",
        "S6_Eating_1", "S7_Waiting_2", "S8_SittingDown_1",
    ]  # fmt: skip
    assert [c.take for c in test.clips[::4]] == [
        "S9_Greeting_1", "S9_Greeting_2", "S9_SittingDown_2", "S9_Waiting_1", "S9_WalkTogether_2",
        "S11_Directions_1", "S11_Directions_2", "S11_Phoning_1",
    ]  # fmt: skip
    assert [c.camera for c in test.clips] == list(CAMERAS) * 8
    assert set(train.actions) <= set(ACTIONS)
    assert (train.about.fps, train.about.keypoints, train.about.intrinsics) == (50.0, "projected", "known")


def test_clips_say_where_their_cameras_stand(converted: dict[str, Path]) -> None:
    dataset = open_dataset(converted["videopose3d"])
    clip = dataset.columns["clip"]
    rotation = np.array([c.rotation for c in dataset.clips]).reshape(-1, 3, 3)[clip]
    position = np.array([c.position for c in dataset.clips])[clip]
    world = np.einsum("nji,nkj->nki", rotation, dataset.columns["xyz"].astype(np.float64)) + position[:, None]
    wanted = [archives.motion("S9" if c.subject == "S9" else "S11", FILE[c.take]) for c in dataset.clips]
    assert np.abs(world - np.concatenate(wanted)[:, list(MOVING)]).max() < 2e-3


FILE = {str(take): name for s in ("S9", "S11") for take, name in find_takes(s, FILES[s])[0].items()}


def test_motion_that_is_not_exact_in_metres_agrees_within_a_thousandth_of_a_mm(tmp_path: Path) -> None:
    takes = {("S9", "Walking"): archives.motion("S9", "Walking") + 0.123456}
    for name, write in WRITERS.items():
        assert convert(write(tmp_path / name, takes), tmp_path / f"{name}.out", 0).problems == []
    one, *others = (open_dataset(tmp_path / f"{name}.out") for name in WRITERS)
    for other in others:
        assert np.abs(one.columns["xyz"] - other.columns["xyz"]).max() < 1e-3
        assert np.abs(one.columns["uv"] - other.columns["uv"]).max() < 1e-3


def test_positions_in_the_cameras_frames_serve_where_there_are_no_others(tmp_path: Path) -> None:
    world = archives.motion("S11", "Phoning 3")
    for name in CAMERAS:
        seen = PUBLISHED["S11", name].see(world)
        archives.write_cdf(tmp_path / "in/S11/MyPoseFeatures/D3_Positions_mono" / f"Phoning 3.{name}.cdf", seen)
    outcome = convert(tmp_path / "in", tmp_path / "mono", 0)
    assert outcome.notes[0] == "source: Human3.6M's own D3_Positions_mono"
    archives.write_official(tmp_path / "in", {("S11", "Phoning 3"): world})  # the world's frame goes first
    assert convert(tmp_path / "in", tmp_path / "world", 0).notes[0] == "source: Human3.6M's own D3_Positions"
    mono, other = (open_dataset(tmp_path / name) for name in ("mono", "world"))
    assert mono.clips == other.clips
    assert np.abs(mono.columns["xyz"] - other.columns["xyz"]).max() < 2e-3


# ---- choices and traps ---------------------------------------------------------------------------


def test_the_stride_is_declared(sources: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "h36m", str(sources["martinez"]), "-o", str(tmp_path / "out"), "--stride", "5"]) == 0
    assert "test: 1 of every 5 frames of 50 Hz" in capsys.readouterr().out
    dataset = open_dataset(tmp_path / "out")
    assert dataset.about.fps == 10.0
    assert dataset.about.made_by == "benchsuite convert h36m martinez -o out --stride 5 --keypoints projected"
    length = {c.name: len(archives.motion(c.subject, FILE[c.take])) for c in dataset.clips}
    for number, clip in enumerate(dataset.clips):
        rows = dataset.columns["clip"] == number
        assert dataset.columns["frame"][rows].tolist() == list(range(0, length[clip.name], 5))
    with pytest.raises(SystemExit):
        main(["convert", "h36m", str(sources["martinez"]), "-o", str(tmp_path / "out"), "--stride", "0"])


def takes_of(folder: Path) -> set[str]:
    return {c.take for c in open_dataset(folder).clips}


def test_known_traps_are_named_and_can_be_left_out(
    sources: dict[str, Path], converted: dict[str, Path], tmp_path: Path
) -> None:
    drifting = {"S9_Greeting_2", "S9_SittingDown_2", "S9_Waiting_1"}
    everything = takes_of(converted["martinez"])
    assert drifting | {"S11_Directions_2"} <= everything
    notes = "\n".join(open_dataset(converted["martinez"]).about.notes)
    assert "S9_Greeting_2 ('Greeting'), S9_SittingDown_2 ('SittingDown 1'), S9_Waiting_1 ('Waiting 1') drifts" in notes
    assert "S11_Directions_2 ('Directions') has no video by camera 54138969: included" in notes
    outcome = convert(sources["martinez"], tmp_path / "a", 0, exclude_drifting=True)
    assert takes_of(tmp_path / "a") == everything - drifting
    assert any("drifts: left out" in note for note in outcome.notes)
    outcome = convert(sources["martinez"], tmp_path / "b", 0, exclude_unfilmed=True)
    assert takes_of(tmp_path / "b") == everything - {"S11_Directions_2"}
    assert any("no video by camera 54138969: left out" in note for note in outcome.notes)


def test_what_a_source_lacks_is_said(tmp_path: Path) -> None:
    own = {subject: [take.file for take in h36m.ALL_TAKES if take.subject == subject] for subject in ("S9", "S11")}
    takes = archives.all_takes(own)
    del takes["S11", "Directions"]  # as in VideoPose3D's archive
    outcome = convert(archives.write_videopose3d(tmp_path / "in", takes), tmp_path / "out", 0)
    assert "train: nothing written: the source has no take of S1, S5, S6, S7, S8" in outcome.notes
    assert "test: not in the source: S11 'Directions'" in outcome.notes
    assert not (tmp_path / "out" / "train").exists()
    assert len(open_dataset(tmp_path / "out").clips) == 59 * 4


def test_files_that_are_no_takes_are_said(tmp_path: Path) -> None:
    takes = {key: archives.motion("S5", "Walking") for key in (("S5", "_ALL"), ("S5", "Walking"), ("S2", "Walking"))}
    outcome = convert(archives.write_martinez(tmp_path / "in", takes), tmp_path / "out", 0)
    assert "S5: '_ALL' is left out: none of the 15 actions" in outcome.notes
    assert "S2 is left out: wanted one of S1, S5, S6, S7, S8, S9, S11" in outcome.notes
    assert {c.take for c in open_dataset(tmp_path / "out", "train").clips} == {"S5_Walking_2"}


# ---- 2D of the archive ---------------------------------------------------------------------------

TAKES = {
    ("S9", "Walking"): archives.motion("S9", "Walking"),
    ("S11", "Directions"): archives.motion("S11", "Directions"),
}
PAIRS = {
    "h36m": ([4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]),
    "coco": ([1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]),
    "mpii": ([3, 4, 5, 13, 14, 15], [0, 1, 2, 10, 11, 12]),
}


def behind_the_lens(subject: str, name: str) -> list[NDArray[np.float64]]:
    """(T, 32, 2) px of each camera."""
    cameras = [PUBLISHED[subject, camera] for camera in CAMERAS]
    return [camera.distort(camera.project(camera.see(TAKES[subject, name]))) for camera in cameras]


def with_keypoints(folder: Path, name: str, keypoints: dict[tuple[str, str], list[Any]], layout: str) -> Path:
    archives.write_videopose3d(folder, TAKES)
    archives.write_videopose3d_2d(folder, name, keypoints, PAIRS[layout])
    return folder


def test_2d_behind_the_lens_is_brought_to_the_pinhole(tmp_path: Path) -> None:
    keypoints = {key: [uv[:, list(MOVING)].astype(np.float32) for uv in behind_the_lens(*key)] for key in TAKES}
    source = with_keypoints(tmp_path / "in", "gt", keypoints, "h36m")
    convert(source, tmp_path / "pinhole", 0)
    outcome = convert(source, tmp_path / "undone", 0, keypoints="gt")
    convert(source, tmp_path / "kept", 0, keypoints="gt", keep_distortion=True)
    assert outcome.problems == []
    pinhole, undone, kept = (open_dataset(tmp_path / name) for name in ("pinhole", "undone", "kept"))
    assert np.abs(undone.columns["uv"] - pinhole.columns["uv"]).max() < 5e-4  # float32 on both ways
    assert np.array_equal(kept.columns["uv"], np.concatenate([uv for key in TAKES for uv in keypoints[key]]))
    assert np.abs(kept.columns["uv"] - pinhole.columns["uv"]).max() > 1.0
    assert undone.about.keypoints == "projected"
    assert "2D: gt of the archive (H36M_17), the lens undone by Human3.6M's own model" in undone.about.notes
    assert "2D: gt of the archive (H36M_17), behind the lens, as they are" in kept.about.notes
    assert len({undone.fingerprint, kept.fingerprint, pinhole.fingerprint}) == 3
    assert undone.about.made_by.endswith("--keypoints gt")


@pytest.mark.parametrize(
    ("name", "layout", "bones", "absent"),
    [
        ("cpn_ft_h36m_dbb", "h36m", H36M_17, set()),
        ("detectron_pt_coco", "coco", COCO_17, {"head_top", "neck_nose"}),
        ("sh_pt_mpii", "mpii", MPII_16, set()),
        ("sh_ft_h36m", "mpii", None, {"neck_nose"}),
    ],
)
def test_detections_come_joint_by_joint_by_name(
    name: str, layout: str, bones: Any, absent: set[str], tmp_path: Path
) -> None:
    joints = bones.joints if bones else [
        "r_ankle", "r_knee", "r_hip", "l_hip", "l_knee", "l_ankle", "pelvis", "spine", "thorax", "head_top",
        "r_wrist", "r_elbow", "r_shoulder", "l_shoulder", "l_elbow", "l_wrist",
    ]  # fmt: skip
    place = {joint: (100.0 + 20 * k, 900.0 - 30 * k) for k, joint in enumerate(joints)}
    keypoints = {key: [np.tile(list(place.values()), (len(TAKES[key]), 1, 1))] * 4 for key in TAKES}
    source = with_keypoints(tmp_path / "in", name, keypoints, layout)
    assert convert(source, tmp_path / "out", 0, keypoints=name, keep_distortion=True).problems == []
    dataset = open_dataset(tmp_path / "out")
    assert dataset.about.keypoints == "detected"
    for column, joint in enumerate(H36M_17.joints):
        uv, visible = dataset.columns["uv"][:, column], dataset.columns["visible"][:, column]
        assert visible.all() == (joint not in absent)
        assert visible.any() == (joint not in absent)
        if joint in place:
            assert uv[0].tolist() == list(place[joint])
        elif joint not in absent:
            parts = {
                "pelvis": ("l_hip", "r_hip"),
                "thorax": ("l_shoulder", "r_shoulder"),
                "neck_nose": ("upper_neck",),
                "spine": ("pelvis", "thorax") if "pelvis" in place else ("l_hip", "r_hip", "l_shoulder", "r_shoulder"),
            }[joint]
            assert uv[0] == pytest.approx(np.mean([place[part] for part in parts], axis=0), abs=1e-3)


def test_detections_that_go_on_are_cut_and_those_that_end_early_are_named(tmp_path: Path) -> None:
    whole = {key: [uv[:, list(MOVING)] for uv in behind_the_lens(*key)] for key in TAKES}
    longer = {key: [np.concatenate((uv, uv[:3])) for uv in some] for key, some in whole.items()}
    longer["S9", "Walking"][2] = whole["S9", "Walking"][2][:-1]
    longer["S11", "Directions"][0] = None  # that camera did not film it
    longer["S11", "Directions"][3] = None
    outcome = convert(with_keypoints(tmp_path / "in", "cpn", longer, "h36m"), tmp_path / "out", 0, keypoints="cpn")
    count = len(TAKES["S9", "Walking"])
    assert len(outcome.problems) == 2
    assert f"cpn: S9_Walking_2 by camera 58860488: wanted {count} frames of 2D, found {count - 1}" in outcome.problems
    assert "wanted 2D of S11_Directions_2 by camera 60457274, found none" in outcome.problems[1]
    dataset = open_dataset(tmp_path / "out")
    assert [c.name for c in dataset.clips] == [
        *(f"S9_Walking_2.{CAMERAS[k]}" for k in (0, 1, 3)),
        *(f"S11_Directions_2.{CAMERAS[k]}" for k in (1, 2)),
    ]
    assert "5 clips: the 2D goes on after the 3D has ended; that rest is left out" in dataset.about.notes
    left = "1 clips: left out, for S11_Directions_2 has no 2D by camera 54138969, which did not film it"
    assert left in dataset.about.notes


def test_2d_beside_the_other_formats_is_found_too(tmp_path: Path) -> None:
    import h5py

    archives.write_official(tmp_path / "official", TAKES)
    archives.write_martinez(tmp_path / "martinez", TAKES)
    for subject, name in TAKES:
        for camera, uv in zip(CAMERAS, behind_the_lens(subject, name), strict=True):
            folder = tmp_path / "official" / subject / "MyPoseFeatures" / "D2_Positions"
            archives.write_cdf(folder / f"{name}.{camera}.cdf", uv)
            folder = tmp_path / "martinez" / "h36m" / subject / "StackedHourglass"
            folder.mkdir(exist_ok=True)
            if (subject, camera) != ("S11", CAMERAS[0]):
                with h5py.File(folder / f"{name.replace(' ', '_')}.{camera}.h5", "w") as file:
                    file["poses"] = uv[:, :16]
    assert convert(tmp_path / "official", tmp_path / "a", 0, keypoints="D2_Positions").problems == []
    convert(tmp_path / "official", tmp_path / "b", 0)
    found, wanted = (open_dataset(tmp_path / name) for name in ("a", "b"))
    assert np.abs(found.columns["uv"] - wanted.columns["uv"]).max() < 5e-4
    assert convert(tmp_path / "martinez", tmp_path / "c", 0, keypoints="StackedHourglass").problems == []
    assert len(open_dataset(tmp_path / "c").clips) == 7
    assert open_dataset(tmp_path / "c").about.keypoints == "detected"


def test_2d_that_is_not_there_is_a_clear_refusal(
    sources: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = with_keypoints(tmp_path / "in", "gt", {}, "h36m")
    assert main(["convert", "h36m", str(source), "-o", str(tmp_path / "out"), "--keypoints", "cpn"]) == 2
    assert f"{source}: wanted 2D keypoints called 'cpn', found gt" in capsys.readouterr().err
    archives.write_videopose3d_2d(source, "odd", {}, ([1], [2]))
    assert main(["convert", "h36m", str(source), "-o", str(tmp_path / "out"), "--keypoints", "odd"]) == 1
    assert "metadata: wanted the left and right joints of H36M_17, COCO_17, MPII_16" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


# ---- bad input -----------------------------------------------------------------------------------


class Creates:
    """Pickles as a call that would make a file."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return open, (str(self.file), "w")


def test_a_pickle_that_would_make_a_file_makes_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    content: Any = {"S9": {"Walking": Creates(tmp_path / "made")}}
    np.savez(tmp_path / "in" / "data_3d_h36m.npz", positions_3d=content)
    assert main(["convert", "h36m", str(tmp_path / "in"), "-o", str(tmp_path / "out")]) == 1
    err = capsys.readouterr().err
    assert "data_3d_h36m.npz: positions_3d: wanted NumPy arrays and plain containers, found a pickle that asks" in err
    assert "open" in err
    assert not (tmp_path / "made").exists()
    assert not (tmp_path / "out").exists()


def test_cut_off_files_are_named_and_the_others_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    takes = some(archives.all_takes(), ("S9", "Greeting"), ("S9", "Waiting 1"), ("S11", "Directions"))
    for name, suffix in (("martinez", "h5"), ("official", "cdf")):
        source = WRITERS[name](tmp_path / name, takes)
        (file,) = source.rglob(f"Waiting 1.{suffix}")
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        assert main(["convert", "h36m", str(source), "-o", str(tmp_path / f"{name}.out")]) == 1
        assert f"failed: {file}: wanted a whole {'HDF5' if suffix == 'h5' else 'CDF'} file" in capsys.readouterr().err
        assert takes_of(tmp_path / f"{name}.out") == {"S9_Greeting_2", "S11_Directions_2"}
    source = archives.write_videopose3d(tmp_path / "videopose3d", takes)
    file = source / "data_3d_h36m.npz"
    file.write_bytes(file.read_bytes()[:-100])
    assert main(["convert", "h36m", str(file), "-o", str(tmp_path / "out")]) == 1
    assert f"failed: {file}: wanted a whole zip archive" in capsys.readouterr().err


def spoilt(world: NDArray[np.float64], how: str) -> NDArray[np.float64]:
    if how == "17 joints":
        return world[:, list(MOVING)]
    if how == "metres":
        return world / 1000.0
    if how == "nan":
        return np.where(np.arange(len(world))[:, None, None] == 2, np.nan, world)
    if how == "planar":  # x of all joints, then y, then z
        return world.transpose(0, 2, 1).reshape(world.shape)
    if how == "y up":
        return world[..., [0, 2, 1]] * (1, 1, -1) + (0, 5000, 0)
    return world[:0]


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("17 joints", r"wanted poses \(T, 32, 3\), found \(\d+, 17, 3\)"),
        ("metres", "column 'xyz' is not in mm: a person's bones add up to .*this looks like metres"),
        ("nan", r"wanted finite positions, found 1 of \d+ poses that are not"),
        ("planar", "wanted Human3.6M's joints in their order, found bones whose lengths change"),
        ("y up", "by camera 54138969: wanted a person in the picture"),
        ("no frames", r"wanted poses \(T, 32, 3\), found \(0, 32, 3\)"),
    ],
)
def test_wrong_joints_units_and_worlds_are_named(how: str, message: str, tmp_path: Path) -> None:
    takes = {
        ("S9", "Walking"): spoilt(archives.motion("S9", "Walking", frames=200), how),
        ("S9", "Eating"): archives.motion("S9", "E"),
    }
    outcome = convert(archives.write_videopose3d(tmp_path / "in", takes), tmp_path / "out", 0)
    assert outcome.problems
    assert any(re.search(message, problem) for problem in outcome.problems), outcome.problems
    assert all("Walking" in problem for problem in outcome.problems)
    assert "S9_Eating_2" in takes_of(tmp_path / "out")


def test_martinez_files_without_their_key_say_what_they_have(tmp_path: Path) -> None:
    import h5py

    source = archives.write_martinez(tmp_path / "in", some(archives.all_takes(), ("S9", "Greeting")))
    (file,) = source.rglob("*.h5")
    with h5py.File(file, "w") as opened:
        opened["poses"] = np.zeros((96, 5))
    outcome = convert(source, tmp_path / "out", 0)
    assert outcome.problems == [f"{file}: wanted numbers at '3D_positions', found the keys 'poses'"]
    assert "test: nothing written: no take could be converted" in outcome.notes
    assert list((tmp_path / "out").iterdir()) == []
    with h5py.File(file, "w") as opened:
        opened["3D_positions"] = np.zeros((51, 5))
    assert convert(source, tmp_path / "out", 0).problems == [f"{file}: wanted (96, T), found (51, 5)"]


def test_a_source_of_no_kind_is_a_clear_refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "h36m", str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    assert f"{tmp_path}: wanted data_3d_h36m.npz, or a folder with" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("library", "name"), [("h5py", "martinez"), ("cdflib", "official")])
def test_a_missing_library_is_named_with_its_extra(
    library: str,
    name: str,
    sources: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    assert main(["convert", "h36m", str(sources[name]), "-o", str(tmp_path / "out")]) == 2
    assert f"need {library}: pip install benchsuite[data]" in capsys.readouterr().err


def test_cameras_of_the_archive_are_held_against_the_published_ones(tmp_path: Path) -> None:
    source = archives.write_martinez(tmp_path / "in", some(archives.all_takes(), ("S9", "Greeting")))
    (source / "h36m" / "cameras.h5").write_bytes(b"nothing")
    outcome = convert(source, tmp_path / "out", 0)
    assert len(outcome.problems) == 1
    assert f"{source / 'h36m' / 'cameras.h5'}: wanted a whole HDF5 file" in outcome.problems[0]
    assert len(open_dataset(tmp_path / "out").clips) == 4


# ---- cut off and taken up again ------------------------------------------------------------------


def test_a_conversion_that_was_cut_off_goes_on(
    sources: dict[str, Path], converted: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = VideoPose3D.seen
    read: list[str] = []

    def counted(self: VideoPose3D, take: Any) -> Any:
        if len(read) == 12:  # all of train, three of test
            raise KeyboardInterrupt
        read.append(str(take))
        return seen(self, take)

    monkeypatch.setattr(VideoPose3D, "seen", counted)
    with pytest.raises(KeyboardInterrupt):
        convert(sources["videopose3d"], tmp_path / "out", 0)
    assert not (tmp_path / "out" / "test" / "dataset.json").exists()
    with (tmp_path / "out" / "test.partial" / "uv.npy").open("ab") as file:
        file.write(b"the beginning of a take")
    before = len(read)
    monkeypatch.setattr(VideoPose3D, "seen", lambda self, take: read.append(str(take)) or seen(self, take))
    assert convert(sources["videopose3d"], tmp_path / "out", 0).problems == []
    assert [take for take in read[before:] if not take.startswith("S1_")][-5:] == [
        "S9_Waiting_1", "S9_WalkTogether_2", "S11_Directions_1", "S11_Directions_2", "S11_Phoning_1",
    ]  # fmt: skip
    assert "S9_Greeting_1" not in read[before:]
    assert same(open_dataset(tmp_path / "out"), open_dataset(converted["videopose3d"]))
    assert not list((tmp_path / "out").glob("*.partial"))


def same(one: Dataset, other: Dataset) -> bool:
    return one.fingerprint == other.fingerprint and one.about.notes == other.about.notes


def test_what_was_begun_with_other_choices_or_files_is_not_mixed_in(
    sources: dict[str, Path], converted: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(h36m, "describe_dataset", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        convert(sources["martinez"], tmp_path / "out", 0)
    with pytest.raises(UnfinishedElsewhere, match=r"train\.partial holds the unfinished run of .* \(choices: "):
        convert(sources["martinez"], tmp_path / "out", 0, stride=3)
    monkeypatch.undo()
    convert(sources["martinez"], tmp_path / "out", 0)
    assert same(open_dataset(tmp_path / "out"), open_dataset(converted["martinez"]))
