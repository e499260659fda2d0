"""The three skeletons CMU's motion capture comes in, and how the joints of H36M_17 come out of each.

Alike in all three, so that poses of one can stand beside poses of another:

* pelvis: halfway between the hips (CMU's root lies 10 cm above them); spine: halfway between the
  two joints of the lower back; thorax: where the neck starts, 4 to 5 cm above the shoulders' line.
* neck_nose: where the head starts; head_top: the end of the head bone. DAZ figures have no end of
  the head but eyes, which lie as far before the head's joint as above it, so they give its upward
  axis; head_top is 11 cm up along it, which makes thorax to head_top 18 cm, as in CMU's own
  skeletons (Human3.6M: 19 cm). Where a take's head is upside down (salsa 06 and part of 07, whose
  markers were taken for one another), it is 11 cm further along the neck instead.
* wrist: where the hand starts to bend. ASF splits the forearm in ``radius`` and, half as long and
  always in line with it, ``wrist``; the walk BVHs lost the second, so their wrist is put back, half
  a radius further out. The hands that hang from a bar in 01_03 to 01_12 speak for it: they stand
  still 4 to 7 cm beyond that point, where a palm is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from benchsuite_registry.skeletons import H36M_17

from benchsuite.convert.motion import Floats

Points = dict[str, Floats]
"""Paths (T, 3) by name."""

_INCH_MM = 25.4
_CMU_LENGTH_UNIT = 0.45
_RADIUS_TO_FOREARM = 1.5
_DAZ_CROWN_CM = 11.0
_DAZ_MAX_UPSIDE_DOWN = 0.01
"""Share of a take's frames with the head's axis more than 90 degrees off the neck's."""


@dataclass(frozen=True, eq=False)
class CmuSkeleton:
    """One kind of skeleton.

    Attributes:
        kind: Its name, for errors.
        unit_mm: The file's unit.
        settling: How many frames to drop where a file starts with a rest pose.
        joints: By joint of H36M_17, the points of which it is the mean.
        needs: The points a file must have.
        derive: Further points out of those, in the file's own unit and axes.
    """

    kind: str
    unit_mm: float
    settling: int
    joints: Mapping[str, tuple[str, ...]]
    needs: frozenset[str]
    derive: Callable[[Points], Points]

    def h36m(self, points: Points) -> Floats:
        """The poses (T, 17, 3), mm, in the file's own axes, from the file's points (T, 3)."""
        points = points | self.derive(points)
        means = [np.mean([points[point] for point in self.joints[joint]], axis=0) for joint in H36M_17.joints]
        poses: Floats = np.stack(means, axis=1) * self.unit_mm
        return poses


def _forearms(points: Points) -> Points:
    """``Left`` and ``RightForearm``: the wrists, beyond the radius that the walk BVHs end with."""
    return {
        f"{side}Forearm": points[f"{side}Elbow"]
        + _RADIUS_TO_FOREARM * (points[f"{side}Wrist"] - points[f"{side}Elbow"])
        for side in ("Left", "Right")
    }


def _crown(points: Points) -> Points:
    """``crown``: the top of the head, up from its joint along its own axis, which the eyes give.

    In the head's axes (x to its left, y up, z ahead) the eyes' midpoint less its part along x
    is (0, a, a): y is that direction turned back by 45 degrees about x.
    """
    across = points["leftEye"] - points["rightEye"]
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    gaze = (points["leftEye"] + points["rightEye"]) / 2 - points["head"]
    gaze -= across * np.sum(gaze * across, axis=-1, keepdims=True)
    gaze /= np.linalg.norm(gaze, axis=-1, keepdims=True)
    up = (gaze - np.cross(across, gaze)) / np.sqrt(2)
    neck = points["head"] - points["neck"]
    if np.mean(np.sum(up * neck, axis=-1) < 0) > _DAZ_MAX_UPSIDE_DOWN:
        up = neck / np.linalg.norm(neck, axis=-1, keepdims=True)
    return {"crown": points["head"] + _DAZ_CROWN_CM * up}


def _nothing(_: Points) -> Points:
    return {}


def _skeleton(
    kind: str,
    unit_mm: float,
    torso: Mapping[str, str],
    limbs: Mapping[str, str],
    *,
    sides: tuple[str, str],
    settling: int = 1,
    derive: Callable[[Points], Points] = _nothing,
    derived: Iterable[str] = (),
    derived_from: Iterable[str] = (),
) -> CmuSkeleton:
    """A skeleton from the points of each joint, in one string; ``{}`` stands for the left or right."""
    joints = {joint: tuple(points.split()) for joint, points in torso.items()}
    for prefix, side in zip("lr", sides, strict=True):
        for joint, point in limbs.items():
            joints[f"{prefix}_{joint}"] = (point.format(side),)
    needs = {point for points in joints.values() for point in points} - set(derived)
    return CmuSkeleton(kind, unit_mm, settling, joints, frozenset(needs.union(derived_from)), derive)


ASF = _skeleton(
    "CMU ASF",
    _INCH_MM / _CMU_LENGTH_UNIT,
    {
        "pelvis": "lhipjoint rhipjoint",
        "spine": "lowerback upperback",
        "thorax": "lowerneck",
        "neck_nose": "upperneck",
        "head_top": "head",
    },
    {
        "hip": "{}hipjoint",
        "knee": "{}femur",
        "ankle": "{}tibia",
        "shoulder": "{}clavicle",
        "elbow": "{}humerus",
        "wrist": "{}wrist",
    },
    sides=("l", "r"),
)

WALK = _skeleton(
    "CMU walk BVH",
    _INCH_MM / _CMU_LENGTH_UNIT,
    {
        "pelvis": "LeftHip RightHip",
        "spine": "Chest Chest2",
        "thorax": "Neck",
        "neck_nose": "Head",
        "head_top": "Head_end",
    },
    {
        "hip": "{}Hip",
        "knee": "{}Knee",
        "ankle": "{}Ankle",
        "shoulder": "{}Shoulder",
        "elbow": "{}Elbow",
        "wrist": "{}Forearm",
    },
    sides=("Left", "Right"),
    derive=_forearms,
    derived=("LeftForearm", "RightForearm"),
    derived_from=("LeftWrist", "RightWrist"),
)

DAZ = _skeleton(
    "DAZ BVH",
    10.0,
    {
        "pelvis": "lThigh rThigh",
        "spine": "abdomen chest",
        "thorax": "neck",
        "neck_nose": "head",
        "head_top": "crown",
    },
    {
        "hip": "{}Thigh",
        "knee": "{}Shin",
        "ankle": "{}Foot",
        "shoulder": "{}Shldr",
        "elbow": "{}ForeArm",
        "wrist": "{}Hand",
    },
    sides=("l", "r"),
    settling=10,  # a low-pass filter has smeared the rest pose over the first eight frames
    derive=_crown,
    derived=("crown",),
    derived_from=("leftEye", "rightEye"),
)
