"""What the shipped lifters have in common: how they see keypoints, and how they hand back poses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import torch
from benchsuite_registry.poses import Camera, Frame, KeypointBatch, PoseBatch
from benchsuite_registry.skeletons import H36M_17
from torch import Tensor, nn

from benchsuite.filming import H36M_CENTER, H36M_FOCAL
from benchsuite_lifters.inference import Precision
from benchsuite_lifters.scaling import MissingJoints, Scaling, Scheme

CANONICAL_FOCAL, CANONICAL_CENTER = H36M_FOCAL[0].tolist(), H36M_CENTER[0].tolist()
"""Human3.6M's camera 54138969: the view that all keypoints are brought into."""


@dataclass(frozen=True)
class Architecture:
    """What a checkpoint must say so that its network can be built again.

    Attributes:
        width: hidden size.
        blocks: residual blocks of each network.
        dropout: probability of dropping a unit while training.
        scheme: scaling of 2D keypoints; 3D poses take the z-score when this is ``image``.
        view: ``canonical`` brings keypoints into one camera through their own intrinsics, ``as-given`` does not.
        origin: ``absolute`` pixels, or pixels relative to the ``root`` joint.
        delta_x_mm: shift of the right view; the stereo lifter alone has one.

    Raises:
        ValueError: a size that no network has.
    """

    width: int = 1024
    blocks: int = 2
    dropout: float = 0.5
    scheme: Scheme = "zscore"
    view: Literal["canonical", "as-given"] = "canonical"
    origin: Literal["absolute", "root"] = "absolute"
    delta_x_mm: float = 500.0

    def __post_init__(self) -> None:
        for name, least in (("width", 1), ("blocks", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: wanted at least {least}, found {getattr(self, name)}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout: wanted 0 or more and less than 1, found {self.dropout}")


class LiftingNetwork(nn.Module):
    """2D keypoints in, root-relative poses in ``H36M_17`` out; subclasses say what lies between.

    Args:
        architecture: see there.
        joints: names of the 2D joints it reads; joints that a skeleton lacks are interpolated or filled in.

    Deviation: keypoints are brought into one canonical camera first (``view``), so that images of other sizes and
    focal lengths can be lifted; with Human3.6M's own cameras this moves a pixel by less than three.
    """

    def __init__(self, architecture: Architecture, joints: tuple[str, ...]) -> None:
        super().__init__()
        self.architecture = architecture
        self.joints = joints
        self.columns = [H36M_17.index(joint) for joint in joints]
        self.missing = MissingJoints(2 * len(joints))
        self.scale_left = Scaling(2 * len(joints))

    def left_view(self, uv: Tensor, camera: Camera) -> Tensor:
        """Keypoints of ``H36M_17`` (B, 17, 2) px as the network's pixels (B, 2 * joints)."""
        return self.flat(self.canonical(uv, camera))

    def canonical(self, uv: Tensor, camera: Camera) -> Tensor:
        """Keypoints (B, J, 2) px as the canonical camera would see them."""
        if self.architecture.view == "as-given":
            return uv
        return camera.rays(uv) * uv.new_tensor(CANONICAL_FOCAL) + uv.new_tensor(CANONICAL_CENTER)

    def given(self, uv: Tensor, camera: Camera) -> Tensor:
        """Keypoints (B, J, 2) px of the canonical camera as ``camera`` sees them; undoes ``canonical``."""
        if self.architecture.view == "as-given":
            return uv
        rays = (uv - uv.new_tensor(CANONICAL_CENTER)) / uv.new_tensor(CANONICAL_FOCAL)
        return rays * camera.focal[:, None] + camera.center[:, None]

    def flat(self, uv: Tensor) -> Tensor:
        """Canonical keypoints (B, 17, 2) px, cut to the network's joints and origin, one row a sample."""
        if self.architecture.origin == "root":
            uv = uv - uv[:, :1]
        return uv[:, self.columns].flatten(1)

    def poses(self, left: Tensor) -> Tensor:
        """Root-relative poses (B, 17, 3) mm from the network's pixels (B, 2 * joints)."""
        raise NotImplementedError

    def prepared(self, precision: Precision = "float32") -> Self:
        """The network ready for inference, its matrix products made in ``precision``."""
        raise NotImplementedError

    @torch.inference_mode()
    def lift(self, keypoints: KeypointBatch) -> PoseBatch:
        """Poses in ``Frame.ROOT``; joints that are invisible, not finite or absent are filled in first."""
        return PoseBatch(self.poses(self.seen(keypoints)), Frame.ROOT, H36M_17, keypoints.ids)

    def seen(self, keypoints: KeypointBatch) -> Tensor:
        """Any keypoints as the network's pixels (B, 2 * joints), what is missing filled in."""
        uv, known = keypoints.known_in(H36M_17)
        if self.architecture.origin == "root":  # without its root a pose has no origin: fill that in first
            uv = torch.where(known[..., None], uv, uv[:, :1])
        left = self.left_view(uv.float(), keypoints.camera)
        filled: Tensor = self.missing(left, known[:, self.columns].repeat_interleave(2, dim=1))
        return filled
