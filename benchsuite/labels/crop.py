"""Person crops: the square around a person that becomes an image of 256 x 256.

Source: Sec. 3.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.images.crops import ends_of

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]

CROP_PX = 256
MARGIN = 1.25
"""Side of the square over the greater extent of the visible joints: head, hands and feet reach beyond them."""


@dataclass(frozen=True)
class Crops:
    """Squares of B source images, each scaled to ``CROP_PX``.

    Attributes:
        corner: (B, 2) float64 px, top left in the source image.
        side: (B,) float64 px of the source image; 0 or NaN where there is nothing to crop.
    """

    corner: Floats
    side: Floats

    @property
    def factor(self) -> Floats:
        """(B,) px of the crop per px of the source; 1 where there is nothing to crop."""
        whole = self.side > 0
        made: Floats = np.where(whole, CROP_PX / np.where(whole, self.side, 1.0), 1.0)
        return made

    @property
    def squares(self) -> Floats:
        """(B, 4) px of the source image, x0 y0 x1 y1."""
        return np.concatenate((self.corner, self.corner + self.side[:, None]), axis=1)

    def points(self, source: Floats) -> Floats:
        """Pixels of the source image (B, ..., 2) as pixels of the crop."""
        wide = (len(source),) + (1,) * (source.ndim - 2)
        made: Floats = (source - self.corner.reshape(*wide, 2)) * self.factor.reshape(*wide, 1)
        return made


def crops_of(uv: Floats, visible: Bools, box: Floats | None = None) -> Crops:
    """Squares with the person in the middle.

    Around the box where one is given, else around the visible joints, ``MARGIN`` times their greater extent.

    Args:
        uv: (B, J, 2) px.
        visible: (B, J).
        box: (B, 4) px, x0 y0 x1 y1; rows that are not finite are not given.
    """
    low, high = (end.astype(np.float64) for end in ends_of(uv, visible))
    stretch = np.full(len(uv), MARGIN)
    if box is not None:
        given = np.all(np.isfinite(box), axis=1)
        low = np.where(given[:, None], box[:, :2], low)
        high = np.where(given[:, None], box[:, 2:], high)
        stretch[given] = 1.0
    side = (high - low).max(1) * stretch
    return Crops((low + high) / 2 - side[:, None] / 2, side)
