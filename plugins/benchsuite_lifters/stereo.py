"""Wang et al. 2019: synthesise the right view, then reconstruct the pose from both views."""

from __future__ import annotations

from typing import Self

import torch
from benchsuite_registry.poses import Frame, KeypointBatch, PoseBatch, shifted_right
from benchsuite_registry.skeletons import H36M_17
from torch import Tensor

from benchsuite.training.pairs import Pairs
from benchsuite_lifters.inference import LeanMLP, Precision
from benchsuite_lifters.network import Architecture, LiftingNetwork
from benchsuite_lifters.residual_mlp import ResidualMLP
from benchsuite_lifters.scaling import Scaling


class Stereo(LiftingNetwork):
    """17 keypoints to those of the right view (34 to 34), then both views to 17 joints (68 to 51).

    Source: Eq. (1)-(2), Sec. 3.2-3.3; 4,279,330 and 4,331,571 parameters at width 1024.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__(architecture, H36M_17.joints)
        size_2d, size_3d = 2 * len(H36M_17), 3 * len(H36M_17)
        shape = {"width": architecture.width, "blocks": architecture.blocks}
        self.scale_right = Scaling(size_2d)
        self.scale_pose = Scaling(size_3d)
        self.synthesis = ResidualMLP(size_2d, size_2d, **shape, dropout=architecture.dropout)
        self.reconstruction = ResidualMLP(2 * size_2d, size_3d, **shape, dropout=architecture.dropout)

    def right_view(self, pairs: Pairs) -> Tensor:
        """The true right view, as the network's pixels (B, 34). Source: Eq. (1), Sec. 3.2."""
        shifted = pairs.camera.project(shifted_right(pairs.xyz, self.architecture.delta_x_mm))
        return self.left_view(shifted, pairs.camera)

    def synthesise(self, left: Tensor) -> Tensor:
        """The right view (B, 34) px from the left one."""
        found: Tensor = self.scale_right.inverse(self.synthesis(self.scale_left(left)))
        return found

    def views(self, left: Tensor) -> tuple[Tensor, Tensor]:
        """Left view, scaled, and right view, synthesised from it and taken as it is, both (B, 34).

        Deviation: the paper only says that the first network's parameters are fixed; here its batch norm and dropout
        are those of inference too, as they will be when a pose is lifted.
        """
        scaled = self.scale_left(left)
        with torch.no_grad():
            return scaled, self.synthesis(scaled).float()

    def reconstruct(self, views: tuple[Tensor, Tensor]) -> Tensor:
        """Scaled pose (B, 51) from both views."""
        found: Tensor = self.reconstruction(torch.cat(views, dim=1))
        return found

    def poses(self, left: Tensor) -> Tensor:
        """Root-relative poses (B, 17, 3) mm from the network's pixels (B, 34). Source: Eq. (2), Sec. 3.3."""
        return self.posed(self.views(left))

    def posed(self, views: tuple[Tensor, Tensor]) -> Tensor:
        """Root-relative poses (B, 17, 3) mm from both views."""
        found: Tensor = self.scale_pose.inverse(self.reconstruct(views)).view(len(views[0]), len(H36M_17), 3)
        return found - found[:, :1]

    @torch.inference_mode()
    def lift(self, keypoints: KeypointBatch) -> PoseBatch:
        """Poses as of any lifter, and the right view in the pixels of each sample's own camera.

        A network that sees pixels relative to the root does not know where the right view's root is: it stays where
        the left one's is.
        """
        views = self.views(self.seen(keypoints))
        right = self.scale_right.inverse(views[1]).view(len(views[1]), len(H36M_17), 2)
        if self.architecture.origin == "root":
            right = right + self.canonical(keypoints.known_in(H36M_17)[0][:, :1].float(), keypoints.camera)
        right_uv = self.given(right, keypoints.camera)
        return PoseBatch(self.posed(views), Frame.ROOT, H36M_17, keypoints.ids, right_uv)

    def prepared(self, precision: Precision = "float32") -> Self:
        """The networks ready for inference, batch norm folded."""
        self.synthesis = LeanMLP(self.synthesis, precision)  # type: ignore[assignment]
        self.reconstruction = LeanMLP(self.reconstruction, precision)  # type: ignore[assignment]
        return self.eval()

    def fit(self, pairs: Pairs) -> None:
        """Take the scaling of left view, right view and pose, each its own, from training pairs.

        Deviation: the authors' code scales a test file by its own statistics; here nothing is fitted at test time.
        """
        scheme = self.architecture.scheme
        left = self.left_view(pairs.uv, pairs.camera)
        self.missing.fit(left)
        self.scale_left.fit(left, scheme)
        self.scale_right.fit(self.right_view(pairs), scheme)
        self.scale_pose.fit(_root_relative(pairs), "zscore" if scheme == "image" else scheme)

    def synthesis_loss(self, pairs: Pairs) -> Tensor:
        """Mean squared error of the scaled right view."""
        found = self.synthesis(self.scale_left(self.left_view(pairs.uv, pairs.camera)))
        return torch.nn.functional.mse_loss(found.float(), self.scale_right(self.right_view(pairs)))

    def loss(self, pairs: Pairs) -> Tensor:
        """Mean squared error of the scaled pose."""
        found = self.reconstruct(self.views(self.left_view(pairs.uv, pairs.camera)))
        return torch.nn.functional.mse_loss(found.float(), self.scale_pose(_root_relative(pairs)))


def _root_relative(pairs: Pairs) -> Tensor:
    return (pairs.xyz - pairs.xyz[:, :1]).flatten(1)
