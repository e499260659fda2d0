"""``benchsuite render``: pictures of people, with the truth about them."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from benchsuite.cli import UsageError
from benchsuite.cli.arguments import natural, positive, threads
from benchsuite.rendering import Kind

HELP = """Render people moved by motion capture: `lab`, few subjects before one backdrop, or `wild`, another person,
scene and camera in every picture. Killed and started again, the command goes on where it was."""

SMALLEST_PX, LARGEST_PX = 32, 1024


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("kind", choices=[kind.value for kind in Kind], help="where people are seen")
    parser.add_argument("--data", type=Path, required=True, metavar="MOCAP", help="what `convert cmu` wrote")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help="dataset folder to write")
    parser.add_argument("--split", choices=("train", "test"), default="train", help="of motion and subjects")
    parser.add_argument("--count", type=positive, metavar="N", help="single pictures (default: 1000)")
    parser.add_argument("--clips", type=positive, metavar="N", help="in their place, frames of so many clips")
    parser.add_argument("--frames", type=positive, metavar="N", help="of each clip (default: 60)")
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="default: 0")
    parser.add_argument(
        "--size", type=positive, default=160, metavar="PX", help="of the square pictures (default: 160)"
    )
    parser.add_argument("--threads", type=threads, default=os.cpu_count() or 1, help="default: all cores")


def main(args: argparse.Namespace) -> int:
    """Render, and say what came of it."""
    if not SMALLEST_PX <= args.size <= LARGEST_PX:
        raise UsageError(f"--size: wanted {SMALLEST_PX} to {LARGEST_PX} px, found {args.size}")
    if (args.clips and args.count) or (args.frames and not args.clips):
        raise UsageError("wanted --count, or --clips with --frames")

    from tqdm import tqdm

    from benchsuite.datasets.dataset import open_dataset
    from benchsuite.rendering.render import Order, render_dataset

    count = args.clips * (args.frames or 60) if args.clips else args.count or 1000
    order = Order(Kind(args.kind), args.split, count, args.seed, args.size, args.clips or 0)
    source = open_dataset(args.data, args.split)
    with tqdm(total=count, desc=f"{args.kind}/{args.split}", unit=" pictures", disable=None) as bar:
        made = render_dataset(order, source, args.out, args.threads, bar.update)
    seen = float(made.columns["visible"].mean())
    print(f"{args.out}: {len(made)} pictures of {len(made.clips)} clips, {seen:.0%} of joints visible", file=sys.stderr)
    return 0
