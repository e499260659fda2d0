"""Right views: PCKh beside the copy of the left view, disparity, depth; and the view that the stereo lifter makes."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import toys
from benchsuite_evaluators.right_view import RightView
from benchsuite_lifters.martinez import Martinez
from benchsuite_lifters.network import Architecture
from benchsuite_lifters.stereo import Stereo
from benchsuite_registry.contracts import Entry
from benchsuite_registry.poses import Camera, Frame, KeypointBatch, PoseBatch, Target
from benchsuite_registry.registries import Origin
from benchsuite_registry.skeletons import COCO_17, H36M_17
from matrices import matrix, run
from people import people
from scored import find, labels, poses, score, value, with_evaluators
from torch import Tensor

from benchsuite.cli.tables import print_tables
from benchsuite.metrics import pck

FOCAL = 1000.0
HEAD_TOP, NECK_NOSE, THORAX, WRIST, ANKLE = (
    H36M_17.index(name) for name in ("head_top", "neck_nose", "thorax", "r_wrist", "l_ankle")
)


def scene(xyz: np.ndarray) -> Target:
    """Poses (B, 17, 3) mm before a camera with a focal length of 1000 px and its center at 0."""
    count = len(xyz)
    truth = poses(xyz, H36M_17)
    camera = Camera(torch.full((count, 2), FOCAL), torch.zeros(count, 2))
    told = labels(count)
    keypoints = KeypointBatch(
        camera.project(truth.xyz), torch.ones(count, 17, dtype=torch.bool), camera, H36M_17, *[truth.ids] * 3
    )
    return Target(truth, told, keypoints)


def flat(count: int = 1, z: float = 1000.0) -> np.ndarray:
    """A body parallel to the image: pixels are mm at 1 m. Its head is 10 px from nose to top, 25 from thorax."""
    xyz = np.random.default_rng(0).integers(-200, 200, (count, 17, 3)).astype(float)
    xyz[:, :, 2] = z
    xyz[:, NECK_NOSE] = (0, -400, z)
    xyz[:, HEAD_TOP] = (0, -410, z)
    xyz[:, THORAX] = (0, -385, z)
    return xyz


def right_of(target: Target, delta_x_mm: float = 500.0) -> Tensor:
    """The true right view, by hand."""
    x, y, z = target.poses.xyz.double().unbind(-1)
    return torch.stack((FOCAL * (x + delta_x_mm) / z, FOCAL * y / z), dim=-1)


def seen(target: Target, right_uv: Tensor) -> PoseBatch:
    return replace(target.poses, right_uv=right_uv)


def test_the_true_right_view_has_no_error() -> None:
    rng = np.random.default_rng(3)
    target = scene(rng.normal((0, 0, 5000), (200, 400, 200), (20, 17, 3)))
    metrics = score(RightView(), seen(target, right_of(target)), target)
    assert metrics[0] == find(metrics, "PCKh@0.5")
    assert value(metrics, "PCKh@0.5") == value(metrics, "PCKh@0.5 root counted") == 100.0
    assert value(metrics, "relative disparity RMSE") == pytest.approx(0.0, abs=1e-9)
    assert value(metrics, "depth error") == pytest.approx(0.0, abs=1e-6)
    assert value(metrics, "depth error", "joint=l_knee") == pytest.approx(0.0, abs=1e-6)
    moved = score(RightView(), seen(target, right_of(target) + 70.0), target)
    assert value(moved, "PCKh@0.5") == 100.0  # roots are aligned
    assert value(moved, "depth error of the root") > 100.0


def test_half_a_head_is_wrong() -> None:
    """A head of 10 px; joints off by 4.9, 5 and 5.1 px. With MPII's `<=` the second is right."""
    target = scene(flat())
    view = right_of(target)
    view[0, [1, 2, 3], 1] += torch.tensor((4.9, 5.0, 5.1), dtype=torch.float64)
    metrics = score(RightView(), seen(target, view), target)
    assert value(metrics, "PCKh@0.5") == pytest.approx(100 * 14 / 16)
    assert value(metrics, "PCKh@0.5 root counted") == pytest.approx(100 * 15 / 17)
    assert pck(torch.tensor([[0.49, 0.5, 0.51]]), 0.5, inclusive=True).tolist() == pytest.approx([200 / 3])
    thorax = score(RightView(head="thorax"), seen(target, view), target)  # 12.5 px are half of it
    assert value(thorax, "PCKh@0.5") == 100.0


