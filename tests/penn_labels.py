"""Label files of the kind that Penn Action comes in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.io import savemat


def penn(folder: Path, number: int, frames: int = 30, **changed: Any) -> Path:
    """A label file: joint j of frame t at (10 + j + t, 20 + 2j); index 1 to the left of index 2, as in a front view."""
    x = 10.0 + np.arange(13) + np.arange(frames)[:, None]
    y = np.tile(20.0 + 2 * np.arange(13), (frames, 1))
    mat = {
        "action": "squat",
        "pose": "front",
        "train": 1,
        "x": x,
        "y": y,
        "visibility": np.ones((frames, 13), np.uint8),
        "bbox": np.tile((5.0, 6.0, 105.0, 206.0), (frames, 1)),
        "dimensions": np.array([[360, 480, frames]], np.uint16),
        "nframes": frames,
    }
    file = folder / f"{number:04d}.mat"
    file.parent.mkdir(parents=True, exist_ok=True)
    savemat(file, mat | changed, do_compression=True)
    return file
