"""The cameras that a Human3.6M archive brings along, held against the published ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchsuite.convert.archives import WrongSource, read_bytes
from benchsuite.convert.h36m_cameras import CAMERAS, PUBLISHED, H36MCamera
from benchsuite.convert.hdf5_cdf import open_hdf5, read_dataset

Array = NDArray[np.float64]

CALIBRATIONS = ("cameras.h5", "metadata.xml")
"""As Martinez et al. packed it, and as Human3.6M's own code has it."""

AGREED_PX = 0.01
"""Cameras that put no point further apart are the same: files differ in how many digits they keep."""

_METADATA_NUMBERS, _METADATA_SUBJECTS, _METADATA_INTRINSICS_AT = 300, 11, 264
_WHERE_PEOPLE_ARE = np.stack(np.meshgrid(*[np.linspace(-1500, 1500, 4)] * 2, np.linspace(0, 1800, 3)), -1).reshape(
    -1, 3
)


def check_calibration(path: Path) -> tuple[list[str], list[str]]:
    """Notes and problems: whether the cameras in ``path``, one of ``CALIBRATIONS``, are the published ones.

    Raises:
        WrongSource: the file does not read.
        MissingLibrary: it takes h5py, which is not there.
    """
    read = _hdf5 if path.suffix == ".h5" else _metadata
    furthest = {key: _furthest_px(camera, PUBLISHED[key]) for key, camera in read(path)}
    # NaN is no agreement either
    problems = [
        f"{path}: wanted {subject}'s camera {name} as published, found one that puts people up to {px:.3g} px "
        "elsewhere; the published one was used"
        for (subject, name), px in furthest.items()
        if not px <= AGREED_PX
    ]
    if problems:
        return [], problems
    return [f"{path.name}: its {len(furthest)} cameras are the published ones, within {AGREED_PX} px"], []


def _furthest_px(one: H36MCamera, other: H36MCamera) -> float:
    """How far apart two cameras put the same point at most."""
    places = [camera.distort(camera.project(camera.see(_WHERE_PEOPLE_ARE))) for camera in (one, other)]
    return float(np.linalg.norm(places[0] - places[1], axis=-1).max())


def _hdf5(path: Path) -> Iterator[tuple[tuple[str, str], H36MCamera]]:
    with open_hdf5(path) as file:
        for (subject, name), camera in PUBLISHED.items():
            group = f"subject{subject[1:]}/camera{CAMERAS.index(name) + 1}"
            if group in file:
                turn, *rest = (_numbers(path, file, f"{group}/{key}", size) for key, size in _PARTS.items())
                # MATLAB's matrices lie transposed in HDF5
                yield (subject, name), _camera(camera, turn.reshape(3, 3).T, *rest)


_PARTS = {"R": 9, "T": 3, "f": 2, "c": 2, "k": 3, "p": 2}
"""How many numbers each holds, in the order of ``_camera``."""


def _numbers(path: Path, file: object, key: str, size: int) -> Array:
    found = read_dataset(path, file, key)
    if found.size != size:
        raise WrongSource(path, f"{size} numbers at {key!r}", f"{found.shape}")
    return found.astype(np.float64).ravel()


def _metadata(path: Path) -> Iterator[tuple[tuple[str, str], H36MCamera]]:
    found = re.search(rb"<w0>\s*\[([^<\]]*)\]\s*</w0>", read_bytes(path))
    try:
        numbers = np.array((found[1] if found else b"").split(), dtype=np.float64)
    except ValueError as error:
        raise WrongSource(path, "numbers in its element w0", str(error)) from None
    if len(numbers) != _METADATA_NUMBERS:
        raise WrongSource(path, f"{_METADATA_NUMBERS} numbers in an element w0", str(len(numbers)))
    for (subject, name), camera in PUBLISHED.items():
        number = CAMERAS.index(name)
        at = 6 * (number * _METADATA_SUBJECTS + int(subject[1:]) - 1)
        angles, place = numbers[at : at + 3], numbers[at + 3 : at + 6]
        lens = numbers[_METADATA_INTRINSICS_AT + 9 * number :][:9]
        yield (subject, name), _camera(camera, _turned(angles), place, lens[:2], lens[2:4], lens[4:7], lens[7:])


def _camera(like: H36MCamera, rotation: Array, place: Array, f: Array, c: Array, k: Array, p: Array) -> H36MCamera:
    return replace(like, rotation=rotation, position=place, focal=f, center=c, radial=k, tangential=p[::-1])


def _turned(angles: Array) -> Array:
    """The rotation about z, then y, then x by such angles, rad."""
    turns = []
    for axis, angle in enumerate(angles):
        plane = np.delete(np.arange(3), axis)
        sine = np.sin(angle) if axis == 1 else -np.sin(angle)
        turn = np.eye(3)
        turn[np.ix_(plane, plane)] = ((np.cos(angle), sine), (-sine, np.cos(angle)))
        turns.append(turn)
    rotation: Array = turns[0] @ turns[1] @ turns[2]
    return rotation
