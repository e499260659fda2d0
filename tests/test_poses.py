"""What flows: carriers check themselves, cameras project, poses travel between skeletons by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
import torch
from benchsuite_registry.poses import (
    Camera,
    Category,
    Frame,
    ImageBatch,
    KeypointBatch,
    Labels,
    PoseBatch,
    Target,
    shifted_right,
)
from benchsuite_registry.skeletons import COCO_17, H36M_17, LSP_14, MPII_16, PENN_13
from torch import Tensor

from benchsuite.filming import H36M_CENTER, H36M_FOCAL


def h36m_camera(number: int, count: int = 1) -> Camera:
    """Camera ``number`` of Human3.6M, float64."""
    return Camera(
        torch.from_numpy(H36M_FOCAL[number]).expand(count, 2), torch.from_numpy(H36M_CENTER[number]).expand(count, 2)
    )


def points(count: int, joints: int = 17, seed: int = 0) -> Tensor:
    """(count, joints, 3) mm float64, 2 to 8 m before the camera."""
    draw = torch.rand(count, joints, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return (draw - 0.5) * torch.tensor([3000.0, 2500.0, 6000.0]) + torch.tensor([0.0, 0.0, 5000.0])


def keypoints(count: int = 3) -> KeypointBatch:
    numbers = torch.arange(count)
    return KeypointBatch(
        uv=torch.arange(count * 34, dtype=torch.float32).reshape(count, 17, 2),
        visible=torch.ones(count, 17, dtype=torch.bool),
        camera=Camera(torch.full((count, 2), 1000.0) + numbers[:, None], torch.full((count, 2), 500.0)),
        skeleton=H36M_17,
        ids=10 * numbers,
        clip=numbers // 2,
        frame=numbers,
    )


def poses(xyz: Tensor, frame: Frame = Frame.CAMERA) -> PoseBatch:
    return PoseBatch(xyz, frame, H36M_17, torch.arange(len(xyz)))


def labels(count: int) -> Labels:
    category = Category(torch.arange(count), tuple(f"name {k}" for k in range(count)))
    return Labels(category, category, category)


# ---- carriers check themselves -------------------------------------------------------------------

WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "focal": (
        lambda: Camera(torch.ones(3), torch.ones(3, 2)),
        r"Camera\.focal: wanted shape \('any', 2\), found \(3,\)",
    ),
    "center": (
        lambda: Camera(torch.ones(3, 2), torch.ones(2, 2)),
        r"Camera\.center: wanted shape \(3, 2\), found \(2, 2\)",
    ),
    "uv": (
        lambda: replace(keypoints(), uv=torch.ones(3, 16, 2)),
        r"KeypointBatch\.uv: wanted shape \('any', 17, 2\), found \(3, 16, 2\)",
    ),
    "visible": (
        lambda: replace(keypoints(), visible=torch.ones(3, 17, 1, dtype=torch.bool)),
        r"KeypointBatch\.visible: wanted shape \(3, 17\), found \(3, 17, 1\)",
    ),
    "keypoints' camera": (
        lambda: replace(keypoints(), camera=Camera(torch.ones(1, 2), torch.ones(1, 2))),
        r"KeypointBatch\.camera\.focal: wanted shape \(3, 2\), found \(1, 2\)",
    ),
    "ids": (
        lambda: replace(keypoints(), ids=torch.arange(2)),
        r"KeypointBatch\.ids: wanted shape \(3,\), found \(2,\)",
    ),
    "clip": (lambda: replace(keypoints(), clip=torch.arange(4)), r"KeypointBatch\.clip: wanted shape \(3,\)"),
    "frame": (lambda: replace(keypoints(), frame=torch.ones(3, 1)), r"KeypointBatch\.frame: wanted shape \(3,\)"),
    "rgb": (
        lambda: ImageBatch(torch.ones(2, 64, 64, 3), Camera(torch.ones(2, 2), torch.ones(2, 2)), torch.arange(2)),
        r"ImageBatch\.rgb: wanted shape \('any', 3, 'any', 'any'\), found \(2, 64, 64, 3\)",
    ),
    "xyz": (lambda: poses(torch.ones(2, 17, 2)), r"PoseBatch\.xyz: wanted shape \('any', 17, 3\), found \(2, 17, 2\)"),
    "pose ids": (
        lambda: PoseBatch(torch.ones(2, 17, 3), Frame.ROOT, H36M_17, torch.arange(3)),
        r"PoseBatch\.ids: wanted shape \(2,\), found \(3,\)",
    ),
    "codes": (lambda: Category(torch.ones(2, 1), ("a",)), r"Category\.codes: wanted shape \('any',\), found \(2, 1\)"),
    "target": (lambda: Target(poses(torch.ones(2, 17, 3)), labels(3)), "Target: 2 poses but 3 labels"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_shape_names_carrier_and_field(case: str) -> None:
    make, message = WRONG[case]
    with pytest.raises(ValueError, match=f"^{message}"):
        make()


def test_a_wrong_type_names_carrier_and_field() -> None:
    with pytest.raises(TypeError, match=r"^KeypointBatch\.uv: wanted float32 or float64, found torch\.int64"):
        replace(keypoints(), uv=torch.ones(3, 17, 2, dtype=torch.int64))
    with pytest.raises(TypeError, match=r"^KeypointBatch\.visible: wanted bool, found torch\.float32"):
        replace(keypoints(), visible=torch.ones(3, 17))
    with pytest.raises(TypeError, match=r"^PoseBatch\.xyz: wanted float32 or float64, found torch\.float16"):
        poses(torch.ones(2, 17, 3, dtype=torch.float16))


def test_carriers_are_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        keypoints().uv = torch.zeros(3, 17, 2)  # type: ignore[misc]


# ---- rows and devices ----------------------------------------------------------------------------


def test_rows_come_in_the_order_asked_for_with_their_cameras() -> None:
    batch = keypoints()
    picked = batch.rows(torch.tensor([2, 0]))
    assert picked.ids.tolist() == [20, 0]
    assert picked.camera.focal[:, 0].tolist() == [1002.0, 1000.0]
    assert picked.clip.tolist() == [1, 0]
    assert picked.uv[0, 0].tolist() == [68.0, 69.0]
    assert batch.rows(slice(1, 1)).uv.shape == (0, 17, 2)


def test_a_copy_shares_no_memory_down_to_its_cameras() -> None:
    batch = keypoints()
    copy = batch.copy()
    copy.uv.zero_()
    copy.camera.focal.zero_()
    assert batch.uv[0, 1].tolist() == [2.0, 3.0]
    assert batch.camera.focal[:, 0].tolist() == [1000.0, 1001.0, 1002.0]
    assert (copy.skeleton, copy.ids.tolist()) == (H36M_17, [0, 10, 20])


def test_rows_of_a_target_reach_poses_and_labels() -> None:
    target = Target(poses(torch.arange(153.0).reshape(3, 17, 3)), labels(3)).rows(slice(1, 3))
    assert target.poses.xyz[:, 0, 0].tolist() == [51.0, 102.0]
    assert target.labels.action.codes.tolist() == [1, 2]
    assert target.labels.clip.names == ("name 0", "name 1", "name 2")
    assert len(target) == 2


def test_to_moves_every_tensor() -> None:
    moved = keypoints().to("meta")
    assert {t.device.type for t in (moved.uv, moved.visible, moved.ids, moved.clip, moved.frame)} == {"meta"}
    assert (moved.camera.focal.device.type, moved.camera.center.device.type) == ("meta", "meta")
    assert moved.skeleton is H36M_17
    assert Target(poses(torch.ones(2, 17, 3)), labels(2)).to("meta").labels.subject.codes.device.type == "meta"


# ---- cameras -------------------------------------------------------------------------------------


def test_a_projection_by_hand() -> None:
    camera = Camera(torch.tensor([[1000.0, 2000.0]]), torch.tensor([[500.0, 400.0]]))
    assert camera.project(torch.tensor([[[100.0, -50.0, 2000.0]]])).tolist() == [[[550.0, 350.0]]]
    assert camera.rays(torch.tensor([[[550.0, 350.0]]])).tolist() == [[[0.05000000074505806, -0.02500000037252903]]]


@pytest.mark.parametrize("number", range(4))
def test_project_and_backproject_undo_each_other(number: int) -> None:
    camera, xyz = h36m_camera(number, 1000), points(1000)
    uv = camera.project(xyz)
    assert (camera.backproject(uv, xyz[..., 2]) - xyz).abs().max() <= 1e-9
    assert (camera.project(camera.backproject(uv, xyz[..., 2] * 1.7)) - uv).abs().max() <= 1e-9


def test_the_right_view_by_hand() -> None:
    camera, axis = h36m_camera(0), torch.tensor([[[0.0, 0.0, 5000.0]]], dtype=torch.float64)
    left, right = camera.project(axis), camera.project(shifted_right(axis, 500.0))
    assert left[0, 0, 0].item() == pytest.approx(512.5415, abs=5e-5)
    assert right[0, 0, 0].item() == pytest.approx(627.0464, abs=5e-5)
    assert right[0, 0, 1].item() == left[0, 0, 1].item() == 515.4514770507812


@pytest.mark.parametrize("delta_x_mm", [500.0, -500.0, 250.0, 5000.0])
def test_the_right_view_differs_by_the_disparity_alone(delta_x_mm: float) -> None:
    camera, xyz = h36m_camera(1, 1000), points(1000)
    left, right = camera.project(xyz), camera.project(shifted_right(xyz, delta_x_mm))
    assert torch.equal(left[..., 1], right[..., 1])
    disparity, fx = right[..., 0] - left[..., 0], 1149.6756591796875
    assert (disparity - fx * delta_x_mm / xyz[..., 2]).abs().max() <= 1e-9
    assert (fx * delta_x_mm / disparity - xyz[..., 2]).abs().max() <= 1e-6


def test_no_shift_changes_nothing_and_the_points_stay_as_they_were() -> None:
    xyz = points(5)
    before = xyz.clone()
    assert torch.equal(shifted_right(xyz, 0.0), xyz)
    shifted_right(xyz, 500.0)
    assert torch.equal(xyz, before)


# ---- poses ---------------------------------------------------------------------------------------


def test_root_relative_subtracts_each_pose_s_own_root() -> None:
    xyz = points(4)
    relative = poses(xyz).root_relative()
    assert relative.frame is Frame.ROOT
    assert torch.equal(relative.xyz[:, 0], torch.zeros(4, 3, dtype=torch.float64))
    assert torch.equal(relative.xyz[2, 9], xyz[2, 9] - xyz[2, 0])
    mpii = PoseBatch(xyz[:, :16], Frame.CAMERA, MPII_16, torch.arange(4)).root_relative()
    assert torch.equal(mpii.xyz[1, 3], xyz[1, 3] - xyz[1, 6])  # the pelvis is column 6 there


def test_h36m_in_mpii_is_zhou_s_column_order() -> None:
    xyz = points(3)
    converted = poses(xyz).in_skeleton(MPII_16)
    order = [3, 2, 1, 4, 5, 6, 0, 8, 9, 10, 16, 15, 14, 11, 12, 13]
    assert torch.equal(converted.xyz, xyz[:, order])
    assert converted.skeleton is MPII_16
    assert converted.frame is Frame.CAMERA


def test_joints_between_others_are_interpolated_and_absent_ones_are_nan() -> None:
    xyz = torch.zeros(1, 14, 3)
    for joint, place in {
        "l_hip": (100.0, 0.0, 0.0),
        "r_hip": (-100.0, 20.0, 0.0),
        "l_shoulder": (200.0, -500.0, 40.0),
        "r_shoulder": (-200.0, -500.0, 0.0),
    }.items():
        xyz[0, LSP_14.index(joint)] = torch.tensor(place)
    converted = PoseBatch(xyz, Frame.CAMERA, LSP_14, torch.arange(1)).in_skeleton(H36M_17)

    def at(joint: str) -> list[float]:
        return converted.xyz[0, H36M_17.index(joint)].tolist()

    assert at("pelvis") == [0.0, 10.0, 0.0]
    assert at("thorax") == [0.0, -500.0, 20.0]
    assert at("spine") == [0.0, -245.0, 10.0]  # between pelvis and thorax, so a quarter of each of the four
    assert converted.xyz[0, H36M_17.index("neck_nose")].isnan().all()
    assert at("l_hip") == [100.0, 0.0, 0.0]


def test_in_its_own_skeleton_a_pose_is_itself() -> None:
    batch = poses(points(2))
    assert batch.in_skeleton(H36M_17) is batch


def test_a_root_that_is_not_given_is_derived() -> None:
    xyz = torch.zeros(1, 13, 3)
    xyz[0, PENN_13.index("l_hip")] = torch.tensor([10.0, 4.0, 0.0])
    xyz[0, PENN_13.index("r_hip")] = torch.tensor([30.0, 8.0, 2.0])
    centred = PoseBatch(xyz, Frame.CAMERA, PENN_13, torch.arange(1)).root_relative()
    assert centred.xyz[0, PENN_13.index("head")].tolist() == [-20.0, -6.0, -1.0]


def test_keypoints_of_other_skeletons_are_read_by_name() -> None:
    uv = torch.rand(3, 16, 2) * 500
    seen = torch.ones(3, 16, dtype=torch.bool)
    seen[1, MPII_16.index("thorax")] = False
    uv[2, MPII_16.index("l_wrist")] = torch.inf
    read, known = replace(keypoints(), uv=uv, visible=seen, skeleton=MPII_16).known_in(H36M_17)
    assert torch.equal(read[:, 3], uv[:, 0])  # right ankle
    torch.testing.assert_close(read[0, 7], (uv[0, 6] + uv[0, 7]) / 2)  # spine between pelvis and thorax
    assert read.isfinite().all()
    unknown = [[H36M_17.joints[j] for j in row.logical_not().nonzero()] for row in known]
    assert unknown == [[], ["spine", "thorax"], ["l_wrist"]]  # the spine goes with the thorax
    _, coco = replace(keypoints(), skeleton=COCO_17).known_in(H36M_17)
    assert [H36M_17.joints[j] for j in coco[0].logical_not().nonzero()] == ["neck_nose", "head_top"]
