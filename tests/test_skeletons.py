"""Skeletons: the joints papers mean, bones, sides, and how one skeleton is read from another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from benchsuite_registry.skeletons import (
    COCO_17,
    DERIVED,
    H36M_17,
    LSP_14,
    MPI_INF_3DHP_17,
    MPII_16,
    PENN_13,
    SKELETONS,
    Skeleton,
    skeleton,
)

H36M_TABLE = {
    "pelvis": None,
    "r_hip": "pelvis",
    "r_knee": "r_hip",
    "r_ankle": "r_knee",
    "l_hip": "pelvis",
    "l_knee": "l_hip",
    "l_ankle": "l_knee",
    "spine": "pelvis",
    "thorax": "spine",
    "neck_nose": "thorax",
    "head_top": "neck_nose",
    "l_shoulder": "thorax",
    "l_elbow": "l_shoulder",
    "l_wrist": "l_elbow",
    "r_shoulder": "thorax",
    "r_elbow": "r_shoulder",
    "r_wrist": "r_elbow",
}
"""Joint and parent in Human3.6M's order, from the literature's table, not from the code."""

each = pytest.mark.parametrize("bones", SKELETONS.values(), ids=list(SKELETONS))


def parent_of(bones: Skeleton, joint: str) -> str | None:
    parent = bones.parents[bones.index(joint)]
    return None if parent < 0 else bones.joints[parent]


def test_h36m_is_the_table_of_the_literature() -> None:
    assert H36M_17.joints == tuple(H36M_TABLE)
    assert {joint: parent_of(H36M_17, joint) for joint in H36M_17.joints} == H36M_TABLE
    assert H36M_17.mirror == (0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13)
    assert H36M_17.root_index == 0
    assert len(H36M_17.bones) == 16
    assert H36M_17.bones[:4] == ((0, 1), (1, 2), (2, 3), (0, 4))


def test_mpii_is_the_table_of_the_literature() -> None:
    flips = ((0, 5), (1, 4), (2, 3), (10, 15), (11, 14), (12, 13))
    assert {pair for pair in enumerate(MPII_16.mirror) if pair[0] < pair[1]} == set(flips)
    assert MPII_16.joints[6:10] == ("pelvis", "thorax", "upper_neck", "head_top")
    assert MPII_16.root_index == 6


def test_3dhp_is_the_table_of_its_evaluation() -> None:
    one_based = (2, 16, 2, 3, 4, 2, 6, 7, 15, 9, 10, 15, 12, 13, 15, 15, 2)
    expected = tuple(-1 if k == 14 else parent - 1 for k, parent in enumerate(one_based))
    assert MPI_INF_3DHP_17.parents == expected
    assert MPI_INF_3DHP_17.root_index == 14


@each
def test_two_mirrors_are_none_and_sides_change(bones: Skeleton) -> None:
    assert [bones.mirror[k] for k in bones.mirror] == list(range(len(bones)))
    for joint, other in zip(bones.joints, bones.mirror, strict=True):
        side, name = joint[:2], joint[2:]
        wanted = {"l_": "r_" + name, "r_": "l_" + name}.get(side, joint)
        assert bones.joints[other] == wanted


@each
def test_bones_make_one_tree(bones: Skeleton) -> None:
    assert len(bones.bones) == len(bones) - 1
    reached = {k for k, parent in enumerate(bones.parents) if parent < 0}
    assert len(reached) == 1
    for _ in bones.joints:
        reached |= {child for parent, child in bones.bones if parent in reached}
    assert reached == set(range(len(bones)))


@each
def test_limbs_hang_together(bones: Skeleton) -> None:
    chains = (("knee", "hip"), ("ankle", "knee"), ("elbow", "shoulder"), ("wrist", "elbow"))
    pairs = {frozenset((bones.joints[a], bones.joints[b])) for a, b in bones.bones}
    for side in ("l_", "r_"):
        assert all(frozenset((side + outer, side + inner)) in pairs for outer, inner in chains)


@each
def test_a_skeleton_read_from_itself_is_itself(bones: Skeleton) -> None:
    assert bones.weights_from(bones) == tuple({joint: 1.0} for joint in bones.joints)


@each
@pytest.mark.parametrize("other", SKELETONS.values(), ids=list(SKELETONS))
def test_weights_add_up_to_one_over_joints_that_are_there(bones: Skeleton, other: Skeleton) -> None:
    weights = bones.weights_from(other)
    assert len(weights) == len(bones)
    for joint, parts in zip(bones.joints, weights, strict=True):
        if parts is None:
            assert joint not in other.joints
        else:
            assert set(parts) <= set(other.joints)
            assert sum(parts.values()) == 1.0


def read(joint: str, bones: Skeleton, other: Skeleton) -> dict[str, float] | None:
    return bones.weights_from(other)[bones.index(joint)]


def test_joints_between_others_by_hand() -> None:
    shoulders, hips = {"l_shoulder": 0.5, "r_shoulder": 0.5}, {"l_hip": 0.5, "r_hip": 0.5}
    assert read("pelvis", H36M_17, COCO_17) == hips
    assert read("thorax", H36M_17, PENN_13) == shoulders
    assert read("neck", LSP_14, H36M_17) == {"thorax": 1.0}
    assert read("neck", LSP_14, COCO_17) == shoulders
    assert read("spine", H36M_17, COCO_17) == {"l_hip": 0.25, "r_hip": 0.25, "l_shoulder": 0.25, "r_shoulder": 0.25}
    assert read("spine", H36M_17, MPII_16) == {"pelvis": 0.5, "thorax": 0.5}
    assert read("neck_nose", H36M_17, MPII_16) == {"upper_neck": 1.0}
    assert read("upper_neck", MPII_16, H36M_17) == {"neck_nose": 1.0}
    assert read("neck_nose", H36M_17, COCO_17) is None
    assert read("head_top", H36M_17, COCO_17) is None
    assert read("l_wrist", H36M_17, COCO_17) == {"l_wrist": 1.0}


def test_every_joint_that_is_derived_stands_in_some_skeleton() -> None:
    joints = {joint for bones in SKELETONS.values() for joint in bones.joints}
    assert set(DERIVED) <= joints
    assert {part for parts in DERIVED.values() for part in parts} <= joints


def test_an_unknown_joint_or_skeleton_is_answered_with_those_there_are() -> None:
    with pytest.raises(KeyError, match="skeleton LSP_14 has no joint 'pelvis'; it has r_ankle, r_knee"):
        LSP_14.index("pelvis")
    with pytest.raises(KeyError, match="unknown skeleton 'H36M_16'; known: H36M_17, MPII_16"):
        skeleton("H36M_16")
    assert skeleton("PENN_13") is PENN_13


def test_a_skeleton_that_contradicts_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="skeleton S: 2 joints but 1 parents"):
        Skeleton("S", ("a", "b"), (-1,))
    with pytest.raises(ValueError, match="skeleton S: a joint name appears twice"):
        Skeleton("S", ("a", "a"), (-1, 0))


def test_shares_are_the_weights_as_a_matrix() -> None:
    shares = dict(zip(H36M_17.joints, H36M_17.shares_from(LSP_14), strict=True))
    column = LSP_14.joints.index
    assert shares["pelvis"][column("l_hip")] == shares["pelvis"][column("r_hip")] == 0.5
    assert sum(shares["pelvis"]) == sum(shares["r_knee"]) == shares["r_knee"][column("r_knee")] == 1.0
    assert set(shares["neck_nose"]) == {0.0}  # LSP's neck is none


@pytest.mark.parametrize("as_points", [np.array, torch.tensor])
def test_arrays_and_tensors_are_read_alike(as_points: Callable[[Any], Any]) -> None:
    points = as_points([[[float(k), 10.0 * k] for k in range(13)]])  # (1, 13, 2): PENN_13's joint k is at (k, 10 k)
    read = dict(zip(COCO_17.joints, COCO_17.columns_from(PENN_13, points), strict=True))
    assert read["l_wrist"].tolist() == [[5.0, 50.0]]
    assert not (read["nose"] == read["nose"]).any()  # NaN
    assert PENN_13.root_of(points).tolist() == [[7.5, 75.0]]  # between hips 7 and 8
    assert H36M_17.columns_from(PENN_13, points)[7].tolist() == [[4.5, 45.0]]  # spine: hips 7, 8; shoulders 1, 2
