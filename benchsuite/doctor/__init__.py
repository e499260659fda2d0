"""What is missing or odd in a dataset, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchsuite.datasets.columns import WrongDataset
from benchsuite.datasets.dataset import Dataset, open_dataset
from benchsuite.doctor.bodies import check_bends, check_bones
from benchsuite.doctor.cameras import check_reprojection, check_world
from benchsuite.doctor.counts import count
from benchsuite.doctor.duplicates import check_duplicates
from benchsuite.doctor.findings import Finding
from benchsuite.doctor.image import (
    check_clips,
    check_joints,
    check_outside,
    check_sides,
    check_unit,
    check_upright,
    check_values,
)
from benchsuite.doctor.pictures import check_pictures

SPLITS = ("train", "test")

ALWAYS: tuple[Callable[[Dataset], Iterator[Finding]], ...] = (
    check_values,
    check_joints,
    check_unit,
    check_upright,
    check_sides,
    check_outside,
    check_pictures,
    check_clips,
)
IN_SPACE: tuple[Callable[[Dataset], Iterator[Finding]], ...] = (
    check_reprojection,
    check_bends,
    check_bones,
    check_world,
)


def examine(folder: Path) -> Iterator[Finding]:
    """Findings on a dataset folder, or on one that holds its splits, in the order of the checks.

    Raises:
        WrongDataset: the folder holds no dataset at all.
    """
    folders = [folder] if (folder / "dataset.json").is_file() else [folder / split for split in SPLITS]
    if not (folders := [one for one in folders if (one / "dataset.json").is_file()]):
        raise WrongDataset(f"{folder}: wanted a dataset.json, or folders {' or '.join(SPLITS)} with one")
    opened: list[Dataset] = []
    for one in folders:
        split = one.name if one != folder else ""
        try:
            dataset = open_dataset(one)
        except WrongDataset as error:
            yield Finding("readable", "wrong", str(error), split)
            continue
        opened.append(dataset)
        yield Finding("readable", "ok", f"{about(dataset)}; every column has its sha256", split)
    if opened:
        yield from count(opened)
    for dataset in opened:
        split = dataset.path.name if dataset.path is not None and dataset.path != folder else ""
        for finding in _checks(dataset):
            yield replace(finding, split=split)
    if opened:
        yield from check_duplicates(opened)


def _checks(dataset: Dataset) -> Iterator[Finding]:
    if not len(dataset):
        return
    for check in (*ALWAYS, *(IN_SPACE if "xyz" in dataset.columns else ())):
        yield from check(dataset)


def about(dataset: Dataset) -> str:
    """A dataset in a line."""
    said = dataset.about
    kind = "3D and 2D" if "xyz" in dataset.columns else "2D"
    rate = f"{said.fps:g} Hz" if said.fps else "no frame rate"
    return f"{said.name}: {kind} {said.keypoints}, {said.skeleton}, {rate}, intrinsics {said.intrinsics.split(';')[0]}"


def worst(findings: Sequence[Finding]) -> str:
    """The worst verdict there is."""
    return max((finding.verdict for finding in findings), key=("ok", "odd", "wrong").index, default="ok")
