"""Components whose numbers are worked out by hand, and that misbehave when told to. Also a plugin file."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchsuite_registry.contracts import Entry, Measurements, Metric, Parameter, Refinement, Scalar
from benchsuite_registry.hookspecs import hookimpl
from benchsuite_registry.poses import Frame, KeypointBatch, Labels, PoseBatch, Target
from benchsuite_registry.registries import Origin, Registries
from benchsuite_registry.skeletons import H36M_17
from people import person

from benchsuite.datasets.dataset import About, Clip, Dataset, in_memory

CLIPS, FRAMES = 3, 5
CALLS: list[tuple[str, int]] = []
"""Who was called with how many samples."""

_TURN = np.array(((1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)))  # the world's Z is up, the camera's Y is down
TRUTH = torch.from_numpy((person() - person()[:1]) @ _TURN.T).float()
"""(17, 3) mm about the root: the one pose of the toy dataset, camera axes."""


def toy_dataset(clips: int = CLIPS, name: str = "toy", *, poses: bool = True) -> Dataset:
    """One pose, seen at 4 m, 4.1 m... in ``clips`` clips of five frames."""
    rows = clips * FRAMES
    xyz = TRUTH.numpy()[None] + np.array((0.0, 0.0, 4000.0)) + np.arange(rows)[:, None, None] * (0.0, 0.0, 100.0)
    columns = {
        "uv": (xyz[..., :2] / xyz[..., 2:] * 1000 + 500).astype(np.float32),
        "visible": np.ones((rows, 17), dtype=bool),
        "xyz": xyz.astype(np.float32),
        "focal": np.full((rows, 2), 1000, np.float32),
        "center": np.full((rows, 2), 500, np.float32),
        "clip": np.repeat(np.arange(clips, dtype=np.int32), FRAMES),
        "frame": np.tile(np.arange(FRAMES, dtype=np.int32), clips),
    }
    if not poses:
        del columns["xyz"]
    about = About(name, "test", "H36M_17", 10.0, "none", "made up")
    described = tuple(Clip(f"clip-{k}", action=f"action-{k % 2}", subject="toy") for k in range(clips))
    return in_memory(about, columns, described, f"{name}-{clips}")


class _Toy:
    """Counts its calls and fails as told."""

    def __init__(self, does: str = "well") -> None:
        self.does = does
        if does == "breaks":
            raise OSError(f"cannot find {Path(__file__).resolve()}")

    def act(self, name: str, count: int) -> None:
        CALLS.append((f"{name}:{self.does}", count))
        match self.does:
            case "raises":
                raise ValueError("no | today")
            case "exits":
                raise SystemExit(3)
            case "interrupts":
                raise KeyboardInterrupt


class ToyLifter(_Toy):
    """Gives the true pose with the right hip ``off_mm`` too far to the right."""

    def __init__(self, off_mm: float = 0.0, does: str = "well") -> None:
        super().__init__(does)
        self.off_mm = off_mm

    def lift(self, keypoints: KeypointBatch) -> Any:
        self.act("lifter", len(keypoints))
        xyz = TRUTH.repeat(len(keypoints), 1, 1)
        off_mm = self.off_mm
        if self.does == "draws":
            off_mm = torch.rand(()).item() + float(np.random.rand()) + random.random()  # noqa: NPY002
        xyz[:, 1, 0] += off_mm
        poses = PoseBatch(xyz, Frame.ROOT, H36M_17, keypoints.ids)
        match self.does:
            case "camera":
                return replace(poses, frame=Frame.CAMERA)
            case "short":
                return poses.rows(slice(1, None))
            case "shuffled":
                return replace(poses, ids=poses.ids.flip(0))
            case "array":
                return xyz.numpy()
            case "shape":
                return PoseBatch(xyz[:, :5], Frame.ROOT, H36M_17, keypoints.ids)
            case "nan":
                return replace(poses, xyz=torch.where(poses.ids[:, None, None] == 7, torch.nan, xyz))
            case "prints":
                print("a method talks")
            case "spoils":
                poses = replace(poses, ids=keypoints.ids.clone())
                keypoints.uv.zero_()
                keypoints.ids.zero_()
        return poses


class ToyRefiner(_Toy):
    """Puts the root at 1 m and moves the right hip ``back_mm`` to the left."""

    def __init__(self, back_mm: float = 0.0, does: str = "well") -> None:
        super().__init__(does)
        self.back_mm = back_mm

    def refine(self, poses: PoseBatch, keypoints: KeypointBatch) -> Any:
        self.act("refiner", len(poses))
        assert keypoints.uv.min() > 0, "somebody spoilt the keypoints"
        xyz = poses.xyz.clone()
        xyz[:, 1, 0] -= self.back_mm
        if self.does == "spoils":
            poses.xyz.zero_()
            poses.ids.zero_()
        count = len(keypoints)
        placed = PoseBatch(xyz + torch.tensor((0.0, 0.0, 1000.0)), Frame.CAMERA, H36M_17, keypoints.ids)
        flags = (keypoints.ids % 5 == 0).to(torch.uint8)
        found = Refinement(placed, torch.full((count,), 1000.0), torch.zeros(count), flags)
        match self.does:
            case "root":
                return replace(found, poses=placed.root_relative())
            case "column":
                return replace(found, cost=torch.zeros(count + 1))
            case "poses":
                return placed
        return found


class ToyEvaluator(_Toy):
    """Mean distance over 17 joints, mm, roots aligned; both the mean over all samples and the sum."""

    def measure(self, poses: PoseBatch, target: Target) -> Measurements:
        self.act("evaluator", len(poses))
        error = poses.root_relative().xyz.double() - target.poses.root_relative().xyz.double()
        figures = {"mm": error.norm(dim=-1).mean(1).numpy()}
        if self.does == "spoils":
            poses.xyz.zero_()
            target.poses.xyz.zero_()
        return {"mm": figures["mm"][1:]} if self.does == "rows" else figures

    def summarise(self, measurements: Measurements, labels: Labels) -> tuple[Metric, ...]:
        assert len(labels) == len(measurements["mm"])
        if self.does == "nothing":
            return ()
        mean = measurements["mm"].mean()
        low: Any = 1j if self.does == "imagines" else mean - 1
        return (Metric("toy error", mean, "mm", "lower", n=len(labels), low=low, high=mean + 1),)

    def protocol(self) -> Mapping[str, Scalar]:
        return {"joints": 17}


def _does(*choices: str) -> Parameter:
    return Parameter("well", "how it behaves", ("well", "raises", "exits", "interrupts", "breaks", "spoils", *choices))


@dataclass(frozen=True)
class Unbuildable:
    """Built where a lifter should be."""


LIFTERS: tuple[Entry[Any], ...] = (
    Entry(
        "toy",
        ToyLifter,
        "the true pose, one joint off",
        "nobody 1999",
        {
            "off_mm": Parameter(0.0, "how far the right hip is off, mm"),
            "does": _does("draws", "camera", "short", "shuffled", "array", "shape", "nan", "prints"),
        },
    ),
    Entry("toy-clips", ToyLifter, "wants whole clips", unit="clip"),
    Entry("toy-wrong", Unbuildable, "no lifter at all"),
)
REFINERS: tuple[Entry[Any], ...] = (
    Entry(
        "toy-back",
        ToyRefiner,
        "moves one joint back",
        parameters={"back_mm": Parameter(0.0, "mm"), "does": _does("root", "column", "poses")},
    ),
)
EVALUATORS: tuple[Entry[Any], ...] = (
    Entry("toy-error", ToyEvaluator, "mean distance", parameters={"does": _does("rows", "nothing", "imagines")}),
    Entry("toy-3d", ToyEvaluator, "mean distance, and says that it needs 3D", needs=("xyz",)),
)


@hookimpl
def benchsuite_lifters() -> Iterable[Entry[Any]]:
    return LIFTERS


@hookimpl
def benchsuite_refiners() -> Iterable[Entry[Any]]:
    return REFINERS


@hookimpl
def benchsuite_evaluators() -> Iterable[Entry[Any]]:
    return EVALUATORS


def toy_registries() -> Registries:
    """Registries that hold the toys alone."""
    made = Registries()
    for kind, entries in (("lifters", LIFTERS), ("refiners", REFINERS), ("evaluators", EVALUATORS)):
        for entry in entries:
            made.kinds()[kind].register(entry, Origin("toys", "1.0"))
    return made
