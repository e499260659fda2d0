"""Skeletons: which joints a pose has, by name, and how one skeleton is read from another.

A joint keeps one name in every skeleton, so poses travel between skeletons by name, never by index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from math import nan
from operator import add
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

Points = TypeVar("Points", "NDArray[Any]", "Tensor")
"""Coordinates of joints, (..., J, D), in whatever they are computed with."""


@dataclass(frozen=True)
class Skeleton:
    """A named, ordered set of joints.

    Attributes:
        name: What datasets and results call it, such as ``H36M_17``.
        joints: Joint names in column order.
        parents: Index of each joint's parent, -1 for the root. A parent stands before its child
            wherever the skeleton is a tree to walk; 2D-only skeletons may list any order.
        root: Name of the joint that root-relative poses put at the origin; for skeletons without a
            pelvis this names a derived joint.
    """

    name: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    root: str = "pelvis"

    def __post_init__(self) -> None:
        if len(self.joints) != len(self.parents):
            raise ValueError(f"skeleton {self.name}: {len(self.joints)} joints but {len(self.parents)} parents")
        if len(set(self.joints)) != len(self.joints):
            raise ValueError(f"skeleton {self.name}: a joint name appears twice")

    def __len__(self) -> int:
        return len(self.joints)

    def index(self, joint: str) -> int:
        """Column of ``joint``.

        Raises:
            KeyError: the skeleton has no such joint; the message lists those it has.
        """
        try:
            return self.joints.index(joint)
        except ValueError:
            raise KeyError(f"skeleton {self.name} has no joint {joint!r}; it has {', '.join(self.joints)}") from None

    @property
    def root_index(self) -> int:
        """Column of the root joint."""
        return self.index(self.root)

    @cached_property
    def root_from(self) -> Mapping[str, float]:
        """The joints that the root is read from, with their weights: the root itself where it is there.

        Raises:
            KeyError: it can be had from none of the joints.
        """
        weights = _read(self.root, self)
        if weights is None:
            raise KeyError(f"skeleton {self.name} gives no {self.root}; it has {', '.join(self.joints)}")
        return weights

    @cached_property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) columns of every bone."""
        return tuple((p, j) for j, p in enumerate(self.parents) if p >= 0)

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """Column that takes each joint's place when left and right change sides."""
        swap = {"r_": "l_", "l_": "r_"}
        names = (swap[j[:2]] + j[2:] if j[:2] in swap else j for j in self.joints)
        return tuple(self.index(name) for name in names)

    def weights_from(self, other: Skeleton) -> tuple[dict[str, float] | None, ...]:
        """How each joint of this skeleton is read from ``other``.

        Returns:
            For each joint of this skeleton the joints of ``other`` with their weights: one entry of
            weight 1 where the joint is there under its own name, several where it is interpolated
            (``DERIVED``), ``None`` where it cannot be had.
        """
        return tuple(_read(joint, other) for joint in self.joints)

    def shares_from(self, other: Skeleton) -> tuple[tuple[float, ...], ...]:
        """``weights_from`` as the rows of a matrix, a column for each joint of ``other``; 0 where there is no share."""
        rows = (weights or {} for weights in self.weights_from(other))
        return tuple(tuple(weights.get(joint, 0.0) for joint in other.joints) for weights in rows)

    def columns_from(self, other: Skeleton, points: Points) -> list[Points]:
        """Each of its joints (..., D), read from ``points`` (..., K, D) of ``other``; NaN where it has none."""
        return [
            other._weighed(points, weights) if weights else points[..., 0, :] * nan
            for weights in self.weights_from(other)
        ]

    def root_of(self, points: Points) -> Points:
        """The root (..., D), given or derived, of ``points`` (..., J, D).

        Raises:
            KeyError: it can be had from none of the joints.
        """
        return self._weighed(points, self.root_from)

    def _weighed(self, points: Points, weights: Mapping[str, float]) -> Points:
        parts = [weight * points[..., self.index(joint), :] for joint, weight in weights.items()]
        total: Points = reduce(add, parts)
        return total


DERIVED: Mapping[str, Mapping[str, float]] = {
    "pelvis": {"l_hip": 0.5, "r_hip": 0.5},
    "thorax": {"l_shoulder": 0.5, "r_shoulder": 0.5},
    "neck": {"thorax": 1.0},
    "spine": {"pelvis": 0.5, "thorax": 0.5},
    "neck_nose": {"upper_neck": 1.0},
    "upper_neck": {"neck_nose": 1.0},
    "head": {"neck_nose": 1.0},
}
"""Joints that stand between others, for skeletons that lack them. Interpolated, not exact."""


