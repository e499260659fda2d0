"""The nearest surface behind every sample of a picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchsuite.rendering.compiling import compiled
from benchsuite.rendering.solids import Floats, Solids, meet

SAMPLES = 2
"""Samples of a pixel along each axis."""

NOTHING = -1
"""The solid of a sample that meets none."""


@compiled
def cast(
    solids: Solids, boxes: Floats, side: int, focal: Floats, center: Floats, people: int
) -> tuple[Floats, NDArray[np.int32], NDArray[np.bool_]]:
    """The nearest solid behind every sample.

    Args:
        solids: camera frame.
        boxes: (N, 4) px around their pictures.
        side: px of the square picture.
        focal: (2,) px.
        center: (2,) px.
        people: how many solids, from the first on, are the person's.

    Returns:
        Depth mm along Z, infinity where there is none; the solid; whether the person is there, hidden or not. Each is
        (side * SAMPLES, side * SAMPLES).
    """
    wide = side * SAMPLES
    depth = np.full((wide, wide), np.inf)
    nearest = np.full((wide, wide), NOTHING, np.int32)
    person = np.zeros((wide, wide), np.bool_)
    for n in range(len(solids.kind)):
        x0, x1 = max(boxes[n, 0] * SAMPLES - 0.5, 0.0), min(boxes[n, 2] * SAMPLES + 0.5, float(wide))
        y0, y1 = max(boxes[n, 1] * SAMPLES - 0.5, 0.0), min(boxes[n, 3] * SAMPLES + 0.5, float(wide))
        for v in range(int(y0), int(np.ceil(y1))):
            dy = ((v + 0.5) / SAMPLES - center[1]) / focal[1]
            for u in range(int(x0), int(np.ceil(x1))):
                dx = ((u + 0.5) / SAMPLES - center[0]) / focal[0]
                t = meet(solids, n, dx, dy, 1.0)
                if t < np.inf and n < people:
                    person[v, u] = True
                if t < depth[v, u]:
                    depth[v, u] = t
                    nearest[v, u] = n
    return depth, nearest, person


@compiled
def probe(solids: Solids, rays: Floats) -> Floats:
    """Depths (R, N) at which rays (R, 2), of depth 1, enter each solid; infinity where they do not."""
    found = np.empty((len(rays), len(solids.kind)))
    for r in range(len(rays)):
        for n in range(len(solids.kind)):
            found[r, n] = meet(solids, n, rays[r, 0], rays[r, 1], 1.0)
    return found
