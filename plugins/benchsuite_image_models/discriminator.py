"""The discriminator: is a pose, with the image it is said to be of, a real one? Used in training alone.

Source: Yang et al. 2018: three sources, each embedded, then three linear layers.
Deviation: they publish no widths. Here every embedding is as wide as the hourglass, convolutions half as wide, and
nothing is normalised, so that real and found poses of a batch do not mix.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from benchsuite_image_models.descriptor import descriptor
from benchsuite_image_models.heatmaps import soft_decode
from benchsuite_image_models.hourglass import JOINTS, STRIDE

_LAST_SIDE = 4
_SLOPE = 0.2


def _linear(*widths: int) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU(_SLOPE)]
    return layers


def _halvings(inputs: int, width: int, side: int, features: int) -> list[nn.Module]:
    """Convolutions that halve the side until it is at most 4, then a linear layer."""
    layers: list[nn.Module] = []
    while side > _LAST_SIDE:
        layers += [nn.Conv2d(inputs, width, 3, stride=2, padding=1), nn.LeakyReLU(_SLOPE)]
        inputs, side = width, (side + 1) // 2
    return [*layers, nn.Flatten(), *_linear(inputs * side**2, features)]


class Discriminator(nn.Module):
    """Image, geometric descriptor, and heat maps with depth maps to a logit.

    Args:
        features: width of the embeddings.
        size: px, side of the crops.
    """

    def __init__(self, features: int, size: int) -> None:
        super().__init__()
        side, width = size // STRIDE, features // 2
        self.image = nn.Sequential(
            nn.Conv2d(3, width, 7, stride=STRIDE, padding=3),
            nn.LeakyReLU(_SLOPE),
            *_halvings(width, width, side, features),
        )
        self.descriptor = nn.Sequential(nn.Flatten(), *_linear(6 * JOINTS**2, features, features))
        self.maps = nn.Sequential(*_halvings(2 * JOINTS, width, side, features))
        self.verdict = nn.Sequential(*_linear(3 * features, features, features), nn.Linear(features, 1))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, rgb: Tensor, maps: Tensor, xy: Tensor, depths: Tensor) -> Tensor:
        """Logits (B,) of being real.

        Args:
            rgb: (B, 3, S, S) in [0, 1].
            maps: (B, 16, S/4, S/4).
            xy: (B, 16, 2), half the crop's side being 1.
            depths: (B, 16), the same unit.

        Deviation: a depth map is the heat map times the joint's depth, so that gradients reach both.
        """
        around = descriptor(torch.cat((xy, depths[..., None]), dim=-1))
        with_depth = torch.cat((maps, maps * depths[..., None, None]), dim=1)
        seen = (self.image(rgb), self.descriptor(around), self.maps(with_depth))
        logits: Tensor = self.verdict(torch.cat(seen, dim=1))
        return logits[:, 0]

    def found(self, rgb: Tensor, maps: Tensor, depths: Tensor) -> Tensor:
        """Logits (B,) of what a generator found, ``xy`` read from its heat maps so that gradients reach them."""
        half = maps.shape[-1] / 2
        return self.forward(rgb, maps, soft_decode(maps) / half - 1, depths)
