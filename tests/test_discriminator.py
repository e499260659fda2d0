"""The geometric descriptor and the discriminator of three sources."""

from __future__ import annotations

import pytest
import torch
from benchsuite_image_models.descriptor import descriptor
from benchsuite_image_models.discriminator import Discriminator
from benchsuite_image_models.heatmaps import encode
from benchsuite_image_models.losses import discriminator_loss
from torch import Tensor


def test_descriptor_by_hand() -> None:
    found = descriptor(torch.tensor([[[0.0, 0.0, 0.0], [1.0, 2.0, 3.0]]]))
    assert found.shape == (1, 6, 2, 2)
    assert found[0, :, 1, 0].tolist() == [1.0, 2.0, 3.0, 1.0, 4.0, 9.0]
    assert found[0, :, 0, 1].tolist() == [-1.0, -2.0, -3.0, 1.0, 4.0, 9.0]


def test_descriptor_properties() -> None:
    torch.manual_seed(0)
    points = torch.randn(4, 16, 3)
    found = descriptor(points)
    assert found.shape == (4, 6, 16, 16)
    gaps, squares = found[:, :3], found[:, 3:]
    assert torch.equal(gaps, -gaps.transpose(2, 3))
    assert torch.equal(squares, gaps**2)
    assert found.diagonal(dim1=2, dim2=3).eq(0).all()
    torch.testing.assert_close(descriptor(points + torch.tensor([1.0, -2.0, 3.0])), found, rtol=1e-4, atol=1e-5)


def poses(count: int, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Images, maps, xy and depths of joints anywhere in the crop."""
    torch.manual_seed(0)
    xy, depths = torch.rand(count, 16, 2) * 2 - 1, torch.randn(count, 16) * 0.2
    return torch.rand(count, 3, size, size), encode((xy + 1) * size / 8, size // 4), xy, depths


@pytest.mark.parametrize(("features", "size"), [(16, 64), (32, 96), (8, 128)])
def test_one_logit_a_sample(features: int, size: int) -> None:
    judge = Discriminator(features, size)
    logits = judge(*poses(3, size))
    assert logits.shape == (3,)
    assert judge(*poses(0, size)).shape == (0,)
    wide = sum(p.numel() for p in Discriminator(2 * features, size).parameters())
    assert wide > 2 * sum(p.numel() for p in judge.parameters())


def test_each_source_is_looked_at() -> None:
    judge = Discriminator(16, 64)
    rgb, maps, xy, depths = poses(2, 64)
    whole = judge(rgb, maps, xy, depths)
    for other in ((1 - rgb, maps, xy, depths), (rgb, maps, -xy, depths), (rgb, maps.flip(3), xy, depths)):
        assert not torch.allclose(judge(*other), whole, atol=1e-6)


def test_gradients_of_what_was_found_reach_maps_and_depths() -> None:
    judge = Discriminator(16, 64)
    rgb, maps, _, depths = poses(2, 64)
    maps.requires_grad_()
    depths.requires_grad_()
    judge.found(rgb, maps, depths).sum().backward()
    assert maps.grad is not None
    assert maps.grad.flatten(2).abs().sum(2).gt(0).all()
    assert depths.grad is not None
    assert depths.grad.ne(0).all()


def test_true_maps_are_seen_alike_however_xy_is_had() -> None:
    judge = Discriminator(16, 64)
    rgb, _, _, depths = poses(2, 64)
    xy = (torch.randint(4, 12, (2, 16, 2)) + 0.5) / 8 - 1  # on pixels, away from the border
    maps = encode((xy + 1) * 8, 16)
    torch.testing.assert_close(judge.found(rgb, maps, depths), judge(rgb, maps, xy, depths), rtol=1e-3, atol=1e-3)


def test_it_learns_to_tell_flat_poses_from_deep_ones() -> None:
    judge = Discriminator(16, 64)
    rgb, maps, xy, depths = poses(16, 64)
    optimizer = torch.optim.Adam(judge.parameters(), lr=3e-3)
    for _ in range(40):
        loss = discriminator_loss(judge(rgb, maps, xy, depths), judge(rgb, maps, xy, depths * 0))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert (judge(rgb, maps, xy, depths) > 0).all()
    assert (judge(rgb, maps, xy, depths * 0) < 0).all()
