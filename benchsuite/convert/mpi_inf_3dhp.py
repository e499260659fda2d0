"""MPI-INF-3DHP's test set, ``TS1`` to ``TS6``, as one dataset folder: the valid frames, in the frame of the camera."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from benchsuite_registry.skeletons import MPI_INF_3DHP_17
from numpy.typing import NDArray
from tqdm import tqdm

from benchsuite.convert.archives import WrongSource, read_mat
from benchsuite.convert.hdf5_cdf import is_hdf5, open_hdf5, read_dataset
from benchsuite.convert.outcome import Outcome
from benchsuite.convert.photographs import found, listed
from benchsuite.convert.pinhole import Pinhole, fitted_pinhole
from benchsuite.datasets.columns import check_unit
from benchsuite.datasets.dataset import About, Clip, write_dataset

Array = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]

VALID_FRAMES = {"TS1": 603, "TS2": 540, "TS3": 505, "TS4": 553, "TS5": 276, "TS6": 452}
"""As published; 2929 together."""

SCENES = {
    "TS1": "green-screen",
    "TS2": "green-screen",
    "TS3": "studio",
    "TS4": "studio",
    "TS5": "outdoor",
    "TS6": "outdoor",
}

ACTIVITIES = (
    "Standing/Walking",
    "Exercising",
    "Sitting",
    "Reaching/Crouching",
    "On the Floor",
    "Sports",
    "Miscellaneous",
)
"""By number, from 1."""
UNLABELLED = "Unlabelled"

LICENCE = "MPI-INF-3DHP's licence: non-commercial research, no redistribution"


def _calibrated(
    size_px: tuple[int, int], width_mm: float, focal_mm: float, aspect: float, offset_mm: tuple[float, float]
) -> Pinhole:
    """A camera from its calibration: focal lengths in px differ by ``aspect``, the centre lies off the middle."""
    x = size_px[0] / width_mm
    y = x * aspect
    middle = (width_mm / 2, width_mm / 2 * size_px[1] / size_px[0])
    center = ((middle[0] + offset_mm[0]) * x, (middle[1] + offset_mm[1]) * y)
    return Pinhole(np.array((focal_mm * x, focal_mm * y)), np.array(center))


_INDOORS = ((2048, 2048), _calibrated((2048, 2048), 10.0, 7.32506, 1.00044, (-0.0322884, 0.0929296)))
_OUTDOORS = ((1920, 1080), _calibrated((1920, 1080), 10.0, 8.770747185, 0.993236423, (-0.104908645, 0.104899704)))
CAMERAS = {name: _OUTDOORS if scene == "outdoor" else _INDOORS for name, scene in SCENES.items()}
"""Picture size, px, and nominal camera of each sequence, from the calibration files of the official test code."""

GOOD_PX = 1.0
"""So well (root mean square) must the nominal camera explain a sequence's own 2D to be taken without question."""
FOCAL_TOLERANCE = 0.05
"""A fitted focal length further from the nominal one than this says that the annotations are wrong, not the camera."""


@dataclass(frozen=True)
class Sequence:
    """The valid frames of one sequence.

    Attributes:
        frames: (N,) numbers from 0, ascending.
        total: how many frames there are, valid or not.
        activity: (N,) number from 1 in ``ACTIVITIES``.
        uv: (N, 17, 2) px.
        xyz: (N, 17, 3) mm, of the annotation asked for.
        true_xyz: (N, 17, 3) mm, of true height, where the file has it.
    """

    frames: NDArray[np.int32]
    total: int
    activity: NDArray[np.int64]
    uv: Array
    xyz: Array
    true_xyz: Array | None


