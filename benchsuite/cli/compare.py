"""``benchsuite compare``: two methods on the same samples."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchsuite.cli import ALL_GOOD, UsageError
from benchsuite.cli.arguments import DEFAULT_EVALUATOR, registries
from benchsuite.cli.one_method import add_place, dataset_asked, picture_to, settings_asked
from benchsuite.running.stdout import aside

if TYPE_CHECKING:
    from benchsuite_registry.poses import PoseBatch
    from benchsuite_registry.registries import Registries

    from benchsuite.comparing.compared import Comparison, Headlines, Row
    from benchsuite.datasets.dataset import Dataset
    from benchsuite.statistics import Estimate

HELP = """Compare two methods pose by pose. A method is spelt SOURCE[:key=value,...][+REFINER[:key=value,...]], or is a
.npz file as `benchsuite evaluate` takes it. Differences are B's figure less A's; their 95 % intervals are paired, and
takes are what is drawn, or clips where takes are not told. Two records (.json) of one protocol are compared as they
are."""

DIFFERENCES = ("A", "B", "B - A [95 % interval]")
"""Heads of the columns that ``_cells`` fills."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("first", metavar="A", help="a method, a file of predictions or, with another such, a record")
    parser.add_argument("second", metavar="B", help="another")
    parser.add_argument("--evaluator", default=DEFAULT_EVALUATOR, metavar="NAME", help="default: %(default)s")
    add_place(parser)
    parser.add_argument("--json", action="store_true", help="print JSON in place of tables")
    parser.add_argument("--picture", type=picture_to, metavar="FILE", help="draw it, such as compare.png")


def main(args: argparse.Namespace) -> int:
    """Print the comparison."""
    if records := [text for text in (args.first, args.second) if text.endswith(".json")]:
        if len(records) < 2:
            raise UsageError("wanted two records, or two methods or files of predictions, found one record")
        if args.picture:
            raise UsageError("--picture: wanted two methods or files of predictions, found records")
        return _compare_records(args)
    known = registries(args)
    evaluator = known.evaluators.parse(args.evaluator)

    from benchsuite.comparing.comparison import compare
    from benchsuite.documents import plain
    from benchsuite.pictures.drawing import check_matplotlib
    from benchsuite.running.matrix import check_dataset

    if args.picture:
        check_matplotlib()
    name, dataset = dataset_asked(args)
    check_dataset(name, dataset, [evaluator])
    with aside():
        first, second = predicted((args.first, args.second), known, dataset, args)
        try:
            comparison = compare((args.first, first), (args.second, second), evaluator.build(), dataset)
        except ValueError as error:
            raise UsageError(str(error)) from error
    if args.json:
        print(json.dumps(plain(comparison), indent=1, ensure_ascii=False))
    else:
        _print(comparison)
    if args.picture:
        from benchsuite.comparing.comparison_picture import draw_comparison

        draw_comparison(comparison).savefig(args.picture, dpi=150)
    return ALL_GOOD


def _compare_records(args: argparse.Namespace) -> int:
    from benchsuite.comparing.comparison import compare_records
    from benchsuite.documents import plain
    from benchsuite.records.results import read_record

    records = [read_record(Path(text)) for text in (args.first, args.second)]
    found = compare_records(*records)
    if args.json:
        print(json.dumps(plain(found), indent=1, ensure_ascii=False))
    else:
        _print_headlines(found)
    return ALL_GOOD


def predicted(
    texts: Sequence[str], known: Registries, dataset: Dataset, args: argparse.Namespace
) -> tuple[PoseBatch, ...]:
    """What the methods and files that ``texts`` spell predict for ``dataset``, in its order.

    Raises:
        UnknownName, WrongParameter: a method is none.
        UsageError: a file is not as ``benchsuite evaluate`` wants it.
        NoPredictions: a method failed.
    """
    from tqdm import tqdm

    from benchsuite.cli.evaluate import read_predictions
    from benchsuite.running.methods import parse_method, predictions

    methods = {text: parse_method(text, known) for text in texts if not text.endswith((".npz", ".npy"))}
    read = {text: read_predictions(Path(text), dataset) for text in texts if text not in methods}
    sources = {str(method.source) for method in methods.values()}
    with tqdm(total=len(sources) * len(dataset), unit=" samples", disable=None) as bar:
        made = predictions(list(methods.values()), dataset, settings_asked(args), bar.update)
    return tuple({**read, **dict(zip(methods, made, strict=True))}[text] for text in texts)


def _print_headlines(found: Headlines, actions: Sequence[Row] = ()) -> None:
    protocol = ", ".join(f"{key}={value}" for key, value in sorted(found.protocol.items()))
    left_out = f", {found.left_out} without a figure of both left out" if found.left_out else ""
    print(f"A: {found.first}\nB: {found.second}")
    print(f"on {found.dataset}: {found.samples} samples{left_out}\nprotocol: {protocol}\n\n{found.verdict}")
    if found.detectable is not None:
        smallest = f"{found.detectable:.2f} {found.unit}"
        print(f"Smallest difference that these data can tell (four times in five): {smallest}.")
    alls = {f"all, mean of {found.average}": found.overall, "all, mean of frames": found.pooled}
    rows = [*(_cells(row, name) for name, row in alls.items()), *(_cells(row, row.name) for row in actions)]
    print("\n" + _table(rows, f"{found.figure} ({found.unit})", *DIFFERENCES))


def _print(found: Comparison) -> None:
    _print_headlines(found, found.actions)
    if found.joints:
        joints = sorted(found.joints, key=lambda row: row.difference.value)
        print(_table([_cells(row, row.name) for row in joints], "error of (mm)", *DIFFERENCES))
    spread = [[f"{q.share} %", f"{q.first:.2f}", f"{q.second:.2f}", f"{q.difference:+.2f}"] for q in found.quantiles]
    print(_table(spread, "of the poses lie below", "A", "B", "B - A of a pose"))
    print(f"poses that B makes worse: {_share(found.worse)}; better: {_share(found.improved)}")
    better = "less" if found.better == "lower" else "more"
    print(
        f"an oracle that picks the better of the two for each pose: {found.oracle.value:.2f} {found.unit}, "
        f"{_interval(found.headroom)} {better} than the better one alone"
    )


def _table(rows: Sequence[Sequence[str]], *heads: str) -> str:
    from tabulate import tabulate

    from benchsuite.cli.tables import escaped

    cells = [[escaped(cell) for cell in row] for row in rows]
    align = ("left", *["right"] * (len(heads) - 1))
    return f"{tabulate(cells, heads, tablefmt='github', disable_numparse=True, colalign=align)}\n"


def _cells(row: Row, name: str) -> list[str]:
    return [name, f"{row.first:.2f}", f"{row.second:.2f}", _interval(row.difference, "+")]


def _interval(found: Estimate, sign: str = "") -> str:
    interval = "" if found.low is None else f" [{found.low:{sign}.2f}, {found.high:{sign}.2f}]"
    return f"{found.value:{sign}.2f}{interval}"


def _share(found: Estimate) -> str:
    interval = "" if found.low is None else f" [{found.low:.1f}, {found.high:.1f}]"
    return f"{found.value:.1f} %{interval}"
