"""How the image models are trained: Zhou et al.'s stages, and what the others do instead.

Every course reads crops, an even share of each dataset, and learns from each what it holds: pixels, and depths where
there is 3D.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, fields
from functools import partial
from typing import Any, Literal

import torch
from benchsuite_registry.skeletons import MPII_16
from torch import Tensor, nn
from torch.optim import Optimizer

from benchsuite.training.course import Stage
from benchsuite.training.crops import Crops
from benchsuite.training.resume import TrainingStopped
from benchsuite_image_models.discriminator import Discriminator
from benchsuite_image_models.losses import discriminator_loss, generator_loss, heat_map_loss, zhou_loss
from benchsuite_image_models.network import Architecture, HourglassNetwork
from benchsuite_image_models.optimisation import LATE, Optimisation
from benchsuite_image_models.shipped import start_from
from benchsuite_image_models.targets import Targets

VALIDATED_AT_ONCE = 32
"""Crops; what a network keeps of each in between is far larger than the crop."""

Found = tuple[list[Tensor], Tensor]
"""Heat maps of all stacks, and depths."""


class _Course:
    """What all three share: the network and the first two stages."""

    method: str
    reads: Literal["crops"] = "crops"

    def __init__(self, **parameters: Any) -> None:
        known = {field.name for field in fields(Architecture)}
        architecture = Architecture(**{k: v for k, v in parameters.items() if k in known})
        self.optimisation = Optimisation(**{k: v for k, v in parameters.items() if k not in known})
        self.network = HourglassNetwork(architecture)
        self.size = architecture.size
        if self.optimisation.start:
            start_from(self.network, self.optimisation.start)
        self.architecture: dict[str, Any] = {**asdict(architecture), "optimisation": self.optimisation.document()}
        self.observed: dict[str, float] = {}

    def fit(self, pairs: Crops) -> None:
        """Take the mean bone sum.

        Raises:
            TrainingStopped: depths are to be learnt and there is no 3D.
        """
        self.network.fit(pairs.xyz)
        if self.optimisation.steps + self.optimisation.finetune_steps and not pairs.xyz.isfinite().any():
            raise TrainingStopped(f"{self.method}: wanted a dataset with 3D to learn depths from, found none")

    def stages(self) -> Sequence[Stage[Crops]]:
        """Heat maps alone, depths too, and what the method adds; those that have steps."""
        o = self.optimisation
        heat_maps = Stage(
            name="heat maps",
            module=self.network.hourglass,
            loss=self.heat_map_loss,
            error=self.pixel_error,
            unit="px",
            optimizer=o.optimizer_of,
            lr_factor=partial(o.lr_factor, steps=o.pretrain_steps),
            steps=o.pretrain_steps,
        )
        depths = self._stage("depths", self.pose_loss, o.steps, drops=True)
        return tuple(stage for stage in (heat_maps, depths, *self.more_stages()) if stage.steps)

    def more_stages(self) -> Sequence[Stage[Crops]]:
        """What follows the first two."""
        return ()

    def _stage(
        self,
        name: str,
        loss: Callable[[Crops], Tensor],
        steps: int,
        *,
        module: nn.Module | None = None,
        error: Callable[[Crops], Tensor] | None = None,
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer] | None = None,
        **schedule: Any,
    ) -> Stage[Crops]:
        return Stage(
            name=name,
            module=module or self.network,
            loss=loss,
            error=error or self.mpjpe,
            unit="mm",
            optimizer=optimizer or self.optimisation.optimizer_of,
            lr_factor=partial(self.optimisation.lr_factor, steps=steps, **schedule),
            steps=steps,
            observed=lambda: self.observed,
        )

    def targets(self, crops: Crops) -> Targets:
        """What the crops should come out as."""
        return self.network.targets(crops.uv, crops.known, crops.xyz, self.optimisation.centres)

    def heat_map_loss(self, crops: Crops) -> Tensor:
        """Of the first stage, in which the depth head has no part."""
        maps, features = self.network.hourglass(crops.rgb)
        idle: Tensor = 0.0 * features.float().mean()  # several processes want a gradient of all weights, the last too
        return heat_map_loss(maps, self.targets(crops)) + idle

    def pose_loss(self, crops: Crops) -> Tensor:
        """Of the second stage."""
        return self._zhou_loss(self.network(crops.rgb), self.targets(crops))

    def _zhou_loss(self, found: Found, wanted: Targets, lambda_geo: float = 0.0) -> Tensor:
        o = self.optimisation
        return zhou_loss(*found, wanted, lambda_reg=o.lambda_reg, lambda_geo=lambda_geo, form=o.form)

    def pixel_error(self, crops: Crops) -> Tensor:
        """Mean distance of the keypoints inside the crops, px of the crop."""
        each = [self._pixel_gaps(part, self.network.hourglass(part.rgb)[0]) for part in _parts(crops)]
        return torch.cat(each).nanmean()

    def mpjpe(self, crops: Crops) -> Tensor:
        """Mean distance of all 16 joints where there is 3D, mm, pelvis at the origin, bones as long as in training."""
        return self._error(crops, self._figures)

    def _error(self, crops: Crops, figures: Callable[[Crops, Found], dict[str, Tensor]]) -> Tensor:
        """The mean of the figure ``mm``; those of the others are ``observed``."""
        each = [figures(part, self.network(part.rgb)) for part in _parts(crops)]
        mean = {name: torch.cat([figures[name] for figures in each]).nanmean() for name in each[0]}
        error = mean.pop("mm")
        self.observed = {name: float(figure) for name, figure in mean.items()}
        return error

    def _figures(self, crops: Crops, found: Found) -> dict[str, Tensor]:
        """Figures of all joints, NaN where they are not defined."""
        maps, depths = found
        poses = self.network.poses(self.network.pixels(maps[-1])[0], depths)
        truth = crops.xyz - crops.xyz[:, MPII_16.root_index, None]
        return {"mm": torch.linalg.vector_norm(poses - truth, dim=-1), "px": self._pixel_gaps(crops, maps)}

    def _pixel_gaps(self, crops: Crops, maps: list[Tensor]) -> Tensor:
        inside = crops.known & ((crops.uv >= 0) & (crops.uv <= self.size)).all(-1)
        gaps = torch.linalg.vector_norm(self.network.pixels(maps[-1])[0] - crops.uv, dim=-1)
        return torch.where(inside, gaps, torch.nan)


def _parts(crops: Crops) -> Iterable[Crops]:
    for start in range(0, len(crops.rgb), VALIDATED_AT_ONCE):
        yield Crops(*(column[start : start + VALIDATED_AT_ONCE] for column in crops))


class ZhouCourse(_Course):
    """Photographs without 3D teach depths through the geometric loss, in a third stage. Source: Zhou et al. 2017."""

    method = "zhou"

    def more_stages(self) -> Sequence[Stage[Crops]]:
        """The third."""
        steps = self.optimisation.finetune_steps
        return (self._stage("geometric loss", self.geometric_loss, steps, share=LATE),)

    def geometric_loss(self, crops: Crops) -> Tensor:
        """Of the third stage."""
        return self._zhou_loss(self.network(crops.rgb), self.targets(crops), self.optimisation.lambda_geo)


class YangCourse(_Course):
    """Photographs without 3D teach depths through a discriminator, in a third stage. Source: Yang et al. 2018.

    Deviation: generator and discriminator do not take turns but steps at once, from the same forward pass of the
    generator: neither's loss reaches the other's weights. The discriminator learns at the first learning rate, the
    generator at a tenth of it, as Zhou et al.'s third stage; Yang et al. say neither.
    """

    method = "yang"

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.discriminator = Discriminator(self.network.architecture.features, self.size)

    def more_stages(self) -> Sequence[Stage[Crops]]:
        """The third."""
        stage = self._stage(
            "adversarial",
            self.adversarial_loss,
            self.optimisation.finetune_steps,
            module=nn.ModuleList((self.network, self.discriminator)),
            error=self.judged_mpjpe,
            optimizer=self._both_optimizer,
        )
        return (stage,)

    def _both_optimizer(self, _: Iterable[nn.Parameter]) -> Optimizer:
        slow = {"params": list(self.network.parameters()), "lr": LATE * self.optimisation.first_lr}
        return self.optimisation.optimizer_of([slow, {"params": list(self.discriminator.parameters())}])

    def adversarial_loss(self, crops: Crops) -> Tensor:
        """Of the third stage: the generator's and the discriminator's, which have no weights in common."""
        maps, depths = self.network(crops.rgb)
        wanted, judge = self.targets(crops), self.discriminator
        judge.requires_grad_(False)
        deceiving = judge.found(crops.rgb, maps[-1], depths)
        judge.requires_grad_(True)
        found = judge.found(crops.rgb, maps[-1].detach(), depths.detach())
        pose_loss = self._zhou_loss((maps, depths), wanted)
        generator = generator_loss(pose_loss, deceiving, lambda_adv=self.optimisation.lambda_adv)
        return generator + discriminator_loss(self._real(crops, wanted), found)

    def judged_mpjpe(self, crops: Crops) -> Tensor:
        """As ``mpjpe``; how often the discriminator is right about true and found poses is ``observed`` too."""
        return self._error(crops, self._judged)

    def _judged(self, crops: Crops, found: Found) -> dict[str, Tensor]:
        real = self._real(crops, self.targets(crops)) > 0
        fake = self.discriminator.found(crops.rgb, found[0][-1], found[1]) <= 0
        return {**self._figures(crops, found), "true told": real.float(), "found told": fake.float()}

    def _real(self, crops: Crops, wanted: Targets) -> Tensor:
        """The discriminator's logits of true poses, of samples with whole 3D."""
        whole = wanted.depths.isfinite().all(1)
        logits: Tensor = self.discriminator(
            crops.rgb[whole], wanted.maps[whole], wanted.xy[whole], wanted.depths[whole]
        )
        return logits


class WildCourse(_Course):
    """Photographs teach depths through 3D labels that were generated for them; two stages are all.

    Source: Sec. 3.5, 3.6.
    """

    method = "wild"
