"""An evaluator that asks how wrong a pose is where it is wrong most."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from benchsuite_registry.contracts import Measurements, Metric, Scalar
from benchsuite_registry.poses import Labels, PoseBatch, Target


class WorstJoint:
    """Mean over all poses of the greatest joint error, roots aligned. Poses that are not finite are left out."""

    def measure(self, poses: PoseBatch, target: Target) -> Measurements:
        """The greatest error of each pose, mm; NaN where a joint is missing."""
        true = target.poses.root_relative()
        error = (poses.in_skeleton(true.skeleton).root_relative().xyz - true.xyz).double().norm(dim=-1)
        return {"worst": error.amax(1).numpy()}

    def summarise(self, measurements: Measurements, labels: Labels) -> tuple[Metric, ...]:
        """The mean, and how many poses it leaves out."""
        worst = measurements["worst"]
        known = np.isfinite(worst)
        value = float(worst[known].mean()) if known.any() else float("nan")
        return (
            Metric("worst joint", value, "mm", "lower", n=int(known.sum())),
            Metric("undefined", int((~known).sum()), "samples", "lower", n=len(worst)),
        )

    def protocol(self) -> Mapping[str, Scalar]:
        """What the number depends on."""
        return {
            "protocol": "worst-joint",
            "alignment": "root",
            "average": "frames",
            "undefined": "left out and counted",
        }
