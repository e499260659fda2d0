"""Pictures of people: solids against dense sampling, truth against hand cases, runs that are killed."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchsuite_registry.skeletons import H36M_17, LSP_14
from people import person

pytest.importorskip("numba")

from benchsuite.cli import main
from benchsuite.datasets.column_writer import UnfinishedElsewhere
from benchsuite.datasets.columns import About, Clip, WrongDataset
from benchsuite.datasets.dataset import Dataset, open_dataset, write_dataset
from benchsuite.filming import look_at, place_cameras
from benchsuite.rendering import Kind, render
from benchsuite.rendering.bodies import ANKLE_MM, axes_of, draw_body, mirrored, posed
from benchsuite.rendering.caster import NOTHING, SAMPLES, cast, probe
from benchsuite.rendering.compiling import NoNumba, compiled
from benchsuite.rendering.dressing import dress
from benchsuite.rendering.figures import OUTSIDE
from benchsuite.rendering.motion import Motion, near, turned
from benchsuite.rendering.picture import seen, take_picture
from benchsuite.rendering.render import LAB_SUBJECTS, Order, Renderer, render_dataset
from benchsuite.rendering.scenes import lab_scene
from benchsuite.rendering.shots import Shot, wild_shot
from benchsuite.rendering.solids import BOX, ROUND, Solids, bounds, joined, lowest
from benchsuite.rendering.surfaces import Shades, lit
from benchsuite.rendering.textures import COLOUR, THIRD

JOINT = {name: k for k, name in enumerate(H36M_17.joints)}
SIDE = 48


def solid(turn: np.ndarray, at: np.ndarray, sizes: tuple[float, float, float], kind: int = ROUND) -> Solids:
    """One solid whose own frame has its origin at ``at``."""
    one = np.zeros(1, np.int64)
    none = one - 1
    shape = np.array([sizes], dtype=np.float64)
    return Solids(turn[None], -(turn @ at)[None], shape, one + kind, one + OUTSIDE, one, one, none, none)


def ball(at: tuple[float, float, float], radius: float) -> Solids:
    return solid(np.eye(3), np.array(at), (0.0, radius, radius))


def box(at: tuple[float, float, float], half: tuple[float, float, float]) -> Solids:
    return solid(np.diag(1.0 / np.array(half)), np.array(at), (1.0, 1.0, 1.0), BOX)


def drawn(rng: np.random.Generator, kind: int) -> Solids:
    """Any solid about a metre wide and 4 m away, squeezed and turned at will."""
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0] / rng.uniform(0.5, 1.5, 3)[:, None]
    at = np.array([0.0, 0.0, 4000.0]) + rng.normal(0, 200, 3)
    if kind == BOX:
        return solid(turn / rng.uniform(100, 500), at, (1.0, 1.0, 1.0), BOX)
    length = float(rng.choice((0.0, rng.uniform(0, 900))))  # a ball, a ball within another, or a cone
    return solid(turn, at, (length, rng.uniform(20, 400), rng.uniform(20, 400)))


def inside(one: Solids, points: np.ndarray) -> np.ndarray:
    """Which points (..., 3) lie in a solid: in any of many balls along the axis, or in the cube."""
    own = points @ one.turn[0].T + one.move[0]
    if one.kind[0] == BOX:
        return np.asarray((np.abs(own) <= 1.0).all(-1))
    length, r1, r2 = one.sizes[0]
    share = np.linspace(0.0, 1.0, 200)
    gap = np.hypot(np.hypot(own[..., 0], own[..., 1])[..., None], own[..., 2, None] - share * length)
    return np.asarray((gap <= r1 + share * (r2 - r1)).any(-1))


@pytest.mark.parametrize("kind", [ROUND, BOX])
def test_rays_enter_solids_where_dense_sampling_says(kind: int) -> None:
    rng = np.random.default_rng(3)
    depths = np.arange(2400.0, 5600.0, 4.0)
    hits = 0
    for _ in range(30):
        one = drawn(rng, kind)
        rays = rng.normal(0.0, 0.08, (6, 2))
        found = probe(one, rays)[:, 0]
        along = np.concatenate((rays, np.ones((6, 1))), axis=1)[:, None] * depths[:, None]
        within = inside(one, along)
        for depth, there in zip(found, within, strict=True):
            if there.sum() > 2:  # not just grazed
                hits += 1
                assert depth == pytest.approx(depths[there.argmax()] - 2.0, abs=2.5)
        assert (within[~np.isfinite(found)].sum(1) <= 2).all()
    assert hits > 35


def test_a_ball_a_capsule_and_an_ellipsoid_by_hand() -> None:
    ray = np.zeros((1, 2))
    capsule = solid(np.eye(3), np.array([0.0, 0.0, 1000.0]), (500.0, 60.0, 20.0))
    flat = solid(np.diag([1.0, 1.0, 10.0]), np.array([0.0, 0.0, 1000.0]), (0.0, 100.0, 100.0))
    assert probe(ball((0, 0, 1000), 100), ray)[0, 0] == pytest.approx(900.0)
    assert probe(capsule, ray)[0, 0] == pytest.approx(940.0)
    assert probe(flat, ray)[0, 0] == pytest.approx(990.0)
    assert probe(box((0, 0, 1000), (5.0, 5.0, 30.0)), ray)[0, 0] == pytest.approx(970.0)
    # A cone lying across: the hull of balls of 60 and 20 mm is 40 mm thick half way, over the cosine of its slope.
    across = solid(np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0.0]]), np.array([-250.0, 0.0, 1000.0]), (500.0, 60.0, 20.0))
    assert probe(across, ray)[0, 0] == pytest.approx(1000.0 - 40.0 / np.sqrt(1 - 0.08**2))


@pytest.mark.parametrize("kind", [ROUND, BOX])
def test_bounds_are_tight(kind: int) -> None:
    rng = np.random.default_rng(5)
    focal, center = np.array([500.0, 450.0]), np.array([30.0, 20.0])
    for _ in range(20):
        one = drawn(rng, kind)
        back = np.linalg.inv(one.turn[0])
        out = rng.normal(size=(40000, 3))
        length, r1, r2 = one.sizes[0]
        if kind == BOX:
            own = out / np.abs(out).max(1, keepdims=True)
        else:
            out /= np.linalg.norm(out, axis=1, keepdims=True)
            own = np.concatenate((out * r1, out * r2 + (0.0, 0.0, length)))
        points = (own - one.move[0]) @ back.T
        pixels = points[:, :2] / points[:, 2:] * focal + center
        edges = np.concatenate((pixels.min(0), pixels.max(0)))
        wide = edges[2:] - edges[:2]
        assert bounds(one, focal, center)[0] == pytest.approx(edges, abs=0.02 * wide.max())
        assert (bounds(one, focal, center)[0][:2] <= edges[:2] + 1e-9).all()
    behind = bounds(ball((0, 0, 50), 100), focal, center)
    assert np.isinf(behind).all()


def test_the_nearer_surface_is_seen() -> None:
    solids = joined((ball((0, 0, 1000), 100), box((0, 300, 800), (400, 250, 10))))
    focal, center = np.array([40.0, 40.0]), np.array([8.0, 8.0])
    depth, nearest, mask = cast(solids, bounds(solids, focal, center), 16, focal, center, 1)
    assert depth.shape == (16 * SAMPLES, 16 * SAMPLES)
    assert nearest[15, 15] == 0
    assert depth[15, 15] == pytest.approx(900.0, abs=1.0)
    assert nearest[24, 16] == 1
    assert depth[24, 16] == pytest.approx(790.0)
    assert nearest[0, 0] == NOTHING
    assert np.isinf(depth[0, 0])
    assert nearest[22, 16] == 1
    assert mask[22, 16]  # the box hides the ball's lower edge, which is there all the same
    assert not mask[24, 16]


def test_lowest_point() -> None:
    assert lowest(ball((0, 0, 300), 100)) == pytest.approx(200.0)
    assert lowest(solid(np.diag([1, 1, 4.0]), np.array([0, 0, 300.0]), (0.0, 100.0, 100.0))) == pytest.approx(275.0)


def test_light_comes_past_a_ball_but_not_through_it() -> None:
    solids, up = ball((0, 0, 1000), 100), np.array([[0.0, 0.0, 1.0]])
    shades = Shades(np.zeros(1, np.int64), up, np.zeros((1, 2, 3)), np.array([100.0]), np.ones((1, 1), bool))
    assert lit(solids, shades, -1, 0.01, 0.0, 0.0, 0.0) == 0.0
    assert lit(solids, shades, -1, 0.01, 100.0, 0.0, 0.0) == pytest.approx(0.5)  # its edge halves the light
    assert lit(solids, shades, -1, 0.01, 300.0, 0.0, 0.0) == 1.0
    assert lit(solids, shades, -1, 0.01, 0.0, 0.0, 2000.0) == 1.0
    assert lit(solids, shades, 0, 0.01, 0.0, 0.0, 0.0) == 1.0  # none on itself


def test_a_body_keeps_its_bones_in_every_pose() -> None:
    rng = np.random.default_rng(0)
    body = draw_body(rng)
    joints = posed(body, person() + rng.normal(0, 40, (17, 3)))
    for parent, joint in H36M_17.bones:
        assert np.linalg.norm(joints[joint] - joints[parent]) == pytest.approx(body.lengths[joint])
    assert (body.lengths[list(H36M_17.mirror)] == body.lengths).all()
    assert joints[:, 2].min() == pytest.approx(ANKLE_MM * body.size)
    jumping = person() + np.array([0.0, 0.0, 200.0])
    assert posed(body, jumping, standing=False)[:, 2].min() == pytest.approx(280.0 * body.size)


def test_head_chest_and_feet_look_ahead() -> None:
    axes = axes_of(draw_body(np.random.default_rng(0)), person())
    for ahead in (axes.chest[:, 1], axes.head[:, 1], *(foot[:, 1] for foot in axes.feet.values())):
        assert ahead[1] > 0.9  # `person` faces +y
    assert axes.chest[0, 0] > 0.9
    for frame in (axes.chest, axes.hips, axes.head, *axes.feet.values()):
        assert frame.T @ frame == pytest.approx(np.eye(3), abs=1e-9)
        assert np.linalg.det(frame) == pytest.approx(1.0)
    left = axes_of(draw_body(np.random.default_rng(0)), person(), yaw=0.5).head[:, 1]
    assert left[0] < -0.3  # a head turned to its left


def test_a_mirror_changes_sides() -> None:
    there = mirrored(person())
    assert there[JOINT["l_wrist"]] == pytest.approx(person()[JOINT["r_wrist"]] * (-1, 1, 1))
    assert mirrored(there) == pytest.approx(person())


def before(heading: float, distance: float = 4000.0) -> Shot:
    """A camera at a heading from the person; at +90 degrees it sees the front of one that faces +y."""
    at = np.array([np.cos(heading) * distance, np.sin(heading) * distance, 1000.0])
    aim = np.array([0.0, 0.0, 900.0])
    return Shot(look_at(at[None], aim[None])[0], at, np.array([1000.0, 1000.0]), np.array([500.0, 500.0]))


FRONT, BACK, LEFT = np.pi / 2, -np.pi / 2, np.pi


def visible(motion: np.ndarray, shot: Shot, *more: Solids) -> dict[str, bool]:
    """What ``shot`` sees of a body's joints past its own parts and ``more`` solids, world frame."""
    rng = np.random.default_rng(1)
    scene = lab_scene(rng, rng)
    joints = posed(scene.body, motion)
    solids = joined((dress(scene.body, scene.outfit, joints).solids(), *more)).moved(shot.rotation, shot.position)
    xyz = (joints - shot.position) @ shot.rotation.T
    return dict(zip(H36M_17.joints, seen(solids, xyz, scene.body.size).tolist(), strict=True))


