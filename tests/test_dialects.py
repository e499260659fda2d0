"""What well-known codes print for Protocol #1, each worked out a second time in plain loops."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from benchsuite_evaluators.bone_sum import bone_sum
from benchsuite_evaluators.dialects import DIALECTS
from benchsuite_evaluators.h36m import H36MProtocol1
from benchsuite_registry.contracts import Evaluator, Metric
from benchsuite_registry.loading import load_registries
from benchsuite_registry.poses import Frame, Target
from benchsuite_registry.skeletons import H36M_17, MPII_16
from matrices import matrix, run
from scored import find, labels, poses, score, value, with_evaluators
from toys import toy_dataset

from benchsuite.running.provenance import described

Array = np.ndarray


def dialect(name: str, **more: int | str) -> Evaluator:
    return load_registries(()).evaluators.component("h36m-p1", {"dialect": name, "bootstrap": 0, **more}).build()


def people(count: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal((0, 0, 5000), (150, 450, 100), (count, 17, 3)).astype(np.float32)


def guess(true: Array, spread: float = 50.0) -> Array:
    """Around the truth, root at the origin, as lifters give it."""
    noisy = true + np.random.default_rng(9).normal(0, spread, true.shape).astype(np.float32)
    return noisy - noisy[:, :1]


def scored(name: str, predicted: Array, true: Array, **told: Sequence[str]) -> tuple[Metric, ...]:
    target = Target(poses(true, H36M_17), labels(len(true), **told))
    return score(dialect(name), poses(predicted, H36M_17, Frame.ROOT), target)


def error(predicted: Array, true: Array) -> float:
    """Mean distance of the joints of one pose."""
    return sum(math.dist(p, g) for p, g in zip(predicted, true, strict=True)) / len(true)


def procrustes(predicted: Array, true: Array) -> float:
    """P-MPJPE of one pose, by singular values."""
    p, g = (a.astype(float) - a.astype(float).mean(0) for a in (predicted, true))
    u, s, vt = np.linalg.svd(p.T @ g)
    signs = np.array([1, 1, np.sign(np.linalg.det(u @ vt))])
    scale = (s * signs).sum() / (p**2).sum()
    return error(scale * p @ (u * signs) @ vt, g)


def scaled(predicted: Array, true: Array) -> float:
    """N-MPJPE of one pose."""
    p, g = predicted.astype(float), true.astype(float)
    return error(p * ((p * g).sum() / (p * p).sum()), g)


def test_martinez_drops_what_does_not_fill_a_batch() -> None:
    actions = ["Walking"] * 130 + ["Eating"] * 64 + ["Walking"] * 10 + ["Posing"] * 100
    true = people(len(actions))
    predicted = guess(true) * np.linspace(0.5, 1.5, len(true), dtype=np.float32)[:, None, None]
    metrics = scored("martinez", predicted, true, action=actions)
    of_action = defaultdict(list)
    for p, g, action in zip(predicted, true - true[:, :1], actions, strict=True):
        of_action[action].append(error(p, g))
    whole_batches = {"Walking": 128, "Eating": 64, "Posing": 64}
    means = [np.mean(of_action[action][:count]) for action, count in whole_batches.items()]
    assert metrics[0].value == pytest.approx(np.mean(means))
    assert metrics[0].value != pytest.approx(np.mean([np.mean(errors) for errors in of_action.values()]), abs=0.1)
    assert (metrics[0].n, value(metrics, "left out by the dialect")) == (256, 48)
    assert find(metrics, "MPJPE", "action=Posing").n == 64


def test_martinez_needs_a_batch_of_each_action() -> None:
    true = people(70)
    with pytest.raises(ValueError, match="wanted a batch of 64 samples of each action, found 6 of Eating"):
        scored("martinez", guess(true), true, action=["Walking"] * 64 + ["Eating"] * 6)


def test_videopose3d_moves_the_truth_alone() -> None:
    """Its three protocols; a prediction whose root is not at the origin is compared as it is."""
    actions = ["Walking"] * 7 + ["Eating"] * 3
    true = people(10)
    predicted = guess(true) + np.array((30.0, -20.0, 10.0), dtype=np.float32)
    metrics = scored("videopose3d", predicted, true, action=actions)
    rooted = true - true[:, :1]
    for name, figure in (("MPJPE", error), ("P-MPJPE", procrustes), ("N-MPJPE", scaled)):
        each = [figure(p, g) for p, g in zip(predicted, rooted, strict=True)]
        assert value(metrics, name) == pytest.approx((np.mean(each[:7]) + np.mean(each[7:])) / 2, rel=1e-6)
    ours = score(H36MProtocol1(), poses(predicted, H36M_17), Target(poses(true, H36M_17), labels(10, action=actions)))
    assert ours[0].value < metrics[0].value - 1.0


def test_videopose3d_has_no_s11_directions_2() -> None:
    true = people(4)
    predicted = guess(true)
    takes = ["S11_Directions_1", "S11_Directions_2", "S11_Directions_2", "S9_Directions_2"]
    told = {"subject": ["S11"] * 3 + ["S9"], "take": takes}
    metrics = scored("videopose3d", predicted, true, **told)
    rooted = true - true[:, :1]
    assert metrics[0].value == pytest.approx(np.mean([error(predicted[k], rooted[k]) for k in (0, 3)]), rel=1e-6)
    assert value(metrics, "left out by the dialect") == 2


def test_mmpose_averages_over_frames() -> None:
    true = people(10)
    predicted = guess(true) + np.float32(5.0)
    metrics = scored("mmpose", predicted, true, action=["Walking"] * 7 + ["Eating"] * 3)
    each = [error(p, g) for p, g in zip(predicted, true - true[:, :1], strict=True)]
    assert metrics[0].value == pytest.approx(np.mean(each), rel=1e-6)
    assert value(metrics, "MPJPE avg_actions") == pytest.approx((np.mean(each[:7]) + np.mean(each[7:])) / 2, rel=1e-6)
    assert value(metrics, "left out by the dialect") == 0


def test_refined_poses_are_rooted_in_every_dialect() -> None:
    """Poses placed before the camera have no root at the origin to speak of."""
    true = people(64)
    target = Target(poses(true, H36M_17), labels(64))
    for name in DIALECTS:
        near, far = (score(dialect(name), poses(guess(true) + mm, H36M_17), target) for mm in (0.0, 40.0))
        assert near[0].value == pytest.approx(far[0].value, abs=0.01)


TAKES = {
    "S9_Greeting_2": ("S9", "Greeting"),
    "S9_Greeting_1": ("S9", "Greeting"),
    "S9_SittingDown_2": ("S9", "SittingDown"),
    "S9_Sitting_2": ("S9", "Sitting"),
    "S9_Waiting_1": ("S9", "Waiting"),
    "S11_Waiting_1": ("S11", "Waiting"),
    "S11_SittingDown_2": ("S11", "SittingDown"),
}
"""Take by take; of S9, MotionBERT leaves out the first, third and fifth."""


def test_motionbert_skips_takes_of_s9_and_frames_without_error() -> None:
    takes = [take for take in TAKES for _ in range(3)]
    told = {"take": takes, "subject": [TAKES[t][0] for t in takes], "action": [TAKES[t][1] for t in takes]}
    true = people(len(takes))
    predicted = guess(true) + np.float32(25.0)  # moved to the root before it is compared
    predicted[4] = true[4]
    metrics = scored("motionbert", predicted, true, **told)
    of_action = defaultdict(list)
    for k, take in enumerate(takes):
        if take in ("S9_Greeting_2", "S9_SittingDown_2", "S9_Waiting_1"):
            continue
        if (mm := error(predicted[k] - predicted[k, :1], true[k] - true[k, :1])) > 0:
            of_action[TAKES[take][1]].append(mm)
    assert {action: len(errors) for action, errors in of_action.items()} == {
        "Greeting": 2,
        "Sitting": 3,
        "Waiting": 3,
        "SittingDown": 3,
    }
    assert metrics[0].value == pytest.approx(np.mean([np.mean(errors) for errors in of_action.values()]), rel=1e-6)
    assert value(metrics, "left out by the dialect") == 10


def test_takes_under_other_names_are_not_passed_over_in_silence() -> None:
    true = people(2)
    told = {"subject": ["S9", "S9"], "action": ["Greeting", "Walking"], "take": ["take 1", "take 2"]}
    with pytest.raises(ValueError, match="skips S9_Greeting_2: wanted takes S9_Greeting_1 and S9_Greeting_2, found ta"):
        scored("motionbert", guess(true), true, **told)
    told["subject"] = ["somebody", "somebody"]
    assert value(scored("motionbert", guess(true), true, **told), "left out by the dialect") == 0


ZHOU_16 = [3, 2, 1, 4, 5, 6, 0, 7, 8, 10, 16, 15, 14, 11, 12, 13]
"""MPII's 16 joints out of Human3.6M's 17, as in Zhou et al.'s code."""
ZHOU_BONES = [(0, 1), (1, 2), (2, 6), (6, 3), (3, 4), (4, 5), (10, 11), (11, 12), (12, 8), (8, 13), (13, 14), (14, 15)]
ZHOU_BONES += [(6, 8), (8, 9)]


