"""The stacked hourglass: images to heat maps of 16 joints, and the features they were read from.

Source: Newell et al. 2016; Zhou et al. 2017, their code (``hg_3d``).
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import interpolate, max_pool2d

JOINTS = 16
"""Those of ``MPII_16``."""

STRIDE = 4
"""Pixels of the crop to a pixel of the heat maps."""


class Residual(nn.Module):
    """Pre-activation bottleneck (B, inputs, H, W) to (B, outputs, H, W): three of batch norm, ReLU, convolution."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        half = outputs // 2
        self.layers = nn.Sequential(
            nn.BatchNorm2d(inputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(inputs, half, 1),
            nn.BatchNorm2d(half),
            nn.ReLU(inplace=True),
            nn.Conv2d(half, half, 3, padding=1),
            nn.BatchNorm2d(half),
            nn.ReLU(inplace=True),
            nn.Conv2d(half, outputs, 1),
        )
        self.skip = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """The bottleneck added to its input."""
        added: Tensor = self.layers(x).add_(self.skip(x))
        return added


def residuals(features: int, count: int) -> nn.Sequential:
    """``count`` bottlenecks, one after another."""
    return nn.Sequential(*(Residual(features, features) for _ in range(count)))


class Hourglass(nn.Module):
    """Down ``depth`` times to half the side and up again, ``modules`` bottlenecks at every place, skips at every side.

    Source: Newell et al. 2016.
    """

    def __init__(self, features: int, modules: int, depth: int) -> None:
        super().__init__()
        self.beside = residuals(features, modules)
        self.down = residuals(features, modules)
        self.within = Hourglass(features, modules, depth - 1) if depth > 1 else residuals(features, modules)
        self.up = residuals(features, modules)

    def forward(self, x: Tensor) -> Tensor:
        """(B, features, H, W), H and W divisible by 2 to the power of ``depth``, to the same shape."""
        smaller = self.up(self.within(self.down(max_pool2d(x, 2))))
        both: Tensor = self.beside(x) + interpolate(smaller, scale_factor=2.0, mode="nearest")
        return both


class _Stack(nn.Module):
    """An hourglass, its heat maps, and both of them fed back into what follows."""

    def __init__(self, features: int, modules: int, depth: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            Hourglass(features, modules, depth),
            residuals(features, modules),
            nn.Conv2d(features, features, 1),
            nn.BatchNorm2d(features),
            nn.ReLU(inplace=True),
        )
        self.maps = nn.Conv2d(features, JOINTS, 1)
        self.features_back = nn.Conv2d(features, features, 1)
        self.maps_back = nn.Conv2d(JOINTS, features, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        features = self.features(x)
        maps = self.maps(features)
        return maps, x + self.features_back(features) + self.maps_back(maps)


class StackedHourglass(nn.Module):
    """Images (B, 3, S, S) to the heat maps of every stack and the features after the last.

    The features take heat maps in after every stack, the last one too, since the depth head reads them.

    Args:
        features: channels; the stem has a quarter and half as many.
        stacks: hourglasses in a row.
        modules: bottlenecks at every place.
        depth: times an hourglass halves the side.
    """

    def __init__(self, features: int, stacks: int, modules: int, depth: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, features // 4, 7, stride=2, padding=3),
            nn.BatchNorm2d(features // 4),
            nn.ReLU(inplace=True),
            Residual(features // 4, features // 2),
            nn.MaxPool2d(2),
            Residual(features // 2, features // 2),
            Residual(features // 2, features),
        )
        self.stacks = nn.ModuleList(_Stack(features, modules, depth) for _ in range(stacks))

    def forward(self, rgb: Tensor) -> tuple[list[Tensor], Tensor]:
        """Heat maps (B, 16, S/4, S/4) a stack, and features (B, features, S/4, S/4)."""
        x = self.stem(rgb)
        maps = []
        for stack in self.stacks:
            found, x = stack(x)
            maps.append(found)
        return maps, x
