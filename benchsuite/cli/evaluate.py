"""``benchsuite evaluate``: score predictions that were made elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchsuite.cli import UsageError
from benchsuite.cli.arguments import DEFAULT_EVALUATOR, add_plugin, open_named, registries
from benchsuite.running.stdout import aside

if TYPE_CHECKING:
    from benchsuite_registry.poses import PoseBatch
    from numpy.typing import NDArray

    from benchsuite.datasets.dataset import Dataset

HELP = """Score a .npz file of predictions: `xyz` (N, J, 3) in mm, camera axes, joints as in the dataset; its rows in
the order of the dataset's, or told by `ids` (N,), the dataset's row numbers. A .npy file of `xyz` alone will do."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("predictions", type=Path, metavar="PREDICTIONS.npz")
    parser.add_argument("--dataset", default="synthetic", metavar="D", help="`synthetic` (the default) or a folder")
    parser.add_argument("--evaluator", default=DEFAULT_EVALUATOR, metavar="NAME", help="default: %(default)s")
    add_plugin(parser)
    parser.add_argument("--json", action="store_true", help="print the record as JSON in place of a table")


def main(args: argparse.Namespace) -> int:
    """Print the score; 1 if the evaluator fails."""
    evaluator = registries(args).evaluators.parse(args.evaluator)

    from benchsuite_registry.checkpoints import sha256

    from benchsuite.cli.tables import print_json, print_tables, report_failures, report_remarks
    from benchsuite.records.results import Part
    from benchsuite.running.cells import Cell, blank_record, protocol_on
    from benchsuite.running.matrix import check_dataset
    from benchsuite.running.pipeline import Branch, Settings, score
    from benchsuite.running.provenance import described, environment

    name, dataset = open_named(args.dataset)
    check_dataset(name, dataset, [evaluator])
    settings = Settings()
    predictions = read_predictions(args.predictions, dataset)
    source = Part("predictions", args.predictions.name, weights=sha256(args.predictions))
    provenance = environment(settings.device)
    with aside():
        blank = blank_record([source, described(evaluator)], protocol_on(evaluator, dataset), dataset, provenance)
        record = Cell(Branch(None, evaluator), blank).filled(score(predictions, evaluator, dataset, settings))
    (print_json if args.json else print_tables)([record])
    report_remarks([record])
    return report_failures([record])


def read_predictions(file: Path, dataset: Dataset) -> PoseBatch:
    """The poses in ``file``, in the order of the dataset's rows.

    Raises:
        UsageError: not a .npz or .npy file, an array missing or unknown, of the wrong shape or type, ids that are not
            those of the dataset.
        WrongDataset: not in mm.
    """
    import numpy as np
    import torch
    from benchsuite_registry.poses import Frame, PoseBatch

    from benchsuite.datasets.dataset import check_unit

    wanted = (len(dataset), len(dataset.skeleton), 3)
    arrays = _arrays(file, wanted)
    xyz = arrays["xyz"]
    if xyz.shape != wanted or xyz.dtype not in (np.float32, np.float64):
        raise UsageError(
            f"{file}: xyz: wanted float32 or float64 {wanted}, found {xyz.dtype} {xyz.shape}; it takes a row for each "
            f"sample of the dataset, the joints of {dataset.skeleton.name}, and X, Y, Z in mm"
        )
    check_unit(str(file), xyz, dataset.skeleton)
    rows = np.arange(len(dataset))
    if "ids" in arrays:
        ids = arrays["ids"]
        if ids.shape != rows.shape or ids.dtype.kind not in "iu":
            raise UsageError(f"{file}: ids: wanted whole numbers {rows.shape}, found {ids.dtype} {ids.shape}")
        if (absent := np.setdiff1d(rows, ids)).size:
            raise UsageError(
                f"{file}: ids: wanted each of 0 to {rows[-1]} once, {absent.size} absent, first {absent[0]}"
            )
        xyz = xyz[np.argsort(ids)]
    frame = Frame.CAMERA if dataset.skeleton.root_of(xyz).any() else Frame.ROOT
    return PoseBatch(torch.from_numpy(xyz), frame, dataset.skeleton, torch.from_numpy(rows))


def _arrays(file: Path, shape: tuple[int, ...]) -> dict[str, NDArray[Any]]:
    from benchsuite.convert.archives import WrongSource, read_npy, read_npz

    wanted = (
        f"a .npz file with the array xyz {shape} in mm, and ids {shape[:1]} if its rows are in another order than the "
        "dataset's, or a .npy file of xyz alone"
    )
    try:
        with file.open("rb") as opened:
            alone = opened.read(6) == b"\x93NUMPY"
        arrays = {"xyz": read_npy(file)} if alone else read_npz(file)
    except WrongSource as error:
        raise UsageError(f"{error.path}: wanted {wanted}; found {error.found}") from None
    except OSError as error:
        raise UsageError(f"{file}: wanted {wanted}; found: {error.strerror}") from None
    if not {"xyz"} <= set(arrays) <= {"xyz", "ids"}:
        raise UsageError(f"{file}: wanted {wanted}; found arrays: {', '.join(sorted(arrays)) or 'none'}")
    return arrays
