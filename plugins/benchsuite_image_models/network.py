"""The network of all three methods: heat maps and depths, read as pixels and as poses in mm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from benchsuite_registry.poses import Frame, ImageBatch, KeypointBatch, PoseBatch
from benchsuite_registry.skeletons import MPII_16
from torch import Tensor, nn

from benchsuite.bone_sum import HUMAN36M_MM
from benchsuite_image_models.bones import bone_lengths, sized
from benchsuite_image_models.depth_head import DepthHead
from benchsuite_image_models.heatmaps import Peaks, decode
from benchsuite_image_models.hourglass import STRIDE, StackedHourglass
from benchsuite_image_models.inference import Precision, lean
from benchsuite_image_models.targets import Centres, Targets, targets

IN_CACHE = 2**19
"""Numbers between two layers that a processor's cache holds: crops are looked at so many at a time."""

FOUND = 0.1
"""A joint is visible if its heat map is higher than this somewhere; 1 is what it was taught. Our choice."""


@dataclass(frozen=True)
class Architecture:
    """What a checkpoint must say so that its network can be built again; defaults are the paper's.

    Attributes:
        features: channels, a multiple of 8.
        stacks: hourglasses in a row.
        modules: bottlenecks at every place, of the hourglasses and of the depth head.
        depth: times an hourglass halves the side of the heat maps.
        size: px, side of the crops; heat maps have a quarter of it.
        regression: times the depth head halves the side of the heat maps.
        peaks: how joints are drawn into heat maps and read from them.

    Raises:
        ValueError: a size that cannot be halved so often, features that cannot be quartered.

    Source: Zhou et al. 2017, their code; Wang et al. 2019, Sec. 3.6.
    """

    features: int = 256
    stacks: int = 2
    modules: int = 2
    depth: int = 4
    size: int = 256
    regression: int = 4
    peaks: Peaks = "rounded"

    def __post_init__(self) -> None:
        for name, least in (("stacks", 1), ("modules", 1), ("depth", 1), ("regression", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: wanted at least {least}, found {getattr(self, name)}")
        if self.features < 8 or self.features % 8:
            raise ValueError(f"features: wanted a multiple of 8, found {self.features}")
        unit = STRIDE * 2 ** max(self.depth, self.regression)
        if self.size < unit or self.size % unit:
            raise ValueError(
                f"size: wanted a multiple of {unit} px for depth {self.depth} and regression {self.regression}, "
                f"found {self.size}"
            )


class HourglassNetwork(nn.Module):
    """Crops to heat maps and depths of ``MPII_16``; with weights, an image model.

    Attributes:
        architecture: see there.
        size: px, side of the crops.
        bone_sum_mm: what the bones of every pose add up to: the mean of the training data. A whole number, because
            checkpoints keep others as float16.
    """

    bone_sum_mm: Tensor

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.size = architecture.size
        self._dtype = torch.float32
        a = architecture
        self.hourglass = StackedHourglass(a.features, a.stacks, a.modules, a.depth)
        self.depth_head = DepthHead(a.features, a.modules, a.regression, a.size // STRIDE)
        self.register_buffer("bone_sum_mm", torch.tensor(round(HUMAN36M_MM)))
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, rgb: Tensor) -> tuple[list[Tensor], Tensor]:
        """Heat maps (B, 16, S/4, S/4) of every stack, and depths (B, 16), half the crop's side being 1.

        Args:
            rgb: (B, 3, S, S) in [0, 1].
        """
        maps, features = self.hourglass(rgb.contiguous(memory_format=torch.channels_last))
        return maps, self.depth_head(features)

    @property
    def at_once(self) -> int:
        """How many crops a processor looks at in one pass."""
        return max(1, IN_CACHE // (self.architecture.features * (self.size // STRIDE) ** 2))

    def prepared(self, precision: Precision = "float32") -> Self:
        """The network ready for inference, batch norm folded, its layers working in ``precision``."""
        lean(self.eval())
        self._dtype = getattr(torch, precision)
        return self.to(self._dtype)

    @torch.no_grad()
    def fit(self, xyz: Tensor) -> None:
        """Take the mean bone sum of training poses (N, 16, 3) mm; those that are not whole do not count."""
        sums = bone_lengths(xyz.double()).sum(1)
        if len(sums := sums[sums.isfinite()]):
            self.bone_sum_mm.copy_(sums.mean().round())

    def targets(self, uv: Tensor, known: Tensor, xyz: Tensor, centres: Centres) -> Targets:
        """What this network should find in crops of its size; arguments as of ``targets.targets``."""
        return targets(uv, known, xyz, self.size, centres, self.architecture.peaks)

    def pixels(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Keypoints (B, 16, 2), px of the crop, and which were found (B, 16) bool, from the last stack's heat maps."""
        points, highest = decode(maps, self.architecture.peaks)
        return points * STRIDE, highest > FOUND

    def poses(self, uv: Tensor, depths: Tensor) -> Tensor:
        """Root-relative poses (B, 16, 3) mm from keypoints (B, 16, 2), px of the crop, and depths (B, 16).

        A camera without perspective is assumed: x, y and depth have one scale, that of the bone sum.

        Source: Zhou et al. 2017, their code.
        """
        points = torch.cat((uv, depths.float()[..., None] * (self.size / 2)), dim=-1)
        return sized(points, self.bone_sum_mm)

    @torch.inference_mode()
    def predict(self, images: ImageBatch) -> tuple[KeypointBatch, PoseBatch]:
        """Keypoints in the crop's pixels, with the crop's camera, and poses in ``Frame.ROOT``, both ``MPII_16``.

        Clip and frame of the keypoints are the samples' own numbers: crops know of neither.

        Raises:
            ValueError: crops of another size.
        """
        wanted, found = (3, self.size, self.size), tuple(images.rgb.shape[1:])
        if found != wanted:
            raise ValueError(f"ImageBatch.rgb: wanted crops of shape {wanted}, found {found}")
        at_once = self.at_once if images.rgb.device.type == "cpu" else max(1, len(images.rgb))
        each = [self._found(part) for part in torch.split(images.rgb, at_once)]
        uv, visible, depths = (torch.cat(parts) for parts in zip(*each, strict=True))
        numbers = torch.arange(len(uv), device=uv.device)
        keypoints = KeypointBatch(uv, visible, images.camera, MPII_16, images.ids, numbers, torch.zeros_like(numbers))
        return keypoints, PoseBatch(self.poses(uv, depths), Frame.ROOT, MPII_16, images.ids)

    def _found(self, rgb: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        maps, depths = self(rgb.to(self._dtype))
        return *self.pixels(maps[-1]), depths
