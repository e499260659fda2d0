"""The Triton kernel: on a CUDA device where there is one, else through Triton's interpreter."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields

import numpy as np
import pytest
import torch
from benchsuite_refiners.columns import Columns, Placed, Search
from benchsuite_refiners.geosearch import GeoSearch
from benchsuite_refiners.objective import ALIGNMENTS, OBJECTIVES
from benchsuite_registry.poses import Camera, Frame, KeypointBatch, PoseBatch
from benchsuite_registry.skeletons import H36M_17
from geosearch_poses import ADVERSARIAL, Poses, broken, skeletons, ties, wild
from test_geosearch_scan import assert_equals_scan

needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="triton is not installed; there is none for this system"
)
HAS_CUDA = torch.cuda.is_available()


@pytest.fixture
def tiles(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Placed]:
    """The kernel as the CPU's search is called, with many poses a tile where it is interpreted."""
    if not HAS_CUDA:
        monkeypatch.setenv("TRITON_INTERPRET", "1")
    from benchsuite_refiners import search_cuda

    def search(columns: Columns, wanted: Search) -> Placed:
        tensors = Columns(*(torch.from_numpy(c).to("cuda" if HAS_CUDA else "cpu") for c in columns))
        with np.errstate(all="ignore"):
            found = search_cuda.search(tensors, wanted, poses_a_tile=16 if HAS_CUDA else 128)
        return Placed(*(t.cpu().numpy() for t in found))

    return search


def joined(*sets: Poses) -> Poses:
    """All poses of ``sets``."""
    return Poses(*(np.concatenate([getattr(s, f.name) for s in sets]) for f in fields(Poses)))


@needs_triton
@pytest.mark.parametrize("align", ALIGNMENTS)
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_it_equals_the_scan(objective: str, align: str, tiles: Callable[..., Placed]) -> None:
    rng = np.random.default_rng(20)
    poses = joined(skeletons(rng, 100), wild(rng, 100), *(make(rng, 12) for make in ADVERSARIAL))
    assert_equals_scan(poses, objective, align, 2800, 7199, [tiles])


@needs_triton
def test_float32_and_a_tile_that_is_not_full(tiles: Callable[..., Placed]) -> None:
    poses = skeletons(np.random.default_rng(21), 131)
    assert poses.xyz.dtype == np.float32
    assert_equals_scan(poses, "sq", "root", 2800, 7199, [tiles])


@needs_triton
@pytest.mark.parametrize("make", [broken, ties])
def test_both_devices_refine_alike(make: Callable[..., Poses], tiles: Callable[..., Placed]) -> None:
    made = make(np.random.default_rng(22), 40)
    uv, visible, focal, center, xyz = map(torch.from_numpy, (getattr(made, f.name) for f in fields(Poses)))
    ids = torch.arange(len(uv))
    keypoints = KeypointBatch(uv, visible, Camera(focal, center), H36M_17, ids, ids, ids)
    poses = PoseBatch(xyz, Frame.ROOT, H36M_17, ids)
    with np.errstate(all="ignore"):
        ours, theirs = (GeoSearch(backend=b).refine(poses, keypoints) for b in ("cpu", "cuda"))
    torch.testing.assert_close(ours.depth_mm, theirs.depth_mm, rtol=0, atol=0, equal_nan=True)
    torch.testing.assert_close(ours.poses.xyz, theirs.poses.xyz, equal_nan=True)
    assert torch.equal(ours.flags, theirs.flags)
    nothing = GeoSearch(backend="cuda").refine(poses.rows(slice(0)), keypoints.rows(slice(0)))
    assert nothing.poses.xyz.shape == (0, 17, 3)


@pytest.mark.skipif(HAS_CUDA, reason="there is a CUDA device")
def test_without_a_device_cuda_is_refused_with_the_reason() -> None:
    code = "from benchsuite_refiners.geosearch import GeoSearch; GeoSearch(backend='cuda')"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={})
    assert "backend cuda cannot be used" in ended.stderr
    assert "wanted auto or cpu" in ended.stderr
