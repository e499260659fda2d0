"""Toys that do to their process what no component should. A plugin file; it brings the toys along."""

from __future__ import annotations

import ctypes
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import toys
from benchsuite_registry.contracts import Entry, Measurements, Parameter, Refinement, Scalar
from benchsuite_registry.hookspecs import hookimpl
from benchsuite_registry.poses import KeypointBatch, Labels, PoseBatch, Target

DEEDS = (
    "well",
    "raises",
    "hangs",
    "hogs",
    "faults",
    "leaves",
    "leaves-quietly",
    "interrupts",
    "strange",
    "prints",
    "prints-below",
    "reseeds",
    "reseeds-numpy",
    "reseeds-random",
    "threads",
    "dtype",
    "folder",
    "environment",
    "edits",
    "edits-camera",
    "edits-clip",
    "edits-target",
    "lingers",
)


class Strange(BaseException):
    """No ``Exception``."""


def do(deed: str) -> None:
    """Misbehave."""
    match deed:
        case "raises":
            raise ValueError("no")
        case "hangs":
            os.write(1, b"last words before it hangs\n")
            time.sleep(1000)
        case "hogs":
            np.ones(1 << 40, dtype=np.uint8)
        case "faults":
            os.write(1, b"last words before it faults\n")
            ctypes.string_at(0)
        case "leaves":
            os._exit(3)
        case "leaves-quietly":
            os._exit(0)
        case "interrupts":
            raise KeyboardInterrupt
        case "strange":
            raise Strange("odd")
        case "prints":
            print("hello")
        case "prints-below":
            os.write(1, b"hello from below\n")
        case "reseeds":
            torch.manual_seed(1)
        case "reseeds-numpy":
            np.random.seed(1)  # noqa: NPY002
        case "reseeds-random":
            random.seed(1)
        case "threads":
            torch.set_num_threads(3)
        case "dtype":
            torch.set_default_dtype(torch.float64)
        case "folder":
            os.chdir("/")
        case "environment":
            os.environ["OMP_NUM_THREADS"] = "7"
        case "lingers":
            child = subprocess.Popen((sys.executable, "-c", "import time; time.sleep(1000)"))
            print(f"started {child.pid}")


def edit(deed: str, keypoints: KeypointBatch) -> None:
    """Write into what was handed."""
    match deed:
        case "edits":
            keypoints.uv.zero_()
        case "edits-camera":
            keypoints.camera.focal.mul_(2)
        case "edits-clip":
            keypoints.clip.add_(7)


class RowdyLifter(toys.ToyLifter):
    def __init__(self, off_mm: float = 0.0, deed: str = "well", seconds: float = 0.0) -> None:
        super().__init__(off_mm)
        self.deed, self.seconds = deed, seconds

    def lift(self, keypoints: KeypointBatch) -> Any:
        time.sleep(self.seconds)
        do(self.deed)
        poses = super().lift(keypoints)
        edit(self.deed, keypoints)
        return poses


class RowdyRefiner(toys.ToyRefiner):
    def __init__(self, back_mm: float = 0.0, deed: str = "well") -> None:
        super().__init__(back_mm)
        self.deed = deed

    def refine(self, poses: PoseBatch, keypoints: KeypointBatch) -> Refinement:
        do(self.deed)
        found: Refinement = super().refine(poses, keypoints)
        if self.deed == "edits":
            poses.xyz.zero_()
        else:
            edit(self.deed, keypoints)
        return found


class RowdyEvaluator(toys.ToyEvaluator):
    def __init__(self, deed: str = "well", at: str = "summarise") -> None:
        super().__init__()
        self.deed, self.at = deed, at

    def measure(self, poses: PoseBatch, target: Target) -> Measurements:
        figures = super().measure(poses, target)
        if self.deed == "edits":
            poses.xyz.zero_()
        if self.deed == "edits-target":
            target.poses.xyz.mul_(3)
        return figures

    def summarise(self, measurements: Measurements, labels: Labels) -> Any:
        if self.at == "summarise":
            do(self.deed)
        return super().summarise(measurements, labels)

    def protocol(self) -> dict[str, Scalar]:
        if self.at == "protocol":
            do(self.deed)
        return {**super().protocol()}


_DEED = {"deed": Parameter("well", "what it does", DEEDS)}


@hookimpl
def benchsuite_lifters() -> Iterable[Entry[Any]]:
    mm = {"off_mm": Parameter(0.0, "mm"), "seconds": Parameter(0.0, "s, how long a batch takes")}
    return (Entry("rowdy", RowdyLifter, "", parameters={**mm, **_DEED}),)


@hookimpl
def benchsuite_refiners() -> Iterable[Entry[Any]]:
    mm = {"back_mm": Parameter(0.0, "mm")}
    return (Entry("rowdy-back", RowdyRefiner, "", parameters={**mm, **_DEED}),)


@hookimpl
def benchsuite_evaluators() -> Iterable[Entry[Any]]:
    at = {"at": Parameter("summarise", "where", ("summarise", "protocol"))}
    entry = toys.EVALUATORS[0]
    return (replace(entry, name="rowdy-error", build=RowdyEvaluator, parameters={**_DEED, **at}),)
