"""The lifters' own linear layer and dropout beside torch's: the same numbers, gradients and training, sooner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from benchsuite_lifters import layers
from benchsuite_lifters.courses import StereoCourse
from benchsuite_lifters.layers import Dropout, Linear
from people import people
from torch import Tensor, nn
from torch.nn.functional import linear

from benchsuite.kernels.onednn import takes

needs_onednn = pytest.mark.skipif(not takes(torch.float32), reason="torch without oneDNN")


@contextmanager
def counted() -> Iterator[list[tuple[int, ...]]]:
    """Shapes of the products that oneDNN makes meanwhile."""
    made: list[tuple[int, ...]] = []
    product = layers.product

    def noted(*given: Any) -> Tensor:
        made.append(tuple((y := product(*given)).shape))
        return y

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layers, "product", noted)
        yield made


@needs_onednn
@pytest.mark.parametrize("rows", [1, 5, 64])
@pytest.mark.parametrize("loss", [Tensor.sum, lambda y: y.square().mean(), lambda y: y.T.sin().sum()])
def test_gradients_are_those_of_torchs_layer(rows: int, loss: Callable[[Tensor], Tensor]) -> None:
    """A sum's gradient has no strides of its own, a transposed one's are the other way round."""
    torch.manual_seed(0)
    layer, x = Linear(34, 51), torch.randn(34, rows).T.requires_grad_()
    with counted() as made:
        found = loss(layer(x))
        gradients = torch.autograd.grad(found, (x, layer.weight, layer.bias))
    assert made == [(rows, 51), (rows, 34), (51, 34)]
    wanted = loss(linear(x, layer.weight, layer.bias))
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-5)
    for own, torchs in zip(gradients, torch.autograd.grad(wanted, (x, layer.weight, layer.bias)), strict=True):
        torch.testing.assert_close(own, torchs, rtol=1e-5, atol=1e-5)


@needs_onednn
def test_what_needs_no_gradient_is_not_computed() -> None:
    layer, x = Linear(3, 4), torch.randn(2, 3)
    with counted() as made:
        layer(x).sum().backward()
        layer.requires_grad_(False)(x.requires_grad_()).sum().backward()
        assert not layer(x.detach()).requires_grad
    assert made == [(2, 4), (4, 3), (2, 4), (2, 3), (2, 4)]


def test_other_numbers_take_torchs_way() -> None:
    layer, x = Linear(3, 4), torch.randn(2, 3)
    with counted() as made:
        assert layer.double()(x.double()).dtype == torch.float64
        with torch.autocast("cpu", torch.bfloat16):
            assert layer.float()(x).dtype == torch.bfloat16
        assert layer(torch.randn(0, 3)).shape == (0, 4)
    assert made in ([], [(0, 4)])


@needs_onednn
def test_training_goes_as_with_torchs_layers() -> None:
    """Losses of thirty steps; Adam divides by what is next to nothing, so weights would drift apart in the end."""

    def losses(*, fused: bool) -> Tensor:
        with pytest.MonkeyPatch.context() as patch, counted() as made:
            if not fused:
                patch.setattr(layers, "takes", lambda dtype: False)
            torch.manual_seed(0)
            course, pairs = StereoCourse(width=64, blocks=2, dropout=0.3, adam="repo"), people(128)
            course.fit(pairs)
            course.network.eval().requires_grad_(False)
            stage = course.stages()[-1]
            trained = stage.module.train().requires_grad_(True)
            optimizer, found = stage.optimizer(trained.parameters()), []
            for _ in range(30):
                optimizer.zero_grad()
                loss = stage.loss(pairs)
                loss.backward()
                optimizer.step()
                stage.after_step()
                found.append(loss.detach())
        assert bool(made) == fused
        return torch.stack(found)

    with_onednn, without = losses(fused=True), losses(fused=False)
    assert without[-1] < 0.9 * without[0]
    torch.testing.assert_close(with_onednn, without, rtol=1e-3, atol=0)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(p: float) -> None:
    torch.manual_seed(0)
    x = torch.full((999, 501), 3.0, requires_grad=True)
    y = Dropout(p)(x)
    kept = y != 0
    deviation = (p * (1 - p) / kept.numel()) ** 0.5
    assert abs(float(kept.double().mean()) - (1 - p)) < 5 * deviation
    assert y[kept].unique().tolist() == pytest.approx([3 / (1 - p)], rel=1e-4)
    y.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad * 3, y.detach())
    # neighbours, whose bits are of one draw, and rows know nothing of each other
    centred = kept.double() - kept.double().mean()
    for other in (centred.roll(1, 1), centred.roll(2, 1), centred.roll(4, 1), centred.roll(1, 0)):
        assert abs(float((centred * other).mean())) < 5 * p * (1 - p) / kept.numel() ** 0.5


def test_dropout_follows_the_seed() -> None:
    def drawn(seed: int) -> Tensor:
        torch.manual_seed(seed)
        dropped: Tensor = Dropout(0.5)(torch.ones(7, 5))
        return dropped

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


def test_dropout_of_all_of_none_and_when_not_training() -> None:
    x = torch.randn(6, 3)
    assert torch.equal(Dropout(0.0)(x), x)
    assert not Dropout(1.0)(x).any()
    assert torch.equal(Dropout(0.5).eval()(x), x)
    assert Dropout(0.5)(torch.ones(0, 3)).shape == (0, 3)
    assert Dropout(0.5)(x.bfloat16()).dtype == torch.bfloat16


def test_they_are_torchs_to_everybody_else() -> None:
    torch.manual_seed(0)
    own = Linear(3, 4)
    torch.manual_seed(0)
    torchs = nn.Linear(3, 4)
    assert list(own.state_dict()) == list(torchs.state_dict())
    assert torch.equal(own.weight, torchs.weight)
    assert isinstance(own, nn.Linear)
    assert isinstance(Dropout(0.5), nn.Dropout)
