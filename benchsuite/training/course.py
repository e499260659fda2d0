"""What a method brings to be trained: its stages, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol

from torch import Tensor, nn
from torch.optim import Optimizer

from benchsuite.training.batch import B


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Stage(Generic[B]):
    """One thing to be minimised.

    Attributes:
        name: shown in the progress bar.
        module: whose parameters are trained; the others stay as they are, batch-norm statistics too. What it has
            beside the course's ``network``, such as a discriminator, is kept while the stage lasts.
        loss: of a batch.
        error: of a batch, in ``unit``: what validation watches.
        unit: ``mm`` or ``px``.
        optimizer: makes the optimiser of the trained parameters.
        lr_factor: of the step: what the learning rate is multiplied by.
        steps: how many there are.
        after_step: called after every step.
        observed: called after every validation; more figures for the progress bar and the curve that is kept.
    """

    name: str
    module: nn.Module
    loss: Callable[[B], Tensor]
    error: Callable[[B], Tensor]
    unit: str
    optimizer: Callable[[Iterable[nn.Parameter]], Optimizer]
    lr_factor: Callable[[int], float]
    steps: int
    after_step: Callable[[], None] = field(default=_nothing)
    observed: Callable[[], Mapping[str, float]] = field(default=dict)


class Course(Protocol[B]):
    """A method in training.

    Attributes:
        method: name of its entry.
        reads: what it is trained on: ``Pairs``, or ``Crops`` of the side that it says as ``size``.
        network: everything that is kept in its checkpoint.
        architecture: what the checkpoint must say to build it again, JSON-able.
    """

    method: str
    reads: Literal["pairs", "crops"]
    network: nn.Module
    architecture: dict[str, Any]

    def fit(self, pairs: B) -> None:
        """Whatever is taken from the training data before the first step, such as its scaling."""
        ...

    def stages(self) -> Sequence[Stage[B]]:
        """What is trained, one after another; none for methods that only ``fit``."""
        ...
