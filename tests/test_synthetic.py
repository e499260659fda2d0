"""The dataset ``synthetic``: its mathematics on poses made by hand, its people against the prior and the real ones."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from benchsuite_registry.skeletons import H36M_17
from people import person

from benchsuite.cli import main
from benchsuite.datasets.columns import WrongDataset
from benchsuite.datasets.dataset import in_memory
from benchsuite.synthetic import motion, rotations
from benchsuite.synthetic.fitting import fit_prior
from benchsuite.synthetic.prior import SHIPPED, WrongPrior, load_prior
from benchsuite.synthetic.source import CLIP_FPS, MOST_FRAMES, SyntheticMotion, synthetic_dataset

CLIPS = 42


@pytest.fixture(scope="module")
def source() -> SyntheticMotion:
    return SyntheticMotion()


@pytest.fixture(scope="module")
def clips(source: SyntheticMotion) -> tuple[np.ndarray, list[str]]:
    return source.clips(np.random.default_rng(7), CLIPS)


def bent_person() -> np.ndarray:
    """The standing person with the right forearm held forward and the left shin backward, both square."""
    pose = person()
    at = H36M_17.index
    pose[at("r_elbow")] = pose[at("r_shoulder")] + [0, 0, -280]
    pose[at("r_wrist")] = pose[at("r_elbow")] + [0, 250, 0]
    pose[at("l_knee")] = pose[at("l_hip")] + [0, 0, -430]
    pose[at("l_ankle")] = pose[at("l_knee")] + [0, -420, 0]
    return pose


def stroll() -> np.ndarray:
    """(30, 17, 3): the person walks in a curve at 20 Hz while a forearm and a shin swing; bone lengths constant."""
    time = np.arange(30) / 20
    poses = np.repeat(bent_person()[None], 30, axis=0)
    at = H36M_17.index
    swing = 0.8 * np.sin(4 * time)
    poses[:, at("r_wrist")] = poses[:, at("r_elbow")] + 250 * np.stack((0 * time, np.cos(swing), np.sin(swing)), axis=1)
    poses[:, at("l_ankle")] = poses[:, at("l_knee")] - 420 * np.stack((0 * time, np.cos(swing), np.sin(swing)), axis=1)
    turn = 1.0 + 0.9 * time
    cos, sin, zero = np.cos(turn), np.sin(turn), 0 * turn
    turns = np.stack((cos, -sin, zero, sin, cos, zero, zero, zero, 1 + zero), axis=1).reshape(-1, 3, 3)
    return poses @ turns.transpose(0, 2, 1) + np.stack((700 * time, -300 * time**2, 0 * time), axis=1)[:, None]


def rebuilt(pose: np.ndarray) -> np.ndarray:
    orientation, angles = rotations.pose_angles(pose)
    directions = rotations.pose_directions(angles) @ np.swapaxes(orientation, -1, -2)
    return rotations.joint_places(directions, rotations.bone_lengths(pose)) + pose[..., :1, :]


def test_angles_and_lengths_give_the_pose_back() -> None:
    np.testing.assert_allclose(rebuilt(bent_person()), bent_person(), atol=1e-9)
    np.testing.assert_allclose(rebuilt(stroll()), stroll(), atol=1e-9)


def test_real_poses_survive_the_round_trip(shared_data: Path) -> None:
    from benchsuite.convert.cmu import find_takes, read_take

    takes = find_takes(shared_data / "mocap")
    for name in ("01_08", "indian_04", "martial_05", "07_01"):
        (take,) = (t for t in takes if t.name == name)
        world = read_take(take).world[::20].astype(np.float64)
        np.testing.assert_allclose(rebuilt(world), world, atol=1e-6)


def test_square_elbow_and_knee_bend_by_a_right_angle() -> None:
    both = rotations.bends(bent_person())
    right_angles = [name for name, angle in zip(rotations.BENDS, both, strict=True) if abs(angle - np.pi / 2) < 1e-9]
    assert right_angles == ["knee", "elbow"]
    assert both[0] == pytest.approx(np.arctan2(20, 430) + np.arctan2(20, 420))  # the right knee stands 20 mm before


def test_mirrored_angles_are_the_mirrored_pose() -> None:
    pose = bent_person()
    reflected = pose[list(H36M_17.mirror)] * (-1.0, 1.0, 1.0)
    _, wanted = rotations.pose_angles(reflected)
    _, angles = rotations.pose_angles(pose)
    np.testing.assert_allclose(rotations.mirrored(angles), wanted, atol=1e-12)


def test_a_quarter_turn_by_rotation_vector() -> None:
    quarter = rotations.rotations_of(np.array([0.0, 0.0, np.pi / 2]))
    np.testing.assert_allclose(quarter, [[0, -1, 0], [1, 0, 0], [0, 0, 1]], atol=1e-15)
    np.testing.assert_allclose(rotations.vectors_of(quarter), [0, 0, np.pi / 2], atol=1e-15)
    assert rotations.heading_of(quarter) == pytest.approx(np.pi / 2)


def test_features_give_the_motion_back() -> None:
    world = stroll()
    told = motion.motion_of(world, 20)
    orientation, _ = rotations.pose_angles(world[0])
    again = motion.travelled(told.features, told.lengths, float(rotations.heading_of(orientation)), 20)
    np.testing.assert_allclose(again, world - world[0, 0] * (1, 1, 0), atol=1e-6)


def test_a_still_support_stays_and_a_fast_one_keeps_its_speed() -> None:
    features = np.zeros((2, motion.FEATURES))
    features[:, motion.AHEAD] = 0.03, 3.0
    slow, fast = motion.steadied(features)[:, motion.AHEAD]
    assert slow == pytest.approx(0.03 * 0.0009 / 0.0909)  # v^2 / (v^2 + 0.3^2)
    assert fast == pytest.approx(3.0, rel=0.02)


def test_bones_keep_their_length_and_both_sides_are_alike(clips: tuple[np.ndarray, list[str]]) -> None:
    lengths = rotations.bone_lengths(clips[0].astype(np.float64))
    assert np.ptp(lengths, axis=1).max() < 2e-3  # float32 positions of metres
    np.testing.assert_allclose(lengths, lengths[..., rotations.TWIN], atol=2e-3)
    stature = lengths.mean((1, 2))
    assert stature.std() / stature.mean() > 0.02  # not one body for all


def test_everyone_stands_on_the_floor(source: SyntheticMotion, clips: tuple[np.ndarray, list[str]]) -> None:
    world, actions = clips
    lowest = world[..., 2].min(axis=(1, 2))
    assert lowest.min() > 30.0  # ankles, not soles
    grounded = np.array([action != "climb" for action in actions])
    assert lowest[grounded].max() < 130.0
    poses = source.poses(np.random.default_rng(3), 5000)
    assert poses[..., 2].min() > 30.0
    assert np.median(poses[..., 2].min(axis=1)) < 130.0


def test_joints_bend_as_the_training_data_do(source: SyntheticMotion, clips: tuple[np.ndarray, list[str]]) -> None:
    world, actions = clips
    bent = rotations.bends(world.astype(np.float64))
    rows = [source.actions.index(action) for action in actions]
    slack = 2e-3  # rad; positions are kept as float32
    assert (bent >= source.prior.bend_low - slack).all()
    assert (bent <= source.prior.bend_high[rows][:, None] + slack).all()
    single = rotations.bends(source.poses(np.random.default_rng(4), 5000).astype(np.float64))
    assert (single <= source.prior.bend_high.max(0) + slack).all()
    assert single[:, 0].max() > 1.5  # and some do kneel or kick


def test_the_same_seed_gives_the_same_and_another_does_not(source: SyntheticMotion) -> None:
    first, again, other = (source.poses(np.random.default_rng(seed), 500) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 100
    one, same, another = (synthetic_dataset(clips=7, seed=seed) for seed in (1, 1, 2))
    assert one.fingerprint == same.fingerprint != another.fingerprint
    for name, column in one.columns.items():
        np.testing.assert_array_equal(column, same.columns[name])
    assert np.abs(one.columns["xyz"] - another.columns["xyz"]).max() > 100
    assert np.abs(one.columns["xyz"] - synthetic_dataset(clips=7, seed=1, split="train").columns["xyz"]).max() > 100


def test_a_clip_does_not_depend_on_how_many_there_are(source: SyntheticMotion) -> None:
    few, many = synthetic_dataset(clips=5), synthetic_dataset(clips=30)
    for name in ("uv", "xyz", "focal", "center"):
        np.testing.assert_array_equal(few.columns[name], many.columns[name][: len(few)])
    assert few.clips == many.clips[:5]
    assert few.fingerprint != many.fingerprint
    three, _ = source.clips(np.random.default_rng(5), 3)
    nine, _ = source.clips(np.random.default_rng(5), 9)
    np.testing.assert_array_equal(three, nine[:3])
    short, _ = source.clips(np.random.default_rng(5), 3, frames=6)
    np.testing.assert_array_equal(short, three[:, :6])


def test_the_dataset_is_what_it_says() -> None:
    dataset = synthetic_dataset()
    assert dataset.about.fps == CLIP_FPS == 10
    assert (len(dataset.clips), len(dataset)) == (252, 252 * MOST_FRAMES)
    assert set(dataset.actions) == {"climb", "indian-dance", "jump", "martial", "salsa", "uneven-terrain", "walk"}
    counts = [sum(clip.action == action for clip in dataset.clips) for action in dataset.actions]
    assert counts == [36] * 7
    assert dataset.columns["visible"].all()
    assert dataset.columns["xyz"][..., 2].min() > 1000  # in front of the camera
    x, y, z = dataset.columns["xyz"][100, 5]
    (fx, fy), (cx, cy) = dataset.columns["focal"][100], dataset.columns["center"][100]
    np.testing.assert_allclose(dataset.columns["uv"][100, 5], [fx * x / z + cx, fy * y / z + cy], atol=1e-2)


def test_camera_and_world_agree() -> None:
    dataset = synthetic_dataset(clips=7)
    world = SyntheticMotion().clip(np.random.default_rng((0, 0, 3)), 3)
    clip = dataset.clips[3]
    seen = (world - clip.position) @ np.reshape(clip.rotation, (3, 3)).T
    np.testing.assert_allclose(dataset.columns["xyz"][dataset.columns["clip"] == 3], seen, atol=2e-3)


def test_metres_are_refused() -> None:
    dataset = synthetic_dataset(clips=7)
    columns = {**dataset.columns, "xyz": dataset.columns["xyz"] / np.float32(1000)}
    with pytest.raises(WrongDataset, match="metres"):
        in_memory(dataset.about, columns, dataset.clips, "")


def test_wrong_requests_are_refused(source: SyntheticMotion) -> None:
    with pytest.raises(ValueError, match="1 to 24 frames, found 25"):
        source.clip(np.random.default_rng(0), 0, 25)
    with pytest.raises(ValueError, match="no split 'tset'"):
        synthetic_dataset(split="tset")
    with pytest.raises(ValueError, match="at least one clip"):
        synthetic_dataset(clips=0)
    assert source.poses(np.random.default_rng(0), 0).shape == (0, 17, 3)


def windows(world: np.ndarray) -> np.ndarray:
    """Clips (N, T, 17, 3) about the pelvis, hips of the first frame along x, in units of the bones' sum, flat."""
    hips = world[:, 0, 4, :2] - world[:, 0, 1, :2]
    turn = rotations.headed(-np.arctan2(hips[:, 1], hips[:, 0]))
    about = (world - world[:, :, :1]) @ turn[:, None].swapaxes(-1, -2)
    return (about / rotations.bone_lengths(about[:, :1]).sum(-1)[..., None, None]).reshape(len(world), -1)


