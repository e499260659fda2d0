"""Martinez et al. 2017: 2D keypoints straight to 3D."""

from __future__ import annotations

from typing import Self

import torch
from benchsuite_registry.skeletons import H36M_17
from torch import Tensor

from benchsuite.training.pairs import Pairs
from benchsuite_lifters.inference import LeanMLP, Precision
from benchsuite_lifters.network import Architecture, LiftingNetwork
from benchsuite_lifters.residual_mlp import ResidualMLP
from benchsuite_lifters.scaling import Scaling

JOINTS_2D = tuple(joint for joint in H36M_17.joints if joint != "neck_nose")
"""The 16 joints the network reads: Human3.6M's without Neck/Nose."""


class Martinez(LiftingNetwork):
    """16 keypoints to the 16 joints that are not the root, 32 numbers to 48.

    Source: Martinez et al. 2017, Sec. 3; 4,291,632 parameters at width 1024.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__(architecture, JOINTS_2D)
        outputs = 3 * (len(H36M_17) - 1)
        self.scale_pose = Scaling(outputs)
        self.lifting = ResidualMLP(
            2 * len(JOINTS_2D),
            outputs,
            width=architecture.width,
            blocks=architecture.blocks,
            dropout=architecture.dropout,
        )

    def poses(self, left: Tensor) -> Tensor:
        """Root-relative poses (B, 17, 3) mm from the network's pixels (B, 32)."""
        found = self.scale_pose.inverse(self.lifting(self.scale_left(left))).view(len(left), len(H36M_17) - 1, 3)
        return torch.cat((torch.zeros_like(found[:, :1]), found), dim=1)

    def prepared(self, precision: Precision = "float32") -> Self:
        """The network ready for inference, batch norm folded."""
        self.lifting = LeanMLP(self.lifting, precision)  # type: ignore[assignment]
        return self.eval()

    def fit(self, pairs: Pairs) -> None:
        """Take the scaling from training pairs."""
        left, truth = self.left_view(pairs.uv, pairs.camera), _without_root(pairs)
        self.missing.fit(left)
        self.scale_left.fit(left, self.architecture.scheme)
        self.scale_pose.fit(truth, "zscore" if self.architecture.scheme == "image" else self.architecture.scheme)

    def loss(self, pairs: Pairs) -> Tensor:
        """Mean squared error of the scaled pose."""
        left = self.scale_left(self.left_view(pairs.uv, pairs.camera))
        return torch.nn.functional.mse_loss(self.lifting(left).float(), self.scale_pose(_without_root(pairs)))


def _without_root(pairs: Pairs) -> Tensor:
    return (pairs.xyz - pairs.xyz[:, :1])[:, 1:].flatten(1)
