"""MPI-INF-3DHP's evaluation: known answers, Zhou et al.'s variant worked out joint by joint, groups, gaps."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from benchsuite_evaluators.mpi_inf_3dhp import MPIInf3DHP
from benchsuite_registry.contracts import Metric
from benchsuite_registry.poses import Frame, Target
from benchsuite_registry.skeletons import COCO_17, H36M_17, MPI_INF_3DHP_17, MPII_16
from matrices import matrix, run
from scored import find, labels, poses, score, value, with_evaluators
from toys import toy_dataset

ROOT, SPINE, HEAD = 14, 15, 16
ZHOU_ORDER = [11, 10, 9, 12, 13, 14, 15, 16, 2, 1, 5, 4, 3, 6, 7, 8]
"""The 16 MPII joints out of MPI-INF-3DHP's, counted from 1, as in Zhou et al.'s code."""
ZHOU_BONES = [(0, 1), (1, 2), (2, 6), (6, 3), (3, 4), (4, 5), (10, 11), (11, 12), (12, 8), (8, 13), (13, 14), (14, 15)]
ZHOU_BONES += [(6, 8), (8, 9)]


def truth(count: int = 1, seed: int = 0) -> np.ndarray:
    """People of whole millimetres, 4 m away."""
    return np.random.default_rng(seed).normal((0, 0, 4000), (200, 500, 150), (count, 17, 3)).round()


def target(xyz: np.ndarray, **told: list[str]) -> Target:
    return Target(poses(xyz, MPI_INF_3DHP_17), labels(len(xyz), **told))


def scored(off: np.ndarray, protocol: str = "official", **told: list[str]) -> tuple[Metric, ...]:
    """Of predictions that are ``off`` (B, 17, 3) mm from the truth."""
    xyz = truth(len(off))
    return score(MPIInf3DHP(protocol), poses(xyz + off, MPI_INF_3DHP_17), target(xyz, **told))  # type: ignore[arg-type]


def all_off(error: float) -> np.ndarray:
    off = np.zeros((1, 17, 3))
    off[0, :ROOT, 1] = error
    return off


@pytest.mark.parametrize(
    ("error", "pck", "auc"),
    [(0, 100, 96.774), (75, 100, 48.387), (74.9, 100, 51.613), (150, 0, 0), (149.999, 100, 3.226)],
)
def test_known_answers(error: float, pck: float, auc: float) -> None:
    metrics = scored(all_off(error))
    assert metrics[0] == find(metrics, "PCK")
    assert value(metrics, "PCK") == pytest.approx(pck)
    assert value(metrics, "AUC") == pytest.approx(auc, abs=5e-4)
    assert value(metrics, "MPJPE") == pytest.approx(14 / 17 * error, abs=1e-3)


def test_pelvis_spine_and_head_do_not_count() -> None:
    off = np.zeros((1, 17, 3))
    off[0, [SPINE, HEAD, 4], 0] = 1000.0
    metrics = scored(off)
    assert value(metrics, "PCK") == pytest.approx(92.857, abs=5e-4)
    off[0, 4] = 0.0
    assert value(scored(off), "PCK") == 100.0
    assert value(scored(off), "MPJPE") == pytest.approx(2000 / 17)


def test_poses_are_aligned_at_the_pelvis() -> None:
    assert value(scored(np.full((1, 17, 3), 777.0)), "MPJPE") == pytest.approx(0.0, abs=1e-9)
    off = np.zeros((1, 17, 3))
    off[0, ROOT, 2] = 160.0  # a wrong pelvis moves all others
    assert value(scored(off), "PCK") == 0.0


SCENES = {"GS": (71.1, (603, 540)), "no GS": (64.7, (505, 553)), "outdoor": (72.7, (276, 452))}


def test_the_headline_weighs_sequences_by_their_frames() -> None:
    """Zhou et al.'s Table: 71.1, 64.7 and 72.7 in the scenes give 69.2 over all frames."""
    pck, sequence, scene = [], [], []
    for kind, (share, lengths) in SCENES.items():
        for length in lengths:
            sequence += [f"TS{len(set(sequence)) + 1}"] * length
            scene += [kind] * length
            pck += [share] * length
    measured = {name: np.array(pck) for name in ("PCK", "AUC", "MPJPE")}
    none = np.zeros(len(pck), dtype=bool)
    told = labels(len(pck), subject=sequence, camera=scene)
    metrics = MPIInf3DHP().summarise({**measured, "undefined": none, "unlabelled": none}, told)
    assert value(metrics, "PCK") == pytest.approx(69.186, abs=5e-4)
    assert f"{value(metrics, 'PCK'):.1f}" == "69.2"
    assert value(metrics, "PCK avg_sequences") == pytest.approx(69.5)
    assert (find(metrics, "PCK").n, find(metrics, "PCK", "sequence=TS4").n) == (2929, 553)
    assert value(metrics, "PCK", "scene=no GS") == pytest.approx(64.7)
    assert find(metrics, "PCK", "scene=outdoor").n == 728


