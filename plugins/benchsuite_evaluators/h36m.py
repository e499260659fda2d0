"""Human3.6M's Protocol #1: mean per-joint position error after root alignment, in mm."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from benchsuite_registry.contracts import Measurements, Metric, Scalar
from benchsuite_registry.poses import Labels, PoseBatch, Target
from benchsuite_registry.skeletons import H36M_17
from torch import Tensor

from benchsuite.bone_sum import HUMAN36M_MM
from benchsuite.metrics import mpjpe, n_mpjpe, p_mpjpe
from benchsuite.statistics import ClipSums
from benchsuite_evaluators.bone_sum import bone_sum
from benchsuite_evaluators.reading import absences, check_samples, complete, in_unit, read_joints

LEFT_OUT = {17: (), 16: ("neck_nose",), 14: ("pelvis", "spine", "neck_nose")}
"""Joints of ``H36M_17`` that a pose of so many joints goes without."""

FIGURES = {"MPJPE": mpjpe, "P-MPJPE": p_mpjpe, "N-MPJPE": n_mpjpe}
OTHER = {"actions": "frames", "frames": "actions"}

BoneSum = Literal["train", "4296.99", "truth"]
SCALES: Mapping[BoneSum, str] = {
    "train": "as predicted",
    "4296.99": f"14 bones add up to {HUMAN36M_MM} mm",
    "truth": "14 bones add up to the true ones",
}
BONE_ENDS = tuple(joint for joint in H36M_17.joints if joint not in ("spine", "neck_nose"))


class H36MProtocol1:
    """MPJPE in mm after root alignment, no scaling, no rotation.

    Predictions and truth are read in ``H36M_17`` by joint name, moved so that their own roots lie at
    the origin, and compared on the counted joints; P-MPJPE and N-MPJPE see the same joints. Of predictions in
    ``MPII_16``, as image models give them, upper_neck stands for neck_nose, and the spine, which they lack, is put
    halfway between pelvis and thorax.

    A sample is ``undefined`` if its prediction lacks the root or a counted joint, or gives one that
    is not finite. No error in mm is made up for it: the means are over the other samples (``n`` says
    how many), and the number and share of undefined samples stand beside them. Samples whose truth
    is incomplete cannot be scored; they are counted as ``unlabelled`` instead.

    Intervals are percentile bootstraps over takes (clips, where takes are not told), always drawn from the same seed.

    Args:
        joints: 17; 16 (Zhou et al. and Martinez et al.'s 2D) without ``neck_nose``; 14 also
            without ``pelvis`` and ``spine``.
        root: whether the root, whose error is 0, is ``counted`` or ``excluded``.
        average: what the headline is a mean of, ``actions`` (each weighs the same) or ``frames``.
        bootstrap: how many sets of takes are drawn for each interval; 0 for none.
        bone_sum: what 14 bones of each prediction add up to. ``train``: what they do as predicted; a method has its
            scale from the data it was trained on. ``4296.99``: Zhou et al.'s constant, mm. ``truth``: as much as those
            of the true pose.

    Raises:
        ValueError: a negative number of draws.

    Source: Sec. 4.1 (Protocol #1); aggregation as in Martinez et al. 2017.
    Deviation: Zhou et al.'s 16 joints have a spine put between pelvis and thorax; here it is the
        spine as it was given.
    """

    def __init__(
        self,
        joints: int = 17,
        root: Literal["counted", "excluded"] = "counted",
        average: Literal["actions", "frames"] = "actions",
        bootstrap: int = 1000,
        bone_sum: BoneSum = "train",
    ) -> None:
        if bootstrap < 0:
            raise ValueError(f"h36m-p1: bootstrap: wanted 0 draws or more, found {bootstrap}")
        left_out = {*LEFT_OUT[joints], *([H36M_17.root] if root == "excluded" else [])}
        self._owner = f"h36m-p1: joints={joints}"
        self._joints = joints
        self._counted = tuple(name for name in H36M_17.joints if name not in left_out)
        self._average = average
        self._bootstrap = bootstrap
        self._bone_sum = bone_sum

    def measure(self, poses: PoseBatch, target: Target) -> Measurements:
        """Errors of each sample, NaN where it has none, and whether it is undefined or unlabelled.

        Raises:
            ValueError: the poses are not those of the target's samples, or a skeleton gives no
                counted joint; names it.
        """
        check_samples("h36m-p1", poses, target)
        truth = target.poses.to(poses.xyz.device)
        true = self.true_joints(truth)
        predicted = self.predicted_joints(poses)
        if self._bone_sum != "train":
            predicted = predicted * self._scale(poses, truth)[:, None, None]
        there, known = complete(predicted), complete(true)
        figures = {
            name: figure(predicted, true).masked_fill(~(there & known), np.nan) for name, figure in FIGURES.items()
        }
        return {
            name: column.cpu().numpy()
            for name, column in (figures | {"undefined": known & ~there, "unlabelled": ~known}).items()
        }

    def true_joints(self, poses: PoseBatch) -> Tensor:
        """Counted joints, the root at the origin: (B, counted, 3) float64 mm."""
        return read_joints(self._owner, "true", poses, H36M_17, self._counted)

    def predicted_joints(self, poses: PoseBatch) -> Tensor:
        """As ``true_joints``, of predictions."""
        return read_joints(self._owner, "predicted", poses, H36M_17, self._counted)

    def _scale(self, poses: PoseBatch, truth: PoseBatch) -> Tensor:
        """What makes each prediction's bones add up to what they should, (B,)."""
        predicted = bone_sum(read_joints(self._owner, "predicted", poses, H36M_17, BONE_ENDS), BONE_ENDS, "thorax")
        if self._bone_sum == "4296.99":
            return HUMAN36M_MM / predicted
        return bone_sum(read_joints(self._owner, "true", truth, H36M_17, BONE_ENDS), BONE_ENDS, "thorax") / predicted

    def summarise(self, measurements: Measurements, labels: Labels) -> tuple[Metric, ...]:
        """Each figure's headline mean, the other mean, and the means of the actions; what went missing."""
        # one take seen by four cameras is one draw of the bootstrap, not four
        clip, action = (part.codes.cpu().numpy() for part in (labels.take or labels.clip, labels.action))
        metrics = []
        for name in FIGURES:
            sums = ClipSums.of(measurements[name], clip, action)
            means = {
                "actions": sums.over_actions(draws=self._bootstrap),
                "frames": sums.over_frames(draws=self._bootstrap),
            }
            other = OTHER[self._average]
            metrics.append(in_unit(name, "mm", means[self._average]))
            metrics.append(in_unit(f"{name} avg_{other}", "mm", means[other]))
            for code, part in sums.by_action().items():
                group = f"action={labels.action.names[code] or 'all'}"
                metrics.append(in_unit(name, "mm", part.over_frames(draws=self._bootstrap), group))
        return (*metrics, *absences(measurements))

    def knobs(self) -> Mapping[str, Scalar]:
        """What is done here, in knobs that can be turned one at a time; see ``benchsuite explain``."""
        from benchsuite_evaluators.knobs import knobs_of  # it knows the dialects, and they know this

        return knobs_of(self)

    def turned(self, knobs: Mapping[str, Scalar]) -> H36MProtocol1:
        """Protocol #1 with the knobs at these settings, without intervals."""
        from benchsuite_evaluators.knobs import Turned

        return Turned(knobs)

    def protocol(self) -> Mapping[str, Scalar]:
        """Protocol #1 as it is set here."""
        return {
            "protocol": "h36m-p1",
            "joints": self._joints,
            "root": "counted" if H36M_17.root in self._counted else "excluded",
            "alignment": "root",
            "scale": SCALES[self._bone_sum],
            "average": self._average,
            "undefined": "left out and counted",
        }