def test_the_headline_is_the_reading_that_was_asked_for() -> None:
    target = scene(flat())
    view = right_of(target)
    view[0, WRIST, 0] += 9.0
    counted = score(RightView(root="counted"), seen(target, view), target)
    assert counted[0].value == pytest.approx(100 * 16 / 17)
    assert value(counted, "PCKh@0.5 root excluded") == pytest.approx(100 * 15 / 16)
    assert counted[0].better == "higher"
    protocols = [RightView(**more).protocol() for more in ({}, {"root": "counted"}, {"head": "thorax"})]  # type: ignore[arg-type]
    assert all(a != b for k, a in enumerate(protocols) for b in protocols[:k])
    assert RightView(delta_x_mm=250.0).protocol() != RightView().protocol()


def test_the_copy_of_the_left_view_by_hand() -> None:
    """The body at 5 m: all disparities are 100 px, so the copy is perfect. A wrist at 4 m: 125 px, 25 too many."""
    xyz = flat(z=5000.0)
    target = scene(xyz)
    perfect = score(RightView(), seen(target, right_of(target)), target)
    assert value(perfect, "copy-left PCKh@0.5") == 100.0
    assert value(perfect, "copy-left relative disparity RMSE") == pytest.approx(0.0, abs=1e-9)
    xyz[0, WRIST] = (100, 0, 4000)
    target = scene(xyz)
    metrics = score(RightView(), seen(target, right_of(target)), target)
    assert value(metrics, "copy-left PCKh@0.5") == pytest.approx(100 * 15 / 16)
    assert value(metrics, "copy-left PCKh@0.5 root counted") == pytest.approx(100 * 16 / 17)
    assert value(metrics, "copy-left relative disparity RMSE") == pytest.approx(25 / 4)  # sqrt(25^2 / 16)
    copied = score(RightView(), seen(target, target.keypoints.uv), target)  # type: ignore[union-attr]
    for name in ("PCKh@0.5", "PCKh@0.5 root counted", "relative disparity RMSE"):
        assert value(copied, name) == pytest.approx(value(copied, f"copy-left {name}"), abs=1e-4)


def test_depth_follows_from_disparity() -> None:
    """At 5 m with 500 mm the disparity is 100 px; 125 px are taken for 4 m, 80 for 6.25 m."""
    target = scene(flat(z=5000.0))
    view = right_of(target)
    view[0, WRIST, 0] += 25.0
    view[0, 0, 0] -= 20.0
    metrics = score(RightView(), seen(target, view), target)
    assert value(metrics, "depth error of the root") == pytest.approx(1250.0)
    assert value(metrics, "depth error", "joint=r_wrist") == pytest.approx(1000.0)
    assert value(metrics, "depth error", "joint=l_ankle") == pytest.approx(0.0, abs=1e-6)
    assert value(metrics, "depth error") == pytest.approx(2250 / 17)
    assert value(metrics, "relative disparity RMSE") == pytest.approx(math.sqrt((15 * 20**2 + 45**2) / 16))


def test_the_shift_is_that_of_the_weights() -> None:
    target = scene(flat(z=5000.0))
    for delta_x_mm in (250.0, -500.0):
        right = RightView(delta_x_mm=delta_x_mm)
        found = score(right, seen(target, right_of(target, delta_x_mm)), target)
        assert value(found, "depth error") == pytest.approx(0.0, abs=1e-6)
        other = score(RightView(), seen(target, right_of(target, delta_x_mm)), target)
        assert not abs(value(other, "depth error of the root")) < 1000.0  # NaN, or 5 m too far
    with pytest.raises(ValueError, match="delta_x_mm: wanted a shift, found 0"):
        RightView(delta_x_mm=0.0)
    with pytest.raises(ValueError, match="bootstrap: wanted 0 draws or more, found -1"):
        RightView(bootstrap=-1)


def test_what_is_missing() -> None:
    xyz = flat(4, z=5000.0)
    xyz[3, 5] = math.nan
    target = scene(xyz)
    view = right_of(target)
    view[0, ANKLE, 0] -= 100.5  # to the left of the left view: behind the camera
    view[1, WRIST] = math.nan
    metrics = score(RightView(), seen(target, view), target)
    assert [value(metrics, name) for name in ("without depth", "undefined", "unlabelled")] == [1, 1, 1]
    assert value(metrics, "PCKh@0.5") == pytest.approx(100 * (15 + 15 + 16) / 48)
    assert find(metrics, "depth error").n == 1
    assert find(metrics, "relative disparity RMSE").n == 2
    assert find(metrics, "depth error", "joint=l_ankle").n == 2


def test_a_method_without_a_right_view_is_told_so() -> None:
    target = scene(flat())
    with pytest.raises(ValueError, match="wanted the keypoints of a right view beside the poses, found none"):
        RightView().measure(target.poses, target)
    lacking = PoseBatch(target.poses.xyz, Frame.CAMERA, COCO_17, target.poses.ids, right_of(target))
    metrics = score(RightView(), lacking, target)
    assert (value(metrics, "undefined"), value(metrics, "PCKh@0.5")) == (1, 0.0)


