"""``benchsuite train``: train any entry that offers a course."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Any

from benchsuite.cli import UsageError
from benchsuite.cli.arguments import add_plugin, device_named, natural, positive, positive_number, registries

HELP = "train a method on datasets or on the synthetic source"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("method", help="NAME or NAME:key=value,... with the keys that `describe NAME` lists")
    parser.add_argument(
        "--data",
        action="append",
        required=True,
        metavar="D",
        help="dataset folder, or `synthetic` for methods that read keypoints; repeat to mix evenly",
    )
    parser.add_argument("-o", "--out", type=Path, required=True, help="the .safetensors file to write")
    parser.add_argument("--seed", type=natural, default=0)
    parser.add_argument(
        "--batch", type=positive, default=64, help="samples a step, over all processes: as many for each, at least 2"
    )
    parser.add_argument("--validate-every", type=positive, default=1000, metavar="STEPS")
    parser.add_argument(
        "--patience",
        type=natural,
        default=0,
        help="validations without improvement before a stage ends early; 0: never",
    )
    parser.add_argument(
        "--save-every",
        type=positive_number,
        default=60.0,
        metavar="S",
        help="seconds between saves of an unfinished run",
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--precision", default="32-true", choices=("32-true", "bf16-mixed", "16-mixed", "64-true"))
    parser.add_argument("--processes", type=positive, default=1)
    parser.add_argument(
        "--as-filmed",
        action="store_true",
        help="take poses as the dataset's cameras saw them, with no other bodies and views, and pictures as they are",
    )
    parser.add_argument(
        "--vary",
        choices=("all", "photographs"),
        default="all",
        help="whose pictures are scaled, rotated, mirrored and coloured: the papers spare those of the laboratory, "
        "which here are those of datasets whose intrinsics are known",
    )
    parser.add_argument(
        "--recipe",
        default="",
        help="label that runs which differ only in their seed share; default: the method as typed",
    )
    parser.add_argument("--full-precision", action="store_true", help="keep weights as float32, not float16")
    add_plugin(parser)


def main(args: argparse.Namespace) -> int:
    """Train; the weights file is written when all stages are done."""
    from benchsuite_registry.registries import UnknownName, WrongParameter, checked, split_component

    if args.batch % args.processes or args.batch < 2 * args.processes:  # batch norm wants two at a time
        wanted = f"a multiple of --processes {args.processes}, at least 2 for each"
        raise UsageError(f"--batch: wanted {wanted}, found {args.batch}")
    name, given = split_component(args.method)
    known = registries(args)
    holders = [r for r in known.kinds().values() if name in r or name in r.contested()]
    if not holders:
        parts = (
            f"unknown method {name!r}",
            f"methods that train: {', '.join(_trainable(known))}",
            *map(str, known.broken),
        )
        raise UnknownName("; ".join(parts))
    entry = holders[0][name]
    if entry.course is None:
        raise WrongParameter(f"{name} cannot be trained; methods that train: {', '.join(_trainable(known))}")
    settings: dict[str, Any] = {k: p.default for k, p in entry.training.items()}
    settings |= {k: checked(f"training {name}", entry.training, k, v) for k, v in given.items()}

    from benchsuite.documents import check_place
    from benchsuite.training.engine import Plan, train

    device = device_named(args.device).type
    if device == "cpu" and args.precision == "16-mixed":  # Fabric takes bf16-mixed there and goes on
        raise UsageError("--precision 16-mixed: wanted a CUDA device, found a CPU; it has bf16-mixed")
    plan = Plan(
        out=args.out,
        seed=args.seed,
        batch=args.batch,
        validate_every=args.validate_every,
        patience=args.patience,
        save_every_s=args.save_every,
        device=device,
        precision=args.precision,
        processes=args.processes,
        recipe=args.recipe or _portable([args.method])[0],
        command=shlex.join(["benchsuite", *_portable(sys.argv[1:])]),
        half=not args.full_precision,
    )
    make_course = partial(entry.course, **settings)
    try:
        course = make_course()
    except ValueError as error:  # values that are right one by one, but not together
        raise WrongParameter(f"training {name}: {error}") from None
    check_place(args.out)
    train(make_course, [_source(course, args, number) for number in range(len(args.data))], plan)
    return 0


def _source(course: Any, args: argparse.Namespace, number: int) -> Any:
    """Where what ``course`` reads is drawn from, for one ``--data``."""
    from benchsuite.datasets.dataset import open_dataset
    from benchsuite.training.crops import CropSource
    from benchsuite.training.sources import DatasetSource, SyntheticSource

    text = args.data[number]
    if text == "synthetic" and course.reads == "pairs":
        return SyntheticSource()
    dataset = open_dataset(Path(text), "train")
    if course.reads == "pairs":
        return DatasetSource(dataset, refilm=not args.as_filmed)
    varied = not args.as_filmed and (args.vary == "all" or dataset.about.intrinsics != "known")
    return CropSource(dataset, size=course.size, number=number, varied=varied)


def _trainable(registries: Any) -> list[str]:
    return [entry.name for registry in registries.kinds().values() for entry in registry if entry.course]


def _portable(words: list[str]) -> list[str]:
    """A command line with absolute paths cut to their last part: checkpoints must not speak of the machine."""
    return [re.sub(r"(^|[=:,])/[^,]*/", r"\1", word) for word in words]
