"""The leaderboard, made of the records and the reported tables alone, in several formats.

Equal records give equal bytes: nothing of the clock, the machine or the order of files gets in.
"""

from __future__ import annotations

import difflib
import gc
from pathlib import Path

from benchsuite_registry.contracts import late

from benchsuite.documents import write_whole
from benchsuite.leaderboard.sheets import read_published

FORMATS = {
    "md": late("benchsuite.leaderboard.markdown:page"),
    "csv": late("benchsuite.leaderboard.tidy:csv_page"),
    "json": late("benchsuite.leaderboard.tidy:json_page"),
    "latex": late("benchsuite.leaderboard.latex:page"),
    "html": late("benchsuite.leaderboard.html:page"),
}
"""What makes each format's text of all that is published."""

SUFFIXES = {"latex": "tex"}


def leaderboard(root: Path, form: str = "md") -> str:
    """What the records and reported tables under ``root``, the results folder, make in the format ``form``.

    Raises:
        WrongDocument: one of them is not what its layout says, or there is no such folder.
    """
    collecting = gc.isenabled()
    gc.disable()  # nothing that is read here is garbage, and looking through it for some takes a third of the time
    try:
        made: str = FORMATS[form](read_published(root))
    finally:
        if collecting:
            gc.enable()
    return made


def place_of(root: Path, form: str = "md") -> Path:
    """Where the leaderboard lies if nothing else is said."""
    return root / f"leaderboard.{SUFFIXES.get(form, form)}"


def write_leaderboard(root: Path, form: str = "md", path: Path | None = None) -> Path:
    """Bring the leaderboard up to date, whole or not at all; errors as ``leaderboard`` and ``write_whole``."""
    path = path or place_of(root, form)
    write_whole(path, leaderboard(root, form).encode("utf-8", "backslashreplace"))
    return path


def drift(root: Path, form: str = "md", path: Path | None = None) -> list[str]:
    """Unified diff from the leaderboard on disk to the one its records make; empty if they agree."""
    path = path or place_of(root, form)
    found = path.read_bytes().decode(errors="replace") if path.is_file() else ""
    made = leaderboard(root, form).splitlines(keepends=True)
    lines = difflib.unified_diff(found.splitlines(keepends=True), made, str(path), "from the records")
    return [line.rstrip("\n") for line in lines]
