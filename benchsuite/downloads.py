"""Downloads: a file is at its place once its hash is right, and not before; one that was cut off goes on from there.

The standard library does it; CONTRIBUTING says why not pooch.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from benchsuite_registry.checkpoints import sha256

_SILENT_S = 60.0
_PIECE_BYTES = 1 << 20
_BEYOND_THE_END = 416


class WrongDownload(Exception):
    """A file cannot be had, or is not the one that was wanted; says which, wanted and found."""


def size_of(url: str) -> int | None:
    """How many bytes ``url`` says it has; None if it does not.

    Raises:
        WrongDownload: no address of the web, or it does not answer.
    """
    with _answer(url, method="HEAD") as answer:
        return _length(answer)


def fetch(url: str, out: Path, digest: str, advance: Callable[[int], object] = lambda count: None) -> None:
    """Put the file at ``url`` at ``out``; what is there of ``out.partial`` is not asked for again.

    Args:
        url: http or https.
        out: where to.
        digest: hex sha256 of the file.
        advance: told how many bytes have come, each time some have.

    Raises:
        WrongDownload: the connection broke, and what came stays to go on from; or the file is another one, and nothing
            stays.
        OSError: it cannot be written.
    """
    partial = out.with_name(f"{out.name}.partial")
    partial.parent.mkdir(parents=True, exist_ok=True)
    there = partial.stat().st_size if partial.is_file() else 0
    with _answer(url, Range=f"bytes={there}-") if there else _answer(url) as answer:
        if answer.status != _BEYOND_THE_END:  # else all of it is there, or it is another file
            goes_on = answer.status == 206 and answer.headers.get("Content-Range", "").startswith(f"bytes {there}-")
            _save(url, answer, partial, goes_on, advance)
    if (found := sha256(partial)) != digest.lower():
        partial.unlink()
        raise WrongDownload(f"{url}: wanted sha256 {digest.lower()}, found {found}; it was deleted")
    os.replace(partial, out)


def _save(url: str, answer: HTTPResponse, partial: Path, goes_on: bool, advance: Callable[[int], object]) -> None:
    coming, count = _length(answer), 0
    if coming is not None and coming > (free := shutil.disk_usage(partial.parent).free):
        raise WrongDownload(f"{url}: wanted {coming:,} free bytes in {partial.parent}, found {free:,}")
    with partial.open("ab" if goes_on else "wb") as file:
        if goes_on:
            advance(file.tell())
        while piece := answer.read(_PIECE_BYTES):
            file.write(piece)
            count += len(piece)
            advance(len(piece))
    if coming is not None and count < coming:
        raise WrongDownload(f"{url}: wanted {coming:,} bytes, found {count:,}; repeat the command to go on from there")


@contextmanager
def _answer(url: str, method: str = "GET", **headers: str) -> Generator[Any, None, None]:
    if urlsplit(url).scheme not in ("http", "https"):
        raise WrongDownload(f"{url}: wanted an address that begins with http:// or https://")
    request = Request(
        url, method=method, headers={"Accept-Encoding": "identity", "User-Agent": "benchsuite", **headers}
    )
    try:
        with urlopen(request, timeout=_SILENT_S) as answer:
            yield answer
    except HTTPError as error:
        if error.code != _BEYOND_THE_END or "Range" not in headers:
            raise WrongDownload(f"{url}: {error}") from None
        with error:
            yield error
    except (HTTPException, TimeoutError, ConnectionError) as error:
        raise WrongDownload(f"{url}: {type(error).__name__}: {error}; repeat the command to go on") from None
    except OSError as error:  # URLError: no such host, no certificate...
        if getattr(error, "reason", None) is None:
            raise
        raise WrongDownload(f"{url}: {error}") from None


def _length(answer: Any) -> int | None:
    length = answer.headers.get("Content-Length") or ""
    return int(length) if length.isdecimal() and len(length) < 20 else None
