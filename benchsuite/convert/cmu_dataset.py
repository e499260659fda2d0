"""CMU's takes filmed by four virtual cameras each, as the dataset folders ``train`` and ``test``."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray
from tqdm import tqdm

from benchsuite.convert.cmu import Split, Take, find_takes, read_take
from benchsuite.convert.outcome import Outcome
from benchsuite.datasets.dataset import About, Clip, write_dataset
from benchsuite.filming import VirtualCameras, place_cameras

FPS: dict[Split, float] = {"train": 20.0, "test": 10.0}
CAMERAS = 4
IMAGE_SIZE_PX = 1000.0
TRIES = 64
"""Draws of each camera, of which the one that sees most of the take stays."""

LICENCE = "CMU Graphics Lab Motion Capture Database: free for all uses, no direct resale"


def convert(source: Path, out: Path, seed: int) -> Outcome:
    """Write ``out/train`` and ``out/test`` from a folder of CMU motion capture.

    Split by performer; 20 Hz for training, 10 Hz for test. Every take is filmed by four cameras with Human3.6M's
    intrinsics, 3-7 m from the middle of the take, one in each quarter of the compass. Frames in which a camera does
    not see the whole person are left out of its clip.

    Args:
        source: CMU's folder or any below it.
        out: folder to write.
        seed: of the cameras; a take's cameras depend on its name and the seed alone.

    Raises:
        NotADirectoryError: ``source`` is no folder.
        FileNotFoundError: it holds no take.
    """
    takes: dict[Split, list[Take]] = {"train": [], "test": []}
    problems: list[str] = []
    notes: list[str] = []
    for file in tqdm(find_takes(source), desc="reading", unit="take", disable=None):
        notes += [f"{file.name}: {file.path.name} taken, {other.name} left out" for other in file.duplicates]
        try:
            takes[file.split].append(read_take(file))
        except (ValueError, OSError) as error:
            problems.append(str(error))
    for split, some in takes.items():
        if some:
            notes.append(_write(some, split, out / split, source, seed))
    return Outcome(notes, problems)


def _write(takes: Sequence[Take], split: Split, out: Path, source: Path, seed: int) -> str:
    fps = FPS[split]
    clips: list[Clip] = []
    parts: dict[str, list[NDArray[np.generic]]] = {
        name: [] for name in ("uv", "xyz", "focal", "center", "clip", "frame")
    }
    unseen = total = 0
    for take in tqdm(takes, desc=f"filming {split}", unit="take", disable=None):
        stride = round(take.fps / fps)
        frames = np.arange(0, len(take.world), stride)
        world = take.world[frames].astype(np.float64)
        rng = np.random.default_rng((seed, zlib.crc32(take.name.encode())))
        for number in range(CAMERAS):
            camera, xyz, uv, seen = _best_camera(rng, world, number)
            kept = np.flatnonzero(seen)
            total, unseen = total + len(frames), unseen + len(frames) - len(kept)
            if not len(kept):
                continue
            columns = {
                "uv": uv[kept].astype(np.float32),
                "xyz": xyz[kept].astype(np.float32),
                "focal": np.repeat(camera.focal, len(kept), axis=0).astype(np.float32),
                "center": np.repeat(camera.center, len(kept), axis=0).astype(np.float32),
                "clip": np.full(len(kept), len(clips), dtype=np.int32),
                "frame": frames[kept].astype(np.int32),
            }
            for name, column in columns.items():
                parts[name].append(column)
            clips.append(
                Clip(
                    name=f"{take.name}.cam{number + 1}",
                    action=take.action,
                    subject=take.performer,
                    camera=f"cam{number + 1}",
                    take=take.name,
                    rotation=tuple(camera.rotation[0].ravel().tolist()),
                    position=tuple(camera.position[0].tolist()),
                )
            )
    if not clips:
        return f"{split}: nothing written: in none of {total} frames does a camera see the whole person"
    columns = {name: np.concatenate(some) for name, some in parts.items()}
    columns["visible"] = np.ones(columns["uv"].shape[:2], dtype=bool)
    about = About(
        name="cmu",
        split=split,
        skeleton=H36M_17.name,
        fps=fps,
        licence=LICENCE,
        source="CMU motion capture, filmed by virtual cameras",
        made_by=f"benchsuite convert cmu {source.name} -o {out.parent.name} --seed {seed}",
        notes=(f"{unseen} of {total} frames left out: the camera did not see the whole person",),
    )
    write_dataset(out, about, columns, tuple(clips))
    return f"{split}: {len(columns['uv'])} samples in {len(clips)} clips of {len(takes)} takes; {about.notes[0]}"


def _best_camera(
    rng: np.random.Generator, world: NDArray[np.float64], number: int
) -> tuple[VirtualCameras, NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """The camera of ``TRIES`` in quarter ``number`` of the compass that sees the whole person in most frames.

    Args:
        world: (T, 17, 3) mm.

    Returns:
        The camera (one), camera-frame points (T, 17, 3) mm, pixels (T, 17, 2), and which frames it sees (T,).
    """
    middle = (world[:, 0].min(0) + world[:, 0].max(0)) / 2
    headings = (number + rng.random(TRIES)) * (np.pi / 2)
    cameras = place_cameras(rng, np.repeat(middle[None], TRIES, axis=0), headings=headings)
    some = world[:: max(1, len(world) // 50)]
    coverage = _sees(*_shot(cameras, some)).mean(axis=1)
    best = cameras.only(int(coverage.argmax()))
    xyz, uv = _shot(best, world)
    return best, xyz[0], uv[0], _sees(xyz, uv)[0]


def _shot(cameras: VirtualCameras, world: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    xyz = cameras.see(np.broadcast_to(world, (len(cameras), *world.shape)))
    return xyz, cameras.project(xyz)


NEAREST_MM = 1000.0


def _sees(xyz: NDArray[np.float64], uv: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which frames (C, T) have every joint in the picture and in front of the camera."""
    inside = ((uv >= 0) & (uv <= IMAGE_SIZE_PX)).all(axis=(2, 3))
    return np.asarray(inside & (xyz[..., 2] > NEAREST_MM).all(axis=2))
