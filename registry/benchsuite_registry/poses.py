"""What flows through the suite: cameras, 2D keypoints in px, images, 3D poses in mm, labels.

B is the number of samples, J the number of joints. The camera frame has X to the right, Y down and
Z forward. Every carrier checks its shapes when it is made and says which one is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

import torch
from torch import Tensor

from benchsuite_registry.carrier import Carrier, expect_dtype, expect_shape
from benchsuite_registry.skeletons import Skeleton


class Frame(Enum):
    """Where a pose's origin lies; the axes are those of the camera either way."""

    ROOT = "root"
    CAMERA = "camera"


@dataclass(frozen=True)
class Camera(Carrier):
    """Pinhole intrinsics, one per sample.

    Attributes:
        focal: (B, 2) px, fx and fy, positive.
        center: (B, 2) px, the optical axis' pixel.
    """

    focal: Tensor
    center: Tensor

    def __post_init__(self) -> None:
        expect_shape("Camera", "focal", self.focal, (None, 2))
        expect_shape("Camera", "center", self.center, (len(self.focal), 2))

    def project(self, xyz: Tensor) -> Tensor:
        """Pixels of camera-frame points.

        Args:
            xyz: (B, J, 3) mm, camera frame.

        Returns:
            (B, J, 2) px.

        Source: Eq. (1), Sec. 3.2, with no shift.
        """
        return xyz[..., :2] / xyz[..., 2:] * self.focal[:, None] + self.center[:, None]

    def rays(self, uv: Tensor) -> Tensor:
        """Direction of every pixel at depth 1: (B, J, 2) px to (B, J, 2), unitless."""
        return (uv - self.center[:, None]) / self.focal[:, None]

    def pixels_in(self, uv: Tensor, other: Camera) -> Tensor:
        """Pixels (B, J, 2) of this camera as those of ``other``, which looks the same way, such as a crop's."""
        return self.rays(uv) * other.focal[:, None] + other.center[:, None]

    def backproject(self, uv: Tensor, depth_mm: Tensor) -> Tensor:
        """Camera-frame points behind pixels at known depths.

        Args:
            uv: (B, J, 2) px.
            depth_mm: (B, J) mm along Z.

        Returns:
            (B, J, 3) mm, camera frame.

        Source: Eq. (4), Sec. 3.4.
        """
        return torch.cat((self.rays(uv) * depth_mm[..., None], depth_mm[..., None]), dim=-1)


def shifted_right(xyz: Tensor, delta_x_mm: float) -> Tensor:
    """Camera-frame points (B, J, 3) mm moved along X, so that they project into the right view.

    Eq. (1) adds the shift to the points, so pixels move right; a camera placed to the right would
    see them move left. The sign of ``delta_x_mm`` decides.

    Source: Eq. (1), Sec. 3.2.
    """
    return xyz + xyz.new_tensor((delta_x_mm, 0.0, 0.0))


@dataclass(frozen=True)
class KeypointBatch(Carrier):
    """2D keypoints, all a lifter or refiner is given.

    Attributes:
        uv: (B, J, 2) px float32; values of invisible joints mean nothing.
        visible: (B, J) bool; False where a joint is occluded or was not labelled.
        camera: intrinsics of the image the pixels are in.
        skeleton: names of the J joints.
        ids: (B,) int64 row numbers in the dataset.
        clip: (B,) int64; samples of one clip share a number.
        frame: (B,) int64 frame numbers within the clip, ascending.
    """

    uv: Tensor
    visible: Tensor
    camera: Camera
    skeleton: Skeleton
    ids: Tensor
    clip: Tensor
    frame: Tensor

    def __post_init__(self) -> None:
        name, samples = "KeypointBatch", len(self.uv)
        expect_shape(name, "uv", self.uv, (None, len(self.skeleton), 2))
        expect_shape(name, "visible", self.visible, (samples, len(self.skeleton)))
        expect_shape(name, "camera.focal", self.camera.focal, (samples, 2))
        expect_dtype(name, "uv", self.uv, torch.float32, torch.float64)
        expect_dtype(name, "visible", self.visible, torch.bool)
        for field in ("ids", "clip", "frame"):
            expect_shape(name, field, getattr(self, field), (samples,))

    def known_in(self, other: Skeleton) -> tuple[Tensor, Tensor]:
        """Pixels (B, K, 2) read in another skeleton, and which are known (B, K): those of which every part is seen.

        Pixels that are not known mean nothing, but are finite.
        """
        seen = self.visible & self.uv.isfinite().all(-1)
        uv = torch.where(seen[..., None], self.uv, 0.0)
        if other == self.skeleton:
            return uv, seen
        shares = uv.new_tensor(other.shares_from(self.skeleton))
        needed = (shares > 0).to(uv.dtype)
        known = (seen.to(uv.dtype) @ needed.T == needed.sum(1)) & (needed.sum(1) > 0)
        return shares @ uv, known


