"""The 14 bones that a pose's scale is told by, and what they add up to on Human3.6M.

Source: Zhou et al. 2017, their code.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

HUMAN36M_MM = 4296.99233013
"""What that code makes every prediction's bones add up to; whose mean it is is not known."""

_CHAINS = (
    "r_ankle r_knee r_hip pelvis l_hip l_knee l_ankle",
    "r_wrist r_elbow r_shoulder NECK l_shoulder l_elbow l_wrist",
    "pelvis NECK head_top",
)
"""Neighbours are bones: six of the legs, six of the arms, two of the trunk. The spine is on none of them."""


def bones_of(joints: Sequence[str], neck: str) -> tuple[tuple[int, int], ...]:
    """Columns of both ends of the 14 bones; ``neck`` is what the joint between the shoulders is called."""
    chains = ([joints.index(name) for name in chain.replace("NECK", neck).split()] for chain in _CHAINS)
    return tuple(bone for chain in chains for bone in pairwise(chain))
