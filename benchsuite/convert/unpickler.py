"""Pickled arrays and containers of an ``.npz`` file, read without running anything that a pickle asks for.

Old pose archives keep dictionaries of arrays as object arrays. What may be rebuilt is NumPy's plain arrays and scalars,
and Python's own containers, text and numbers; a pickle that names anything else is refused. Even NumPy's part is done
by stand-ins, since a forged dtype could make NumPy take any bytes for objects.
"""

from __future__ import annotations

import math
import pickle
import pickletools
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from benchsuite.convert.archives import WrongSource, open_zip


def read_pickled(path: Path, name: str) -> Any:
    """What the member ``name`` of an ``.npz`` file holds: its single object, or its array of objects.

    Raises:
        WrongSource: no whole archive, no such member, one without objects, or a pickle that asks for more than arrays;
            names what it asks for.
        OSError: there is no such file.
    """
    with open_zip(path) as archive:
        if f"{name}.npy" not in (names := archive.namelist()):
            raise WrongSource(path, f"an array {name!r}", ", ".join(names) or "none")
        where = f"{path}: {name}"
        try:
            with archive.open(f"{name}.npy") as file:
                version = np.lib.format.read_magic(file)
                formats = np.lib.format
                header = formats.read_array_header_1_0 if version == (1, 0) else formats.read_array_header_2_0
                shape, _, dtype = header(file)
                if not dtype.hasobject:
                    raise WrongSource(where, "pickled objects", f"{dtype} {shape}")
                begun = file.tell()
                _check_memo(file)
                file.seek(begun)
                array = _ArraysOnly(file, encoding="latin1").load()  # Python 2's strings are NumPy's bytes
        except WrongSource:
            raise
        except _Forbidden as error:
            raise WrongSource(where, "NumPy arrays and plain containers", str(error)) from None
        except Exception as error:  # bytes that are no pickle make the unpickler raise nearly anything
            raise WrongSource(where, "a whole pickle of NumPy arrays", f"{type(error).__name__}: {error}") from None
    if not isinstance(array, np.ndarray) or array.shape != shape:
        raise WrongSource(where, f"an array of shape {shape}", f"{type(array).__name__} {np.shape(array)}")
    return array.item() if shape == () else array


def _check_memo(file: IO[bytes]) -> None:
    """Refuse a pickle that numbers what it remembers beyond its own length: the unpickler makes room for all below."""
    for count, (opcode, number, _) in enumerate(pickletools.genops(file)):
        if "PUT" in opcode.name and isinstance(number, int) and number > count:
            raise _Forbidden(f"a pickle that remembers its thing {count} as number {number}")


class _Forbidden(pickle.UnpicklingError):
    """A pickle asks for something that is not of NumPy's arrays."""


class _Array(np.ndarray[Any, Any]):
    """An array that fills itself from what a pickle kept of it, with a dtype made here."""

    def __setstate__(self, state: Any) -> None:
        _, shape, kind, columns_first, content = state
        content = content.encode("latin1") if isinstance(content, str) else content
        found = len(content) * (kind.dtype.itemsize if kind.dtype.hasobject else 1)
        if (claimed := math.prod(shape) * kind.dtype.itemsize) != found:  # before that much is allotted
            raise ValueError(f"an array that claims {claimed:,} bytes and has {found:,}")
        super().__setstate__((1, shape, kind.dtype, columns_first, content))


class _Dtype:
    """Stands in for ``numpy.dtype``: numbers, text and objects, no records."""

    def __init__(self, code: str, align: Any = False, copy: Any = True) -> None:
        if not re.fullmatch(r"[<>|=]?([biuf]\d{1,2}|[SU]\d{1,6}|O8?)", code):
            raise _Forbidden(f"a pickle that asks for the dtype {code!r}")
        self.dtype = np.dtype("O" if "O" in code else code)

    def __setstate__(self, state: Any) -> None:
        if state[1] in "<>" and self.dtype.kind != "O":
            self.dtype = self.dtype.newbyteorder(state[1])


def _unfilled(kind: Any, shape: Any, code: Any) -> _Array:
    """The empty array that every pickled array starts as; what it holds comes with the next opcode."""
    if kind != _NDARRAY or shape != (0,):
        raise _Forbidden(f"a pickle that starts an array as {kind} {shape}")
    return np.empty(0, dtype="b").view(_Array)


def _scalar(kind: Any, content: Any) -> Any:
    if kind.dtype.kind == "O":
        raise _Forbidden("a pickle that asks for an object scalar")
    return np.frombuffer(content.encode("latin1") if isinstance(content, str) else content, kind.dtype)[0]


def _encoded(text: Any, encoding: Any) -> bytes:
    """Bytes, the way that Python 3 writes them for Python 2."""
    if encoding != "latin1":
        raise _Forbidden(f"a pickle that encodes text as {encoding!r}")
    return str.encode(text, "latin1")


def _no_bytes() -> bytes:
    """What Python 3 calls for empty bytes, writing for Python 2."""
    return b""


_NDARRAY = "numpy.ndarray"
_STAND_INS: Mapping[tuple[str, str], Callable[..., Any] | str] = {
    ("numpy.core.multiarray", "_reconstruct"): _unfilled,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encoded,
    ("__builtin__", "bytes"): _no_bytes,
}


class _ArraysOnly(pickle.Unpickler):
    """An unpickler that knows nothing but the stand-ins."""

    def find_class(self, module: str, name: str) -> Any:
        """The stand-in for ``module.name``."""
        try:
            return _STAND_INS[module.replace("numpy._core", "numpy.core"), name]
        except KeyError:
            raise _Forbidden(f"a pickle that asks for {module}.{name}") from None
