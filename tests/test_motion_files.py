"""Motion capture files: hand-made ones worked out by hand, spoilt ones, and CMU's own."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchsuite_registry.skeletons import H36M_17
from scipy.spatial.transform import Rotation

from benchsuite.convert.acclaim import read_amc, read_asf
from benchsuite.convert.bvh import read_bvh
from benchsuite.convert.cmu import ACTIONS, Take, TakeFile, asf_of, find_takes, read_take
from benchsuite.convert.motion import Motion, MotionFormatError, rotation

MOCAP = Path(__file__).resolve().parents[2] / "shared" / "data" / "mocap"
real_data = pytest.mark.skipif(not MOCAP.is_dir(), reason=f"no motion capture in {MOCAP}")

ASF = """\
# made by hand
:version 1.10
:units
  length 0.45
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    id 1
    name upper
    direction 0 1 0
    length 2
    axis 0 0 90 XYZ
    dof rx rz
    limits (-90 90)
           (-90 90)
  end
  begin
    id 2
    name lower
    direction 3 0 0
    length 1
    axis 20 30 40 XYZ
  end
:hierarchy
  begin
    root upper
    upper lower
  end
"""
AMC = """\
#!OML:ASF made by hand
:FULLY-SPECIFIED
:DEGREES
1
root 10 20 30 0 0 0
upper 90 0
2
root 10 20 30 0 0 90
upper 0 90
3
root 10 20 30 0 0 0
upper 90 90
"""
BVH = """\
HIERARCHY
ROOT base
{
  OFFSET 1 2 3
  CHANNELS 6 Zrotation Xposition Yrotation Yposition Xrotation Zposition
  JOINT arm
  {
    OFFSET 0 1 0
    CHANNELS 2 Yrotation Zrotation
    End Site
    {
      OFFSET 1 0 0
    }
  }
}
MOTION
Frames: 2
Frame Time: .0083333
0 10 0 20 0 30 0 0
90 10 0 20 90 30 90 90
"""


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_asf_and_amc_by_hand(tmp_path: Path) -> None:
    skeleton = read_asf(written(tmp_path / "a.asf", ASF))
    motion = read_amc(written(tmp_path / "a.amc", AMC), skeleton)
    assert skeleton.length_unit == 0.45
    assert motion.names == ("root", "upper", "lower")
    assert motion.fps == 120
    assert np.allclose(motion.joint("root"), [10, 20, 30])
    # upper's own x is the world's y. Frame 1: a quarter turn about that takes lower from x to -z.
    # Frame 2: root and upper each turn a quarter about z. Frame 3: about y first, about z then.
    assert np.allclose(motion.joint("upper") - [10, 20, 30], [[0, 2, 0], [0, -2, 0], [-2, 0, 0]])
    assert np.allclose(motion.joint("lower") - [10, 20, 30], [[0, 2, -1], [-1, -2, 0], [-2, 0, -1]])


def test_windows_line_ends_read_alike(tmp_path: Path) -> None:
    skeleton = read_asf(written(tmp_path / "a.asf", ASF.replace("\n", "\r\n")))
    motion = read_amc(written(tmp_path / "a.amc", AMC.replace("\n", "\r\n")), skeleton)
    assert np.allclose(motion.joint("lower")[2], [8, 20, 29])


def test_radians_and_the_bones_of_a_frame_in_another_order(tmp_path: Path) -> None:
    skeleton = read_asf(written(tmp_path / "a.asf", ASF.replace("angle deg", "angle rad")))
    amc = ":RADIANS\n7\nupper 1.5707963267948966 0\nroot 0 0 0 0 0 0\n"
    with_axis = replace(skeleton, degrees=True)  # the axes above are in degrees
    motion = read_amc(written(tmp_path / "a.amc", amc), with_axis)
    assert not skeleton.degrees
    assert np.allclose(motion.joint("lower"), [[0, 2, -1]])


def test_bvh_by_hand(tmp_path: Path) -> None:
    motion = read_bvh(written(tmp_path / "a.bvh", BVH))
    assert motion.names == ("base", "arm", "arm_end")
    assert motion.fps == 120
    assert motion.starts_at_rest
    assert np.allclose(motion.positions[0], [[11, 22, 33], [11, 23, 33], [12, 23, 33]])
    # Root: about x, then z: (0, 1, 0) becomes (0, 0, 1). Arm: about z, then y: (1, 0, 0) becomes
    # (0, 1, 0), which the root turns to (0, 0, 1).
    assert np.allclose(motion.positions[1], [[11, 22, 33], [11, 22, 34], [11, 22, 35]])


def test_a_captured_first_frame_is_no_rest_pose(tmp_path: Path) -> None:
    text = BVH.replace("0 10 0 20 0 30 0 0", "0 10 0.1 20 0 30 0 0")
    assert not read_bvh(written(tmp_path / "a.bvh", text)).starts_at_rest


@pytest.mark.parametrize("axes", ["xyz", "zyx", "zxy", "yx", "z", ""])
def test_rotation_agrees_with_scipy(axes: str) -> None:
    angles = np.random.default_rng(0).uniform(-3, 3, (7, len(axes)))
    expected = Rotation.from_euler(axes.upper(), angles).as_matrix() if axes else np.eye(3)[None].repeat(7, 0)
    assert np.allclose(rotation(axes, angles), expected)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("HIERARCHY", "SKELETON", 1, "wanted HIERARCHY, found 'SKELETON'"),
        ("  OFFSET 1 2 3", "  OFFSET 1 2", 5, "wanted 3 finite numbers (offset of base)"),
        ("CHANNELS 6", "CHANNELS six", 5, "wanted 1 to 6 channels of base, found 'six'"),
        ("Xrotation Z", "Wrotation Z", 5, "such as Xposition or Zrotation, found 'Wrotation'"),
        ("2 Yrotation Z", "3 Yposition Yrotation Z", 9, "position channels at the root alone"),
        ("2 Yrotation Z", "2 Zrotation Z", 9, "each channel once, found 'Zrotation' again"),
        ("JOINT arm", "JOINT base", 6, "name of its own for each joint, found 'base' again"),
        ("MOTION\n", "", 16, "wanted MOTION, found 'Frames:'"),
        ("Frames: 2", "Frames: -2", 17, "wanted a number of frames of 1 or more, found '-2'"),
        (".0083333", "0", 18, "wanted seconds a frame above 0, found 0.0"),
        ("90 90\n", "90\n", 20, "wanted 8 numbers (channels of frame 2), found 7"),
        ("90 90\n", "90 90 1\n", 20, "wanted 8 numbers (channels of frame 2), found 9"),
        ("20 90 30", "20 nan 30", 20, "wanted 8 finite numbers (channels of frame 2), found 'nan'"),
        ("20 90 30", "20 9O 30", 20, "wanted 8 finite numbers (channels of frame 2), found '9O'"),
        ("Frames: 2", "Frames: 3", 20, "wanted the 3 frames of line 17, found 2"),
        ("Frames: 2", "Frames: 1", 20, "wanted no more than the 1 frames of line 17"),
        (BVH[BVH.index("    End") :], "", 9, "found the end of the file"),
    ],
)
def test_a_spoilt_bvh_names_file_line_and_what_was_wanted(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert BVH.count(old) >= 1
    path = written(tmp_path / "spoilt.bvh", BVH.replace(old, new, 1))
    with pytest.raises(MotionFormatError) as error:
        read_bvh(path)
    assert str(error.value).startswith(f"{path}:{line}: wanted ")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("1\nroot", "root", 4, "wanted each bone once a frame, found 'root' before the first"),
        ("upper 90 0\n", "upper 90\n", 6, "wanted 2 numbers (upper of frame 1), found 1: '90'"),
        ("upper 90 0\n", "upper 90 inf\n", 6, "2 finite numbers (upper of frame 1), found 'inf'"),
        ("upper 90 0\n", "uper 90 0\n", 6, "a bone of the skeleton, found 'uper 90 0'"),
        ("upper 90 0\n", "", 6, "wanted 1 more bones of frame 1, found frame 2"),
        ("upper 90 0\n", "upper 1 0\nupper 1 0\n", 7, "each bone once a frame, found 'upper' again"),
        ("\n2\n", "\n3\n", 7, "wanted frame 2, found frame 3"),
        ("upper 90 90\n", "", 11, "wanted 1 more bones of frame 3, found the end of the file"),
        (AMC[AMC.index("1\n") :], "", 3, "wanted frames, found the end of the file"),
    ],
)
def test_a_spoilt_amc_names_file_line_and_what_was_wanted(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert AMC.count(old) == 1
    skeleton = read_asf(written(tmp_path / "a.asf", ASF))
    path = written(tmp_path / "spoilt.amc", AMC.replace(old, new))
    with pytest.raises(MotionFormatError) as error:
        read_amc(path, skeleton)
    assert str(error.value).startswith(f"{path}:{line}: wanted ")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("length 2", "length two", 16, "wanted 1 finite numbers (length), found 'two'"),
        ("direction 0 1 0", "direction 0 0 0", 21, "direction, length and end of the bone"),
        ("0 0 90 XYZ", "0 0 90 XYY", 17, "an order of axes such as XYZ, found 'XYY'"),
        ("dof rx rz", "dof rx tz", 18, "each once of rx ry rz, found 'rx tz'"),
        ("name lower", "name upper", 28, "each bone once, found 'upper' again"),
        ("    upper lower\n", "", 32, "every bone below the root in :hierarchy, found no way"),
        ("upper lower", "upper loser", 32, "names of bones, found 'loser'"),
        ("upper lower", "upper lower upper", 32, "one parent a bone, found another of 'upper'"),
        (ASF[ASF.index("    name lower") :], "", 23, "found the end of the file"),
        (ASF[ASF.index("  begin\n    id 1") :], "", 11, "bones in a section :bonedata, found none"),
    ],
)
def test_a_spoilt_asf_names_file_line_and_what_was_wanted(
    tmp_path: Path, old: str, new: str, line: int, message: str
) -> None:
    assert ASF.count(old) == 1
    path = written(tmp_path / "spoilt.asf", ASF.replace(old, new))
    with pytest.raises(MotionFormatError) as error:
        read_asf(path)
    assert str(error.value).startswith(f"{path}:{line}: wanted ")
    assert message in str(error.value)


def test_the_error_survives_pickling() -> None:
    error = MotionFormatError(Path("a.bvh"), 3, "a", "b")
    assert str(pickle.loads(pickle.dumps(error))) == "a.bvh:3: wanted a, found b"


def test_a_joint_that_is_not_there_is_answered_with_those_that_are() -> None:
    motion = Motion(("hip",), np.zeros((1, 1, 3)), 60.0)
    with pytest.raises(KeyError, match="no joint 'knee'; there are hip"):
        motion.joint("knee")


def test_takes_of_a_folder(tmp_path: Path) -> None:
    for name, text in {
        "35/35.asf": ASF,
        "35/35_01.amc": AMC,
        "walks/35_01.bvh": BVH,
        "walks/08_02.bvh": BVH,
        "salsa/20.bvh": BVH,
        "salsa/21.bvh": BVH,
        "cmu-mocap-index-text.txt": "35_01\trun/jog\n08_02\twalk on uneven terrain\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        written(tmp_path / name, text)
    takes = {take.name: take for take in find_takes(tmp_path)}
    assert {name: (t.performer, t.action, t.split) for name, t in takes.items()} == {
        "08_02": ("08", "uneven-terrain", "test"),
        "35_01": ("35", "run", "train"),
        "salsa_20": ("salsa_20", "salsa", "test"),
        "salsa_21": ("salsa_21", "salsa", "train"),
    }
    assert takes["35_01"].path.suffix == ".amc"
    assert takes["35_01"].duplicates == (tmp_path / "walks" / "35_01.bvh",)
    assert [take.action for take in find_takes(tmp_path / "35")] == ["run"]  # index one folder up
    with pytest.raises(MotionFormatError, match=r"(?s)1: wanted a CMU walk .*LeftHip.*found base arm"):
        read_take(takes["08_02"])
    with pytest.raises(MotionFormatError, match="wanted a CMU ASF with"):
        read_take(takes["35_01"])
    (tmp_path / "35" / "35.asf").unlink()
    with pytest.raises(FileNotFoundError, match="wanted its skeleton"):
        read_take(takes["35_01"])
    assert takes.keys() == {take.name for take in find_takes(tmp_path)}  # the others can still be read


def test_folders_without_takes(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="found none"):
        find_takes(tmp_path)
    with pytest.raises(NotADirectoryError):
        find_takes(tmp_path / "absent")


# ---- CMU's own files -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def files() -> dict[str, TakeFile]:
    return {take.name: take for take in find_takes(MOCAP)}


def path_of(take: Take, joint: str) -> np.ndarray:
    return take.world[:, H36M_17.index(joint)].astype(np.float64)


@real_data
@pytest.mark.parametrize("name", ["02_01", "02_02"])
def test_amc_and_bvh_of_one_take_agree(files: dict[str, TakeFile], name: str) -> None:
    amc = files[name]
    bvh = replace(amc, path=amc.duplicates[0])
    first, second = read_take(amc).world, read_take(bvh).world
    assert first.shape == second.shape  # no frame more in the one
    assert np.linalg.norm(first - second, axis=-1).max() <= 1.0  # mm


@real_data
def test_no_performer_and_no_take_on_both_sides(files: dict[str, TakeFile]) -> None:
    sides: dict[str, set[str]] = {"train": set(), "test": set()}
    for take in files.values():
        sides[take.split].add(take.performer)
        assert take.action in ACTIONS
    assert not sides["train"] & sides["test"]
    expected = {"02", "08", "16", "salsa_05", "salsa_20", "martial_10", "indian_15"}
    assert sides["test"] == expected
    for n in range(1, 16):  # partners
        pair = {files[f"salsa_{k:02}"].split for k in (n, n + 15) if f"salsa_{k:02}" in files}
        assert len(pair) <= 1
    assert len(files) == 28 + 96 - 2 + 43
    assert all(t.action == "walk" for t in files.values() if "walk" in t.path.parent.name)


@real_data
@pytest.mark.parametrize(
    ("name", "toes"),
    [
        ("02_06", ("ltoes", "lfoot", "rtoes", "rfoot")),
        ("39_01", ("LeftToe", "LeftAnkle", "RightToe", "RightAnkle")),
        ("salsa_05", ("lFoot_end", "lFoot", "rFoot_end", "rFoot")),
    ],
)
def test_left_is_left_up_is_up_and_mm_are_mm(
    files: dict[str, TakeFile], name: str, toes: tuple[str, str, str, str]
) -> None:
    file = files[name]
    take = read_take(file)
    motion = read_amc(file.path, read_asf(asf_of(file.path))) if file.path.suffix == ".amc" else read_bvh(file.path)
    motion = replace(motion, positions=motion.positions[-len(take.world) :])
    ahead_y_up = sum(motion.joint(toes[k]) - motion.joint(toes[k + 1]) for k in (0, 2))
    # In y up, left of a person who looks along z is x: the unit vector up times the one ahead.
    left_y_up = np.cross([0, 1, 0], ahead_y_up)
    left = np.stack([left_y_up[:, 0], -left_y_up[:, 2], left_y_up[:, 1]], axis=-1)
    for joint in ("hip", "shoulder"):
        across = path_of(take, f"l_{joint}") - path_of(take, f"r_{joint}")
        assert np.mean(np.sum(across * left, axis=-1) > 0) > 0.97

    def bone(a: str, b: str) -> float:
        return float(np.median(np.linalg.norm(path_of(take, a) - path_of(take, b), axis=-1)))

    for side in "lr":
        assert 360 < bone(f"{side}_hip", f"{side}_knee") < 480
        assert 370 < bone(f"{side}_knee", f"{side}_ankle") < 480
        assert 240 < bone(f"{side}_shoulder", f"{side}_elbow") < 330
        assert 220 < bone(f"{side}_elbow", f"{side}_wrist") < 320
    assert 480 < bone("pelvis", "thorax") < 590
    assert 160 < bone("thorax", "head_top") < 220
    height = np.median(path_of(take, "head_top")[:, 2])
    assert 1400 < height < 1800
    ankles = np.minimum(path_of(take, "l_ankle")[:, 2], path_of(take, "r_ankle")[:, 2])
    assert 50 < np.median(ankles) < 110


@real_data
def test_salsa_runs_at_60_hz_and_its_rest_pose_is_gone(files: dict[str, TakeFile]) -> None:
    take = read_take(files["salsa_05"])
    assert take.fps == 60
    assert len(take.world) == 1679 - 10
    jerks = np.linalg.norm(np.diff(take.world, 2, axis=0), axis=-1).max(axis=1)
    assert jerks[:30].max() < 20  # mm a frame a frame; the rest pose's smear has up to 1000


@real_data
def test_a_head_upside_down_does_not_reach_the_poses(files: dict[str, TakeFile]) -> None:
    take = read_take(files["salsa_06"])
    above = path_of(take, "head_top")[:, 2] - path_of(take, "neck_nose")[:, 2]
    assert np.percentile(above, 1) > 50
