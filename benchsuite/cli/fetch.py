"""``benchsuite fetch``: download one file whose hash and licence are known."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchsuite.cli import ALL_GOOD, SOME_FAILED, UsageError

HELP = """Download a file, such as the source of a dataset. Size and licence are shown first, and nothing is fetched
without a yes. A download that breaks off goes on when the command is repeated; a file with another hash is deleted."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("url", metavar="URL", help="http or https")
    parser.add_argument("--sha256", required=True, type=_digest, metavar="H", help="what the file must have")
    parser.add_argument("--licence", required=True, metavar="TEXT", help="terms that you take the file under")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="where to put it")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def main(args: argparse.Namespace) -> int:
    """Download the file unless it is there; 1 if the user says no."""
    from benchsuite_registry.checkpoints import sha256
    from tqdm import tqdm

    from benchsuite.downloads import fetch, size_of

    if args.out.exists():
        if (found := sha256(args.out)) != args.sha256:
            raise UsageError(f"{args.out} is there already: wanted sha256 {args.sha256}, found {found}")
        print(f"{args.out} is there already")
        return ALL_GOOD
    size = size_of(args.url)
    print(f"file: {args.url}\nsize: {'unknown' if size is None else f'{size:,} bytes'}\nlicence: {args.licence}")
    print(f"sha256: {args.sha256}\nto: {args.out}", flush=True)
    if not args.yes and not _agreed():
        print("nothing was downloaded", file=sys.stderr)
        return SOME_FAILED
    with tqdm(total=size, unit="B", unit_scale=True, disable=None) as bar:
        fetch(args.url, args.out, args.sha256, bar.update)
    print(f"{args.out}: sha256 is right")
    return ALL_GOOD


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to ask; wanted --yes")
    return input("download it? [y/N] ").strip().lower() in ("y", "yes")


def _digest(text: str) -> str:
    if len(text) != 64 or not set(text.lower()) <= set("0123456789abcdef"):
        raise argparse.ArgumentTypeError(f"wanted 64 hexadecimal digits, found {text!r}")
    return text.lower()
