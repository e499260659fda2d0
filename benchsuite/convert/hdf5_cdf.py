"""HDF5 and CDF files, through libraries of the extra ``data``; like all that others packed, not trusted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.convert.archives import LARGEST_BYTES, WrongSource

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SIGNATURE_AT = (0, 512)
"""MATLAB puts 512 bytes of its own before it."""


class MissingLibrary(ImportError):
    """A library that this kind of file needs is not installed; says how to get it."""


def _library(name: str, files: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingLibrary(f"{files} need {name}: pip install benchsuite[data] ({error})") from None


def is_hdf5(path: Path) -> bool:
    """Whether a file is HDF5, which MATLAB's v7.3 is too."""
    with path.open("rb") as file:
        content = file.read(max(_SIGNATURE_AT) + len(_SIGNATURE))
    return any(content[at : at + len(_SIGNATURE)] == _SIGNATURE for at in _SIGNATURE_AT)


@contextmanager
def open_hdf5(path: Path) -> Iterator[Any]:
    """An ``h5py.File`` to read from.

    Raises:
        WrongSource: it is not HDF5 or is damaged.
        MissingLibrary: there is no h5py.
        OSError: there is no such file.
    """
    h5py = _library("h5py", ".h5 files and MATLAB v7.3 files")
    path.stat()  # of files that are not there h5py says too little
    try:
        with h5py.File(path, "r") as file:
            yield file
    except WrongSource:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        raise WrongSource(path, "a whole HDF5 file", str(error)) from None


def read_dataset(path: Path, file: Any, key: str) -> NDArray[Any]:
    """The numbers at ``key`` of the open HDF5 file ``path``.

    Raises:
        WrongSource: there are none, or absurdly many.
    """
    dataset = file.get(key)
    if dataset is None or not hasattr(dataset, "shape") or dataset.dtype.kind not in "iufb":
        raise WrongSource(path, f"numbers at {key!r}", _described(file, dataset))
    if (size := math.prod(dataset.shape) * dataset.dtype.itemsize) > LARGEST_BYTES:
        raise WrongSource(path, f"at most {LARGEST_BYTES:,} bytes at {key!r}", f"{size:,}")
    return np.asarray(dataset[()])


def _described(file: Any, found: Any) -> str:
    if found is None:
        return f"the keys {', '.join(map(repr, list(file)[:20])) or '(none)'}"
    return str(found)


def read_cdf(path: Path, variable: str) -> NDArray[Any]:
    """A variable of a CDF file.

    Raises:
        WrongSource: it is no CDF file, is cut off, or has no such variable.
        MissingLibrary: there is no cdflib.
        OSError: there is no such file.
    """
    cdflib = _library("cdflib", ".cdf files")
    path.stat()
    try:
        content = cdflib.CDF(path)
        names = content.cdf_info().zVariables + content.cdf_info().rVariables
        if variable not in names:
            raise WrongSource(path, f"a variable {variable!r}", ", ".join(names) or "none")
        return np.asarray(content.varget(variable))
    except WrongSource:
        raise
    except Exception as error:  # cdflib raises whatever the bytes lead it to
        raise WrongSource(path, "a whole CDF file", f"{type(error).__name__}: {error}") from None
