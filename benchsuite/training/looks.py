"""How a person in a picture is looked at: rotated, cut out, mirrored; pixels, poses and cameras with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Looks:
    """How B people are looked at: rotated about the camera's axis, cut out, mirrored.

    The rotation is a roll of the camera, which leaves a person's square where it is but for a shift of the picture, and
    the crop's camera knows of the shift: keypoints, poses and cameras agree exactly, off the axis too.

    Attributes:
        middle: (B, 2) px of the picture, what comes to lie in the middle of the crop.
        side: (B,) px of the picture that become the crop's side.
        angle: (B,) rad, from x to y.
        mirrored: (B,) bool.
        focal: (B, 2) px of the picture.
        center: (B, 2) px of the picture.
        size: px of the crop.
    """

    middle: Floats
    side: Floats
    angle: Floats
    mirrored: NDArray[np.bool_]
    focal: Floats
    center: Floats
    size: int

    @property
    def roll(self) -> Floats:
        """(B, 2, 2): x and y in space after the rotation from those before."""
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.stack((cos, -sin, sin, cos), axis=1).reshape(-1, 2, 2)

    @property
    def turn(self) -> Floats:
        """(B, 2, 2): the same for pixels, whose sides need not be equal."""
        turned: Floats = self.roll * self.focal[:, :, None] / self.focal[:, None]
        return turned

    def pixels(self, uv: Floats) -> Floats:
        """Pixels (B, J, 2) of the picture as those of the crop, before joints change sides."""
        moved = (uv - self.middle[:, None]) @ self.turn.transpose(0, 2, 1)
        made: Floats = moved * (self.size / self.side)[:, None, None] + self.size / 2
        made[..., 0] = np.where(self.mirrored[:, None], self.size - made[..., 0], made[..., 0])
        return made

    def points(self, xyz: Floats) -> Floats:
        """Camera-frame points (B, J, 3) mm as the crop's camera has them, before joints change sides."""
        made = xyz.copy()
        made[..., :2] = xyz[..., :2] @ self.roll.transpose(0, 2, 1)
        made[self.mirrored, :, 0] *= -1
        return made

    def cameras(self) -> tuple[Floats, Floats]:
        """Focal lengths and centers (B, 2) px of the crops."""
        return self.focal * (self.size / self.side)[:, None], self.pixels(self.center[:, None])[:, 0]

    def cut(self, pictures: Tensor, corner: Floats, factor: Floats) -> Tensor:
        """The crops (B, 3, size, size) in [0, 1], black beyond the pictures, smoothed where they are scaled down.

        Args:
            pictures: (B, H, W, 3) uint8.
            corner: (B, 2) px, where in the whole picture each begins.
            factor: (B,) its px per px of the whole picture.
        """
        ends = np.array(pictures.shape[2:0:-1], dtype=np.float64)  # width, height
        half = (factor * self.side)[:, None] / ends  # of the crop, the picture's side being 2
        theta = np.empty((len(pictures), 2, 3))
        theta[..., :2] = np.linalg.inv(self.turn) * half[:, :, None]
        theta[self.mirrored, :, 0] *= -1
        theta[..., 2] = 2 * factor[:, None] * (self.middle - corner) / ends - 1
        along, across, start = torch.from_numpy(theta).float()[:, None, None].unbind(-1)
        steps = (2 * torch.arange(self.size) + 1) / self.size - 1  # middles of pixels
        grid = (along * steps[:, None] + start) + across * steps[:, None, None]  # (B, size, size, 2)
        halvings = np.log2(np.maximum(factor * self.side / self.size, 1.0)).round().astype(int)
        made = torch.empty(len(theta), 3, self.size, self.size)
        for n in np.unique(halvings).tolist():
            rows = torch.from_numpy(np.flatnonzero(halvings == n))
            seen = pictures[rows].permute(0, 3, 1, 2).float()
            if n:
                seen = interpolate(seen, [max(1, side >> n) for side in seen.shape[2:]], mode="area")
            made[rows] = grid_sample(seen, grid[rows], align_corners=False)
        return made.div_(255)
