"""What the networks are taught: heat maps, and depths under a weak perspective fitted to each sample.

Source: Zhou et al. 2017, their code for Human3.6M.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from benchsuite_registry.skeletons import MPII_16
from torch import Tensor

from benchsuite_image_models.bones import bone_lengths, bones_known
from benchsuite_image_models.heatmaps import Peaks, encode
from benchsuite_image_models.hourglass import STRIDE

Centres = Literal["weak", "annotated"]

_SPINE = [MPII_16.index("pelvis"), MPII_16.index("thorax")]
"""The spine is read between them; its depth is 0."""


class Targets(NamedTuple):
    """What B samples should come out as.

    Attributes:
        maps: (B, 16, S/4, S/4).
        xy: (B, 16, 2), where the maps have their peaks; 0 is the crop's middle and half its side is 1.
        known: (B, 16) bool: ``maps`` and ``xy`` mean something.
        depths: (B, 16), relative to the spine, half the crop's side is 1; NaN where there is no 3D.
    """

    maps: Tensor
    xy: Tensor
    known: Tensor
    depths: Tensor


def targets(
    uv: Tensor, known: Tensor, xyz: Tensor, size: int, centres: Centres = "weak", peaks: Peaks = "rounded"
) -> Targets:
    """Targets of a batch of crops.

    Args:
        uv: (B, 16, 2) px of the crop.
        known: (B, 16) bool: ``uv`` means something, inside the crop or outside.
        xyz: (B, 16, 3) mm, camera axes; NaN where there is no 3D.
        size: px, side of the crop.
        centres: where a sample with 3D has its peaks: at its ``annotated`` pixels, or where the ``weak`` perspective
            puts it, as Zhou et al. do.
        peaks: of the heat maps.

    Source: Zhou et al. 2017, their code; it takes half of 224 px, here it is half of ``size``.
    Deviation: the plane of depth 0 goes through the middle of pelvis and thorax, there through Human3.6M's spine.
    """
    known = known & uv.isfinite().all(-1)
    uv = torch.where(known[..., None], uv, 0.0)
    flat, depths_px = weak_perspective(uv, known, xyz)
    if centres == "weak":
        placed = flat.isfinite().all(-1)
        uv, known = torch.where(placed[..., None], flat, uv), known | placed
    maps = encode(torch.where(known[..., None], uv / STRIDE, -1.0), size // STRIDE, peaks)
    return Targets(maps, uv / (size / 2) - 1, known, depths_px / (size / 2))


def weak_perspective(uv: Tensor, known: Tensor, xyz: Tensor) -> tuple[Tensor, Tensor]:
    """Joints as a camera without perspective would see them: (B, 16, 2) px, and depths (B, 16) px beyond the spine.

    One scale a sample, px/mm: the summed length of its bones in the image over that of their x and y in space.
    NaN where there is no 3D, or no bone to take the scale from; the pixels also where the spine's are not ``known``.

    Args:
        uv: (B, 16, 2) px.
        known: (B, 16) bool.
        xyz: (B, 16, 3) mm, camera axes.
    """
    bones = bones_known(known & xyz.isfinite().all(-1))
    in_image, in_space = (torch.where(bones, bone_lengths(points), 0.0).sum(1) for points in (uv, xyz[..., :2]))
    scale = (in_image / in_space)[:, None, None]  # 0/0 where there is no bone
    placed = (xyz - xyz[:, _SPINE].mean(1, keepdim=True)) * scale
    spine = torch.where(known[:, _SPINE, None], uv[:, _SPINE], torch.nan).mean(1, keepdim=True)
    return placed[..., :2] + spine, placed[..., 2]
