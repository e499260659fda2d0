"""Zhou et al.'s scale: predictions are made as large as a given sum of 14 bone lengths."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from benchsuite.bone_sum import bones_of


def bone_sum(xyz: Tensor, joints: Sequence[str], neck: str) -> Tensor:
    """Summed length of the 14 bones, (B,) mm.

    Args:
        xyz: (B, J, 3) mm.
        joints: names of the J joints.
        neck: what the joint between the shoulders is called there.

    Source: Zhou et al. 2017, their code.
    """
    start, end = (xyz[:, list(side)] for side in zip(*bones_of(joints, neck), strict=True))
    lengths: Tensor = torch.linalg.vector_norm(end - start, dim=-1)
    return lengths.sum(dim=1)
