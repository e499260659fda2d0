"""Pickled arrays are read; whatever else a pickle asks for is refused by name, and never run."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchsuite.convert.archives import WrongSource
from benchsuite.convert.unpickler import read_pickled


def npz(path: Path, content: bytes, *, shape: tuple[int, ...] = (), member: str = "positions_3d.npy") -> Path:
    """An ``.npz`` file whose member has the header of an object array and then ``content``."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, header.getvalue() + content)
    return path


def array_of(content: object, protocol: int = 4) -> bytes:
    """The pickle of an object array that holds ``content`` alone."""
    array = np.empty((), dtype=object)
    array[()] = content
    return pickle.dumps(array, protocol=protocol)


KEPT = {
    "S1": {"Walking 1": np.arange(24, dtype=np.float32).reshape(2, 4, 3), "by camera": [np.arange(3), None]},
    "columns first": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
    "big endian": np.array([1.5, -2.0], dtype=">f8"),
    "objects": np.array([1, "two", np.ones(2)], dtype=object),
    "text": np.array(["Photo", "WalkDog"]),
    "nothing": np.zeros((0, 3)),
    "scalars": (np.float64(2.5), np.int32(-7), np.bool_(True), True, None, 1.5, b"bytes", "é"),
}


def same(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(same(found[key], value) for key, value in wanted.items())
    if isinstance(wanted, np.ndarray):
        return bool(
            found.shape == wanted.shape
            and found.dtype.newbyteorder("=") == wanted.dtype.newbyteorder("=")
            and all(same(a, b) for a, b in zip(found.ravel(), wanted.ravel(), strict=True))
            if wanted.dtype == object
            else (np.asarray(found) == wanted).all() and found.dtype.kind == wanted.dtype.kind
        )
    if isinstance(wanted, list | tuple):
        return type(found) is type(wanted) and all(same(a, b) for a, b in zip(found, wanted, strict=True))
    return type(found) is type(wanted) and found == wanted


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_arrays_and_containers_come_back_as_they_were(protocol: int, tmp_path: Path) -> None:
    assert same(read_pickled(npz(tmp_path / "a.npz", array_of(KEPT, protocol)), "positions_3d"), KEPT)


def test_what_numpy_itself_saves_is_read(tmp_path: Path) -> None:
    content: Any = {"S1": {"Walking": np.ones((2, 3))}}
    np.savez_compressed(tmp_path / "a.npz", positions_3d=content, several=np.array([{"a": 1}, None], dtype=object))
    assert same(read_pickled(tmp_path / "a.npz", "positions_3d"), content)
    several = read_pickled(tmp_path / "a.npz", "several")
    assert several.shape == (2,)
    assert several[0] == {"a": 1}


def test_arrays_that_python_2_wrote_are_read(tmp_path: Path) -> None:
    """Its strings are bytes, and old NumPy's modules have old names: opcodes written out by hand."""
    numbers = np.array([1.0, -2.0, 0.5], dtype="<f4").tobytes()
    inner = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x03\x85cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U\x0c" + numbers + b"tb"
    )
    outer = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01)cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3ftb"
        b"\x89]}U\x02S1" + inner + b"satb."
    )
    found = read_pickled(npz(tmp_path / "a.npz", outer), "positions_3d")
    assert found["S1"].tolist() == [1.0, -2.0, 0.5]


class Runs:
    """Pickles as a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("protocol", [2, 3, 4])
@pytest.mark.parametrize(
    ("function", "arguments", "named"),
    [
        (os.system, ("touch {file}",), "system"),
        (eval, ("open({file!r}, 'w')",), "eval"),
        (open, ("{file}", "w"), "open"),
        (subprocess.call, ("touch {file}",), "call"),
        (np.save, ("{file}.npy", 1), "save"),
        (getattr, (os, "system"), "getattr"),
    ],
)
def test_whatever_else_a_pickle_asks_for_is_refused_and_not_run(
    function: Any, arguments: tuple[Any, ...], named: str, protocol: int, tmp_path: Path
) -> None:
    file = tmp_path / "made by the pickle"
    filled = [a.format(file=str(file)) if isinstance(a, str) else a for a in arguments if a is not os]
    content = array_of({"S1": {"Walking": np.ones(3), "Sitting": Runs(function, *filled)}}, protocol)
    with pytest.raises(WrongSource, match=rf"a pickle that asks for \S*{named}") as refusal:
        read_pickled(npz(tmp_path / "a.npz", content), "positions_3d")
    assert str(tmp_path / "a.npz") in str(refusal.value)
    assert list(tmp_path.iterdir()) == [tmp_path / "a.npz"]


DTYPE = b"cnumpy\ndtype\n"
START = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        # An object dtype whose state claims plain numbers would let bytes stand for pointers.
        (
            START + b"cnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x01\x85" + DTYPE + b"U\x02O8K\x00K\x01\x87R"
            b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x08AAAAAAAAtb.",
            "whole pickle of NumPy arrays",
        ),
        # Records may hide objects.
        (START + b"cnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01)" + DTYPE + b"U\x02V8K\x00K\x01\x87Rtb.", "dtype 'V8'"),
        (DTYPE + b"U\x0aO,i4,i4,i4K\x00K\x01\x87R.", "dtype 'O,i4,i4,i4'"),
        # An array that starts with a shape of its own would be filled with whatever the memory held.
        (START + b"cnumpy\nndarray\nJ\xff\xff\xff\x7f\x85U\x01b\x87R.", "starts an array as"),
        (START + DTYPE + b"K\x00\x85U\x01b\x87R.", "starts an array as"),
        (b"cnumpy\nndarray\nK\x09\x85R.", "whole pickle"),  # no constructor at all
        (b"U\x05abcde\x81.", "whole pickle"),
        (b"U\x03pidQ.", "whole pickle"),  # persistent ids lead outside
        (b"", "whole pickle"),
        (b"no pickle", "whole pickle"),
        (array_of(KEPT)[:-40], "whole pickle"),
        (pickle.dumps({"S1": 1}), r"an array of shape \(\)"),
        (pickle.dumps(np.array([None, None])), r"an array of shape \(\)"),
    ],
)
def test_forged_and_cut_off_pickles_are_refused(content: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(WrongSource, match=message):
        read_pickled(npz(tmp_path / "a.npz", content), "positions_3d")


def test_archives_without_what_is_wanted_say_what_they_have(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", kpts=np.zeros(3))
    with pytest.raises(WrongSource, match=r"a\.npz: wanted an array 'positions_3d', found kpts\.npy"):
        read_pickled(tmp_path / "a.npz", "positions_3d")
    with pytest.raises(WrongSource, match=r"kpts: wanted pickled objects, found float64 \(3,\)"):
        read_pickled(tmp_path / "a.npz", "kpts")
    (tmp_path / "b.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:-30])
    with pytest.raises(WrongSource, match=r"b\.npz: wanted a whole zip archive"):
        read_pickled(tmp_path / "b.npz", "positions_3d")
    with pytest.raises(WrongSource, match="members inside the archive's own folder"):
        read_pickled(npz(tmp_path / "c.npz", array_of(1), member="../positions_3d.npy"), "positions_3d")
    with pytest.raises(FileNotFoundError):
        read_pickled(tmp_path / "d.npz", "positions_3d")
