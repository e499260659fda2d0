"""Made-up motion packed the way that Human3.6M travels, in each of its three formats."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STANDING = {
    0: (0, 0, 950),  # pelvis
    1: (0, -130, 950),  # right leg
    2: (10, -130, 500),
    3: (0, -130, 80),
    4: (120, -130, 30),
    5: (190, -130, 30),
    6: (0, 130, 950),  # left leg
    7: (10, 130, 500),
    8: (0, 130, 80),
    9: (120, 130, 30),
    10: (190, 130, 30),
    11: (0, 0, 950),
    12: (0, 0, 1180),  # spine, thorax, neck/nose, head
    13: (0, 0, 1430),
    14: (60, 0, 1500),
    15: (20, 0, 1640),
    16: (0, 0, 1430),
    17: (0, 150, 1400),  # left arm
    18: (0, 430, 1390),
    19: (0, 680, 1380),
    20: (0, 680, 1380),
    21: (50, 700, 1380),
    22: (0, 760, 1380),
    23: (0, 760, 1380),
    24: (0, 0, 1430),
    25: (0, -150, 1400),  # right arm
    26: (0, -430, 1390),
    27: (0, -680, 1380),
    28: (0, -680, 1380),
    29: (50, -700, 1380),
    30: (0, -760, 1380),
    31: (0, -760, 1380),
}
"""The 32 joints of a person who looks along x with the arms spread, mm, z up."""

EXACT_MM = 1000.0 / 1024.0
"""Multiples of it are exact in float32 both as mm and as m."""

SUBJECTS = ("S1", "S5", "S6", "S7", "S8", "S9", "S11")
FILES: Mapping[str, tuple[str, ...]] = {
    "S1": ("Directions 1", "Photo", "WalkDog 1", "Sitting 2"),
    "S5": ("Discussion 3", "Walking"),
    "S6": ("Eating 1",),
    "S7": ("Waiting 2",),
    "S8": ("SittingDown",),
    "S9": ("Greeting", "Greeting 1", "SittingDown 1", "Waiting 1", "WalkTogether"),
    "S11": ("Directions", "Directions 1", "Phoning 3"),
}
"""Some of each subject's files, with the traps among them."""

CAMERAS = ("54138969", "55011271", "58860488", "60457274")

Takes = dict[tuple[str, str], Array]


def motion(subject: str, name: str, frames: int | None = None) -> Array:
    """(T, 32, 3) mm, world: a person of the subject's size who turns and walks near the middle of the room."""
    rng = np.random.default_rng(zlib.crc32(f"{subject} {name}".encode()))
    count = frames or int(rng.integers(9, 14))
    time = np.arange(count) / 50.0
    body = np.array([STANDING[joint] for joint in range(32)], dtype=np.float64)
    body *= 0.9 + 0.02 * SUBJECTS.index(subject)
    turn = rng.uniform(-np.pi, np.pi) + 1.5 * time
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x, y, z = body.T
    walk = rng.uniform(-300, 300, 2) + 400 * time[:, None]
    world = np.stack((x * cos - y * sin, x * sin + y * cos, np.broadcast_to(z, (count, 32))), axis=2)
    world[..., :2] += walk[:, None]
    return np.round(world / EXACT_MM) * EXACT_MM


def all_takes(files: Mapping[str, Iterable[str]] = FILES) -> Takes:
    """The motion of every file, by subject and the name that Martinez et al. and VideoPose3D give it."""
    return {(subject, name): motion(subject, name) for subject, names in files.items() for name in names}


def nested(takes: Mapping[tuple[str, str], Any]) -> dict[str, dict[str, Any]]:
    """By subject, then by name, as VideoPose3D's dictionaries are."""
    by_subject: dict[str, dict[str, Any]] = {}
    for (subject, name), value in takes.items():
        by_subject.setdefault(subject, {})[name] = value
    return by_subject


def write_videopose3d(folder: Path, takes: Takes) -> Path:
    """``data_3d_h36m.npz``, in m."""
    folder.mkdir(parents=True, exist_ok=True)
    metres: Any = nested({key: (world / 1000.0).astype(np.float32) for key, world in takes.items()})
    np.savez_compressed(folder / "data_3d_h36m.npz", positions_3d=metres)
    return folder


def write_videopose3d_2d(
    folder: Path, name: str, keypoints: Mapping[tuple[str, str], list[Any]], sides: tuple[list[int], list[int]]
) -> None:
    """``data_2d_h36m_<name>.npz``: for each take a list by camera of (T, J, 2) px; which joints are left and right."""
    positions: Any = nested(keypoints)
    metadata: Any = {"num_joints": 0, "keypoints_symmetry": [list(side) for side in sides]}
    np.savez_compressed(folder / f"data_2d_h36m_{name}.npz", positions_2d=positions, metadata=metadata)


def write_martinez(folder: Path, takes: Takes) -> Path:
    """The folder ``h36m`` with an HDF5 file a take."""
    import h5py

    for (subject, name), world in takes.items():
        file = folder / "h36m" / subject / "MyPoses" / "3D_positions" / f"{name}.h5"
        file.parent.mkdir(parents=True, exist_ok=True)
        with h5py.File(file, "w") as opened:
            opened["3D_positions"] = world.reshape(len(world), 96).T
    return folder


def write_official(folder: Path, takes: Takes, *, inside: str = "MyPoseFeatures/D3_Positions") -> Path:
    """Human3.6M's own CDF files; S1's have names of their own."""
    for (subject, name), world in takes.items():
        spelt = name.replace("Photo", "TakingPhoto").replace("WalkDog", "WalkingDog") if subject == "S1" else name
        write_cdf(folder / subject / inside / f"{spelt}.cdf", world)
    return folder


def write_cdf(file: Path, pose: Array) -> None:
    """A CDF file whose variable ``Pose`` is (1, T, 32 times the sides)."""
    from cdflib.cdfwrite import CDF

    file.parent.mkdir(parents=True, exist_ok=True)
    flat = pose.reshape(1, len(pose), -1).astype(np.float32)
    cdf = CDF(file, cdf_spec={"Majority": "row_major"}, delete=True)
    cdf.write_var(
        {
            "Variable": "Pose",
            "Data_Type": 44,  # CDF_FLOAT
            "Num_Elements": 1,
            "Rec_Vary": True,
            "Dim_Sizes": list(flat.shape[1:]),
        },
        var_data=flat,
    )
    cdf.close()
