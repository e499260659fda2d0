"""``benchsuite run``: measure all combinations of methods and datasets."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from benchsuite_registry.registries import Component, Registry

from benchsuite.cli import ALL_GOOD, INTERRUPTED, SOME_FAILED, UsageError
from benchsuite.cli.arguments import (
    DEFAULT_EVALUATOR,
    add_plugin,
    add_scheduler,
    cluster_at,
    device_named,
    natural,
    open_named,
    positive,
    positive_number,
    registries,
)
from benchsuite.running.stdout import aside

if TYPE_CHECKING:
    from benchsuite.records.results import Record
    from benchsuite.running.runner import Runner

T = TypeVar("T")

HELP = """Measure every source with every refiner on every dataset by every evaluator. NAME may be followed by
parameters: NAME:key=value,key=value. What the results folder has already is not measured again."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    several: dict[str, Any] = {"action": "append", "default": []}
    parser.add_argument("--lifter", **several, metavar="NAME", help="lifts 2D keypoints to 3D")
    parser.add_argument("--image-model", **several, metavar="NAME", help="predicts 3D from images")
    parser.add_argument("--refiner", **several, metavar="NAME", help="refines poses; `none` for the bare source")
    parser.add_argument("--dataset", **several, metavar="D", help="`synthetic` (the default) or a dataset folder")
    parser.add_argument("--evaluator", **several, metavar="NAME", help=f"scores; default: {DEFAULT_EVALUATOR}")
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="default: 0")
    parser.add_argument("--limit", type=positive, metavar="N", help="take N samples of each dataset, evenly spread")
    parser.add_argument("--batch", type=positive, metavar="N", help="samples a call; default: 1024, on a GPU 16384")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add_plugin(parser)
    parser.add_argument("-o", "--results", type=Path, default=Path("results"), metavar="DIR", help="default: results")
    parser.add_argument("--fresh", action="store_true", help="measure again what is there already")
    parser.add_argument("--json", action="store_true", help="print records as JSON in place of tables")
    apart = parser.add_argument_group("in processes of their own, where a method that dies takes nobody with it")
    apart.add_argument("--jobs", type=positive, metavar="N", help="measure N passes at a time; they share the threads")
    apart.add_argument("--timeout", type=positive_number, metavar="S", help="end a cell after S seconds; for --jobs")
    apart.add_argument("--memory", type=positive_number, metavar="GB", help="of each process, imports too; for --jobs")
    add_scheduler(parser)


def main(args: argparse.Namespace) -> int:
    """Measure what is missing, print all that was asked for; 1 if some cells failed."""
    loaded = registries(args)
    sources: tuple[Component[Any], ...] = (
        *_chosen(loaded.lifters, args.lifter),
        *_chosen(loaded.image_models, args.image_model),
    )
    if not sources:
        raise UsageError(f"wanted a --lifter or an --image-model; lifters: {_names(loaded.lifters)}")
    bare = (None,) if "none" in args.refiner or not args.refiner else ()
    refiners = (*bare, *_chosen(loaded.refiners, [text for text in args.refiner if text != "none"]))
    evaluators = _chosen(loaded.evaluators, args.evaluator or [DEFAULT_EVALUATOR])

    if args.scheduler and args.jobs:
        raise UsageError("--jobs is for this machine; with --scheduler its workers say how much they do at a time")

    from benchsuite.cli.tables import print_json, print_tables, report_failures, report_remarks
    from benchsuite.records.reported import read_reported
    from benchsuite.running.matrix import Matrix
    from benchsuite.running.pipeline import Settings  # only now: a wrong name is answered before torch is imported
    from benchsuite.running.runner import Runner
    from benchsuite.running.workers import Limits

    matrix = Matrix(
        sources,
        refiners,
        evaluators,
        tuple(open_named(text) for text in dict.fromkeys(args.dataset or ["synthetic"])),
        Settings.of(args.seed, args.batch, device_named(args.device, here=not args.scheduler)),
        args.limit,
    )
    reported = read_reported(args.results)
    apart = None
    if args.jobs or args.timeout or args.memory or args.scheduler:
        apart = Limits(args.jobs or 1, args.timeout, args.memory)
    with aside(), cluster_at(args.scheduler, apart) as cluster:
        runner = Runner(matrix, args.results, fresh=args.fresh, apart=apart, cluster=cluster)
        records, code = _measure(runner, args.results)
    if args.json:
        print_json(records)
    else:
        print_tables(records, reported)
    report_remarks(records)
    failed = report_failures(records)
    return code or failed


def _measure(runner: Runner, results: Path) -> tuple[list[Record], int]:
    """What is kept and what is measured, until one is interrupted or cannot be written, and the exit code so far."""
    from tqdm import tqdm

    from benchsuite.running.runner import Unwritten

    records = [record for one in runner.passes for record in one.kept]
    if records:
        print(f"already in {results}: {len(records)} of the cells; --fresh measures them again", file=sys.stderr)
    total = sum(len(one.dataset) for one in runner.passes if one.missing)
    code = ALL_GOOD
    with tqdm(total=total, unit=" samples", disable=None) as bar:
        measuring = runner.measure(
            bar.update, lambda one: bar.set_description(f"{one.source} on {one.dataset.about.name}")
        )
        with contextlib.closing(measuring):
            try:
                for record in measuring:
                    records.append(record)  # noqa: PERF402 - one by one: those before an error are kept
            except KeyboardInterrupt:
                bar.close()
                print(f"interrupted; cells that are finished and stay in {results}: {len(records)}", file=sys.stderr)
                code = INTERRUPTED
            except Unwritten as error:
                bar.close()
                print(f"error: {error}; what could not be written is printed all the same", file=sys.stderr)
                records.extend(error.records)
                code = SOME_FAILED
    return runner.ordered(records), code


def _chosen(registry: Registry[T], texts: Iterable[str]) -> tuple[Component[T], ...]:
    """The components that ``texts`` spell, each once."""
    return tuple({str(component): component for component in map(registry.parse, texts)}.values())


def _names(registry: Registry[Any]) -> str:
    return ", ".join(entry.name for entry in registry) or "none"
