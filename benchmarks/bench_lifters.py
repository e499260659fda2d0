"""How fast the stereo lifter infers and trains, beside the machine's own matrix products.

The limits are torch's ``mm`` (what is called sgemm here, MKL's on most machines) and oneDNN's product, which the lifter
makes and which is faster on some processors. All have the lifter's shape: batch x 1024 by 1024 x 1024.

Run: python benchmarks/bench_lifters.py [THREADS], or pytest benchmarks/bench_lifters.py -s
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import torch
from benchsuite_lifters.courses import StereoCourse
from benchsuite_lifters.network import Architecture
from benchsuite_lifters.shipped import stereo
from benchsuite_lifters.stereo import Stereo
from benchsuite_registry.poses import KeypointBatch
from benchsuite_registry.skeletons import H36M_17
from measure import Row, benchmarked, median_ratio, printed, turns

from benchsuite.metrics import mpjpe
from benchsuite.synthetic.source import SyntheticMotion
from benchsuite.training.pairs import Pairs, filmed

WIDTH, PRODUCTS = 1024, 8
INFERENCE, TRAINING = 4096, (64, 1024, 4096)


def rows() -> Iterator[Row]:
    """Inference in float32 and bfloat16, what bfloat16 does to MPJPE, training steps."""
    yield from inference()
    yield from bfloat16()
    yield from training()


def inference() -> Iterator[Row]:
    """Poses a second of ``lift`` and of the networks as they were trained."""
    network, pairs = stereo(""), people(INFERENCE)
    keypoints = batch(pairs)
    plain = Stereo(Architecture()).eval()
    sgemm, onednn = products(INFERENCE, torch.float32)
    work = flops(network) * INFERENCE
    with torch.inference_mode():
        lean, eager, mm, fused = turns(
            lambda: network.lift(keypoints), lambda: plain.lift(keypoints), sgemm, onednn, rounds=5
        )
    for name, taken, least in (("stereo lift", lean, 0.85), ("stereo lift, not folded", eager, None)):
        rate, path = work / min(taken) / 1e9, f"{name}, batch {INFERENCE}"
        yield Row.of(path, rate, "GFLOP/s", product_rate(INFERENCE, min(mm)), "sgemm", least=least)
    yield Row.of(
        path.replace(", not folded", ""),
        work / min(lean) / 1e9,
        "GFLOP/s",
        product_rate(INFERENCE, min(fused)),
        "oneDNN",
    )


def bfloat16() -> Iterator[Row]:
    """The same in bfloat16, and the MPJPE of both against the truth."""
    networks, pairs = {p: stereo("", precision=p) for p in ("float32", "bfloat16")}, people(INFERENCE)
    keypoints, truth = batch(pairs), pairs.xyz - pairs.xyz[:, :1]
    half, full = (turns(lambda n=n: n.lift(keypoints), rounds=5)[0] for n in reversed(networks.values()))
    work = flops(networks["float32"]) * INFERENCE
    yield Row.of(
        f"stereo lift in bfloat16, batch {INFERENCE}",
        work / min(half) / 1e9,
        "GFLOP/s",
        work / min(full) / 1e9,
        "in float32",
    )
    errors = {p: float(mpjpe(n.lift(keypoints).xyz, truth).mean()) for p, n in networks.items()}
    yield Row.of("MPJPE of stereo in bfloat16", errors["bfloat16"], "mm", errors["float32"], "in float32")


def training() -> Iterator[Row]:
    """One step of the second stage: forward, backward, Adam, norms; at the paper's batch and at larger ones."""
    for count in TRAINING:
        step, work = training_step(count)
        taken, mm, fused = turns(step, *products(count, torch.float32), rounds=7)
        path = f"stereo training step, batch {count}"
        for others, name, least in ((mm, "sgemm", 0.55 if count == 1024 else None), (fused, "oneDNN", None)):
            limit = product_rate(count, min(others))
            ratio = work / median_ratio(taken, others) / (PRODUCTS * 2 * count * WIDTH**2)
            yield Row(path, limit * ratio, "GFLOP/s", limit, name, ratio, least=least)
    half, full = turns(training_step(count, torch.bfloat16)[0], step, rounds=5)
    yield Row.of(f"{path}, bf16-mixed", count / min(half), "poses/s", count / min(full), "in float32")


def training_step(count: int, dtype: torch.dtype = torch.float32) -> tuple[Callable[[], None], int]:
    """A step as the engine makes it, and the floating-point operations of its products."""
    course, pairs = StereoCourse(width=WIDTH, dropout=0.5), people(count)
    course.fit(pairs)
    course.network.eval().requires_grad_(False)
    stage = course.stages()[-1]
    optimizer = stage.optimizer(stage.module.train().requires_grad_(True).parameters())

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            loss = stage.loss(pairs)
        loss.backward()
        optimizer.step()
        stage.after_step()

    net = course.network
    first = 2 * (2 * 34 * WIDTH)  # no gradient of what comes in
    return step, count * (2 * weights(net.synthesis) + 3 * 2 * weights(net.reconstruction) - first)


def people(count: int) -> Pairs:
    """People of the motion prior, filmed."""
    import numpy as np

    rng = np.random.default_rng(0)
    return filmed(rng, SyntheticMotion().poses(rng, count))


def batch(pairs: Pairs) -> KeypointBatch:
    """Their keypoints."""
    numbers = torch.arange(len(pairs.uv))
    seen = torch.ones(pairs.uv.shape[:2], dtype=torch.bool)
    return KeypointBatch(pairs.uv, seen, pairs.camera, H36M_17, numbers, numbers, numbers)


def products(count: int, dtype: torch.dtype) -> tuple[Any, Any]:
    """The lifter's eight large products by torch's ``mm``, and by oneDNN with packed weights."""
    a, w, into = (
        torch.randn(count, WIDTH, dtype=dtype),
        torch.randn(WIDTH, WIDTH, dtype=dtype),
        torch.empty(count, WIDTH),
    )
    packed = torch.ops.mkldnn._reorder_linear_weight(w, count)

    def sgemm() -> None:
        for _ in range(PRODUCTS):
            torch.mm(a, w, out=into)

    def onednn() -> None:
        with torch.inference_mode():
            for _ in range(PRODUCTS):
                torch.ops.mkldnn._linear_pointwise(a, packed, None, "none", [], "")

    return sgemm, onednn


def product_rate(count: int, seconds: float) -> float:
    """GFLOP/s of ``products``."""
    return PRODUCTS * 2 * count * WIDTH**2 / seconds / 1e9


def weights(module: torch.nn.Module) -> int:
    """How many multiplications a sample takes."""
    return sum(p.numel() for p in module.parameters() if p.ndim == 2)


def flops(network: Any) -> int:
    """Of one sample through both networks."""
    return 2 * (weights(network.synthesis) + weights(network.reconstruction))


def test_lifters(benchmark: Any) -> None:
    benchmarked(benchmark, rows)


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else torch.get_num_threads())
    printed(rows())
