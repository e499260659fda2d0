"""The 14 bones: the scale of a pose, and the geometric loss that asks for a body's proportions.

Source: Zhou et al. 2017, their code. There the joint between the shoulders is column 8, which holds Human3.6M's
thorax; read by name it is ``thorax``, column 7 of ``MPII_16``.
"""

from __future__ import annotations

from typing import Literal

import torch
from benchsuite_registry.skeletons import MPII_16
from torch import Tensor

from benchsuite.bone_sum import bones_of

Form = Literal["code", "paper"]

BONES = bones_of(MPII_16.joints, "thorax")
"""Columns in ``MPII_16`` of the ends of each: six of the legs, six of the arms, two of the trunk; not upper_neck."""

_SHIN, _THIGH, _FOREARM, _UPPER_ARM, _HIP, _SHOULDER = 452.1255, 456.0086, 249.7726, 284.1253, 134.20, 180.78
_GROUPS = (
    # bones, their mean lengths in mm, the length that the code scales them to
    ((0, 1, 4, 5), (_SHIN, _THIGH, _THIGH, _SHIN), _THIGH),
    ((6, 7, 10, 11), (_FOREARM, _UPPER_ARM, _UPPER_ARM, _FOREARM), _UPPER_ARM),
    ((2, 3), (_HIP, _HIP), _HIP),
    ((8, 9), (_SHOULDER, _SHOULDER), _SHOULDER),
)
"""Legs, arms, hips and shoulders of Human3.6M: within a group, ratios to these lengths should be equal."""


def bone_lengths(points: Tensor) -> Tensor:
    """Lengths (B, 14) of the bones of ``points`` (B, 16, 2 or 3), in their unit."""
    start, end = (points[:, list(side)] for side in zip(*BONES, strict=True))
    lengths: Tensor = torch.linalg.vector_norm(end - start, dim=-1)
    return lengths


def bones_known(known: Tensor) -> Tensor:
    """Which bones have both ends ``known``: (B, 16) to (B, 14) bool."""
    start, end = (known[:, list(side)] for side in zip(*BONES, strict=True))
    return start & end


def sized(points: Tensor, bone_sum_mm: float | Tensor) -> Tensor:
    """Poses (B, 16, 3) mm, pelvis at the origin, from points of one unknown scale: bones add up to ``bone_sum_mm``.

    Source: Zhou et al. 2017, their code.
    Deviation: there column 7 becomes the midpoint of 6 and 8, which is Human3.6M's spine by number; here joints go by
    name, the thorax stays and whoever wants a spine reads it between pelvis and thorax.
    """
    scale = bone_sum_mm / bone_lengths(points).sum(1).clamp(min=1e-6)
    pelvis = MPII_16.root_index
    return (points - points[:, pelvis : pelvis + 1]) * scale[:, None, None]


def geometric_loss(xy: Tensor, depths: Tensor, known: Tensor, form: Form = "code") -> Tensor:
    """How far each body is from a body's proportions, (B,): the variances of four groups of bones, summed.

    A bone with an end that is not ``known`` is left out. The gradient reaches ``depths`` alone.

    Args:
        xy: (B, 16, 2), labels; half the crop's side is 1.
        depths: (B, 16), the same unit.
        known: (B, 16) bool.
        form: ``code`` compares lengths scaled to one bone of their group; ``paper`` compares ratios to mean lengths in
            mm, which are smaller by that bone's length, squared. Weight 0.01 belongs to ``code``.

    Source: Zhou et al. 2017, their paper and their code.
    """
    labels = torch.where(known[..., None], xy, 0.0).detach()
    lengths = bone_lengths(torch.cat((labels, depths.float()[..., None]), dim=-1))
    counted = bones_known(known).to(lengths.dtype)
    loss = lengths.new_zeros(len(lengths))
    for bones, means, reference in _GROUPS:
        ratios = lengths[:, bones] / lengths.new_tensor(means)
        if form == "code":
            ratios = ratios * reference
        weight = counted[:, bones]
        number = weight.sum(1).clamp(min=1)
        mean = (ratios * weight).sum(1) / number
        loss = loss + ((ratios - mean[:, None]) ** 2 * weight).sum(1) / number
    return loss
