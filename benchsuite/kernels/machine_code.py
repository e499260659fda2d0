"""Functions compiled by numba, which must be installed, and kept on disk for as long as their text is the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any
from zlib import crc32

from numba import njit


def machine_code(function: Callable[..., None], **options: Any) -> Callable[..., None]:
    """``function`` compiled: it holds no lock, divides as IEEE 754 says, and is kept where there is a place.

    What is kept is known by the function's own file and by what it closes over, ``text_of`` the other files it needs.
    """

    def made(*, cached: bool) -> Callable[..., None]:
        compiled: Callable[..., None] = njit(nogil=True, error_model="numpy", cache=cached, **options)(function)
        return compiled

    try:
        return made(cached=True)
    except RuntimeError:  # nowhere to keep it
        return made(cached=False)


def text_of(*modules: ModuleType) -> int:
    """A number that is another one when the text of a module, or of what all machine code is made with, is."""
    made_with = (Path(__file__).with_name(f"{name}.py") for name in ("machine_code", "lanes", "blocks"))
    paths = [*made_with, *(Path(str(module.__file__)) for module in modules)]
    return crc32(b"".join(path.read_bytes() for path in paths))
