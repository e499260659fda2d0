"""Image models: one stacked hourglass with a depth head, trained in three ways."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

from benchsuite_registry.contracts import Entry, ImageModel, Parameter, Scalar, late
from benchsuite_registry.hookspecs import hookimpl

ZHOU_2017 = "Zhou et al., Towards 3D Human Pose Estimation in the Wild: a Weakly-supervised Approach, ICCV 2017"
YANG_2018 = "Yang et al., 3D Human Pose Estimation in the Wild by Adversarial Learning, CVPR 2018"
WANG_2019 = "Wang et al., Generalizing Monocular 3D Human Pose Estimation in the Wild, 2019"

METHODS = ("zhou", "yang", "wild")

WEIGHTS = {"weights": Parameter("", "a .safetensors file from `benchsuite train`; empty takes the shipped weights")}

NETWORK = {
    **WEIGHTS,
    "precision": Parameter(
        "float32",
        "of layers; bfloat16 is faster where the processor knows it, and moves joints by some mm",
        ("float32", "bfloat16"),
        later=True,
    ),
}

ARCHITECTURE = {
    "features": Parameter(256, "channels, a multiple of 8"),
    "stacks": Parameter(2, "hourglasses in a row"),
    "modules": Parameter(2, "residual modules at every place"),
    "depth": Parameter(4, "times an hourglass halves the side of the heat maps"),
    "size": Parameter(256, "px, side of the crops; heat maps have a quarter of it"),
    "regression": Parameter(4, "times the depth head halves the side of the heat maps"),
    "peaks": Parameter("rounded", "a heat map's peak is on a pixel, or exactly on the joint", ("rounded", "exact")),
}

TRAINING = {
    **ARCHITECTURE,
    "start": Parameter("", "weights of any of the three whose network is taken as it is; empty starts at random"),
    "pretrain_steps": Parameter(240_000, "steps of the first stage: heat maps alone"),
    "steps": Parameter(200_000, "steps of the second stage: heat maps and depths"),
    "lr": Parameter(0.0, "first learning rate; 0 takes the optimiser's own: 2.5e-4, or 1e-3 of `seed`"),
    "optimizer": Parameter("zhou", "RMSprop as Zhou et al., or SGD with momentum 0.9", ("zhou", "seed")),
    "schedule": Parameter("step", "a tenth after four fifths of the second stage, or a cosine", ("step", "cosine")),
    "lambda_reg": Parameter(0.1, "weight of the depths"),
    "centres": Parameter(
        "weak", "where 3D samples have their heat maps' peaks: weak perspective or annotated", ("weak", "annotated")
    ),
}


def weights_path(method: str, parameters: Mapping[str, Scalar]) -> Path:
    """The weights file that ``parameters`` name, or the shipped one."""
    given = str(parameters["weights"])
    return Path(given) if given else Path(__file__).parent / "weights" / f"{method}.safetensors"


@hookimpl
def benchsuite_image_models() -> Iterable[Entry[ImageModel]]:
    """The pack's entries."""
    return (
        Entry(
            name="zhou",
            build=late("benchsuite_image_models.shipped:zhou"),
            summary="hourglass and depths; photographs teach it through a body's proportions",
            reference=ZHOU_2017,
            parameters=NETWORK,
            checkpoint=partial(weights_path, "zhou"),
            course=late("benchsuite_image_models.courses:ZhouCourse"),
            training={
                **TRAINING,
                "finetune_steps": Parameter(40_000, "steps of the third stage: the geometric loss too"),
                "lambda_geo": Parameter(0.01, "weight of the geometric loss"),
                "form": Parameter("code", "the geometric loss as in Zhou et al.'s code or paper", ("code", "paper")),
            },
        ),
        Entry(
            name="yang",
            build=late("benchsuite_image_models.shipped:yang"),
            summary="hourglass and depths; photographs teach it through a discriminator",
            reference=YANG_2018,
            parameters=NETWORK,
            checkpoint=partial(weights_path, "yang"),
            course=late("benchsuite_image_models.courses:YangCourse"),
            training={
                **TRAINING,
                "finetune_steps": Parameter(120_000, "steps of the third stage: generator and discriminator in turn"),
                "lambda_adv": Parameter(1e-4, "weight of deceiving the discriminator"),
            },
        ),
        Entry(
            name="wild",
            build=late("benchsuite_image_models.shipped:wild"),
            summary="hourglass and depths; photographs teach it through generated 3D labels",
            reference=f"{WANG_2019}, Sec. 3.5-3.6",
            parameters=NETWORK,
            checkpoint=partial(weights_path, "wild"),
            course=late("benchsuite_image_models.courses:WildCourse"),
            training=TRAINING,
        ),
    )
