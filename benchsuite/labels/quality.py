"""How far a label can be trusted: parts in (0, 1], each a thing that may be wrong with it, and their product.

A part is ``exp(-x / scale)``, where x is 0 for a faultless label and grows with the fault, so the score falls whenever
any of them grows. The scales weigh the parts about as a regression of the logarithm of the true error does, on 6,000
people of `cmu`'s test split whose keypoints were spoilt as real ones are: all by noise of up to 2 % of their size, some
by missing joints, joints in the wrong place, exchanged sides. There the score's rank correlation with the MPJPE of
labels by stereo and geosearch is -0.65 (residual alone -0.58, proportion -0.49, symmetry -0.49, agreement -0.39).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchsuite.labels.anatomy import asymmetry, disproportion, overbend
from benchsuite.labels.crop import Bools, Floats

SCALES = {
    "residual": 60.0,
    "proportion": 0.4,
    "symmetry": 0.5,
    "angles": np.radians(30.0),
    "agreement": 0.2,
    "missing": 1.0,
    "reported": 1.5,
}
"""How much of each fault takes a factor e off the score; see ``faults`` for their units."""
PARTS = tuple(SCALES)

_USUAL = 0.05
"""By this much, as the logarithm of a ratio, bones of sound people differ from the mean, and right from left."""


@dataclass(frozen=True)
class Labelled:
    """B labels and what went before them.

    Attributes:
        lifted: (B, 17, 3) mm, about the root.
        xyz: (B, 17, 3) mm, camera frame: the label.
        seen: (B, 17) joints that have a keypoint of their own.
        missing: (B,) share of the joints to be had from the keypoints' skeleton that had to be filled in.
        depth_mm: (B,) of the root.
        others_mm: the same as other objectives find it.
        flags: (B,) uint8, what the refiner reports of the pose, beside what it would of a perfect one.
    """

    lifted: Floats
    xyz: Floats
    seen: Bools
    missing: Floats
    depth_mm: Floats
    others_mm: Sequence[Floats]
    flags: NDArray[np.uint8]


@np.errstate(divide="ignore", invalid="ignore")  # bones without length, depths of 0: not numbers, and worth nothing
def faults(labelled: Labelled) -> dict[str, Floats]:
    """What is wrong with each label, (B,) a part, 0 for nothing.

    * ``residual``: mean distance in mm by which refining moved the seen joints: what the lifted pose missed its
      keypoints by, at the depth that was found
    * ``proportion``: root mean square deviation of the long bones from their mean lengths, as the logarithm of ratios,
      beyond what people differ by; ``symmetry``: the same of right against left
    * ``angles``: how far, in rad, the worst joint is bent beyond its range or backwards
    * ``agreement``: largest deviation of the depths that other objectives find, as the logarithm of a ratio
    * ``missing``: as it stands there
    * ``reported``: how many flags the refiner raises that are about the pose, not about missing keypoints
    """
    xyz = labelled.xyz - labelled.xyz[:, :1]
    moved = np.linalg.norm(xyz - labelled.lifted, axis=-1)
    apart = [np.abs(np.log(other / labelled.depth_mm)) for other in labelled.others_mm]
    return {
        "residual": np.where(labelled.seen, moved, 0.0).sum(1) / np.maximum(labelled.seen.sum(1), 1),
        "proportion": np.maximum(disproportion(xyz) - _USUAL, 0.0),
        "symmetry": np.maximum(asymmetry(xyz) - _USUAL, 0.0),
        "angles": overbend(xyz),
        "agreement": np.max(apart, axis=0, initial=0.0) if apart else np.zeros(len(xyz)),
        "missing": labelled.missing,
        "reported": np.unpackbits(labelled.flags[:, None], axis=1).sum(1).astype(np.float64),
    }


def parts(found: dict[str, Floats]) -> NDArray[np.float32]:
    """(B, P) in (0, 1], in the order of ``PARTS``; a fault that is not a number costs everything."""
    exponent = np.stack([found[name] / SCALES[name] for name in PARTS], axis=1)
    made: NDArray[np.float32] = np.nan_to_num(np.exp(-exponent), nan=0.0).astype(np.float32)
    return made


def scores(each: NDArray[np.float32]) -> NDArray[np.float32]:
    """(B,) in [0, 1]: the product of the parts (B, P)."""
    made: NDArray[np.float32] = each.prod(1, dtype=np.float32)
    return made
