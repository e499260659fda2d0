"""Opening what others packed, none of it trusted: .mat (v5), .npy, .npz, .zip. Nothing in them is ever executed.

Whatever is cut off, malformed or absurdly large is refused before its content is unpacked in memory.
"""

from __future__ import annotations

import errno
import io
import math
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

LARGEST_BYTES = 4 << 30
"""Unpacked; the largest annotation file known, COCO's, has a tenth of it."""

_MAT_HEADER_BYTES = 128
_MAT_MATRIX, _MAT_COMPRESSED = 14, 15
_INFLATE_BYTES = 1 << 20


class WrongSource(ValueError):
    """A source is not what its format says. Its message is always ``FILE: wanted ..., found ...``."""

    def __init__(self, path: Path | str, wanted: str, found: str) -> None:
        super().__init__(path, wanted, found)
        self.path, self.wanted, self.found = path, wanted, found

    def __str__(self) -> str:
        return f"{self.path}: wanted {self.wanted}, found {self.found}"


def read_bytes(path: Path) -> bytes:
    """The content of a file.

    Raises:
        WrongSource: it is empty or absurdly large.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    if not 0 < size <= LARGEST_BYTES:
        raise WrongSource(path, f"between 1 and {LARGEST_BYTES:,} bytes", f"{size:,}")
    return path.read_bytes()


def read_mat(path: Path) -> dict[str, Any]:
    """The variables of a MATLAB v5 file, as ``scipy.io.loadmat`` has them: matrices, structs as objects.

    Raises:
        WrongSource: another version, cut off, malformed, or larger than it can be.
        OSError: it cannot be read.
    """
    from scipy.io import loadmat, whosmat

    content = read_bytes(path)
    unpacked = _check_mat(path, content)
    try:
        for name, shape, kind in whosmat(io.BytesIO(content)):
            if math.prod(shape) > unpacked or kind == "sparse":
                raise WrongSource(path, f"at most {unpacked:,} elements", f"{kind} {name} of {shape}")
        variables = loadmat(io.BytesIO(content), struct_as_record=False)
    except WrongSource:
        raise
    except Exception as error:  # scipy's reader raises whatever the bytes lead it to
        raise WrongSource(path, "a whole MATLAB v5 file", f"{type(error).__name__}: {error}") from None
    return {name: value for name, value in variables.items() if not name.startswith("__")}


def _check_mat(path: Path, content: bytes) -> int:
    """How many bytes the elements of a v5 file have unpacked, once each is known to be whole."""
    text, order = content[:124], content[126:128]
    if content.startswith(b"\x89HDF") or text.startswith(b"MATLAB 7.3"):
        raise WrongSource(path, "a MATLAB v5 file", "v7.3 (HDF5); save it with -v7")
    if not text.startswith(b"MATLAB 5.0") or order not in (b"IM", b"MI"):
        raise WrongSource(path, "a MATLAB v5 file", f"a file that starts with {content[:12]!r}")
    byteorder: Any = "little" if order == b"IM" else "big"
    at, unpacked = _MAT_HEADER_BYTES, 0
    while at < len(content):
        kind, size = (int.from_bytes(content[at + k : at + k + 4], byteorder) for k in (0, 4))
        if kind not in (_MAT_MATRIX, _MAT_COMPRESSED):
            raise WrongSource(path, f"a variable at byte {at}", f"an element of type {kind}")
        body = content[at + 8 : at + 8 + size]
        if len(body) < size:
            raise WrongSource(path, f"{size:,} bytes from byte {at + 8} on", f"the file's end after {len(body):,}")
        unpacked += size if kind == _MAT_MATRIX else _inflated(path, body, LARGEST_BYTES - unpacked)
        if unpacked > LARGEST_BYTES:
            raise WrongSource(path, f"at most {LARGEST_BYTES:,} bytes unpacked", "more")
        at += 8 + size
    return unpacked


def _inflated(path: Path, body: bytes, most: int) -> int:
    """How many bytes a zlib stream unpacks to; counting stops beyond ``most``.

    A stream that ends before its end mark is let pass: MATLAB itself forgets the mark now and then (Penn Action's
    1605.mat), and scipy sees whether all values are there.
    """
    stream, count, rest = zlib.decompressobj(), 0, body
    try:
        while count <= most and (piece := stream.decompress(rest, _INFLATE_BYTES)):
            count, rest = count + len(piece), stream.unconsumed_tail
    except zlib.error as error:
        raise WrongSource(path, "whole compressed variables", str(error)) from None
    return count


def open_zip(path: Path) -> zipfile.ZipFile:
    """A zip archive whose members all have decent names and sizes.

    Raises:
        WrongSource: no whole archive, or a member that is absolute, leaves the folder, is a link or absurdly large.
        OSError: it cannot be read.
    """
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:  # the last: of a later version
        with path.open("rb") as file:
            start = file.read(8)
        found = f"a file that starts with {start!r}: {error}" if start else "an empty file"
        raise WrongSource(path, "a whole zip archive", found) from None
    for member in archive.infolist():
        place, drive = PurePosixPath(member.filename.replace("\\", "/")), PureWindowsPath(member.filename).drive
        if place.is_absolute() or drive or ".." in place.parts:
            raise WrongSource(path, "members inside the archive's own folder", repr(member.filename))
        if stat.S_ISLNK(member.external_attr >> 16):
            raise WrongSource(path, "files and folders only", f"{member.filename!r}, a symbolic link")
        if member.file_size > LARGEST_BYTES:
            raise WrongSource(
                path, f"members of at most {LARGEST_BYTES:,} bytes", f"{member.filename!r} of {member.file_size:,}"
            )
    return archive


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of an ``.npz`` file, by name; numbers, booleans and text only.

    Raises:
        WrongSource: as ``open_zip``; or a member is no whole array, claims a size that it has not, or holds objects.
        OSError: it cannot be read.
    """
    arrays = {}
    with open_zip(path) as archive:
        for member in archive.infolist():
            array = _array(f"{path}: {member.filename}", partial(archive.open, member), member.file_size)
            arrays[member.filename.removesuffix(".npy")] = array
    return arrays


