"""How many pictures a second an image model sees and learns from, beside the machine's own convolutions.

The limit is what the network's convolutions take when they run one after the other with nothing in between: no batch
norm, no additions, no heat maps. Training is held against their forward and backward passes. For inference they are
those of the network made ready, each with bias and ReLU, and take as many crops at a time.

Run: python benchmarks/bench_image_models.py [THREADS], or pytest benchmarks/bench_image_models.py -s
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import torch
from benchsuite_image_models.courses import WildCourse
from benchsuite_image_models.inference import Convolution, Precision
from benchsuite_image_models.network import Architecture, HourglassNetwork
from benchsuite_registry.poses import Camera, ImageBatch
from measure import Row, benchmarked, printed, turns
from torch import Tensor, nn

from benchsuite.training.crops import Crops

SHIPPED = {"features": 64, "stacks": 1, "modules": 1, "size": 128, "peaks": "exact"}
BATCH, CALL = 16, 64
"""Crops a training step, and those that ``predict`` is given at a time."""

Call = tuple[nn.Module, Tensor]
"""A convolution and what comes into it."""


def rows() -> Iterator[Row]:
    """The shipped network, inference and training, in float32 and bfloat16; the paper's, inference alone."""
    yield from inference("shipped network", SHIPPED, "float32")
    yield from inference("shipped network", SHIPPED, "bfloat16")
    for dtype in (torch.float32, torch.bfloat16):
        yield training("shipped network", SHIPPED, dtype)
    yield from inference("paper's network", {}, "float32", count=4, rounds=2)


def inference(
    name: str, knobs: dict[str, Any], precision: Precision, count: int = CALL, rounds: int = 5
) -> Iterator[Row]:
    """Pictures a second of ``predict``, beside convolutions of as many crops at a time and the network as trained."""
    trained = HourglassNetwork(Architecture(**knobs)).eval()
    network = deepcopy(trained).prepared(precision)
    camera = Camera(torch.full((count, 2), 300.0), torch.full((count, 2), network.size / 2))
    images = ImageBatch(torch.rand(count, 3, network.size, network.size), camera, torch.arange(count))
    at_once = min(count, network.at_once)
    calls = convolutions(network, images.rgb[:at_once].to(getattr(torch, precision)))

    def alone() -> None:
        for _ in range(count // at_once):
            for convolution, x in calls:
                convolution(x)

    def unprepared() -> None:
        trained(images.rgb)

    with torch.inference_mode():
        acts = (lambda: network.predict(images), alone, unprepared)
        rate, limit, before = (count / min(times) for times in turns(*acts, rounds=rounds))
    path = f"inference, {name}, {precision}"
    yield Row.of(path, rate, "images/s", limit, "its convolutions alone")
    yield Row.of(path, rate, "images/s", before, f"not folded, {count} at once, float32")


def training(name: str, knobs: dict[str, Any], dtype: torch.dtype) -> Row:
    """Pictures a second of a step with heat maps and depths: forward, backward, RMSprop."""
    course = WildCourse(**knobs, pretrain_steps=0, steps=1)
    crops = made_up(course.size)
    course.fit(crops)
    (stage,) = course.stages()
    network = course.network.train()
    optimizer = stage.optimizer(network.parameters())
    calls = convolutions(network, crops.rgb)

    def low(act: Callable[[], Tensor]) -> Tensor:
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            return act()

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        low(lambda: stage.loss(crops)).backward()
        optimizer.step()

    def alone() -> None:
        for convolution, x in calls:
            y = low(lambda c=convolution, x=x: c(x))
            torch.autograd.grad(y, [p for p in (x, *convolution.parameters()) if p.requires_grad], torch.ones_like(y))

    taken, limit = (min(times) for times in turns(step, alone, rounds=5))
    kind = str(dtype).removeprefix("torch.")
    path = f"training step, {name}, {kind}"
    return Row.of(path, BATCH / taken, "images/s", BATCH / limit, "its convolutions alone")


def convolutions(network: HourglassNetwork, rgb: Tensor) -> list[Call]:
    """Every convolution in the order of one forward pass; inputs want gradients, but for the picture."""
    calls: list[Call] = []

    def note(module: nn.Module, given: tuple[Tensor, ...]) -> None:
        x = given[0].detach().clone(memory_format=torch.channels_last)
        calls.append((module, x.requires_grad_(given[0].shape[1] != 3)))

    hooks = [m.register_forward_pre_hook(note) for m in network.modules() if isinstance(m, nn.Conv2d | Convolution)]
    with torch.no_grad():
        network(rgb)
    for hook in hooks:
        hook.remove()
    return calls


def made_up(size: int) -> Crops:
    """Crops of noise: what is in them does not matter to the clock."""
    camera = torch.full((BATCH, 2), 300.0)
    uv, xyz = torch.rand(BATCH, 16, 2) * size, torch.randn(BATCH, 16, 3) * 300 + torch.tensor((0.0, 0.0, 4000.0))
    known, source = torch.ones(BATCH, 16, dtype=torch.bool), torch.zeros(BATCH, dtype=torch.int64)
    return Crops(torch.rand(BATCH, 3, size, size), uv, known, xyz, camera, camera / 4, source)


def test_image_models(benchmark: Any) -> None:
    benchmarked(benchmark, rows)


if __name__ == "__main__":
    torch.set_num_threads(int(sys.argv[1]) if len(sys.argv) > 1 else torch.get_num_threads())
    printed(rows())