def test_the_front_of_a_standing_person_is_seen() -> None:
    assert all(visible(person(), before(FRONT)).values())
    assert all(visible(person(), before(BACK)).values())


def test_an_arm_behind_the_back_is_hidden() -> None:
    motion = person()
    motion[JOINT["r_elbow"]] = (230, -60, 1130)
    motion[JOINT["r_wrist"]] = (20, -230, 1080)
    front, back = visible(motion, before(FRONT)), visible(motion, before(BACK))
    assert not front["r_wrist"]
    assert back["r_wrist"]
    assert front["l_wrist"]
    assert front["spine"]
    side = visible(person(), before(LEFT))
    assert side["l_shoulder"]
    assert side["l_hip"]
    assert not side["r_shoulder"]
    assert not side["r_hip"]


def test_a_box_hides_what_is_behind_it() -> None:
    knees = box((0.0, 1000.0, 300.0), (600.0, 20.0, 400.0))
    there = visible(person(), before(FRONT), knees)
    low = {"l_knee", "r_knee", "l_ankle", "r_ankle"}
    assert {name for name, it_is in there.items() if not it_is} == low
    assert all(visible(person(), before(BACK), knees).values())


def shown(shift: tuple[float, float] = (0.0, 0.0), side: int = 40, margin: float = 1.4) -> tuple[object, ...]:
    """The scene, its figure's joints, and a picture of `person` from the front."""
    rng = np.random.default_rng(4)
    scene = replace(lab_scene(rng, rng), margin=margin, shift=np.array(shift), yaw=0.0)
    joints = posed(scene.body, person())
    return scene, joints, take_picture(scene, joints, before(FRONT), side, np.random.default_rng(0))


