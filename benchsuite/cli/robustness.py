"""``benchsuite robustness``: how methods bear worse input."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchsuite.cli import ALL_GOOD, SOME_FAILED, UsageError
from benchsuite.cli.arguments import DEFAULT_EVALUATOR, registries
from benchsuite.cli.one_method import add_place, dataset_asked, settings_asked
from benchsuite.running.stdout import aside

if TYPE_CHECKING:
    from benchsuite.robustness.curves import Robustness

HELP = """Measure methods on 2D with a detector's noise, with joints missing, with a wrong focal length and from a
pitched camera; print a table and write robustness.json and robustness.png. Every --lifter goes with every --refiner.
The area is the mean height of a curve between its ends."""

NAMES = ("noise", "missing", "focal", "pitch")


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--lifter", action="append", required=True, metavar="NAME", help="lifts 2D keypoints to 3D")
    parser.add_argument("--refiner", action="append", metavar="NAME", help="refines poses; `none` for the bare source")
    parser.add_argument("--evaluator", default=DEFAULT_EVALUATOR, metavar="NAME", help="default: %(default)s")
    parser.add_argument("--only", action="append", choices=NAMES, help="a disturbance; all of them if not given")
    add_place(parser)
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="DIR", help="folder of curves and picture")


def main(args: argparse.Namespace) -> int:
    """Print the table and write the curves; 1 if a method failed somewhere."""
    known = registries(args)
    evaluator = known.evaluators.parse(args.evaluator)
    lifters = [known.lifters.parse(text) for text in dict.fromkeys(args.lifter)]
    refiners = [None if text == "none" else known.refiners.parse(text) for text in args.refiner or ["none"]]

    from tqdm import tqdm

    from benchsuite.documents import check_place, dump, write_whole
    from benchsuite.robustness.curves import measure_robustness
    from benchsuite.robustness.disturbances import DISTURBANCES
    from benchsuite.running.matrix import check_dataset
    from benchsuite.running.methods import Method

    name, dataset = dataset_asked(args)
    check_dataset(name, dataset, [evaluator])
    check_place(args.out / "robustness.json")
    is_drawn = _can_draw()
    asked = [d for d in DISTURBANCES if d.name in (args.only or NAMES)]
    methods = [Method(lifter, refiner) for lifter in lifters for refiner in refiners]
    total = len(lifters) * len(dataset) * sum(len(d.levels) for d in asked)
    with aside(), tqdm(total=total, unit=" samples", disable=None) as bar:
        found = measure_robustness(methods, evaluator, dataset, asked, settings_asked(args), bar.update)
    for disturbance, why in found.left_out.items():
        print(f"left out: {disturbance}: {why}", file=sys.stderr)
    if not found.curves:
        raise UsageError("none of the disturbances can be had on this dataset")
    write_whole(args.out / "robustness.json", dump(found))
    _print(found)
    if is_drawn:
        from benchsuite.robustness.picture import draw_robustness

        draw_robustness(found).savefig(args.out / "robustness.png", dpi=150)
    errors = {f"{c.method}: {p.error}" for c in found.curves for p in c.points if p.error}
    for error in sorted(errors):
        print(f"failed: {error}", file=sys.stderr)
    return SOME_FAILED if errors else ALL_GOOD


def _can_draw() -> bool:
    from benchsuite.pictures.drawing import NoMatplotlib, check_matplotlib

    try:
        check_matplotlib()
    except NoMatplotlib as error:
        print(f"warning: no robustness.png: {error}", file=sys.stderr)
        return False
    return True


def _print(found: Robustness) -> None:
    from tabulate import tabulate

    from benchsuite.cli.tables import escaped
    from benchsuite.robustness.disturbances import DISTURBANCES

    told = f"; {found.figure} in {found.unit}" if found.figure else ""  # nothing is told where all methods failed
    print(f"{found.evaluator} on {found.dataset}: {found.samples} samples{told}\n")
    for disturbance in DISTURBANCES:
        curves = [curve for curve in found.curves if curve.disturbance == disturbance.name]
        if not curves:
            continue
        heads = [f"{disturbance.title}: {disturbance.axis}", *(f"{p.level:g}" for p in curves[0].points), "area"]
        rows = [[escaped(c.method), *(f"{p.value:.2f}" for p in c.points), f"{c.area:.2f}"] for c in curves]
        align = ("left", *["right"] * (len(heads) - 1))
        print(tabulate(rows, heads, tablefmt="github", disable_numparse=True, colalign=align), end="\n\n")
