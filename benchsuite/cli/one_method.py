"""The arguments of commands that look at one method on one dataset."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benchsuite.cli.arguments import add_plugin, device_named, natural, open_named, positive

if TYPE_CHECKING:
    from benchsuite_registry.registries import Registries

    from benchsuite.datasets.dataset import Dataset
    from benchsuite.running.methods import Method
    from benchsuite.running.pipeline import Settings


def add_method(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    """``--lifter`` or ``--image-model``, and ``--refiner``; the group that one of must be given."""
    group = parser.add_mutually_exclusive_group(required=True)
    group.add_argument("--lifter", metavar="NAME", help="lifts 2D keypoints to 3D; NAME:key=value,... sets parameters")
    group.add_argument("--image-model", metavar="NAME", help="predicts 3D from images")
    parser.add_argument("--refiner", metavar="NAME", help="refines its poses")
    return group


def add_place(parser: argparse.ArgumentParser) -> None:
    """The dataset, how much of it, and how it is computed."""
    parser.add_argument("--dataset", default="synthetic", metavar="D", help="`synthetic` (the default) or a folder")
    parser.add_argument("--limit", type=positive, metavar="N", help="take N samples of the dataset, evenly spread")
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="default: 0")
    parser.add_argument("--batch", type=positive, metavar="N", help="samples a call; default: 1024, on a GPU 16384")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add_plugin(parser)


def method_asked(args: argparse.Namespace, known: Registries) -> Method:
    """The method that the arguments spell; errors as those of ``Registry.parse``."""
    from benchsuite.running.methods import Method

    source = known.lifters.parse(args.lifter) if args.lifter else known.image_models.parse(args.image_model)
    refined = args.refiner and args.refiner != "none"
    return Method(source, known.refiners.parse(args.refiner) if refined else None)


def dataset_asked(args: argparse.Namespace) -> tuple[str, Dataset]:
    """The dataset, or the samples of it that are asked for, and its name; errors as ``open_named``."""
    name, dataset = open_named(args.dataset)
    return name, dataset.head(args.limit) if args.limit else dataset


def settings_asked(args: argparse.Namespace) -> Settings:
    """Seed, batch size and device.

    Raises:
        UsageError: there is no such device.
    """
    from benchsuite.running.pipeline import Settings

    return Settings.of(args.seed, args.batch, device_named(args.device))


def picture_to(text: str) -> Path:
    """The file that a picture is to be written to; refused before anything is worked out if it cannot be one.

    Raises:
        ArgumentTypeError: not a kind of picture.
    """
    path = Path(text)
    if path.suffix not in (".png", ".svg", ".pdf"):
        raise argparse.ArgumentTypeError(f"wanted a .png, .svg or .pdf file, found {text!r}")
    return path
