"""How the image models' weights are found: starting point, steps, optimiser, schedule, weights of the losses."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from benchsuite_registry.checkpoints import sha256
from torch.optim import SGD, Optimizer, RMSprop

from benchsuite_image_models.bones import Form
from benchsuite_image_models.targets import Centres

DROPS_AT, LATE = 0.8, 0.1
"""The learning rate falls to a tenth after 40 of the second stage's 50 epochs, and so it is in the third."""


@dataclass(frozen=True)
class Optimisation:
    """How weights are found.

    Attributes:
        start: weights of any of the three to begin with.
        pretrain_steps: of the first stage, heat maps alone.
        steps: of the second stage, depths too.
        finetune_steps: of the third stage, of methods that have one.
        lr: first learning rate; 0 takes the optimiser's own.
        optimizer: ``zhou`` is RMSprop, ``seed`` is SGD with momentum 0.9.
        schedule: ``step``, or ``cosine`` to zero at the end of every stage.
        lambda_reg: weight of the depths.
        lambda_geo: weight of the geometric loss.
        lambda_adv: weight of deceiving the discriminator.
        form: of the geometric loss.
        centres: of 3D samples' heat maps.

    Raises:
        ValueError: a negative number, or no steps in any stage.

    Source: Zhou et al. 2017, their code.
    Deviation: Wang et al. train with "SGD" and say neither learning rate nor momentum; those of ``seed`` are ours.
    """

    start: str = ""
    pretrain_steps: int = 240_000
    steps: int = 200_000
    finetune_steps: int = 0
    lr: float = 0.0
    optimizer: Literal["zhou", "seed"] = "zhou"
    schedule: Literal["step", "cosine"] = "step"
    lambda_reg: float = 0.1
    lambda_geo: float = 0.01
    lambda_adv: float = 1e-4
    form: Form = "code"
    centres: Centres = "weak"

    def __post_init__(self) -> None:
        steps = ("pretrain_steps", "steps", "finetune_steps")
        for name in (*steps, "lr", "lambda_reg", "lambda_geo", "lambda_adv"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: wanted at least 0, found {getattr(self, name)}")
        if not any(getattr(self, name) for name in steps):
            raise ValueError(f"{', '.join(steps)}: wanted one of them above 0, found none")

    @property
    def first_lr(self) -> float:
        """The learning rate that all stages' are shares of."""
        return self.lr or (1e-3 if self.optimizer == "seed" else 2.5e-4)

    def optimizer_of(self, parameters: Any) -> Optimizer:
        """The optimiser of parameters, or of groups of them."""
        if self.optimizer == "seed":
            return SGD(parameters, lr=self.first_lr, momentum=0.9)
        return RMSprop(parameters, lr=self.first_lr, alpha=0.99, eps=1e-8)

    def lr_factor(self, step: int, steps: int, share: float = 1.0, *, drops: bool = False) -> float:
        """What the first learning rate is multiplied by at ``step`` of ``steps``; a stage begins at ``share`` of it."""
        if self.schedule == "cosine":
            return share * 0.5 * (1 + math.cos(math.pi * step / steps))
        return share * (LATE if drops and step >= DROPS_AT * steps else 1.0)

    def document(self) -> dict[str, Any]:
        """What a checkpoint says of it: of ``start`` the file's name and hash."""
        start = Path(self.start)
        return {**asdict(self), "start": f"{start.name} {sha256(start)}" if self.start else ""}
