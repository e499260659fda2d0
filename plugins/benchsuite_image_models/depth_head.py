"""The depth head: features of the last stack to the depth of every joint."""

from __future__ import annotations

from torch import Tensor, nn

from benchsuite_image_models.hourglass import JOINTS, residuals


class DepthHead(nn.Module):
    """Features (B, features, side, side) to depths (B, 16), half the crop's side being 1.

    Args:
        features: channels.
        modules: bottlenecks before every halving of the side.
        halvings: how often the side is halved before the linear layer.
        side: of the features.

    Source: Zhou et al. 2017, their code (``hg_3d``).
    """

    def __init__(self, features: int, modules: int, halvings: int, side: int) -> None:
        super().__init__()
        halving = (nn.Sequential(residuals(features, modules), nn.MaxPool2d(2)) for _ in range(halvings))
        self.layers = nn.Sequential(*halving, nn.Flatten(), nn.Linear(features * (side >> halvings) ** 2, JOINTS))

    def forward(self, features: Tensor) -> Tensor:
        """The depths."""
        depths: Tensor = self.layers(features)
        return depths
