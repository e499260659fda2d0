"""What training minimises: Zhou et al.'s loss, and Yang et al.'s for generator and discriminator.

All are computed in float32 whatever the network computed in.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from benchsuite_image_models.bones import Form, geometric_loss
from benchsuite_image_models.targets import Targets


def heat_map_loss(found: Sequence[Tensor], wanted: Targets) -> Tensor:
    """Mean squared error over all pixels, summed over stacks; maps of joints that are not known count as right.

    Args:
        found: (B, 16, H, W) a stack.
        wanted: the targets.
    """
    squares = torch.stack([((maps.float() - wanted.maps) ** 2).mean((2, 3)) for maps in found]).sum(0)
    return (squares * wanted.known).mean()


def depth_loss(found: Tensor, wanted: Targets) -> Tensor:
    """Mean squared error over the joints of each sample that have 3D, (B,); 0 for samples without.

    Args:
        found: (B, 16).
        wanted: the targets.
    """
    there = wanted.depths.isfinite()
    squares = torch.where(there, found.float() - wanted.depths, 0.0) ** 2
    return squares.sum(1) / there.sum(1).clamp(min=1)


def zhou_loss(
    maps: Sequence[Tensor],
    depths: Tensor,
    wanted: Targets,
    *,
    lambda_reg: float = 0.1,
    lambda_geo: float = 0.01,
    form: Form = "code",
) -> Tensor:
    """Heat maps, depths of the samples with 3D, and the geometric loss of those without.

    Args:
        maps: (B, 16, H, W) a stack.
        depths: (B, 16).
        wanted: the targets.
        lambda_reg: weight of the depths; 0 in Zhou et al.'s first stage.
        lambda_geo: weight of the geometric loss; 0 in their first two stages.
        form: of the geometric loss.

    Source: Zhou et al. 2017; means and weights are those of their code.
    """
    loss = heat_map_loss(maps, wanted) + lambda_reg * depth_loss(depths, wanted).mean()
    if lambda_geo:
        flat = ~wanted.depths.isfinite().any(1)
        loss = loss + lambda_geo * (geometric_loss(wanted.xy, depths, wanted.known, form) * flat).mean()
    return loss


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Cross entropy of real poses called real and found poses called fake, each a mean; 0 where there are none.

    Args:
        real: logits of true poses of samples with 3D.
        fake: logits of poses the generator found, of all samples; detach these first.

    Source: Yang et al. 2018.
    """
    return _called(real, 1.0) + _called(fake, 0.0)


def generator_loss(pose_loss: Tensor, fake: Tensor, *, lambda_adv: float = 1e-4) -> Tensor:
    """``pose_loss`` and, with a small weight, the cross entropy of found poses (logits ``fake``) called real.

    Source: Yang et al. 2018.
    Deviation: they write ``pose_loss`` as sums of squares, beside which this weight would be nothing; here it stands
    beside Zhou et al.'s means.
    """
    return pose_loss + lambda_adv * _called(fake, 1.0)


def _called(logits: Tensor, label: float) -> Tensor:
    each = binary_cross_entropy_with_logits(
        logits.float(), torch.full_like(logits, label, dtype=torch.float32), reduction="sum"
    )
    return each / max(1, len(logits))
