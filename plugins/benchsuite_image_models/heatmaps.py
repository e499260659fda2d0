"""Joints as heat maps and back. A heat map's pixel i covers [i, i + 1): its centre lies at i + 0.5.

Source: Zhou et al. 2017, their code; Newell et al. 2016.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

SIGMA = 1.75
"""px of the heat map. Source: what Zhou et al.'s code draws when it is asked for "sigma 1"."""

RADIUS = 3
"""px of the heat map, where the Gaussian is cut: 7 x 7 pixels are left."""

SHARPNESS = 20.0
"""Of the soft-argmax: how much a peak of 1 stands out of zeros in its softmax. Our choice."""

Peaks = Literal["rounded", "exact"]
"""``rounded``: a Gaussian stands on the middle of a pixel, and is read to a quarter of one; the paper's way, good to
half a pixel. ``exact``: it stands where the joint is, and is read from the parabola through three logarithms. Small
crops want it: half a pixel of a heat map 24 px wide is 4 cm of a person.

Deviation: ``exact`` is ours.
"""


def encode(points: Tensor, side: int, peaks: Peaks = "rounded") -> Tensor:
    """Heat maps (B, J, side, side): a Gaussian of peak 1 about each joint.

    A joint outside leaves its map all zero, and so does one that is not finite.

    Args:
        points: (B, J, 2) px of the heat map, x then y.
        side: of the heat maps.
        peaks: see there.

    Source: Zhou et al. 2017, their code.
    """
    pixel = points.floor()
    inside = ((pixel >= 0) & (pixel < side)).all(-1)
    middles = torch.arange(side, device=points.device, dtype=points.dtype) + 0.5
    gaps = middles - (pixel + 0.5 if peaks == "rounded" else points)[..., None]  # (B, J, 2, side)
    profile = torch.where(gaps.abs() <= RADIUS + 0.5, torch.exp(-(gaps**2) / (2 * SIGMA**2)), 0.0)
    maps = profile[..., 1, :, None] * profile[..., 0, None, :]
    return torch.where(inside[..., None, None], maps, 0.0)


def decode(maps: Tensor, peaks: Peaks = "rounded") -> tuple[Tensor, Tensor]:
    """Joints (B, J, 2), px of the heat map, and the height of their peaks (B, J).

    The middle of the highest pixel; from there, along x and along y and not at the border, a quarter pixel towards the
    higher neighbour (``rounded``), or up to half a pixel to the parabola's vertex (``exact``).

    Args:
        maps: (B, J, H, W).
        peaks: what the network was taught.

    Source: Newell et al. 2016; read as ``maps[y][x]`` (pytorch-pose-hg-3d's ``hg3d`` branch swaps them).
    """
    maps = maps.float()
    height, width = maps.shape[-2:]
    highest, place = maps.flatten(2).max(-1)
    row, column = place // width, place % width
    along_x = maps.gather(2, row[..., None, None].expand(-1, -1, 1, width))[..., 0, :]
    along_y = maps.gather(3, column[..., None, None].expand(-1, -1, height, 1))[..., 0]
    x, y = (at + 0.5 + _offset(line, at, peaks) for line, at in ((along_x, column), (along_y, row)))
    return torch.stack((x, y), dim=-1), highest


def _offset(line: Tensor, at: Tensor, peaks: Peaks) -> Tensor:
    """From the highest pixel ``at`` (B, J) of ``line`` (B, J, n) to the peak, px; 0 at an end."""
    last = line.shape[-1] - 1
    before, top, after = (line.gather(-1, (at + k).clamp(0, last)[..., None])[..., 0] for k in (-1, 0, 1))
    if peaks == "rounded":
        offset = 0.25 * torch.sign(after - before)
    else:
        before, top, after = (height.clamp(min=1e-6).log() for height in (before, top, after))
        offset = 0.5 * (after - before) / (2 * top - before - after).clamp(min=1e-6)
    return torch.where((at > 0) & (at < last), offset, 0.0)


def soft_decode(maps: Tensor) -> Tensor:
    """Joints (B, J, 2), px of the heat map, as means under a softmax, so that gradients reach the heat maps.

    Deviation: Yang et al. do not say how gradients reach x and y; theirs are read for the discriminator alone.
    """
    height, width = maps.shape[-2:]
    weights = (SHARPNESS * maps.float()).flatten(2).softmax(-1).view(maps.shape)
    columns, rows = (torch.arange(n, device=maps.device) + 0.5 for n in (width, height))
    return torch.stack(((weights.sum(2) * columns).sum(-1), (weights.sum(3) * rows).sum(-1)), dim=-1)
