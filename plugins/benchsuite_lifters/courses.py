"""How the shipped lifters are trained: the paper's optimiser and schedule, with every doubtful reading a parameter."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from benchsuite.training.course import Stage
from benchsuite.training.pairs import Pairs
from benchsuite_lifters.martinez import Martinez
from benchsuite_lifters.network import Architecture, LiftingNetwork
from benchsuite_lifters.residual_mlp import ResidualMLP
from benchsuite_lifters.stereo import Stereo

DECAY, DECAY_STEPS = 0.96, 100_000
"""The learning rate falls by 4 % every 100,000 steps. Source: Martinez et al.'s code; the paper names no factor."""


@dataclass(frozen=True)
class Optimisation:
    """How weights are found.

    Attributes:
        steps: of each network.
        lr: first learning rate.
        schedule: ``exponential`` (0.96 every 100,000 steps) or ``cosine`` (to zero at the last step).
        adam: ``paper`` (0.9, 0.99, weight decay 1e-4) or ``repo`` (0.9, 0.999, none).
        max_norm: Frobenius norm that weight matrices are held to; 0 lets them grow.

    Raises:
        ValueError: no steps, or a negative number.

    Deviation: the paper's "weight decay" is read as L2 regularisation, what Adam implementations then called so.
    """

    steps: int = 4_874_200
    lr: float = 1e-3
    schedule: Literal["exponential", "cosine"] = "exponential"
    adam: Literal["paper", "repo"] = "paper"
    max_norm: float = 1.0

    def __post_init__(self) -> None:
        for name, least in (("steps", 1), ("lr", 0), ("max_norm", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: wanted at least {least}, found {getattr(self, name)}")

    def lr_factor(self, step: int) -> float:
        """What the first learning rate is multiplied by at ``step``."""
        if self.schedule == "exponential":
            return float(DECAY ** (step / DECAY_STEPS))
        return 0.5 * (1 + math.cos(math.pi * step / self.steps))

    def optimizer(self, parameters: Iterable[nn.Parameter]) -> Optimizer:
        """Adam as ``adam`` says. Source: Sec. 4.2."""
        beta2, decay = (0.99, 1e-4) if self.adam == "paper" else (0.999, 0.0)
        return Adam(parameters, lr=self.lr, betas=(0.9, beta2), weight_decay=decay, fused=True)

    def stage(
        self,
        name: str,
        network: ResidualMLP,
        loss: Callable[[Pairs], Tensor],
        error: Callable[[Pairs], Tensor],
        unit: str = "mm",
    ) -> Stage[Pairs]:
        """A stage that trains ``network`` this way."""
        return Stage(
            name=name,
            module=network,
            loss=loss,
            error=error,
            unit=unit,
            optimizer=self.optimizer,
            lr_factor=self.lr_factor,
            steps=self.steps,
            after_step=lambda: network.project(self.max_norm),
        )


def _split(parameters: dict[str, Any]) -> tuple[Architecture, Optimisation]:
    architecture = {f.name for f in fields(Architecture)}
    return (
        Architecture(**{k: v for k, v in parameters.items() if k in architecture}),
        Optimisation(**{k: v for k, v in parameters.items() if k not in architecture}),
    )


class _Course:
    """What both courses share."""

    method: str
    reads: Literal["pairs"] = "pairs"
    network: LiftingNetwork

    def __init__(self, network: LiftingNetwork, optimisation: Optimisation) -> None:
        self.network = network
        self.optimisation = optimisation
        self.architecture: dict[str, Any] = {**asdict(network.architecture), "optimisation": asdict(optimisation)}

    def mpjpe(self, pairs: Pairs) -> Tensor:
        """Mean distance of all 17 joints, mm, root at the origin."""
        found = self.network.poses(self.network.left_view(pairs.uv, pairs.camera))
        gaps: Tensor = torch.linalg.vector_norm(found - (pairs.xyz - pairs.xyz[:, :1]), dim=-1)
        return gaps.mean()


class MartinezCourse(_Course):
    """One stage: 2D to 3D. Source: Martinez et al. 2017."""

    method = "martinez"
    network: Martinez

    def __init__(self, **parameters: Any) -> None:
        architecture, optimisation = _split(parameters)
        super().__init__(Martinez(architecture), optimisation)

    def fit(self, pairs: Pairs) -> None:
        """Take the scaling."""
        self.network.fit(pairs)

    def stages(self) -> Sequence[Stage[Pairs]]:
        """The one."""
        return (self.optimisation.stage("lifting", self.network.lifting, self.network.loss, self.mpjpe),)


class StereoCourse(_Course):
    """Two stages: the right view, then the pose with the first network fixed. Source: Sec. 4.2."""

    method = "stereo"
    network: Stereo

    def __init__(self, **parameters: Any) -> None:
        architecture, optimisation = _split(parameters)
        super().__init__(Stereo(architecture), optimisation)

    def fit(self, pairs: Pairs) -> None:
        """Take the scaling."""
        self.network.fit(pairs)

    def stages(self) -> Sequence[Stage[Pairs]]:
        """View synthesis, reconstruction."""
        net, train = self.network, self.optimisation
        return (
            train.stage("view synthesis", net.synthesis, net.synthesis_loss, self.right_view_error, "px"),
            train.stage("reconstruction", net.reconstruction, net.loss, self.mpjpe),
        )

    def right_view_error(self, pairs: Pairs) -> Tensor:
        """Mean distance of the synthesised right view's keypoints, px."""
        left = self.network.left_view(pairs.uv, pairs.camera)
        gap = self.network.synthesise(left) - self.network.right_view(pairs)
        gaps: Tensor = torch.linalg.vector_norm(gap.view(len(gap), -1, 2), dim=-1)
        return gaps.mean()
