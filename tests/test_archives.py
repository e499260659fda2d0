"""Archives and JSON that are cut off, malformed, absurdly large, or up to no good."""

from __future__ import annotations

import json
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from penn_labels import penn
from scipy.io import savemat

from benchsuite.convert import archives, json_items
from benchsuite.convert.archives import WrongSource, open_zip, read_mat, read_npz, unpacked
from benchsuite.convert.json_items import json_items as items


def test_mat_files_that_are_spoilt(tmp_path: Path) -> None:
    whole = penn(tmp_path, 1).read_bytes()
    file = tmp_path / "a.mat"
    for cut in (len(whole) - 1, len(whole) // 2, 150, 130, 60):
        file.write_bytes(whole[:cut])
        with pytest.raises(WrongSource, match=r"a\.mat: wanted"):
            read_mat(file)
    for content, told in (
        (b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + bytes(600), "found v7.3"),
        (b"\x89HDF\r\n\x1a\n" + bytes(600), "found v7.3"),
        (b"PK\x03\x04" + bytes(200), "a file that starts with"),
        (whole[:128] + b"\x01\x00\x00\x00\x08\x00\x00\x00" + bytes(8), "an element of type 1"),
        (whole[:128] + b"\x0f\x00\x00\x00\x08\x00\x00\x00" + b"no zlib!", "wanted whole compressed variables"),
        (b"", "wanted between 1 and"),
    ):
        file.write_bytes(content)
        with pytest.raises(WrongSource, match=told):
            read_mat(file)


def test_a_mat_file_that_swells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.mat"
    savemat(file, {"x": np.zeros(1 << 16)}, do_compression=True)
    assert file.stat().st_size < 2000
    assert read_mat(file)["x"].shape == (1, 1 << 16)
    monkeypatch.setattr(archives, "LARGEST_BYTES", 1 << 18)
    with pytest.raises(WrongSource, match="wanted at most 262,144 bytes unpacked"):
        read_mat(file)


def test_a_mat_file_that_claims_more_than_it_holds(tmp_path: Path) -> None:
    file = tmp_path / "a.mat"
    savemat(file, {"x": np.array([[7, 7, 7]], np.int32)})
    content = file.read_bytes()
    at = content.index(np.array([1, 3], "<i4").tobytes())
    file.write_bytes(content[:at] + np.array([1 << 20, 1 << 10], "<i4").tobytes() + content[at + 8 :])
    with pytest.raises(WrongSource, match=r"at most .* elements"):
        read_mat(file)


def test_zip_members_that_leave_their_folder(tmp_path: Path) -> None:
    def link(member: zipfile.ZipInfo) -> None:
        member.external_attr = (stat.S_IFLNK | 0o777) << 16

    spoilt: list[tuple[str, Callable[[zipfile.ZipInfo], None], str]] = [
        ("../a.mat", lambda m: None, "inside the archive's own folder"),
        ("b/../../a.mat", lambda m: None, "inside the archive's own folder"),
        ("..\\a.mat", lambda m: None, "inside the archive's own folder"),
        ("/etc/a.mat", lambda m: None, "inside the archive's own folder"),
        ("C:\\a.mat", lambda m: None, "inside the archive's own folder"),
        ("a.mat", link, "a symbolic link"),
    ]
    for name, spoil, told in spoilt:
        member = zipfile.ZipInfo(name)
        spoil(member)
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr(member, b"x")
        with pytest.raises(WrongSource, match=told), unpacked(tmp_path / "a.zip", frozenset({".mat"})):
            pass
    assert not list(tmp_path.parent.glob("a.mat"))


def test_zip_archives_that_are_too_large_or_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.mat", bytes(3000))
        archive.writestr("b.mat", bytes(3000))
        archive.writestr("c.avi", bytes(3000))
    content = bytearray(file.read_bytes())
    with unpacked(file, frozenset({".mat"})) as folder:
        assert sorted(f.name for f in folder.iterdir()) == ["a.mat", "b.mat"]
    assert not folder.exists()
    monkeypatch.setattr(archives, "LARGEST_BYTES", 5000)
    with pytest.raises(WrongSource, match="unpack it yourself"), unpacked(file, frozenset({".mat"})):
        pass
    monkeypatch.setattr(archives, "LARGEST_BYTES", 2999)
    with pytest.raises(WrongSource, match=r"'a.mat' of 3,000"):
        open_zip(file)
    monkeypatch.undo()
    content[40] ^= 0xFF  # in the first member
    file.write_bytes(content)
    with (
        pytest.raises(WrongSource, match=r"a\.zip: a\.mat: wanted a whole member"),
        unpacked(file, frozenset({".mat"})),
    ):
        pass
    file.write_bytes(content[:-30])
    with pytest.raises(WrongSource, match="wanted a whole zip archive"):
        open_zip(file)


def npy(shape: tuple[int, ...], body: bytes, descr: str = "<f8") -> bytes:
    header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + body


@pytest.mark.parametrize(
    ("member", "told"),
    [
        (npy((1 << 40,), bytes(16)), "wanted 8,796,093,022,208 bytes for float64"),
        (npy((2,), bytes(8)), "wanted 16 bytes"),
        (npy((2,), bytes(16), "|O"), "pickled objects, which are never loaded"),
        (b"\x93NUMPY", "wanted a whole .npy array"),
        (b"nothing", "wanted a whole .npy array"),
    ],
)
def test_npz_members_that_are_spoilt(tmp_path: Path, member: bytes, told: str) -> None:
    file = tmp_path / "a.npz"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("uv.npy", member)
    with pytest.raises(WrongSource, match=told):
        read_npz(file)


def test_npz_reads_what_numpy_writes(tmp_path: Path) -> None:
    arrays = {
        "a": np.arange(6.0).reshape(2, 3),
        "b": np.array("text"),
        "c": np.asfortranarray(np.eye(3)),
        "d": np.ones(0),
    }
    np.savez_compressed(tmp_path / "a.npz", **arrays)
    found = read_npz(tmp_path / "a.npz")
    assert found.keys() == arrays.keys()
    assert all(np.array_equal(found[name], array) for name, array in arrays.items())


# JSON, item by item

DOCUMENTS = [
    "[]",
    "{}",
    ' [1, 23.5, -4e3, "a]b", null, {"k": [1, {"l": []}]}]\n',
    '{"a": 12345, "b": [], "c": [1, 2], "d": {"e": [3]}, "images": [{"id": 1}, {"id": 2}], "s": "\\u00e9 \\"x\\" é"}',
]


def listed(document: str) -> list[tuple[str, Any]]:
    whole = json.loads(document)
    if isinstance(whole, list):
        return [("", item) for item in whole]
    return [(k, item) for k, v in whole.items() for item in (v if isinstance(v, list) else [v])]


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1 << 20])
@pytest.mark.parametrize("document", DOCUMENTS)
def test_items_are_those_of_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document: str, chunk: int
) -> None:
    monkeypatch.setattr(json_items, "_CHUNK", chunk)
    (tmp_path / "a.json").write_text(document, encoding="utf-8")
    assert list(items(tmp_path / "a.json")) == listed(document)


