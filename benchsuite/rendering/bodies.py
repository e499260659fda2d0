"""Bodies: how long and thick a person is, and where joints stand that motion capture moves.

The world frame has Z up, mm. A body's joints are those of ``H36M_17``; ``head_top`` is the crown, as in photographs'
annotations, and lies higher than motion capture has the end of its head bone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LENGTHS_MM = {
    "hip": 90.0,
    "knee": 400.0,
    "ankle": 415.0,
    "spine": 255.0,
    "thorax": 270.0,
    "neck_nose": 95.0,
    "head_top": 190.0,
    "shoulder": 166.0,
    "elbow": 285.0,
    "wrist": 252.0,
}
"""Of the bone that ends at each joint, in a body of 1.75 m."""

ANKLE_MM = 86.0
"""How high such a body's ankles are over the floor."""


@dataclass(frozen=True)
class Body:
    """A person's build.

    Attributes:
        lengths: (17,) mm of the bone that ends at each joint.
        size: 1 for 1.75 m.
        girth: 1 for an average one; of the waist most.
        muscle: -1 to 1.
        curves: 0 to 1, from broad shoulders to broad hips.
        head: scale of the head, which varies less than the body.
    """

    lengths: Floats
    size: float
    girth: float
    muscle: float
    curves: float
    head: float


def draw_body(rng: np.random.Generator) -> Body:
    """A body, left like right."""
    curves = float(rng.random() < 0.5) * 0.75 + 0.25 * float(rng.random())
    size = float(np.clip(rng.normal(1.03 - 0.07 * curves, 0.045), 0.86, 1.14))
    jitter = {name: float(np.clip(rng.normal(1.0, 0.035), 0.91, 1.09)) for name in LENGTHS_MM}
    jitter["hip"] *= 1.0 + 0.06 * curves
    jitter["shoulder"] *= 1.04 - 0.11 * curves
    head = float(np.clip(rng.normal(1.0, 0.03), 0.93, 1.07)) * (1.0 + 0.4 * (size - 1.0))
    lengths = np.zeros(len(H36M_17))
    for joint, name in enumerate(H36M_17.joints):
        kind = name.removeprefix("l_").removeprefix("r_")
        if kind in LENGTHS_MM:
            lengths[joint] = LENGTHS_MM[kind] * jitter[kind] * (head if kind == "head_top" else size)
    girth = float(np.clip(rng.normal(1.0, 0.09) + max(0.0, rng.normal(-0.05, 0.12)), 0.84, 1.35))
    return Body(lengths, size, girth, float(np.clip(rng.normal(0.0, 0.45), -1.0, 1.0)), curves, head)


def posed(body: Body, motion: Floats, *, standing: bool = True) -> Floats:
    """Joints (17, 3) mm of a body in the posture of ``motion`` (17, 3) mm, world.

    The lowest joint stays as high above the floor as the body's size asks; of who is ``standing``, where an ankle is.
    """
    joints = motion.copy()
    for parent, joint in H36M_17.bones:
        bone = motion[joint] - motion[parent]
        joints[joint] = joints[parent] + bone * (body.lengths[joint] / max(float(np.linalg.norm(bone)), 1e-6))
    lowest = ANKLE_MM * body.size if standing else motion[:, 2].min() * body.size
    joints[:, 2] += lowest - joints[:, 2].min()
    return joints


def mirrored(motion: Floats) -> Floats:
    """The posture of ``motion`` (..., 17, 3) mm, world, in a mirror; left and right change sides."""
    return np.asarray(motion[..., list(H36M_17.mirror), :] * (-1.0, 1.0, 1.0))


@dataclass(frozen=True)
class Axes:
    """Where a body's parts point, world, unit vectors.

    Attributes:
        chest: (3, 3), columns to the right, ahead and up.
        hips: (3, 3), of the pelvis.
        head: (3, 3).
        feet: for ``l`` and ``r`` (3, 3) columns to the right, along the foot, out of the instep.
        arms: for ``l`` and ``r`` the way the hollow of the elbow looks.
        knees: for ``l`` and ``r`` the way the knee looks.
    """

    chest: Floats
    hips: Floats
    head: Floats
    feet: dict[str, Floats]
    arms: dict[str, Floats]
    knees: dict[str, Floats]


