"""Human3.6M's poses as people keep them: VideoPose3D's archive, Martinez et al.'s folder, Human3.6M's own CDF files.

All three hold 32 joints, of which 15 never move against the others or stand where another does.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray

from benchsuite.convert.archives import WrongSource
from benchsuite.convert.h36m_cameras import CAMERAS, PUBLISHED
from benchsuite.convert.h36m_takes import SUBJECTS, Take, find_takes
from benchsuite.convert.hdf5_cdf import open_hdf5, read_cdf, read_dataset
from benchsuite.convert.unpickler import read_pickled
from benchsuite.datasets.columns import check_unit

Array = NDArray[np.float64]

RAW_JOINTS = 32
MOVING = (0, 1, 2, 3, 6, 7, 8, 12, 13, 14, 15, 17, 18, 19, 25, 26, 27)
"""Where the joints of ``H36M_17`` stand among the 32. The parents of the 32 do not serve: there the shoulders hang on
copies of the thorax."""

STRETCH = 0.05
"""Standard deviation to mean of a bone's length in a take, beyond which joints must be in disorder."""


class Source(ABC):
    """Where poses come from.

    Attributes:
        kind: what it is, in words.
        folder: where it lies.
        takes: what it holds.
        files: those that hold the poses.
        notes: what a user should know of it.
    """

    kind: str
    folder: Path
    takes: Mapping[Take, Any]
    files: tuple[Path, ...]
    notes: list[str]

    @abstractmethod
    def seen(self, take: Take) -> dict[str, Array]:
        """Poses (T, 17, 3) mm in the frame of each camera, by its name.

        Raises:
            WrongSource: the take does not read; the joints are too many, too few or in disorder.
            WrongDataset: it is not in the unit it should be in.
        """


def find_source(path: Path) -> Source:
    """What kind of archive ``path`` is, a file or a folder.

    Raises:
        WrongSource: its names tell, but it does not read.
        FileNotFoundError: it is none of the three kinds, or there is nothing.
    """
    if path.suffix == ".npz" and path.is_file():
        return VideoPose3D(path)
    for folder in (path, path / "h36m"):
        if (folder / "data_3d_h36m.npz").is_file():
            return VideoPose3D(folder / "data_3d_h36m.npz")
        if files := sorted(folder.glob("S*/MyPoses/3D_positions/*.h5")):
            return Martinez(folder, files)
        for positions in OfficialFiles.POSITIONS:
            if files := [*folder.glob(f"S*/MyPoseFeatures/{positions}/*.cdf"), *folder.glob(f"S*/{positions}/*.cdf")]:
                return OfficialFiles(folder, sorted(files), positions)
    raise FileNotFoundError(
        f"{path}: wanted data_3d_h36m.npz, or a folder with S*/MyPoses/3D_positions/*.h5 or "
        "S*/MyPoseFeatures/D3_Positions/*.cdf"
    )


class VideoPose3D(Source):
    """``data_3d_h36m.npz``: pickled dictionaries, subject to action to (T, 32, 3) m, world."""

    kind = "VideoPose3D's archive"

    def __init__(self, file: Path) -> None:
        self.folder, self.files = file.parent, (file,)
        self._subjects = dictionary(file, "positions_3d")
        self.takes, self.notes = _by_take({subject: list(takes) for subject, takes in self._subjects.items()})

    def seen(self, take: Take) -> dict[str, Array]:
        """As ``Source``."""
        where = f"{self.files[0]}: {take.subject} {self.takes[take]}"
        metres = np.asarray(self._subjects[take.subject][self.takes[take]])
        if metres.dtype.kind != "f":
            raise WrongSource(where, f"numbers (T, {RAW_JOINTS}, 3)", f"{metres.dtype} {metres.shape}")
        return _from_world(where, take, metres.astype(np.float64) * 1000.0)


class Martinez(Source):
    """The ``h36m`` folder of 3d-pose-baseline: an HDF5 file a take, (96, T) mm, world."""

    kind = "Martinez et al.'s folder"

    def __init__(self, folder: Path, files: Iterable[Path]) -> None:
        self.folder, self.files = folder, tuple(files)
        by_name = {(file.parents[2].name, file.stem): file for file in self.files}
        names, self.notes = _by_take(_grouped(by_name))
        self.takes = {take: by_name[take.subject, name] for take, name in names.items()}

    def seen(self, take: Take) -> dict[str, Array]:
        """As ``Source``."""
        path = self.takes[take]
        with open_hdf5(path) as file:
            flat = read_dataset(path, file, "3D_positions")
        if flat.ndim != 2 or len(flat) != RAW_JOINTS * 3:
            raise WrongSource(path, f"({RAW_JOINTS * 3}, T)", f"{flat.shape}")
        return _from_world(str(path), take, flat.reshape(RAW_JOINTS, 3, -1).transpose(2, 0, 1))


