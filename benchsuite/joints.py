"""Joints of one skeleton read by name into another, some of them unknown."""

from __future__ import annotations

from typing import Any

import numpy as np
from benchsuite_registry.skeletons import Skeleton
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]


def read_known(joints: Floats, known: Bools, skeleton: Skeleton, wanted: Skeleton) -> tuple[Floats, Bools]:
    """Joints (N, J, D) of ``wanted`` and which of them are known (N, J): those whose every part is.

    Args:
        joints: (N, K, D) of ``skeleton``; finite where known.
        known: (N, K).
        skeleton: of the K joints.
        wanted: the skeleton to read into.
    """
    shares = np.array(wanted.shares_from(skeleton))
    needed = shares > 0
    made: Floats = shares @ np.where(known[..., None], joints, 0.0)
    there: Bools = (known.astype(float) @ needed.T == needed.sum(1)) & needed.any(1)
    return made, there