@pytest.mark.parametrize("document", DOCUMENTS[2:])
def test_every_cut_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, document: str) -> None:
    monkeypatch.setattr(json_items, "_CHUNK", 5)
    whole = document.strip()
    for cut in range(len(whole)):
        (tmp_path / "a.json").write_text(whole[:cut], encoding="utf-8")
        with pytest.raises(WrongSource, match=r"a\.json: wanted .* at character"):
            list(items(tmp_path / "a.json"))


def test_json_that_is_none(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    for content, told in (
        (b"12", "wanted .* or .* at character 1, found '1'"),
        (b"[1 2]", "at character 4, found '2'"),
        (b"[1] x", "wanted the end of the file at character 5"),
        (b'{"a": 1, }', "at character 10"),
        (b"[" * 100_000, "wanted JSON at character 2"),
        (b'["\xff"]', "wanted UTF-8 text"),
    ):
        file.write_bytes(content)
        with pytest.raises(WrongSource, match=told):
            list(items(file))


def test_a_truncated_stream_that_holds_all_values_is_read(tmp_path: Path) -> None:
    """MATLAB forgets the end mark of some streams: Penn Action's 1605.mat has two such."""
    file = penn(tmp_path, 1)
    content = file.read_bytes()
    size = int.from_bytes(content[132:136], "little")
    cut = zlib.decompressobj().decompress(content[136 : 136 + size])
    packer = zlib.compressobj()
    body = packer.compress(cut) + packer.flush(zlib.Z_SYNC_FLUSH)
    file.write_bytes(content[:132] + len(body).to_bytes(4, "little") + body + content[136 + size :])
    assert read_mat(file)["action"].item() == "squat"
