"""Photographs of every kind, and files that are none."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchsuite.images import photographs
from benchsuite.images.photographs import NoPillow, WrongImage, photograph_size, read_photograph

image = pytest.importorskip("PIL.Image")

COLOURS = np.arange(2 * 3 * 3, dtype=np.uint8).reshape(2, 3, 3) * 14
"""2 high, 3 wide."""


def saved(folder: Path, made: Any, name: str = "a.png", **how: Any) -> Path:
    made.save(folder / name, **how)
    return folder / name


def test_rgb_is_as_it_was(tmp_path: Path) -> None:
    file = saved(tmp_path, image.fromarray(COLOURS))
    np.testing.assert_array_equal(read_photograph(file), COLOURS)
    assert photograph_size(file) == (3, 2)


def test_grey_has_three_equal_channels(tmp_path: Path) -> None:
    grey = COLOURS[..., 0]
    for mode in ("L", "LA"):
        file = saved(tmp_path, image.fromarray(grey).convert(mode))
        np.testing.assert_array_equal(read_photograph(file), np.stack([grey] * 3, axis=2))


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bits_are_scaled_not_cut(tmp_path: Path, name: str) -> None:
    """65535 is white; 128.4 of 255 is 128, 128.6 is 129."""
    deep = np.array([[0, 65535, 256], [33000, 33040, 257]], dtype=np.uint16)
    found = read_photograph(saved(tmp_path, image.fromarray(deep), name))
    assert found[..., 0].tolist() == [[0, 255, 1], [128, 129, 1]]
    assert found.shape == (2, 3, 3)


def test_sixteen_bits_with_the_high_byte_first(tmp_path: Path) -> None:
    (tmp_path / "a.pgm").write_bytes(b"P5 2 1 65535\n" + bytes((255, 255, 128, 0)))
    assert read_photograph(tmp_path / "a.pgm")[0, :, 1].tolist() == [255, 128]  # 0x8000 of 0xffff is 127.502


def test_numbers_that_are_no_colours(tmp_path: Path) -> None:
    file = saved(tmp_path, image.fromarray(np.array([[0.5]], dtype=np.float32)), "a.tif")
    with pytest.raises(WrongImage, match=r"a\.tif: wanted 8 or 16 bits a channel, found floating point numbers"):
        read_photograph(file)
    file = saved(tmp_path, image.fromarray(np.array([[-1, 70000]], dtype=np.int32)), "a.tif")
    with pytest.raises(WrongImage, match="wanted 8 or 16 bits a channel, found values from -1 to 70000"):
        read_photograph(file)


def test_cmyk(tmp_path: Path) -> None:
    """Cyan alone takes red away; a printer's black takes all."""
    inks = np.zeros((8, 16, 4), np.uint8)
    inks[:, :8, 0], inks[:, 8:, 3] = 255, 255
    found = read_photograph(saved(tmp_path, image.fromarray(inks, "CMYK"), "a.tif"))
    assert found[0, 0].tolist() == [0, 255, 255]
    assert found[0, 12].tolist() == [0, 0, 0]
    found = read_photograph(saved(tmp_path, image.fromarray(inks, "CMYK"), "a.jpg", quality=100, subsampling=0))
    np.testing.assert_allclose(found[0, 0], [0, 255, 255], atol=3)


def test_palette_and_transparency(tmp_path: Path) -> None:
    palette = image.fromarray(np.array([[0, 1, 2]], dtype=np.uint8), "P")
    palette.putpalette([10, 20, 30, 250, 0, 0, 7, 8, 9])
    assert read_photograph(saved(tmp_path, palette)).tolist() == [[[10, 20, 30], [250, 0, 0], [7, 8, 9]]]
    file = saved(tmp_path, palette, transparency=1)
    assert read_photograph(file).tolist() == [[[10, 20, 30], [0, 0, 0], [7, 8, 9]]], "what is transparent is black"
    half = image.fromarray(np.array([[[200, 100, 0, 128], [200, 100, 0, 0]]], dtype=np.uint8), "RGBA")
    np.testing.assert_allclose(read_photograph(saved(tmp_path, half)), [[[100, 50, 0], [0, 0, 0]]], atol=1)


