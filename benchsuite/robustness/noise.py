"""Keypoints as a detector would have found them: noise fitted on a stacked hourglass' detections.

A joint is found near its place, or farther off, or where its mirror joint is, or somewhere about the person. How far is
told in heads, MPII's head size: 0.75 of the distance from the upper neck to the top of the head.

Joints of one person go wrong together: an occluded or oddly posed person has several. Left and right are alike. Frames
are independent of each other, which a detector's on a video are not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
from benchsuite_registry.skeletons import MPII_16, Skeleton
from numpy.typing import NDArray

from benchsuite.datasets.columns import WrongDataset
from benchsuite.documents import load

Array = NDArray[np.float64]

SCHEMA = 1

DETECTED = Skeleton(
    "DETECTED_14",
    tuple(joint for joint in MPII_16.joints if joint not in ("pelvis", "thorax")),
    (-1,) * 14,
    root="upper_neck",
)
"""The joints that the detector finds; other skeletons' joints are read from them and share their noise."""


@dataclass(frozen=True)
class Spread:
    """Where a joint is found. Shares add up to 1; distances are standard deviations along each axis, in heads.

    Attributes:
        near_share: of the joints, found where they are.
        near: how far off these are.
        off_share: found, but badly.
        off: how far off these are.
        swap_share: taken for the mirror joint, and as far from that as ``near``; 0 for joints without one.
        wild_share: found somewhere.
        wild: how far off these are.
    """

    near_share: float
    near: float
    off_share: float
    off: float
    swap_share: float
    wild_share: float
    wild: float

    def shares(self, severity: float = 1.0) -> Array:
        """(4,) of near, off, swapped and wild; the last two grow with ``severity`` at the expense of the others."""
        wrong = np.array((self.swap_share, self.wild_share)) * severity
        wrong /= max(1.0, wrong.sum())
        right = np.array((self.near_share, self.off_share))
        shares: Array = np.concatenate((right * (1.0 - wrong.sum()) / right.sum(), wrong))
        return shares


@dataclass(frozen=True)
class NoiseModel:
    """What a detector does to keypoints.

    Attributes:
        source: what it was fitted on.
        made_by: the command that fitted it.
        people: how many.
        together: correlation of the normal variables that decide how each joint of a person is found.
        joints: how each is, by its name without its side.
        schema: version of this layout.
    """

    source: str
    made_by: str
    people: int
    together: float
    joints: Mapping[str, Spread]
    schema: int = SCHEMA

    def spread(self, joint: str) -> Spread:
        """How ``joint`` of ``DETECTED`` is found."""
        return self.joints[sideless(joint)]

    def moved(
        self,
        uv: NDArray[np.floating],
        skeleton: Skeleton,
        head: NDArray[np.floating],
        rng: np.random.Generator,
        severity: float = 1.0,
    ) -> Array:
        """Keypoints as the detector would have found them.

        The same ``rng`` draws the same fate for each joint at every severity, so that a curve over severities is
        smooth.

        Args:
            uv: (N, J, 2) px, where they are.
            skeleton: of the J joints.
            head: (N,) px, the people's head sizes.
            rng: where all comes from.
            severity: 1 is the detector; shares of swapped and wild joints, and distances of all but the wild ones, are
                this many times its own.

        Returns:
            (N, J, 2) px.

        Raises:
            WrongDataset: a joint cannot be read from those that the detector finds; names it.
        """
        weights = skeleton.weights_from(DETECTED)
        if unknown := [joint for joint, known in zip(skeleton.joints, weights, strict=True) if known is None]:
            raise WrongDataset(f"the noise of {', '.join(unknown)} is not known; known: {', '.join(DETECTED.joints)}")
        detected = np.stack(DETECTED.columns_from(skeleton, uv), axis=1).astype(np.float64)
        off = self._offsets(detected, head, rng, severity)
        moved = uv.astype(np.float64)
        for column, known in enumerate(weights):
            for joint, weight in (known or {}).items():
                moved[:, column] += weight * off[:, DETECTED.index(joint)]
        return moved

    def _offsets(self, uv: Array, head: NDArray[np.floating], rng: np.random.Generator, severity: float) -> Array:
        """How far the detected joints (N, 14, 2) px are off."""
        count = len(uv)
        shared, own = rng.standard_normal((count, 1)), rng.standard_normal((count, len(DETECTED)))
        fate = np.sqrt(self.together) * shared + np.sqrt(1.0 - self.together) * own
        direction = rng.standard_normal((count, len(DETECTED), 2))
        off = np.empty_like(direction)
        for column, joint in enumerate(DETECTED.joints):
            spread = self.spread(joint)
            found = np.searchsorted(_quantiles(spread.shares(severity)), fate[:, column], side="right")
            sizes = np.array((spread.near, spread.off, spread.near, spread.wild)) * severity
            sizes[3] = spread.wild
            off[:, column] = direction[:, column] * (sizes[found] * head)[:, None]
            to_mirror = uv[:, DETECTED.mirror[column]] - uv[:, column]
            off[:, column] += np.where((found == 2)[:, None], np.nan_to_num(to_mirror), 0.0)
        return off


def load_noise(path: Path | None = None) -> NoiseModel:
    """The noise model in ``path``; the one that comes with the package if none is given.

    Raises:
        WrongDocument: it is not what its layout says.
    """
    if path is not None:
        return load(path, NoiseModel, SCHEMA)
    with as_file(files("benchsuite.robustness") / "hourglass_noise.json") as shipped:
        return load(shipped, NoiseModel, SCHEMA)


def sideless(joint: str) -> str:
    """The joint's name without ``l_`` or ``r_``."""
    return joint[2:] if joint[:2] in ("l_", "r_") else joint


def _quantiles(shares: Array) -> Array:
    """Where a standard normal variable passes from one share to the next, (3,)."""
    from scipy.special import ndtri

    edges: Array = ndtri(np.clip(np.cumsum(shares)[:-1], 0.0, 1.0))
    return edges
