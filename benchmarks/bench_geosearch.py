"""How fast geosearch places poses, beside a copy of the same bytes and the paper's own procedure.

Rows of the kernel alone write into memory that is there already, as their copy does; ``refine`` allocates its results,
as its copy does.

With a CUDA device its kernel is measured too, on poses that are there and stay there.

Run: python benchmarks/bench_geosearch.py [POSES] [THREADS], or pytest benchmarks/bench_geosearch.py -s
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from benchsuite_refiners import objective as mathematics
from benchsuite_refiners.columns import Columns, Placed, Search
from benchsuite_refiners.geosearch import GeoSearch
from benchsuite_refiners.search_cpu import search
from benchsuite_registry.poses import Camera, Frame, KeypointBatch, PoseBatch
from benchsuite_registry.skeletons import H36M_17
from measure import Row, benchmarked, in_turn, median_ratio, printed, turns

POSES, SCANNED, ROUNDS = 1_000_000, 20, 25
FOCAL, CENTER = (1145.0494, 1143.7811), (512.5415, 515.4515)


def rows(count: int = POSES) -> Iterator[Row]:
    """``refine`` and its kernel beside copies, growth when the work doubles, a single pose, the paper's procedure."""
    twice = batch(2 * count)
    poses, keypoints = (some.rows(slice(count)) for some in twice)
    yield from kernels(poses, keypoints)
    yield whole(poses, keypoints)
    yield doubled(poses, keypoints, *twice)
    yield from single(poses, keypoints)
    yield from papers_scan(poses, keypoints)
    if torch.cuda.is_available():
        yield from on_cuda(poses, keypoints)


