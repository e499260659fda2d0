"""Columns as long as a dataset that need no memory of their own: large ones lie in temporary files, mapped."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields, replace
from tempfile import TemporaryFile
from typing import Any

import numpy as np
import torch
from benchsuite_registry.contracts import Measurements
from benchsuite_registry.poses import Category, Labels
from numpy.typing import DTypeLike, NDArray

from benchsuite.datasets.columns import let_go
from benchsuite.datasets.dataset import Dataset

IN_MEMORY = 1 << 20
"""Bytes up to which a column is not worth a file."""

ROWS = 1 << 17
"""Rows worked on at a time."""


def long_column(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An array to be filled; in a file without a name if it is large and there is room for one."""
    kind = np.dtype(dtype)
    size = kind.itemsize * int(np.prod(shape))
    if size > IN_MEMORY and not kind.hasobject and hasattr(os, "posix_fallocate"):
        try:
            with TemporaryFile() as file:
                os.posix_fallocate(file.fileno(), 0, size)  # a disk that fills up later would be a crash
                return np.memmap(file, kind, "r+", shape=shape)
        except OSError:
            pass
    return np.empty(shape, kind)


class Gathered:
    """Figures of all samples, put together batch by batch.

    Args:
        rows: how many samples there will be.
    """

    def __init__(self, rows: int) -> None:
        self._rows, self._there = rows, 0
        self._columns: dict[str, NDArray[Any]] = {}

    def add(self, figures: Measurements) -> None:
        """Put those of the next samples behind what is there.

        Raises:
            KeyError: a figure that there was before is missing.
            ValueError: its rows have another shape than before.
        """
        if not self._there:
            first = {name: np.asarray(figure) for name, figure in figures.items()}
            self._columns = {name: long_column((self._rows, *f.shape[1:]), f.dtype) for name, f in first.items()}
        stop = self._there
        for name, column in self._columns.items():
            figure = np.asarray(figures[name])
            stop = self._there + len(figure)
            if figure.shape[1:] != column.shape[1:]:
                raise ValueError(f"{name}: wanted rows of shape {column.shape[1:]}, found {figure.shape[1:]}")
            if (wider := np.result_type(column.dtype, figure.dtype)) != column.dtype:
                self._columns[name] = _copied(column, self._there, wider)
            self._columns[name][self._there : stop] = figure
        self._there = stop

    def columns(self) -> Mapping[str, NDArray[Any]]:
        """All figures of the samples so far."""
        let_go(self._columns.values())
        return {name: np.asarray(column[: self._there]) for name, column in self._columns.items()}


def _copied(column: NDArray[Any], there: int, dtype: DTypeLike) -> NDArray[Any]:
    wider = long_column(column.shape, dtype)
    for start in range(0, there, ROWS):
        wider[start : min(start + ROWS, there)] = column[start : min(start + ROWS, there)]
    return wider


def labels_of(dataset: Dataset) -> Labels:
    """Labels of all samples of ``dataset``."""
    if len(dataset) <= ROWS:
        return dataset.labels(slice(0, len(dataset)))
    some = dataset.labels(slice(0, 0))
    known = [field.name for field in fields(some) if getattr(some, field.name) is not None]
    codes = {name: long_column((len(dataset),), np.int64) for name in known}
    for rows in dataset.batches(ROWS):
        part = dataset.labels(rows)
        for name, column in codes.items():
            column[rows] = getattr(part, name).codes.numpy()
        let_go((*codes.values(), dataset.columns["clip"]))
    made = {name: Category(torch.from_numpy(column), getattr(some, name).names) for name, column in codes.items()}
    return replace(some, **made)
