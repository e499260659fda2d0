"""The 2D keypoints that Human3.6M archives keep beside the poses: detections, or projections through the lens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from benchsuite_registry.skeletons import COCO_17, H36M_17, MPII_16, Skeleton
from numpy.typing import NDArray

from benchsuite.convert.archives import WrongSource
from benchsuite.convert.h36m_cameras import CAMERAS
from benchsuite.convert.h36m_sources import MOVING, RAW_JOINTS, Martinez, Source, VideoPose3D, dictionary
from benchsuite.convert.h36m_takes import SUBJECTS, Take, find_takes
from benchsuite.convert.hdf5_cdf import open_hdf5, read_cdf, read_dataset
from benchsuite.convert.unpickler import read_pickled

Array = NDArray[np.float64]

_PROJECTED = frozenset({"gt", "D2_Positions", "Poses_D2_Positions"})
"""Projections of the 3D positions through the lens; all others are detections."""

_TUNED_JOINTS = (
    "r_ankle r_knee r_hip l_hip l_knee l_ankle pelvis spine thorax head_top "
    "r_wrist r_elbow r_shoulder l_shoulder l_elbow l_wrist"
)
TUNED_HOURGLASS_16 = Skeleton("TUNED_HOURGLASS_16", tuple(_TUNED_JOINTS.split()), MPII_16.parents)
"""Stacked Hourglass fine-tuned on Human3.6M by Martinez et al.: where MPII has thorax and upper neck it has Human3.6M's
spine and thorax."""

_LAYOUTS = (H36M_17, COCO_17, MPII_16)


class NoKeypoints(WrongSource):
    """There are none of that take by that camera."""


@dataclass(frozen=True)
class Keypoints:
    """One set of 2D keypoints of an archive.

    Attributes:
        name: what the archive calls it.
        kind: where they come from.
        layout: their joints.
        files: those that hold them.
        read: gives those of a take, (T, J, 2) px behind the lens, by a camera; ``NoKeypoints`` where there are none.
    """

    name: str
    kind: Literal["projected", "detected"]
    layout: Skeleton
    files: tuple[Path, ...]
    read: Callable[[Take, str], Array]


def find_keypoints(source: Source, name: str) -> Keypoints:
    """The archive's keypoints called ``name``.

    Raises:
        FileNotFoundError: it has none of that name; lists those it has.
        WrongSource: they do not read.
    """
    files = _offered(source)
    if name not in files:
        raise FileNotFoundError(
            f"{source.folder}: wanted 2D keypoints called {name!r}, found {', '.join(sorted(files)) or 'none'}"
        )
    kind: Literal["projected", "detected"] = "projected" if name in _PROJECTED else "detected"
    if isinstance(source, VideoPose3D):
        (file,) = files[name]
        layout = _layout(file, name)
        return Keypoints(name, kind, layout, (file,), _dictionary_reader(file, len(layout)))
    layout = H36M_17 if name in _PROJECTED else _tuned_or_not(name)
    return Keypoints(name, kind, layout, tuple(files[name]), _file_reader(source.folder, files[name], len(layout)))


def _offered(source: Source) -> dict[str, list[Path]]:
    """The files of each set of keypoints beside the poses."""
    if isinstance(source, VideoPose3D):
        prefix = "data_2d_h36m_"
        return {file.stem.removeprefix(prefix): [file] for file in source.folder.glob(f"{prefix}*.npz")}
    pattern = "S*/*/*.h5" if isinstance(source, Martinez) else "S*/**/*D2_Positions/*.cdf"
    found: dict[str, list[Path]] = {}
    for file in sorted(source.folder.glob(pattern)):
        found.setdefault(file.parent.name, []).append(file)
    return found


def _layout(file: Path, name: str) -> Skeleton:
    """Which skeleton a VideoPose3D archive of keypoints is in, by which of its joints are left and right."""
    metadata = read_pickled(file, "metadata")
    try:
        left, right = (sorted(int(joint) for joint in side) for side in metadata["keypoints_symmetry"])
    except (KeyError, TypeError, ValueError):
        raise WrongSource(f"{file}: metadata", "keypoints_symmetry with left and right joints", f"{metadata}") from None
    for layout in _LAYOUTS:
        if left == _side(layout, "l_") and right == _side(layout, "r_"):
            return _tuned_or_not(name) if layout == MPII_16 else layout
    known = ", ".join(layout.name for layout in _LAYOUTS)
    raise WrongSource(f"{file}: metadata", f"the left and right joints of {known}", f"{left} and {right}")


def _side(layout: Skeleton, prefix: str) -> list[int]:
    return [number for number, joint in enumerate(layout.joints) if joint.startswith(prefix)]


def _tuned_or_not(name: str) -> Skeleton:
    return TUNED_HOURGLASS_16 if "_ft_" in name or "FineTuned" in name else MPII_16


def _dictionary_reader(file: Path, joints: int) -> Callable[[Take, str], Array]:
    subjects = dictionary(file, "positions_2d")
    names = {subject: find_takes(subject, subjects[subject])[0] for subject in SUBJECTS if subject in subjects}

    def read(take: Take, camera: str) -> Array:
        name = names.get(take.subject, {}).get(take)
        by_camera = dict(zip(CAMERAS, subjects[take.subject][name], strict=False)) if name is not None else {}
        if (uv := by_camera.get(camera)) is None:
            raise NoKeypoints(file, f"2D of {take} by camera {camera}", "none")
        return _checked(f"{file}: {take} by camera {camera}", uv, joints)

    return read


def _file_reader(folder: Path, files: list[Path], joints: int) -> Callable[[Take, str], Array]:
    named: dict[tuple[str, str], dict[str, Path]] = {}
    for file in files:
        name, _, camera = file.stem.rpartition(".")
        named.setdefault((file.relative_to(folder).parts[0], camera), {})[name] = file
    found = {
        (take, camera): group[name]
        for (subject, camera), group in named.items()
        if subject in SUBJECTS
        for take, name in find_takes(subject, group)[0].items()
    }

    def read(take: Take, camera: str) -> Array:
        if (file := found.get((take, camera))) is None:
            raise NoKeypoints(files[0].parent.name, f"2D of {take} by camera {camera}", "none")
        if file.suffix == ".cdf":
            flat = read_cdf(file, "Pose")
            if flat.size == 0 or flat.shape[-1] != RAW_JOINTS * 2:
                raise WrongSource(file, f"a Pose of (1, T, {RAW_JOINTS * 2})", f"{flat.shape}")
            return _checked(str(file), flat.reshape(-1, RAW_JOINTS, 2)[:, MOVING], joints)
        with open_hdf5(file) as opened:
            return _checked(str(file), read_dataset(file, opened, "poses"), joints)

    return read


def _checked(where: str, uv: Any, joints: int) -> Array:
    found = np.asarray(uv)
    if found.ndim != 3 or found.shape[1:] != (joints, 2) or found.dtype.kind not in "iuf":
        raise WrongSource(where, f"keypoints (T, {joints}, 2)", f"{found.dtype} {found.shape}")
    return found.astype(np.float64)