def test_each_activity_and_the_direction_that_is_better() -> None:
    off = np.concatenate((all_off(0), all_off(75), all_off(200)))
    metrics = scored(off, action=["Sports", "Sports", "Sitting"], subject=["TS1", "TS2", "TS2"])
    assert value(metrics, "PCK", "activity=Sports") == 100.0
    assert value(metrics, "PCK", "activity=Sitting") == 0.0
    assert value(metrics, "PCK") == pytest.approx(200 / 3)
    assert value(metrics, "PCK avg_sequences") == pytest.approx(75.0)
    assert {(m.name, m.better) for m in metrics[:1]} == {("PCK", "higher")}
    assert find(metrics, "MPJPE").better == "lower"
    assert not [m for m in metrics if m.group.startswith("scene=")]


def as_zhou_sees(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Errors (16,) mm, one joint after the other."""
    p = np.array([predicted[j - 1] for j in ZHOU_ORDER])
    g = np.array([true[j - 1] for j in ZHOU_ORDER])
    shift = 0.2 * (p[8] - p[6])
    for joint in (6, 2, 3):
        p[joint] = p[joint] + shift
    p[7] = p[6] + (p[8] - p[6]) / 2
    long = sum(math.dist(p[a], p[b]) for a, b in ZHOU_BONES)
    wanted = sum(math.dist(g[a], g[b]) for a, b in ZHOU_BONES)
    return np.array([math.dist((p[j] - p[6]) * wanted / long, g[j] - g[6]) for j in range(16)])


def test_zhou_joint_by_joint() -> None:
    xyz = truth(30)
    guess = xyz * 1.3 + np.random.default_rng(1).normal(0, 90, xyz.shape)
    metrics = score(MPIInf3DHP("zhou"), poses(guess, MPI_INF_3DHP_17), target(xyz))
    errors = np.array([as_zhou_sees(p, g) for p, g in zip(guess.astype(np.float32), xyz, strict=True)])
    counted = np.delete(errors, (6, 7), axis=1)
    assert 20 < value(metrics, "PCK") < 80
    assert value(metrics, "PCK") == pytest.approx(100 * (counted <= 150).mean())
    assert value(metrics, "AUC") == pytest.approx(100 * np.mean([(counted <= 5 * k).mean() for k in range(31)]))
    assert value(metrics, "MPJPE") == pytest.approx(errors.mean(), rel=1e-6)


def test_zhou_takes_no_notice_of_size() -> None:
    xyz = truth(10)
    guess = xyz + np.random.default_rng(1).normal(0, 60, xyz.shape)
    sizes = [score(MPIInf3DHP("zhou"), poses(guess * s, MPI_INF_3DHP_17), target(xyz)) for s in (1.0, 0.37, 4.0)]
    assert len({round(value(m, "MPJPE"), 3) for m in sizes}) == 1


def test_at_the_threshold_zhou_is_right_and_the_official_protocol_wrong() -> None:
    """A body along the axes, so that every length is exact; the right wrist is on the wrong side of its elbow."""
    body = dict.fromkeys(MPI_INF_3DHP_17.joints, (0.0, 0.0, 0.0))
    body |= {"neck": (0, -400, 0), "head_top": (0, -600, 0), "spine": (0, -200, 0), "head": (0, -500, 0)}
    for side, x in (("r_", -1), ("l_", 1)):
        body |= {side + "hip": (100 * x, 0, 0), side + "knee": (100 * x, 400, 0), side + "ankle": (100 * x, 800, 0)}
        body |= {side + "shoulder": (150 * x, -400, 0), side + "elbow": (150 * x, -150, 0)}
        body |= {side + "wrist": (225 * x, -150, 0)}
    true = np.array([[body[joint] for joint in MPI_INF_3DHP_17.joints]], dtype=float)
    wrong = true.copy()
    wrong[0, MPI_INF_3DHP_17.index("r_wrist")] = (-75, -150, 0)
    before = wrong + np.array((0.0, -100.0, 0.0))  # what Zhou et al.'s shift of hips and pelvis turns into it
    for joint in ("pelvis", "r_hip", "l_hip"):
        before[0, MPI_INF_3DHP_17.index(joint)] += (0.0, 100.0, 0.0)
    official = score(MPIInf3DHP(), poses(wrong, MPI_INF_3DHP_17), target(true))
    zhou = score(MPIInf3DHP("zhou"), poses(before, MPI_INF_3DHP_17), target(true))
    assert value(official, "PCK") == pytest.approx(100 * 13 / 14)
    assert value(zhou, "PCK") == 100.0
    assert value(zhou, "AUC") == pytest.approx(100 * (13 + 1 / 31) / 14)
    assert value(zhou, "MPJPE") == pytest.approx(150 / 16)


def test_poses_of_human36m_are_read_by_name() -> None:
    """Its thorax stands for the neck, its neck_nose for the head."""
    stands_for = {"neck": "thorax", "head": "neck_nose"}
    xyz = truth(1)
    other = np.zeros((1, 17, 3))
    for k, joint in enumerate(MPI_INF_3DHP_17.joints):
        other[0, H36M_17.index(stands_for.get(joint, joint))] = xyz[0, k]
    assert value(score(MPIInf3DHP(), poses(other, H36M_17), target(xyz)), "MPJPE") == pytest.approx(0.0, abs=1e-6)
    other[0, H36M_17.index("thorax"), 0] += 340.0
    off = score(MPIInf3DHP(), poses(other, H36M_17), target(xyz))
    assert value(off, "MPJPE") == pytest.approx(20.0)
    assert value(off, "PCK") == pytest.approx(100 * 13 / 14)
    assert score(MPIInf3DHP(), poses(xyz[:, :16], MPII_16), target(xyz))[0].n == 1  # upper_neck stands for the head
    with pytest.raises(ValueError, match="needs head_top, head, which skeleton COCO_17 of the predicted poses"):
        MPIInf3DHP().measure(poses(xyz, COCO_17), target(xyz))


@pytest.mark.parametrize("protocol", ["official", "zhou"])
def test_image_models_against_rendered_people(protocol: Literal["official", "zhou"]) -> None:
    """Predictions in MPII_16, the truth in H36M_17: same hips, so nothing is moved; the spine stands halfway."""
    people = np.random.default_rng(3).normal((0, 0, 4000), (200, 500, 150), (2, 17, 3)).round()
    true = {joint: people[:, k] for k, joint in enumerate(H36M_17.joints)}
    given = true | {"upper_neck": true["neck_nose"]}
    predicted = np.stack([given[joint] for joint in MPII_16.joints], axis=1)
    halfway = people.copy()
    halfway[:, H36M_17.index("spine")] = (true["pelvis"] + true["thorax"]) / 2
    both = Target(poses(halfway, H36M_17), labels(2, camera=["street", "forest"]))
    metrics = score(MPIInf3DHP(protocol), poses(predicted - predicted[:, 6:7], MPII_16, Frame.ROOT), both)
    assert value(metrics, "MPJPE") == pytest.approx(0.0, abs=1e-3)
    assert [value(metrics, "PCK", f"scene={place}") for place in ("street", "forest")] == [100.0, 100.0]
    predicted[1, MPII_16.index("thorax"), 1] += 170.0  # the neck is one of 14 joints
    if protocol == "official":
        metrics = score(MPIInf3DHP(), poses(predicted, MPII_16), both)
        assert value(metrics, "PCK", "scene=forest") == pytest.approx(100 * 13 / 14)
        assert value(metrics, "AUC", "scene=street") == pytest.approx(100 * 30 / 31)
        assert value(metrics, "MPJPE") == pytest.approx((170 + 85) / 17 / 2, abs=1e-3)  # half of it in the spine


def test_hips_are_moved_towards_those_of_mpi_inf_3dhp_alone() -> None:
    """A body whose hips lie a fifth lower than MPI-INF-3DHP's is its body under zhou, and no other's."""
    high = truth(4, seed=7)
    low = high.copy()
    for joint in ("pelvis", "l_hip", "r_hip"):  # p + 0.2 (neck - pelvis) = q
        low[:, MPI_INF_3DHP_17.index(joint)] -= 0.25 * (high[:, 1] - high[:, ROOT])
    high[:, SPINE] = (high[:, ROOT] + high[:, 1]) / 2
    metrics = score(MPIInf3DHP("zhou"), poses(low, MPI_INF_3DHP_17), target(high))
    assert value(metrics, "MPJPE") == pytest.approx(0.0, abs=1e-3)
    joints = [H36M_17.joints.index({"neck": "thorax", "head": "neck_nose"}.get(j, j)) for j in MPI_INF_3DHP_17.joints]
    elsewhere = np.empty_like(high)
    elsewhere[:, joints] = high
    other = Target(poses(elsewhere, H36M_17), labels(4))
    assert value(score(MPIInf3DHP("zhou"), poses(high, MPI_INF_3DHP_17), other), "MPJPE") < 1e-3
    assert value(score(MPIInf3DHP("zhou"), poses(low, MPI_INF_3DHP_17), other), "MPJPE") > 10.0


def test_what_is_missing() -> None:
    xyz = truth(3)
    guess, true = xyz.copy(), xyz.copy()
    guess[0, 4] = math.nan
    guess[1, ROOT] = math.nan
    true[2, 7] = math.nan
    metrics = score(MPIInf3DHP(), poses(guess, MPI_INF_3DHP_17), target(true))
    assert value(metrics, "PCK") == pytest.approx((100 * 13 / 14 + 0) / 2)
    assert value(metrics, "AUC") == pytest.approx(100 * 30 / 31 * 13 / 14 / 2)
    assert math.isnan(value(metrics, "MPJPE"))
    assert (value(metrics, "undefined"), value(metrics, "unlabelled"), metrics[0].n) == (2, 1, 2)


def test_many_subjects_are_not_listed_one_by_one() -> None:
    metrics = scored(np.zeros((41, 17, 3)), subject=[f"body {k}" for k in range(41)])
    assert not [m for m in metrics if m.group.startswith("sequence=")]
    assert value(metrics, "PCK avg_sequences") == 100.0


def test_the_two_protocols_never_share_a_column() -> None:
    official, zhou = MPIInf3DHP().protocol(), MPIInf3DHP("zhou").protocol()
    assert official["protocol"] != zhou["protocol"]
    assert MPIInf3DHP(bootstrap=0).protocol() == official
    with pytest.raises(ValueError, match="bootstrap: wanted 0 draws or more, found -1"):
        MPIInf3DHP(bootstrap=-1)


def test_batches_do_not_matter() -> None:
    xyz = truth(20)
    guess = poses(xyz + np.random.default_rng(1).normal(0, 90, xyz.shape), MPI_INF_3DHP_17)
    for evaluator in (MPIInf3DHP(), MPIInf3DHP("zhou")):
        whole = evaluator.measure(guess, target(xyz))
        for start, stop in pairwise((0, 1, 8, 20)):
            rows = slice(start, stop)
            part = evaluator.measure(guess.rows(rows), target(xyz).rows(rows))
            for name, column in part.items():
                np.testing.assert_allclose(column, whole[name][rows], rtol=1e-12)


def test_through_the_runner(tmp_path: Path) -> None:
    """The toys' right hip is 200 mm off: one of 14 joints is wrong."""
    toys = toy_dataset()
    outdoors = replace(toys, clips=tuple(replace(clip, camera="outdoor") for clip in toys.clips))
    both = ("mpi-inf-3dhp", "mpi-inf-3dhp:protocol=zhou")
    asked = matrix("toy:off_mm=200", evaluators=both, known=with_evaluators(), datasets=(("toy", outdoors),))
    official, zhou = run(asked, tmp_path)
    assert official.failure is None
    assert official.metrics[0].value == pytest.approx(100 * 13 / 14)
    assert zhou.failure is None
    for group in ("sequence=toy", "scene=outdoor"):
        assert value(official.metrics, "PCK", group) == official.metrics[0].value
    flat = (("flat", toy_dataset(poses=False)),)
    with pytest.raises(ValueError, match="dataset flat has no column 'xyz', which evaluator mpi-inf-3dhp needs"):
        matrix("toy", evaluators=("mpi-inf-3dhp",), known=with_evaluators(), datasets=flat)


def test_poses_in_the_root_frame_are_welcome() -> None:
    xyz = truth(2)
    rooted = poses(xyz - xyz[:, ROOT, None], MPI_INF_3DHP_17, Frame.ROOT)
    assert value(score(MPIInf3DHP(), rooted, target(xyz)), "MPJPE") == pytest.approx(0.0, abs=1e-3)
