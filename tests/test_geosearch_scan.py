"""geosearch gives the same millimetre as an exhaustive float64 scan, whatever the poses and the backend."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from benchsuite_refiners.columns import Columns, Placed, Search
from benchsuite_refiners.objective import ALIGNMENTS, OBJECTIVES
from benchsuite_refiners.search_cpu import compiled, search
from geosearch_oracle import literal_scan, scan
from geosearch_poses import (
    ADVERSARIAL,
    Maker,
    Poses,
    broken,
    close_up,
    film,
    people,
    skeletons,
    too_near,
    wild,
)

JOINTS = (0, 4, 1)
"""Columns of the pelvis, the left and the right hip in H36M_17."""

SEARCHES = [partial(search, fused=False)] + [partial(search, fused=True)] * (compiled() is not None)
needs_numba = pytest.mark.skipif(compiled() is None, reason="numba is not installed")
backends = pytest.mark.parametrize("fused", [False, pytest.param(True, marks=needs_numba)], ids=["numpy", "numba"])
objectives = pytest.mark.parametrize("objective", OBJECTIVES)


def assert_equals_scan(
    poses: Poses, objective: str, align: str, low: int, high: int, searches: list[Callable[..., Placed]] = SEARCHES
) -> None:
    """Same depths, flags and costs as the scan's, pose by pose."""
    wanted = Search(JOINTS, OBJECTIVES.index(objective), ALIGNMENTS.index(align), float(low), float(high))
    rows = zip(poses.uv, poses.visible, poses.focal, poses.center, poses.xyz, strict=True)
    one = partial(scan, joints=JOINTS, objective=objective, align=align, low=low, high=high)
    with np.errstate(invalid="ignore"):
        depth, cost, flags = map(np.array, zip(*(one(*row) for row in rows), strict=True))
    for each in searches:
        found = each(poses.columns(), wanted)
        np.testing.assert_array_equal(found.depth, depth)
        np.testing.assert_array_equal(found.flags, flags)
        np.testing.assert_allclose(found.cost, cost, rtol=1e-9, atol=1e-9)


@objectives
@pytest.mark.parametrize("make", [skeletons, wild])
def test_random_poses(make: Maker, objective: str) -> None:
    assert_equals_scan(make(np.random.default_rng(7), 2500), objective, "root", 2800, 7199)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@objectives
@pytest.mark.parametrize("make", [skeletons, wild])
def test_a_hundred_thousand_random_poses(make: Maker, objective: str) -> None:
    rng = np.random.default_rng(8)
    for _ in range(50):
        assert_equals_scan(make(rng, 1000), objective, "root", 2800, 7199)


@objectives
@pytest.mark.parametrize("align", ALIGNMENTS)
@pytest.mark.parametrize("make", ADVERSARIAL)
def test_adversarial_poses(make: Maker, align: str, objective: str) -> None:
    low = 300 if make in (close_up, too_near) else 2800
    assert_equals_scan(make(np.random.default_rng(9), 100), objective, align, low, 7199)


@backends
@objectives
def test_a_tie_that_rounding_blurs_goes_to_the_smaller_depth(objective: str, fused: bool) -> None:
    rng = np.random.default_rng(10)
    depth = rng.integers(3000, 7000, 500) + 0.5
    poses = film(people(rng, 500), np.column_stack((depth / 9, depth / 7, depth)))
    found = search(poses.columns(), Search(JOINTS, OBJECTIVES.index(objective), 0, 0.0, 20000.0), fused=fused)
    np.testing.assert_array_equal(found.depth, depth - 0.5)


@backends
@objectives
def test_the_papers_procedure_stops_at_the_same_depth(objective: str, fused: bool) -> None:
    poses = skeletons(np.random.default_rng(11), 5)
    found = search(poses.columns(), Search(JOINTS, OBJECTIVES.index(objective), 0, 0.0, 20000.0), fused=fused)
    rows = zip(*(a.astype(float).tolist() for a in (poses.uv, poses.focal, poses.center, poses.xyz)), strict=True)
    assert found.depth.tolist() == [literal_scan(*row, objective=objective) for row in rows]


@needs_numba
@pytest.mark.parametrize("objective", range(3))
def test_threads_change_nothing(objective: int) -> None:
    poses = broken(np.random.default_rng(12), 20_000)
    wanted = Search(JOINTS, objective, 0, 0.0, 20000.0)
    alone, together = (search(poses.columns(), wanted, threads=n, fused=True) for n in (1, 2))
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


@needs_numba
@pytest.mark.parametrize("align", range(3))
@pytest.mark.parametrize("objective", range(3))
def test_a_pose_is_placed_the_same_in_whatever_company(objective: int, align: int) -> None:
    columns = broken(np.random.default_rng(14), 21).columns()
    wanted = Search(JOINTS, objective, align, 0.0, 20000.0)
    together = search(columns, wanted, fused=True)
    alone = [search(Columns(*(c[i : i + 1] for c in columns)), wanted, fused=True) for i in range(21)]
    for whole, parts in zip(together, zip(*alone, strict=True), strict=True):
        np.testing.assert_array_equal(whole, np.concatenate(parts))


@needs_numba
@pytest.mark.parametrize("align", range(3))
@pytest.mark.parametrize("objective", range(3))
def test_both_backends_place_the_poses_alike(objective: int, align: int) -> None:
    poses = broken(np.random.default_rng(13), 2000)
    wanted = Search(JOINTS, objective, align, 0.0, 20000.0)
    plain, fused = (search(poses.columns(), wanted, fused=f) for f in (False, True))
    np.testing.assert_array_equal(plain.depth, fused.depth)
    np.testing.assert_array_equal(plain.flags, fused.flags)
    np.testing.assert_allclose(plain.cost, fused.cost, rtol=1e-9)
    np.testing.assert_allclose(plain.xyz, fused.xyz, rtol=3e-7, atol=1e-3)