def test_no_clip_equals_a_training_clip(shared_data: Path, clips: tuple[np.ndarray, list[str]]) -> None:
    from benchsuite.convert.cmu import find_takes, read_take

    takes = [take for take in find_takes(shared_data / "mocap") if take.split == "train"]
    known = []
    for file in takes[::5]:
        take = read_take(file)
        world = take.world[:: round(take.fps / CLIP_FPS)].astype(np.float64)
        starts = np.arange(0, len(world) - MOST_FRAMES + 1, 2)
        known.append(windows(world[starts[:, None] + np.arange(MOST_FRAMES)]))
    real = np.concatenate(known)
    real = np.concatenate((real, real.reshape(len(real), -1, 17, 3)[:, :, list(H36M_17.mirror)].reshape(len(real), -1)))

    def nearest_mm(queries: np.ndarray) -> np.ndarray:
        squares = (queries**2).sum(1)[:, None] + (real**2).sum(1) - 2 * queries @ real.T
        return 4200 * np.sqrt(np.maximum(squares, 0).min(axis=1) / (17 * MOST_FRAMES))

    assert nearest_mm(real[::500]).max() < 0.1  # a copy would be found
    assert nearest_mm(windows(clips[0].astype(np.float64))).min() > 25.0  # root mean square over joints and frames


