"""Checks of refiners: poses before the camera that agree with their keypoints at least as well as before."""

from __future__ import annotations

from dataclasses import replace

import torch
from benchsuite_registry.contracts import Refinement
from benchsuite_registry.poses import KeypointBatch, PoseBatch
from torch import Tensor

from benchsuite.testing import people
from benchsuite.testing.findings import REFINER, check
from benchsuite.testing.subject import NotConforming, Subject, columns, demand_same

_SHAPE_MM, _DEPTH_SHARE = 2.0, 0.01
_ROUNDING_PX, _ROUNDING_MM = 0.1, 1.0


@check(REFINER)
def the_truth_is_a_fixed_point(subject: Subject) -> None:
    """A true pose with its exact keypoints stays as it is, and is put where it was: within 2 mm, and 1 % of depth."""
    truth, keypoints = _truth(subject)
    given = subject.predictions(truth, keypoints)
    found: Refinement = subject.act(subject.made, (given, keypoints))
    changed = float((_rooted(found.poses) - given.xyz).norm(dim=-1).mean())
    if not changed <= _SHAPE_MM:
        raise NotConforming(f"wanted true poses unchanged, found joints moved by {changed:.3g} mm in the mean")
    depth = truth.xyz[:, truth.skeleton.root_index, 2]
    off = float(((found.depth_mm.cpu() - depth).abs() / depth).max())
    if not off <= _DEPTH_SHARE:
        raise NotConforming(f"wanted true poses at their depth, found one {100 * off:.3g} % off")


@check(REFINER)
def reprojection_is_no_worse(subject: Subject) -> None:
    """Refined poses reproject no worse than the poses that came in do, when those are put at the true root."""
    truth, keypoints = _truth(subject)
    given, _ = subject.given
    root = truth.xyz[:, truth.skeleton.root_index, None]
    before = _miss_px(given.xyz + root, keypoints)
    found: Refinement = subject.gave
    after = _miss_px(found.poses.in_skeleton(keypoints.skeleton).xyz, keypoints)
    if not after <= before + _ROUNDING_PX:
        raise NotConforming(f"wanted keypoints missed by at most {before:.3g} px in the mean, found {after:.3g}")


@check(REFINER)
def joints_are_before_the_camera(subject: Subject) -> None:
    """Every joint of a refined pose has a positive depth."""
    found: Refinement = subject.gave
    least = float(found.poses.xyz[..., 2].min())
    if not least > 0:
        raise NotConforming(f"wanted all depths above 0, found {least:.4g} mm")


@check(REFINER)
def depth_is_the_roots(subject: Subject) -> None:
    """``depth_mm`` is the depth at which the refined pose's root stands."""
    found: Refinement = subject.gave
    root = (found.poses.xyz - _rooted(found.poses))[:, 0, 2]
    off = float((root - found.depth_mm.cpu()).abs().max())
    if not off <= _ROUNDING_MM:
        raise NotConforming(f"wanted depth_mm to be the root's depth, found {off:.4g} mm between them")


@check(REFINER)
def backends_agree(subject: Subject) -> None:
    """Whatever its parameter ``backend`` says, if it has one, it gives the same; what cannot be used here is left."""
    parameter = subject.entry.parameters.get("backend")
    wanted = subject.reference
    for backend in parameter.choices if parameter else ():
        try:
            made = subject.registry.component(
                subject.entry.name, {**subject.component.parameters, "backend": backend}
            ).build()
        except ValueError:
            continue
        found = columns(subject.act(made, subject.given))
        demand_same(wanted, found, f"with backend={backend}", exactly=False)


@check(REFINER)
def hidden_joints_come_along(subject: Subject) -> None:
    """A joint without a keypoint comes out with the others, placed with the pose, not left out or at the origin."""
    given, keypoints = subject.given
    visible = keypoints.visible.clone()
    visible[:, keypoints.skeleton.index("l_wrist")] = False
    found: Refinement = subject.act(subject.made, (given, replace(keypoints, visible=visible)))
    column = found.poses.skeleton.index("l_wrist")
    off = float((_rooted(found.poses)[:, column] - given.xyz[:, column]).norm(dim=-1).max())
    if not off <= 1000.0:
        raise NotConforming(f"wanted a hidden wrist near its pose, found it {off:.4g} mm from where it came in")


def _truth(subject: Subject) -> tuple[PoseBatch, KeypointBatch]:
    keypoints: KeypointBatch = subject.given[1]
    return people.people().poses(keypoints.ids.numpy()), keypoints


def _rooted(poses: PoseBatch) -> Tensor:
    return poses.root_relative().xyz


def _miss_px(xyz: Tensor, keypoints: KeypointBatch) -> float:
    return float(torch.linalg.vector_norm(keypoints.camera.project(xyz) - keypoints.uv, dim=-1).mean())
