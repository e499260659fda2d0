"""Sources and refiners at work on one batch: what they are handed, and the checks of what they hand back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import torch
from benchsuite_registry.contracts import Refinement
from benchsuite_registry.poses import Camera, Frame, ImageBatch, KeypointBatch, PoseBatch, Target

from benchsuite.datasets.columns import let_go
from benchsuite.datasets.dataset import Dataset
from benchsuite.running.handed import left_alone
from benchsuite.running.stages import BrokenContract, Stage

T = TypeVar("T")
R = TypeVar("R")

CROPS = 64
"""Most crops that an image model is handed in one go."""


@dataclass(frozen=True)
class Predicted:
    """What a source made of one batch.

    Attributes:
        poses: ``Frame.ROOT``; of image models with ``uv``, the keypoints in the dataset's pixels.
        keypoints: what refiners go by: the dataset's 2D, or what the image model found in its crops.
    """

    poses: PoseBatch
    keypoints: KeypointBatch


@dataclass(frozen=True)
class Samples:
    """One batch of a dataset, read.

    Attributes:
        rows: which samples.
        keypoints: their 2D side.
        target: their truth.
    """

    rows: slice
    keypoints: KeypointBatch
    target: Target


def read_ahead(
    dataset: Dataset, batches: Iterable[slice], device: torch.device
) -> Iterator[tuple[slice, Future[Samples]]]:
    """The samples of ``batches``, for ``device``; while one batch is worked on, the next is read from the disk."""

    def read(rows: slice) -> Samples:
        target = dataset.target(rows)
        let_go(dataset.columns.values())
        keypoints = dataset.keypoints(rows) if target.keypoints is None else target.keypoints
        return Samples(rows, keypoints.pinned() if device.type == "cuda" else keypoints, target)

    return _one_ahead(read, batches)


def _one_ahead(act: Callable[[T], R], things: Iterable[T]) -> Iterator[tuple[T, Future[R]]]:
    """Each of ``things`` and what ``act`` makes of it, which it sets about one thing early, in a thread."""
    with ThreadPoolExecutor(1) as thread:
        coming: tuple[T, Future[R]] | None = None
        for thing in things:
            following = thing, thread.submit(act, thing)
            if coming:
                yield coming
            coming = following
        if coming:
            yield coming


def predict(
    made: Any, stage: Stage, dataset: Dataset, coming: Future[Samples], device: torch.device
) -> tuple[Predicted, Target]:
    """What a source, a lifter or an image model, makes of samples of ``dataset``, and their truth.

    Raises:
        BrokenContract: it is not as agreed.
        WrongDataset: the dataset has no pictures, or one does not read.
    """
    samples = coming.result()
    own = samples.keypoints.to(device)
    if stage.kind == "image model":
        return _look(made, stage, dataset, samples.rows, own), samples.target
    return Predicted(lift(made, stage, own.copy()), own), samples.target


def lift(made: Any, stage: Stage, keypoints: KeypointBatch) -> PoseBatch:
    """What a lifter makes of keypoints.

    Raises:
        BrokenContract: it is not as agreed.
    """
    ids, device = keypoints.ids.clone(), keypoints.uv.device  # before the lifter may change them
    with left_alone(stage.remark, keypoints):
        poses: PoseBatch = made.lift(keypoints)
    _check_poses(stage.name, poses, Frame.ROOT, ids, device)
    return poses


def _look(made: Any, stage: Stage, dataset: Dataset, rows: slice, own: KeypointBatch) -> Predicted:
    """What an image model makes of the crops of ``rows``, so many at a time."""
    if type(made.size) is not int or made.size < 1:
        raise BrokenContract(f"{stage.name}: size: wanted a whole number of px, found {made.size!r}")
    found = [_seen(made, stage, images, own.uv.device) for images in _crops(dataset, rows, made.size)]
    camera = Camera(*(torch.cat([getattr(camera, name) for _, _, camera in found]) for name in ("focal", "center")))
    uv, visible = (torch.cat([getattr(keypoints, name) for keypoints, _, _ in found]) for name in ("uv", "visible"))
    keypoints = KeypointBatch(uv, visible, camera, found[0][0].skeleton, own.ids, own.clip, own.frame)
    xyz, in_picture = torch.cat([poses.xyz for _, poses, _ in found]), camera.pixels_in(uv, own.camera)
    return Predicted(PoseBatch(xyz, Frame.ROOT, keypoints.skeleton, own.ids, uv=in_picture), keypoints)


def _crops(dataset: Dataset, rows: slice, size: int) -> Iterator[ImageBatch]:
    """The crops of ``rows``; while one batch is looked at, the next is cut."""
    everybody = dataset.numbers(rows)
    batches = [everybody[start : start + CROPS] for start in range(0, len(everybody), CROPS)]
    for _, images in _one_ahead(lambda some: dataset.images(some, size), batches):
        yield images.result()


def _seen(made: Any, stage: Stage, images: ImageBatch, device: torch.device) -> tuple[KeypointBatch, PoseBatch, Camera]:
    """What an image model makes of crops, and their camera."""
    ids, camera = images.ids.clone(), images.camera.copy().to(device)  # before the model may change them
    handed = images.to(device)
    with left_alone(stage.remark, handed):
        found = made.predict(handed)
    if not isinstance(found, tuple) or len(found) != 2:
        raise BrokenContract(f"{stage.name}: wanted keypoints and poses, found a {type(found).__name__}")
    keypoints, poses = found
    check_type(stage.name, keypoints, KeypointBatch)
    _check_ids(stage.name, "keypoints", keypoints, ids)
    _check_poses(stage.name, poses, Frame.ROOT, ids, device)
    if keypoints.skeleton != poses.skeleton:
        skeletons = f"keypoints in {keypoints.skeleton.name}, poses in {poses.skeleton.name}"
        raise BrokenContract(f"{stage.name}: wanted both in one skeleton, found {skeletons}")
    return keypoints, poses, camera


def refined(made: Any, stage: Stage, predicted: Predicted) -> PoseBatch:
    """What a refiner makes of a source's poses; the keypoints that the source found stay with them.

    Raises:
        BrokenContract: it is not as agreed.
    """
    found = refine(made, stage, predicted.poses, predicted.keypoints.copy())
    stage.flagged += int((found.flags != 0).sum())
    if found.poses.skeleton == predicted.poses.skeleton:
        return replace(found.poses, uv=predicted.poses.uv)
    return found.poses


def refine(made: Any, stage: Stage, poses: PoseBatch, keypoints: KeypointBatch) -> Refinement:
    """What a refiner makes of poses, of which it is handed a copy.

    Raises:
        BrokenContract: it is not as agreed.
    """
    ids, device, handed = keypoints.ids.clone(), keypoints.uv.device, poses.copy()
    with left_alone(stage.remark, handed, keypoints):
        found: Refinement = made.refine(handed, keypoints)
    check_type(stage.name, found, Refinement)
    _check_poses(stage.name, found.poses, Frame.CAMERA, ids, device)
    for column in ("depth_mm", "cost", "flags"):
        shape = tuple(getattr(found, column).shape)
        if shape != (len(poses),):
            raise BrokenContract(f"{stage.name}: {column}: wanted shape {(len(poses),)}, found {shape}")
    return found


def check_type(name: str, found: object, wanted: type) -> None:
    """Refuse what is of another type.

    Raises:
        BrokenContract: it is; says what was wanted and found.
    """
    if not isinstance(found, wanted):
        raise BrokenContract(f"{name}: wanted a {wanted.__name__}, found a {type(found).__name__}")


def _check_poses(name: str, poses: PoseBatch, frame: Frame, ids: torch.Tensor, device: torch.device) -> None:
    check_type(name, poses, PoseBatch)
    if poses.frame is not frame:
        raise BrokenContract(f"{name}: wanted poses in {frame}, found {poses.frame}")
    if poses.xyz.device != device:
        raise BrokenContract(f"{name}: wanted poses on {device}, found them on {poses.xyz.device}")
    _check_ids(name, "poses", poses, ids)


def _check_ids(name: str, what: str, batch: KeypointBatch | PoseBatch, wanted: torch.Tensor) -> None:
    if batch.ids.dtype == wanted.dtype and torch.equal(batch.ids, wanted.to(batch.ids.device)):
        return
    found = batch.ids.tolist()
    if len(found) != len(wanted):
        raise BrokenContract(f"{name}: wanted {len(wanted)} {what}, found {len(found)}")
    for want, have in zip(wanted.tolist(), found, strict=True):
        if want != have:
            raise BrokenContract(f"{name}: wanted ids in the order given: {want} where {have} was found")
