"""An image model that finds the dots of ``pictured``; also a plugin file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from benchsuite_registry.contracts import Entry, Parameter
from benchsuite_registry.hookspecs import hookimpl
from benchsuite_registry.poses import Frame, ImageBatch, KeypointBatch, PoseBatch
from benchsuite_registry.skeletons import MPII_16
from pictured import found_dots

PLUGIN = __file__


class DotFinder:
    """Finds the dots and takes all joints to be 2 m away; moves the head by ``off_mm``, or loses the pose."""

    size = 128

    def __init__(self, off_mm: float = 0.0, lost: bool = False) -> None:
        self.off_mm, self.lost = off_mm, lost

    def predict(self, images: ImageBatch) -> tuple[KeypointBatch, PoseBatch]:
        uv = torch.from_numpy(np.stack([found_dots(rgb) for rgb in images.rgb.permute(0, 2, 3, 1).numpy()])).float()
        known = torch.ones(uv.shape[:2], dtype=torch.bool)
        keypoints = KeypointBatch(uv, known, images.camera, MPII_16, images.ids, images.ids, images.ids)
        xyz = images.camera.backproject(uv, torch.full(uv.shape[:2], 2000.0))
        xyz[:, MPII_16.index("head_top"), 2] += self.off_mm
        xyz = torch.full_like(xyz, torch.nan) if self.lost else xyz
        return keypoints, PoseBatch(xyz, Frame.CAMERA, MPII_16, images.ids).root_relative()


@hookimpl
def benchsuite_image_models() -> Iterable[Entry[Any]]:
    return (
        Entry(
            "dots",
            DotFinder,
            "finds dots",
            parameters={"off_mm": Parameter(0.0, "mm"), "lost": Parameter(False, "gives no pose")},
        ),
    )