def convert(source: Path, out: Path, seed: int, *, annotation: str = "univ_annot3") -> Outcome:
    """Write ``out`` from the official test set.

    A clip is a run of valid frames with one activity; its subject and take are the sequence, its camera is the scene.
    The 2D is the set's own. The camera of a sequence is the nominal one, unless one fitted to its 2D and its 3D of true
    height explains that 2D at least twice as well (and the nominal one does not within ``GOOD_PX``). Pictures are
    listed if all are there, in ``imageSequence`` beside each file.

    Args:
        source: holds ``TS1/annot_data.mat`` ... ``TS6/annot_data.mat``, MATLAB v7.3 or v5, at any depth.
        out: folder to write.
        seed: nothing is drawn.
        annotation: ``univ_annot3`` or ``annot3``.

    Raises:
        FileNotFoundError: there is no sequence.
        MissingLibrary: they are v7.3 and there is no h5py.
    """
    files: dict[str, Path] = {}
    for file in sorted(source.glob("**/TS[1-6]/annot_data.mat")):
        files.setdefault(file.parent.name, file)
    if not files:
        raise FileNotFoundError(f"{source}: wanted TS1/annot_data.mat to TS6/annot_data.mat here or below, found none")
    notes: list[str] = []
    problems: list[str] = []
    parts: list[Columns] = []
    photographs: list[Path] = []
    clips: list[Clip] = []
    fitted: list[str] = []
    for name in tqdm(files, desc="converting", unit="sequence", disable=None):
        try:
            sequence = _read(files[name], annotation)
        except (ValueError, OSError) as error:  # WrongSource, WrongDataset, a file that may not be read
            problems.append(str(error))
            continue
        camera, better, told = _camera(name, sequence, annotation)
        fitted += [name] * better
        notes.append(told)
        parts.append(_columns(name, sequence, camera, clips))
        folder = files[name].parent / "imageSequence"  # counted from 1
        photographs += [folder / f"img_{frame + 1:06d}.jpg" for frame in sequence.frames.tolist()]
    if missing := [name for name in VALID_FRAMES if name not in files]:
        notes.append(f"not in the source: {', '.join(missing)}; results are not those of the whole test set")
    if not clips:
        return Outcome([*notes, "nothing written: no sequence has a valid frame"], problems)
    about = About(
        name="mpi-inf-3dhp",
        split="test",
        skeleton=MPI_INF_3DHP_17.name,
        fps=0.0,  # told nowhere in the files
        licence=LICENCE,
        source=f"MPI-INF-3DHP's test set, {annotation}",
        keypoints="annotated",
        intrinsics=f"nominal; of {', '.join(fitted)} fitted to annot2 and annot3" if fitted else "known",
        made_by=f"benchsuite convert mpi-inf-3dhp {source.name} -o {out.name} --annotation {annotation}",
        notes=tuple(notes),
    )
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    about, pictures = listed(about, columns, found(photographs))
    write_dataset(out, about, columns, tuple(clips), pictures)
    told = f"{len(columns['uv'])} samples in {len(clips)} clips of {len(parts)} sequences"
    return Outcome([told, *about.notes], problems)


def _read(path: Path, annotation: str) -> Sequence:
    """The valid frames of a sequence.

    Raises:
        WrongSource: the file does not read, lacks a variable, or one has another shape than it should.
        WrongDataset: the 3D is not in mm.
    """
    variables = _variables(path)
    if missing := {annotation, "annot2", "valid_frame", "activity_annotation"} - set(variables):
        raise WrongSource(path, f"the variables {', '.join(sorted(missing))}", ", ".join(sorted(variables)) or "none")
    valid = variables["valid_frame"].ravel() == 1
    frames = np.flatnonzero(valid).astype(np.int32)
    activity = variables["activity_annotation"].ravel()
    if len(activity) != len(valid):
        raise WrongSource(f"{path}: activity_annotation", f"{len(valid)} frames as valid_frame has", f"{len(activity)}")
    uv, xyz = (_joints(path, variables, key, sides, len(valid)) for key, sides in (("annot2", 2), (annotation, 3)))
    true_xyz = _joints(path, variables, "annot3", 3, len(valid))[frames] if "annot3" in variables else None
    check_unit(f"{path}: {annotation}", xyz[frames], MPI_INF_3DHP_17)
    return Sequence(frames, len(valid), activity[frames].astype(np.int64), uv[frames], xyz[frames], true_xyz)


