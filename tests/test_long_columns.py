"""Columns that lie in temporary files: the same numbers as in memory."""

from __future__ import annotations

import mmap
import os

import numpy as np
import pytest
import torch
import toys

from benchsuite.datasets import long_columns
from benchsuite.datasets.long_columns import Gathered, labels_of, long_column


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_columns, "IN_MEMORY", 8)
    monkeypatch.setattr(long_columns, "ROWS", 4)


def test_large_columns_lie_in_files_and_small_ones_do_not() -> None:
    large, small = long_column((1 << 20,), np.float64), long_column((10,), np.float64)
    assert isinstance(large.base, mmap.mmap)
    assert small.base is None


def test_a_full_disk_leaves_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert long_column((1 << 20,), np.float64).base is None


@pytest.mark.usefixtures("_small")
def test_figures_are_those_put_in_whatever_their_types() -> None:
    gathered = Gathered(7)
    gathered.add({"a": np.array([1, 2, 3], np.int16), "b": np.zeros((3, 2)), "c": np.array(["x", "y", "z"])})
    gathered.add({"a": np.array([0.5, np.nan]), "b": np.ones((2, 2)), "c": np.array(["long", "w"]), "d": np.ones(2)})
    gathered.add({"a": np.array([2**40, -1]), "b": np.full((2, 2), 2.0), "c": np.array(["v", "u"])})
    found = gathered.columns()
    np.testing.assert_array_equal(found["a"], [1, 2, 3, 0.5, np.nan, 2**40, -1])
    assert found["b"].sum(axis=1).tolist() == [0, 0, 0, 2, 2, 4, 4]
    assert found["c"].tolist() == ["x", "y", "z", "long", "w", "v", "u"]
    assert set(found) == {"a", "b", "c"}


@pytest.mark.usefixtures("_small")
def test_objects_stay_in_memory() -> None:
    gathered = Gathered(3)
    gathered.add({"a": np.array([None, "b", 3], dtype=object)})
    assert gathered.columns()["a"].tolist() == [None, "b", 3]


def test_figures_of_another_shape_are_refused() -> None:
    gathered = Gathered(3)
    gathered.add({"a": np.zeros((2, 4))})
    with pytest.raises(ValueError, match=r"a: wanted rows of shape \(4,\), found \(5,\)"):
        gathered.add({"a": np.zeros((1, 5))})
    with pytest.raises(KeyError, match="a"):
        gathered.add({})


@pytest.mark.usefixtures("_small")
def test_labels_are_the_datasets() -> None:
    dataset = toys.toy_dataset()
    found, wanted = labels_of(dataset), dataset.labels(slice(0, 15))
    for name in ("action", "subject", "clip", "split", "take", "camera"):
        one, other = getattr(found, name), getattr(wanted, name)
        assert one.names == other.names
        assert torch.equal(one.codes, other.codes)
