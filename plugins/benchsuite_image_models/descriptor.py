"""The geometric descriptor: every joint's place relative to every other's."""

from __future__ import annotations

import torch
from torch import Tensor


def descriptor(points: Tensor) -> Tensor:
    """Differences dx, dy, dz of joint i from joint j and their squares: (B, P, 3) to (B, 6, P, P).

    Deviation: Yang et al. do not say in which unit; here half the crop's side is 1.

    Source: Yang et al. 2018.
    """
    gaps = (points[:, :, None] - points[:, None]).movedim(-1, 1)
    return torch.cat((gaps, gaps**2), dim=1)
