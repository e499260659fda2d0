"""Human3.6M's cameras, lens and file names, against what others wrote down of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from benchsuite.convert.archives import WrongSource
from benchsuite.convert.h36m_calibration import check_calibration
from benchsuite.convert.h36m_cameras import CAMERAS, PUBLISHED
from benchsuite.convert.h36m_sources import MOVING
from benchsuite.convert.h36m_takes import ACTIONS, ALL_TAKES, DRIFTING, UNFILMED, Take, find_takes

# ---- where they stand ----------------------------------------------------------------------------


def test_all_28_cameras_are_proper_rotations_each_in_a_place_of_its_own() -> None:
    assert len(PUBLISHED) == 28
    for camera in PUBLISHED.values():
        assert np.abs(camera.rotation @ camera.rotation.T - np.eye(3)).max() < 1e-12
        assert np.linalg.det(camera.rotation) == pytest.approx(1.0, abs=1e-12)
        assert abs(camera.rotation[0, 2]) < 0.1  # nearly level: X points along the floor
        assert camera.rotation[1, 2] < -0.9  # Y points down
        assert 1400 < camera.position[2] < 1700
    places = np.array([camera.position for camera in PUBLISHED.values()])
    assert len(np.unique(places, axis=0)) == 28


@pytest.mark.parametrize(
    ("subject", "camera", "angles", "place"),
    [
        ("S1", 0, (-1.38382776045614, -3.16734304390158, 0.413636308164621), (1841.10703, 4955.28462, 1563.44540)),
        ("S5", 1, (-1.3563050564389, 3.12931805155389, 2.74473744708868), (2031.70078, -5167.93301, 1612.92305)),
        ("S9", 2, (-1.34888172298336, -3.102960692595, -0.382788963877425), (-1670.99215, 5211.98574, 1528.38800)),
        ("S8", 3, (-1.31261466850986, -3.22669130539521, -2.76803843215725), (-1476.91338, -3896.74112, 1547.97221)),
    ],
)
def test_cameras_agree_with_human36m_s_own_angles(
    subject: str, camera: int, angles: tuple[float, ...], place: tuple[float, ...]
) -> None:
    """Human3.6M's metadata.xml keeps angles about x, y, z; the table comes from the quaternions of others."""
    published = PUBLISHED[subject, CAMERAS[camera]]
    assert np.abs(Rotation.from_euler("XYZ", angles).as_matrix() - published.rotation).max() < 2e-7
    assert np.abs(np.array(place) - published.position).max() < 5e-4


def test_a_point_goes_into_the_camera_s_frame_and_back() -> None:
    world = np.random.default_rng(0).uniform(-2000, 2000, (50, 17, 3))
    for camera in PUBLISHED.values():
        back = camera.see(world) @ camera.rotation + camera.position
        assert np.abs(back - world).max() < 1e-9
        assert np.abs(camera.see(camera.position)).max() == 0  # it sees itself at its origin


# ---- the lens ------------------------------------------------------------------------------------


def pixels(camera: str, *rays: tuple[float, float]) -> NDArray[np.float64]:
    one = PUBLISHED["S1", camera]
    return np.array(rays) * one.focal + one.center


def test_the_lens_moves_points_by_what_the_fact_sheet_says() -> None:
    lens = PUBLISHED["S1", "54138969"]
    uv = pixels("54138969", (0.0, 0.0), (0.2, 0.0), (0.2, 0.2), (0.4, 0.4))
    moved = lens.distort(uv) - uv
    assert moved[0].tolist() == [0.0, 0.0]
    assert moved[1] == pytest.approx((-1.89574, -0.06517), abs=1e-5)
    assert moved[2] == pytest.approx((-3.63, -3.67), abs=5e-3)
    assert moved[3] == pytest.approx((-19.6, -19.7), abs=5e-2)


