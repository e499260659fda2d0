"""A made-up person, for tests that need a body but no data."""

from __future__ import annotations

import numpy as np

from benchsuite.training.pairs import Pairs, filmed, varied


def person() -> np.ndarray:
    """A standing person, mm, Z up, facing +y, so that the right side is at +x; made by hand."""
    x = [0, 130, 130, 130, -130, -130, -130, 0, 0, 0, 0, -180, -200, -210, 180, 200, 210]
    y = [0, 0, 20, 0, 0, 30, 0, 5, 0, 20, 10, 0, 10, 60, 0, 10, 60]
    z = [930, 930, 500, 80, 930, 500, 80, 1160, 1400, 1500, 1620, 1380, 1100, 850, 1380, 1100, 850]
    return np.stack((x, y, z), axis=1).astype(np.float64)


def people(count: int, seed: int = 0) -> Pairs:
    """Pairs of that person with other bodies, limbs moved at random, and other views."""
    rng = np.random.default_rng(seed)
    world = person() + rng.normal(0, 40, (count, 17, 3))
    return filmed(rng, varied(rng, world))
