"""``benchsuite fit-prior``: the motion prior behind the dataset ``synthetic``, from motion capture."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from benchsuite.cli import UsageError
from benchsuite.cli.arguments import natural

if TYPE_CHECKING:
    from benchsuite.convert.cmu import Take

HELP = "fit the motion prior behind the dataset `synthetic`"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("source", type=Path, metavar="SOURCE", help="folder of CMU motion capture")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.npz", help="prior to write")
    parser.add_argument("--seed", type=natural, default=0, help="of the mixtures (default: %(default)s)")


def main(args: argparse.Namespace) -> int:
    """Fit on the training split; 1 if some takes could not be read."""
    from benchsuite.synthetic.fitting import fit_prior

    problems: list[str] = []
    try:
        prior = fit_prior(_training_takes(args.source, problems), args.seed)
        prior.save(args.out)
    except (OSError, ValueError) as error:
        raise UsageError(str(error)) from None
    finally:
        for problem in problems:
            print(f"failed: {problem}", file=sys.stderr)
    print(f"{args.out}: {len(prior.actions)} actions, {len(prior.share)} components, sha256 {prior.fingerprint}")
    return 1 if problems else 0


def _training_takes(source: Path, problems: list[str]) -> Iterator[Take]:
    """Takes of the training split as they are read; those that do not read are named in ``problems``."""
    from tqdm import tqdm

    from benchsuite.convert.cmu import find_takes, read_take
    from benchsuite.convert.motion import MotionFormatError

    files = [file for file in find_takes(source) if file.split == "train"]
    for file in tqdm(files, desc="reading takes", unit="take", file=sys.stderr, disable=None):
        try:
            yield read_take(file)
        except (MotionFormatError, OSError) as error:
            problems.append(str(error))
