"""Targets, losses and bones of the image models, by hand."""

from __future__ import annotations

import math

import pytest
import torch
from benchsuite_image_models.bones import BONES, bone_lengths, geometric_loss, sized
from benchsuite_image_models.losses import depth_loss, discriminator_loss, generator_loss, heat_map_loss, zhou_loss
from benchsuite_image_models.targets import Targets, targets, weak_perspective
from benchsuite_registry.skeletons import MPII_16
from torch import Tensor

NAN = float("nan")
ALL = torch.ones(1, 16, dtype=torch.bool)


def standing() -> Tensor:
    """A pose (1, 16, 3) whose proportions are those the geometric loss asks for; arms, legs and trunk in a plane."""
    pose = torch.zeros(16, 3)
    pose[2, 0], pose[3, 0] = -0.2, 0.2
    for hip, knee, ankle in ((2, 1, 0), (3, 4, 5)):
        pose[knee] = pose[hip] + torch.tensor([0.0, 0.6, 0.8])
        pose[ankle] = pose[knee] + torch.tensor([0.0, 0.8, -0.6]) / 1.0085885
    pose[7] = torch.tensor([0.0, -1.0, 0.0])
    pose[8], pose[9] = pose[7] * 1.2, pose[7] * 1.5
    for shoulder, elbow, wrist, side in ((12, 11, 10, -1), (13, 14, 15, 1)):
        pose[shoulder] = pose[7] + torch.tensor([0.3 * side, 0.0, 0.0])
        pose[elbow] = pose[shoulder] + torch.tensor([0.5 * side, 0.0, 0.0])
        pose[wrist] = pose[elbow] + torch.tensor([0.0, 0.5, 0.0]) / 1.1375361
    return pose[None]


def geometric(pose: Tensor, known: Tensor = ALL, **form: str) -> float:
    return geometric_loss(pose[..., :2], pose[..., 2], known, **form).item()  # type: ignore[arg-type]


def only(*joints: int) -> Tensor:
    known = torch.zeros(1, 16, dtype=torch.bool)
    known[0, list(joints)] = True
    return known


def hips(right: float, left: float) -> Tensor:
    pose = torch.zeros(1, 16, 3)
    pose[0, 2, 0], pose[0, 3, 0] = -right, left
    return pose


def test_bones_are_fourteen_and_named() -> None:
    named = {tuple(sorted((MPII_16.joints[a], MPII_16.joints[b]))) for a, b in BONES}
    assert len(named) == 14
    assert ("pelvis", "r_hip") in named
    assert ("head_top", "thorax") in named
    assert not any("upper_neck" in bone for bone in named)


def test_geometric_loss_is_zero_for_a_body_of_those_proportions() -> None:
    assert geometric(standing()) == pytest.approx(0.0, abs=1e-9)
    assert geometric(standing(), form="paper") == pytest.approx(0.0, abs=1e-12)
    bent = standing()
    bent[0, 5, 2] += 0.1
    assert geometric(bent) > 1e-4


def test_geometric_loss_by_hand() -> None:
    assert geometric(hips(1.0, 3.0), only(2, 3, 6)) == pytest.approx(1.0)
    assert geometric(hips(1.0, 3.0), only(2, 3, 6), form="paper") == pytest.approx(1 / 134.2**2)
    leg = torch.zeros(1, 16, 3)
    leg[0, 1, 1], leg[0, 0, 1] = 2.0, 3.0  # thigh 2, shin 1
    half_gap = (2 - 1.0085885) / 2
    assert geometric(leg, only(0, 1, 2)) == pytest.approx(half_gap**2, rel=1e-5)
    ratio_gap = (2 / 456.0086 - 1 / 452.1255) / 2
    assert geometric(leg, only(0, 1, 2), form="paper") == pytest.approx(ratio_gap**2, rel=1e-5)


def test_geometric_loss_leaves_out_bones_that_are_not_known() -> None:
    assert geometric(hips(1.0, 3.0), only(2, 6)) == 0.0
    unknown = hips(1.0, 3.0)
    unknown[0, 10:] = NAN
    unknown[..., 2] = 0.0
    assert geometric(unknown, only(2, 3, 6)) == pytest.approx(1.0)


