"""PCKh@0.5: how many of the keypoints that an image model found lie within half a head of the labelled ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from benchsuite_registry.contracts import Measurements, Metric, Scalar
from benchsuite_registry.poses import Labels, PoseBatch, Target
from benchsuite_registry.skeletons import Skeleton
from numpy.typing import NDArray
from torch import Tensor

from benchsuite.statistics import ClipSums, Estimate
from benchsuite_evaluators.reading import absences, check_samples, in_unit

Floats = NDArray[np.float64]

HEADLINE = "PCKh@0.5"
SHARE, CLOSE = 0.5, 0.1
"""Of the head's size: how far off a right joint may be, for the headline and for the strictest number beside it."""

AUC_SHARES = tuple(k / 100 for k in range(51))
"""0, 0.01, ..., 0.5: the curve under which MPII's evaluation takes the area."""

NECKS = ("upper_neck", "neck", "neck_nose")
"""What skeletons call the joint below the head. LSP's neck is where MPII's upper_neck is, well above the thorax."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "head": ("head_top", NECKS[0]),
    **{part: (f"r_{part}", f"l_{part}") for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")},
}
"""The 14 joints that count, as MPII's table puts them together: all of ``MPII_16`` but pelvis and thorax."""

JOINTS = tuple(joint for joints in GROUPS.values() for joint in joints)


class PCKh:
    """PCKh@0.5 over all labelled joints of all people, PCKh@0.1, the area under the curve up to 0.5, kinds of joints.

    Joints that are occluded count if they are labelled. A keypoint that was not found or is not finite is wrong, and
    its sample ``undefined``; a sample without a labelled joint or without a head's size is ``unlabelled`` and left out.

    Joints are read by name; the truth's neck stands for ``upper_neck`` where it has none of that name.

    Args:
        head: the head's size: ``column`` is the dataset's own, in MPII 0.6 of the diagonal of the head's box;
            ``segment`` the distance from the labelled neck to head_top, in MPII 4/3 of that, so more is right.
        compare: whether an error of just half a head is right: ``<=``, as MPII has it, or ``<``, as some ports do.
        bootstrap: how many sets of takes are drawn for each 95 % interval; 0 for none. Single images are drawn one by
            one.

    Raises:
        ValueError: a negative number of draws.

    Source: Sec. 4.3 for the metric; joints, comparison, area and pooling as in MPII's ``evaluatePCKh.m``.
    """

    def __init__(
        self,
        head: Literal["column", "segment"] = "column",
        compare: Literal["<=", "<"] = "<=",
        bootstrap: int = 1000,
    ) -> None:
        if bootstrap < 0:
            raise ValueError(f"pckh: bootstrap: wanted 0 draws or more, found {bootstrap}")
        self._head = head
        self._compare = compare
        self._bootstrap = bootstrap

    def measure(self, poses: PoseBatch, target: Target) -> Measurements:
        """Each sample's own PCKh@0.5, and errors (B, 14) in heads: NaN where nothing is labelled, infinite where
        nothing was found.

        Raises:
            ValueError: the poses come without keypoints, or are not those of the target's samples; the dataset has no
                2D, or no heads where ``head=column``.
        """
        check_samples("pckh", poses, target)
        if poses.uv is None:
            raise ValueError(
                "pckh: wanted the keypoints that an image model found beside its poses, found none: lifters find none, "
                "they are given them"
            )
        if target.keypoints is None:
            raise ValueError("pckh: wanted labelled keypoints, found none")
        true = _true(target).to(poses.uv.device)
        heads = self._heads(target, true)
        known = true.isfinite().all(dim=-1) & (heads > 0)[:, None]
        errors = (_read(poses.uv.double(), poses.skeleton) - true).norm(dim=-1) / heads[:, None]
        errors = torch.where(known, errors.nan_to_num(nan=torch.inf, posinf=torch.inf), torch.nan)
        right = self._right(errors.cpu().numpy(), SHARE)
        return {
            HEADLINE: _shares(right, known.cpu().numpy()),
            "errors": errors.cpu().numpy(),
            "undefined": errors.isinf().any(dim=1).cpu().numpy(),
            "unlabelled": (~known).all(dim=1).cpu().numpy(),
        }

    def _heads(self, target: Target, true: Tensor) -> Tensor:
        """Sizes (B,) px; NaN where unknown."""
        if self._head == "segment":
            top, neck = (true[:, JOINTS.index(joint)] for joint in GROUPS["head"])
            segment: Tensor = torch.linalg.vector_norm(top - neck, dim=-1)
            return segment
        if target.head is None:
            raise ValueError(
                "pckh: head=column: wanted a dataset with the column 'head', found none; head=segment measures from "
                "neck to head_top"
            )
        return target.head.to(true.device).double()

    def summarise(self, measurements: Measurements, labels: Labels) -> tuple[Metric, ...]:
        """PCKh@0.5, each kind of joint's, PCKh@0.1 and the area under the curve; what went missing."""
        errors = measurements["errors"]
        picture = (labels.take or labels.clip).codes.cpu().numpy()
        right = self._right(errors, SHARE)
        metrics = [in_unit(HEADLINE, "%", self._pooled(right, errors, picture), higher=True)]
        for name, joints in GROUPS.items():
            own = [JOINTS.index(joint) for joint in joints]
            found = self._pooled(right[:, own], errors[:, own], picture)
            metrics.append(in_unit(HEADLINE, "%", found, f"joint={name}", higher=True))
        for name, figures in ((f"PCKh@{CLOSE}", self._right(errors, CLOSE)), ("AUC", self._area(errors))):
            metrics.append(in_unit(name, "%", self._pooled(figures, errors, picture), higher=True))
        return (*metrics, *absences(measurements))

    def _right(self, errors: Floats, share: float) -> Floats:
        return (errors <= share if self._compare == "<=" else errors < share).astype(np.float64)

    def _area(self, errors: Floats) -> Floats:
        """Area under each joint's own curve, straight between the shares: 1 where it is right at all of them."""
        weights = np.full(len(AUC_SHARES), 1.0)
        weights[[0, -1]] = 0.5
        from_here_on = np.append(weights[::-1].cumsum()[::-1], 0.0) / weights.sum()
        first = np.searchsorted(AUC_SHARES, errors, side="left" if self._compare == "<=" else "right")
        area: Floats = from_here_on[first]
        return area

    def _pooled(self, figures: Floats, errors: Floats, picture: NDArray[np.integer]) -> Estimate:
        """Percentage over all labelled joints of all samples, given shares (B, J)."""
        known = ~np.isnan(errors)
        count = known.sum(axis=1)
        mean = ClipSums.of(_shares(figures, known), picture, weight=count).over_frames(draws=self._bootstrap)
        return replace(mean, n=int((count > 0).sum()))

    def protocol(self) -> Mapping[str, Scalar]:
        """What a PCKh depends on."""
        segment = "labelled neck to head_top"
        return {
            "protocol": "pckh",
            "joints": f"{len(JOINTS)} of MPII_16, labelled ones",
            "head": segment if self._head == "segment" else "the dataset's own size",
            "threshold": f"{self._compare} {SHARE} head",
            "average": "labelled joints",
            "undefined": "wrong",
        }