def test_the_lens_is_not_opencv_s() -> None:
    """At the ray (x, y) = (0.2, 0.2), r² = 0.08, OpenCV would add 2 p1 xy + p2 (r² + 2x²) along x."""
    lens = PUBLISHED["S1", "55011271"]
    (uv,) = pixels("55011271", (0.2, 0.2))
    k1, k2, k3 = lens.radial
    p1, p2 = lens.tangential
    radial = 1 + k1 * 0.08 + k2 * 0.08**2 + k3 * 0.08**3
    ours = 0.2 * (radial + 0.2 * p1 + 0.2 * p2) + 0.08 * p1
    opencv = 0.2 * radial + 2 * p1 * 0.04 + p2 * (0.08 + 2 * 0.04)
    found = (lens.distort(uv)[0] - lens.center[0]) / lens.focal[0]
    assert found == pytest.approx(ours, abs=1e-12)
    assert abs(found - opencv) * lens.focal[0] > 0.1


@pytest.mark.parametrize("name", CAMERAS)
def test_undoing_the_lens_is_exact_to_a_millionth_of_a_pixel(name: str) -> None:
    lens = PUBLISHED["S9", name]
    grid = np.stack(np.meshgrid(np.linspace(-300, 1300, 41), np.linspace(-300, 1300, 41)), axis=-1)
    assert np.abs(lens.distort(lens.undistort(grid)) - grid).max() < 1e-6
    assert np.abs(lens.undistort(lens.distort(grid)) - grid).max() < 1e-6


def test_pixels_that_no_ray_reaches_are_nan() -> None:
    lens = PUBLISHED["S9", CAMERAS[0]]
    undone = lens.undistort(np.array([[500.0, 500.0], [np.nan, 3.0], [1e9, -1e9]]))
    assert np.isfinite(undone[0]).all()
    assert np.isnan(undone[1:]).all()


# ---- cameras that archives bring along -----------------------------------------------------------


def write_metadata(path: Path, *, swapped: bool = False) -> None:
    """Human3.6M's metadata.xml, as far as it holds cameras: 264 numbers of places, 36 of lenses."""
    numbers = np.zeros(300)
    for (subject, name), camera in PUBLISHED.items():
        number = CAMERAS.index(name)
        at = 6 * (11 * number + int(subject[1:]) - 1)
        numbers[at : at + 3] = Rotation.from_matrix(camera.rotation).as_euler("XYZ")
        numbers[at + 3 : at + 6] = camera.position
        pair = camera.tangential if swapped else camera.tangential[::-1]
        numbers[264 + 9 * number :][:9] = np.concatenate((camera.focal, camera.center, camera.radial, pair))
    path.write_text(f"<a>\n <w0>[{' '.join(map(repr, numbers.tolist()))}]</w0>\n</a>")


def write_cameras_h5(path: Path, *, turned: bool = False) -> None:
    """Martinez et al.'s cameras.h5; MATLAB wrote its matrices the other way round."""
    import h5py

    with h5py.File(path, "w") as file:
        for (subject, name), camera in PUBLISHED.items():
            group = file.create_group(f"subject{subject[1:]}/camera{CAMERAS.index(name) + 1}")
            group["R"] = camera.rotation if turned and (subject, name) == ("S6", CAMERAS[2]) else camera.rotation.T
            group["T"] = camera.position[:, None]
            group["f"], group["c"] = camera.focal[:, None], camera.center[:, None]
            group["k"], group["p"] = camera.radial[:, None], camera.tangential[::-1, None]


def test_the_published_cameras_are_known_again(tmp_path: Path) -> None:
    write_metadata(tmp_path / "metadata.xml")
    write_cameras_h5(tmp_path / "cameras.h5")
    for file in ("metadata.xml", "cameras.h5"):
        notes, problems = check_calibration(tmp_path / file)
        assert problems == []
        assert notes == [f"{file}: its 28 cameras are the published ones, within 0.01 px"]


def test_cameras_that_differ_are_named(tmp_path: Path) -> None:
    write_metadata(tmp_path / "metadata.xml", swapped=True)
    _, problems = check_calibration(tmp_path / "metadata.xml")
    assert len(problems) == 28  # the tangential pair the other way round
    write_cameras_h5(tmp_path / "cameras.h5", turned=True)
    _, problems = check_calibration(tmp_path / "cameras.h5")
    assert len(problems) == 1
    assert f"{tmp_path / 'cameras.h5'}: wanted S6's camera 58860488 as published" in problems[0]


