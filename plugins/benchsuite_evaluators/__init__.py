"""Evaluators: Human3.6M and its dialects, MPI-INF-3DHP, Penn Action, keypoints found in pictures, the right view."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from benchsuite_registry.contracts import Entry, Evaluator, Parameter, Scalar, late
from benchsuite_registry.hookspecs import hookimpl

BOOTSTRAP = {"bootstrap": Parameter(1000, "sets of takes drawn for the 95 % confidence intervals; 0 for no intervals")}


def on_trial(folder: Path) -> Mapping[str, Scalar]:
    """One small classifier, quickly trained."""
    return {"seeds": 1, "hidden": "32", "controls": False, "bootstrap": 0}


@hookimpl
def benchsuite_evaluators() -> Iterable[Entry[Evaluator]]:
    """The pack's entries."""
    return (
        Entry(
            name="h36m-p1",
            build=late("benchsuite_evaluators.dialects:h36m_p1"),
            summary="Human3.6M Protocol #1: MPJPE in mm after root alignment; P-MPJPE and N-MPJPE beside it",
            needs=("xyz",),
            reference="Ionescu et al., Human3.6M, TPAMI 2014; as used by Martinez et al., ICCV 2017",
            parameters={
                "joints": Parameter(
                    17,
                    "joints of H36M_17 that count: 17 all, 16 without neck_nose, 14 also without pelvis and spine",
                    (17, 16, 14),
                ),
                "root": Parameter(
                    "counted",
                    "whether the root, whose error is 0, is one of them; 14 joints leave it out anyway",
                    ("counted", "excluded"),
                ),
                "average": Parameter(
                    "actions",
                    "the headline: mean of the actions' means, or mean over all frames; the other stands beside it",
                    ("actions", "frames"),
                ),
                **BOOTSTRAP,
                "dialect": Parameter(
                    "none",
                    "the well-known code whose printed number is to be met; it decides joints, root and average",
                    ("none", "martinez", "videopose3d", "mmpose", "motionbert", "zhou"),
                ),
                "bone_sum": Parameter(
                    "auto",
                    "sum of 14 bones, mm, that predictions are scaled to: train, that of the data a method learnt its "
                    "scale from, so poses stay as predicted; 4296.99, Zhou et al.'s; truth, each true pose's; auto, "
                    "4296.99 with dialect=zhou, else train",
                    ("auto", "train", "4296.99", "truth"),
                    later=True,
                ),
            },
        ),
        Entry(
            name="mpi-inf-3dhp",
            build=late("benchsuite_evaluators.mpi_inf_3dhp:MPIInf3DHP"),
            summary="MPI-INF-3DHP: PCK at 150 mm, AUC, MPJPE; by sequence, scene and activity",
            needs=("xyz",),
            reference="Mehta et al., Monocular 3D Human Pose Estimation In The Wild, 3DV 2017",
            parameters={
                "protocol": Parameter(
                    "official",
                    "official: poses as predicted, right below 150 mm; zhou: hips moved, bones scaled to the truth's, "
                    "right up to 150 mm",
                    ("official", "zhou"),
                ),
                **BOOTSTRAP,
            },
        ),
        Entry(
            name="right-view",
            build=late("benchsuite_evaluators.right_view:RightView"),
            summary="a synthesised right view: PCKh@0.5 beside that of a copy of the left view, disparity, depth",
            needs=("xyz",),
            reference="Wang et al., Generalizing Monocular 3D Human Pose Estimation in the Wild, 2019, Sec. 4.3",
            parameters={
                "head": Parameter("neck_nose", "the head reaches from here to head_top", ("neck_nose", "thorax")),
                "root": Parameter(
                    "excluded",
                    "whether the root, which is always right, counts in the headline; the other stands beside it",
                    ("counted", "excluded"),
                ),
                "delta_x_mm": Parameter(500.0, "shift of the right view, mm; that of the lifter's weights"),
                **BOOTSTRAP,
            },
        ),
        Entry(
            name="pckh",
            build=late("benchsuite_evaluators.pckh:PCKh"),
            summary="PCKh@0.5 of the keypoints that an image model finds; by kind of joint, PCKh@0.1, AUC",
            reference="Andriluka et al., 2D Human Pose Estimation, CVPR 2014",
            parameters={
                "head": Parameter(
                    "column",
                    "the head's size: the dataset's own, or the segment from the labelled neck to head_top, which is "
                    "4/3 of MPII's own",
                    ("column", "segment"),
                ),
                "compare": Parameter(
                    "<=", "MPII's evaluation takes an error of just half a head as right", ("<=", "<")
                ),
                **BOOTSTRAP,
            },
        ),
        Entry(
            name="penn-action",
            build=late("benchsuite_evaluators.penn_action:PennAction"),
            summary="Penn Action: accuracy of an action classifier trained on the predicted poses, and its controls",
            reference="Zhang et al., From Actemes to Action, ICCV 2013; Wang et al. 2019, Sec. 4.4",
            unit="clip",
            trial=on_trial,
            expected_failures={"the_truth_scores_the_ideal": "its classifier takes some true poses for another action"},
            parameters={
                "classifier": Parameter("mlp", "fully connected, or a logistic regression", ("mlp", "linear")),
                "seeds": Parameter(3, "classifiers trained; accuracies are means over them"),
                "epochs": Parameter(60, "each takes one random window of every training clip"),
                "hidden": Parameter("1024x512", "sizes of the hidden layers"),
                "window": Parameter(25, "frames that the classifier sees at once"),
                "stride": Parameter(5, "frames between the windows of a test clip"),
                "controls": Parameter(True, "classify the 2D alone and poses without depth too; three times as slow"),
                **BOOTSTRAP,
            },
        ),
    )
