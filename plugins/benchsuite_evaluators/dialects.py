"""Protocol #1 as well-known codes compute it, so that their printed numbers can be met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import numpy as np
import torch
from benchsuite_registry.contracts import Measurements, Metric, Scalar
from benchsuite_registry.poses import Category, Frame, Labels, PoseBatch
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray
from torch import Tensor

from benchsuite.convert.h36m_takes import DRIFTING, UNFILMED, Take
from benchsuite_evaluators.h36m import BoneSum, H36MProtocol1
from benchsuite_evaluators.reading import read_joints

Mask = NDArray[np.bool_]


class Dialect(H36MProtocol1):
    """Protocol #1 but for what a subclass says; all 17 joints, the root among them.

    Samples that the code would not look at are left out and counted.
    """

    name: ClassVar[str]
    mean_over: ClassVar[Literal["actions", "frames"]] = "actions"
    joints: ClassVar[int] = 17
    skipped: ClassVar[tuple[Take, ...]] = ()

    def __init__(self, bootstrap: int = 1000, bone_sum: BoneSum = "train") -> None:
        super().__init__(self.joints, "counted", self.mean_over, bootstrap, bone_sum)

    def kept(self, measurements: Measurements, labels: Labels) -> Mask:
        """Which samples (B,) the code looks at."""
        return ~_of_takes(f"h36m-p1: dialect={self.name}", labels, self.skipped)

    def summarise(self, measurements: Measurements, labels: Labels) -> tuple[Metric, ...]:
        """As Protocol #1 of the samples that are kept, and how many are not."""
        kept = self.kept(measurements, labels)
        rows = torch.from_numpy(np.flatnonzero(kept))
        metrics = super().summarise({name: column[kept] for name, column in measurements.items()}, labels.rows(rows))
        return (*metrics, Metric("left out by the dialect", int((~kept).sum()), "samples", "lower", n=len(kept)))

    def protocol(self) -> Mapping[str, Scalar]:
        """Protocol #1's and the dialect's name."""
        return {**super().protocol(), "dialect": self.name}


class _AsPredicted(Dialect):
    """The truth's root is put at the origin, a prediction relative to its root is taken as it comes."""

    def predicted_joints(self, poses: PoseBatch) -> Tensor:
        """Of poses that a method gave in ``Frame.ROOT``, not moved."""
        as_given = poses.frame is Frame.ROOT
        return read_joints(self._owner, "predicted", poses, H36M_17, self._counted, as_given=as_given)


