"""``benchsuite doctor``: nothing wrong with a sound dataset, and each fault that is planted in it is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchsuite_registry.skeletons import COCO_17, H36M_17, LSP_14, PENN_13

from benchsuite.cli import main
from benchsuite.convert.h36m_cameras import CAMERAS as CAMERA_NAMES
from benchsuite.convert.h36m_takes import ALL_TAKES, UNFILMED
from benchsuite.convert.penn_action import ACTIONS
from benchsuite.datasets.columns import About, Clip, WrongDataset
from benchsuite.datasets.dataset import Dataset, in_memory, write_dataset
from benchsuite.doctor import examine, worst
from benchsuite.doctor.counts import PENN_ACTION_CLIPS, PENN_ACTION_SPLITS
from benchsuite.doctor.findings import Finding
from benchsuite.filming import VirtualCameras, look_at

FRAMES, CAMERAS, TAKES = 40, 4, ("walk", "wave", "jump")
FOCAL, CENTER = 1000.0, 500.0
ABOUT = About("made-up", "train", "H36M_17", 10.0, "none", "made up")

TORSO = {"pelvis": (0, 0, 930), "spine": (0, 0, 1160), "thorax": (0, 0, 1400), "neck_nose": (0, -30, 1500)}
LIMBS = {"hip": (130, 0, 930), "knee": (130, -150, 520), "ankle": (130, 60, 80)}
ARMS = {"shoulder": (180, 0, 1380), "elbow": (220, 60, 1110), "wrist": (230, -140, 940)}


def body() -> np.ndarray:
    """A person who looks along -y with knees and elbows bent as people bend them; mm, z up, left along x."""
    points = {**TORSO, "head_top": (0, -10, 1620)}
    for name, (x, y, z) in {**LIMBS, **ARMS}.items():
        points[f"l_{name}"], points[f"r_{name}"] = (x, y, z), (-x, y, z)
    return np.array([points[joint] for joint in H36M_17.joints], dtype=np.float64)


def walks() -> np.ndarray:
    """(takes, frames, 17, 3) mm: the body goes in a circle, another one in each take."""
    angle = np.linspace(0, 2 * np.pi, FRAMES, endpoint=False)
    turn = np.stack([np.cos(angle), -np.sin(angle), 0 * angle, np.sin(angle), np.cos(angle), 0 * angle], axis=1)
    turn = np.concatenate((turn, np.tile((0.0, 0.0, 1.0), (FRAMES, 1))), axis=1).reshape(-1, 3, 3)
    paths = [radius * np.stack((np.cos(angle), np.sin(angle), 0 * angle), axis=1) for radius in (200, 400, 600)]
    return np.stack([body() @ turn.transpose(0, 2, 1) + path[:, None] for path in paths])


def cameras() -> VirtualCameras:
    """Four around the middle, 5 m away."""
    angle = np.radians((20.0, 101.5, 213.3, 287.7))
    position = np.stack((5000 * np.cos(angle), 5000 * np.sin(angle), np.full(4, 1500.0)), axis=1)
    turn = look_at(position, np.tile((0.0, 0.0, 900.0), (4, 1)))
    return VirtualCameras(turn, position, np.full((4, 2), FOCAL), np.full((4, 2), CENTER))


def sound(prefix: str = "") -> Dataset:
    """Three takes by four cameras: everything as it should be."""
    filmed, clips, xyz = cameras(), [], []
    for take, world in zip(TAKES, walks(), strict=True):
        for k in range(CAMERAS):
            camera = filmed.only(k)
            xyz.append(camera.see(world[None])[0])
            clips.append(
                Clip(
                    f"{prefix}{take}.c{k}",
                    action=take,
                    subject="A",
                    camera=f"c{k}",
                    rotation=tuple(camera.rotation[0].ravel().tolist()),
                    position=tuple(camera.position[0].tolist()),
                    take=f"{prefix}{take}",
                )
            )
    poses = np.concatenate(xyz)
    rows = len(poses)
    columns = {
        "uv": (poses[..., :2] / poses[..., 2:] * FOCAL + CENTER).astype(np.float32),
        "visible": np.ones((rows, 17), dtype=bool),
        "xyz": poses.astype(np.float32),
        "focal": np.full((rows, 2), FOCAL, np.float32),
        "center": np.full((rows, 2), CENTER, np.float32),
        "size": np.full((rows, 2), 1000, np.int32),
        "clip": np.repeat(np.arange(len(clips), dtype=np.int32), FRAMES),
        "frame": np.tile(np.arange(FRAMES, dtype=np.int32), len(clips)),
    }
    return in_memory(ABOUT, columns, tuple(clips), "sound")


def spoilt(spoil: Callable[[dict[str, np.ndarray]], None], dataset: Dataset | None = None) -> Dataset:
    dataset = dataset or sound()
    columns = {name: column.copy() for name, column in dataset.columns.items()}
    spoil(columns)
    return replace(dataset, columns=columns)


def findings(folder: Path, dataset: Dataset) -> dict[str, Finding]:
    write_dataset(folder, dataset.about, dataset.columns, dataset.clips)
    return {finding.check: finding for finding in examine(folder)}


def not_ok(found: dict[str, Finding]) -> dict[str, str]:
    return {check: finding.verdict for check, finding in found.items() if finding.verdict != "ok"}


def test_a_sound_dataset_has_nothing_to_say(tmp_path: Path) -> None:
    found = findings(tmp_path, sound())
    assert not_ok(found) == {}
    assert found["counts"].text == "480 samples in 12 clips; 1 subject, 3 actions, 4 cameras, 1 split"
    assert found["counts"].figures["camera"] == {"c0": 120, "c1": 120, "c2": 120, "c3": 120}
    assert found["clips"].text == "40 to 40 frames"
    assert {"values", "joints", "pixels", "upright", "in the image", "reprojection", "bends", "bone lengths"} <= set(
        found
    )
    assert {"world", "takes", "duplicates"} <= set(found)


def test_nobody_is_visible(tmp_path: Path) -> None:
    found = findings(tmp_path, spoilt(lambda columns: columns["visible"].fill(False)))
    assert found["joints"].text.endswith("480 samples without any")
    assert found["duplicates"].text == "0 in a clip, 0 between clips, 0 across splits"


@pytest.mark.filterwarnings("error")
def test_no_pose_is_known(tmp_path: Path) -> None:
    found = findings(tmp_path, spoilt(lambda columns: columns["xyz"].fill(np.nan)))
    assert not_ok(found) == {"values": "wrong", "bone lengths": "odd"}
    assert found["bone lengths"].text == "nothing to measure: no bone has both of its ends"
    assert {"world", "takes", "bends", "reprojection"}.isdisjoint(found)


@pytest.mark.filterwarnings("error")
def test_what_is_known_is_measured_alone(tmp_path: Path) -> None:
    """Seven of the twelve clips have no poses; in the others, lengths of 1 and 1.1 take turns: 0.05 / 1.05."""

    def spoil(columns: dict[str, np.ndarray]) -> None:
        columns["xyz"][: 7 * FRAMES] = np.nan
        columns["xyz"][7 * FRAMES :: 2] *= 1.1

    found = findings(tmp_path, spoilt(spoil))
    assert found["bone lengths"].text == "the worst bone of a clip changes by 4.76% (median), at most 4.8%"
    assert found["world"].text.startswith("100.0% stand upright, ankles from ")
    assert "nan" not in found["world"].text + found["takes"].text


def rehash(folder: Path, column: str) -> None:
    document = json.loads((folder / "dataset.json").read_text())
    document["columns"][column]["sha256"] = hashlib.sha256((folder / f"{column}.npy").read_bytes()).hexdigest()
    (folder / "dataset.json").write_text(json.dumps(document))


def test_metres(tmp_path: Path) -> None:
    dataset = sound()
    write_dataset(tmp_path, dataset.about, dataset.columns, dataset.clips)
    np.save(tmp_path / "xyz.npy", dataset.columns["xyz"] / np.float32(1000))
    rehash(tmp_path, "xyz")
    (finding,) = examine(tmp_path)
    assert (finding.check, finding.verdict) == ("readable", "wrong")
    assert "this looks like metres" in finding.text


def test_a_changed_file(tmp_path: Path) -> None:
    dataset = sound()
    write_dataset(tmp_path, dataset.about, dataset.columns, dataset.clips)
    np.save(tmp_path / "uv.npy", dataset.columns["uv"] + 1)
    (finding,) = examine(tmp_path)
    assert finding.verdict == "wrong"
    assert "uv.npy: sha256 differs" in finding.text


def test_y_up(tmp_path: Path) -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        columns["uv"][..., 1] = 1000 - columns["uv"][..., 1]
        columns["xyz"][..., 1] *= -1

    found = findings(tmp_path, spoilt(spoil))
    assert found["upright"].text == "100.0% have the head below the ankles; y seems to point up"
    assert found["upright"].verdict == found["bends"].verdict == "wrong"
    assert found["reprojection"].verdict == "ok", "xyz and uv were flipped together"


def test_y_up_in_space_alone(tmp_path: Path) -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        columns["xyz"][..., 1] *= -1

    found = findings(tmp_path, spoilt(spoil))
    assert found["reprojection"].verdict == "wrong"
    assert "y of xyz is flipped" in found["camera"].text
    assert found["upright"].verdict == "ok"


def test_swapped_sides(tmp_path: Path) -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        for name in ("uv", "xyz"):
            columns[name] = columns[name][:, H36M_17.mirror]

    found = findings(tmp_path, spoilt(spoil))
    assert not_ok(found) == {"bends": "wrong"}
    assert found["bends"].text.startswith("100.0% of the bent knees and elbows bend backwards; poses are mirrored")


def flat(skeleton: str, dataset: Dataset) -> Dataset:
    """The same without 3D, in another skeleton."""
    from benchsuite_registry.skeletons import SKELETONS

    columns = dict(dataset.columns)
    del columns["xyz"]
    uv = np.zeros((len(dataset), len(SKELETONS[skeleton]), 2), np.float32)
    for row, weights in enumerate(SKELETONS[skeleton].weights_from(H36M_17)):
        near = weights or {"head_top": 0.7, "neck_nose": 0.3}
        for joint, weight in near.items():
            uv[:, row] += np.float32(weight) * dataset.columns["uv"][:, H36M_17.index(joint)]
    columns |= {"uv": uv, "visible": np.ones(uv.shape[:2], dtype=bool)}
    clips = tuple(Clip(c.name, c.action, c.subject, c.camera) for c in dataset.clips)
    return replace(
        dataset, about=replace(ABOUT, skeleton=skeleton, keypoints="annotated"), columns=columns, clips=clips
    )


def in_view(dataset: Dataset, view: str) -> Dataset:
    """The frames in which the person is seen from the front, or from behind, in clips that say so."""
    right, left = (dataset.skeleton.index(f"{side}_shoulder") for side in "rl")
    width = dataset.columns["uv"][:, left, 0] - dataset.columns["uv"][:, right, 0]
    rows = np.flatnonzero(width > 30 if view == "front" else width < -30)
    clips = tuple(replace(clip, camera=view) for clip in dataset.clips)
    return replace(dataset, columns={k: v[rows] for k, v in dataset.columns.items()}, clips=clips)


@pytest.mark.parametrize("view", ["front", "back"])
def test_swapped_sides_in_the_image(tmp_path: Path, view: str) -> None:
    dataset = in_view(flat("PENN_13", sound()), view)
    found = findings(tmp_path / "sound", dataset)
    assert found["sides"].verdict == "ok"
    assert found["sides"].text.startswith("100.0% of people in front views, and turned round in back views")

    def spoil(columns: dict[str, np.ndarray]) -> None:
        columns["uv"] = columns["uv"][:, PENN_13.mirror]

    found = findings(tmp_path / "spoilt", spoilt(spoil, dataset))
    assert found["sides"].verdict == "wrong"
    assert found["sides"].text.startswith("0.0% of people")
    assert "seem to be swapped" in found["sides"].text


def test_sides_of_faces(tmp_path: Path) -> None:
    """Faces tell the front from the back; where none is seen, most people must face the camera."""
    front, back = (in_view(flat("COCO_17", sound()), view) for view in ("front", "back"))
    nose = COCO_17.index("nose")
    back.columns["visible"][:, nose] = False
    joined = {k: np.concatenate((front.columns[k], back.columns[k])) for k in front.columns}
    joined["clip"] = np.repeat(np.arange(2, dtype=np.int32), (len(front), len(back)))
    joined["frame"] = np.arange(len(joined["clip"]), dtype=np.int32)
    both = replace(front, columns=joined, clips=(Clip("front"), Clip("back")))
    found = findings(tmp_path / "faces", both)
    assert found["sides"].text.startswith("100.0% of people whose face is seen")
    found = findings(tmp_path / "all", flat("LSP_14", in_view(sound(), "front")))
    assert found["sides"].text.startswith("100.0% of people in front views")
    unknown = in_view(flat("LSP_14", sound()), "front")
    unknown = replace(unknown, clips=tuple(Clip(c.name) for c in unknown.clips))
    found = findings(tmp_path / "any", spoilt(lambda c: c.update(uv=c["uv"][:, LSP_14.mirror]), unknown))
    assert (found["sides"].verdict, found["sides"].text[:18]) == ("wrong", "0.0% of all people")


def test_wrong_intrinsics_of_one_camera(tmp_path: Path) -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        second = columns["clip"] % CAMERAS == 1
        columns["focal"][second] = 1300
        columns["center"][second, 0] = 515

    found = findings(tmp_path, spoilt(spoil))
    assert found["camera"].verdict == "wrong"
    assert found["camera"].text.startswith("camera c1: ")
    fit = "focal 1000.0, 1000.0 (is 1300.0, 1300.0), center 500.0, 500.0 (is 515.0, 500.0)"
    assert fit in found["camera"].text
    figures = found["reprojection"].figures["camera"]
    assert figures["c0"]["p99"] < 0.01
    assert figures["c1"]["p50"] > 20


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        (lambda world, r, p: (world - p) @ r, "turned by R's inverse"),
        (lambda world, r, p: world, "xyz is in the world"),
        (lambda world, r, p: world @ r.T - p, "R X - T, not R (X - T)"),
        (lambda world, r, p: world @ r.T + p, "R X + T, not R (X - T)"),
    ],
)
def test_the_wrong_way_with_r_and_t(
    tmp_path: Path, mistake: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray], told: str
) -> None:
    filmed = cameras()
    xyz = [mistake(world, filmed.rotation[k], filmed.position[k]) for world in walks() for k in range(CAMERAS)]
    found = findings(tmp_path, spoilt(lambda columns: columns.update(xyz=np.concatenate(xyz).astype(np.float32))))
    assert found["reprojection"].verdict == found["camera"].verdict == "wrong"
    assert told in found["camera"].text


def test_a_rotation_that_does_not_lead_back_to_the_world(tmp_path: Path) -> None:
    dataset = sound()
    transposed = [replace(c, rotation=tuple(np.reshape(c.rotation, (3, 3)).T.ravel())) for c in dataset.clips]
    found = findings(tmp_path / "all", replace(dataset, clips=tuple(transposed)))
    assert found["world"].verdict != "ok"
    assert found["takes"].verdict == "wrong"
    one = (transposed[0], *dataset.clips[1:])
    found = findings(tmp_path / "one", replace(dataset, clips=one))
    assert found["world"].verdict == "ok"
    assert found["takes"].verdict == "wrong"
    assert "walk.c0 and walk.c" in found["takes"].text


def test_2d_of_other_frames(tmp_path: Path) -> None:
    found = findings(tmp_path, spoilt(lambda columns: columns.update(uv=np.roll(columns["uv"], 60, axis=0))))
    assert "no intrinsics explain it" in found["camera"].text


def test_a_drifting_sequence(tmp_path: Path) -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        columns["xyz"][columns["clip"] == 5, :, 0] += np.linspace(0, 300, FRAMES)[:, None]

    found = findings(tmp_path, spoilt(spoil))
    assert found["drift"].verdict == "odd"
    # at 5 m, 1000 px of focal length: 1 px is 5 mm, which is passed in the second frame of 40
    assert "1 clips have frames over 1 px off: wave.c1 (98% of its frames)" in found["drift"].text
    assert found["reprojection"].verdict == "ok"
    assert found["takes"].verdict == "wrong", "the other cameras saw the person elsewhere"


def test_missing_joints(tmp_path: Path) -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        columns["visible"][:, H36M_17.index("l_wrist")] = False
        columns["visible"][3] = False

    found = findings(tmp_path, spoilt(spoil))
    assert found["joints"].verdict == "odd"
    assert found["joints"].text == "visible: 93.9%; least often l_wrist, 0.0%; never: l_wrist; 1 samples without any"
    assert found["joints"].figures["visible"]["pelvis"] == pytest.approx(479 / 480, abs=1e-4)


def test_values_that_are_none(tmp_path: Path) -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        columns["uv"][0, 3] = np.nan
        columns["xyz"][1, 2] = np.nan
        columns["xyz"][2:4, 2, 2] = -100
        columns["focal"][5, 1] = 0
        columns["uv"][6, 3] = np.nan
        columns["visible"][6, 3] = False

    found = findings(tmp_path, spoilt(spoil))
    assert found["values"].verdict == "wrong"
    assert found["values"].text.split("; ") == [
        "1 samples with a visible joint whose uv is no number",
        "1 samples whose focal is not a positive number",
        "2 samples with a joint behind the camera",
        "1 samples with a visible joint that has no xyz",
    ]


def test_normalised_keypoints(tmp_path: Path) -> None:
    found = findings(tmp_path, spoilt(lambda columns: columns.update(uv=columns["uv"] / np.float32(500) - 1)))
    assert found["pixels"].verdict == "wrong"
    assert "is uv normalised?" in found["pixels"].text


def test_people_outside_of_the_image(tmp_path: Path) -> None:
    found = findings(tmp_path, spoilt(lambda columns: columns["size"].fill(500)))
    assert found["in the image"].verdict == "wrong"
    assert found["in the image"].text.startswith(f"{_outside(500):.2%} of the visible joints")


def _outside(size: int) -> float:
    uv = sound().columns["uv"]
    return float(((uv < -1) | (uv > size + 1)).any(axis=2).mean())


def test_flat_boxes(tmp_path: Path) -> None:
    box = np.tile(np.float32((10, 10, 90, 200)), (480, 1))
    box[7, 2] = 10
    box[8] = np.nan
    found = findings(tmp_path, spoilt(lambda columns: columns.update(box=box)))
    assert (found["boxes"].verdict, found["boxes"].text) == ("odd", "2 of 480 have no area")


def test_short_clips(tmp_path: Path) -> None:
    dataset = sound()
    rows = np.flatnonzero((dataset.columns["clip"] != 2) | (dataset.columns["frame"] < 24))
    found = findings(tmp_path, spoilt(lambda c: c.update({k: v[rows] for k, v in c.items()}), dataset))
    assert found["clips"].verdict == "odd"
    assert found["clips"].text == "24 to 40 frames; 1 have fewer than 25: walk.c2"


def test_pictures_are_not_taken_for_short_clips(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = rng.permutation(480)[:20]
    dataset = flat("LSP_14", sound())
    pictures = {k: v[rows] for k, v in dataset.columns.items()} | {
        "clip": np.zeros(20, np.int32),
        "frame": np.arange(20, dtype=np.int32),
    }
    pictures["uv"] = pictures["uv"] + rng.uniform(-400, 400, (20, 1, 2)).astype(np.float32)
    found = findings(tmp_path, replace(dataset, columns=pictures, clips=(Clip("pictures"),)))
    assert "clips" not in found


def test_bones_that_stretch(tmp_path: Path) -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        some = columns["clip"] == 4
        wrist, elbow = H36M_17.index("r_wrist"), H36M_17.index("r_elbow")
        arm = columns["xyz"][some, wrist] - columns["xyz"][some, elbow]
        columns["xyz"][some, wrist] += arm * np.where(np.arange(FRAMES) % 2, 0.2, 0.0)[:, None].astype(np.float32)

    found = findings(tmp_path, spoilt(spoil))
    assert found["bone lengths"].verdict == "odd"
    # half of the frames 1, half 1.2 times as long: standard deviation 0.1, mean 1.1
    assert found["bone lengths"].text.endswith("at most 9.1%: wave (r_wrist, 9%)")


def test_one_subject_of_two_builds_and_uneven_ones(tmp_path: Path) -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        columns["xyz"][columns["clip"] == 0] *= np.float32(1.3)
        ankle, knee = H36M_17.index("l_ankle"), H36M_17.index("l_knee")
        columns["xyz"][:, ankle] += 0.5 * (columns["xyz"][:, ankle] - columns["xyz"][:, knee])

    found = findings(tmp_path, spoilt(spoil))
    assert found["subjects"].text.startswith("1 subjects are of different build in different clips: A (")
    assert "A (ankle, " in found["symmetry"].text


def test_duplicates(tmp_path: Path) -> None:
    def spoil(columns: dict[str, np.ndarray]) -> None:
        columns["uv"][1] = columns["uv"][0]  # walk.c0
        columns["uv"][45] = columns["uv"][0]  # walk.c1
        columns["visible"][100] = columns["visible"][200] = False  # nothing seen is nothing alike

    found = findings(tmp_path, spoilt(spoil))
    assert found["duplicates"].verdict == "odd"
    assert (
        found["duplicates"].text == "1 in a clip, 1 between clips, 0 across splits: walk.c0 (train) and walk.c1 (train)"
    )


def test_duplicates_across_splits(tmp_path: Path) -> None:
    train, test = sound(), sound("test-")
    away = test.columns["uv"] + np.float32(3)
    away[50] = train.columns["uv"][10]
    columns = {**test.columns, "uv": away}
    write_dataset(tmp_path / "train", train.about, train.columns, train.clips)
    write_dataset(tmp_path / "test", replace(test.about, split="test"), columns, test.clips)
    found = [finding for finding in examine(tmp_path) if finding.check == "duplicates"]
    assert [finding.verdict for finding in found] == ["wrong"]
    assert found[0].text == "0 in a clip, 0 between clips, 1 across splits: walk.c0 (train) and test-walk.c1 (test)"
    splits = {finding.split for finding in examine(tmp_path)}
    assert splits == {"", "train", "test"}


def test_duplicates_across_splits_of_one_folder(tmp_path: Path) -> None:
    dataset = sound()
    clips = tuple(replace(c, split="train" if c.camera == "c0" else "test") for c in dataset.clips)

    def spoil(columns: dict[str, np.ndarray]) -> None:
        columns["uv"][45] = columns["uv"][0]

    found = findings(tmp_path, spoilt(spoil, replace(dataset, clips=clips)))
    assert found["duplicates"].verdict == "wrong"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("lsp", "lsp: 480 people, published 2000"),
        ("mpi-inf-3dhp", "A: 480 valid frames, published 0; TS1: 0 valid frames, published 603"),
        ("h36m", "train: 150 of 150 takes are missing: S1_Directions_1, S1_Directions_2, S1_Discussion_1"),
        ("penn-action", "test: 0 clips, published 1068"),
    ],
)
def test_counts_against_published_ones(tmp_path: Path, name: str, told: str) -> None:
    dataset = sound()
    found = findings(tmp_path, replace(dataset, about=replace(dataset.about, name=name)))
    assert found["published"].verdict == "odd"
    assert told in found["published"].text


def test_a_take_and_a_camera_that_h36m_should_have(tmp_path: Path) -> None:
    dataset = sound()
    cameras_of = dict.fromkeys((UNFILMED, ALL_TAKES[-1]), CAMERA_NAMES[1:])
    pairs = [(t, c) for t in ALL_TAKES if t.subject in ("S9", "S11") for c in cameras_of.get(t, CAMERA_NAMES)]
    pairs = [(take, camera) for take, camera in pairs if str(take) != "S9_Posing_1"]
    clips = tuple(Clip(f"{t}.{c}", t.action, t.subject, c, take=str(t)) for t, c in pairs)
    h36m = replace(dataset, about=replace(ABOUT, name="h36m", split="test"), clips=clips)
    found = findings(tmp_path, h36m)
    assert found["published"].text == (
        f"test: 1 of 60 takes are missing: S9_Posing_1; test: missing: {ALL_TAKES[-1]} by {CAMERA_NAMES[0]}"
    ), "that S11_Directions_2 has no such video is known"


def test_published_counts_add_up() -> None:
    assert sum(PENN_ACTION_CLIPS.values()) == sum(PENN_ACTION_SPLITS.values()) == 2326
    assert set(PENN_ACTION_CLIPS) == set(ACTIONS.values())


def test_clips_without_samples(tmp_path: Path) -> None:
    dataset = sound()
    found = findings(tmp_path, replace(dataset, clips=(*dataset.clips, Clip("nobody"))))
    assert found["empty clips"].text == "1 clips without a sample: nobody"


def test_an_empty_dataset(tmp_path: Path) -> None:
    columns = {name: column[:0] for name, column in sound().columns.items()}
    found = findings(tmp_path, replace(sound(), columns=columns))
    assert found["counts"].verdict == "wrong"


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = sound()
    write_dataset(tmp_path / "good", dataset.about, dataset.columns, dataset.clips)
    assert main(["doctor", str(tmp_path / "good")]) == 0
    table = capsys.readouterr().out.splitlines()
    assert all(line.split("  ")[0].strip() and " ok " in line for line in table)
    bad = spoilt(lambda columns: columns["focal"].fill(2000))
    write_dataset(tmp_path / "bad", bad.about, bad.columns, bad.clips)
    assert main(["doctor", str(tmp_path / "bad"), "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    assert (report["dataset"], report["verdict"]) == ("bad", "wrong")
    assert {f["check"] for f in report["findings"] if f["verdict"] == "wrong"} == {"camera", "reprojection"}
    assert main(["doctor", str(tmp_path / "nothing")]) == 2
    (tmp_path / "empty").mkdir()
    assert main(["doctor", str(tmp_path / "empty")]) == 2
    with pytest.raises(WrongDataset, match=r"wanted a dataset\.json, or folders train or test"):
        list(examine(tmp_path / "empty"))


def test_one_split_that_cannot_be_read_does_not_hide_the_other(tmp_path: Path) -> None:
    dataset = sound()
    for split in ("train", "test"):
        write_dataset(tmp_path / split, dataset.about, dataset.columns, dataset.clips)
    (tmp_path / "train" / "uv.npy").write_bytes(b"")
    found = list(examine(tmp_path))
    assert [(f.split, f.verdict) for f in found if f.check == "readable"] == [("train", "wrong"), ("test", "ok")]
    assert any(f.split == "test" and f.check == "bends" for f in found)
    assert worst(found) == "wrong"