# ---- the stereo lifter's right view ------------------------------------------------------------------


def keypoints_of(camera: Camera, uv: Tensor, skeleton: Any = H36M_17) -> KeypointBatch:
    ids = torch.arange(len(uv))
    return KeypointBatch(uv, torch.ones(uv.shape[:2], dtype=torch.bool), camera, skeleton, ids, ids, ids)


def stereo(**more: Any) -> Stereo:
    torch.manual_seed(0)
    network = Stereo(Architecture(width=32, blocks=1, **more))
    network.fit(people(300))
    return network.eval()


def test_the_stereo_lifter_gives_its_right_view_in_the_samples_own_pixels() -> None:
    network, pairs = stereo(), people(6)
    other = Camera(pairs.focal * 0.4, pairs.center * 0.3 + 7.0)
    lifted = network.lift(keypoints_of(other, other.project(pairs.xyz)))
    with torch.inference_mode():
        canonical = network.synthesise(network.left_view(pairs.uv, pairs.camera)).view(6, 17, 2)
    rays = (canonical - torch.tensor((512.54150390625, 515.4514770507812))) / torch.tensor((1145.0494, 1143.7811))
    assert lifted.right_uv is not None
    torch.testing.assert_close(
        lifted.right_uv, rays * other.focal[:, None] + other.center[:, None], rtol=1e-3, atol=0.05
    )


def test_the_right_view_of_a_network_that_takes_pixels_as_they_are() -> None:
    network, pairs = stereo(view="as-given"), people(6)
    lifted = network.lift(keypoints_of(pairs.camera, pairs.uv))
    with torch.inference_mode():
        wanted = network.synthesise(pairs.uv.flatten(1)).view(6, 17, 2)
    torch.testing.assert_close(lifted.right_uv, wanted)


def test_the_right_view_of_root_relative_pixels_starts_at_the_left_root() -> None:
    network, pairs = stereo(origin="root"), people(6)
    lifted = network.lift(keypoints_of(pairs.camera, pairs.uv))
    assert lifted.right_uv is not None
    torch.testing.assert_close(lifted.right_uv[:, 0], pairs.uv[:, 0], rtol=0, atol=0.01)


def test_the_right_view_changes_nothing_about_the_pose() -> None:
    network, pairs = stereo().prepared(), people(6)
    keypoints = keypoints_of(pairs.camera, pairs.uv)
    lifted = network.lift(keypoints)
    with torch.inference_mode():
        assert torch.equal(lifted.xyz, network.poses(network.seen(keypoints)))
    single = network.lift(keypoints.rows(slice(2, 3)))
    torch.testing.assert_close(single.right_uv, lifted.right_uv[2:3], rtol=1e-5, atol=0.01)  # type: ignore[index]
    assert network.lift(keypoints.rows(slice(0, 0))).right_uv.shape == (0, 17, 2)  # type: ignore[union-attr]
    assert Martinez(Architecture(width=32, blocks=1)).eval().lift(keypoints).right_uv is None


# ---- through the runner --------------------------------------------------------------------------------


class Sideways(toys.ToyLifter):
    """The toys' lifter, with their right view: the body stands at 4 m, 4.1 m and so on; the focal length is 1000 px."""

    def lift(self, keypoints: KeypointBatch) -> Any:
        made = super().lift(keypoints)
        depth = 4000.0 + 100.0 * keypoints.ids[:, None] + toys.TRUTH[:, 2]
        right = keypoints.uv + torch.stack((1000.0 * 500.0 / depth, torch.zeros_like(depth)), dim=-1)
        return replace(made, right_uv=right)


def test_through_the_runner_and_next_to_its_baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = with_evaluators()
    known.lifters.register(Entry("sideways", Sideways, "toys with a right view"), Origin("toys", "1.0"))
    records = run(matrix("sideways", "toy", evaluators=("right-view",), known=known), tmp_path)
    assert records[0].failure is None
    assert records[0].metrics[0].value == 100.0
    assert value(records[0].metrics, "depth error of the root") == pytest.approx(0.0, abs=0.1)
    assert value(records[0].metrics, "copy-left relative disparity RMSE") == pytest.approx(0.561, abs=1e-3)
    assert records[1].failure is not None
    assert "this method makes none" in records[1].failure.message
    print_tables(records[:1])
    head = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("| method"))
    assert "copy-left PCKh@0.5" in head
    assert "copy-left relative disparity RMSE" in head
