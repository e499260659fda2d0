"""Poses of H36M_17 as angles, and back: how each bone leans in the frame of the bone before it.

A pose is a root orientation and 33 angles; bone lengths stand beside them, so one set of angles fits
every body. The pelvis and the torso have whole frames (x ahead, y to the left, z up), seen in the
hips and the shoulders. Every other bone leans away from a resting direction by two angles, and what
hangs from it is carried along by the smallest rotation that makes it lean so. All is closed-form and
exact: nothing is fitted, nothing iterates.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]

_AT = {name: k for k, name in enumerate(H36M_17.joints)}
PARENTS, CHILDREN = np.array(H36M_17.bones).T
"""Columns of both ends of the 16 bones."""
TWIN = np.array([H36M_17.mirror[child] for child in CHILDREN]) - 1
"""The bone on the other side, of each bone."""
OWN_SIDE = np.minimum(np.arange(len(TWIN)), TWIN)
"""The first of each bone and its twin."""


class Lean(NamedTuple):
    """A bone that leans: by the joint at its far end, where it rests, and what carries it."""

    joint: str
    rest: tuple[float, float, float]
    carrier: str


def _both(joint: str, rest: tuple[float, float, float], carrier: str) -> tuple[Lean, Lean]:
    ahead, left, up = rest
    near = carrier if carrier in ("pelvis", "torso") else f"r_{carrier}"
    far = carrier if carrier in ("pelvis", "torso") else f"l_{carrier}"
    return Lean(f"r_{joint}", (ahead, -left, up), near), Lean(f"l_{joint}", rest, far)


# Resting directions lie in the middle of what a joint can do, far from the opposite direction, where the two angles
# are not defined. A shin rests in line with its thigh, so the length of its two angles is the knee's own angle; so
# for the forearm and the elbow.
_THIGH, _UPPER_ARM = (0.5, 0.15, -0.85), (0.4, 0.5, -0.75)
LEANS: tuple[Lean, ...] = (
    *_both("hip", (0.0, 1.0, 0.0), "pelvis"),
    *_both("knee", _THIGH, "pelvis"),
    *_both("ankle", _THIGH, "knee"),
    Lean("spine", (0.0, 0.0, 1.0), "pelvis"),
    Lean("neck_nose", (0.0, 0.0, 1.0), "torso"),
    Lean("head_top", (0.0, 0.0, 1.0), "neck_nose"),
    *_both("shoulder", (0.0, 1.0, 0.0), "torso"),
    *_both("elbow", _UPPER_ARM, "torso"),
    *_both("wrist", _UPPER_ARM, "elbow"),
)
"""In the order of their angles. A carrier that leans stands before what it carries."""
_NAMES = [lean.joint for lean in LEANS]

ANGLES = 3 + 2 * len(LEANS)
"""Three of the torso against the pelvis, as a rotation vector, then two a lean."""


def _unit(vectors: Floats) -> Floats:
    made: Floats = vectors / np.sqrt((vectors**2).sum(-1, keepdims=True))
    return made


_REST = _unit(np.array([lean.rest for lean in LEANS]))
_SIDE = np.stack([np.cross((1.0, 0.0, 0.0), r) if abs(r[0]) < 0.9 else np.cross((0.0, 1.0, 0.0), r) for r in _REST])
_BASIS = np.stack((_unit(_SIDE), np.cross(_REST, _unit(_SIDE))), axis=1)
"""(15, 2, 3), the two directions in which each bone can leave its rest."""


def mirrored(angles: Floats) -> Floats:
    """The angles (..., 33) of the same pose in a mirror."""
    twins = [_NAMES.index(H36M_17.joints[H36M_17.mirror[_AT[name]]]) for name in _NAMES]
    flipped = _BASIS * (1.0, -1.0, 1.0)
    matrix = np.einsum("jak,jbk->jab", _BASIS, flipped[twins])  # how a twin's mirrored basis reads in one's own
    leans = angles[..., 3:].reshape(*angles.shape[:-1], len(LEANS), 2)[..., twins, :]
    leans = np.einsum("jab,...jb->...ja", matrix, leans)
    torso = angles[..., :3] * (-1.0, 1.0, -1.0)  # a rotation vector is an axial one
    made: Floats = np.concatenate((torso, leans.reshape(*angles.shape[:-1], -1)), axis=-1)
    return made


def pose_angles(xyz: Floats) -> tuple[Floats, Floats]:
    """Root orientations (..., 3, 3) and angles (..., 33) of poses.

    Args:
        xyz: (..., 17, 3) mm, world frame, joints of H36M_17; hips, shoulders and torso not collapsed.

    Returns:
        The orientations have the pelvis' axes as columns; the angles are in rad.
    """
    bones = np.zeros_like(xyz)
    bones[..., CHILDREN, :] = _unit(xyz[..., CHILDREN, :] - xyz[..., PARENTS, :])
    hips = _unit(xyz[..., _AT["l_hip"], :] - xyz[..., _AT["r_hip"], :])
    shoulders = xyz[..., _AT["l_shoulder"], :] - xyz[..., _AT["r_shoulder"], :]
    pelvis = _frame(bones[..., _AT["spine"], :], hips, keep="left")
    torso = _frame(bones[..., _AT["thorax"], :], shoulders, keep="up")
    frames = {"pelvis": pelvis, "torso": torso}
    directions: dict[str, Floats] = {}
    angles = [vectors_of(np.swapaxes(pelvis, -1, -2) @ torso)]
    for k, lean in enumerate(LEANS):
        if lean.carrier in directions:
            carried = _NAMES.index(lean.carrier)
            frame = frames[LEANS[carried].carrier]
            local = _rows(bones[..., _AT[lean.joint], :], frame)
            local = _turned(directions[lean.carrier], _REST[carried], local)
        else:
            local = directions[lean.joint] = _rows(bones[..., _AT[lean.joint], :], frames[lean.carrier])
        angles.append(_lean_of(local, k))
    return pelvis, np.concatenate(angles, axis=-1)


def pose_directions(angles: Floats) -> Floats:
    """Unit directions (..., 16, 3) of all bones in the pelvis' frame, from angles (..., 33) in rad."""
    torso = rotations_of(angles[..., :3])
    leans = angles[..., 3:].reshape(*angles.shape[:-1], len(LEANS), 2)
    size = np.sqrt((leans**2).sum(-1, keepdims=True))
    basis, rest = _BASIS.astype(angles.dtype), _REST.astype(angles.dtype)
    away = leans[..., :1] * basis[:, 0] + leans[..., 1:] * basis[:, 1]
    local = np.cos(size) * rest + np.sinc(size / np.pi) * away
    made = np.empty((*angles.shape[:-1], len(PARENTS), 3), angles.dtype)
    for k, lean in enumerate(LEANS):
        direction, frame = local[..., k, :], lean.carrier
        if frame in _NAMES:
            carried = _NAMES.index(frame)
            direction, frame = _turned(rest[carried], local[..., carried, :], direction), LEANS[carried].carrier
        if frame == "torso":
            direction = (torso @ direction[..., None])[..., 0]
        made[..., _AT[lean.joint] - 1, :] = direction
    made[..., _AT["thorax"] - 1, :] = torso[..., :, 2]
    return made


