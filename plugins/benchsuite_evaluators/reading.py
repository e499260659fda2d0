"""How evaluators read poses: the samples they were promised, joints by name, the root at the origin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from benchsuite_registry.contracts import Measurements, Metric
from benchsuite_registry.poses import PoseBatch, Target
from benchsuite_registry.skeletons import Skeleton
from torch import Tensor

from benchsuite.statistics import Estimate


def check_samples(owner: str, poses: PoseBatch, target: Target) -> None:
    """Find out that predictions and truth are of the same samples.

    Raises:
        ValueError: the ids differ; names ``owner``.
    """
    if not torch.equal(poses.ids.cpu(), target.poses.ids.cpu()):
        raise ValueError(f"{owner}: wanted poses of the target's {len(target)} samples in its order, found other ids")


def read_joints(
    owner: str, whose: str, poses: PoseBatch, skeleton: Skeleton, joints: Sequence[str], *, as_given: bool = False
) -> Tensor:
    """Camera axes, the root at the origin: (B, ``joints``, 3) float64 mm.

    Args:
        owner: evaluator, for messages.
        whose: ``predicted`` or ``true``, for messages.
        poses: in any skeleton and frame.
        skeleton: the one that ``joints`` are of; its root is the origin.
        joints: names.
        as_given: leave the origin where it is.

    Raises:
        ValueError: the poses' skeleton does not give one of them; names it.
    """
    weights = dict(zip(skeleton.joints, skeleton.weights_from(poses.skeleton), strict=True))
    if lacking := [name for name in joints if weights[name] is None]:
        given = f"which skeleton {poses.skeleton.name} of the {whose} poses does not give"
        raise ValueError(f"{owner} needs {', '.join(lacking)}, {given}")
    read = replace(poses, xyz=poses.xyz.double()).in_skeleton(skeleton)
    return (read if as_given else read.root_relative()).xyz[:, [skeleton.index(name) for name in joints]]


def read_pixels(uv: Tensor, skeleton: Skeleton, other: Skeleton) -> Tensor:
    """Keypoints (B, J, 2) px of ``skeleton`` read in ``other``; NaN where it has joints that cannot be had."""
    return torch.stack(other.columns_from(skeleton, uv), dim=1)


def complete(xyz: Tensor) -> Tensor:
    """Which samples (B,) have nothing but finite coordinates (B, J, C)."""
    return xyz.isfinite().flatten(1).all(dim=1)


def in_unit(name: str, unit: str, estimate: Estimate, group: str = "", *, higher: bool = False) -> Metric:
    """``estimate`` as a metric."""
    found = estimate
    return Metric(name, found.value, unit, "higher" if higher else "lower", group, found.low, found.high, found.n)


def absences(measurements: Measurements) -> tuple[Metric, ...]:
    """How many samples are ``undefined`` or ``unlabelled``, which are columns of ``measurements``."""
    samples, undefined = len(measurements["undefined"]), int(measurements["undefined"].sum())
    share = 100.0 * undefined / samples if samples else float("nan")
    metrics = [
        Metric("undefined", undefined, "samples", "lower", n=samples),
        Metric("undefined share", share, "%", "lower", n=samples),
    ]
    if unlabelled := int(measurements["unlabelled"].sum()):
        metrics.append(Metric("unlabelled", unlabelled, "samples", "lower", n=samples))
    return tuple(metrics)