def _read(joint: str, other: Skeleton, seen: frozenset[str] = frozenset()) -> dict[str, float] | None:
    if joint in other.joints:
        return {joint: 1.0}
    if joint not in DERIVED or joint in seen:
        return None
    total: dict[str, float] = {}
    for part, share in DERIVED[joint].items():
        source = _read(part, other, seen | {joint})
        if source is None:
            return None
        for name, weight in source.items():
            total[name] = total.get(name, 0.0) + share * weight
    return total


H36M_17 = Skeleton(
    "H36M_17",
    (
        "pelvis",
        "r_hip",
        "r_knee",
        "r_ankle",
        "l_hip",
        "l_knee",
        "l_ankle",
        "spine",
        "thorax",
        "neck_nose",
        "head_top",
        "l_shoulder",
        "l_elbow",
        "l_wrist",
        "r_shoulder",
        "r_elbow",
        "r_wrist",
    ),
    (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15),
)
"""The 17 moving joints of Human3.6M, in the order of VideoPose3D and Martinez et al."""

_MPII_JOINTS = (
    "r_ankle r_knee r_hip l_hip l_knee l_ankle pelvis thorax upper_neck head_top "
    "r_wrist r_elbow r_shoulder l_shoulder l_elbow l_wrist"
)
MPII_16 = Skeleton(
    "MPII_16",
    tuple(_MPII_JOINTS.split()),
    (1, 2, 6, 6, 3, 4, -1, 6, 7, 8, 11, 12, 7, 7, 13, 14),
)
"""MPII Human Pose; also the 16 joints of Zhou et al. 2017."""

MPI_INF_3DHP_17 = Skeleton(
    "MPI_INF_3DHP_17",
    (
        "head_top",
        "neck",
        "r_shoulder",
        "r_elbow",
        "r_wrist",
        "l_shoulder",
        "l_elbow",
        "l_wrist",
        "r_hip",
        "r_knee",
        "r_ankle",
        "l_hip",
        "l_knee",
        "l_ankle",
        "pelvis",
        "spine",
        "head",
    ),
    (1, 15, 1, 2, 3, 1, 5, 6, 14, 8, 9, 14, 11, 12, -1, 14, 1),
)
"""The 17 'relevant' joints of MPI-INF-3DHP's test set."""

PENN_13 = Skeleton(
    "PENN_13",
    (
        "head",
        "l_shoulder",
        "r_shoulder",
        "l_elbow",
        "r_elbow",
        "l_wrist",
        "r_wrist",
        "l_hip",
        "r_hip",
        "l_knee",
        "r_knee",
        "l_ankle",
        "r_ankle",
    ),
    (-1, 0, 0, 1, 2, 3, 4, 1, 2, 7, 8, 9, 10),
)
"""Penn Action as its documentation orders it; the converter decides the sides."""

LSP_14 = Skeleton(
    "LSP_14",
    (
        "r_ankle",
        "r_knee",
        "r_hip",
        "l_hip",
        "l_knee",
        "l_ankle",
        "r_wrist",
        "r_elbow",
        "r_shoulder",
        "l_shoulder",
        "l_elbow",
        "l_wrist",
        "neck",
        "head_top",
    ),
    (1, 2, 8, 9, 3, 4, 7, 8, 12, 12, 9, 10, -1, 12),
)
"""Leeds Sports Pose and its extended set."""

COCO_17 = Skeleton(
    "COCO_17",
    (
        "nose",
        "l_eye",
        "r_eye",
        "l_ear",
        "r_ear",
        "l_shoulder",
        "r_shoulder",
        "l_elbow",
        "r_elbow",
        "l_wrist",
        "r_wrist",
        "l_hip",
        "r_hip",
        "l_knee",
        "r_knee",
        "l_ankle",
        "r_ankle",
    ),
    (-1, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14),
)
"""COCO keypoints."""

SKELETONS: Mapping[str, Skeleton] = {s.name: s for s in (H36M_17, MPII_16, MPI_INF_3DHP_17, PENN_13, LSP_14, COCO_17)}


def skeleton(name: str) -> Skeleton:
    """The skeleton called ``name``.

    Raises:
        KeyError: no skeleton has that name; the message lists the known ones.
    """
    try:
        return SKELETONS[name]
    except KeyError:
        raise KeyError(f"unknown skeleton {name!r}; known: {', '.join(SKELETONS)}") from None
