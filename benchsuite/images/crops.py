"""Crops: squares of a picture, scaled to the size that an image model wants, with the camera that sees them.

Source: Sec. 3.5; the factor of the square is ours.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.images.photographs import LARGEST_PX, WrongImage, pillow

Floats = NDArray[np.floating[Any]]

CONTEXT = 1.25
"""Side of the square over the longer side of the person's box."""

MARGIN = 0.125
"""Of a box's longer side, all around the joints: head, hands and feet reach beyond them."""


def ends_of(uv: Floats, labelled: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Smallest and largest pixel (N, 2) of the labelled joints of ``uv`` (N, J, 2); NaN where there are none."""
    low = np.where(labelled[..., None], uv, np.inf).min(axis=1)
    high = np.where(labelled[..., None], uv, -np.inf).max(axis=1)
    nobody = ~labelled.any(axis=1)
    low[nobody] = high[nobody] = np.nan
    return low, high


def box_around(uv: Floats, labelled: NDArray[np.bool_]) -> Floats:
    """Boxes (N, 4) px, x0 y0 x1 y1, ``MARGIN`` around the labelled joints; NaN where there are none."""
    low, high = ends_of(uv, labelled)
    margin = MARGIN * (high - low).max(axis=1, keepdims=True)
    return np.concatenate((low - margin, high + margin), axis=1)


def squares_around(box: Floats, context: float = CONTEXT) -> Floats:
    """Squares (N, 4) float64 px, x0 y0 x1 y1, about the middles of boxes (N, 4).

    Args:
        box: px; NaN gives NaN.
        context: side of the square over the box's longer side.
    """
    low, high = np.asarray(box[:, :2], dtype=np.float64), np.asarray(box[:, 2:], dtype=np.float64)
    half = context / 2 * (high - low).max(axis=1, keepdims=True)
    middle = (low + high) / 2
    return np.concatenate((middle - half, middle + half), axis=1)


def crop_camera(focal: Floats, center: Floats, square: Floats, size: int) -> tuple[Floats, Floats]:
    """Focal lengths and centers (N, 2) px of crops whose pictures have ``focal`` and ``center``; the axes stay."""
    factor = size / (square[:, 2:] - square[:, :2])
    return focal * factor, (center - square[:, :2]) * factor


def pixels_in_crop(uv: Floats, square: Floats, size: int) -> Floats:
    """Pixels (N, J, 2) of the picture as those of crops."""
    return (uv - square[:, None, :2]) * (size / (square[:, 2:] - square[:, :2]))[:, None]


def is_beside(square: Floats, width: Floats | float, height: Floats | float) -> NDArray[np.bool_]:
    """Which squares, or boxes, (N, 4) share nothing with pictures of that size; one (4,) or many."""
    x0, y0, x1, y1 = np.asarray(square).T
    return np.asarray((x1 <= 0) | (y1 <= 0) | (x0 >= width) | (y0 >= height))


def cut(rgb: NDArray[np.uint8], square: Floats, size: int) -> NDArray[np.uint8]:
    """The crop (size, size, 3): a square of a picture, black beyond its edges, smoothed where it is scaled down.

    Args:
        rgb: (H, W, 3).
        square: (4,) px, x0 y0 x1 y1; need not lie on whole pixels.
        size: px of the crop.

    Raises:
        WrongImage: the square has no area, or so much that the crop would show next to nothing.
        NoPillow: Pillow is not installed.
    """
    x0, y0, x1, y1 = map(float, square)
    if not 0 < (x1 - x0) * (y1 - y0) <= LARGEST_PX:
        raise WrongImage("crop", f"a square of at most {LARGEST_PX:,} pixels", f"corners {x0:g} {y0:g} {x1:g} {y1:g}")
    reach = int(np.ceil((x1 - x0) / size)) + 1  # of the smoothing: what lies just beyond the square counts too
    left, top = (int(np.floor(start)) - reach for start in (x0, y0))
    right, bottom = (int(np.ceil(end)) + reach for end in (x1, y1))
    height, width = rgb.shape[:2]
    seen = rgb[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
    if min(left, top) < 0 or right > width or bottom > height:
        canvas = np.zeros((bottom - top, right - left, 3), np.uint8)
        canvas[max(-top, 0) :, max(-left, 0) :][: seen.shape[0], : seen.shape[1]] = seen
        seen = canvas
    image = pillow().fromarray(np.ascontiguousarray(seen))
    box = (x0 - left, y0 - top, x1 - left, y1 - top)
    return np.asarray(image.resize((size, size), pillow().Resampling.BILINEAR, box))
