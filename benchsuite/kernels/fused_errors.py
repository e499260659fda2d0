"""Metrics in one pass over each pose, compiled by numba: what ``benchsuite.metrics`` says, sooner.

Where a pose takes more than the closed form, its error comes out as NaN, for ``metrics`` to work out.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import torch
from torch import Tensor

LEAST = 512
"""Poses for which loading the compiler is worth while."""

ROWS_A_THREAD = 8192
"""Poses worth a thread of their own."""


def fused(name: str, *columns: Tensor, how: tuple[object, ...] = ()) -> Tensor | None:
    """A figure of each row (B,) float64; None without numba, or where rows are few, not on the CPU or want gradients.

    Args:
        name: a function of ``errors_in_lanes``: ``mpjpe``, ``n_mpjpe``, ``p_mpjpe`` or ``right``.
        columns: predicted and true poses (B, J, 3) mm, or errors (B, J).
        how: what else the function takes.
    """
    count = len(columns[0])
    each = _compiled(name) if count >= LEAST and all(map(_plain, columns)) else None
    if each is None:
        return None
    arrays = [column.flatten(1).contiguous().numpy() for column in columns]
    figures = np.empty(count)
    threads = min(torch.get_num_threads(), count // ROWS_A_THREAD)
    if threads < 2:
        each(figures, *arrays, *how)
    else:
        pieces = [slice(start, start + ROWS_A_THREAD) for start in range(0, count, ROWS_A_THREAD)]
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda rows: each(figures[rows], *(a[rows] for a in arrays), *how), pieces))
    return torch.from_numpy(figures)


def _plain(column: Tensor) -> bool:
    return column.device.type == "cpu" and column.dtype in (torch.float32, torch.float64) and not column.requires_grad


@cache
def _compiled(name: str) -> Callable[..., None] | None:
    try:
        from benchsuite.kernels import errors_in_lanes
    except ImportError:
        return None
    return errors_in_lanes.compiled(name)