def frame_along(up: Floats, ahead: Floats) -> Floats:
    """Columns to the right, ahead and up: ``up`` exactly, ``ahead`` as nearly as can be."""
    z = up / max(float(np.linalg.norm(up)), 1e-9)
    y = ahead - z * (ahead @ z)
    if np.linalg.norm(y) < 1e-6:
        y = np.eye(3)[int(np.argmin(np.abs(z)))]
        y = y - z * (y @ z)
    y = y / np.linalg.norm(y)
    return np.stack((np.cross(y, z), y, z), axis=1)


def axes_of(body: Body, joints: Floats, yaw: float = 0.0) -> Axes:
    """What a pose (17, 3) mm, world, says about where parts point, and what it leaves open as people hold it.

    Args:
        body: whose feet are how high above the floor.
        joints: mm.
        yaw: rad, how far the head is turned to the left.
    """
    at = {name: joints[k] for k, name in enumerate(H36M_17.joints)}
    up = at["thorax"] - at["spine"]
    chest = frame_along(up, np.cross(up, at["r_shoulder"] - at["l_shoulder"]))
    low = at["spine"] - at["pelvis"]
    hips = frame_along(low, np.cross(low, at["r_hip"] - at["l_hip"]))
    ahead = 0.75 * chest[:, 1] + 0.25 * hips[:, 1]
    straight = frame_along(at["head_top"] - at["neck_nose"], ahead)
    head = frame_along(straight[:, 2], np.cos(yaw) * straight[:, 1] - np.sin(yaw) * straight[:, 0])
    feet, arms, knees = {}, {}, {}
    for side in ("l", "r"):
        thigh, shin = at[f"{side}_knee"] - at[f"{side}_hip"], at[f"{side}_ankle"] - at[f"{side}_knee"]
        knees[side] = _bend(thigh, shin, hips[:, 1], 1.0)
        feet[side] = _foot(at[f"{side}_ankle"], shin, knees[side], hips, side, body.size)
        upper, lower = at[f"{side}_elbow"] - at[f"{side}_shoulder"], at[f"{side}_wrist"] - at[f"{side}_elbow"]
        arms[side] = _bend(upper, lower, chest[:, 1] - 0.3 * chest[:, 2], -1.0)
    return Axes(chest, hips, head, feet, arms, knees)


def _bend(first: Floats, second: Floats, usual: Floats, sign: float) -> Floats:
    """Where the hinge between two bones looks: away from where it bends for a knee, 1, into it for an elbow, -1."""
    first, second = first / np.linalg.norm(first), second / np.linalg.norm(second)
    looks = sign * (first - second)
    looks = looks - (first + second) * (looks @ (first + second)) / max(
        float((first + second) @ (first + second)), 1e-6
    )
    clear = float(np.clip(np.linalg.norm(looks) * 2.0 - 0.3, 0.0, 1.0))
    looks = clear * looks / max(float(np.linalg.norm(looks)), 1e-6) + (1.0 - clear) * usual
    return np.asarray(looks / max(float(np.linalg.norm(looks)), 1e-6))


def _foot(ankle: Floats, shin: Floats, knee: Floats, hips: Floats, side: str, size: float) -> Floats:
    """A foot square to its shin, toes where the knee looks, turned out a little; flat where it stands on the floor."""
    shin = shin / np.linalg.norm(shin)
    outward = hips[:, 0] * (0.16 if side == "r" else -0.16)
    ahead = frame_along(-shin, knee + outward)[:, 1] + 0.25 * shin
    ahead = ahead / np.linalg.norm(ahead)
    # Toes stand on the floor while the heel rises, and never go through it.
    on_floor = (ANKLE_MM * size - float(ankle[2])) / (165.0 * size)
    standing = float(np.clip((170.0 * size - ankle[2]) / (60.0 * size), 0.0, 1.0)) * float(shin[2] < -0.5)
    slope = (1.0 - standing) * ahead[2] + standing * np.clip(on_floor, -0.75, 0.0)
    slope = float(np.clip(max(slope, on_floor), -0.97, 0.97))
    flat = np.array([ahead[0], ahead[1], 0.0])
    norm = float(np.linalg.norm(flat))
    if norm > 1e-3:
        ahead = flat / norm * np.sqrt(1.0 - slope * slope) + np.array([0.0, 0.0, slope])
    frame = frame_along(ahead, -shin + np.array([0.0, 0.0, 1e-3]))
    # frame_along puts ``ahead`` last; here it is the second column and the instep the third.
    return np.stack((-frame[:, 0], frame[:, 2], frame[:, 1]), axis=1)
