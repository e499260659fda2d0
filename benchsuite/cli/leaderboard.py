"""``benchsuite leaderboard``: the leaderboard from the records, or whether it still is what they say."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchsuite.cli import UsageError

HELP = "write the leaderboard from the records, or check that it agrees with them"

SHOWN_LINES = 40
FORMATS = ("md", "csv", "json", "latex", "html")


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
        "-f",
        "--format",
        choices=FORMATS,
        default="md",
        help="md; csv or json: every number; latex: tables as in papers; html: one file that opens offline, "
        "with tables to sort and poses to turn (default: %(default)s)",
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="default: DIR/leaderboard.FORMAT; `-` for standard output"
    )
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 and a diff if the leaderboard is stale"
    )


def main(args: argparse.Namespace) -> int:
    """Write the leaderboard; with ``--check`` 1 if the one on disk is not what its records give.

    Raises:
        WrongDocument: a record or reported table is not what its layout says.
        CannotWrite: the folder cannot be written to.
        UsageError: standard output was to be checked.
    """
    from benchsuite.leaderboard import drift, leaderboard, write_leaderboard

    if args.output == Path("-"):
        if args.check:
            raise UsageError("--check: wanted a file to check, found standard output")
        sys.stdout.buffer.write(leaderboard(args.results, args.format).encode("utf-8", "backslashreplace"))
        return 0
    if not args.check:
        print(write_leaderboard(args.results, args.format, args.output))
        return 0
    difference = drift(args.results, args.format, args.output)
    print(*difference[:SHOWN_LINES], sep="\n", end="\n" if difference else "")
    if len(difference) > SHOWN_LINES:
        print(f"... and {len(difference) - SHOWN_LINES} more lines")
    if difference:
        print(f"{args.results}: the leaderboard is stale; `benchsuite leaderboard` writes it anew", file=sys.stderr)
    return 1 if difference else 0