@pytest.mark.parametrize(
    ("orientation", "wanted"),
    [
        (1, [[0, 1, 2], [3, 4, 5]]),
        (2, [[2, 1, 0], [5, 4, 3]]),
        (3, [[5, 4, 3], [2, 1, 0]]),
        (6, [[3, 0], [4, 1], [5, 2]]),  # to be turned clockwise
        (8, [[2, 5], [1, 4], [0, 3]]),
    ],
)
def test_turned_as_exif_says(tmp_path: Path, orientation: int, wanted: list[list[int]]) -> None:
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
    mark = image.Exif()
    mark[0x0112] = orientation
    file = saved(tmp_path, image.fromarray(grey), exif=mark)
    assert (read_photograph(file)[..., 0] // 40).tolist() == wanted
    assert photograph_size(file) == (len(wanted[0]), len(wanted))


def test_files_that_are_no_photographs(tmp_path: Path) -> None:
    whole = saved(tmp_path, image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)), "a.jpg")
    content = whole.read_bytes()
    for name, spoilt, told in (
        ("empty.jpg", b"", "wanted a whole photograph, found UnidentifiedImageError"),
        ("text.jpg", b"no picture", "wanted a whole photograph, found UnidentifiedImageError"),
        ("half.jpg", content[: len(content) // 2], "wanted a whole photograph, found OSError: image file is truncated"),
        ("half.png", saved(tmp_path, image.open(whole)).read_bytes()[:500], "wanted a whole photograph, found"),
    ):
        (tmp_path / name).write_bytes(spoilt)
        with pytest.raises(WrongImage, match=f"{name}: {told}"):
            read_photograph(tmp_path / name)
    with pytest.raises(WrongImage, match=r"none\.jpg: wanted a photograph, found no such file"):
        read_photograph(tmp_path / "none.jpg")
    with pytest.raises(WrongImage, match="wanted a whole photograph, found IsADirectoryError"):
        read_photograph(tmp_path)


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return len(content).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100)))


@pytest.mark.parametrize("act", [read_photograph, photograph_size])
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [8193, 12000, 60000])
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, act: Any, side: int) -> None:
    (tmp_path / "bomb.png").write_bytes(png_of(side, side))
    with pytest.raises(WrongImage, match=r"bomb\.png: wanted (between 1 and 67,108,864 pixels|a whole photograph)"):
        act(tmp_path / "bomb.png")


def test_no_pixels(tmp_path: Path) -> None:
    (tmp_path / "flat.png").write_bytes(png_of(0, 5))
    with pytest.raises(WrongImage, match=r"flat\.png: wanted"):
        read_photograph(tmp_path / "flat.png")


def test_the_largest_is_still_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = saved(tmp_path, image.fromarray(COLOURS))
    monkeypatch.setattr(photographs, "LARGEST_PX", 6)
    assert read_photograph(file).shape == (2, 3, 3)
    monkeypatch.setattr(photographs, "LARGEST_PX", 5)
    with pytest.raises(WrongImage, match="wanted between 1 and 5 pixels, found 3 x 2"):
        read_photograph(file)


def test_without_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(NoPillow, match=r"photographs need Pillow: pip install benchsuite\[data\]"):
        read_photograph(tmp_path / "a.jpg")


def test_all_photographs_at_hand_read(shared_data: Path) -> None:
    files = sorted((shared_data / "lsp" / "lspet_400img" / "images").glob("*.jpg"))
    if not files:
        pytest.skip("no photographs here")
    for file in files:
        height, width, _ = read_photograph(file).shape
        assert photograph_size(file) == (width, height)
