"""Human3.6M's Protocol #1, from the registry to its metrics."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from benchsuite_evaluators.h36m import H36MProtocol1
from benchsuite_registry.contracts import Evaluator, Metric
from benchsuite_registry.loading import load_registries
from benchsuite_registry.poses import Category, Frame, Labels, PoseBatch, Target
from benchsuite_registry.registries import WrongParameter
from benchsuite_registry.skeletons import COCO_17, H36M_17, MPII_16, Skeleton
from torch import Tensor

COUNTED = {
    17: H36M_17.joints,
    16: tuple(j for j in H36M_17.joints if j != "neck_nose"),
    14: tuple(j for j in H36M_17.joints if j not in ("pelvis", "spine", "neck_nose")),
}


def labelled(actions: Sequence[str], clips: Sequence[int]) -> Labels:
    def category(values: Sequence[str]) -> Category:
        names = tuple(dict.fromkeys(values))
        return Category(torch.tensor([names.index(v) for v in values], dtype=torch.int64), names)

    return Labels(category(actions), category(["S9"] * len(actions)), category([f"clip {c}" for c in clips]))


def posed(xyz: Tensor, frame: Frame = Frame.CAMERA, skeleton: Skeleton = H36M_17) -> PoseBatch:
    return PoseBatch(xyz, frame, skeleton, torch.arange(len(xyz)))


def scene(count: int, actions: int = 3, frames: int = 4, seed: int = 0) -> Target:
    """People 5 m away; each clip has ``frames`` samples, clips take turns through the actions."""
    xyz = np.random.default_rng(seed).normal((0.0, 0.0, 5000.0), (150.0, 450.0, 100.0), (count, 17, 3))
    clips = [i // frames for i in range(count)]
    labels = labelled([f"action {c % actions}" for c in clips], clips)
    return Target(posed(torch.from_numpy(xyz).float()), labels)


def guess(target: Target, spread: float, seed: int = 1) -> PoseBatch:
    """Root-relative predictions, normally distributed around the truth."""
    noise = np.random.default_rng(seed).normal(0.0, spread, target.poses.xyz.shape)
    return posed(target.poses.xyz + torch.from_numpy(noise).float()).root_relative()


def moved(target: Target, errors: Sequence[float]) -> PoseBatch:
    """The truth with every joint but the root off by ``errors`` of each sample, so MPJPE is 16/17 of it."""
    offset = torch.zeros_like(target.poses.xyz)
    offset[:, 1:, 0] = torch.tensor(errors)[:, None]
    return posed(target.poses.xyz + offset)


def score(poses: PoseBatch, target: Target, evaluator: Evaluator | None = None) -> tuple[Metric, ...]:
    evaluator = evaluator or H36MProtocol1()
    return evaluator.summarise(evaluator.measure(poses, target), target.labels)


def find(metrics: tuple[Metric, ...], name: str, group: str = "") -> Metric:
    (found,) = (m for m in metrics if (m.name, m.group) == (name, group))
    return found


def without_intervals(metrics: tuple[Metric, ...]) -> list[Metric]:
    return [replace(m, value=round(m.value, 9), low=None, high=None) for m in metrics]


def test_the_registry_builds_it_from_a_command_line() -> None:
    evaluators = load_registries().evaluators
    built = evaluators.parse("h36m-p1:joints=14,average=frames,bootstrap=0").build()
    assert isinstance(built, Evaluator)
    assert built.protocol()["joints"] == 14
    assert evaluators.component("h36m-p1").build().protocol() == H36MProtocol1().protocol()
    with pytest.raises(WrongParameter, match="joints: wanted one of 17, 16, 14, found 15"):
        evaluators.parse("h36m-p1:joints=15")
    with pytest.raises(ValueError, match="bootstrap: wanted 0 draws or more, found -1"):
        evaluators.parse("h36m-p1:bootstrap=-1").build()


def test_listing_it_imports_no_torch() -> None:
    code = "import benchsuite_evaluators as p, sys; list(p.benchsuite_evaluators()); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_truth_scores_zero_wherever_it_stands() -> None:
    target = scene(24)
    far = posed(target.poses.xyz + torch.tensor([1024.0, -512.0, 2048.0]))
    for poses in (target.poses, target.poses.root_relative(), far):
        metrics = score(poses, target)
        assert all(m.value == pytest.approx(0.0, abs=1e-3) for m in metrics)  # float32 stands 5 m away
        assert (metrics[0].name, metrics[0].group, metrics[0].unit, metrics[0].n) == ("MPJPE", "", "mm", 24)


def test_a_joint_off_by_3_and_4() -> None:
    target = scene(1)
    poses = posed(target.poses.xyz.clone())
    poses.xyz[0, 3] += torch.tensor([3.0, 4.0, 0.0])
    assert score(poses, target)[0].value == pytest.approx(5 / 17, abs=1e-4)


def test_rotation_and_scale_cost_what_the_figures_say() -> None:
    target = scene(24)
    root_relative = target.poses.root_relative()
    quarter_turn = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    turned = score(replace(root_relative, xyz=root_relative.xyz @ quarter_turn), target)
    assert find(turned, "MPJPE").value > 100
    assert find(turned, "N-MPJPE").value > 100
    assert find(turned, "P-MPJPE").value == pytest.approx(0.0, abs=1e-3)
    larger = score(replace(root_relative, xyz=root_relative.xyz * 1.5), target)
    assert find(larger, "MPJPE").value > 100
    assert find(larger, "N-MPJPE").value == pytest.approx(0.0, abs=1e-3)
    assert find(larger, "P-MPJPE").value == pytest.approx(0.0, abs=1e-3)


def test_both_averages_and_the_actions() -> None:
    target = replace(scene(4), labels=labelled(["walk", "sit", "sit", "sit"], [0, 1, 2, 2]))
    poses = moved(target, [e * 17 / 16 for e in (10.0, 20.0, 20.0, 20.0)])
    metrics = score(poses, target)
    assert metrics[0] == find(metrics, "MPJPE")
    assert [round(m.value, 3) for m in metrics[:4]] == [15.0, 17.5, 10.0, 20.0]
    assert [(m.name, m.group) for m in metrics[:4]] == [
        ("MPJPE", ""),
        ("MPJPE avg_frames", ""),
        ("MPJPE", "action=walk"),
        ("MPJPE", "action=sit"),
    ]
    assert [m.n for m in metrics[:4]] == [4, 4, 1, 3]
    other = score(poses, target, H36MProtocol1(average="frames"))
    assert other[0] == find(other, "MPJPE")
    assert other[0].value == pytest.approx(17.5, abs=1e-3)
    assert find(other, "MPJPE avg_actions").value == pytest.approx(15.0, abs=1e-3)
    for name in ("P-MPJPE", "N-MPJPE"):
        assert {m.group for m in metrics if m.name == name} == {"", "action=walk", "action=sit"}
        assert find(metrics, f"{name} avg_frames").n == 4


def test_the_root_counts_or_not() -> None:
    target = scene(24)
    poses = guess(target, 40.0)
    counted, excluded = H36MProtocol1(), H36MProtocol1(root="excluded")
    for m, other in zip(score(poses, target, counted), score(poses, target, excluded), strict=True):
        if m.name.startswith("MPJPE"):
            assert m.value == pytest.approx(16 / 17 * other.value)
    assert (counted.protocol()["root"], excluded.protocol()["root"]) == ("counted", "excluded")
    assert H36MProtocol1(joints=14).protocol()["root"] == "excluded"


@pytest.mark.parametrize("joints", [17, 16, 14])
def test_which_joints_count(joints: int) -> None:
    """Each joint in turn is put off by 3400 mm; it costs its share of the mean or nothing at all."""
    target = scene(1)
    for joint in H36M_17.joints[1:]:
        poses = posed(target.poses.xyz.clone())
        poses.xyz[0, H36M_17.index(joint), 1] += 3400.0
        wanted = 3400 / joints if joint in COUNTED[joints] else 0.0
        assert score(poses, target, H36MProtocol1(joints=joints))[0].value == pytest.approx(wanted, abs=1e-3)


def test_roots_are_aligned_in_float64() -> None:
    target = scene(24)
    poses = posed(target.poses.xyz + 1000 / 3)
    p, g = (b.xyz.numpy().astype(np.float64) for b in (poses, target.poses))
    wanted = np.linalg.norm((p - p[:, :1]) - (g - g[:, :1]), axis=2).mean(axis=1)
    np.testing.assert_allclose(H36MProtocol1().measure(poses, target)["MPJPE"], wanted, rtol=0, atol=1e-12)


def test_joints_are_matched_by_name() -> None:
    target = scene(24)
    order = np.random.default_rng(3).permutation(17).tolist()
    shuffled = Skeleton("SHUFFLED_17", tuple(H36M_17.joints[j] for j in order), (-1,) * 17)
    poses = guess(target, 40.0)
    again = posed(poses.xyz[:, order], Frame.ROOT, shuffled)
    assert without_intervals(score(again, target)) == without_intervals(score(poses, target))


def test_a_skeleton_without_a_counted_joint_is_refused() -> None:
    target = scene(4)
    with pytest.raises(ValueError, match=r"joints=17 needs neck_nose, head_top, which skeleton COCO_17 of the pred"):
        H36MProtocol1().measure(posed(torch.zeros(4, 17, 3), Frame.ROOT, COCO_17), target)


def test_a_skeleton_that_interpolates_is_scored() -> None:
    target = scene(4)
    columns = [H36M_17.index("neck_nose" if j == "upper_neck" else j) for j in MPII_16.joints]
    poses = posed(target.poses.xyz[:, columns], skeleton=MPII_16)
    middle = (target.poses.xyz[:, 0] + target.poses.xyz[:, 8]) / 2
    wanted = (middle - target.poses.xyz[:, 7]).norm(dim=1).mean() / 17
    assert score(poses, target, H36MProtocol1(average="frames"))[0].value == pytest.approx(float(wanted), rel=1e-4)


def test_missing_joints_are_counted_and_harm_nobody_else() -> None:
    target = scene(24)
    poses = guess(target, 40.0)
    whole = H36MProtocol1().measure(poses, target)
    xyz = poses.xyz.clone()
    xyz[2, 5, 1], xyz[3, 9, 0], xyz[4, 0, 2] = math.nan, math.inf, math.nan
    broken = H36MProtocol1().measure(replace(poses, xyz=xyz), target)
    kept = np.setdiff1d(np.arange(24), [2, 3, 4])
    for name in ("MPJPE", "P-MPJPE", "N-MPJPE"):
        assert np.array_equal(broken[name][kept], whole[name][kept])
        assert np.isnan(broken[name][[2, 3, 4]]).all()
    metrics = H36MProtocol1(average="frames").summarise(broken, target.labels)
    assert metrics[0].value == pytest.approx(whole["MPJPE"][kept].mean())
    assert metrics[0].n == 21
    assert (find(metrics, "undefined").value, find(metrics, "undefined").n) == (3, 24)
    assert find(metrics, "undefined share").value == pytest.approx(12.5)
    # neck_nose is not among the 16 joints, so there sample 3 is whole; the root is always needed
    sixteen = H36MProtocol1(joints=16).measure(replace(poses, xyz=xyz), target)
    assert np.flatnonzero(sixteen["undefined"]).tolist() == [2, 4]


def test_incomplete_truth_is_not_the_methods_fault() -> None:
    target = scene(24)
    poses = guess(target, 40.0)
    target.poses.xyz[7, 2], target.poses.xyz[8, 2] = math.nan, math.inf
    poses.xyz[7, 4] = math.nan
    metrics = score(poses, target)
    assert (find(metrics, "undefined").value, find(metrics, "unlabelled").value, metrics[0].n) == (0, 2, 22)
    assert np.isnan(H36MProtocol1().measure(poses, target)["MPJPE"][7:9]).all()


def test_a_method_that_fails_a_whole_action_has_no_headline() -> None:
    target = scene(24)
    poses = guess(target, 40.0)
    poses.xyz[target.labels.action.codes == 1] = math.nan
    metrics = score(poses, target)
    assert math.isnan(metrics[0].value)
    assert find(metrics, "MPJPE avg_frames").n == 16


def test_intervals_need_more_than_one_clip() -> None:
    target = scene(36)
    metrics = score(guess(target, 40.0), target)
    for metric in metrics[:5]:
        assert metric.low is not None
        assert metric.high is not None
        assert metric.low < metric.value < metric.high
    alone = score(guess(target, 40.0), target.rows(slice(0, 36)), H36MProtocol1(bootstrap=0))
    assert all(m.low is None for m in alone)
    lonely = scene(20, actions=4)  # five clips: only the first action has two
    found = score(guess(lonely, 40.0), lonely)
    assert find(found, "MPJPE").low is None
    assert find(found, "MPJPE avg_frames").low is not None
    assert find(found, "MPJPE", "action=action 0").low is not None
    assert find(found, "MPJPE", "action=action 1").low is None


def test_data_without_actions_are_one_group() -> None:
    target = replace(scene(12), labels=labelled([""] * 12, [i // 4 for i in range(12)]))
    metrics = score(guess(target, 40.0), target)
    assert {m.group for m in metrics} == {"", "action=all"}
    assert find(metrics, "MPJPE").value == pytest.approx(find(metrics, "MPJPE avg_frames").value)


def test_batches_and_order_do_not_matter() -> None:
    target = scene(36)
    poses = guess(target, 40.0)
    evaluator = H36MProtocol1()
    whole = score(poses, target)
    pieces = [evaluator.measure(poses.rows(slice(i, i + 7)), target.rows(slice(i, i + 7))) for i in range(0, 36, 7)]
    joined = {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}
    assert without_intervals(evaluator.summarise(joined, target.labels)) == without_intervals(whole)
    shuffled = torch.randperm(36, generator=torch.Generator().manual_seed(0))
    again = score(poses.rows(shuffled), target.rows(shuffled))
    assert sorted(map(str, without_intervals(again))) == sorted(map(str, without_intervals(whole)))


def test_poses_of_other_samples_are_refused() -> None:
    target = scene(8)
    with pytest.raises(ValueError, match="the target's 4 samples"):
        H36MProtocol1().measure(target.poses.rows(slice(4, 8)), target.rows(slice(0, 4)))


def test_nothing_to_score() -> None:
    target = scene(8).rows(slice(0, 0))
    metrics = score(target.poses, target)
    assert math.isnan(metrics[0].value)
    assert metrics[0].n == 0


def test_the_protocol_tells_apart_what_may_not_share_a_column() -> None:
    settings: list[dict[str, int | str]] = [
        {},
        {"joints": 16},
        {"joints": 14},
        {"root": "excluded"},
        {"average": "frames"},
    ]
    protocols = [H36MProtocol1(**s).protocol() for s in settings]  # type: ignore[arg-type]
    assert all(a != b for i, a in enumerate(protocols) for b in protocols[:i])
    assert H36MProtocol1(bootstrap=10).protocol() == protocols[0]
