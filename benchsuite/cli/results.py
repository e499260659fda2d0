"""``benchsuite results``: look after a folder of records: validate it, migrate it, print the records' schema."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from benchsuite.cli import ALL_GOOD, SOME_FAILED, UsageError

HELP = "Look after a results folder."


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, text in {
        "validate": "say what keeps a folder's records from being published",
        "migrate": "rewrite records of older layouts",
    }.items():
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument(
            "results", nargs="?", type=Path, default=Path("results"), metavar="DIR", help="default: results"
        )
    actions.add_parser("schema", help="print the JSON Schema of a record", description="Print JSON Schema 2020-12.")


def main(args: argparse.Namespace) -> int:
    """Do what is asked for; 1 if the folder has problems.

    Raises:
        UsageError: there is no such folder.
        WrongDocument: a file to migrate is not what its layout says.
        CannotWrite: the folder cannot be written to.
    """
    if args.action == "schema":
        from benchsuite.records.results import Record
        from benchsuite.records.schema import schema_of

        print(json.dumps(schema_of(Record), indent=1, ensure_ascii=False))
        return ALL_GOOD
    if not args.results.is_dir():
        raise UsageError(f"{args.results}: no such results folder")
    return _migrate(args.results) if args.action == "migrate" else _validate(args.results)


def _validate(results: Path) -> int:
    from benchsuite.records.validation import problems

    found = list(problems(results))
    print(*found, sep="\n", end="\n" if found else "")
    counts = ", ".join(f"{len(list((results / part).rglob('*.json')))} {part}" for part in ("records", "reported"))
    print(f"{results}: {counts}: {f'{len(found)} problems' if found else 'all good'}", file=sys.stderr)
    return SOME_FAILED if found else ALL_GOOD


def _migrate(results: Path) -> int:
    from benchsuite.records.migration import migrate

    moved = migrate(results)
    for before, after in moved:
        print(f"{before} -> {after}" if before != after else before)
    print(f"{results}: {len(moved)} records brought up to date", file=sys.stderr)
    return ALL_GOOD
