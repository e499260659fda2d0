"""One component of each kind. Nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from benchsuite_registry.contracts import Entry, Evaluator, ImageModel, Lifter, Parameter, Refiner, Scalar, late
from benchsuite_registry.hookspecs import hookimpl


def weights_path(parameters: Mapping[str, Scalar]) -> Path | None:
    """The weights file that ``parameters`` name; none is shipped."""
    return Path(str(parameters["weights"])) if parameters["weights"] else None


def on_trial(folder: Path) -> Mapping[str, Scalar]:
    """Weights that take a moment to train, for the conformance kit."""
    from benchsuite_example.window import train

    train(folder, out := folder / "window.safetensors", frames=5)
    return {"weights": str(out)}


@hookimpl
def benchsuite_lifters() -> Iterable[Entry[Lifter]]:
    """A temporal lifter."""
    weights = Parameter("", "a file written by `benchsuite_example.window.train`")
    return [
        Entry(
            name="window",
            build=late("benchsuite_example.window:Window"),
            summary="ridge regression over a window of frames",
            parameters={"weights": weights},
            unit="clip",
            checkpoint=weights_path,
            trial=on_trial,
        )
    ]


@hookimpl
def benchsuite_image_models() -> Iterable[Entry[ImageModel]]:
    """A floor that looks at one thing of a picture."""
    return [
        Entry(
            name="box",
            build=late("benchsuite_example.box:Box"),
            summary="a standing person in the box of all that differs from the picture's corner",
            parameters={"size": Parameter(64, "side of the crops, px")},
        )
    ]


@hookimpl
def benchsuite_refiners() -> Iterable[Entry[Refiner]]:
    """A refiner that moves poses and leaves their shape."""
    return [
        Entry(
            name="put",
            build=late("benchsuite_example.put:Put"),
            summary="puts the whole pose where it fits its keypoints best, by least squares",
            parameters={"nearest_mm": Parameter(2000.0, "least depth of the root, mm")},
        )
    ]


@hookimpl
def benchsuite_evaluators() -> Iterable[Entry[Evaluator]]:
    """An evaluator with one metric."""
    return [
        Entry(
            name="worst-joint",
            build=late("benchsuite_example.worst_joint:WorstJoint"),
            summary="error of each pose's worst joint in mm, roots aligned",
            needs=("xyz",),
        )
    ]
