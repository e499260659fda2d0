"""``benchsuite convert``: from what the world keeps to dataset folders."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from benchsuite.cli import UsageError

HELP = "convert a source of poses into a dataset folder"

FORMATS = {
    "cmu": ("benchsuite.convert.cmu_dataset", "CMU motion capture, ASF/AMC and BVH, filmed by virtual cameras"),
}
"""Each format's module, whose ``convert(source, out, seed)`` returns an ``Outcome``."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    formats = "; ".join(f"{name}: {text}" for name, (_, text) in FORMATS.items())
    parser.add_argument("format", choices=tuple(FORMATS), help=formats)
    parser.add_argument("source", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True, help="dataset folder to write")
    parser.add_argument("--seed", type=int, default=0, help="of whatever is drawn, such as virtual cameras")


def main(args: argparse.Namespace) -> int:
    """Convert; 1 if some files could not be."""
    convert = import_module(FORMATS[args.format][0]).convert
    try:
        outcome = convert(args.source, args.out, args.seed)
    except OSError as error:  # no such source, nothing in it, a folder that cannot be written
        raise UsageError(str(error)) from None
    for note in outcome.notes:
        print(note)
    for problem in outcome.problems:
        print(f"failed: {problem}", file=sys.stderr)
    return 1 if outcome.problems else 0
