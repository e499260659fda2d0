"""Protocol #1 and its dialects taken apart: everything that they do differently, each thing on its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from benchsuite_registry.contracts import Measurements, Scalar
from benchsuite_registry.poses import Frame, Labels, PoseBatch
from benchsuite_registry.skeletons import H36M_17
from torch import Tensor

from benchsuite_evaluators.dialects import DIALECTS, Dialect, Mask
from benchsuite_evaluators.h36m import SCALES, H36MProtocol1
from benchsuite_evaluators.reading import read_joints

LEFT_OUT = {17: (), 16: ("neck_nose",), 14: ("spine", "neck_nose")}
"""Joints that protocols of so many joints go without, the root apart, which is a knob of its own."""

JOINTS = {count: f"without {' and '.join(names)}" if names else "all" for count, names in LEFT_OUT.items()}
AS_PREDICTED, MOVED, HALFWAY = "as predicted", "moved to the origin", "halfway from pelvis to thorax"
ALL_FRAMES = "all"
FRAMES = {
    "martinez": "whole batches of 64 of each action",
    "videopose3d": "without S11 Directions 2",
    "motionbert": "without three takes of S9, none without any error",
}
OF_DIALECT: Mapping[str, Mapping[str, Scalar]] = {
    "videopose3d": {"predicted root": AS_PREDICTED},
    "mmpose": {"predicted root": AS_PREDICTED},
    "zhou": {"spine": HALFWAY},
}


def knobs_of(evaluator: H36MProtocol1) -> dict[str, Scalar]:
    """What Protocol #1, or a dialect of it, does."""
    said = evaluator.protocol()
    dialect = evaluator.name if isinstance(evaluator, Dialect) else ""
    return {
        "joints": JOINTS[int(said["joints"])],
        "root": said["root"],
        "predicted root": MOVED,
        "scale": said["scale"],
        "spine": AS_PREDICTED,
        "average": said["average"],
        "frames": FRAMES.get(dialect, ALL_FRAMES),
        **OF_DIALECT.get(dialect, {}),
    }


class Turned(Dialect):
    """Protocol #1 with each knob at a setting of its own; no code in the world need do the same.

    Args:
        knobs: as ``knobs_of`` gives them.
    """

    name = "turned"

    def __init__(self, knobs: Mapping[str, Any]) -> None:
        super().__init__(bootstrap=0, bone_sum=_key(SCALES, knobs["scale"]))
        self._knobs = knobs
        self._average = knobs["average"]
        left_out = LEFT_OUT[_key(JOINTS, knobs["joints"])] + ((H36M_17.root,) if knobs["root"] == "excluded" else ())
        self._counted = tuple(name for name in H36M_17.joints if name not in left_out)
        self._owner = f"h36m-p1: {', '.join(f'{knob} {value}' for knob, value in knobs.items())}"

    def kept(self, measurements: Measurements, labels: Labels) -> Mask:
        """Which samples (B,) the dialect looks at that the knob ``frames`` is of."""
        if self._knobs["frames"] == ALL_FRAMES:
            return np.ones(len(labels), dtype=bool)
        return DIALECTS[_key(FRAMES, self._knobs["frames"])](bootstrap=0).kept(measurements, labels)

    def predicted_joints(self, poses: PoseBatch) -> Tensor:
        """Counted joints, not scaled: (B, counted, 3) mm."""
        as_given = self._knobs["predicted root"] == AS_PREDICTED and poses.frame is Frame.ROOT

        def read(*names: str) -> Tensor:
            return read_joints(self._owner, "predicted", poses, H36M_17, names, as_given=as_given)

        xyz = read(*self._counted)
        if self._knobs["spine"] == HALFWAY and "spine" in self._counted:
            xyz[:, self._counted.index("spine")] = read("pelvis", "thorax").mean(dim=1)
        return xyz


def _key(words: Mapping[Any, str], wanted: str) -> Any:
    return next(key for key, word in words.items() if word == wanted)