def as_zhou_sees(predicted: Array, true: Array) -> float:
    p, g = predicted[ZHOU_16].astype(float), true[ZHOU_16].astype(float)
    length = sum(math.dist(p[a], p[b]) for a, b in ZHOU_BONES)
    p = (p - p[6]) / length * 4296.99233013 + g[6]
    p[7] = (p[6] + p[8]) / 2
    return error(p, g)


def test_zhou_joint_by_joint() -> None:
    true = people(12)
    predicted = guess(true)
    metrics = scored("zhou", predicted, true, action=["Walking"] * 9 + ["Eating"] * 3)
    each = [as_zhou_sees(p, g) for p, g in zip(predicted, true, strict=True)]
    assert metrics[0].value == pytest.approx(np.mean(each), rel=1e-6)
    for size in (0.01, 3.7):
        again = scored("zhou", predicted * np.float32(size), true, action=["Walking"] * 9 + ["Eating"] * 3)
        assert again[0].value == pytest.approx(metrics[0].value, rel=1e-5)


def body() -> dict[str, tuple[float, float, float]]:
    """Of axis-parallel bones: 6 * 3 for legs and hips, 6 * 2 for arms and shoulders, 5 + 1 for the trunk."""
    places = {"pelvis": 0.0, "spine": 2.5, "thorax": 5.0, "neck_nose": 5.5, "head_top": 6.0}
    xyz = {joint: (0.0, y, 0.0) for joint, y in places.items()}
    for side, x in (("r_", -1.0), ("l_", 1.0)):
        xyz |= {f"{side}{joint}": (3 * x * k, 0.0, 0.0) for k, joint in enumerate(("hip", "knee", "ankle"), 1)}
        xyz |= {f"{side}{joint}": (2 * x * k, 5.0, 0.0) for k, joint in enumerate(("shoulder", "elbow", "wrist"), 1)}
    return xyz


