"""The network of the image models: sizes, prediction, weights kept and refused."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from benchsuite_image_models import ARCHITECTURE, METHODS, benchsuite_image_models
from benchsuite_image_models import shipped as builders
from benchsuite_image_models.heatmaps import encode
from benchsuite_image_models.network import Architecture, HourglassNetwork
from benchsuite_registry.checkpoints import WrongCheckpoint, save_checkpoint
from benchsuite_registry.contracts import ImageModel
from benchsuite_registry.poses import Camera, Frame, ImageBatch
from benchsuite_registry.skeletons import MPII_16
from torch import Tensor, nn

SMALL = Architecture(features=16, stacks=2, modules=1, depth=2, size=32, regression=2)


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def network(**changed: Any) -> HourglassNetwork:
    torch.manual_seed(0)
    return HourglassNetwork(Architecture(**{**asdict(SMALL), **changed})).eval()


def crops(count: int, size: int = 32) -> ImageBatch:
    torch.manual_seed(1)
    camera = Camera(torch.rand(count, 2) * 50 + 50, torch.rand(count, 2) * 10)
    return ImageBatch(torch.rand(count, 3, size, size), camera, torch.arange(count) + 100)


def test_parameter_counts_are_the_papers() -> None:
    with torch.device("meta"):
        paper = HourglassNetwork(Architecture())
    assert parameters(paper) == 14_429_104
    assert parameters(paper.hourglass) == 12_647_328
    assert parameters(paper.depth_head) == 1_781_776


def test_entries_take_the_architecture_and_default_to_the_papers() -> None:
    entries = {entry.name: entry for entry in benchsuite_image_models()}
    assert tuple(entries) == METHODS
    assert {name: parameter.default for name, parameter in ARCHITECTURE.items()} == asdict(Architecture())
    assert all(ARCHITECTURE.items() <= entry.training.items() for entry in entries.values())


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"stacks": 1, "modules": 2, "features": 8},
        {"size": 96, "depth": 3, "regression": 3},
        {"size": 64, "depth": 4, "regression": 0},
    ],
)
def test_shapes_at_any_size(changed: dict[str, int]) -> None:
    net = network(**changed)
    maps, depths = net(torch.rand(2, 3, net.size, net.size))
    side = net.size // 4
    assert [tuple(m.shape) for m in maps] == [(2, 16, side, side)] * net.architecture.stacks
    assert depths.shape == (2, 16)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"size": 72}, "size: wanted a multiple of 64 px for depth 4 and regression 4, found 72"),
        ({"features": 20}, "features: wanted a multiple of 8, found 20"),
        ({"stacks": 0}, "stacks: wanted at least 1, found 0"),
    ],
)
def test_impossible_architectures_are_refused(changed: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Architecture(**changed)  # type: ignore[arg-type]


def test_heat_maps_are_fed_back_after_the_last_stack_too() -> None:
    net, rgb = network(stacks=1), crops(2).rgb
    maps, depths = net(rgb)
    with torch.no_grad():
        net.hourglass.stacks[0].maps_back.weight.add_(1.0)  # type: ignore[union-attr, operator]
    changed_maps, changed_depths = net(rgb)
    assert torch.equal(maps[0], changed_maps[0])
    assert not torch.allclose(depths, changed_depths)


def test_joints_change_sides_in_pairs() -> None:
    pairs = {(a, b) for a, b in enumerate(MPII_16.mirror) if a < b}
    assert pairs == {(0, 5), (1, 4), (2, 3), (10, 15), (11, 14), (12, 13)}
    assert [MPII_16.mirror[j] for j in MPII_16.mirror] == list(range(16))


class Known(HourglassNetwork):
    """Finds what it is told."""

    def __init__(self, points: Tensor, depths: Tensor) -> None:
        super().__init__(SMALL)
        self.points, self.depths = points, depths

    def forward(self, rgb: Tensor) -> tuple[list[Tensor], Tensor]:
        return [torch.zeros(len(rgb), 16, 8, 8), encode(self.points, 8)], self.depths


def test_prediction_by_hand() -> None:
    torch.manual_seed(0)
    points, depths = torch.randint(0, 8, (1, 16, 2)) + 0.5, torch.rand(1, 16) - 0.5
    points[0, 3] = -1.0
    net = Known(points, depths)
    net.fit(torch.tensor([[[0.0, 0.0, 0.0]] * 9 + [[0.0, 0.0, 1500.4]] + [[0.0, 0.0, 0.0]] * 6]))  # a head, no body
    images = crops(1)
    keypoints, poses = net.predict(images)
    found = [j for j in range(16) if j != 3]
    assert keypoints.visible[0].tolist() == [j != 3 for j in range(16)]
    torch.testing.assert_close(keypoints.uv[0, found], points[0, found] * 4)
    assert torch.equal(keypoints.camera.focal, images.camera.focal)
    # in pixels of the heat map: depths of -1 to 1 are its side, and the bones add up to 1500 mm
    xyz = torch.cat((points, ((depths + 1) / 2 * 8)[..., None]), dim=-1)[0]
    xyz[3, :2] = 0.5
    legs, arms = [0, 1, 2, 6, 3, 4, 5], [10, 11, 12, 7, 13, 14, 15]
    steps = [xyz[chain].diff(dim=0).norm(dim=1).sum() for chain in (legs, arms, [6, 7, 9])]
    torch.testing.assert_close(poses.xyz[0], (xyz - xyz[6]) * 1500 / sum(steps), rtol=1e-4, atol=0.01)


def test_predictions_are_as_agreed() -> None:
    net, images = network(), crops(5)
    before = images.rgb.clone()
    keypoints, poses = net.predict(images)
    assert isinstance(net, ImageModel)
    assert poses.frame is Frame.ROOT
    assert poses.skeleton == keypoints.skeleton == MPII_16
    assert torch.equal(poses.ids, images.ids)
    assert torch.equal(keypoints.ids, images.ids)
    assert torch.equal(images.rgb, before)
    assert poses.xyz[:, MPII_16.root_index].abs().max() == 0
    assert ((keypoints.uv >= 0) & (keypoints.uv <= net.size)).all()
    again = net.predict(images)[1]
    assert torch.equal(again.xyz, poses.xyz)


def test_singles_equal_a_batch_in_any_order() -> None:
    net, images = network(), crops(6)
    poses = net.predict(images)[1].xyz
    singles = torch.cat([net.predict(images.rows(slice(k, k + 1)))[1].xyz for k in range(6)])
    torch.testing.assert_close(singles, poses, rtol=1e-4, atol=0.1)
    backwards = net.predict(images.rows(torch.arange(5, -1, -1)))[1].xyz
    torch.testing.assert_close(backwards.flip(0), poses, rtol=1e-4, atol=0.1)


def test_a_broken_crop_spoils_no_other() -> None:
    net, images = network(), crops(3)
    whole = net.predict(images)[1].xyz
    images.rgb[1] = torch.nan
    holed = net.predict(images)[1].xyz
    torch.testing.assert_close(holed[[0, 2]], whole[[0, 2]], rtol=1e-4, atol=0.1)


def test_no_crops_no_poses() -> None:
    keypoints, poses = network().predict(crops(0))
    assert poses.xyz.shape == (0, 16, 3)
    assert keypoints.uv.shape == (0, 16, 2)


def test_crops_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"wanted crops of shape \(3, 32, 32\), found \(3, 64, 64\)"):
        network().predict(crops(1, 64))


def test_bone_sum_is_the_mean_of_whole_poses() -> None:
    net = network()
    assert net.bone_sum_mm.item() == 4297
    pose = torch.zeros(3, 16, 3)
    pose[0, 9, 0], pose[1, 9, 1], pose[2, 9, 2] = 1000.0, 2001.2, torch.nan
    net.fit(pose)
    assert net.bone_sum_mm.item() == 1501  # 1500.6
    net.fit(pose[2:])
    assert net.bone_sum_mm.item() == 1501


def kept(path: Path, net: HourglassNetwork, method: str = "zhou", **architecture: Any) -> str:
    about = {"method": method, "architecture": {**asdict(net.architecture), **architecture, "optimisation": {}}}
    save_checkpoint(path, net.state_dict(), about, half=True)
    return str(path)


@pytest.mark.parametrize("method", METHODS)
def test_weights_come_back(tmp_path: Path, method: str) -> None:
    net = network(peaks="exact")
    net.bone_sum_mm.fill_(4123)
    back = getattr(builders, method)(kept(tmp_path / "w", net, method))
    assert not back.training
    assert back.architecture == net.architecture
    assert back.bone_sum_mm.item() == 4123
    rgb = crops(2).rgb
    for found, wanted in zip(back(rgb)[0], net(rgb)[0], strict=True):
        torch.testing.assert_close(found, wanted, rtol=0, atol=0.02)


def test_weights_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    path = kept(tmp_path / "w", network(), features=24)
    with pytest.raises(
        WrongCheckpoint, match=r"hourglass\.stem\.0\.weight: wanted \(6, 3, 7, 7\), found \(4, 3, 7, 7\)"
    ):
        builders.zhou(path)
    with pytest.raises(WrongCheckpoint, match="wanted weights of wild, found zhou"):
        builders.wild(path)
    with pytest.raises(WrongCheckpoint, match="does not say the architecture: size: wanted a multiple of 16 px"):
        builders.zhou(kept(tmp_path / "w", network(), size=33))


def test_a_run_starts_from_any_methods_weights(tmp_path: Path) -> None:
    trained, fresh = network(), HourglassNetwork(SMALL)
    path = kept(tmp_path / "w", trained, "yang")
    builders.start_from(fresh, path)
    torch.testing.assert_close(fresh.depth_head.state_dict(), trained.depth_head.state_dict(), rtol=1e-3, atol=1e-4)
    with pytest.raises(WrongCheckpoint, match=r"hourglass\.stacks\.1\..* is not wanted"):
        builders.start_from(network(stacks=1), path)
    with pytest.raises(WrongCheckpoint, match="wanted weights of zhou or yang or wild, found martinez"):
        builders.start_from(fresh, kept(tmp_path / "w", trained, "martinez"))
