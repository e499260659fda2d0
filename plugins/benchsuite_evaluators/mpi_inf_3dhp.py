"""MPI-INF-3DHP's test: PCK at 150 mm, AUC and MPJPE."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from benchsuite_registry.contracts import Measurements, Metric, Scalar
from benchsuite_registry.poses import Labels, PoseBatch, Target
from benchsuite_registry.skeletons import MPI_INF_3DHP_17
from torch import Tensor

from benchsuite.metrics import auc, joint_errors, pck
from benchsuite.statistics import ClipSums
from benchsuite_evaluators.bone_sum import bone_sum
from benchsuite_evaluators.reading import absences, check_samples, complete, in_unit, read_joints

THRESHOLD_MM = 150.0
NOT_IN_PCK = ("pelvis", "spine", "head")
TOWARDS_NECK = 0.2
"""How far Zhou et al. move hips and pelvis from where Human3.6M has them to where MPI-INF-3DHP does."""

MOST_GROUPS = 40
"""Of a kind that has more, such as the subjects of made-up data, none is given on its own."""

FIGURES = {"PCK": "%", "AUC": "%", "MPJPE": "mm"}


class MPIInf3DHP:
    """PCK at 150 mm, AUC over 0, 5, ..., 150 mm, and MPJPE, after root alignment.

    The headline pools all frames, so that long sequences weigh more, as in the official evaluation. The plain mean over
    the sequences stands beside it, and so do each sequence (subject), kind of scene (camera) and activity (action).

    Joints are read by name in ``MPI_INF_3DHP_17``. Of poses in ``H36M_17`` or ``MPII_16`` the thorax stands for the
    neck, and neck_nose or upper_neck for the head; the spine, which the latter lack, is put halfway between pelvis and
    thorax. PCK and AUC count 14 joints, without pelvis, spine and head.

    A joint that is missing or not finite is wrong, and with it, where bones are added up, all of its pose; such samples
    are counted as ``undefined``, and MPJPE is over the others. Samples whose truth is incomplete are ``unlabelled`` and
    left out.

    Args:
        protocol: ``official`` compares poses as predicted, an error below the threshold is right, and MPJPE is over 17
            joints. ``zhou`` moves the prediction's hips and pelvis a fifth of the way to the neck, where
            ``MPI_INF_3DHP_17`` has them, puts the spine halfway between pelvis and neck, scales the prediction until
            its bones are in sum as long as the true ones, takes an error at the threshold as right, and MPJPE is over
            16 joints, without the head. Where the truth is in another skeleton its hips are where the prediction's are,
            and nothing is moved.
        bootstrap: how many sets of takes are drawn for each 95 % interval; 0 for none.

    Raises:
        ValueError: a negative number of draws.

    Source: Table 4; Mehta et al. 2017, their test_util; Zhou et al. 2017, their code (``pose-hgreg-3d.lua``).
    Deviation: neither code counts an undefined prediction; both need one for every frame.
    """

    def __init__(self, protocol: Literal["official", "zhou"] = "official", bootstrap: int = 1000) -> None:
        if bootstrap < 0:
            raise ValueError(f"mpi-inf-3dhp: bootstrap: wanted 0 draws or more, found {bootstrap}")
        self._protocol = protocol
        self._bootstrap = bootstrap
        left_out = ("head",) if protocol == "zhou" else ()
        self._joints = tuple(name for name in MPI_INF_3DHP_17.joints if name not in left_out)
        self._in_pck = [k for k, name in enumerate(self._joints) if name not in NOT_IN_PCK]

    def measure(self, poses: PoseBatch, target: Target) -> Measurements:
        """The figures of each sample, whether it is undefined, whether it is unlabelled.

        Raises:
            ValueError: the poses are not those of the target's samples, or a skeleton lacks a joint; names it.
        """
        check_samples("mpi-inf-3dhp", poses, target)
        true = self._read("true", target.poses.to(poses.xyz.device))
        predicted = self._read("predicted", poses)
        there, known = complete(predicted), complete(true)
        if self._protocol == "zhou":
            moved = target.poses.skeleton == MPI_INF_3DHP_17
            predicted = self._as_zhou(predicted, true, TOWARDS_NECK if moved else 0.0)
        errors = joint_errors(predicted, true)
        inclusive, counted = self._protocol == "zhou", errors[:, self._in_pck]
        figures = {
            "PCK": pck(counted, THRESHOLD_MM, inclusive=inclusive),
            "AUC": auc(counted, inclusive=inclusive),
            "MPJPE": errors.mean(dim=1),
        }
        figures = {name: figure.masked_fill(~known, np.nan) for name, figure in figures.items()}
        return {
            name: column.cpu().numpy()
            for name, column in (figures | {"undefined": known & ~there, "unlabelled": ~known}).items()
        }

    def _read(self, whose: str, poses: PoseBatch) -> Tensor:
        return read_joints("mpi-inf-3dhp", whose, poses, MPI_INF_3DHP_17, self._joints)

    def _as_zhou(self, predicted: Tensor, true: Tensor, towards_neck: float) -> Tensor:
        """Predictions moved and scaled, (B, 16, 3) mm, the root at the origin."""
        column = {name: k for k, name in enumerate(self._joints)}
        neck = predicted[:, column["neck"]]
        moved = predicted.clone()
        for name in ("pelvis", "l_hip", "r_hip"):
            moved[:, column[name]] += towards_neck * neck
        moved[:, column["spine"]] = (moved[:, column["pelvis"]] + neck) / 2
        scale = bone_sum(true, self._joints, "neck") / bone_sum(moved, self._joints, "neck")
        return (moved - moved[:, column["pelvis"], None]) * scale[:, None, None]

    def summarise(self, measurements: Measurements, labels: Labels) -> tuple[Metric, ...]:
        """Each figure over all frames, over sequences, and in each sequence, scene and activity; what went missing."""
        told = {"sequence": labels.subject, "scene": labels.camera, "activity": labels.action}
        groups = {kind: label for kind, label in told.items() if label and len(label.names) <= MOST_GROUPS}
        clip = (labels.take or labels.clip).codes.cpu().numpy()
        metrics = []
        for name, unit in FIGURES.items():
            higher = unit == "%"
            pooled = ClipSums.of(measurements[name], clip).over_frames(draws=self._bootstrap)
            metrics.append(in_unit(name, unit, pooled, higher=higher))
            sequences = ClipSums.of(measurements[name], clip, labels.subject.codes.cpu().numpy())
            plain = sequences.over_actions(draws=self._bootstrap)
            metrics.append(in_unit(f"{name} avg_sequences", unit, plain, higher=higher))
            for kind, label in groups.items():
                for code, part in ClipSums.of(measurements[name], clip, label.codes.cpu().numpy()).by_action().items():
                    group = f"{kind}={label.names[code] or 'all'}"
                    metrics.append(in_unit(name, unit, part.over_frames(draws=self._bootstrap), group, higher=higher))
        return (*metrics, *absences(measurements))

    def protocol(self) -> Mapping[str, Scalar]:
        """The protocol as it is set here."""
        zhou = self._protocol == "zhou"
        return {
            "protocol": f"mpi-inf-3dhp {self._protocol}",
            "joints": f"{len(self._in_pck)} in PCK and AUC, {len(self._joints)} in MPJPE",
            "threshold": f"{'<=' if zhou else '<'} {THRESHOLD_MM:g} mm",
            "alignment": "root, moved a fifth towards the neck of a truth in MPI_INF_3DHP_17" if zhou else "root",
            "scale": "14 bones add up to the true ones" if zhou else "as predicted",
            "average": "frames",
            "undefined": "wrong in PCK and AUC, left out of MPJPE",
        }