def joint_places(directions: Floats, lengths: Floats) -> Floats:
    """Joints (..., 17, 3) in mm about the pelvis.

    Args:
        directions: (..., 16, 3), of all bones, in any one frame.
        lengths: (..., 16) mm, of the same bones.
    """
    xyz = np.zeros((*directions.shape[:-2], 17, 3), directions.dtype)
    bones = directions * lengths[..., None]
    for bone, (parent, child) in enumerate(H36M_17.bones):
        xyz[..., child, :] = xyz[..., parent, :] + bones[..., bone, :]
    return xyz


def bone_lengths(xyz: Floats) -> Floats:
    """Lengths (..., 16) of the bones of poses (..., 17, 3), in their unit."""
    lengths: Floats = np.linalg.norm(xyz[..., CHILDREN, :] - xyz[..., PARENTS, :], axis=-1)
    return lengths


_BENDS = (
    ("knee", ("r_knee", "r_ankle"), ("l_knee", "l_ankle")),
    ("elbow", ("r_elbow", "r_wrist"), ("l_elbow", "l_wrist")),
    ("hip", ("spine", "r_knee"), ("spine", "l_knee")),
    ("shoulder", ("thorax", "r_elbow"), ("thorax", "l_elbow")),
    ("spine", ("spine", "thorax")),
    ("neck", ("thorax", "neck_nose")),
    ("head", ("neck_nose", "head_top")),
)
BENDS = tuple(name for name, *pairs in _BENDS for _ in pairs)
"""Names of the 11 angles between neighbouring bones; right and left have the same."""
_FIRST, _SECOND = np.array([[_AT[a] - 1, _AT[b] - 1] for _, *pairs in _BENDS for a, b in pairs]).T


