"""Datasets of any size, of people drawn from the motion prior; the same twenty thousand over and over."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchsuite.datasets.column_writer import ColumnWriter
from benchsuite.datasets.columns import About, Clip
from benchsuite.datasets.dataset import describe_dataset
from benchsuite.filming import place_cameras
from benchsuite.synthetic.source import SyntheticMotion

PEOPLE, CLIPS, ACTIONS = 20_000, 240, 15
NOISE_PX = 3.0
LAYOUT = {
    "uv": ("float32", (17, 2)),
    "visible": ("bool", (17,)),
    "xyz": ("float32", (17, 3)),
    "focal": ("float32", (2,)),
    "center": ("float32", (2,)),
    "clip": ("int32", ()),
    "frame": ("int32", ()),
}


def make_dataset(folder: Path, count: int) -> Path:
    """Write a dataset of ``count`` poses into ``folder``, a few at a time; gives the folder."""
    rng = np.random.default_rng(0)
    world = SyntheticMotion().poses(rng, PEOPLE).astype(np.float64)
    cameras = place_cameras(rng, world[:, 0])
    xyz = cameras.see(world)
    people = {
        "uv": cameras.project(xyz) + rng.normal(0.0, NOISE_PX, (PEOPLE, 17, 2)),
        "visible": np.ones((PEOPLE, 17)),
        "xyz": xyz,
        "focal": cameras.focal,
        "center": cameras.center,
    }
    people = {name: column.astype(LAYOUT[name][0]) for name, column in people.items()}
    with ColumnWriter(folder, LAYOUT, {"poses": count}) as writer:
        for start in range(0, count, PEOPLE):
            rows = np.arange(start, min(start + PEOPLE, count))
            numbers = {"clip": (rows * CLIPS // count).astype(np.int32), "frame": rows.astype(np.int32)}
            writer.append({**{name: column[: len(rows)] for name, column in people.items()}, **numbers})
        writer.commit(count)
        about = About("made-up", "test", "H36M_17", 50.0, "none", "drawn from the motion prior")
        clips = tuple(Clip(f"clip-{k}", action=f"action-{k % ACTIONS}", subject="nobody") for k in range(CLIPS))
        describe_dataset(folder, about, writer.columns(), clips)
        writer.forget()
    return folder
