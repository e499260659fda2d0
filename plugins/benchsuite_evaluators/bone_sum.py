"""Zhou et al.'s scale: predictions are made as large as a given sum of 14 bone lengths."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor

CHAINS = (
    "r_ankle r_knee r_hip pelvis l_hip l_knee l_ankle",
    "r_wrist r_elbow r_shoulder NECK l_shoulder l_elbow l_wrist",
    "pelvis NECK head_top",
)
"""The 14 bones: neighbours in a chain. The spine is on none of them."""

HUMAN36M_MM = 4296.99233013
"""What Zhou et al.'s code makes every prediction add up to on Human3.6M."""


def bone_sum(xyz: Tensor, joints: Sequence[str], neck: str) -> Tensor:
    """Summed length of the 14 bones, (B,) mm.

    Args:
        xyz: (B, J, 3) mm.
        joints: names of the J joints.
        neck: what the joint between the shoulders is called there.

    Source: Zhou et al. 2017, their code.
    """
    bones = [pair for chain in CHAINS for pair in pairwise(chain.replace("NECK", neck).split())]
    start, end = (xyz[:, [joints.index(name) for name in side]] for side in zip(*bones, strict=True))
    lengths: Tensor = torch.linalg.vector_norm(end - start, dim=-1)
    return lengths.sum(dim=1)
