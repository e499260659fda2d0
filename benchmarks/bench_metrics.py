"""How fast poses are scored, beside the time it takes to read them once.

Run: python benchmarks/bench_metrics.py [POSES], or pytest benchmarks/bench_metrics.py -s
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from measure import Row, benchmarked, in_turn, machine, told
from torch import Tensor

from benchsuite.metrics import auc, joint_errors, mpjpe, n_mpjpe, p_mpjpe, pck
from benchsuite.statistics import ClipSums

POSES, BATCH = 550_000, 1024
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


def in_batches(metric: Callable[..., Tensor], *columns: Tensor) -> Callable[[], Tensor]:
    """``metric`` over all rows, as many at a time as the runner hands over."""
    return lambda: torch.cat([metric(*part) for part in zip(*(torch.split(c, BATCH) for c in columns), strict=True)])


def rows(poses: int = POSES) -> Iterator[Row]:
    """Each metric beside reading its bytes once, P-MPJPE beside the decomposition, intervals."""
    rng = np.random.default_rng(0)
    true = torch.from_numpy(rng.normal(0.0, (150.0, 450.0, 100.0), (poses, 17, 3)).astype(np.float32))
    predicted = true + torch.from_numpy(rng.normal(0.0, 40.0, true.shape).astype(np.float32))
    errors = in_batches(joint_errors, predicted, true)()
    values, clip = errors.mean(dim=1).numpy(), np.sort(rng.integers(0, CLIPS, poses))
    sums = ClipSums.of(values, clip, clip % ACTIONS)
    drawn = np.ones(CLIPS * 1000)
    paths: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        *(
            (name, in_batches(metric, predicted, true), lambda: (predicted.sum(), true.sum()))
            for name, metric in (("MPJPE", mpjpe), ("N-MPJPE", n_mpjpe), ("P-MPJPE", p_mpjpe))
        ),
        ("PCK of distances", in_batches(lambda e: pck(e, 150.0), errors), errors.sum),
        ("AUC of distances", in_batches(auc, errors), errors.sum),
        ("1,000 draws of clips, frames", sums.over_frames, drawn.sum),
        ("1,000 draws of clips, actions", sums.over_actions, drawn.sum),
    ]
    for name, act, read in paths:
        taken, limit = in_turn(act, read, rounds=5)
        yield Row.of(f"{name}, {poses:,} poses", taken * 1e3, "ms", limit * 1e3, "reading it once")
    ours, theirs = (in_batches(metric, predicted, true) for metric in (p_mpjpe, svd_p_mpjpe))
    assert (ours() - theirs()).abs().max() < 1e-3
    fast, slow = in_turn(ours, theirs, rounds=3)
    yield Row.of(f"P-MPJPE, {poses:,} poses", poses / fast, "poses/s", poses / slow, "batched SVD", least=10)


def test_metrics(benchmark: Any) -> None:
    benchmarked(benchmark, rows)


if __name__ == "__main__":
    print(machine())
    for _ in told(rows(int(sys.argv[1]) if len(sys.argv) > 1 else POSES)):
        pass
