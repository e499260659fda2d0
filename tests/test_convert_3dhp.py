"""``benchsuite convert mpi-inf-3dhp``: the official test set's layout, made up here in both of MATLAB's formats."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchsuite_registry.skeletons import MPI_INF_3DHP_17
from numpy.typing import NDArray

from benchsuite.cli import main
from benchsuite.convert.mpi_inf_3dhp import CAMERAS, VALID_FRAMES, convert
from benchsuite.convert.pinhole import Pinhole, fitted_pinhole
from benchsuite.datasets.dataset import Dataset, open_dataset

FRAMES = 12
VALID = (1, 2, 3, 5, 6, 8, 10, 11)
ACTIVITY = (7, 1, 1, 3, 3, 3, 3, 1, 1, 7, 6, 6)
RUNS = {"Standing/Walking": (1, 2), "Sitting": (3, 5, 6), "Standing/Walking again": (8,), "Sports": (10, 11)}
"""The valid frames by activity, counted off by hand from the two lines above."""

BODY = {
    "head_top": (0, -650, 0),
    "neck": (0, -480, 0),
    "r_shoulder": (-170, -450, 0),
    "r_elbow": (-200, -170, 20),
    "r_wrist": (-220, 70, -40),
    "l_shoulder": (170, -450, 0),
    "l_elbow": (200, -170, 20),
    "l_wrist": (220, 70, -40),
    "r_hip": (-110, 20, 0),
    "r_knee": (-115, 440, -30),
    "r_ankle": (-120, 850, 30),
    "l_hip": (110, 20, 0),
    "l_knee": (115, 440, -30),
    "l_ankle": (120, 850, 30),
    "pelvis": (0, 0, 0),
    "spine": (0, -230, 0),
    "head": (0, -560, 0),
}
"""mm, y down."""
UNIVERSAL = 1.1


def poses(name: str) -> NDArray[np.float64]:
    """(T, 17, 3) mm of true height, 3 to 5 m before the camera."""
    rng = np.random.default_rng(int(name[2]))
    body = np.array([BODY[joint] for joint in MPI_INF_3DHP_17.joints], dtype=np.float64)
    return body + rng.uniform((-900, -300, 3000), (900, 300, 5000), (FRAMES, 1, 3)) + rng.normal(0, 40, (FRAMES, 17, 3))


def camera_of(name: str) -> Pinhole:
    """As the calibration files of the official test code say: 2048 px on 10 mm, 1920 px on 10 mm."""
    if name in ("TS5", "TS6"):
        focal = np.array((8.770747185 * 192, 8.770747185 * 192 * 0.993236423))
        return Pinhole(focal, np.array((939.8575, 556.3522)))
    return Pinhole(np.array((7.32506 * 204.8, 7.32506 * 204.8 * 1.00044)), np.array((1017.3873, 1043.4909)))


def variables(name: str, *, camera: Pinhole | None = None, noise_px: float = 0.0) -> dict[str, NDArray[Any]]:
    """What ``annot_data.mat`` holds, the frames first."""
    xyz = poses(name)
    valid = np.zeros(FRAMES)
    valid[list(VALID)] = 1
    uv = (camera or camera_of(name)).project(xyz) + np.random.default_rng(9).normal(
        0, noise_px or 1e-9, (FRAMES, 17, 2)
    )
    return {
        "annot2": uv[:, None],
        "annot3": xyz[:, None],
        "univ_annot3": UNIVERSAL * xyz[:, None],
        "valid_frame": valid[:, None],
        "activity_annotation": np.array(ACTIVITY, dtype=np.float64)[:, None],
        "bb_crop": np.zeros((FRAMES, 34)),
    }


def write_v73(file: Path, content: dict[str, NDArray[Any]]) -> None:
    """HDF5 behind MATLAB's 512 bytes; its axes come the other way round, so the frames are first."""
    import h5py

    file.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(file, "w", userblock_size=512) as opened:
        for key, value in content.items():
            opened[key] = value
    with file.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def write_v5(file: Path, content: dict[str, NDArray[Any]]) -> None:
    """MATLAB's own axes: 2 x 17 x 1 x n."""
    from scipy.io import savemat

    file.parent.mkdir(parents=True, exist_ok=True)
    savemat(file, {key: value.T for key, value in content.items()}, do_compression=True)


