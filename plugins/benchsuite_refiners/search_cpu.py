"""The geometric search on the CPU: compiled by numba where that is installed, else by NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from benchsuite_refiners import objective as mathematics
from benchsuite_refiners.columns import Columns, Placed, Search

ROWS_A_CHUNK = 4096
"""Poses NumPy works on at once: its intermediate arrays then stay in the cache."""

ROWS_A_THREAD = 8192
"""Poses worth a thread of their own: a quarter of a millisecond or more, several times the thread's start."""


def search(
    columns: Columns,
    wanted: Search,
    *,
    threads: int = 1,
    fused: bool | None = None,
    into: Placed | None = None,
) -> Placed:
    """Poses at their best depths.

    Args:
        columns: the poses and their keypoints.
        wanted: what is searched for.
        threads: how many to use at most, if there are poses enough.
        fused: whether numba's or NumPy's; None takes numba's where it is installed.
        into: results to write into; made new if not given.
    """
    count = len(columns.xyz)
    found = into or Placed(np.empty_like(columns.xyz), np.empty(count), np.empty(count), np.empty(count, np.uint8))
    each = compiled() if fused is None or fused else None
    if each is None:
        _search_plain(columns, wanted, found)
        return found
    pieces = min(threads, count // ROWS_A_THREAD)
    if pieces < 2:
        each(*found, *columns, *wanted)
        return found

    def one(rows: slice) -> None:
        each(*(c[rows] for c in found), *(c[rows] for c in columns), *wanted)

    with ThreadPoolExecutor(pieces) as pool:  # numba's own threads spin between calls, these do not
        list(pool.map(one, _chunks(count, ROWS_A_THREAD)))
    return found


def _search_plain(columns: Columns, wanted: Search, found: Placed) -> None:
    with np.errstate(all="ignore"):  # values that were not chosen may be anything
        for rows in _chunks(len(found.xyz), ROWS_A_CHUNK):
            depth, cost, flags = mathematics.place(rows, found.xyz, *columns, *wanted)
            found.depth[rows], found.cost[rows], found.flags[rows] = depth, cost, flags


def _chunks(count: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, count)) for start in range(0, count, size))


@cache
def compiled() -> Callable[..., None] | None:
    """``objective.place`` of all rows as machine code; None without numba."""
    try:
        from benchsuite_refiners import search_in_lanes
    except ImportError:
        return None
    return search_in_lanes.compiled()
