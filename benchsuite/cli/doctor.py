"""``benchsuite doctor``: what is missing or odd in a dataset."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchsuite.cli import ALL_GOOD, SOME_FAILED, UsageError

HELP = "Say what is missing or odd in a dataset; exit code 1 if something is wrong."


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("dataset", type=Path, metavar="DATASET", help="a dataset folder, or one with train and test")
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Print a line for each check."""
    from benchsuite.doctor import examine, worst
    from benchsuite.documents import plain

    if not args.dataset.is_dir():
        raise UsageError(f"{args.dataset}: wanted a dataset folder, found none")
    findings = list(examine(args.dataset))
    if args.json:
        report = {"dataset": args.dataset.resolve().name, "verdict": worst(findings), "findings": findings}
        print(json.dumps(plain(report), indent=1, ensure_ascii=False))
    else:
        names = [f"{finding.split}: {finding.check}" if finding.split else finding.check for finding in findings]
        width = max(map(len, names))
        for name, finding in zip(names, findings, strict=True):
            print(f"{name:<{width}}  {finding.verdict:<5}  {finding.text}")
    return SOME_FAILED if worst(findings) == "wrong" else ALL_GOOD