WRITERS = {"v7.3": write_v73, "v5": write_v5}


def write_all(folder: Path, write: Any = write_v73, names: Any = VALID_FRAMES) -> Path:
    for name in names:
        write(folder / "test_set" / name / "annot_data.mat", variables(name))
    return folder


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset]:
    folder = tmp_path_factory.mktemp("3dhp")
    for version, write in WRITERS.items():
        assert convert(write_all(folder / f"in {version}", write), folder / version, 0).problems == []
    return {version: open_dataset(folder / version) for version in WRITERS}


def test_both_versions_of_matlab_give_the_same_columns(converted: dict[str, Dataset]) -> None:
    one, other = converted.values()
    assert one.fingerprint == other.fingerprint
    assert one.clips == other.clips
    for name, column in one.columns.items():
        assert np.array_equal(column, other.columns[name]), name


def test_only_valid_frames_are_there_a_clip_for_each_run_of_an_activity(converted: dict[str, Dataset]) -> None:
    dataset = converted["v7.3"]
    clip, frame = dataset.columns["clip"], dataset.columns["frame"]
    runs = [tuple(frame[clip == number].tolist()) for number in range(len(dataset.clips))]
    assert runs == list(RUNS.values()) * 6
    assert [c.action for c in dataset.clips] == ["Standing/Walking", "Sitting", "Standing/Walking", "Sports"] * 6
    assert [c.name for c in dataset.clips[:5]] == ["TS1.01", "TS1.02", "TS1.03", "TS1.04", "TS2.01"]
    assert [(c.subject, c.take, c.camera) for c in dataset.clips[::4]] == [
        ("TS1", "TS1", "green-screen"),
        ("TS2", "TS2", "green-screen"),
        ("TS3", "TS3", "studio"),
        ("TS4", "TS4", "studio"),
        ("TS5", "TS5", "outdoor"),
        ("TS6", "TS6", "outdoor"),
    ]


def test_columns_are_what_the_files_say(converted: dict[str, Dataset]) -> None:
    dataset = converted["v5"]
    about = dataset.about
    assert (about.split, about.skeleton, about.keypoints) == ("test", "MPI_INF_3DHP_17", "annotated")
    xyz = np.concatenate([poses(name)[list(VALID)] for name in VALID_FRAMES])
    uv = np.concatenate([camera_of(name).project(poses(name))[list(VALID)] for name in VALID_FRAMES])
    assert np.abs(dataset.columns["xyz"] - UNIVERSAL * xyz).max() < 1e-3
    assert np.abs(dataset.columns["uv"] - uv).max() < 1e-3
    assert dataset.columns["visible"].all()
    subject = np.array([int(c.subject[2]) for c in dataset.clips])[dataset.columns["clip"]]
    assert np.array_equal(dataset.columns["size"], np.where(subject[:, None] < 5, (2048, 2048), (1920, 1080)))


