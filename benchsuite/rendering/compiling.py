"""Machine code for the loops over pixels, by numba."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., object])


class NoNumba(ImportError):
    """numba is not installed; says how to get it."""


def compiled(function: F) -> F:
    """``function`` as machine code that holds no lock, kept on disk where there is a place for it.

    Raises:
        NoNumba: numba is not installed.
    """
    try:
        from numba import config, njit
    except ImportError as error:
        raise NoNumba(f"rendering needs numba: pip install benchsuite[fast] ({error})") from None
    settings: Any = config
    chosen = settings.CACHE_DIR
    place = _place(chosen)
    try:
        settings.CACHE_DIR = place
        made: Any = njit(nogil=True, error_model="numpy", cache=bool(place))(function)
    finally:
        settings.CACHE_DIR = chosen
    return cast(F, made)


@cache
def _place(chosen: str) -> str:
    """The folder for machine code of just these sources; empty where none can be made.

    numba looks at a function's own file alone when it asks whether what it kept is still good, but ours call each other
    across files.
    """
    here = Path(__file__).parent
    sources = sha256(b"".join(file.read_bytes() for file in sorted(here.glob("*.py")))).hexdigest()[:16]
    place = Path(chosen or here / "__pycache__") / f"rendering-{sources}"
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError:
        return ""
    return str(place)