BODY = np.array([body()[joint] for joint in H36M_17.joints], dtype=np.float32)
FROM_ROOT = 2 * (3 + 6 + 9) + 2.5 + 5 + 6 + 2 * (math.sqrt(29) + math.sqrt(41) + math.sqrt(61))
"""Distances of its joints from the pelvis, added up, but for neck_nose's 5.5."""


def test_the_bone_sum_by_hand() -> None:
    assert bone_sum(torch.from_numpy(BODY)[None], H36M_17.joints, "thorax").tolist() == [18 + 12 + 6]


@pytest.mark.parametrize(
    ("spelt", "off"),
    [
        ("h36m-p1", 20),
        ("h36m-p1:bone_sum=train", 20),
        ("h36m-p1:bone_sum=truth", 0),
        ("h36m-p1:bone_sum=4296.99", 120 - 4296.99233013 / 36),
        ("h36m-p1:dialect=zhou", 120 - 4296.99233013 / 36),
        ("h36m-p1:dialect=zhou,bone_sum=4296.99", 120 - 4296.99233013 / 36),
        ("h36m-p1:dialect=zhou,bone_sum=train", 20),
        ("h36m-p1:dialect=zhou,bone_sum=truth", 0),
    ],
)
def test_predictions_are_scaled_to_a_sum_of_bones(spelt: str, off: float) -> None:
    """The body 100 and 120 times as large: bones of 3600 and 4320 mm, each joint ``off`` times its distance off."""
    evaluator = load_registries(()).evaluators.parse(spelt).build()
    predicted, true = poses(BODY[None] * 100, H36M_17, Frame.ROOT), poses(BODY[None] * 120 + 4000, H36M_17)
    total, joints = (FROM_ROOT, 16) if "zhou" in spelt else (FROM_ROOT + 5.5, 17)
    (found, *_) = score(evaluator, predicted, Target(true, labels(1)))
    assert found.value == pytest.approx(off * total / joints, abs=1e-3)
    smaller = replace(predicted, xyz=predicted.xyz * 0.5)
    if off != 20:
        assert score(evaluator, smaller, Target(true, labels(1)))[0].value == pytest.approx(found.value, abs=1e-3)


def test_a_pose_without_bones_has_no_scale() -> None:
    flat = poses(np.zeros((1, 17, 3)), H36M_17, Frame.ROOT)
    target = Target(poses(BODY[None] * 120, H36M_17), labels(1))
    metrics = score(dialect("none", bone_sum="truth"), flat, target)
    assert (metrics[0].n, value(metrics, "undefined")) == (0, 1)


