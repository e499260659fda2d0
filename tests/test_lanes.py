"""Eight poses at a time: every lane is what NumPy says of its row, and rows come and go unharmed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("numba")

from numba import njit

from benchsuite.kernels.blocks import block, every, give, take
from benchsuite.kernels.errors_in_lanes import choose, some
from benchsuite.kernels.lanes import EIGHT
from benchsuite.kernels.machine_code import text_of

Array = NDArray[np.float64]
VALUES = np.array(
    [[1.5, -2.5, np.nan, 0.0, np.inf, -0.0, 1e300, -7.25], [2.0, -2.5, 1.0, np.nan, 3.0, 0.0, -1e300, 0.5]]
)


def arithmetic(a: Any, b: Any) -> Any:
    return (a + b) * 2 - 3.0 * a + (1 - b) / 4 + a / b


def roundings(a: Any, b: Any) -> Any:
    return np.floor(a) + np.ceil(b) + abs(a) - np.sqrt(abs(b)) + (-b)


def functions(a: Any, b: Any) -> Any:
    return np.sinh(a) + np.arcsinh(b)


def choices(a: Any, b: Any) -> Any:
    found = choose((a < b) | (a >= 3.0), a, 0) + choose((a <= b) & (b > 0.0), b, 10)
    return found + choose(a == b, 100.0, 0.0) + choose(a != b, 1000.0, 0.0)


def sums_begun_with_a_number(a: Any, b: Any) -> Any:
    total = 0.0
    for _ in range(3):
        if some(a > b):
            total = total + choose(b > total, b, 1)
    return total


def unlike(a: Any, b: Any) -> Any:
    return choose(some(a > 1e301), a, b)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("act", [arithmetic, roundings, functions, choices, sums_begun_with_a_number, unlike])
def test_lanes_are_what_numpy_says(act: Callable[..., Any]) -> None:
    compiled = njit(error_model="numpy")(act)

    @njit(error_model="numpy")
    def in_lanes(found: Any, values: Any) -> None:
        i = every()
        found[i, 0] = compiled(values[i, 0], values[i, 1])

    found = np.empty((1, EIGHT)).T
    in_lanes(found, VALUES.T)
    wanted: Array = act(*VALUES)
    if act is functions:
        np.testing.assert_allclose(found[:, 0], wanted, rtol=1e-15)
    else:
        np.testing.assert_array_equal(found[:, 0], wanted)


@njit
def carried(into: Any, rows: Any) -> None:
    there = block(rows.shape[1], rows.dtype)
    for first in range(0, len(rows), EIGHT):
        take(there, rows, first)
        give(into, there, first)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.bool_, np.uint8])
@pytest.mark.parametrize("count", [0, 1, 7, 8, 21])
def test_rows_go_through_blocks_unharmed(count: int, dtype: type) -> None:
    rng = np.random.default_rng(0)
    for width in (1, 2, 7, 8, 9, 17, 51):
        rows: Any = rng.integers(0, 2 if dtype is np.bool_ else 200, (count + 2, width)).astype(dtype)
        into = np.zeros_like(rows)
        carried(into[1 : count + 1], rows[1 : count + 1])
        np.testing.assert_array_equal(into[1 : count + 1], rows[1 : count + 1])
        assert not into[[0, -1]].any()  # nothing beyond the rows is touched


def test_a_block_is_read_and_written_column_by_column() -> None:
    @njit
    def doubled(rows: Any, flags: Any) -> None:
        i = every()
        for k in range(rows.shape[1]):
            flags[i, k] = choose(rows[i, k] > 2.0, 3, 0)
            rows[i, k] = 2 * rows[i, k]

    rows = np.arange(24, dtype=np.float32).reshape(3, EIGHT).T
    flags = np.empty((3, EIGHT), dtype=np.uint8).T
    wanted = 2 * rows, np.where(rows > 2, 3, 0)
    doubled(rows, flags)
    np.testing.assert_array_equal(rows, wanted[0])
    np.testing.assert_array_equal(flags, wanted[1])


def test_machine_code_knows_the_text_it_was_made_of() -> None:
    from benchsuite.kernels import errors_in_lanes, fused_errors

    assert text_of() == text_of()
    assert len({text_of(), text_of(errors_in_lanes), text_of(fused_errors)}) == 3