def test_poses_of_true_height_are_a_choice(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_all(tmp_path / "in", names=["TS2"])
    argv = ["convert", "mpi-inf-3dhp", str(source), "-o", str(tmp_path / "out"), "--annotation", "annot3"]
    assert main(argv) == 0
    assert "8 samples in 4 clips of 1 sequences" in capsys.readouterr().out
    dataset = open_dataset(tmp_path / "out")
    assert np.abs(dataset.columns["xyz"] - poses("TS2")[list(VALID)]).max() < 1e-3
    assert dataset.about.made_by == "benchsuite convert mpi-inf-3dhp in -o out --annotation annot3"
    assert dataset.about.source == "MPI-INF-3DHP's test set, annot3"


def test_counts_that_are_not_the_published_ones_are_said(tmp_path: Path) -> None:
    outcome = convert(write_all(tmp_path / "in", names=["TS1", "TS5"]), tmp_path / "out", 0)
    assert outcome.notes[1].startswith("TS1: 8 valid frames of 12 (wanted 603); ")
    assert outcome.notes[2].startswith("TS5: 8 valid frames of 12 (wanted 276); ")
    assert "not in the source: TS2, TS3, TS4, TS6; results are not those of the whole test set" in outcome.notes
    assert sum(VALID_FRAMES.values()) == 2929


# ---- cameras -------------------------------------------------------------------------------------


def test_nominal_cameras_are_those_of_the_calibration() -> None:
    for name, (size, camera) in CAMERAS.items():
        wanted = camera_of(name)
        assert camera.focal == pytest.approx(wanted.focal, abs=1e-3)
        assert camera.center == pytest.approx(wanted.center, abs=1e-3)
        assert size == ((1920, 1080) if name in ("TS5", "TS6") else (2048, 2048))
    assert CAMERAS["TS1"][1].focal == pytest.approx((1500.17, 1500.83), abs=0.01)
    assert CAMERAS["TS6"][1].focal == pytest.approx((1683.98, 1672.59), abs=0.01)


def test_least_squares_finds_the_camera_that_made_the_pixels() -> None:
    camera = Pinhole(np.array((1512.0, 1489.5)), np.array((1003.0, 1051.0)))
    fit = fitted_pinhole(poses("TS1"), camera.project(poses("TS1")))
    assert fit.focal == pytest.approx(camera.focal, abs=1e-6)
    assert fit.center == pytest.approx(camera.center, abs=1e-6)
    assert fit.error_px(poses("TS1"), camera.project(poses("TS1")) + np.array((3.0, 4.0))) == pytest.approx(
        5.0, abs=1e-6
    )


def camera_in(folder: Path, camera: Pinhole | None, noise_px: float = 0.0) -> tuple[NDArray[Any], str, Dataset]:
    """Focal and centre that a sequence with that camera is given, what is said of it, and the dataset."""
    write_v73(folder / "in" / "TS1" / "annot_data.mat", variables("TS1", camera=camera, noise_px=noise_px))
    outcome = convert(folder / "in", folder / "out", 0)
    dataset = open_dataset(folder / "out")
    first = np.concatenate((dataset.columns["focal"][0], dataset.columns["center"][0]))
    return first, outcome.notes[1], dataset


NOMINAL = (1500.172, 1500.832, 1017.387, 1043.491)


def test_a_nominal_camera_that_explains_the_2d_is_taken(tmp_path: Path) -> None:
    found, told, dataset = camera_in(tmp_path, None, noise_px=0.5)
    assert found == pytest.approx(NOMINAL, abs=1e-3)
    assert "annot3 projects to annot2 within 0.6" in told or "annot3 projects to annot2 within 0.7" in told
    assert "nominal taken" in told
    assert dataset.about.intrinsics == "known"


def test_a_fitted_camera_that_explains_it_much_better_is_taken(tmp_path: Path) -> None:
    true = Pinhole(np.array((1520.0, 1518.0)), np.array((1030.0, 1020.0)))
    found, told, dataset = camera_in(tmp_path, true, noise_px=0.1)
    assert found == pytest.approx((1520.0, 1518.0, 1030.0, 1020.0), abs=1.0)
    assert "fitted taken" in told
    assert "by the nominal camera (f 1500.2, 1500.8; c 1017.4, 1043.5 px)" in told
    assert dataset.about.intrinsics == "nominal; of TS1 fitted to annot2 and annot3"


def test_noise_is_no_reason_to_leave_the_nominal_camera(tmp_path: Path) -> None:
    found, told, _ = camera_in(tmp_path, None, noise_px=10.0)
    assert found == pytest.approx(NOMINAL, abs=1e-3)
    assert "nominal taken" in told


def test_a_fit_far_from_the_nominal_camera_is_not_trusted(tmp_path: Path) -> None:
    found, told, _ = camera_in(tmp_path, Pinhole(np.array((1100.0, 1100.0)), np.array((1024.0, 1024.0))))
    assert found == pytest.approx(NOMINAL, abs=1e-3)
    assert told.count("nominal taken, since so far from the nominal one the fit is not to be trusted") == 1


# ---- bad input -----------------------------------------------------------------------------------


def without(key: str) -> Any:
    return lambda content: content.pop(key)


def reshaped(key: str, change: Any) -> Any:
    return lambda content: content.update({key: change(content[key])})


@pytest.mark.parametrize("version", WRITERS)
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without("univ_annot3"), "wanted the variables univ_annot3, found activity_annotation, annot2, annot3, valid"),
        (without("valid_frame"), "wanted the variables valid_frame, found"),
        (
            reshaped("annot2", lambda a: a[:, :, :16]),
            r": annot2: wanted numbers (12, 1, 17, 2), found float64 (12, 1, 16, 2)",
        ),
        (reshaped("univ_annot3", lambda a: a[:-2]), ": univ_annot3: wanted numbers (12, 1, 17, 3), found float64 (10,"),
        (reshaped("univ_annot3", lambda a: a / 1000), ": univ_annot3: column 'xyz' is not in mm"),
        (
            reshaped("activity_annotation", lambda a: a[:5]),
            ": activity_annotation: wanted 12 frames as valid_frame has",
        ),
    ],
)
def test_files_without_what_is_needed_are_named_and_the_others_go_on(
    spoil: Any, message: str, version: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_all(tmp_path / "in", WRITERS[version], ["TS2"])
    content = variables("TS1")
    spoil(content)
    file = source / "test_set" / "TS1" / "annot_data.mat"
    WRITERS[version](file, content)
    assert main(["convert", "mpi-inf-3dhp", str(source), "-o", str(tmp_path / "out")]) == 1
    (failed,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("failed: ")]
    assert str(file) in failed
    assert message in failed
    assert {c.subject for c in open_dataset(tmp_path / "out").clips} == {"TS2"}


@pytest.mark.parametrize("version", WRITERS)
def test_cut_off_files_are_named(version: str, tmp_path: Path) -> None:
    source = write_all(tmp_path / "in", WRITERS[version], ["TS3"])
    (file,) = source.rglob("annot_data.mat")
    file.write_bytes(file.read_bytes()[:-2000])
    outcome = convert(source, tmp_path / "out", 0)
    assert len(outcome.problems) == 1
    assert outcome.problems[0].startswith(f"{file}: wanted ")
    assert outcome.notes == [
        "not in the source: TS1, TS2, TS4, TS5, TS6; results are not those of the whole test set",
        "nothing written: no sequence has a valid frame",
    ]
    assert not (tmp_path / "out").exists()


def test_frames_without_an_activity_are_counted(tmp_path: Path) -> None:
    content = variables("TS4")
    content["activity_annotation"][[1, 10, 11]] = ((0,), (9,), (9,))
    write_v73(tmp_path / "in" / "TS4" / "annot_data.mat", content)
    outcome = convert(tmp_path / "in", tmp_path / "out", 0)
    assert outcome.notes[1].startswith("TS4: 8 valid frames of 12 (wanted 553); 3 of them without an activity; ")
    actions = [c.action for c in open_dataset(tmp_path / "out").clips]
    assert actions == ["Unlabelled", "Standing/Walking", "Sitting", "Standing/Walking", "Unlabelled"]


def test_a_source_without_sequences_is_a_clear_refusal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "mpi-inf-3dhp", str(tmp_path), "-o", str(tmp_path / "out")]) == 2
    assert f"{tmp_path}: wanted TS1/annot_data.mat to TS6/annot_data.mat here or below" in capsys.readouterr().err


def test_a_missing_library_is_named_with_its_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = write_all(tmp_path / "in", names=["TS1"])
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert main(["convert", "mpi-inf-3dhp", str(source), "-o", str(tmp_path / "out")]) == 2
    assert "MATLAB v7.3 files need h5py: pip install benchsuite[data]" in capsys.readouterr().err
