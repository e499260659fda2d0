"""Motion as features that know no place, no heading and no body size; and motion from them again.

A frame has 39: lift, the support's velocity ahead and to the left, turn, two of the root's tilt, and
the 33 angles of ``rotations``. Height and travel are told at the support (the lowest joints), not at
the pelvis: a standing foot then stays where it is whatever the legs' lengths.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchsuite.synthetic import rotations as rot
from benchsuite.synthetic.rotations import Floats

LIFT, AHEAD, LEFT, TURN, TILT, BODY = 0, 1, 2, 3, slice(4, 6), slice(6, 6 + rot.ANGLES)
FEATURES = 6 + rot.ANGLES
LEG = np.flatnonzero(np.isin(rot.CHILDREN, [2, 3, 5, 6]))
"""Bones that make up both legs."""
_SUPPORT_MM = 30.0
"""How far above the lowest joint another still carries some of the weight."""
_STILL = 0.3
"""Leg lengths a second below which a drawn support is taken to stand."""


class Motion(NamedTuple):
    """Features (T, 39) of a motion, and the body it was told of.

    Attributes:
        features: lift in leg lengths, velocities in leg lengths a second, turn in rad a second, angles in rad.
        bends: (T, 11) rad, angles between neighbouring bones.
        lengths: (16,) mm, median bone lengths.
    """

    features: Floats
    bends: NDArray[Any]
    lengths: NDArray[Any]


def leg_mm(lengths: Floats) -> Floats:
    """Length (...) of a leg, thigh and shin, from bone lengths (..., 16)."""
    total: Floats = lengths[..., LEG].sum(-1) / 2
    return total


def motion_of(world: Floats, fps: float) -> Motion:
    """The features of poses (T, 17, 3) in mm, world frame, T > 1."""
    xyz = np.asarray(world, dtype=np.float64)
    orientation, angles = rot.pose_angles(xyz)
    lengths = np.median(rot.bone_lengths(xyz), axis=0)
    leg = leg_mm(lengths)
    heading = np.unwrap(rot.heading_of(orientation))
    tilt = rot.vectors_of(rot.headed(-heading) @ orientation)[..., :2]
    step = (np.diff(xyz[..., :2], axis=0) * _support(xyz[:-1])[..., None]).sum(1) * fps / leg
    cos, sin = np.cos(heading[:-1]), np.sin(heading[:-1])
    velocity = np.stack((cos * step[:, 0] + sin * step[:, 1], cos * step[:, 1] - sin * step[:, 0]), axis=1)
    rates = np.column_stack((velocity, np.diff(heading) * fps))
    features = np.column_stack((xyz[..., 2].min(1) / leg, rates[[*range(len(rates)), -1]], tilt, angles))
    return Motion(features, rot.bends(xyz), lengths)


def upright(features: Floats, lengths: Floats) -> Floats:
    """Poses (..., 17, 3) in mm that look along x, pelvis above the origin, lowest joint ``lift`` above the floor.

    Args:
        features: (..., 39).
        lengths: (..., 16) mm.
    """
    tilt = features[..., TILT]
    root = rot.rotations_of(np.concatenate((tilt, np.zeros_like(tilt[..., :1])), axis=-1))
    directions = rot.pose_directions(features[..., BODY]) @ np.swapaxes(root, -1, -2)
    xyz = rot.joint_places(directions, lengths)
    xyz[..., 2] += (features[..., LIFT] * leg_mm(lengths) - xyz[..., 2].min(-1))[..., None]
    return xyz


def turned(xyz: Floats, heading: Floats) -> Floats:
    """Poses (..., J, 3) turned about z by ``heading`` (...) in rad."""
    made: Floats = xyz @ np.swapaxes(rot.headed(heading), -1, -2)
    return made


def travelled(features: Floats, lengths: Floats, heading: float, fps: float) -> Floats:
    """A motion (T, 17, 3) in mm, world frame, that starts above the origin.

    Args:
        features: (T, 39).
        lengths: (16,) mm.
        heading: rad, at the first frame.
        fps: of the features.
    """
    turns = heading + np.concatenate(([0.0], np.cumsum(features[:-1, TURN]) / fps))
    xyz = turned(upright(features, lengths), turns)
    cos, sin = np.cos(turns), np.sin(turns)
    ahead, left = features[:, AHEAD], features[:, LEFT]
    wanted = np.stack((cos * ahead - sin * left, sin * ahead + cos * left), axis=1) * leg_mm(lengths) / fps
    about_root = (np.diff(xyz[..., :2], axis=0) * _support(xyz[:-1])[..., None]).sum(1)
    xyz[1:, :, :2] += np.cumsum(wanted[:-1] - about_root, axis=0)[:, None]
    return xyz


def steadied(features: Floats) -> Floats:
    """``features`` (..., 39) with supports that hardly move at rest: smoothed features blur the difference."""
    made = features.copy()
    speed_squared = (features[..., [AHEAD, LEFT]] ** 2).sum(-1, keepdims=True)
    made[..., [AHEAD, LEFT]] *= speed_squared / (speed_squared + _STILL**2)
    return made


def mirrored(features: Floats) -> Floats:
    """The features (..., 39) of the same motion in a mirror."""
    made = features.copy()
    made[..., [LEFT, TURN, TILT.start]] *= -1.0
    made[..., BODY] = rot.mirrored(features[..., BODY])
    return made


def _support(xyz: Floats) -> Floats:
    """How much (..., 17) each joint of (..., 17, 3) carries: the lowest most, they add up to 1."""
    above = xyz[..., 2] - xyz[..., 2].min(-1, keepdims=True)
    weight = np.exp(-above / _SUPPORT_MM)
    made: Floats = weight / weight.sum(-1, keepdims=True)
    return made
