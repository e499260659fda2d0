"""How fast poses are scored, beside the time it takes to read them once.

Run: python benchmarks/bench_metrics.py [POSES]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from benchsuite.metrics import auc, joint_errors, mpjpe, n_mpjpe, p_mpjpe, pck
from benchsuite.statistics import ClipSums

BATCH = 1024
ACTIONS, CLIPS = 15, 2400


def svd_p_mpjpe(predicted: Tensor, true: Tensor) -> Tensor:
    """P-MPJPE through the batched singular value decomposition, which ``p_mpjpe`` avoids."""
    p, g = (t.double() - t.double().mean(dim=1, keepdim=True) for t in (predicted, true))
    u, s, vh = torch.linalg.svd(p.mT @ g)
    sign = torch.linalg.det(u @ vh).sign()
    s[:, 2] *= sign
    u[:, :, 2] *= sign[:, None]
    scale = s.sum(dim=1) / (p * p).sum(dim=(1, 2))
    return mpjpe(scale[:, None, None] * (p @ (u @ vh)), g)


def seconds(act: Callable[[], object]) -> float:
    """Median of five runs after one that warms up."""
    act()
    taken = []
    for _ in range(5):
        start = perf_counter()
        act()
        taken.append(perf_counter() - start)
    return median(taken)


def in_batches(metric: Callable[..., Tensor], *columns: Tensor) -> Callable[[], Tensor]:
    """``metric`` over all rows, as many at a time as the runner hands over."""
    return lambda: torch.cat([metric(*part) for part in zip(*(torch.split(c, BATCH) for c in columns), strict=True)])


def main(poses: int) -> None:
    """Print a line per metric: time, the limit that memory sets, their ratio."""
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    true = torch.from_numpy(rng.normal(0.0, (150.0, 450.0, 100.0), (poses, 17, 3)).astype(np.float32))
    predicted = true + torch.from_numpy(rng.normal(0.0, 40.0, true.shape).astype(np.float32))
    errors = in_batches(joint_errors, predicted, true)()
    values, clip = errors.mean(dim=1).numpy(), np.sort(rng.integers(0, CLIPS, poses))
    sums = ClipSums.of(values, clip, clip % ACTIONS)
    bytes_per_second = true.nbytes / seconds(lambda: true.sum())
    both, distances = 2 * true.nbytes, errors.nbytes
    rows: list[tuple[str, Callable[[], object], int]] = [
        ("MPJPE", in_batches(mpjpe, predicted, true), both),
        ("N-MPJPE", in_batches(n_mpjpe, predicted, true), both),
        ("P-MPJPE", in_batches(p_mpjpe, predicted, true), both),
        ("P-MPJPE by SVD", in_batches(svd_p_mpjpe, predicted, true), both),
        ("PCK of distances", in_batches(lambda e: pck(e, 150.0), errors), distances),
        ("AUC of distances", in_batches(auc, errors), distances),
        ("sums by clip", lambda: ClipSums.of(values, clip, clip % ACTIONS), values.nbytes),
        ("1,000 draws, frames", sums.over_frames, CLIPS * 1000 * 8),
        ("1,000 draws, actions", sums.over_actions, CLIPS * 1000 * 8),
    ]
    print(f"{poses:,} poses of 17 joints, {CLIPS} clips, {BATCH} poses a batch, one thread")
    print(f"limit: reading the bytes once at {bytes_per_second / 1e9:.1f} GB/s, as a sum over them does")
    print(f"{'':22}{'ms':>9}{'limit ms':>10}{'ratio':>8}")
    for name, act, size in rows:
        taken, limit = seconds(act), size / bytes_per_second
        print(f"{name:22}{1e3 * taken:9.1f}{1e3 * limit:10.1f}{taken / limit:8.1f}")
    worst = (in_batches(p_mpjpe, predicted, true)() - in_batches(svd_p_mpjpe, predicted, true)()).abs().max()
    print(f"P-MPJPE differs from the SVD's by at most {worst:.1e} mm")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 550_000)
