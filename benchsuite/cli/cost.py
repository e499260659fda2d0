"""``benchsuite cost``: latency, memory and size of methods."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchsuite_registry.manager import load_registries

from benchsuite.cli import ALL_GOOD, UsageError
from benchsuite.cli.arguments import add_plugin, device_named, open_named, positive, registries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchsuite_registry.registries import Registries, Registry

    from benchsuite.cost import Cost
    from benchsuite.methods import Method

HELP = """Measure what methods cost: latency at a batch of 1 and of 4096 poses (of image models: 64 pictures), peak
memory, trained parameters. Every source goes with every --refiner. What is found is kept in the results folder's
`costs`, and the leaderboard shows it beside the accuracy."""


BUSY = 0.8
"""Least share of the time that a method on an idle CPU computes."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--lifter", action="append", default=[], metavar="NAME", help="lifts 2D keypoints to 3D")
    parser.add_argument("--image-model", action="append", default=[], metavar="NAME", help="predicts 3D from images")
    parser.add_argument("--refiner", action="append", metavar="NAME", help="refines poses; `none` for the bare source")
    parser.add_argument("--dataset", default="synthetic", metavar="D", help="whose keypoints; default: synthetic")
    parser.add_argument("--batch", type=positive, action="append", metavar="N", help="poses a call; may be repeated")
    parser.add_argument("--threads", type=positive, default=1, metavar="N", help="of the CPU; default: 1")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add_plugin(parser)
    parser.add_argument("-o", "--results", type=Path, default=Path("results"), metavar="DIR", help="default: results")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")


def main(args: argparse.Namespace) -> int:
    """Measure, write and print."""
    known = registries(args)
    asked = [("lifter", text) for text in dict.fromkeys(args.lifter)]
    asked += [("image model", text) for text in dict.fromkeys(args.image_model)]
    if not asked:
        raise UsageError("wanted a --lifter or an --image-model")
    refiners = dict.fromkeys(args.refiner or ["none"])
    for (kind, text), refiner in product(asked, refiners):
        _method(known, kind, text, refiner)  # a wrong name is answered before anything is measured

    from tqdm import tqdm

    from benchsuite.cost import write_cost
    from benchsuite.documents import dump
    from benchsuite.runner import check_dataset, check_writable

    name, dataset = open_named(args.dataset)
    check_dataset(name, dataset, [])
    check_writable(args.results)
    device_named(args.device)
    costs = []
    for (kind, text), refiner in tqdm([*product(asked, refiners)], unit=" methods", disable=None):
        costs.append(_in_its_own_process(args, kind, text, refiner))
        write_cost(args.results, costs[-1])
    for cost in costs:
        if cost.computing < BUSY:
            method = " + ".join(part.name for part in (cost.source, cost.refiner) if part)
            print(
                f"warning: {method} waited {1 - cost.computing:.0%} of the time: is the machine busy?", file=sys.stderr
            )
    if args.json:
        print(dump(costs).decode(), end="")
    else:
        _print(costs)
    return ALL_GOOD


def _method(known: Registries, kind: str, text: str, refiner: str) -> Method:
    from benchsuite.methods import Method

    source: Registry[Any] = known.lifters if kind == "lifter" else known.image_models
    return Method(source.parse(text), None if refiner == "none" else known.refiners.parse(refiner))


def _in_its_own_process(args: argparse.Namespace, kind: str, text: str, refiner: str) -> Cost:
    """A method measured where no other has been: memory that was freed is not given back to the system."""
    context = get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_measured, args, kind, text, refiner).result()


def _measured(args: argparse.Namespace, kind: str, text: str, refiner: str) -> Cost:
    from benchsuite.cost_harness import measure_cost

    with contextlib.redirect_stdout(sys.stderr):  # what methods print must not get between our own table
        method = _method(load_registries(args.plugin), kind, text, refiner)
        name, dataset = open_named(args.dataset)
        device = device_named(args.device)
        batches = sorted(set(args.batch)) if args.batch else None
        words = ["benchsuite", "cost", f"--{kind.replace(' ', '-')}", text, "--refiner", refiner, "--dataset", name]
        words += ["--threads", str(args.threads), "--device", device.type]
        words += [word for size in batches or () for word in ("--batch", str(size))]
        return measure_cost(method, dataset, device, args.threads, batches, shlex.join(words))


def _print(costs: Sequence[Cost]) -> None:
    from tabulate import tabulate

    from benchsuite.cli.tables import escaped
    from benchsuite.standings import spelling

    heads = ["method", "refiner", "parameters", "batch", "ms a call [10, 90 %]", "µs a pose", "peak MiB"]
    rows = [
        [
            escaped(spelling(cost.source, weights=False)),
            escaped(spelling(cost.refiner)) if cost.refiner else "none",
            f"{cost.parameters:,}",
            f"{latency.batch:,}",
            f"{latency.median_ms:.2f} [{latency.low_ms:.2f}, {latency.high_ms:.2f}]",
            f"{1000 * latency.median_ms / latency.batch:.1f}",
            f"{cost.peak_mib:.1f}",
        ]
        for cost in costs
        for latency in cost.latencies
    ]
    align = ("left", "left", *["right"] * (len(heads) - 2))
    print(f"{costs[0].device}, {costs[0].threads} thread{'s' * (costs[0].threads > 1)}\n")
    print(tabulate(rows, heads, tablefmt="github", disable_numparse=True, colalign=align))
