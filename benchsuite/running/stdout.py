"""Standard output, where our own tables go: what methods write there goes elsewhere, and is noticed.

They write through ``sys.stdout``, or past it, as C code, child processes and ``os.write(1, ...)`` do.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from tempfile import TemporaryFile
from typing import Any, TextIO

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
    """``note`` is told if anything is written to stdout within; past ``sys.stdout``, if a file takes it.

    So it is within ``aside``, and in workers.
    """
    streams, before = {name: vars(sys)[name] for name in ("stdout", "__stdout__")}, _written()
    vars(sys).update(dict.fromkeys(streams, _Heard(sys.stdout)))
    try:
        yield
    finally:
        vars(sys).update(streams)
        if _written() != before:
            note("printed to stdout")


def pass_on(file: int, to: TextIO, done: int = 0) -> int:
    """How many bytes came into ``file`` so far; those after ``done`` go to ``to``, if it takes them."""
    with suppress(OSError, ValueError):  # nobody reads it any more: no fault of the component's
        if (new := os.fstat(file).st_size - done) > 0:
            came = os.pread(file, new, done)
            done += len(came)
            to.write(came.decode(errors="replace"))
    return done


def flush() -> None:
    """Let go of what was written to stdout and lies in some buffer still, C's too."""
    for stream in (sys.stdout, sys.__stdout__):
        with suppress(OSError, ValueError):  # as above; or somebody closed it
            if stream:
                stream.flush()
    _LIBC.fflush(None)


class _Heard:
    """Stands before a stream of text or bytes, and counts what is written to it."""

    characters = 0
    """Through all of them: a method may keep one for good."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, text: str | bytes) -> int:
        _Heard.characters += len(text)
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def writelines(self, lines: Iterable[str | bytes]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._stream.flush()

    def close(self) -> None:
        """Nothing: it is not theirs."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._stream, name)
        return _Heard(value) if name in ("buffer", "raw") else value


class _Descriptor:
    """File descriptor 1, led into a file without a name: unlike a pipe it tells its length, and is never full."""

    def __init__(self, to: TextIO) -> None:
        self._to, self._passed_on = to, 0
        flush()
        self._outer = os.dup(1)
        self._file = TemporaryFile(buffering=0)  # noqa: SIM115 - closed in ``close``
        os.dup2(self._file.fileno(), 1)

    def written(self) -> int:
        """How many bytes came so far; they are passed on."""
        self._passed_on = pass_on(self._file.fileno(), self._to, self._passed_on)
        return self._passed_on

    def close(self) -> None:
        try:
            flush()
            self.written()
        finally:
            os.dup2(self._outer, 1)
            os.close(self._outer)
            self._file.close()


_descriptor: _Descriptor | None = None


def _written() -> int:
    flush()
    if _descriptor:
        return _Heard.characters + _descriptor.written()
    with suppress(OSError):  # somebody closed it
        return _Heard.characters + os.fstat(1).st_size
    return _Heard.characters