def kernels(poses: PoseBatch, keypoints: KeypointBatch) -> Iterator[Row]:
    """The search alone for each objective."""
    inputs, found = columns(poses, keypoints), results(len(poses))
    here = torch.ones(bytes_of(inputs, found) // 8)
    there, million = torch.empty_like(here), len(poses) / 1e6
    for number, name in enumerate(mathematics.OBJECTIVES):
        wanted = Search((0, 4, 1), number, mathematics.ROOT, 0.0, 20000.0)
        kernel, copy = in_turn(
            partial(search, inputs, wanted, threads=torch.get_num_threads(), into=found),
            lambda: there.copy_(here),
            rounds=ROUNDS,
        )
        path = f"geosearch CPU, kernel alone, {name}"
        yield Row.of(path, million / kernel, "M poses/s", million / copy, "copy into memory that is there")


def whole(poses: PoseBatch, keypoints: KeypointBatch) -> Row:
    """All of ``refine``."""
    refiner, million = GeoSearch(), len(poses) / 1e6
    here = np.ones(bytes_of(columns(poses, keypoints), results(len(poses))) // 8, np.float32)
    found, copied = in_turn(lambda: refiner.refine(poses, keypoints), here.copy, rounds=ROUNDS)
    path = f"geosearch CPU, {len(poses):,} poses float32"
    return Row.of(path, million / found, "M poses/s", million / copied, "same-size copy", least=0.45)


def doubled(poses: PoseBatch, keypoints: KeypointBatch, both: PoseBatch, their_keypoints: KeypointBatch) -> Row:
    """Twice as many."""
    refiner = GeoSearch()
    twice, once = turns(
        lambda: refiner.refine(both, their_keypoints), lambda: refiner.refine(poses, keypoints), rounds=ROUNDS
    )
    ratio = median_ratio(twice, once)
    path = f"geosearch CPU, {len(both):,} poses float32"
    return Row(path, min(once) * ratio, "s", min(once), "half of them", ratio, least=1.9, most=2.1)


def single(poses: PoseBatch, keypoints: KeypointBatch) -> Iterator[Row]:
    """One pose a call."""
    one = poses.rows(slice(1)), keypoints.rows(slice(1))
    refiner, calls = GeoSearch(), 20  # few, so that some round is left in peace
    (taken,) = in_turn(lambda: [refiner.refine(*one) for _ in range(calls)], rounds=300)
    yield Row.of("geosearch CPU, one pose", taken / calls * 1e6, "us", 60.0, "what is asked", most=1.0)


def papers_scan(poses: PoseBatch, keypoints: KeypointBatch) -> Iterator[Row]:
    """The published procedure, on a few poses."""
    refiner, few = GeoSearch(), (poses.rows(slice(SCANNED)), keypoints.rows(slice(SCANNED)))
    assert [papers_procedure(*few, row) for row in range(SCANNED)] == refiner.refine(*few).depth_mm.tolist()
    scan, taken = in_turn(
        lambda: [papers_procedure(*few, row) for row in range(SCANNED)],
        lambda: refiner.refine(poses, keypoints),
        rounds=5,
    )
    path = f"geosearch CPU, {len(poses):,} poses"
    yield Row.of(path, len(poses) / taken, "poses/s", SCANNED / scan, "the paper's scan in plain Python", least=100_000)


def on_cuda(poses: PoseBatch, keypoints: KeypointBatch, times: int = 10, device: str = "cuda") -> Iterator[Row]:
    """All of ``refine`` on a device, for each objective, beside a copy of as many bytes there."""
    again = torch.arange(len(poses)).repeat(times)
    there, seen, million = poses.rows(again).to(device), keypoints.rows(again).to(device), len(again) / 1e6
    here = torch.ones(times * bytes_of(columns(poses, keypoints), results(len(poses))) // 8, device=device)

    def finished(act: Callable[[], object]) -> None:
        act()
        if here.is_cuda:
            torch.cuda.synchronize()

    for name in mathematics.OBJECTIVES:
        refiner = GeoSearch(objective=name, backend="cuda")
        taken, copied = in_turn(
            lambda refiner=refiner: finished(lambda: refiner.refine(there, seen)),
            lambda: finished(here.clone),
            rounds=ROUNDS,
        )
        path, least = f"geosearch CUDA, {len(again):,} poses float32, {name}", 0.85 if name == "sq" else None
        yield Row.of(path, million / taken, "M poses/s", million / copied, "device-to-device copy", least=least)


def batch(count: int) -> tuple[PoseBatch, KeypointBatch]:
    """Random predictions, 35 mm off, and their keypoints, float32."""
    rng = np.random.default_rng(0)
    xyz = rng.uniform(-500, 500, (count, 17, 3)).astype(np.float32)
    xyz[:, 0] = 0
    root = rng.uniform((-800, -500, 3000), (800, 500, 7000), (count, 1, 3)).astype(np.float32)
    camera = Camera(*(torch.tensor(c).repeat(count, 1) for c in (FOCAL, CENTER)))
    uv = camera.project(torch.from_numpy(xyz + root))
    xyz[:, 1:] += rng.normal(0, 35, (count, 16, 3)).astype(np.float32)
    ids = torch.arange(count)
    visible = torch.ones(count, 17, dtype=torch.bool)
    keypoints = KeypointBatch(uv, visible, camera, H36M_17, ids, ids, ids)
    return PoseBatch(torch.from_numpy(xyz), Frame.ROOT, H36M_17, ids), keypoints


def columns(poses: PoseBatch, keypoints: KeypointBatch) -> Columns:
    """The poses as the search takes them."""
    camera = keypoints.camera
    tensors = (keypoints.uv, keypoints.visible, camera.focal, camera.center, poses.xyz)
    return Columns(*(t.flatten(1).numpy() for t in tensors))


def results(count: int) -> Placed:
    """Room for what the search finds."""
    return Placed(np.empty((count, 51), np.float32), np.empty(count), np.empty(count), np.empty(count, np.uint8))


def bytes_of(inputs: Columns, found: Placed) -> int:
    """What a search reads and writes; a copy of half as many reads them and writes as many."""
    return sum(a.nbytes for a in (*inputs, *found))


def papers_procedure(poses: PoseBatch, keypoints: KeypointBatch, row: int) -> int:
    """Eq. (4)-(5) in plain Python, re-rooted: the depth goes up from 0 by 1 mm until the loss rises."""
    uv, pose = keypoints.uv[row].tolist(), poses.xyz[row].tolist()
    (fx, fy), (cx, cy) = keypoints.camera.focal[row].tolist(), keypoints.camera.center[row].tolist()
    depth, best = 0, float("inf")
    while True:
        x = [(u - cx) * (q[2] + depth) / fx - q[0] for (u, _), q in zip(uv, pose, strict=True)]
        y = [(v - cy) * (q[2] + depth) / fy - q[1] for (_, v), q in zip(uv, pose, strict=True)]
        loss = sum((a - x[0]) ** 2 + (b - y[0]) ** 2 for a, b in zip(x, y, strict=True))
        if loss >= best:
            return depth - 1
        depth, best = depth + 1, loss


def test_geosearch(benchmark: Any) -> None:
    benchmarked(benchmark, rows)


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[2]) if len(sys.argv) > 2 else torch.get_num_threads())
    printed(rows(int(sys.argv[1]) if len(sys.argv) > 1 else POSES))
