"""What a method brings to be trained: its stages, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import Tensor, nn
from torch.optim import Optimizer

from benchsuite.training.pairs import Pairs


def _nothing() -> None:
    return None


@dataclass(frozen=True)
class Stage:
    """One thing to be minimised.

    Attributes:
        name: shown in the progress bar.
        module: whose parameters are trained; the others stay as they are, batch-norm statistics too.
        loss: of a batch of pairs.
        error: of a batch of pairs, in ``unit``: what validation watches.
        unit: ``mm`` or ``px``.
        optimizer: makes the optimiser of the trained parameters.
        lr_factor: of the step: what the learning rate is multiplied by.
        steps: how many there are.
        after_step: called after every step.
    """

    name: str
    module: nn.Module
    loss: Callable[[Pairs], Tensor]
    error: Callable[[Pairs], Tensor]
    unit: str
    optimizer: Callable[[Iterable[nn.Parameter]], Optimizer]
    lr_factor: Callable[[int], float]
    steps: int
    after_step: Callable[[], None] = field(default=_nothing)


class Course(Protocol):
    """A method in training.

    Attributes:
        method: name of its entry.
        network: everything that is kept in its checkpoint.
        architecture: what the checkpoint must say to build it again, JSON-able.
    """

    method: str
    network: nn.Module
    architecture: dict[str, Any]

    def fit(self, pairs: Pairs) -> None:
        """Whatever is taken from the training data before the first step, such as its scaling."""
        ...

    def stages(self) -> Sequence[Stage]:
        """What is trained, one after another; none for methods that only ``fit``."""
        ...
