"""Pictures of stick figures: people of the dataset ``synthetic``, each limb a thick line in a colour of its own."""

from __future__ import annotations

import colorsys
from dataclasses import replace
from functools import lru_cache

import numpy as np
from benchsuite_registry.skeletons import H36M_17

from benchsuite.datasets.dataset import Dataset, in_memory
from benchsuite.images.crops import crop_camera, ends_of, pixels_in_crop, squares_around
from benchsuite.synthetic.source import synthetic_dataset

COLOURS = 255 * np.array([colorsys.hsv_to_rgb(k / 16, 1.0, 1.0 if k % 2 else 0.6) for k in range(16)])


def draw(uv: np.ndarray, xyz: np.ndarray, side: int, width: float) -> np.ndarray:
    """Pictures (N, side, side, 3) uint8 of people (N, 17, 2) px on grey, near limbs over far ones."""
    across = np.arange(side) + 0.5
    pixels = np.stack(np.meshgrid(across, across), axis=-1)  # (side, side, 2), x then y
    pictures = np.full((len(uv), side, side, 3), 128.0)
    for person, points, picture in zip(uv, xyz, pictures, strict=True):
        bones = sorted(enumerate(H36M_17.bones), key=lambda bone: -points[list(bone[1]), 2].mean())
        for number, (start, end) in bones:
            line = person[end] - person[start]
            along = ((pixels - person[start]) @ line / max(line @ line, 1e-9)).clip(0, 1)
            distance = np.linalg.norm(pixels - person[start] - along[..., None] * line, axis=-1)
            covered = (width / 2 + 0.5 - distance).clip(0, 1)[..., None]
            picture[:] = (1 - covered) * picture + covered * COLOURS[number]
    return pictures.round().astype(np.uint8)


@lru_cache
def stick_figures(count: int, *, side: int = 64, seed: int = 0, take: str = "", flat: bool = False) -> Dataset:
    """``count`` people in pictures ``side`` px wide, of one ``take`` or each of its own; without 3D if ``flat``."""
    people = synthetic_dataset(clips=count, frames=1, seed=seed)
    columns = dict(people.columns)
    low, high = ends_of(columns["uv"].astype(np.float64), columns["visible"])
    square = squares_around(np.concatenate((low, high), axis=1), 1.5)
    columns["uv"] = pixels_in_crop(columns["uv"], square, side).astype(np.float32)
    columns["focal"], columns["center"] = (
        part.astype(np.float32) for part in crop_camera(columns["focal"], columns["center"], square, side)
    )
    columns["box"] = np.concatenate([end(columns["uv"], axis=1) for end in (np.min, np.max)], axis=1)
    columns["rgb"] = draw(columns["uv"], columns["xyz"], side, width=side / 24)
    if flat:
        del columns["xyz"]
    about = replace(people.about, name="flat-sticks" if flat else "sticks", intrinsics="unknown" if flat else "known")
    clips = tuple(replace(clip, take=take) for clip in people.clips)
    return in_memory(about, columns, clips, f"sticks {count} {side} {seed} {flat}")
