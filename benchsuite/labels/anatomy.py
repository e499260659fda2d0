"""What bodies can be: how long their bones are, how far their joints bend, and which way knees and elbows do.

Lengths and ranges are those of the motion prior, which was fitted on motion capture.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray

from benchsuite.labels.crop import Floats
from benchsuite.synthetic.prior import load_prior
from benchsuite.synthetic.rotations import OWN_SIDE, TWIN, bends, bone_lengths

_LONG_MM = 200.0

BACKWARDS_LIMIT = {"knee": np.radians(10.0), "elbow": np.radians(30.0)}
"""How far, rad, a knee and an elbow seem to bend backwards in one pose of 10,000 of motion capture. For the elbow this
is not small, because the upper arm turns about itself, which no joint shows."""

_ALLOWED = np.radians(5.0)
"""Motion capture does not show all that people can do."""


@cache
def long_bones() -> tuple[NDArray[np.intp], Floats]:
    """The bones of limbs and trunk among those of ``H36M_17``, and people's mean lengths of them, mm."""
    lengths = load_prior().lengths.astype(np.float64)
    long = np.flatnonzero(lengths > _LONG_MM)
    return long, lengths[long]


@cache
def _bend_range() -> tuple[Floats, Floats]:
    prior = load_prior()
    return prior.bend_low.astype(np.float64), prior.bend_high.max(0).astype(np.float64)


def disproportion(xyz: Floats) -> Floats:
    """How far the long bones are from their mean lengths, (B,): root mean square of the logarithms of the ratios."""
    long, mean = long_bones()
    return _spread(_lengths(xyz)[:, long] / mean)


def asymmetry(xyz: Floats) -> Floats:
    """How far long bones on the right are from those on the left, (B,): as ``disproportion``."""
    long, _ = long_bones()
    first = long[(OWN_SIDE != TWIN)[long]]  # of each pair
    lengths = _lengths(xyz)
    return _spread(lengths[:, first] / lengths[:, TWIN[first]])


def overbend(xyz: Floats) -> Floats:
    """By how much the worst joint is bent beyond what people can do, (B,) rad; knees and elbows also backwards."""
    low, high = _bend_range()
    bent = bends(xyz)
    beyond = np.maximum(low - bent, bent - high).max(1) - _ALLOWED
    for joint, angle in backwards(xyz).items():
        beyond = np.maximum(beyond, (angle - BACKWARDS_LIMIT[joint]).max(1))
    made: Floats = np.maximum(beyond, 0.0)
    return made


def backwards(xyz: Floats) -> dict[str, Floats]:
    """How far knees and elbows bend backwards, (B, 2) rad, right and left; negative where they bend as they should.

    A shin that bends back turns about an axis that points to the person's left, a forearm that bends forward about
    one that points to the right. What of the bend is about the line of the hips, or of the shoulders, counts.

    Args:
        xyz: (B, 17, 3) mm, camera axes: right-handed, so that turns have their usual sense.
    """
    found = {}
    for joint, upper, lower, sense in (("knee", "hip", "ankle", -1.0), ("elbow", "shoulder", "wrist", 1.0)):
        left = _direction(xyz, f"r_{upper}", f"l_{upper}")
        turns = [
            (np.cross(_direction(xyz, s + upper, s + joint), _direction(xyz, s + joint, s + lower)) * left).sum(-1)
            for s in ("r_", "l_")
        ]
        found[joint] = np.arcsin(np.clip(sense * np.stack(turns, axis=1), -1.0, 1.0))
    return found


def _direction(xyz: Floats, start: str, end: str) -> Floats:
    line = xyz[:, H36M_17.index(end)] - xyz[:, H36M_17.index(start)]
    made: Floats = line / np.maximum(np.linalg.norm(line, axis=-1, keepdims=True), 1e-6)
    return made


def _lengths(xyz: Floats) -> Floats:
    shortest_mm = 1.0  # bones without length are as wrong as can be, yet have a logarithm
    made: Floats = np.maximum(bone_lengths(xyz), shortest_mm)
    return made


def _spread(ratios: Floats) -> Floats:
    made: Floats = np.sqrt((np.log(ratios) ** 2).mean(1))
    return made
