"""``benchsuite cost``: latency, memory and size of methods."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from benchsuite_registry.loading import load_registries

from benchsuite.cli import ALL_GOOD, SOME_FAILED, UsageError
from benchsuite.cli.arguments import (
    add_plugin,
    device_named,
    open_named,
    positive,
    positive_number,
    registries,
    threads,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchsuite_registry.registries import Registries, Registry

    from benchsuite.records.cost import Cost
    from benchsuite.running.methods import Method

HELP = """Measure what methods cost: latency at a batch of 1 and of 4096 poses (of image models: 64 pictures), peak
memory, trained parameters. Every source goes with every --refiner. What is found is kept in the results folder's
`costs`, and the leaderboard shows it beside the accuracy."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--lifter", action="append", default=[], metavar="NAME", help="lifts 2D keypoints to 3D")
    parser.add_argument("--image-model", action="append", default=[], metavar="NAME", help="predicts 3D from images")
    parser.add_argument("--refiner", action="append", metavar="NAME", help="refines poses; `none` for the bare source")
    parser.add_argument("--dataset", default="synthetic", metavar="D", help="whose keypoints; default: synthetic")
    parser.add_argument("--batch", type=positive, action="append", metavar="N", help="poses a call; may be repeated")
    parser.add_argument("--threads", type=threads, default=1, metavar="N", help="of the CPU; default: 1")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--timeout", type=positive_number, metavar="S", help="end a method after S seconds")
    add_plugin(parser)
    parser.add_argument("-o", "--results", type=Path, default=Path("results"), metavar="DIR", help="default: results")
    parser.add_argument("--json", action="store_true", help="print JSON in place of a table")


def main(args: argparse.Namespace) -> int:
    """Measure, write and print."""
    known = registries(args)
    sources = [("lifter", text) for text in dict.fromkeys(args.lifter)]
    sources += [("image model", text) for text in dict.fromkeys(args.image_model)]
    if not sources:
        raise UsageError("wanted a --lifter or an --image-model")
    refiners = dict.fromkeys(args.refiner or ["none"])
    methods = [_Asked(kind, text, refiner) for (kind, text), refiner in product(sources, refiners)]
    for one in methods:
        one.found(known)  # a wrong name is answered before anything is measured

    from tqdm import tqdm

    from benchsuite.documents import dump
    from benchsuite.records.cost import write_cost
    from benchsuite.running.matrix import check_dataset
    from benchsuite.running.runner import check_writable
    from benchsuite.running.workers import Errand, Limits, Lost, do

    name, dataset = open_named(args.dataset)
    check_dataset(name, dataset, [])
    check_writable(args.results)
    device_named(args.device)
    measured = partial(_measured, args)
    errands = [Errand(measured, (one,)) for one in methods]  # one each: memory that was freed is not given back
    measuring = do(errands, Limits(1, args.timeout, threads=args.threads))
    costs: list[Cost] = []
    failed: list[str] = []
    with contextlib.closing(measuring), tqdm(total=len(errands), unit=" methods", disable=None) as bar:
        for _, one, came in measuring:
            bar.update()
            if isinstance(came, Lost):
                failed.append(f"failed: {one}: {came.failure.type}: {came.failure.message}")
                continue
            costs.append(came)
            write_cost(args.results, came)
    if args.json:
        print(dump(costs).decode(), end="")
    elif costs:
        _print(costs)
    for cost in costs:
        if cost.is_disturbed:
            method = " + ".join(part.name for part in (cost.source, cost.refiner) if part)
            waited = f"waited {1 - cost.computing:.0%} of the time: is the machine busy?"
            print(f"warning: {method} {waited}", file=sys.stderr)
    for line in failed:
        print(line, file=sys.stderr)
    return SOME_FAILED if failed else ALL_GOOD


class _Asked(NamedTuple):
    kind: str
    source: str
    refiner: str

    def __str__(self) -> str:
        return self.source if self.refiner == "none" else f"{self.source} + {self.refiner}"

    def found(self, known: Registries) -> Method:
        from benchsuite.running.methods import Method

        sources: Registry[Any] = known.lifters if self.kind == "lifter" else known.image_models
        refiner = None if self.refiner == "none" else known.refiners.parse(self.refiner)
        return Method(sources.parse(self.source), refiner)


def _measured(args: argparse.Namespace, methods: Sequence[_Asked], advance: Callable[[int], object]) -> list[Cost]:
    """What each method costs; done in a process of its own."""
    from benchsuite.running.cost_harness import measure_cost

    known = load_registries(args.plugin)
    name, dataset = open_named(args.dataset)
    device = device_named(args.device)
    batches = sorted(set(args.batch)) if args.batch else None

    def command(one: _Asked) -> str:
        words = ["benchsuite", "cost", f"--{one.kind.replace(' ', '-')}", one.source, "--refiner", one.refiner]
        words += ["--dataset", name, "--threads", str(args.threads), "--device", device.type]
        return shlex.join((*words, *(word for size in batches or () for word in ("--batch", str(size)))))

    return [measure_cost(one.found(known), dataset, device, args.threads, batches, command(one)) for one in methods]


def _print(costs: Sequence[Cost]) -> None:
    from tabulate import tabulate

    from benchsuite.cli.tables import escaped
    from benchsuite.leaderboard.pareto import DISTURBED
    from benchsuite.leaderboard.standings import spelling
    from benchsuite.records.cost import three_digits

    heads = ["method", "refiner", "parameters", "batch", "ms a call [10, 90 %]", "µs a pose", "peak MiB"]
    rows = [
        [
            escaped(spelling(cost.source, weights=False)),
            escaped(spelling(cost.refiner)) if cost.refiner else "none",
            f"{cost.parameters:,}",
            f"{latency.batch:,}",
            f"{three_digits(latency.median_ms)} [{three_digits(latency.low_ms)}, {three_digits(latency.high_ms)}]"
            f"{' †' * cost.is_disturbed}",
            three_digits(1000 * latency.median_ms / latency.batch),
            f"{cost.peak_mib:.1f}" if latency is cost.latencies[-1] else "",
        ]
        for cost in costs
        for latency in cost.latencies
    ]
    align = ("left", "left", *["right"] * (len(heads) - 2))
    print(f"{costs[0].device}, {costs[0].threads} thread{'s' * (costs[0].threads > 1)}\n")
    print(tabulate(rows, heads, tablefmt="github", disable_numparse=True, colalign=align))
    if any(cost.is_disturbed for cost in costs):
        print(f"\n{DISTURBED}")