def test_geometric_loss_does_not_see_the_sign_of_depth_nor_the_distance() -> None:
    torch.manual_seed(0)
    pose = torch.randn(1, 16, 3)
    mirrored, moved = pose * torch.tensor([1.0, 1.0, -1.0]), pose + torch.tensor([0.0, 0.0, 5.0])
    assert geometric(mirrored) == pytest.approx(geometric(pose))
    assert geometric(moved) == pytest.approx(geometric(pose), rel=1e-4)


def test_geometric_gradient_reaches_depths_alone() -> None:
    torch.manual_seed(0)
    xy, depths = torch.randn(2, 16, 2, requires_grad=True), torch.randn(2, 16, requires_grad=True)
    geometric_loss(xy, depths, ALL.expand(2, 16)).sum().backward()
    assert xy.grad is None
    assert depths.grad is not None
    on_bones = sorted(set(MPII_16.joints) - {"pelvis", "upper_neck", "head_top"})
    assert all(depths.grad[:, MPII_16.index(joint)].ne(0).all() for joint in on_bones)
    assert depths.grad[:, [8, 9]].eq(0).all()


def test_bones_of_no_length_have_a_finite_gradient() -> None:
    depths = torch.zeros(1, 16, requires_grad=True)
    geometric_loss(torch.zeros(1, 16, 2), depths, ALL).sum().backward()
    assert depths.grad is not None
    assert depths.grad.isfinite().all()


def test_sized_poses_have_the_bone_sum_whatever_the_scale() -> None:
    torch.manual_seed(0)
    points = torch.randn(5, 16, 3) * 20 + 30
    poses = sized(points, 4296.99233013)
    assert poses[:, 6].abs().max() == 0
    assert bone_lengths(poses).sum(1).tolist() == pytest.approx([4296.99233013] * 5)
    torch.testing.assert_close(sized(points * 0.037, 4296.99233013), poses, rtol=1e-4, atol=0.01)
    torch.testing.assert_close(sized(points + 7, 4296.99233013), poses, rtol=1e-4, atol=0.01)
    by_hand = torch.zeros(1, 16, 3)
    by_hand[0, 9, 0] = 2.0  # the only bone with a length: thorax to head
    assert sized(by_hand, 100.0)[0, 9].tolist() == [100.0, 0.0, 0.0]


def test_weak_perspective_by_hand() -> None:
    torch.manual_seed(0)
    xyz = torch.randn(1, 16, 3) * 300 + torch.tensor([100.0, -50.0, 4000.0])
    uv = xyz[..., :2] * 0.1 + torch.tensor([30.0, 40.0])
    placed, depths = weak_perspective(uv, ALL, xyz)
    torch.testing.assert_close(placed, uv, rtol=1e-4, atol=1e-3)
    spine = (xyz[0, 6, 2] + xyz[0, 7, 2]) / 2
    torch.testing.assert_close(depths[0], (xyz[0, :, 2] - spine) * 0.1, rtol=1e-4, atol=1e-3)


def test_weak_perspective_takes_its_scale_from_bones_that_are_known() -> None:
    xyz = torch.zeros(1, 16, 3)
    xyz[0, 2] = torch.tensor([-100.0, 0.0, 300.0])
    xyz[0, 3, 0], xyz[0, 7, 1] = 100.0, -400.0
    uv = torch.full((1, 16, 2), 999.0)
    uv[0, 6], uv[0, 2], uv[0, 3], uv[0, 7] = (
        torch.tensor(p) for p in ([50.0, 50.0], [20.0, 50.0], [90.0, 50.0], [0, 0])
    )
    placed, depths = weak_perspective(uv, only(2, 3, 6), xyz)
    assert placed.isnan().all()  # nobody knows where the spine is
    assert depths[0, 2].item() == pytest.approx(300 * (30 + 40) / 200)  # px a mm: hips in the image over hips in space