class MartinezDialect(Dialect):
    """Martinez et al.: batches of 64 within each action, the last partial one dropped; mean of the actions.

    Deviation: which samples are the last of an action follows the dataset's order, not that of a Python dictionary.

    Source: 3d-pose-baseline, ``evaluateActionWise``.
    """

    name = "martinez"
    batch: ClassVar[int] = 64

    def kept(self, measurements: Measurements, labels: Labels) -> Mask:
        """Whole batches of each action.

        Raises:
            ValueError: an action has not even one.
        """
        action = labels.action.codes.cpu().numpy()
        kept = np.zeros(len(action), dtype=bool)
        for code in np.unique(action):
            rows = np.flatnonzero(action == code)
            if len(rows) < self.batch:
                raise ValueError(
                    f"h36m-p1: dialect={self.name}: wanted a batch of {self.batch} samples of each action, "
                    f"found {len(rows)} of {labels.action.names[code] or 'no action'}"
                )
            kept[rows[: len(rows) // self.batch * self.batch]] = True
        return kept


class VideoPose3DDialect(_AsPredicted):
    """VideoPose3D: mean of the actions; MPJPE, P-MPJPE and N-MPJPE are its Protocols #1, #2 and #3.

    Its data have no S11 Directions 2, so that take is left out.

    Source: VideoPose3D, ``run.py`` (``evaluate``) and ``prepare_data_h36m.py``.
    Deviation: its velocity error (MPJVE) is not worked out.
    """

    name = "videopose3d"
    skipped = (UNFILMED,)


class MMPoseDialect(_AsPredicted):
    """mmpose: mean over all frames.

    Source: mmpose, ``keypoint_3d_metrics.py``.
    Deviation: what it prints per action in its modes p-mpjpe and n-mpjpe is not aligned; here it is.
    """

    name = "mmpose"
    mean_over = "frames"


class MotionBERTDialect(Dialect):
    """MotionBERT: three takes of S9 skipped, frames without any error dropped; mean of the actions.

    Source: MotionBERT, ``train.py`` (``evaluate``): s_09_act_05_subact_02, s_09_act_10_subact_02 and
        s_09_act_13_subact_01.
    Deviation: it compares pixels times a factor of each frame ("2.5D") that only its own data files hold, and averages
        clips that overlap; neither can be done to poses in mm.
    """

    name = "motionbert"
    skipped = DRIFTING

    def kept(self, measurements: Measurements, labels: Labels) -> Mask:
        """Other takes' samples with some error."""
        some_error: Mask = measurements["MPJPE"] != 0
        return super().kept(measurements, labels) & some_error


class ZhouDialect(Dialect):
    """Zhou et al.: every prediction is scaled to one sum of bone lengths; 16 joints, mean over all frames.

    The joint neck_nose is left out, and the spine is put between pelvis and thorax. Other sums than theirs can be asked
    for, since theirs lies near the mean of the test set.

    Source: Zhou et al. 2017, their code (``pose-hgreg-3d.lua``). Whose mean the 4296.99 mm are is not known.
    """

    name = "zhou"
    joints = 16
    mean_over = "frames"

    def predicted_joints(self, poses: PoseBatch) -> Tensor:
        """With the spine halfway."""
        xyz, names = super().predicted_joints(poses), self._counted
        xyz[:, names.index("spine")] = xyz[:, names.index("thorax")] / 2  # the pelvis is at the origin
        return xyz


DIALECTS: Mapping[str, type[Dialect]] = {
    d.name: d for d in (MartinezDialect, VideoPose3DDialect, MMPoseDialect, MotionBERTDialect, ZhouDialect)
}


def h36m_p1(
    joints: int,
    root: Literal["counted", "excluded"],
    average: Literal["actions", "frames"],
    bootstrap: int,
    dialect: str,
    bone_sum: Literal["auto"] | BoneSum = "auto",
) -> H36MProtocol1:
    """Protocol #1, or a dialect of it.

    Raises:
        ValueError: a dialect is asked for, and something that it decides.
    """
    scale: BoneSum = bone_sum if bone_sum != "auto" else "4296.99" if dialect == ZhouDialect.name else "train"
    if dialect == "none":
        return H36MProtocol1(joints, root, average, bootstrap, scale)
    if (joints, root, average) != (17, "counted", "actions"):
        raise ValueError(f"h36m-p1: dialect={dialect} decides joints, root and average; wanted none of them beside it")
    if dialect != ZhouDialect.name and scale != "train":
        raise ValueError(f"h36m-p1: dialect={dialect} scales nothing; wanted no bone_sum beside it, found {bone_sum}")
    return DIALECTS[dialect](bootstrap, scale)


def _of_takes(owner: str, labels: Labels, takes: Sequence[Take]) -> Mask:
    """Which samples (B,) are of ``takes``.

    Raises:
        ValueError: that cannot be told, since the takes of their subject and action have other names.
    """
    spelt = labels.take or labels.clip
    take, subject, action = (_names(label) for label in (spelt, labels.subject, labels.action))
    found = np.zeros(len(labels), dtype=bool)
    for one in takes:
        alike = (subject == one.subject) & (action == one.action)
        both = [str(replace(one, number=number)) for number in (1, 2)]
        if alike.any() and not np.isin(take[alike], both).any():
            raise ValueError(f"{owner} skips {one}: wanted takes {' and '.join(both)}, found {take[alike][0]}")
        found |= take == str(one)
    return found


def _names(label: Category) -> NDArray[np.str_]:
    names: NDArray[np.str_] = np.array(label.names, dtype=np.str_)[label.codes.cpu().numpy()]
    return names
