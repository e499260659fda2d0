"""``benchsuite results``: look after a folder of records: validate it, migrate it, print the records' schema."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

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
        folder: dict[str, Any] = {"type": Path, "metavar": "DIR"}
        action.add_argument("folder", nargs="?", help="default: results", **folder)
        action.add_argument(
            "-r", "--results", default=Path("results"), help="the same, as `leaderboard` has it", **folder
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
    results = args.folder or args.results
    if not results.is_dir():
        raise UsageError(f"{results}: no such results folder")
    return _migrate(results) if args.action == "migrate" else _validate(results)


def _validate(results: Path) -> int:
    from benchsuite.records.validation import problems

    found = list(problems(results))
    print(*found, sep="\n", end="\n" if found else "")
    records, reported = (len(list((results / part).rglob("*.json"))) for part in ("records", "reported"))
    verdict = _counted(len(found), "problem") if found else "all good"
    print(f"{results}: {_counted(records, 'record')}, {reported} reported: {verdict}", file=sys.stderr)
    return SOME_FAILED if found else ALL_GOOD


def _migrate(results: Path) -> int:
    from benchsuite.records.migration import migrate

    moved = migrate(results)
    for before, after in moved:
        print(f"{before} -> {after}" if before != after else before)
    print(f"{results}: {_counted(len(moved), 'record')} brought up to date", file=sys.stderr)
    return ALL_GOOD


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
