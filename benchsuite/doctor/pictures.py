"""Checks of the pictures: whether the photographs are there, read, and are as large as the dataset says."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchsuite.datasets.dataset import Dataset
from benchsuite.doctor.findings import Finding, some_of
from benchsuite.images.photographs import NoPillow, WrongImage, photograph_size, read_photograph
from benchsuite.images.pictures import missing_photographs

READ = 2000
"""So many photographs are unpacked, spread evenly over the dataset; of the others the header is read."""


def check_pictures(dataset: Dataset) -> Iterator[Finding]:
    """Photographs that are missing, do not read, or are of another size than the column ``size`` says."""
    if "image" not in dataset.columns:
        return
    missing = missing_photographs(dataset)
    numbers, rows = np.unique(dataset.columns["image"], return_index=True)
    there = {dataset.photographs[k]: row for k, row in zip(numbers.tolist(), rows.tolist(), strict=True)}
    total = len(there)
    for name in missing:
        del there[name]
    every = max(1, -(-len(there) // READ))
    spoilt, otherwise = [], []
    for place, (name, row) in enumerate(there.items()):
        path = dataset.photograph_folder / name
        try:
            size = read_photograph(path).shape[1::-1] if place % every == 0 else photograph_size(path)
        except NoPillow as error:
            yield Finding("photographs", "odd", str(error))
            return
        except WrongImage as error:
            spoilt.append(f"{name} ({str(error).partition(', found ')[2]})")
            continue
        if "size" in dataset.columns and "crop" not in dataset.columns:
            told = tuple(dataset.columns["size"][row].tolist())
            if size != told:
                otherwise.append(f"{name} ({size[0]} x {size[1]}, not {told[0]} x {told[1]})")
    wrong = [
        f"{len(names)} {what}: {some_of(names)}"
        for what, names in (("are missing", missing), ("do not read", spoilt), ("are of another size", otherwise))
        if names
    ]
    read = len(range(0, len(there), every))
    text = "; ".join(wrong) or f"all {total} are there and read"
    if read < len(there):
        text += f" ({read} unpacked, of the others the header)"
    yield Finding("photographs", "wrong" if wrong else "ok", f"of {total}, {text}" if wrong else text)