def test_targets_of_samples_with_3d_and_without() -> None:
    torch.manual_seed(0)
    xyz = (standing() * 500 + torch.tensor([0.0, 0.0, 3000.0])).repeat(3, 1, 1)
    uv = xyz[..., :2] / xyz[..., 2:] * 300 + 66
    xyz[1] = NAN
    known = ALL.repeat(3, 1)
    known[1, 8] = False
    uv[1, 8] = NAN
    weak, annotated = (targets(uv, known, xyz, 128, centres) for centres in ("weak", "annotated"))
    assert weak.depths.isnan().all(1).tolist() == [False, True, False]
    torch.testing.assert_close(weak.depths, annotated.depths, equal_nan=True)
    torch.testing.assert_close(annotated.xy[0], uv[0] / 64 - 1)
    torch.testing.assert_close(weak.xy[1, :8], uv[1, :8] / 64 - 1)
    # a weak perspective does not shrink what is far: all of a sample's joints have one scale
    scale = (weak.xy[0, 5] - weak.xy[0, 9]) / (xyz[0, 5] - xyz[0, 9])[:2]
    depth_scale = (weak.depths[0, 4] - weak.depths[0, 9]) / (xyz[0, 4] - xyz[0, 9])[2]
    assert scale[1].item() == pytest.approx(depth_scale.item(), rel=1e-4)
    assert weak.known[1].tolist() == [joint != 8 for joint in range(16)]
    assert weak.maps.shape == (3, 16, 32, 32)
    assert weak.maps[1, 8].eq(0).all()
    assert weak.maps[0, 6, 16, 16] == 1.0  # the pelvis, at 66 px of 128


def test_depths_are_in_halves_of_the_crop() -> None:
    xyz = standing() * 500
    uv = xyz[..., :2] * 0.2 + 112
    wanted = targets(uv, ALL, xyz, 224)
    torch.testing.assert_close(wanted.depths[0], xyz[0, :, 2] * 0.2 / 112, rtol=1e-4, atol=1e-5)


def small_targets() -> Targets:
    """Two samples: maps of ones; the first has depth 0.5 everywhere, the second none, and hips of 1 and 3."""
    depths = torch.full((2, 16), 0.5)
    depths[1] = NAN
    known = torch.cat((ALL, only(2, 3, 6)))
    return Targets(torch.ones(2, 16, 2, 2), hips(1.0, 3.0)[..., :2].repeat(2, 1, 1), known, depths)


def test_losses_by_hand() -> None:
    wanted, maps, depths = small_targets(), torch.zeros(2, 16, 2, 2), torch.zeros(2, 16)
    share = (16 + 3) / 32  # maps that are known, all wrong by 1
    assert heat_map_loss([maps], wanted).item() == pytest.approx(share)
    assert heat_map_loss([maps, maps], wanted).item() == pytest.approx(2 * share)
    assert depth_loss(depths, wanted).tolist() == [0.25, 0.0]
    assert zhou_loss([maps], depths, wanted, lambda_geo=0.0).item() == pytest.approx(share + 0.1 * 0.25 / 2)
    assert zhou_loss([maps], depths, wanted).item() == pytest.approx(share + 0.1 * 0.25 / 2 + 0.01 * 1.0 / 2)


def test_depth_loss_is_a_mean_over_the_joints_that_have_3d() -> None:
    wanted = small_targets()
    wanted.depths[0, 4:] = NAN
    assert depth_loss(torch.zeros(2, 16), wanted).tolist() == [0.25, 0.0]


def test_losses_of_what_is_not_known_have_no_gradient() -> None:
    wanted = small_targets()
    maps, depths = torch.zeros(2, 16, 2, 2, requires_grad=True), torch.rand(2, 16, requires_grad=True)
    zhou_loss([maps], depths, wanted).backward()
    assert maps.grad is not None
    assert depths.grad is not None
    assert maps.grad.flatten(2).abs().sum(2).gt(0).equal(wanted.known)
    assert depths.grad[1].ne(0).nonzero().flatten().tolist() == [2, 3, 6]
    assert depths.grad[0].ne(0).all()


def test_losses_are_computed_in_full_precision() -> None:
    wanted = small_targets()
    maps, depths = torch.rand(2, 16, 2, 2).bfloat16(), torch.rand(2, 16).bfloat16()
    loss = zhou_loss([maps], depths, wanted)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(zhou_loss([maps.float()], depths.float(), wanted).item())


def test_adversarial_losses_by_hand() -> None:
    undecided = torch.zeros(3)
    assert discriminator_loss(undecided, undecided).item() == pytest.approx(2 * math.log(2))
    found = torch.tensor([1.0, -1.0])
    wanted = math.log(2) + (math.log(1 + math.e) + math.log(1 + 1 / math.e)) / 2
    assert discriminator_loss(undecided, found).item() == pytest.approx(wanted)
    assert discriminator_loss(undecided[:0], found).item() == pytest.approx(wanted - math.log(2))
    assert generator_loss(torch.tensor(2.0), undecided).item() == pytest.approx(2 + 1e-4 * math.log(2))
    assert generator_loss(torch.tensor(2.0), found + 99, lambda_adv=1.0).item() == pytest.approx(2.0)