def bends(xyz: Floats) -> Floats:
    """Angles (..., 11) in rad between neighbouring bones of poses (..., 17, 3)."""
    bones = _unit(xyz[..., CHILDREN, :] - xyz[..., PARENTS, :])
    cosines = (bones[..., _FIRST, :] * bones[..., _SECOND, :]).sum(-1)
    made: Floats = np.arccos(np.clip(cosines, -1.0, 1.0))
    return made


def heading_of(orientation: Floats) -> Floats:
    """Turn about z in rad of rotations (..., 3, 3): what is left is the smallest tilt that does the rest."""
    sine = orientation[..., 1, 0] - orientation[..., 0, 1]
    made: Floats = np.arctan2(sine, orientation[..., 0, 0] + orientation[..., 1, 1])
    return made


def headed(heading: Floats) -> Floats:
    """Rotations (..., 3, 3) about z by ``heading`` (...) in rad."""
    zero = np.zeros_like(heading)
    return rotations_of(np.stack((zero, zero, heading), axis=-1))


def rotations_of(vectors: Floats) -> Floats:
    """Rotation matrices (..., 3, 3) of rotation vectors (..., 3) in rad."""
    angle = np.sqrt((vectors**2).sum(-1))[..., None, None]
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    cross = np.stack((zero, -z, y, z, zero, -x, -y, x, zero), axis=-1).reshape(*x.shape, 3, 3)
    half = np.sinc(angle / (2 * np.pi))
    made: Floats = np.eye(3, dtype=vectors.dtype) + np.sinc(angle / np.pi) * cross + half**2 / 2 * (cross @ cross)
    return made


def vectors_of(rotations: Floats) -> Floats:
    """Rotation vectors (..., 3) in rad of rotation matrices (..., 3, 3) by less than half a turn."""
    axis = np.stack([rotations[..., a, b] - rotations[..., b, a] for a, b in ((2, 1), (0, 2), (1, 0))], axis=-1) / 2
    sine = np.linalg.norm(axis, axis=-1, keepdims=True)
    cosine = (np.trace(rotations, axis1=-2, axis2=-1)[..., None] - 1) / 2
    made: Floats = axis / np.sinc(np.arctan2(sine, cosine) / np.pi)
    return made


def _frame(up: Floats, left: Floats, keep: str) -> Floats:
    """Right-handed axes as columns; the one to ``keep`` as given, the other made square to it."""
    ahead = _unit(np.cross(left, up))
    if keep == "left":
        up = np.cross(ahead, left)
    else:
        left = np.cross(up, ahead)
    return np.stack((ahead, left, up), axis=-1)


def _rows(vectors: Floats, frame: Floats) -> Floats:
    """``vectors`` (..., 3) as seen in ``frame`` (..., 3, 3)."""
    made: Floats = (vectors[..., None, :] @ frame)[..., 0, :]
    return made


def _turned(start: Floats, end: Floats, vectors: Floats) -> Floats:
    """``vectors`` turned by the smallest rotation that takes ``start`` to ``end``, all (..., 3), units."""
    axis = np.cross(start, end)
    cosine = (start * end).sum(-1, keepdims=True)
    once = np.cross(axis, vectors)
    made: Floats = vectors + once + np.cross(axis, once) / (1 + cosine)
    return made


def _lean_of(direction: Floats, lean: int) -> Floats:
    """The two angles (..., 2) by which ``direction`` (..., 3) leaves the rest of ``LEANS[lean]``."""
    parts = direction @ _BASIS[lean].T
    sine = np.linalg.norm(parts, axis=-1, keepdims=True)
    angle = np.arctan2(sine, direction @ _REST[lean][:, None])
    made: Floats = parts / np.sinc(angle / np.pi)
    return made