_WANTED = ("annot2", "annot3", "univ_annot3", "valid_frame", "activity_annotation")


def _variables(path: Path) -> dict[str, NDArray[Any]]:
    """Those that are there, frames first: HDF5 has MATLAB's axes the other way round already."""
    if is_hdf5(path):
        with open_hdf5(path) as file:
            return {key: read_dataset(path, file, key) for key in _WANTED if key in file}
    return {key: np.asarray(value).T for key, value in read_mat(path).items() if key in _WANTED}


def _joints(path: Path, variables: dict[str, NDArray[Any]], key: str, sides: int, count: int) -> Array:
    """A variable as (count, 17, sides)."""
    found, joints = variables[key], len(MPI_INF_3DHP_17)
    if found.shape not in ((count, 1, joints, sides), (count, joints, sides)) or found.dtype.kind not in "iuf":
        raise WrongSource(
            f"{path}: {key}", f"numbers ({count}, 1, {joints}, {sides})", f"{found.dtype} {found.shape}, frames first"
        )
    return found.reshape(count, joints, sides).astype(np.float64)


def _camera(name: str, sequence: Sequence, annotation: str) -> tuple[Pinhole, bool, str]:
    """The camera of a sequence, whether it is a fitted one, and what a user should know."""
    _, nominal = CAMERAS[name]
    camera, better = nominal, False
    told = f"{name}: {len(sequence.frames)} valid frames of {sequence.total}"
    if len(sequence.frames) != VALID_FRAMES[name]:
        told += f" (wanted {VALID_FRAMES[name]})"
    if count := int(((sequence.activity < 1) | (sequence.activity > len(ACTIVITIES))).sum()):
        told += f"; {count} of them without an activity"
    if sequence.true_xyz is not None and len(sequence.frames):
        fit = fitted_pinhole(sequence.true_xyz, sequence.uv)
        error, least = (one.error_px(sequence.true_xyz, sequence.uv) for one in (nominal, fit))
        near = bool((np.abs(fit.focal / nominal.focal - 1) <= FOCAL_TOLERANCE).all())
        better = error > GOOD_PX and least <= error / 2 and near
        camera = fit if better else nominal
        told += (
            f"; annot3 projects to annot2 within {error:.2f} px by the nominal camera ({nominal}), {least:.2f} px by "
        )
        told += f"the fitted one ({fit}): {'fitted' if better else 'nominal'} taken"
        if not near:
            told += ", since so far from the nominal one the fit is not to be trusted"
    if len(sequence.frames):
        told += f"; {annotation} projects to annot2 within {camera.error_px(sequence.xyz, sequence.uv):.2f} px"
    return camera, better, told


def _columns(name: str, sequence: Sequence, camera: Pinhole, clips: list[Clip]) -> Columns:
    """The columns of a sequence, whose clips are put behind ``clips``."""
    count, (size, _) = len(sequence.frames), CAMERAS[name]
    changes = np.flatnonzero(np.diff(sequence.activity)) + 1
    clip = np.empty(count, dtype=np.int32)
    for number, (start, stop) in enumerate(pairwise([0, *changes.tolist(), count] if count else [])):
        activity = int(sequence.activity[start])
        clip[start:stop] = len(clips)
        clips.append(
            Clip(
                name=f"{name}.{number + 1:02d}",
                action=ACTIVITIES[activity - 1] if 1 <= activity <= len(ACTIVITIES) else UNLABELLED,
                subject=name,
                camera=SCENES[name],
                take=name,
            )
        )
    return {
        "uv": sequence.uv.astype(np.float32),
        "visible": np.asarray(np.isfinite(sequence.uv).all(axis=2)),
        "xyz": sequence.xyz.astype(np.float32),
        "focal": np.tile(camera.focal.astype(np.float32), (count, 1)),
        "center": np.tile(camera.center.astype(np.float32), (count, 1)),
        "size": np.tile(np.array(size, dtype=np.int32), (count, 1)),
        "clip": clip,
        "frame": sequence.frames,
    }
