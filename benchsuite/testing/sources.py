"""Checks of lifters and image models: poses that a person could have, in mm, about the root."""

from __future__ import annotations

import torch
from benchsuite_registry.poses import ImageBatch, KeypointBatch, PoseBatch

from benchsuite.testing.findings import IMAGE_MODEL, LIFTER, check
from benchsuite.testing.subject import NotConforming, Subject

SHORTEST_BONE_MM, LONGEST_BONE_MM = 50.0, 1000.0

_AT_ORIGIN_MM = 0.01
_BEYOND = 1.0
"""How far outside the crop, in its widths, a keypoint may lie."""


@check(LIFTER, IMAGE_MODEL)
def root_is_at_the_origin(subject: Subject) -> None:
    """The root joint of every pose is at the origin."""
    poses = _poses(subject)
    off = float((poses.xyz - poses.root_relative().xyz).abs().max())
    if not off <= _AT_ORIGIN_MM:
        raise NotConforming(f"wanted the root, {poses.skeleton.root}, at the origin, found it {off:.4g} mm off")


@check(LIFTER, IMAGE_MODEL)
def poses_are_in_millimetres(subject: Subject) -> None:
    """Bones are 50-1000 mm long, as people's are, taking the middle one of all; metres or pixels are not."""
    poses = _poses(subject)
    parents, children = zip(*poses.skeleton.bones, strict=True)
    lengths = (poses.xyz[:, list(children)] - poses.xyz[:, list(parents)]).norm(dim=-1)
    middle = float(lengths.nanmedian())
    if not SHORTEST_BONE_MM <= middle <= LONGEST_BONE_MM:
        hint = "; this looks like metres" if SHORTEST_BONE_MM <= middle * 1000 <= LONGEST_BONE_MM else ""
        raise NotConforming(f"wanted bones of 50-1000 mm, found {middle:.4g} in the middle{hint}")


@check(LIFTER, IMAGE_MODEL)
def poses_are_finite(subject: Subject) -> None:
    """Of complete keypoints or a whole picture come finite poses; a joint that cannot be had is NaN in all of them."""
    finite = _poses(subject).xyz.isfinite().all(-1)
    if not finite.any() or (finite.any(0) != finite.all(0)).any():
        raise NotConforming(f"wanted finite joints, found {int((~finite).sum())} of {finite.numel()} that are not")


@check(IMAGE_MODEL)
def size_is_a_whole_number(subject: Subject) -> None:
    """``size``, the side of the crops it wants, is a positive whole number of pixels."""
    size = subject.made.size
    if type(size) is not int or size < 1:
        raise NotConforming(f"wanted a positive int, found {size!r}")


@check(IMAGE_MODEL)
def takes_crops_without_a_person(subject: Subject) -> None:
    """Crops that are all black, all white or noise give a row each."""
    images: ImageBatch = subject.given[0]
    grain = torch.rand(images.rgb[:1].shape, generator=torch.Generator().manual_seed(0))
    plain = torch.cat((torch.zeros_like(grain), torch.ones_like(grain), grain))
    three = ImageBatch(plain, images.camera.rows(torch.zeros(3, dtype=torch.int64)), torch.arange(3))
    for name, column in subject.gives((three,)).items():
        if len(column) != 3:
            raise NotConforming(f"{name}: wanted 3 rows, found {len(column)}")


@check(IMAGE_MODEL)
def keypoints_are_in_the_crops_pixels(subject: Subject) -> None:
    """Keypoints are pixels of the crop, whose camera they come with: not normalised, not the photograph's."""
    images: ImageBatch = subject.given[0]
    keypoints: KeypointBatch = subject.gave[0]
    camera = keypoints.camera
    if not (torch.equal(camera.focal, images.camera.focal) and torch.equal(camera.center, images.camera.center)):
        raise NotConforming("wanted the crop's camera with the keypoints, found another")
    size = images.rgb.shape[-1]
    low, high = float(keypoints.uv.min()), float(keypoints.uv.max())
    if not (low >= -_BEYOND * size and high <= (1 + _BEYOND) * size):
        raise NotConforming(f"wanted keypoints in a crop of {size} px, found {low:.4g} to {high:.4g}")
    extent = float((keypoints.uv.amax(1) - keypoints.uv.amin(1)).amax())
    if size > 2 and extent <= 2.0:
        raise NotConforming(f"wanted keypoints in px, found a person {extent:.3g} px tall in a crop of {size} px")


def _poses(subject: Subject) -> PoseBatch:
    gave = subject.gave
    poses: PoseBatch = gave[1] if isinstance(gave, tuple) else gave
    return poses
