"""How fast poses are scored, beside the time it takes to read them once, and P-MPJPE beside the batched SVD.

Run: python benchmarks/bench_metrics.py [POSES], or pytest benchmarks/bench_metrics.py -s
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from measure import Row, benchmarked, in_turn, median_ratio, printed, turns
from torch import Tensor

from benchsuite.metrics import auc, joint_errors, mpjpe, n_mpjpe, p_mpjpe, pck
from benchsuite.statistics import ClipSums

POSES, BATCH = 550_000, 1024
ACTIONS, CLIPS = 15, 2400


def rows(poses: int = POSES) -> Iterator[Row]:
    """P-MPJPE beside the SVD, milliseconds of each metric beside those of reading its bytes once; on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield from on_one_thread(poses)
    finally:
        torch.set_num_threads(threads)


def on_one_thread(poses: int) -> Iterator[Row]:
    """The same, as torch is set."""
    rng = np.random.default_rng(0)
    true = torch.from_numpy(rng.normal(0.0, (150.0, 450.0, 100.0), (poses, 17, 3)).astype(np.float32))
    predicted = true + torch.from_numpy(rng.normal(0.0, 40.0, true.shape).astype(np.float32))
    yield beside_svd(predicted, true)
    errors = in_batches(joint_errors, predicted, true)()
    values, clip = errors.mean(dim=1).numpy(), np.sort(rng.integers(0, CLIPS, poses))
    sums = ClipSums.of(values, clip, clip % ACTIONS)
    both, distances = 2 * true.nbytes, errors.nbytes
    acts: list[tuple[str, Callable[[], object], int]] = [
        ("MPJPE", in_batches(mpjpe, predicted, true), both),
        ("N-MPJPE", in_batches(n_mpjpe, predicted, true), both),
        ("P-MPJPE", in_batches(p_mpjpe, predicted, true), both),
        ("PCK of distances", in_batches(lambda e: pck(e, 150.0), errors), distances),
        ("AUC of distances", in_batches(auc, errors), distances),
        ("sums by clip", lambda: ClipSums.of(values, clip, clip % ACTIONS), values.nbytes),
        ("1,000 draws, frames", sums.over_frames, CLIPS * 1000 * 8),
        ("1,000 draws, actions", sums.over_actions, CLIPS * 1000 * 8),
    ]
    reading, *taken = in_turn(lambda: true.sum(), *(act for _, act, _ in acts), rounds=3)
    for (name, _, size), seconds in zip(acts, taken, strict=True):
        path = f"{name}, {poses:,} poses, one thread"
        yield Row.of(path, 1e3 * seconds, "ms", 1e3 * reading * size / true.nbytes, "reading the bytes once")


def beside_svd(predicted: Tensor, true: Tensor) -> Row:
    """Poses a second through the closed form and through the SVD, which agree."""
    own, svd = turns(in_batches(p_mpjpe, predicted, true), in_batches(svd_p_mpjpe, predicted, true), rounds=3)
    some = slice(0, len(true) // 10)
    differ = (p_mpjpe(predicted[some], true[some]) - svd_p_mpjpe(predicted[some], true[some])).abs().max()
    assert differ < 1e-6, f"P-MPJPE differs from the SVD's by {differ} mm"
    ratio, limit = median_ratio(svd, own), len(true) / min(svd) / 1e6
    return Row(f"P-MPJPE, {len(true):,} poses, one thread", limit * ratio, "M/s", limit, "batched SVD", ratio, least=10)


def svd_p_mpjpe(predicted: Tensor, true: Tensor) -> Tensor:
    """P-MPJPE through the batched singular value decomposition, which ``p_mpjpe`` avoids."""
    p, g = (t.double() - t.double().mean(dim=1, keepdim=True) for t in (predicted, true))
    u, s, vh = torch.linalg.svd(p.mT @ g)
    sign = torch.linalg.det(u @ vh).sign()
    s[:, 2] *= sign
    u[:, :, 2] *= sign[:, None]
    scale = s.sum(dim=1) / (p * p).sum(dim=(1, 2))
    return mpjpe(scale[:, None, None] * (p @ (u @ vh)), g)


def in_batches(metric: Callable[..., Tensor], *columns: Tensor) -> Callable[[], Tensor]:
    """``metric`` over all rows, as many at a time as the runner hands over."""
    return lambda: torch.cat([metric(*part) for part in zip(*(torch.split(c, BATCH) for c in columns), strict=True)])


def test_metrics(benchmark: Any) -> None:
    benchmarked(benchmark, rows)


if __name__ == "__main__":
    printed(rows(int(sys.argv[1]) if len(sys.argv) > 1 else POSES))