def test_fourteen_joints_are_scaled_by_the_bones_of_all() -> None:
    evaluator = load_registries(()).evaluators.parse("h36m-p1:joints=14,bone_sum=truth").build()
    predicted = poses(BODY[None] * 100, H36M_17, Frame.ROOT)
    assert score(evaluator, predicted, Target(poses(BODY[None] * 120, H36M_17), labels(1)))[0].value < 1e-3


def test_scales_never_share_a_table() -> None:
    scales = [dialect(name, bone_sum=s).protocol() for name in ("none", "zhou") for s in ("train", "4296.99", "truth")]
    assert len({tuple(sorted(p.items())) for p in scales}) == 6
    assert [p["scale"] for p in scales[:3]] == [
        "as predicted",
        "14 bones add up to 4296.99233013 mm",
        "14 bones add up to the true ones",
    ]
    assert dialect("none", bone_sum="train").protocol() == dialect("none").protocol()
    with pytest.raises(ValueError, match="dialect=mmpose scales nothing; wanted no bone_sum beside it, found truth"):
        dialect("mmpose", bone_sum="truth")


def test_records_from_before_there_was_a_bone_sum_are_of_the_same_cell() -> None:
    evaluators = load_registries(()).evaluators
    assert "bone_sum" not in described(evaluators.parse("h36m-p1")).parameters
    assert "bone_sum" not in described(evaluators.parse("h36m-p1:bone_sum=auto")).parameters
    assert described(evaluators.parse("h36m-p1:bone_sum=truth")).parameters["bone_sum"] == "truth"


def test_an_image_model_s_joints_are_read_by_name() -> None:
    """In MPII_16: the neck's own place for neck_nose's, the middle between pelvis and thorax for the spine's."""
    places = body() | {"upper_neck": (0.0, 5.5, 0.0)}
    predicted = np.array([places[joint] for joint in MPII_16.joints])
    true = BODY.copy()
    for joint, mm in (("spine", 17.0), ("neck_nose", 34.0), ("r_wrist", 51.0)):
        true[H36M_17.index(joint), 2] += mm / 100
    target = Target(poses(true[None] * 100 + 4000, H36M_17), labels(1))
    found = score(dialect("none"), poses(predicted[None] * 100, MPII_16, Frame.ROOT), target)
    assert found[0].value == pytest.approx(1 + 2 + 3, abs=1e-3)
    fourteen = load_registries(()).evaluators.parse("h36m-p1:joints=14").build()
    found = score(fourteen, poses(predicted[None] * 100, MPII_16, Frame.ROOT), target)
    assert found[0].value == pytest.approx(51 / 14, abs=1e-3)


def test_a_dialect_decides_for_itself() -> None:
    evaluators = load_registries(()).evaluators
    with pytest.raises(ValueError, match="dialect=mmpose decides joints, root and average"):
        evaluators.parse("h36m-p1:dialect=mmpose,joints=14").build()
    protocols = [dialect(name).protocol() for name in DIALECTS]
    assert [p["dialect"] for p in protocols] == ["martinez", "videopose3d", "mmpose", "motionbert", "zhou"]
    assert dialect("none").protocol() == H36MProtocol1().protocol()
    choices = evaluators["h36m-p1"].parameters["dialect"].choices
    assert choices == ("none", *DIALECTS)


def test_through_the_runner(tmp_path: Path) -> None:
    """The toys' right hip is 34 mm off: 2 mm of 17 joints. 15 samples fill no batch of 64, 320 fill five."""
    names = [f"h36m-p1:dialect={name}" for name in DIALECTS]
    asked = matrix("toy:off_mm=34", evaluators=tuple(names), known=with_evaluators())
    records = dict(zip(DIALECTS, run(asked, tmp_path), strict=True))
    martinez = records.pop("martinez")
    assert martinez.failure is not None
    assert "wanted a batch of 64" in martinez.failure.message
    del records["zhou"]
    assert [r.metrics[0].value for r in records.values()] == pytest.approx([2.0] * 3, abs=1e-4)
    large = (("large", toy_dataset(64, "large")),)
    (record,) = run(matrix("toy:off_mm=34", evaluators=(names[0],), datasets=large, known=with_evaluators()), tmp_path)
    assert record.metrics[0].value == pytest.approx(2.0, abs=1e-4)
    assert record.metrics[0].n == 128 + 128
