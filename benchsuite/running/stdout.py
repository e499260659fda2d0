"""Standard output, where our own tables go: what methods write there goes elsewhere, and is noticed.

They write through ``sys.stdout``, or past it, as C code, child processes and ``os.write(1, ...)`` do.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from tempfile import TemporaryFile
from typing import Any, TextIO, cast

_LIBC = ctypes.CDLL(None)


@contextmanager
def aside(to: TextIO | None = None) -> Iterator[None]:
    """What is written to stdout within goes to ``to``, or else to stderr: our own tables are undisturbed."""
    global _descriptor
    outer, stream = _descriptor, to or sys.stderr
    _descriptor = mine = _Descriptor(stream)
    try:
        with redirect_stdout(stream):
            yield
    finally:
        _descriptor = outer
        mine.close()


@contextmanager
def heard(note: Callable[[str], object]) -> Iterator[None]:
    """``note`` is told if anything is written to stdout within; past ``sys.stdout``, if that is within ``aside``."""
    stream, before = sys.stdout, _written()
    sys.stdout = cast(TextIO, _Heard(stream))
    try:
        yield
    finally:
        sys.stdout = stream
        if _written() != before:
            note("printed to stdout")


class _Heard:
    """Stands before a stream, and counts what is written to it."""

    characters = 0
    """Through all of them: a method may keep one for good."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        _Heard.characters += len(text)
        return self._stream.write(text)

    def close(self) -> None:
        """Nothing: it is not theirs."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Descriptor:
    """File descriptor 1, led into a file without a name: unlike a pipe it tells its length, and is never full."""

    def __init__(self, to: TextIO) -> None:
        self._to, self._passed_on = to, 0
        _flush()
        self._outer = os.dup(1)
        self._file = TemporaryFile(buffering=0)  # noqa: SIM115 - closed in ``close``
        os.dup2(self._file.fileno(), 1)

    def written(self) -> int:
        """How many bytes came so far; they are passed on."""
        _flush()
        file = self._file.fileno()
        if size := os.fstat(file).st_size:
            self._to.write(os.pread(file, size, 0).decode(errors="replace"))
            os.ftruncate(file, 0)
            os.lseek(file, 0, os.SEEK_SET)
            self._passed_on += size
        return self._passed_on

    def close(self) -> None:
        self.written()
        os.dup2(self._outer, 1)
        os.close(self._outer)
        self._file.close()


_descriptor: _Descriptor | None = None


def _written() -> int:
    return _Heard.characters + (_descriptor.written() if _descriptor else 0)


def _flush() -> None:
    """Let go of what was written and lies in some buffer still, C's too."""
    for stream in (sys.stdout, sys.__stdout__):
        if stream:
            stream.flush()
    _LIBC.fflush(None)
