"""``benchsuite explain``: why two protocols give one method two numbers."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from benchsuite.cli import ALL_GOOD, UsageError
from benchsuite.cli.arguments import registries
from benchsuite.cli.one_method import (
    add_method,
    add_place,
    dataset_asked,
    method_asked,
    picture_to,
    settings_asked,
)
from benchsuite.running.stdout import aside

if TYPE_CHECKING:
    from benchsuite.comparing.explanation import Explanation

HELP = """Take the difference of two numbers of the same predictions apart: what each thing that the two protocols do
differently contributes, the mean over all orders of changing them one at a time (Shapley's value), so that the
contributions add up to the difference. A and B are spelt EVALUATOR[:key=value,...][@METRIC][/STRIDE], such as
`h36m-p1`, `h36m-p1:dialect=zhou`, `h36m-p1@P-MPJPE` or `h36m-p1/5`: every fifth frame."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("first", metavar="A", help="how one number is read")
    parser.add_argument("second", metavar="B", help="how the other is")
    group = add_method(parser)
    group.add_argument("--predictions", type=Path, metavar="FILE.npz", help="as `benchsuite evaluate` takes them")
    add_place(parser)
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")
    parser.add_argument(
        "--picture", type=picture_to, metavar="FILE", help="draw it as a waterfall, such as explain.png"
    )


def main(args: argparse.Namespace) -> int:
    """Print the explanation."""
    known = registries(args)
    if args.predictions and args.refiner:
        raise UsageError("--refiner: wanted with a --lifter or an --image-model; predictions are taken as they are")

    from benchsuite.comparing.explanation import explain, parse_reading, spelt

    first, second = (parse_reading(text, known.evaluators) for text in (args.first, args.second))
    method = None if args.predictions else method_asked(args, known)

    from tqdm import tqdm

    from benchsuite.cli.evaluate import read_predictions
    from benchsuite.documents import plain
    from benchsuite.running.matrix import check_dataset
    from benchsuite.running.methods import predictions

    name, dataset = dataset_asked(args)
    check_dataset(name, dataset, [first.evaluator, second.evaluator])
    with aside():
        if method is None:
            poses = read_predictions(args.predictions, dataset)
        else:
            with tqdm(total=len(dataset), unit=" samples", disable=None) as bar:
                (poses,) = predictions([method], dataset, settings_asked(args), bar.update)
        try:
            found = explain(first, second, poses, dataset)
        except ValueError as error:
            raise UsageError(str(error)) from error
    told = str(method or args.predictions.name)
    if args.json:
        print(json.dumps(plain(found), indent=1, ensure_ascii=False))
    else:
        print(f"{told} on {dataset.about.name}\nA: {args.first}\nB: {args.second}\n")
        print(_table(found))
        alike = "; ".join(f"{knob}: {spelt(value)}" for knob, value in found.alike.items())
        print(f"\nalike in both: {alike}" if alike else "")
        if found.undefined:
            print(f"{found.undefined} of {len(dataset)} predicted poses are not finite")
    if args.picture:
        from benchsuite.comparing.explanation_picture import draw_waterfall

        draw_waterfall(found, f"{told} on {dataset.about.name}", (args.first, args.second)).savefig(
            args.picture, dpi=150
        )
    return ALL_GOOD


def _table(found: Explanation) -> str:
    from tabulate import tabulate

    from benchsuite.cli.tables import escaped
    from benchsuite.comparing.explanation import spelt

    heads = ["", "from", "to", found.unit, "changed first", "changed last"]
    rows = [["A", "", "", f"{found.first:.2f}", "", ""]]
    for one in found.contributions:
        numbers = (f"{one.value:+.2f}", f"{one.alone:+.2f}", f"{one.last:+.2f}")
        rows.append([one.knob, escaped(spelt(one.first)), escaped(spelt(one.second)), *numbers])
    rows.append(["B", "", "", f"{found.second:.2f}", "", ""])
    aligned = ("left", "left", "left", "right", "right", "right")
    return str(tabulate(rows, heads, tablefmt="github", disable_numparse=True, colalign=aligned))