@pytest.mark.parametrize("content", ["", "<w0>[1 2 3]</w0>", "<w0>[1 2 x]</w0>"])
def test_a_calibration_that_does_not_read_says_what_was_wanted(content: str, tmp_path: Path) -> None:
    (tmp_path / "metadata.xml").write_text(f"<a>{content}</a>")
    with pytest.raises(WrongSource, match=r"metadata\.xml: wanted (300 )?numbers in"):
        check_calibration(tmp_path / "metadata.xml")


# ---- takes and joints ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "file", "take"),
    [
        ("S1", "Directions 1", "S1_Directions_1"),
        ("S1", "Directions", "S1_Directions_2"),
        ("S1", "TakingPhoto 1", "S1_Photo_1"),
        ("S1", "Photo", "S1_Photo_2"),
        ("S1", "WalkingDog", "S1_WalkDog_2"),
        ("S5", "Discussion 2", "S5_Discussion_1"),
        ("S5", "Discussion 3", "S5_Discussion_2"),
        ("S5", "Photo", "S5_Photo_1"),
        ("S5", "Photo 2", "S5_Photo_2"),
        ("S6", "Sitting 2", "S6_Sitting_2"),
        ("S6", "SittingDown 1", "S6_SittingDown_1"),
        ("S7", "Walking 2", "S7_Walking_2"),
        ("S8", "WalkTogether_1", "S8_WalkTogether_1"),
        ("S9", "Waiting 1", "S9_Waiting_1"),
        ("S9", "SittingDown 1", "S9_SittingDown_2"),
        ("S11", "Phoning 2", "S11_Phoning_2"),
        ("S11", "Directions", "S11_Directions_2"),
    ],
)
def test_file_names_are_the_takes_that_human36m_numbers(subject: str, file: str, take: str) -> None:
    takes, strange = find_takes(subject, [file])
    assert strange == []
    assert [str(one) for one in takes] == [take]


def test_every_take_is_found_under_its_own_file_name() -> None:
    assert len(ALL_TAKES) == 7 * 15 * 2
    for subject in {take.subject for take in ALL_TAKES}:
        own = [take for take in ALL_TAKES if take.subject == subject]
        takes, strange = find_takes(subject, [take.file for take in own])
        assert strange == []
        assert takes == {take: take.file for take in own}
    assert {take.file for take in DRIFTING} == {"Greeting", "SittingDown 1", "Waiting 1"}
    assert UNFILMED.file == "Directions"
    assert len(ACTIONS) == 15


def test_names_that_are_no_takes_are_left_out_or_said() -> None:
    takes, strange = find_takes("S1", ["_ALL 1", "Walking", "Walking 7", "Sitting 8", "Sitting 9", "Jogging 1"])
    assert takes == {Take("S1", "Walking", 2): "Walking", Take("S1", "Walking", 1): "Walking 7"}
    assert strange == [
        "S1: 'Jogging 1' is left out: none of the 15 actions",
        "S1: '_ALL 1' is left out: none of the 15 actions",
        "S1: 'Sitting 8' is left out: wanted the files 'Sitting 1' and 'Sitting 2'",
        "S1: 'Sitting 9' is left out: wanted the files 'Sitting 1' and 'Sitting 2'",
        "S1: 'Walking 7' is taken for S1_Walking_1: wanted the files 'Walking 1' and 'Walking'",
    ]
    both, strange = find_takes("S1", ["TakingPhoto", "Photo", "Photo 1"])
    assert set(both) == {Take("S1", "Photo", 1), Take("S1", "Photo", 2)}
    assert strange == ["S1: 'TakingPhoto' is left out: wanted the files 'Photo 1' and 'Photo'"]


def test_the_17_joints_among_the_32() -> None:
    names = {
        0: "pelvis", 1: "r_hip", 2: "r_knee", 3: "r_ankle", 6: "l_hip", 7: "l_knee", 8: "l_ankle", 12: "spine",
        13: "thorax", 14: "neck_nose", 15: "head_top", 17: "l_shoulder", 18: "l_elbow", 19: "l_wrist",
        25: "r_shoulder", 26: "r_elbow", 27: "r_wrist",
    }  # fmt: skip
    assert dict(zip(MOVING, H36M_17.joints, strict=True)) == names
    assert H36M_17.parents[H36M_17.index("l_shoulder")] == H36M_17.index("thorax")
    assert H36M_17.parents[H36M_17.index("r_shoulder")] == H36M_17.index("thorax")