def test_a_prior_fits_saves_and_loads(tmp_path: Path) -> None:
    world = np.concatenate([stroll()] * 4)
    take = SimpleNamespace(action="stroll", fps=20.0, world=world)
    prior = fit_prior([take], seed=1)
    prior.save(tmp_path / "prior.npz")
    loaded = load_prior(tmp_path / "prior.npz")
    assert loaded.fingerprint == prior.fingerprint == fit_prior([take], seed=1).fingerprint
    assert loaded.actions.tolist() == ["stroll"]
    drawn = SyntheticMotion(loaded).clip(np.random.default_rng(0), 0)
    elbow = rotations.bends(drawn.astype(np.float64))[:, 2]
    np.testing.assert_allclose(elbow, np.pi / 2, atol=0.9)  # the forearm swings by 0.8 rad about square


def test_broken_priors_are_named(tmp_path: Path) -> None:
    with pytest.raises(WrongPrior, match=r"gone\.npz"):
        load_prior(tmp_path / "gone.npz")
    (tmp_path / "text.npz").write_text("not a prior")
    with pytest.raises(WrongPrior, match="wanted a motion prior"):
        load_prior(tmp_path / "text.npz")
    np.savez(tmp_path / "half.npz", share=np.ones(1))
    with pytest.raises(WrongPrior, match="found no actions"):
        load_prior(tmp_path / "half.npz")
    with pytest.raises(ValueError, match=r"at least 2\.4 s, found none"):
        fit_prior([SimpleNamespace(action="stroll", fps=20.0, world=stroll())])
    assert SHIPPED.stat().st_size < 1_000_000


def test_show_draws_a_sheet(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from benchsuite.pictures.drawing import contact_sheet

    figure = contact_sheet(synthetic_dataset(clips=7, frames=12), columns=3, rows=1, strip=4)
    assert len(figure.axes) == 3 * 4 + 1
    titles = [axes.get_title() for axes in figure.axes]
    assert titles[0::4][:3] == ["climb", "indian-dance", "jump"]
    figure.savefig(tmp_path / "sheet.png", dpi=30)
    assert (tmp_path / "sheet.png").read_bytes()[:4] == b"\x89PNG"
    assert main(["show", "nothing-here", "-o", str(tmp_path / "no.png")]) == 2
    assert not (tmp_path / "no.png").exists()
