"""Lifters: Martinez et al.'s baseline, the stereo generator, and two floors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from benchsuite_registry.contracts import Entry, Lifter, Parameter, Scalar, late
from benchsuite_registry.hookspecs import hookimpl

MARTINEZ_2017 = "Martinez et al., A simple yet effective baseline for 3d human pose estimation, ICCV 2017"
WANG_2019 = "Wang et al., Generalizing Monocular 3D Human Pose Estimation in the Wild, 2019"

WEIGHTS = {"weights": Parameter("", "a .safetensors file from `benchsuite train`; empty takes the shipped weights")}

NETWORK = {
    **WEIGHTS,
    "precision": Parameter(
        "float32",
        "of matrix products; bfloat16 is faster where the processor knows it, and moves joints by some tenths of a mm",
        ("float32", "bfloat16"),
        later=True,
    ),
}

TRAINING = {
    "width": Parameter(1024, "hidden size"),
    "blocks": Parameter(2, "residual blocks of each network"),
    "dropout": Parameter(0.5, "probability of dropping a unit"),
    "scheme": Parameter("zscore", "how numbers are scaled", ("zscore", "minmax", "image")),
    "view": Parameter("canonical", "bring keypoints into one camera first, or not", ("canonical", "as-given")),
    "origin": Parameter("absolute", "pixels absolute or relative to the root", ("absolute", "root")),
    "steps": Parameter(4_874_200, "training steps of each network"),
    "lr": Parameter(1e-3, "first learning rate"),
    "schedule": Parameter("exponential", "learning-rate schedule", ("exponential", "cosine")),
    "adam": Parameter("paper", "betas and weight decay of the paper or of its code", ("paper", "repo")),
    "max_norm": Parameter(1.0, "Frobenius norm that weight matrices are held to; 0 lets them grow"),
}


def weights_path(method: str, parameters: Mapping[str, Scalar]) -> Path:
    """The weights file that ``parameters`` name, or the shipped one."""
    given = str(parameters["weights"])
    return Path(given) if given else Path(__file__).parent / "weights" / f"{method}.safetensors"


def on_trial(folder: Path) -> Mapping[str, Scalar]:
    """A few samples to look for the nearest one in."""
    return {"data": str(folder), "samples": 100}


@hookimpl
def benchsuite_lifters() -> Iterable[Entry[Lifter]]:
    """The pack's entries."""
    return (
        Entry(
            name="martinez",
            build=late("benchsuite_lifters.shipped:martinez"),
            summary="2D keypoints straight to 3D through a residual network",
            reference=MARTINEZ_2017,
            parameters=NETWORK,
            checkpoint=partial(weights_path, "martinez"),
            course=late("benchsuite_lifters.courses:MartinezCourse"),
            training=TRAINING,
        ),
        Entry(
            name="stereo",
            build=late("benchsuite_lifters.shipped:stereo"),
            summary="synthesises the right view, then lifts from both views",
            reference=f"{WANG_2019}, Sec. 3.1-3.3",
            parameters=NETWORK,
            checkpoint=partial(weights_path, "stereo"),
            course=late("benchsuite_lifters.courses:StereoCourse"),
            training={
                **TRAINING,
                "delta_x_mm": Parameter(500.0, "shift of the right view, mm; its sign says to which side points move"),
            },
        ),
        Entry(
            name="mean-pose",
            build=late("benchsuite_lifters.shipped:mean_pose"),
            summary="floor: the mean training pose, whatever it is shown",
            parameters=WEIGHTS,
            checkpoint=partial(weights_path, "mean-pose"),
            course=late("benchsuite_lifters.floors:MeanPoseCourse"),
        ),
        Entry(
            name="nearest",
            build=late("benchsuite_lifters.floors:Nearest"),
            summary="floor: the training pose with the nearest 2D posture",
            parameters={
                "data": Parameter("", "dataset folder whose train split is searched"),
                "samples": Parameter(60_000, "training samples kept"),
            },
            trial=on_trial,
        ),
    )