@dataclass(frozen=True)
class ImageBatch(Carrier):
    """Person crops, all an image model is given.

    Attributes:
        rgb: (B, 3, S, S) float32 in [0, 1]; S is the model's ``size``.
        camera: intrinsics of the crop; its axes are those of the whole image's camera.
        ids: (B,) int64 row numbers in the dataset.
    """

    rgb: Tensor
    camera: Camera
    ids: Tensor

    def __post_init__(self) -> None:
        expect_shape("ImageBatch", "rgb", self.rgb, (None, 3, None, None))
        expect_shape("ImageBatch", "camera.focal", self.camera.focal, (len(self.rgb), 2))
        expect_shape("ImageBatch", "ids", self.ids, (len(self.rgb),))


@dataclass(frozen=True)
class PoseBatch(Carrier):
    """3D poses.

    Attributes:
        xyz: (B, J, 3) mm, never metres. NaN where a joint cannot be had.
        frame: whether the origin is the root joint or the camera.
        skeleton: names of the J joints.
        ids: (B,) int64 row numbers in the dataset.
        right_uv: (B, J, 2) px, the keypoints as a second camera would see them, of lifters that synthesise them.
        uv: (B, J, 2) px of the dataset's image, the keypoints that an image model found.
    """

    xyz: Tensor
    frame: Frame
    skeleton: Skeleton
    ids: Tensor
    right_uv: Tensor | None = None
    uv: Tensor | None = None

    def __post_init__(self) -> None:
        expect_shape("PoseBatch", "xyz", self.xyz, (None, len(self.skeleton), 3))
        expect_shape("PoseBatch", "ids", self.ids, (len(self.xyz),))
        expect_dtype("PoseBatch", "xyz", self.xyz, torch.float32, torch.float64)
        for field in ("right_uv", "uv"):
            if (pixels := getattr(self, field)) is not None:
                expect_shape("PoseBatch", field, pixels, (len(self.xyz), len(self.skeleton), 2))

    def root_relative(self) -> PoseBatch:
        """The same poses with the root joint, given or derived, at the origin."""
        return replace(self, xyz=self.xyz - self.skeleton.root_of(self.xyz)[:, None], frame=Frame.ROOT)

    def in_skeleton(self, other: Skeleton) -> PoseBatch:
        """The poses read in another skeleton, joints by name, interpolated where they have to be.

        Joints that cannot be had are NaN.
        """
        if other == self.skeleton:
            return self
        xyz = torch.stack(other.columns_from(self.skeleton, self.xyz), dim=1)
        return replace(self, xyz=xyz, skeleton=other, right_uv=None, uv=None)


@dataclass(frozen=True)
class Category(Carrier):
    """A label of each sample out of a closed set.

    Attributes:
        codes: (B,) int64, indices into ``names``.
        names: the labels' names.
    """

    codes: Tensor
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        expect_shape("Category", "codes", self.codes, (None,))


@dataclass(frozen=True)
class Labels(Carrier):
    """What evaluators group samples by.

    Attributes:
        action: what is done.
        subject: who does it.
        clip: which clip a sample belongs to.
        split: ``train`` or ``test``, in datasets that hold both.
        take: what the clip shows; cameras that saw one take are not independent of each other. Of single images that
            belong to none, each picture is one.
        camera: which camera saw it, or the kind of place where it did.
    """

    action: Category
    subject: Category
    clip: Category
    split: Category | None = None
    take: Category | None = None
    camera: Category | None = None


@dataclass(frozen=True)
class Target(Carrier):
    """The truth. Evaluators and trainers see it; methods under test never do.

    Attributes:
        poses: the true poses, camera frame; NaN in datasets that are 2D only.
        labels: action, subject and clip of each sample.
        keypoints: the annotated, projected or detected 2D; lifters were given it.
        head: (B,) px, head size of PCKh, of datasets that know it.
        labelled: (B, J) bool, the joints whose pixels mean something, occluded ones too; None: the visible ones.
    """

    poses: PoseBatch
    labels: Labels
    keypoints: KeypointBatch | None = None
    head: Tensor | None = None
    labelled: Tensor | None = None

    def __post_init__(self) -> None:
        if len(self.poses) != len(self.labels):
            raise ValueError(f"Target: {len(self.poses)} poses but {len(self.labels)} labels")