def read_npy(path: Path) -> NDArray[Any]:
    """The array of an ``.npy`` file; numbers, booleans or text.

    Raises:
        WrongSource: as ``read_bytes``; or it is no whole array, claims a size that it has not, or holds objects.
        OSError: it cannot be read.
    """
    content = read_bytes(path)  # of a file NumPy would make room for as long a header as is claimed
    return _array(path, lambda: io.BytesIO(content), len(content))


def _array(where: Path | str, opened: Callable[[], IO[bytes]], size: int) -> NDArray[Any]:
    try:
        with opened() as file:
            _check_npy(where, file, size)
        with opened() as file:
            array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    except WrongSource:
        raise
    except Exception as error:  # zipfile and NumPy raise whatever the bytes lead them to
        raise WrongSource(where, "a whole .npy array", f"{type(error).__name__}: {error}") from None
    return array


def _check_npy(where: Path | str, file: IO[bytes], size: int) -> None:
    """Refuse an array whose header claims another size than there is, before that size is allotted."""
    version = np.lib.format.read_magic(file)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = header(file)
    if dtype.hasobject:
        raise WrongSource(where, "numbers or text", "pickled objects, which are never loaded")
    claimed = math.prod(shape) * dtype.itemsize
    if claimed != size - file.tell():
        raise WrongSource(where, f"{claimed:,} bytes for {dtype} {shape}", f"{size - file.tell():,}")


@contextmanager
def unpacked(source: Path, suffixes: frozenset[str]) -> Iterator[Path]:
    """``source`` itself, or for a zip archive a folder with its members of these suffixes, for as long as asked.

    Raises:
        WrongSource: as ``open_zip``; a damaged member; or too much altogether.
        OSError: there is no such source, or it cannot be read.
    """
    if source.suffix.lower() != ".zip":
        if not source.exists():
            raise FileNotFoundError(f"{source}: no such file or folder")
        yield source
        return
    with open_zip(source) as archive, tempfile.TemporaryDirectory(prefix="benchsuite-") as folder:
        members = [m for m in archive.infolist() if PurePosixPath(m.filename).suffix.lower() in suffixes]
        if (total := sum(member.file_size for member in members)) > LARGEST_BYTES:
            raise WrongSource(source, f"at most {LARGEST_BYTES:,} bytes unpacked", f"{total:,}; unpack it yourself")
        for member in members:
            try:
                archive.extract(member, folder)
            except Exception as error:
                if (
                    isinstance(error, OSError) and error.errno != errno.EINVAL
                ):  # no place to seek to; a full disk is ours
                    raise
                raise WrongSource(f"{source}: {member.filename}", "a whole member", str(error)) from None
        yield Path(folder)
