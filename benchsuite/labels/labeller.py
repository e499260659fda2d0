"""One batch of people: cropped, lifted, refined, judged."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from benchsuite_registry.contracts import Lifter, Refinement, Refiner
from benchsuite_registry.poses import Camera, KeypointBatch, PoseBatch
from benchsuite_registry.registries import Component
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray

from benchsuite.datasets.dataset import COLUMNS, Dataset
from benchsuite.images.pictures import in_source_of
from benchsuite.joints import read_known
from benchsuite.labels import DEFAULT_INTRINSICS, THRESHOLD
from benchsuite.labels.crop import CROP_PX, Bools, Crops, Floats, crops_of
from benchsuite.labels.intrinsics import People, cameras, check_hypothesis
from benchsuite.labels.quality import PARTS, Labelled, faults, parts, scores
from benchsuite.running.pipeline import Settings
from benchsuite.running.predicting import lift, refine
from benchsuite.running.provenance import described
from benchsuite.running.stages import Stage

LEAST_JOINTS = 4

REASONS = (
    "kept",
    "score below the threshold",
    "no visible joint",
    f"fewer than {LEAST_JOINTS} visible joints",
    "zero-size crop",
    "no visible root",
    "no finite pose",
    "no depth",
)
"""What became of a person. All but the first two cannot be labelled; their score is 0."""
KEPT, BELOW, NO_JOINT, FEW_JOINTS, NO_CROP, NO_ROOT, NO_POSE, NO_DEPTH = range(len(REASONS))

VERDICT = ("reason", "score", "depth_mm", "flags", *PARTS)
"""What is remembered of every person, kept or not, one number each."""

T = TypeVar("T")
Columns = dict[str, NDArray[Any]]
Labels = tuple[slice, Columns, NDArray[np.float32]]
"""Some rows, their labels and the verdict on each of their people."""


class LabellingStopped(RuntimeError):
    """A method failed; says which one and how."""


@dataclass(frozen=True)
class Recipe:
    """How labels are made.

    Attributes:
        lifter: lifts the keypoints.
        refiner: places the poses before the camera.
        agree: refiners whose depths are compared with the refiner's.
        intrinsics: one of ``benchsuite.labels.INTRINSICS``.
        threshold: labels that score less are not kept.
        keep_all: write them all the same.
        settings: seed, batch, device.
    """

    lifter: Component[Lifter]
    refiner: Component[Refiner]
    agree: tuple[Component[Refiner], ...] = ()
    intrinsics: str = DEFAULT_INTRINSICS
    threshold: float = THRESHOLD
    keep_all: bool = False
    settings: Settings = field(default_factory=lambda: Settings(batch=4096))

    @property
    def components(self) -> tuple[Component[Any], ...]:
        """Everyone who acts."""
        return (self.lifter, self.refiner, *self.agree)

    def document(self) -> dict[str, Any]:
        """All that labels follow from, beside the 2D dataset; JSON-able."""
        return {
            "lifter": described(self.lifter),
            "refiner": described(self.refiner),
            "agree": [described(component) for component in self.agree],
            "intrinsics": self.intrinsics,
            "threshold": self.threshold,
            "keep_all": self.keep_all,
            "seed": self.settings.seed,
            "batch": self.settings.batch,
            "device": self.settings.device.type,
        }


class Labeller:
    """Labels a dataset's people, batch by batch.

    Args:
        source: with 2D keypoints in any skeleton.
        recipe: how.

    Raises:
        LabellingStopped: a method cannot be built.
        WrongDataset: the intrinsics hypothesis needs what the dataset does not say.
    """

    def __init__(self, source: Dataset, recipe: Recipe) -> None:
        check_hypothesis(recipe.intrinsics, source)
        self._source, self._recipe = source, recipe
        settings = recipe.settings
        self._lifter, self._refiner, *self._agree = (
            Stage(component, settings.seed, settings.device) for component in recipe.components
        )
        self._check()
        self._own = np.array([joint in source.skeleton.joints for joint in H36M_17.joints])
        self._possible = np.array([weights is not None for weights in H36M_17.weights_from(source.skeleton)])

    def each(self, batches: Sequence[slice]) -> Generator[Labels, None, None]:
        """The labels of each batch of rows, see ``label``."""
        for rows in batches:
            yield rows, *self.label(rows)

    def label(self, rows: slice) -> tuple[Columns, NDArray[np.float32]]:
        """The labels of some rows, and the verdict (B, V) on each of their people.

        Raises:
            LabellingStopped: a method raised, or did not keep its contract.
        """
        source = self._source
        given = source.keypoints(rows)
        uv = given.uv.double().numpy()
        labelled = source.columns["labelled"][rows] if "labelled" in source.columns else given.visible.numpy()
        visible = labelled & np.isfinite(uv).all(-1)  # where an occluded joint is, its annotator knew better than we
        box = source.columns["box"][rows].astype(np.float64) if "box" in source.columns else None
        crops = crops_of(uv, visible, box)
        uv = np.where(visible[..., None], crops.points(uv), 0.0)
        people = People(*read_known(uv, visible, source.skeleton, H36M_17), crops, rows)
        focal, center = (c.astype(np.float32) for c in cameras(self._recipe.intrinsics, people, source))
        reason = _why_not(visible, people.known, crops)
        able = np.flatnonzero(reason == KEPT)
        keypoints = KeypointBatch(
            torch.from_numpy(uv.astype(np.float32)),
            torch.from_numpy(visible),
            Camera(torch.from_numpy(focal), torch.from_numpy(center)),
            source.skeleton,
            given.ids,
            given.clip,
            given.frame,
        ).rows(torch.from_numpy(able))
        found = self._found(keypoints, people.known[able])

        xyz = np.full((len(uv), len(H36M_17), 3), np.nan, np.float32)
        xyz[able] = found.xyz
        each = np.zeros((len(uv), len(PARTS)), np.float32)
        each[able] = parts(faults(found))
        reason[able] = np.select(
            [~np.isfinite(found.xyz).all((1, 2)), ~np.isfinite(found.depth_mm)], [NO_POSE, NO_DEPTH], KEPT
        )
        score = np.where(reason == KEPT, scores(each), np.float32(0.0))
        reason[(reason == KEPT) & (score < self._recipe.threshold)] = BELOW
        depth, flags = np.full(len(uv), np.nan), np.zeros(len(uv))
        depth[able], flags[able] = found.depth_mm, found.flags
        verdict = np.column_stack((reason, score, depth, flags, each)).astype(np.float32)

        kept = np.arange(len(uv)) if self._recipe.keep_all else np.flatnonzero(reason == KEPT)
        seen = people.known & self._own
        with np.errstate(divide="ignore", invalid="ignore"):
            projected = xyz[..., :2] / xyz[..., 2:] * focal[:, None] + center[:, None]
        columns = {
            "uv": np.where(seen[..., None], people.uv, np.nan_to_num(projected)).astype(np.float32),
            "visible": seen,
            "xyz": xyz,
            "focal": focal,
            "center": center,
            "size": np.full((len(uv), 2), CROP_PX, np.int32),
            "crop": in_source_of(source, rows, crops.squares).astype(np.float32),
            "clip": given.clip.numpy().astype(np.int32),
            "frame": given.frame.numpy().astype(np.int32),
            "score": score,
            "row": given.ids.numpy(),
        }
        if "image" in source.columns:
            columns["image"] = np.asarray(source.columns["image"][rows])
        return {name: column[kept] for name, column in columns.items()}, verdict

    @torch.inference_mode()
    def _found(self, keypoints: KeypointBatch, known: Bools) -> Labelled:
        device = self._recipe.settings.device
        step = int(keypoints.ids[0]) if len(keypoints) else 0

        def own() -> KeypointBatch:  # everybody gets a copy, which he may spoil
            return keypoints.rows(torch.arange(len(keypoints))).to(device)

        def refined(stage: Stage, poses: PoseBatch) -> Refinement:
            return self._whole(stage.attempt(step, refine, poses, own()))

        lifted = self._whole(self._lifter.attempt(step, lift, own()))
        found = refined(self._refiner, lifted)
        again = refined(self._refiner, found.poses.root_relative())  # what is still flagged is the keypoints' fault
        others = [refined(stage, lifted).depth_mm for stage in self._agree]
        return Labelled(
            lifted=_array(lifted.in_skeleton(H36M_17).xyz),
            xyz=_array(found.poses.in_skeleton(H36M_17).xyz),
            seen=known & self._own,
            missing=1.0 - known[:, self._possible].mean(1),
            depth_mm=_array(found.depth_mm),
            others_mm=[_array(other) for other in others],
            flags=(found.flags & ~again.flags).to(torch.uint8).cpu().numpy(),
        )

    def _whole(self, made: T | None) -> T:
        self._check()
        assert made is not None
        return made

    def _check(self) -> None:
        for stage in (self._lifter, self._refiner, *self._agree):
            if stage.failure:
                what = stage.failure.message.removeprefix(f"{stage.name}: ")
                raise LabellingStopped(f"{stage.name}: {stage.failure.type}: {what}")


def layout(source: Dataset) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Of the columns that ``label`` returns, and beside them the verdict and pictures that are no photographs."""
    joints = len(H36M_17)
    pictures = {
        name: (COLUMNS[name][0], source.columns[name].shape[1:]) for name in ("image", "rgb") if name in source.columns
    }
    return {
        "uv": ("float32", (joints, 2)),
        "visible": ("bool", (joints,)),
        "xyz": ("float32", (joints, 3)),
        "focal": ("float32", (2,)),
        "center": ("float32", (2,)),
        "size": ("int32", (2,)),
        "crop": ("float32", (4,)),
        "clip": ("int32", ()),
        "frame": ("int32", ()),
        "score": ("float32", ()),
        "row": ("int64", ()),
        "verdict": ("float32", (len(VERDICT),)),
        **pictures,
    }


def _why_not(visible: Bools, known: Bools, crops: Crops) -> NDArray[np.int64]:
    """The first reason (B,) why a person cannot be labelled; ``KEPT`` where there is none."""
    count = visible.sum(1)
    reasons = {
        NO_JOINT: count == 0,
        FEW_JOINTS: count < LEAST_JOINTS,
        NO_CROP: ~(crops.side > 0),
        NO_ROOT: ~known[:, H36M_17.root_index],
    }
    return np.select(list(reasons.values()), list(reasons), KEPT)


def _array(tensor: torch.Tensor) -> Floats:
    return tensor.detach().cpu().double().numpy()
