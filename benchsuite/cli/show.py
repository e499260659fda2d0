"""``benchsuite show``: a picture of a dataset."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchsuite.cli import UsageError
from benchsuite.cli.arguments import open_named

HELP = "draw poses of a dataset"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("dataset", metavar="DATASET", help="`synthetic` or a dataset folder")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.png", help="picture to write")


def main(args: argparse.Namespace) -> int:
    """Draw a contact sheet."""
    from benchsuite.drawing import contact_sheet

    name, dataset = open_named(args.dataset)
    try:
        # Without matplotlib's version in the file, the same dataset gives the same bytes.
        contact_sheet(dataset).savefig(args.out, dpi=110, facecolor="white", metadata={"Software": None})
    except (OSError, ValueError) as error:
        raise UsageError(str(error)) from None
    print(f"{args.out}: samples of {name} ({len(dataset)} samples, {len(dataset.clips)} clips)", file=sys.stderr)
    return 0
