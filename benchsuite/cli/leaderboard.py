"""``benchsuite leaderboard``: the leaderboard from the records, or whether it still is what they say."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HELP = "write the leaderboard from the records, or check that it agrees with them"

SHOWN_LINES = 40


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument(
        "-r",
        "--results",
        type=Path,
        default=Path("results"),
        metavar="DIR",
        help="folder of records and reported tables (default: %(default)s)",
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 and a diff if the leaderboard is stale"
    )


def main(args: argparse.Namespace) -> int:
    """Write the leaderboard; with ``--check`` 1 if the one on disk is not what its records give.

    Raises:
        WrongDocument: a record or reported table is not what its layout says.
        CannotWrite: the folder cannot be written to.
    """
    from benchsuite.leaderboard import drift, write_leaderboard

    if not args.check:
        print(write_leaderboard(args.results))
        return 0
    difference = drift(args.results)
    print(*difference[:SHOWN_LINES], sep="\n", end="\n" if difference else "")
    if len(difference) > SHOWN_LINES:
        print(f"... and {len(difference) - SHOWN_LINES} more lines")
    if difference:
        print(f"{args.results}: the leaderboard is stale; `benchsuite leaderboard` writes it anew", file=sys.stderr)
    return 1 if difference else 0
