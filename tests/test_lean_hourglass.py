"""Image models ready for inference: the numbers of the network as trained, in float32 and bfloat16."""

from __future__ import annotations

import pickle
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from benchsuite_image_models import METHODS, benchsuite_image_models, inference, shipped
from benchsuite_image_models import network as network_module
from benchsuite_image_models.hourglass import Residual
from benchsuite_image_models.network import Architecture, HourglassNetwork
from benchsuite_registry.checkpoints import save_checkpoint
from benchsuite_registry.poses import Camera, ImageBatch
from torch import nn

SMALL = Architecture(features=16, stacks=2, modules=1, depth=2, size=32, regression=2, peaks="exact")


@pytest.fixture
def seasoned() -> HourglassNetwork:
    """A small network whose batch norms have something to fold."""
    torch.manual_seed(0)
    network = HourglassNetwork(SMALL).train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2.0)
            nn.init.normal_(module.bias)
    with torch.no_grad():
        for _ in range(20):
            network(torch.rand(4, 3, 32, 32) * 2)
    return network.eval()


def crops(count: int) -> ImageBatch:
    torch.manual_seed(1)
    camera = Camera(torch.full((count, 2), 300.0), torch.full((count, 2), 16.0))
    return ImageBatch(torch.rand(count, 3, 32, 32), camera, torch.arange(count))


@pytest.mark.parametrize("fuses", [True, False], ids=["oneDNN", "plain"])
def test_folding_leaves_only_the_norms_that_follow_no_convolution(
    fuses: bool, seasoned: HourglassNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not fuses:
        monkeypatch.setattr(inference, "takes", lambda dtype: False)
    lean = deepcopy(seasoned).prepared()
    norms = [module for module in lean.modules() if isinstance(module, nn.BatchNorm2d)]
    bottlenecks = [module for module in lean.modules() if isinstance(module, Residual)]
    assert len(norms) == len(bottlenecks) == 21  # of the stem 3, of each stack 8, of the depth head 2
    assert not any(isinstance(module, nn.Conv2d) for module in lean.modules())
    with torch.inference_mode():
        for count in (3, 1, 0):
            rgb = crops(count).rgb
            (*maps, depths), (*wanted, wanted_depths) = ((*net(rgb)[0], net(rgb)[1]) for net in (lean, seasoned))
            assert all(m.shape == (count, 16, 8, 8) for m in maps)
            torch.testing.assert_close((maps, depths), (wanted, wanted_depths), rtol=1e-4, atol=1e-4)
        rgb = crops(2).rgb
        for copied in (deepcopy(lean), pickle.loads(pickle.dumps(lean))):
            assert torch.equal(copied(rgb)[1], lean(rgb)[1])


def test_how_many_at_a_time_changes_nothing(seasoned: HourglassNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    lean, images = seasoned.prepared(), crops(7)
    lean.register_forward_pre_hook(lambda module, given: sizes.append(len(given[0])))
    found = []
    for at_once in (7, 3, 0):
        monkeypatch.setattr(network_module, "IN_CACHE", at_once * 16 * 8 * 8)
        found.append(lean.predict(images))
    assert sizes == [7, 3, 3, 1, *[1] * 7]
    for keypoints, poses in found[1:]:
        torch.testing.assert_close(keypoints.uv, found[0][0].uv, rtol=1e-4, atol=1e-2)
        assert torch.equal(keypoints.visible, found[0][0].visible)
        torch.testing.assert_close(poses.xyz, found[0][1].xyz, rtol=1e-3, atol=0.5)


def test_bfloat16_stays_within_its_own_precision(seasoned: HourglassNetwork) -> None:
    """It has 8 bits; some ten layers one after the other may each round by 2^-9 of their largest numbers."""
    images = crops(5)
    half = deepcopy(seasoned).prepared("bfloat16")
    with torch.inference_mode():
        wanted = seasoned(images.rgb)[0][0]
        found = half(images.rgb.bfloat16())[0][0]
    assert found.dtype == torch.bfloat16
    difference = (found - wanted).abs().max() / wanted.abs().max()
    assert 1e-4 < difference < 0.1
    keypoints, poses = half.predict(images)
    assert keypoints.uv.dtype == poses.xyz.dtype == torch.float32


@pytest.mark.parametrize("method", METHODS)
def test_precision_is_a_parameter_of_every_model(method: str, seasoned: HourglassNetwork, tmp_path: Path) -> None:
    (entry,) = (entry for entry in benchsuite_image_models() if entry.name == method)
    assert entry.parameters["precision"].choices == ("float32", "bfloat16")
    about = {"method": method, "architecture": {**asdict(SMALL), "optimisation": {}}}
    save_checkpoint(tmp_path / "w", seasoned.state_dict(), about, half=False)
    images = crops(4)
    full, half = (
        getattr(shipped, method)(str(tmp_path / "w"), precision=precision).predict(images)[0].uv
        for precision in ("float32", "bfloat16")
    )
    torch.testing.assert_close(full, seasoned.predict(images)[0].uv, rtol=1e-3, atol=0.02)
    assert not torch.equal(full, half)