def test_joints_beyond_the_edge_are_not_visible() -> None:
    _, _, picture = shown(shift=(0.0, -0.5))  # the square's middle is at the head: feet are cut off
    assert not picture.visible[[JOINT["l_ankle"], JOINT["r_ankle"]]].any()
    assert picture.uv[JOINT["l_ankle"], 1] > 40
    assert picture.visible[JOINT["head_top"]]
    assert picture.box[3] == 40.0


def test_the_box_is_tight_around_the_person() -> None:
    scene, joints, picture = shown()
    shot, figure = before(FRONT), dress(scene.body, scene.outfit, joints, scene.yaw)
    figure.lifted(-lowest(figure.solids()))
    place = (np.arange(40 * SAMPLES) + 0.5) / SAMPLES
    rays = np.stack(np.meshgrid(place, place), axis=-1).reshape(-1, 2)
    hit = np.isfinite(
        probe(figure.solids().moved(shot.rotation, shot.position), (rays - picture.center) / picture.focal)
    )
    mask = hit.any(1).reshape(len(place), -1)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    edges = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]) / SAMPLES
    assert picture.box == pytest.approx(edges, abs=1e-9)
    assert max(picture.box[2:] - picture.box[:2]) == pytest.approx(40 / 1.4, abs=1.0)


