"""``benchsuite show``: a picture of a dataset, of what methods make of it, or of what a classifier takes for what."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchsuite.cli import UsageError
from benchsuite.cli.arguments import add_plugin, device_named, natural, open_named, positive, registries
from benchsuite.running.stdout import aside

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from benchsuite_registry.registries import Component
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from benchsuite.datasets.dataset import Dataset
    from benchsuite.running.methods import Method

HELP = """Draw poses of a dataset, or the confusion matrix of a record. With methods: the picture, the keypoints that
each found in it, and its pose from another side, the true one in grey behind it; with --clip as a strip of frames, from
the front and the top."""

SAMPLES, FRAMES = 6, 8


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    several: dict[str, Any] = {"action": "append", "default": []}
    parser.add_argument("dataset", metavar="DATASET", help="`synthetic`, a dataset folder, or a record (.json)")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.png", help="picture to write")
    parser.add_argument("--image-model", **several, metavar="NAME", help="draw what it makes of the pictures")
    parser.add_argument("--lifter", **several, metavar="NAME", help="draw what it makes of the 2D")
    parser.add_argument("--refiner", **several, metavar="NAME", help="refines them; `none` for the bare source")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--rows", type=_rows, metavar="N,N,...", help="samples to draw, counted from 0")
    which.add_argument("--clip", metavar="NAME", help="draw frames of this clip")
    parser.add_argument("--count", type=positive, metavar="N", help=f"default: {SAMPLES} samples, {FRAMES} frames")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add_plugin(parser)


def main(args: argparse.Namespace) -> int:
    """Draw a contact sheet, portraits or a confusion matrix."""
    try:
        figure, what = _drawn(args)
        # Without matplotlib's version in the file, the same dataset gives the same bytes.
        figure.savefig(args.out, dpi=110, facecolor="white", metadata={"Software": None})
    except (OSError, ValueError) as error:
        raise UsageError(str(error)) from None
    print(f"{args.out}: {what}", file=sys.stderr)
    return 0


def _drawn(args: argparse.Namespace) -> tuple[Figure, str]:
    if methods := _methods(args):
        return _portraits(args, methods)
    if args.rows or args.clip or args.count:
        raise UsageError("--rows, --clip and --count want an --image-model or a --lifter")
    return _confusions(Path(args.dataset)) if args.dataset.endswith(".json") else _samples(args.dataset)


def _methods(args: argparse.Namespace) -> tuple[Method, ...]:
    """Every source with every refiner, each once."""
    if not (args.lifter or args.image_model):
        if args.refiner:
            raise UsageError("--refiner wants an --image-model or a --lifter")
        return ()
    known = registries(args)
    sources: list[Component[Any]] = [
        *map(known.image_models.parse, args.image_model),
        *map(known.lifters.parse, args.lifter),
    ]
    refiners = [known.refiners.parse(text) if text != "none" else None for text in args.refiner or ["none"]]

    from benchsuite.running.methods import Method  # only now: a wrong name is answered before torch is imported

    methods = (Method(source, refiner) for source in sources for refiner in refiners)
    return tuple({str(method): method for method in methods}.values())


def _portraits(args: argparse.Namespace, methods: Sequence[Method]) -> tuple[Figure, str]:
    from benchsuite.images.pictures import check_pictures
    from benchsuite.pictures.portraits import draw_clip, draw_samples
    from benchsuite.running.matrix import check_dataset
    from benchsuite.running.methods import predictions
    from benchsuite.running.pipeline import Settings

    name, dataset = open_named(args.dataset)
    check_dataset(name, dataset, ())
    rows = _chosen(dataset, args)
    some = dataset.some(rows)
    if looking := next((m.source for m in methods if m.source.registry.kind == "image model"), None):
        check_pictures(name, some, f"image model {looking}")
    if thinned := next((m.source for m in methods if m.source.entry.unit == "clip"), None):
        raise UsageError(f"{thinned} needs whole clips; a picture shows but some of their frames")
    with aside():
        poses = predictions(methods, some, Settings(device=device_named(args.device)))
    draw = draw_clip if args.clip else draw_samples
    figure = draw(some, {str(method): found for method, found in zip(methods, poses, strict=True)})
    return figure, f"{', '.join(map(str, methods))} on rows {', '.join(map(str, rows.tolist()))} of {name}"


def _chosen(dataset: Dataset, args: argparse.Namespace) -> NDArray[np.integer]:
    """Rows of the samples to draw, ascending."""
    import numpy as np

    from benchsuite.pictures.drawing import spread
    from benchsuite.pictures.portraits import frames_of

    if args.clip:
        return frames_of(dataset, args.clip, args.count or FRAMES)
    if not args.rows:
        return np.sort(spread(dataset, args.count or SAMPLES))
    if (last := max(args.rows)) >= len(dataset):
        raise UsageError(f"--rows: wanted rows of {len(dataset)} samples, found {last}")
    return np.array(sorted(set(args.rows)))


def _rows(text: str) -> list[int]:
    return [natural(word) for word in text.split(",")]


def _samples(text: str) -> tuple[Figure, str]:
    from benchsuite.pictures.drawing import contact_sheet

    name, dataset = open_named(text)
    return contact_sheet(dataset), f"samples of {name} ({len(dataset)} samples, {len(dataset.clips)} clips)"


def _confusions(file: Path) -> tuple[Figure, str]:
    from benchsuite.pictures.confusions import draw_confusions
    from benchsuite.records.results import read_record

    record = read_record(file)
    return draw_confusions(record.metrics), f"confusions of {record.source.name} on {record.dataset.name}"
