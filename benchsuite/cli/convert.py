"""``benchsuite convert``: from what the world keeps to dataset folders."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from benchsuite.cli import UsageError
from benchsuite.cli.arguments import natural, positive

HELP = "convert a source of poses into a dataset folder"

FORMATS = {
    "cmu": ("benchsuite.convert.cmu_dataset", "CMU motion capture, ASF/AMC and BVH, filmed by virtual cameras"),
    "h36m": (
        "benchsuite.convert.h36m",
        "Human3.6M: VideoPose3D's .npz, Martinez et al.'s folder, or its own CDF files",
    ),
    "mpi-inf-3dhp": ("benchsuite.convert.mpi_inf_3dhp", "MPI-INF-3DHP's test set, TS1 to TS6"),
    "penn-action": ("benchsuite.convert.penn_action", "Penn Action's labels/*.mat"),
    "lsp": ("benchsuite.convert.lsp", "Leeds Sports Pose, joints.mat"),
    "lspet": ("benchsuite.convert.lspet", "Leeds Sports Pose Extended, joints.mat"),
    "mpii": ("benchsuite.convert.mpii", "MPII Human Pose, the official .mat or a CSV"),
    "coco": ("benchsuite.convert.coco", "COCO person keypoints, JSON"),
    "ai-challenger": ("benchsuite.convert.ai_challenger", "AI Challenger's human keypoints, JSON"),
    "part": ("benchsuite.convert.part", "part of a dataset folder: some rows, or without some columns"),
    "keypoints": (
        "benchsuite.convert.keypoints",
        "anyone's own 2D keypoints, JSON or NPZ: skeleton, uv (N, J, 2) px, image_size; all keys in docs/keypoints.md",
    ),
}
"""Each format's module, whose ``convert(source, out, seed, **options)`` returns an ``Outcome``."""

WITH_IMAGES: dict[str, dict[str, Any]] = {
    "--with-images": {"action": "store_true", "help": "only people whose photograph is there"},
}

OPTIONS: dict[str, dict[str, dict[str, Any]]] = {
    **dict.fromkeys(("penn-action", "lsp", "lspet", "mpii", "coco", "ai-challenger", "keypoints"), WITH_IMAGES),
    "h36m": {
        "--stride": {"type": positive, "default": 1, "help": "take 1 of every so many frames of 50 Hz (default: 1)"},
        "--keypoints": {
            "default": "projected",
            "help": "2D: projected through a pinhole (default), or what the archive calls its own, such as "
            "cpn_ft_h36m_dbb, gt, StackedHourglass or D2_Positions",
        },
        "--keep-distortion": {"action": "store_true", "help": "leave the archive's 2D behind the lens"},
        "--exclude-drifting": {"action": "store_true", "help": "without the three takes of S9 whose truth drifts"},
        "--exclude-unfilmed": {"action": "store_true", "help": "without the take of S11 that one camera did not film"},
    },
    "part": {
        "--rows": {"default": ":", "metavar": "A:B", "help": "rows from A on and before B, counted from 0"},
        "--without": {
            "action": "append",
            "default": [],
            "metavar": "COLUMN",
            "help": "column to leave out, such as xyz, which makes the part 2D only",
        },
        "--split": {"choices": ("train", "test"), "default": "", "help": "what the part is called from now on"},
    },
    "mpi-inf-3dhp": {
        "--annotation": {
            "choices": ("univ_annot3", "annot3"),
            "default": "univ_annot3",
            "help": "3D of a universal height, which PCK and AUC are published on (default), or of the true one",
        },
    },
}
"""What some formats take beside source, folder and seed, as argparse wants it."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments, and those of each format."""
    formats = parser.add_subparsers(dest="format", metavar="FORMAT", required=True)
    for name, (_, text) in FORMATS.items():
        one = formats.add_parser(name, help=text, description=text)
        one.add_argument("source", type=Path, metavar="SOURCE")
        one.add_argument("-o", "--out", type=Path, required=True, help="dataset folder to write")
        one.add_argument("--seed", type=natural, default=0, help="of whatever is drawn, such as virtual cameras")
        for option, how in OPTIONS.get(name, {}).items():
            one.add_argument(option, **how)


def main(args: argparse.Namespace) -> int:
    """Convert; 1 if some files could not be."""
    from benchsuite.convert.hdf5_cdf import MissingLibrary

    convert = import_module(FORMATS[args.format][0]).convert
    names = [option.removeprefix("--").replace("-", "_") for option in OPTIONS.get(args.format, {})]
    try:
        outcome = convert(args.source, args.out, args.seed, **{name: getattr(args, name) for name in names})
    except MissingLibrary as error:
        raise UsageError(str(error)) from None
    except OSError as error:  # no such source, nothing in it, a folder that cannot be written
        raise UsageError(str(error)) from None
    for note in outcome.notes:
        print(note)
    for problem in outcome.problems:
        print(f"failed: {problem}", file=sys.stderr)
    return 1 if outcome.problems else 0
