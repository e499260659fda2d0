"""How fast geosearch places poses, beside a copy of the same bytes and the paper's own procedure.

Every ratio stands on the best of several timings that took turns in one run, since the machine may
have other work. Rows marked ``kernel`` write into memory that is there already, as their copy does;
the row of ``refine`` allocates its results, as its copy does.

Run: python benchmarks/bench_geosearch.py [POSES] [THREADS]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter

import numpy as np
import torch
from benchsuite_refiners import objective as mathematics
from benchsuite_refiners.columns import Columns, Placed, Search
from benchsuite_refiners.geosearch import GeoSearch
from benchsuite_refiners.search_cpu import compiled, search
from benchsuite_registry.poses import Camera, Frame, KeypointBatch, PoseBatch
from benchsuite_registry.skeletons import H36M_17

FOCAL, CENTER = (1145.0494, 1143.7811), (512.5415, 515.4515)


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


def in_turn(*acts: Callable[[], object], rounds: int = 15) -> list[float]:
    """Best seconds of each, taking turns so that all meet the same machine."""
    taken: list[list[float]] = [[] for _ in acts]
    for act in acts:
        act()
    for _ in range(rounds):
        for act, times in zip(acts, taken, strict=True):
            start = perf_counter()
            act()
            times.append(perf_counter() - start)
    return [min(times) for times in taken]


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


def main(count: int, threads: int) -> None:
    """Print a line per path: time, rate, the limit of the same run, their ratio."""
    torch.set_num_threads(threads)
    poses, keypoints = batch(count)
    camera = keypoints.camera
    tensors = (keypoints.uv, keypoints.visible, camera.focal, camera.center, poses.xyz)
    inputs = Columns(*(t.flatten(1).numpy() for t in tensors))
    results = Placed(np.empty_like(inputs.xyz), np.empty(count), np.empty(count), np.empty(count, np.uint8))
    moved = sum(a.nbytes for a in (*inputs, *results))
    here, there = torch.ones(moved // 8), torch.ones(moved // 8)
    each = "numba" if compiled() else "NumPy"
    print(f"{count:,} poses of 17 joints, {threads} threads, {each}; {moved / count:.0f} bytes a pose read and written")

    for number, name in enumerate(mathematics.OBJECTIVES):
        wanted = Search((0, 4, 1), number, mathematics.ROOT, 0.0, 20000.0)
        kernel, copy = in_turn(
            lambda wanted=wanted: search(inputs, wanted, threads=threads, into=results),  # type: ignore[misc]
            lambda: there.copy_(here),
        )
        line = f"{kernel * 1e3:9.1f} ms {count / kernel / 1e6:7.2f} M poses/s; copy {copy * 1e3:7.1f} ms"
        print(f"kernel, {name:8}{line}; {copy / kernel:.2f} of its speed")

    whole, copy = in_turn(lambda: GeoSearch().refine(poses, keypoints), lambda: here.numpy().copy())
    line = f"{whole * 1e3:9.1f} ms {count / whole / 1e6:7.2f} M poses/s; copy {copy * 1e3:7.1f} ms"
    print(f"refine, sq      {line}; {copy / whole:.2f} of its speed")

    half = poses.rows(slice(count // 2)), keypoints.rows(slice(count // 2))
    whole, part = in_turn(lambda: GeoSearch().refine(poses, keypoints), lambda: GeoSearch().refine(*half))
    print(f"refine, twice the poses: {whole / part:.2f} times the time")

    one = poses.rows(slice(1)), keypoints.rows(slice(1))
    (single,) = in_turn(lambda: [GeoSearch().refine(*one) for _ in range(200)])
    print(f"refine, one pose: {single / 200 * 1e6:.1f} microseconds")

    rows = range(min(count, 20))
    (scan,) = in_turn(lambda: [papers_procedure(poses, keypoints, row) for row in rows], rounds=3)
    agree = [papers_procedure(poses, keypoints, r) for r in rows] == GeoSearch().refine(
        poses.rows(slice(len(rows))), keypoints.rows(slice(len(rows)))
    ).depth_mm.tolist()
    ratio = scan / len(rows) * count / whole
    print(f"the paper's scan in plain Python: {len(rows) / scan:.1f} poses/s; refine is {ratio:,.0f} times as fast")
    print(f"both find the same depths: {agree}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000, int(sys.argv[2]) if len(sys.argv) > 2 else 2)
