"""Photographs on disk, whatever their kind, as 8-bit RGB; none of them trusted.

A photograph that says how it is to be turned (EXIF) is turned, and the pixels of all columns are those of the upright
picture, as viewers and annotation tools in browsers show it. For the sets that have converters it makes no difference:
MPII's pictures are frames of videos, and those of LSP and LSPET were scaled by their authors, which left no such
mark (none of the 400 at hand has one).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchsuite.datasets.columns import WrongDataset

if TYPE_CHECKING:
    from PIL.Image import Image

T = TypeVar("T")

LARGEST_PX = 1 << 26
"""Width times height of the largest photograph that is read, 67 megapixels: 200 MB."""

_SIXTEEN_BITS = (1 << 16) - 1
_ORIENTATION, _LYING = 0x0112, frozenset({5, 6, 7, 8})
"""EXIF's tag, and its values for pictures that are turned by a quarter."""


class WrongImage(WrongDataset):
    """A photograph is not what it should be. Its message is always ``FILE: wanted ..., found ...``."""

    def __init__(self, path: Path | str, wanted: str, found: str) -> None:
        super().__init__(f"{path}: wanted {wanted}, found {found}")


class NoPillow(ImportError):
    """Pillow is not installed; says how to get it."""


def pillow() -> Any:
    """The module ``PIL.Image``.

    Raises:
        NoPillow: it is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise NoPillow(f"photographs need Pillow: pip install benchsuite[data] ({error})") from None
    return Image


def read_photograph(path: Path) -> NDArray[np.uint8]:
    """The upright picture, (H, W, 3) RGB.

    Grey pictures get three equal channels, 16 bits are scaled to 8, CMYK is converted; what is transparent is black,
    as all that lies beyond a picture. Of animations the first picture is taken.

    Raises:
        WrongImage: missing, empty, cut off, no picture, no pixels, too many (told from the header, before anything is
            unpacked), or of numbers that are no colours.
        NoPillow: Pillow is not installed.
    """

    def upright(image: Image) -> NDArray[np.uint8]:
        from PIL.ImageOps import exif_transpose

        return _rgb(path, exif_transpose(image))

    return _opened(path, upright)


def photograph_size(path: Path) -> tuple[int, int]:
    """Width and height of the upright picture, px; no more than the header is read.

    Raises:
        WrongImage: as ``read_photograph``, as far as the header shows it.
        NoPillow: Pillow is not installed.
    """

    def size(image: Image) -> tuple[int, int]:
        width, height = image.size
        return (height, width) if image.getexif().get(_ORIENTATION) in _LYING else (width, height)

    return _opened(path, size)


def _opened(path: Path, act: Callable[[Image], T]) -> T:
    image_module = pillow()
    try:
        with image_module.open(path) as image:
            width, height = image.size
            if not 0 < width * height <= LARGEST_PX:
                raise WrongImage(path, f"between 1 and {LARGEST_PX:,} pixels", f"{width} x {height}")
            return act(image)
    except WrongImage:
        raise
    except FileNotFoundError:
        raise WrongImage(path, "a photograph", "no such file") from None
    except Exception as error:  # decoders raise whatever the bytes lead them to
        told = str(error).removesuffix(f" {str(path)!r}")  # which says the path again
        raise WrongImage(path, "a whole photograph", f"{type(error).__name__}: {told}") from None


def _rgb(path: Path, image: Image) -> NDArray[np.uint8]:
    if image.mode == "F":
        raise WrongImage(path, "8 or 16 bits a channel", "floating point numbers")
    if image.mode.startswith("I"):
        grey = np.asarray(image).astype(np.int64)
        if grey.min() < 0 or grey.max() > _SIXTEEN_BITS:
            raise WrongImage(path, "8 or 16 bits a channel", f"values from {grey.min()} to {grey.max()}")
        eight = ((grey * 255 + _SIXTEEN_BITS // 2) // _SIXTEEN_BITS).astype(np.uint8)
        return np.repeat(eight[..., None], 3, axis=2)
    if image.has_transparency_data:
        black = pillow().new("RGBA", image.size, "black")
        image = pillow().alpha_composite(black, image.convert("RGBA"))
    return np.array(image.convert("RGB"))
