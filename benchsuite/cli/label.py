"""``benchsuite label``: 3D labels for a dataset that has 2D keypoints alone."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from benchsuite_registry.contracts import Refiner
from benchsuite_registry.registries import Component, Registries

from benchsuite.cli import ALL_GOOD, SOME_FAILED, UsageError
from benchsuite.cli.arguments import (
    add_plugin,
    add_scheduler,
    cluster_at,
    device_named,
    natural,
    open_named,
    positive,
    registries,
)
from benchsuite.labels import DEFAULT_INTRINSICS, INTRINSICS, THRESHOLD
from benchsuite.running.stdout import aside

HELP = """Generate 3D labels: crop every person, lift the 2D keypoints, refine and judge the poses, keep those that
score well. Killed and started again, the command goes on where it was."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("--data", required=True, metavar="D2D", help="dataset folder with 2D keypoints, any skeleton")
    parser.add_argument("--lifter", required=True, metavar="NAME", help="lifts the keypoints to 3D")
    parser.add_argument("--refiner", required=True, metavar="NAME", help="places the poses before the camera")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="D3D", help="dataset folder to write")
    parser.add_argument(
        "--agree",
        action="append",
        default=[],
        metavar="NAME",
        help="refiner whose depth should agree; `none` for none; default: the refiner with every other objective",
    )
    hypotheses = "; ".join(f"{name}: {text}" for name, text in INTRINSICS.items())
    parser.add_argument(
        "--intrinsics",
        choices=tuple(INTRINSICS),
        default=DEFAULT_INTRINSICS,
        help=f"{hypotheses} (default: {DEFAULT_INTRINSICS})",
    )
    parser.add_argument(
        "--threshold",
        type=_share,
        default=THRESHOLD,
        metavar="S",
        help=f"least score of a label that is kept, 0 to 1 (default: {THRESHOLD})",
    )
    parser.add_argument("--keep-all", action="store_true", help="write everybody, also who scores less")
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="default: 0")
    parser.add_argument("--batch", type=positive, default=4096, metavar="N", help="people a call; default: 4096")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add_plugin(parser)
    add_scheduler(parser)


def main(args: argparse.Namespace) -> int:
    """Label everybody, print what came of them; 1 if no label was kept."""
    loaded = registries(args)
    lifter, refiner = loaded.lifters.parse(args.lifter), loaded.refiners.parse(args.refiner)
    agree = _agreeing(loaded, args.agree, refiner)

    from tqdm import tqdm  # only now: a wrong name is answered before torch is imported

    from benchsuite.labels.generator import label_dataset
    from benchsuite.labels.labeller import Recipe
    from benchsuite.running.pipeline import Settings

    _, source = open_named(args.data)
    settings = Settings(args.seed, args.batch, device_named(args.device, here=not args.scheduler))
    recipe = Recipe(lifter, refiner, agree, args.intrinsics, args.threshold, args.keep_all, settings)
    with (
        aside(),
        cluster_at(args.scheduler) as cluster,
        tqdm(total=len(source), desc=f"{lifter} on {source.about.name}", unit=" people", disable=None) as bar,
    ):
        label_dataset(source, recipe, args.out, bar.update, cluster)
    statistics = json.loads((args.out / "statistics.json").read_text(encoding="utf-8"))
    _print(args.out, statistics)
    return ALL_GOOD if statistics["kept"] else SOME_FAILED


def _agreeing(loaded: Registries, texts: list[str], refiner: Component[Refiner]) -> tuple[Component[Refiner], ...]:
    """The refiners to compare with; where none is named, ``refiner`` with each other choice of its objective."""
    if "none" in texts:
        if len(texts) > 1:
            raise UsageError("--agree none: wanted it alone")
        return ()
    if texts:
        return tuple(loaded.refiners.parse(text) for text in texts)
    objective = refiner.entry.parameters.get("objective")
    return tuple(
        loaded.refiners.component(refiner.entry.name, {**refiner.parameters, "objective": choice})
        for choice in (objective.choices if objective else ())
        if choice != refiner.parameters["objective"]
    )


def _print(out: Path, statistics: dict[str, Any]) -> None:
    people, kept = statistics["people"], statistics["kept"]
    print(f"{out}: {kept} labels of {people} people ({statistics['kept_share']:.1%})")
    for reason, count in statistics["reasons"].items():
        if count and count != kept:
            print(f"  {count:>8} {reason}")
    if score := statistics["score"]:
        print(f"  scores: {', '.join(f'{share} {score[share]:.2f}' for share in ('p5', 'p25', 'p50', 'p75', 'p95'))}")
        print(f"  median depth {statistics['depth_mm']['p50'] / 1000:.1f} m")


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise argparse.ArgumentTypeError(f"wanted a number from 0 to 1, found {text!r}")
    return value
