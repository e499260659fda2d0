"""``benchsuite convert cmu``: from motion capture to filmed dataset folders, also where files are spoilt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray

from benchsuite.cli import main
from benchsuite.convert.cmu_dataset import convert
from benchsuite.datasets.dataset import Dataset, open_dataset

UNIT_MM = 25.4 / 0.45
FRAMES = 60
STEP_MM = 10.0
PELVIS_MM = 900.0

TORSO = {
    "lowerback": ("root", (0, 150, 0)),
    "upperback": ("lowerback", (0, 150, 0)),
    "thorax": ("upperback", (0, 150, 0)),
    "lowerneck": ("thorax", (0, 50, 0)),
    "upperneck": ("lowerneck", (0, 60, 0)),
    "head": ("upperneck", (0, 120, 0)),
}
LIMBS = {
    "hipjoint": ("root", (100, 0, 0)),
    "femur": ("hipjoint", (0, -400, 0)),
    "tibia": ("femur", (0, -450, 0)),
    "clavicle": ("thorax", (170, 0, 0)),
    "humerus": ("clavicle", (0, -300, 0)),
    "radius": ("humerus", (0, -170, 0)),
    "wrist": ("radius", (0, -85, 0)),
}
"""End of each bone from the end of its parent, mm, along one axis: x to the left, y up. The right side is mirrored."""

WORLD = {
    "pelvis": (0, 900),
    "l_hip": (100, 900),
    "r_knee": (-100, 500),
    "l_ankle": (100, 50),
    "spine": (0, 1125),
    "thorax": (0, 1400),
    "neck_nose": (0, 1460),
    "head_top": (0, 1580),
    "l_shoulder": (170, 1350),
    "r_elbow": (-170, 1050),
    "r_wrist": (-170, 795),
}
"""Where some joints of that body are, mm: leftwards and above the floor, added up by hand."""


def body() -> dict[str, tuple[str, tuple[float, float, float]]]:
    bones: dict[str, tuple[str, tuple[float, float, float]]] = {**TORSO}
    for side, sign in (("l", 1), ("r", -1)):
        for name, (parent, (x, y, z)) in LIMBS.items():
            bones[side + name] = (side + parent if parent in LIMBS else parent, (sign * x, y, z))
    return bones


def asf(size: float = 1.0) -> str:
    bones = "\n".join(
        f"begin\nname {name}\ndirection {x} {y} {z}\nlength {size * abs(x + y) / UNIT_MM:.9f}\n"
        f"axis 0 0 0 XYZ\n{'dof rx' if name == 'head' else ''}\nend"
        for name, (_, (x, y, z)) in body().items()
    )
    hierarchy = "\n".join(f"{parent} {name}" for name, (parent, _) in body().items())
    return (
        ":version 1.10\n:units\nlength 0.45\nangle deg\n:root\norder TX TY TZ RX RY RZ\naxis XYZ\nposition 0 0 0\n"
        f"orientation 0 0 0\n:bonedata\n{bones}\n:hierarchy\nbegin\n{hierarchy}\nend\n"
    )


def amc(frames: int = FRAMES) -> str:
    """Straight ahead along z, 10 mm a frame."""
    lines = (
        f"{k + 1}\nroot 0 {PELVIS_MM / UNIT_MM!r} {k * STEP_MM / UNIT_MM!r} 0 0 0\nhead 0\n" for k in range(frames)
    )
    return ":FULLY-SPECIFIED\n:DEGREES\n" + "".join(lines)


BVH = "HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\nCHANNELS 1 Xposition\n}\nMOTION\nFrames: 2\nFrame Time: .01\n0\n"
"""Its second frame is missing."""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Performers 05 (train) and 02 (test), a good take of each; a spoilt AMC and a spoilt BVH."""
    files = {
        "05/05.asf": asf(),
        "05/05_01.amc": amc(),
        "05/05_02.amc": amc().rpartition("head")[0],
        "02/02.asf": asf(),
        "02/02_01.amc": amc(),
        "walks/08_01.bvh": BVH,
        "walks/02_01.bvh": BVH,
        "cmu-mocap-index-text.txt": "05_01\twalk\n02_01\trun, then jump\n",
    }
    for name, text in files.items():
        (tmp_path / "mocap" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mocap" / name).write_text(text)
    return tmp_path / "mocap"


def world_of(dataset: Dataset) -> NDArray[np.float64]:
    """(N, 17, 3) mm, world, from each clip's camera as ``dataset.json`` places it."""
    clip = dataset.columns["clip"]
    rotation = np.array([c.rotation for c in dataset.clips]).reshape(-1, 3, 3)[clip]
    position = np.array([c.position for c in dataset.clips])[clip]
    turned = np.einsum("nji,nkj->nki", rotation, dataset.columns["xyz"].astype(np.float64))
    world: NDArray[np.float64] = turned + position[:, None]
    return world


def assert_filmed(dataset: Dataset) -> None:
    """Pixels are the projection of the poses, inside the picture, by cameras 3-7 m from the take's middle."""
    xyz = dataset.columns["xyz"].astype(np.float64)
    focal, center = dataset.columns["focal"].astype(np.float64), dataset.columns["center"].astype(np.float64)
    uv = focal[:, None] * xyz[..., :2] / xyz[..., 2:] + center[:, None]
    assert np.abs(uv - dataset.columns["uv"]).max() < 1e-3
    assert dataset.columns["uv"].min() >= 0
    assert dataset.columns["uv"].max() <= 1000
    assert dataset.columns["visible"].all()
    pelvis = world_of(dataset)[:, 0]
    takes: dict[str, list[int]] = {}
    for number, clip in enumerate(dataset.clips):
        path = pelvis[dataset.columns["clip"] == number]
        middle = (path.min(axis=0) + path.max(axis=0)) / 2
        assert clip.position is not None
        away = np.array(clip.position) - middle
        assert 2999.9 <= np.hypot(*away[:2]) <= 7000.1
        assert 1200 <= clip.position[2] <= 1900
        takes.setdefault(clip.name.rpartition(".")[0], []).append(
            int(np.arctan2(away[1], away[0]) % (2 * np.pi) // (np.pi / 2))
        )
    assert all(sorted(quarters) == [0, 1, 2, 3] for quarters in takes.values())


# ---- a made-up folder ----------------------------------------------------------------------------


def test_good_files_go_on_where_others_are_spoilt(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", "cmu", str(source), "-o", str(tmp_path / "out")]) == 1
    out, err = capsys.readouterr()
    spoilt = source / "05" / "05_02.amc"
    assert f"failed: {spoilt}:{2 + 3 * FRAMES - 1}: wanted 1 more bones of frame {FRAMES}, found the end" in err
    bvh = source / "walks" / "08_01.bvh"
    assert f"failed: {bvh}:10: wanted the 2 frames of line 8, found 1 and no more" in err
    assert err.count("failed: ") == 2
    assert "02_01: 02_01.amc taken, 02_01.bvh left out" in out
    assert "train: 40 samples in 4 clips of 1 takes" in out
    assert "test: 20 samples in 4 clips of 1 takes" in out
    assert len(open_dataset(tmp_path / "out", "train")) == 40


def test_the_datasets_say_what_was_filmed(source: Path, tmp_path: Path) -> None:
    convert(source, tmp_path / "out", seed=0)
    for split, performer, action, fps, stride in (("train", "05", "walk", 20.0, 6), ("test", "02", "run", 10.0, 12)):
        dataset = open_dataset(tmp_path / "out", split)
        assert (dataset.about.split, dataset.about.fps, dataset.about.skeleton) == (split, fps, "H36M_17")
        assert [c.name for c in dataset.clips] == [f"{performer}_01.cam{k}" for k in (1, 2, 3, 4)]
        assert {(c.subject, c.action) for c in dataset.clips} == {(performer, action)}
        assert dataset.columns["frame"].tolist() == 4 * list(range(0, FRAMES, stride))
        assert_filmed(dataset)


def test_poses_stand_where_the_files_put_them(source: Path, tmp_path: Path) -> None:
    convert(source, tmp_path / "out", seed=0)
    dataset = open_dataset(tmp_path / "out", "train")
    world = world_of(dataset)
    ahead = dataset.columns["frame"] * STEP_MM
    for joint, (left, up) in WORLD.items():
        # y up becomes z up by a quarter turn about x, so ahead (z) becomes -y; left (x) stays.
        expected = np.stack((np.full(40, left), -ahead, np.full(40, up)), axis=1)
        assert np.abs(world[:, H36M_17.index(joint)] - expected).max() < 0.01


def test_the_seed_and_the_take_alone_decide_on_the_cameras(source: Path, tmp_path: Path) -> None:
    def fingerprint(out: str, seed: int) -> str:
        convert(source, tmp_path / out, seed)
        return open_dataset(tmp_path / out, "test").fingerprint

    first = fingerprint("a", 0)
    assert fingerprint("b", 0) == first
    assert fingerprint("c", 1) != first
    for file in (source / "05").iterdir():
        file.unlink()  # other takes do not matter
    assert fingerprint("d", 0) == first


def test_a_person_no_camera_sees_makes_no_dataset(source: Path, tmp_path: Path) -> None:
    (source / "02" / "02.asf").write_text(asf(size=100))
    outcome = convert(source, tmp_path / "out", seed=0)
    assert any(note.startswith("test: nothing written: in none of 20 frames") for note in outcome.notes)
    assert not (tmp_path / "out" / "test").exists()
    assert len(open_dataset(tmp_path / "out", "train")) == 40


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: None, "wanted a folder of AMC or BVH files"),
        (lambda p: p.mkdir(), "wanted AMC or BVH files here or below, found none"),
    ],
)
def test_a_source_that_is_none_is_a_clear_refusal(
    make: Any, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make(tmp_path / "mocap")
    assert main(["convert", "cmu", str(tmp_path / "mocap"), "-o", str(tmp_path / "out")]) == 2
    assert f"error: {tmp_path / 'mocap'}: {message}" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


# ---- CMU's own files -----------------------------------------------------------------------------

SOME = (
    "cmu-mocap-index-text.txt",
    "cmu-asfamc/subjects/01/01.asf",
    "cmu-asfamc/subjects/01/01_01.amc",
    "cmu-asfamc/subjects/02/02.asf",
    "cmu-asfamc/subjects/02/02_01.amc",
    "cmu-asfamc/subjects/02/02_05.amc",
    "cmu-walk-bvh/02_01.bvh",
    "cmu-walk-bvh/07_01.bvh",
    "cmu-walk-bvh/16_15.bvh",
    "cmu-dance-martial-bvh/salsa/01.bvh",
    "cmu-dance-martial-bvh/salsa/05.bvh",
    "cmu-dance-martial-bvh/martial/04.bvh",
)


@pytest.fixture(scope="module")
def real(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some takes of every kind and side, converted."""
    folder = tmp_path_factory.mktemp("cmu")
    for name in SOME:
        (folder / "mocap" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "mocap" / name).symlink_to(shared_data / "mocap" / name)
    outcome = convert(folder / "mocap", folder / "out", seed=0)
    assert outcome.problems == []
    assert "02_01: 02_01.amc taken, 02_01.bvh left out" in outcome.notes
    return folder / "out"


def test_real_takes_stand_on_their_own_side(real: Path) -> None:
    sides = {split: {c.name.rpartition(".")[0] for c in open_dataset(real, split).clips} for split in ("train", "test")}
    assert sides["test"] == {"02_01", "02_05", "16_15", "salsa_05"}
    assert sides["train"] == {"01_01", "07_01", "salsa_01", "martial_04"}
    subjects = [{c.subject for c in open_dataset(real, split).clips} for split in ("train", "test")]
    assert not subjects[0] & subjects[1]


@pytest.mark.parametrize(("split", "fps", "strides"), [("train", 20, {3, 6}), ("test", 10, {6, 12})])
def test_real_takes_are_filmed_at_the_split_s_rate(real: Path, split: str, fps: int, strides: set[int]) -> None:
    dataset = open_dataset(real, split)
    assert dataset.about.fps == fps
    step = np.diff(dataset.columns["frame"])[np.diff(dataset.columns["clip"]) == 0]
    assert set(step.tolist()) == strides  # salsa was shot at 60 Hz, the others at 120
    assert_filmed(dataset)


def test_real_actions_come_from_the_index(real: Path) -> None:
    actions = {c.name.rpartition(".")[0]: c.action for s in ("train", "test") for c in open_dataset(real, s).clips}
    assert actions == {
        "01_01": "jump",
        "02_01": "walk",
        "02_05": "punch",
        "07_01": "walk",
        "16_15": "walk",
        "martial_04": "martial",
        "salsa_01": "salsa",
        "salsa_05": "salsa",
    }
