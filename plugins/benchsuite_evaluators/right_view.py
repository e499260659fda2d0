"""How good a synthesised right view is, beside what a mere copy of the left view scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from benchsuite_registry.contracts import Measurements, Metric, Scalar
from benchsuite_registry.poses import Labels, PoseBatch, Target, shifted_right
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray
from torch import Tensor

from benchsuite.metrics import pck
from benchsuite.statistics import ClipSums, Estimate
from benchsuite_evaluators.reading import absences, check_samples, complete, in_unit, read_pixels

SHARE = 0.5
"""Of the head's size: how far off a right joint may be."""

HEADLINE = "PCKh@0.5"

COPY = "copy-left "
"""Before the names of what the baseline scores."""

ROOT = H36M_17.root_index


class RightView:
    """PCKh@0.5 of the right view's keypoints, the error of their disparity, and the depth that follows from it.

    The true views are projections of the true pose by the sample's own camera, the right one after a shift along X. The
    baseline ``copy-left`` takes the true left view for the right one: root-relative views differ so little that it
    scores nearly all that there is to score, so no PCKh may stand without it. The relative disparity, a joint's less
    the root's, is what a right view adds; the baseline's is 0.

    PCKh and relative disparity are of views whose roots lie at the origin; depths are absolute. A joint whose disparity
    has the wrong sign has no depth; such samples are ``without depth`` and left out of the mean of all joints.
    Keypoints that are not finite are wrong in PCKh; such samples are ``undefined`` and left out of all else. Samples
    with an incomplete truth are ``unlabelled``.

    Args:
        head: from which joint of the true right view the head's size reaches to head_top.
        root: whether the root, which is always right, counts in the headline; the other PCKh stands beside it.
        delta_x_mm: the shift that the lifter's weights were trained with. A wrong one spoils disparity and depth.
        bootstrap: how many sets of takes are drawn for each 95 % interval; 0 for none.

    Raises:
        ValueError: no shift, or a negative number of draws.

    Source: Sec. 4.3 (98.2 and 95.3 % in PCKh-0.5); the head as in the authors' code, whose joints 0 and 1 it joins.
    Deviation: the authors' code counts the root.
    """

    def __init__(
        self,
        head: Literal["neck_nose", "thorax"] = "neck_nose",
        root: Literal["counted", "excluded"] = "excluded",
        delta_x_mm: float = 500.0,
        bootstrap: int = 1000,
    ) -> None:
        if delta_x_mm == 0:
            raise ValueError("right-view: delta_x_mm: wanted a shift, found 0")
        if bootstrap < 0:
            raise ValueError(f"right-view: bootstrap: wanted 0 draws or more, found {bootstrap}")
        self._head = head
        self._root = root
        self._delta_x_mm = delta_x_mm
        self._bootstrap = bootstrap

    def measure(self, poses: PoseBatch, target: Target) -> Measurements:
        """Of each sample, of the lifter and of the baseline: PCKh, squared disparity error, depth errors.

        Raises:
            ValueError: the poses come without a right view, or are not those of the target's samples.
        """
        check_samples("right-view", poses, target)
        if poses.right_uv is None:
            raise ValueError(
                "right-view: wanted the keypoints of a right view beside the poses, found none: this method makes none"
            )
        if target.keypoints is None:
            raise ValueError("right-view: wanted the truth's camera, found none")
        camera = target.keypoints.camera.to(poses.xyz.device)
        xyz = target.poses.to(poses.xyz.device).in_skeleton(H36M_17).xyz.double()
        left, right = camera.project(xyz), camera.project(shifted_right(xyz, self._delta_x_mm))
        head = (right[:, H36M_17.index("head_top")] - right[:, H36M_17.index(self._head)]).norm(dim=-1, keepdim=True)
        found = read_pixels(poses.right_uv.double(), poses.skeleton, H36M_17)
        there, known = complete(found), complete(xyz)
        focal_times_shift = (camera.focal[:, :1] * self._delta_x_mm).double()
        depth = focal_times_shift / (found[..., 0] - left[..., 0])
        off = torch.where(depth > 0, (depth - xyz[..., 2]).abs(), torch.nan)
        figures = {"depth error": off}
        for whose, view in (("", found), (COPY, left)):
            errors = _rooted(view) - _rooted(right)
            shares = errors.norm(dim=-1) / head
            figures[f"{whose}PCKh counted"] = pck(shares, SHARE)
            figures[f"{whose}PCKh excluded"] = pck(_without_root(shares), SHARE)
            figures[f"{whose}squared disparity error"] = _without_root(errors)[..., 0].square().mean(dim=1)
        missing = {"undefined": known & ~there, "unlabelled": ~known, "without depth": known & there & ~complete(off)}
        figures = {name: torch.where(known.view(-1, *[1] * (f.ndim - 1)), f, torch.nan) for name, f in figures.items()}
        return {name: column.cpu().numpy() for name, column in (figures | missing).items()}

    def summarise(self, measurements: Measurements, labels: Labels) -> tuple[Metric, ...]:
        """Lifter and baseline side by side: PCKh, its other reading, relative disparity; then depths."""
        clip, action = (part.codes.cpu().numpy() for part in (labels.take or labels.clip, labels.action))

        def over_frames(values: NDArray[np.float64]) -> Estimate:
            return ClipSums.of(values, clip).over_frames(draws=self._bootstrap)

        metrics = []
        other = {"counted": "excluded", "excluded": "counted"}[self._root]
        for root, name in ((self._root, HEADLINE), (other, f"{HEADLINE} root {other}")):
            for whose in ("", COPY):
                found = over_frames(measurements[f"{whose}PCKh {root}"])
                metrics.append(in_unit(whose + name, "%", found, higher=True))
        for whose in ("", COPY):
            squared = over_frames(measurements[f"{whose}squared disparity error"])
            metrics.append(in_unit(f"{whose}relative disparity RMSE", "px", _square_root(squared)))
        depth = measurements["depth error"]
        metrics.append(in_unit("depth error", "mm", over_frames(depth.mean(axis=1))))
        metrics.append(in_unit("depth error of the root", "mm", over_frames(depth[:, ROOT])))
        for joint, name in enumerate(H36M_17.joints):
            metrics.append(in_unit("depth error", "mm", over_frames(depth[:, joint]), f"joint={name}"))
        for whose in ("", COPY):
            for code, part in ClipSums.of(measurements[f"{whose}PCKh {self._root}"], clip, action).by_action().items():
                group = f"action={labels.action.names[code] or 'all'}"
                mean = part.over_frames(draws=self._bootstrap)
                metrics.append(in_unit(whose + HEADLINE, "%", mean, group, higher=True))
        without = int(measurements["without depth"].sum())
        metrics.append(Metric("without depth", without, "samples", "lower", n=len(depth)))
        return (*metrics, *absences(measurements))

    def protocol(self) -> Mapping[str, Scalar]:
        """What a right view's score depends on."""
        return {
            "protocol": "right-view",
            "joints": 17,
            "root": self._root,
            "head": f"head_top to {self._head} of the true right view",
            "threshold": f"< {SHARE} head",
            "alignment": "root, in the sample's own pixels",
            "delta_x_mm": self._delta_x_mm,
            "average": "frames",
        }


def _rooted(view: Tensor) -> Tensor:
    return view - view[:, ROOT, None]


def _without_root(columns: Tensor) -> Tensor:
    return torch.cat((columns[:, :ROOT], columns[:, ROOT + 1 :]), dim=1)


def _square_root(mean: Estimate) -> Estimate:
    low, high = (None if end is None else float(np.sqrt(end)) for end in (mean.low, mean.high))
    return Estimate(float(np.sqrt(mean.value)), low, high, mean.n)
