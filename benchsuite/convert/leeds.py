"""The files that Leeds Sports Pose and its extended set have in common: ``joints`` in MATLAB's format, ``images``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchsuite_registry.skeletons import LSP_14
from numpy.typing import NDArray

from benchsuite.convert.archives import WrongSource, read_mat, unpacked
from benchsuite.convert.photographs import photograph_sizes

_SUFFIXES = frozenset({".mat", ".jpg"})
_FLAGGED = {
    "lsp": ("LSP", "few", "occluded"),
    "lspet": ("LSPET", "most", "labelled"),
}
"""Of each set: its name, how many joints are flagged 1, and what the flag means."""


@dataclass(frozen=True)
class Annotations:
    """N people, a photograph each.

    Attributes:
        uv: (N, 14, 2) px.
        flag: (N, 14), whether a joint is flagged.
        photographs: where each lies, None where it is missing.
        size: (N, 2) px of the photographs, 0 where unknown.
    """

    uv: NDArray[np.float64]
    flag: NDArray[np.bool_]
    photographs: list[Path | None]
    size: NDArray[np.int64]


def read_annotations(source: Path, which: str) -> Annotations:
    """The annotations of ``lsp`` or ``lspet``.

    Args:
        source: a folder with ``joints.mat`` or one of that name after ``which``, that file, or a zip archive with it.
            Photographs are looked for in ``images`` beside it.
        which: decides what the flag means, and so is held against it.

    Raises:
        FileNotFoundError: there is no such source, or no such file in it.
        WrongSource: the file is of another layout, or of the other set.
    """
    with unpacked(source, _SUFFIXES) as folder:
        file = _joints_file(source, folder, f"{which}_joints.mat")
        uv, flag = _read_joints(file)
        share = float(flag.mean())
        found = "lspet" if share > 0.5 else "lsp"
        if found != which:
            (name, count, meaning), (other, _, means) = _FLAGGED[which], _FLAGGED[found]
            raise WrongSource(
                file,
                f"{name}, where {count} joints are flagged 1, {meaning}",
                f"{share:.0%} flagged: this is {other}, where 1 means {means}; convert it as {found}",
            )
        photographs = _photographs(file, len(uv))
        return Annotations(uv, flag, photographs, photograph_sizes(photographs))


def _joints_file(source: Path, folder: Path, name: str) -> Path:
    """The file itself, or ``name`` or ``joints.mat`` in a folder or one below it."""
    if folder.is_file():
        return folder
    for place in (name, "joints.mat", f"*/{name}", "*/joints.mat"):
        if found := sorted(folder.glob(place)):
            return found[0]
    raise FileNotFoundError(f"{source}: wanted {name} or joints.mat, found neither")


def _read_joints(file: Path) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Pixels (N, 14, 2) and flags (N, 14) of ``joints``, whether it is 3 x 14 x N or 14 x 3 x N."""
    joints: Any = read_mat(file).get("joints")
    shape: tuple[int, ...] = getattr(joints, "shape", ())
    count = len(LSP_14)
    if len(shape) == 3 and shape[:2] in ((3, count), (count, 3)) and shape[2] and joints.dtype.kind in "uif":
        rows = joints.transpose((2, 1, 0) if shape[0] == 3 else (2, 0, 1)).astype(np.float64)
        return rows[..., :2], np.asarray(rows[..., 2] > 0)
    raise WrongSource(file, f"joints of (3, {count}, N) or ({count}, 3, N)", str(shape or "none"))


def _photographs(file: Path, count: int) -> list[Path | None]:
    there = {int(f.stem[2:]): f for f in (file.parent / "images").glob("im*.jpg") if f.stem[2:].isdecimal()}
    return [there.get(number) for number in range(1, count + 1)]