def test_head_size_is_that_of_a_head_as_large_as_ours() -> None:
    scene, _, picture = shown(side=64)
    scale = picture.focal[1] / picture.xyz[JOINT["head_top"], 2] * scene.body.head
    wide, high = 150.0, 228.0  # ear to ear without ears, crown to chin
    assert picture.head == pytest.approx(0.6 * np.hypot(wide, high) * scale, rel=0.05)


def test_the_picture_shows_the_person_where_the_box_says() -> None:
    scene, joints, picture = shown(side=64)
    bare = replace(scene, noise=0.0)
    quiet = take_picture(bare, joints, before(FRONT), 64, np.random.default_rng(0))
    materials = bare.outfit.materials.copy()
    materials[:, COLOUR : THIRD + 3] = 1.0 - materials[:, COLOUR : THIRD + 3]
    other = replace(bare, outfit=replace(bare.outfit, materials=materials))
    changed = (take_picture(other, joints, before(FRONT), 64, np.random.default_rng(0)).rgb != quiet.rgb).any(2)
    rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
    found = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])
    assert np.abs(found - picture.box).max() <= 1.0


def test_wild_cameras_stand_apart() -> None:
    for seed in range(30):
        shot = wild_shot(np.random.default_rng(seed), np.array([0.0, 0.0, 900.0]))
        assert 2400.0 <= np.linalg.norm(shot.position[:2]) <= 9000.0
        assert shot.rotation @ shot.rotation.T == pytest.approx(np.eye(3), abs=1e-9)
        z = (shot.rotation @ (np.array([0.0, 0.0, 900.0]) - shot.position))[2]
        assert z > 2000.0