class OfficialFiles(Source):
    """Human3.6M's own CDF files, (1, T, 96) mm: one a take in the world, or one a take and camera."""

    POSITIONS = ("D3_Positions", "Poses_D3_Positions", "D3_Positions_mono", "Poses_D3_Positions_mono")
    """Folders, the better first. ``mono`` is in the frame of each camera. The universal skeleton is another body."""

    def __init__(self, folder: Path, files: Iterable[Path], positions: str) -> None:
        self.folder, self.files, self.kind = folder, tuple(files), f"Human3.6M's own {positions}"
        self._mono = positions.endswith("_mono")
        named: dict[tuple[str, str], dict[str, Path]] = {}
        for file in self.files:
            subject = file.relative_to(folder).parts[0]
            name, camera = file.stem.rsplit(".", 1) if self._mono and "." in file.stem else (file.stem, "")
            named.setdefault((subject, name), {})[camera] = file
        names, self.notes = _by_take(_grouped(named))
        self.takes = {take: named[take.subject, name] for take, name in names.items()}

    def seen(self, take: Take) -> dict[str, Array]:
        """As ``Source``."""
        files = self.takes[take]
        if not self._mono:
            return _from_world(str(files[""]), take, self._read(files[""]))
        return {name: checked(str(files[name]), self._read(files[name])) for name in CAMERAS if name in files}

    def _read(self, path: Path) -> NDArray[Any]:
        flat = read_cdf(path, "Pose")
        if flat.size == 0 or flat.shape[-1] != RAW_JOINTS * 3:
            raise WrongSource(path, f"a Pose of (1, T, {RAW_JOINTS * 3})", f"{flat.shape}")
        return flat.reshape(-1, RAW_JOINTS, 3)


def _from_world(where: str, take: Take, world: NDArray[Any]) -> dict[str, Array]:
    moving = checked(where, world)
    return {name: PUBLISHED[take.subject, name].see(moving) for name in CAMERAS}


def checked(where: str, positions: NDArray[Any]) -> Array:
    """The 17 joints (T, 17, 3) of (T, 32, 3) mm.

    Raises:
        WrongSource: there are not 32, some are not finite, or they are in disorder; names ``where``.
        WrongDataset: they are not in mm.
    """
    if positions.ndim != 3 or positions.shape[1:] != (RAW_JOINTS, 3) or not len(positions):
        raise WrongSource(where, f"poses (T, {RAW_JOINTS}, 3)", f"{positions.shape}")
    moving = positions[:, MOVING].astype(np.float64)
    if wrong := int((~np.isfinite(moving).all(axis=(1, 2))).sum()):
        raise WrongSource(where, "finite positions", f"{wrong} of {len(moving)} poses that are not")
    check_unit(where, moving, H36M_17)
    parents, children = np.array(H36M_17.bones).T
    lengths = np.linalg.norm(moving[:, children] - moving[:, parents], axis=2)
    stretch = np.median(lengths.std(axis=0) / np.maximum(lengths.mean(axis=0), 1e-9))
    if stretch > STRETCH:
        raise WrongSource(
            where, "Human3.6M's joints in their order", f"bones whose lengths change by {stretch:.0%} within the take"
        )
    return moving


def dictionary(file: Path, member: str) -> dict[str, dict[str, Any]]:
    """A member of VideoPose3D's archives: a dictionary of dictionaries.

    Raises:
        WrongSource: it is something else.
    """
    found = read_pickled(file, member)
    if not isinstance(found, dict) or not all(isinstance(value, dict) for value in found.values()):
        raise WrongSource(
            f"{file}: {member}", "a dictionary of subjects with dictionaries of actions", f"{type(found)}"
        )
    return {str(subject): {str(name): value for name, value in takes.items()} for subject, takes in found.items()}


def _grouped(names: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for subject, name in names:
        grouped.setdefault(subject, []).append(name)
    return grouped


def _by_take(names: Mapping[str, Iterable[str]]) -> tuple[dict[Take, str], list[str]]:
    """The name that each take has in an archive, and notes on the names that are no takes."""
    takes: dict[Take, str] = {}
    notes = []
    for subject, files in names.items():
        if subject not in SUBJECTS:
            notes.append(f"{subject} is left out: wanted one of {', '.join(SUBJECTS)}")
            continue
        found, strange = find_takes(subject, files)
        takes |= found
        notes += strange
    return takes, notes
