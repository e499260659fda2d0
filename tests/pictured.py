"""Tiny pictures, and datasets that have some."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from benchsuite_registry.skeletons import MPII_16

from benchsuite.datasets.dataset import About, Clip, Dataset, in_memory, write_dataset

WIDTH, HEIGHT = 160, 120


def dots(places: np.ndarray, width: int = WIDTH, height: int = HEIGHT, sigma: float = 2.0) -> np.ndarray:
    """(height, width) in [0, 1]: round dots about places (n, 2) px, the first pixel's middle being (0.5, 0.5)."""
    x, y = np.arange(width) + 0.5, np.arange(height) + 0.5
    off = (x[None, None] - places[:, 0, None, None]) ** 2 + (y[None, :, None] - places[:, 1, None, None]) ** 2
    return np.exp(-off / (2 * sigma**2)).max(axis=0)


def middle_of(grey: np.ndarray) -> np.ndarray:
    """(x, y) px, where the light of (H, W) is in the mean."""
    height, width = grey.shape
    light = grey.astype(np.float64)
    return np.array((light.sum(0) @ (np.arange(width) + 0.5), light.sum(1) @ (np.arange(height) + 0.5))) / light.sum()


def spotted(uv: np.ndarray, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """(height, width, 3) uint8: joint j of uv (J, 2) px is a red dot with j + 1 parts of 17 of green; the first is in
    the blue alone, too."""
    light = np.stack([dots(place[None], width, height) for place in uv])
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[..., 0] = (255 * light.max(axis=0)).round()
    rgb[..., 1] = (15 * (light * np.arange(1, len(uv) + 1)[:, None, None]).max(axis=0)).round()
    rgb[..., 2] = (255 * light[0]).round()
    return rgb


def found_dots(rgb: np.ndarray, joints: int = 16) -> np.ndarray:
    """Pixels (joints, 2) of the dots of ``spotted`` in a crop (H, W, 3), told by their colour."""
    red, green = rgb[..., 0].astype(np.float64), rgb[..., 1].astype(np.float64)
    bright = np.where(red > 0.25 * red.max(), red, 0.0)
    number = np.round(17 * green / np.maximum(red, 1e-9)).astype(int)
    return np.stack([middle_of(np.where(number == j + 1, bright, 0.0)) for j in range(joints)])


def people(count: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Columns of people in MPII_16, all joints in the picture and none near another; 3D that projects to them."""
    rng = np.random.default_rng(seed)
    grid = np.stack(np.meshgrid(np.arange(4), np.arange(4)), axis=-1).reshape(16, 2)
    uv = np.empty((count, 16, 2))
    for row in range(count):
        uv[row] = rng.uniform(20, 30, 2) + grid[rng.permutation(16)] * (22.0, 18.0) + rng.uniform(-2, 2, (16, 2))
    focal, center = np.tile((200.0, 210.0), (count, 1)), np.tile((WIDTH / 2, HEIGHT / 2), (count, 1))
    depth = np.tile(rng.uniform(1950, 2050, (count, 1)), (1, 16))
    xyz = np.concatenate(((uv - center[:, None]) / focal[:, None] * depth[..., None], depth[..., None]), axis=2)
    return {
        "uv": uv.astype(np.float32),
        "visible": np.ones((count, 16), dtype=bool),
        "xyz": xyz.astype(np.float32),
        "focal": focal.astype(np.float32),
        "center": center.astype(np.float32),
        "size": np.tile(np.array((WIDTH, HEIGHT), np.int32), (count, 1)),
        "clip": np.zeros(count, np.int32),
        "frame": np.arange(3, 3 + count, dtype=np.int32),
    }


ABOUT = About("spots", "test", MPII_16.name, 0.0, "none", "made up")
CLIPS = (Clip("spots", split="test"),)


def rendered(count: int = 5, **more: np.ndarray) -> Dataset:
    """A dataset with its pictures as a column, in memory."""
    columns = people(count)
    columns["rgb"] = np.stack([spotted(uv) for uv in columns["uv"]])
    return in_memory(ABOUT, {**columns, **more}, CLIPS, f"spots-{count}")


def photographed(folder: Path, count: int = 5, **more: Any) -> Dataset:
    """The same with photographs on disk, beside the dataset; the folder is ``folder/data``."""
    from dataclasses import replace

    from PIL import Image

    made = rendered(count)
    columns = {**made.columns, "image": np.arange(count, dtype=np.int32), **more}
    del columns["rgb"]
    (folder / "photos" / "some").mkdir(parents=True)
    names = tuple(f"some/{k}.png" for k in range(count))
    for name, rgb in zip(names, made.columns["rgb"], strict=True):
        Image.fromarray(rgb).save(folder / "photos" / name)
    return write_dataset(folder / "data", replace(ABOUT, images="../photos"), columns, CLIPS, names)