def _shares(figures: Floats, known: NDArray[np.bool_]) -> Floats:
    """Percentage (B,) over the labelled joints of each sample; NaN where there are none."""
    with np.errstate(invalid="ignore"):
        shares: Floats = 100.0 * (figures * known).sum(axis=1) / known.sum(axis=1)
    return shares


def _true(target: Target) -> Tensor:
    """Labelled keypoints (B, 14, 2) px; NaN where there are none.

    Raises:
        ValueError: the target has no keypoints.
    """
    if target.keypoints is None:
        raise ValueError("pckh: wanted labelled keypoints, found none")
    labelled = target.keypoints.visible if target.labelled is None else target.labelled
    uv = torch.where(labelled[..., None], target.keypoints.uv.double(), torch.nan)
    return _read(uv, target.keypoints.skeleton)


def _read(uv: Tensor, skeleton: Skeleton) -> Tensor:
    """Keypoints (B, J, 2) px of ``skeleton`` as those of ``JOINTS``; NaN where it has none of them."""
    neck = next((name for name in NECKS if name in skeleton.joints), NECKS[0])
    names = [neck if joint == NECKS[0] else joint for joint in JOINTS]
    nothing = torch.full_like(uv[:, 0], torch.nan)
    return torch.stack([uv[:, skeleton.index(n)] if n in skeleton.joints else nothing for n in names], dim=1)
