"""``benchsuite show``: a picture of a dataset, or of what a classifier takes for what."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchsuite.cli import UsageError
from benchsuite.cli.arguments import open_named

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HELP = "draw poses of a dataset, or the confusion matrix of a record"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("dataset", metavar="DATASET", help="`synthetic`, a dataset folder, or a record (.json)")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.png", help="picture to write")


def main(args: argparse.Namespace) -> int:
    """Draw a contact sheet or a confusion matrix."""
    try:
        figure, what = _confusions(Path(args.dataset)) if args.dataset.endswith(".json") else _samples(args.dataset)
        # Without matplotlib's version in the file, the same dataset gives the same bytes.
        figure.savefig(args.out, dpi=110, facecolor="white", metadata={"Software": None})
    except (OSError, ValueError) as error:
        raise UsageError(str(error)) from None
    print(f"{args.out}: {what}", file=sys.stderr)
    return 0


def _samples(text: str) -> tuple[Figure, str]:
    from benchsuite.drawing import contact_sheet

    name, dataset = open_named(text)
    return contact_sheet(dataset), f"samples of {name} ({len(dataset)} samples, {len(dataset.clips)} clips)"


def _confusions(file: Path) -> tuple[Figure, str]:
    from benchsuite.confusions import draw_confusions
    from benchsuite.results import read_record

    record = read_record(file)
    return draw_confusions(record.metrics), f"confusions of {record.source.name} on {record.dataset.name}"