# -- datasets


@pytest.fixture(scope="module")
def mocap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three takes of a person who moves a little, two cameras each, as `convert cmu` would write them."""
    folder = tmp_path_factory.mktemp("mocap")
    rng = np.random.default_rng(0)
    clips, xyz, parts = [], [], []
    for take in range(3):
        world = person() + rng.normal(0, 30, (7, 17, 3)) + (1500.0 * take, 0.0, 0.0)
        for camera in range(2):
            cameras = place_cameras(rng, world[:1, 0])
            seen_there = cameras.see(world[None])[0]
            number = len(clips)
            rotation = tuple(cameras.rotation[0].ravel().tolist())
            position = tuple(cameras.position[0].tolist())
            names = {"action": ("walk", "jump")[take == 2], "subject": f"p{take}", "take": f"t{take}"}
            clips.append(
                Clip(f"t{take}.cam{camera}", camera=f"cam{camera}", rotation=rotation, position=position, **names)
            )
            xyz.append(seen_there)
            parts.append(np.full(7, number, np.int32))
    poses = np.concatenate(xyz).astype(np.float32)
    columns = {
        "uv": np.zeros((42, 17, 2), np.float32),
        "visible": np.ones((42, 17), bool),
        "xyz": poses,
        "focal": np.ones((42, 2), np.float32),
        "center": np.ones((42, 2), np.float32),
        "clip": np.concatenate(parts),
        "frame": np.tile(np.arange(7, dtype=np.int32) * 3, 6),
    }
    for split in ("train", "test"):
        about = About("toy", split, "H36M_17", 20.0, "none", "made by hand")
        write_dataset(folder / split, about, columns, tuple(clips))
    return folder


def made(mocap: Path, out: Path, kind: Kind = Kind.WILD, count: int = 10, threads: int = 1, **more: object) -> Dataset:
    split = str(more.pop("split", "train"))
    order = Order(kind, split, count, size=SIDE, **more)  # type: ignore[arg-type]
    return render_dataset(order, open_dataset(mocap, split), out, threads)


@pytest.mark.parametrize("kind", list(Kind))
def test_pixels_are_the_projected_poses(mocap: Path, tmp_path: Path, kind: Kind) -> None:
    dataset = open_dataset(made(mocap, tmp_path / "out", kind).path or Path())
    column = {name: np.asarray(c, dtype=np.float64) for name, c in dataset.columns.items()}
    uv = column["xyz"][..., :2] / column["xyz"][..., 2:] * column["focal"][:, None] + column["center"][:, None]
    assert column["uv"] == pytest.approx(uv, abs=1e-4)
    assert dataset.columns["labelled"].all()
    assert (column["size"] == SIDE).all()
    assert dataset.columns["rgb"].shape == (10, SIDE, SIDE, 3)
    low, high = column["box"][:, None, :2], column["box"][:, None, 2:]
    assert (((uv > low) & (uv < high)).mean() > 0.98).all()  # joints lie in the body, and all of it is in the picture
    assert (column["box"] >= 0).all()
    assert (column["box"] <= SIDE).all()
    assert dataset.about.fps == 0.0


def test_a_picture_follows_from_its_number_alone(mocap: Path, tmp_path: Path) -> None:
    few, many = made(mocap, tmp_path / "few", count=6), made(mocap, tmp_path / "many", count=11, threads=3)
    keys = [set(zip(d.columns["clip"].tolist(), d.columns["frame"].tolist(), strict=True)) for d in (few, many)]
    names = [[d.clips[c].name for c in d.columns["clip"]] for d in (few, many)]
    assert len(keys[0]) == 6
    assert len(keys[1]) == 11
    frames = [list(zip(n, d.columns["frame"].tolist(), strict=True)) for n, d in zip(names, (few, many), strict=True)]
    for row, key in enumerate(frames[0]):
        there = frames[1].index(key)
        for column in ("rgb", "uv", "xyz", "visible", "box", "head"):
            assert (few.columns[column][row] == many.columns[column][there]).all()


def test_threads_do_not_matter_and_seeds_do(mocap: Path, tmp_path: Path) -> None:
    one = made(mocap, tmp_path / "one", count=8)
    assert one.fingerprint == made(mocap, tmp_path / "two", count=8, threads=4).fingerprint
    assert one.fingerprint != made(mocap, tmp_path / "other", count=8, seed=1).fingerprint
    assert one.fingerprint != made(mocap, tmp_path / "test", count=8, split="test").fingerprint


def test_who_was_killed_goes_on(mocap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "BATCH", 3)
    whole, out = made(mocap, tmp_path / "whole"), tmp_path / "killed"
    told: list[int] = []

    def stop(pictures: int) -> None:
        told.append(pictures)
        if sum(told) >= 6:
            raise KeyboardInterrupt

    order = Order(Kind.WILD, "train", 10, size=SIDE)
    with pytest.raises(KeyboardInterrupt):
        render_dataset(order, open_dataset(mocap, "train"), out, 1, stop)
    assert not (out / "dataset.json").exists()
    with (out / "rgb.npy").open("ab") as file:
        file.write(b"half a row")
    with pytest.raises(UnfinishedElsewhere, match="seed: wanted 1, found 0"):
        made(mocap, out, seed=1)
    again: list[int] = []
    render_dataset(order, open_dataset(mocap, "train"), out, 1, again.append)
    assert again == [6, 3, 1]
    names = sorted(file.name for file in out.iterdir())
    assert names == sorted(file.name for file in (tmp_path / "whole").iterdir())
    assert all((out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes() for name in names)
    assert made(mocap, out).fingerprint == whole.fingerprint  # there already
    with pytest.raises(UnfinishedElsewhere, match="holds a dataset already"):
        made(mocap, out, count=9)


def test_the_lab_has_few_subjects_and_fixed_cameras(mocap: Path, tmp_path: Path) -> None:
    train, test = (
        made(mocap, tmp_path / "train", Kind.LAB, 42),
        made(mocap, tmp_path / "test", Kind.LAB, 42, split="test"),
    )
    assert {clip.subject for clip in train.clips} == set(LAB_SUBJECTS["train"][:3])
    assert {clip.subject for clip in test.clips} == set(LAB_SUBJECTS["test"])
    assert len({clip.rotation for clip in train.clips}) == 2
    assert len({(clip.take, clip.camera) for clip in train.clips}) == len(train.clips) == 6
    clip = train.columns["clip"]
    subject = np.array([c.subject for c in train.clips])[clip]
    bones = np.array(H36M_17.bones)
    lengths = np.linalg.norm(train.columns["xyz"][:, bones[:, 0]] - train.columns["xyz"][:, bones[:, 1]], axis=-1)
    for name in LAB_SUBJECTS["train"][:3]:
        assert np.ptp(lengths[subject == name], axis=0) == pytest.approx(0.0, abs=1e-2)
    rotation = np.array([c.rotation for c in train.clips]).reshape(-1, 3, 3)[clip]
    world = train.columns["xyz"] @ rotation + np.array([c.position for c in train.clips])[clip][:, None]
    ankles = world[:, [JOINT["l_ankle"], JOINT["r_ankle"]], 2].min(1)
    standing = np.array([c.action != "jump" for c in train.clips])[clip]
    assert (np.abs(ankles[standing] - ANKLE_MM) < 40.0).all()


def test_consecutive_frames_share_subject_and_scene(mocap: Path, tmp_path: Path) -> None:
    dataset = made(mocap, tmp_path / "out", count=8, clips=2)
    assert len(dataset.clips) == 2
    assert dataset.about.fps == 20.0
    for number in range(2):
        rows = np.flatnonzero(dataset.columns["clip"] == number)
        assert np.diff(dataset.columns["frame"][rows]).tolist() == [3, 3, 3]
        hips = np.linalg.norm(dataset.columns["xyz"][rows, 1] - dataset.columns["xyz"][rows, 0], axis=-1)
        assert np.ptp(hips) == pytest.approx(0.0, abs=1e-3)
    with pytest.raises(WrongDataset, match="wanted 7 clips of 4 frames, found 6"):
        made(mocap, tmp_path / "many", count=28, clips=7)


def test_the_order_of_frames_is_spread_and_complete(mocap: Path) -> None:
    motion = Motion(open_dataset(mocap, "train"))
    order = motion.spread(np.random.default_rng(0))
    assert sorted(order.tolist()) == list(range(42))
    assert len(set(motion.clip[order[:6]])) >= 5
    rare = [motion.dataset.clips[c].action for c in motion.clip[order[:20]]].count("jump")
    assert rare > 20 / 3  # 2 of 6 clips, more than their share


def test_motion_is_placed_in_the_world(mocap: Path) -> None:
    motion = Motion(open_dataset(mocap, "train"))
    one, other = motion.world(np.array([0, 7]))  # a frame of one take by two cameras
    assert one == pytest.approx(other, abs=0.01)
    assert one[0] == pytest.approx(person()[0], abs=120.0)
    assert motion.middles[1][0] == pytest.approx(1500.0, abs=30.0)
    assert turned(np.array([1.0, 0.0, 5.0]), np.pi / 2) == pytest.approx([0.0, 1.0, 5.0])
    assert near(np.array([3.0, 4.0]), 1e9) == pytest.approx([3.0, 4.0])
    assert np.linalg.norm(near(np.array([9e9, 0.0]), 1400.0)) == pytest.approx(1400.0)


# -- errors


def test_motion_that_cannot_be_used_is_refused(mocap: Path, tmp_path: Path) -> None:
    source = open_dataset(mocap, "train")
    order = Order(Kind.LAB, "train", 4, size=SIDE)
    flat = replace(source, columns={k: v for k, v in source.columns.items() if k != "xyz"})
    with pytest.raises(WrongDataset, match="wanted poses in H36M_17, found 2D keypoints alone"):
        render_dataset(order, flat, tmp_path / "out")
    other = replace(source, about=replace(source.about, skeleton=LSP_14.name))
    with pytest.raises(WrongDataset, match="found poses in LSP_14"):
        render_dataset(order, other, tmp_path / "out")
    lost = replace(source, clips=(*source.clips[:-1], replace(source.clips[-1], rotation=None)))
    with pytest.raises(WrongDataset, match=r"clip t2\.cam1 does not know its camera"):
        render_dataset(order, lost, tmp_path / "out")
    with pytest.raises(WrongDataset, match="wanted 43 frames, one a picture, found 42"):
        Renderer(replace(order, count=43), source)
    assert not (tmp_path / "out").exists()


def test_without_numba_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    with pytest.raises(NoNumba, match=r"pip install benchsuite\[fast\]"):
        compiled(person)


def test_command(mocap: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["render", "wild", "--data", str(mocap), "-o", str(tmp_path / "out"), "--size", str(SIDE), "--threads", "1"]
    assert main([*words, "--count", "3", "--split", "test"]) == 0
    dataset = open_dataset(tmp_path / "out")
    assert len(dataset) == 3
    assert dataset.about.made_by == f"benchsuite render wild --data toy --split test --count 3 --seed 0 --size {SIDE}"
    assert "3 pictures of 3 clips" in capsys.readouterr().err
    assert main([*words, "--count", "4"]) == 2
    assert "holds a dataset already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--count", "0"), "wanted a whole number of 1 or more"),
        (("--size", "8"), "wanted 32 to 1024 px, found 8"),
        (("--threads", "99999"), "4 a core of this machine, found 99999"),
        (("--frames", "5"), "wanted --count, or --clips with --frames"),
        (("--clips", "2", "--count", "5"), "wanted --count, or --clips with --frames"),
        ((), "wanted a dataset.json or a folder 'train'"),
    ],
)
def test_command_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: str) -> None:
    try:
        code = main(["render", "lab", "--data", str(tmp_path / "none"), "-o", str(tmp_path / "out"), *words])
    except SystemExit as stopped:
        code = int(str(stopped.code))
    assert code == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_contact_sheet_lays_keypoints_over_pictures(mocap: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from benchsuite.pictures.drawing import contact_sheet

    figure = contact_sheet(made(mocap, tmp_path / "out", count=4), columns=2)
    pictures = [axes.images[0].get_array() for axes in figure.axes if axes.images]
    assert [picture.shape for picture in pictures] == [(SIDE, SIDE, 3)] * 2
