"""A floor for image models: someone stands where the picture is not as in its corner."""

from __future__ import annotations

import torch
from benchsuite_registry.poses import Frame, ImageBatch, KeypointBatch, PoseBatch
from benchsuite_registry.skeletons import H36M_17

STANDING_MM = torch.tensor(
    [
        (0, 0, 0),
        *((-130, 0, 0), (-130, 430, 0), (-130, 850, 30)),
        *((130, 0, 0), (130, 430, 0), (130, 850, 30)),
        *((0, -230, 0), (0, -470, 0), (0, -570, -20), (0, -690, 0)),
        *((180, -450, 0), (200, -170, 0), (210, 80, -60)),
        *((-180, -450, 0), (-200, -170, 0), (-210, 80, -60)),
    ],
    dtype=torch.float32,
)
"""(17, 3), about the root, camera axes, facing the camera; made by hand."""

DIFFERENT = 0.05


class Box:
    """The same pose in every picture, its keypoints drawn into the box of what differs from the upper left pixel.

    Args:
        size: side of the crops, px.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def predict(self, images: ImageBatch) -> tuple[KeypointBatch, PoseBatch]:
        """Keypoints in crop pixels and poses relative to the root; the whole picture where nothing differs."""
        rgb = images.rgb.nan_to_num()
        there = ((rgb - rgb[:, :, :1, :1]).abs() > DIFFERENT).any(1)
        there |= ~there.flatten(1).any(1)[:, None, None]
        low, high = zip(*(_ends(there.any(axis)) for axis in (1, 2)), strict=True)
        corner, extent = torch.stack(low, -1), torch.stack(high, -1) - torch.stack(low, -1)
        flat = STANDING_MM[:, :2]
        shape = (flat - flat.amin(0)) / (flat.amax(0) - flat.amin(0))
        uv = corner[:, None] + shape * extent[:, None]
        count = len(images)
        numbers = torch.zeros(count, dtype=torch.int64)
        seen = torch.ones(count, len(H36M_17), dtype=torch.bool)
        poses = PoseBatch(STANDING_MM.repeat(count, 1, 1), Frame.ROOT, H36M_17, images.ids)
        return KeypointBatch(uv, seen, images.camera, H36M_17, images.ids, numbers, numbers), poses


def _ends(line: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """First and last pixel, px, that is set in each row of (B, S)."""
    pixels = torch.arange(line.shape[1], dtype=torch.float32)
    first = torch.where(line, pixels, torch.inf).amin(1)
    return first, torch.where(line, pixels, -torch.inf).amax(1) + 1
