"""JSON files of frozen dataclasses: written whole or not at all, read strictly.

JSON knows no NaN and no infinity: NaN is kept as ``null``, the infinities as ``"Infinity"`` and
``"-Infinity"``. Mappings are written in the order of their keys, so equal values give equal bytes.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, NoReturn, TypeVar, cast

from benchsuite.reading import Misfit, reader, short

T = TypeVar("T")


class WrongDocument(ValueError):
    """A JSON file is not what its layout says; names file and key, what was wanted and found."""


class CannotWrite(OSError):
    """A file could not be written; names the folder. What was there before is still there."""


def plain(value: Any, key: str = "") -> Any:
    """``value`` in what JSON has: dataclasses as objects, tuples as arrays, NaN as null.

    Raises:
        TypeError: something JSON has no form for; names its key.
    """
    if type(value) in (str, int, bool, NoneType):  # most values are
        return value
    if is_dataclass(value):
        return {f.name: plain(getattr(value, f.name), f"{key}.{f.name}") for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(k): plain(value[k], f"{key}.{k}") for k in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [plain(v, f"{key}[{i}]") for i, v in enumerate(value)]
    if hasattr(value, "item"):  # a numpy scalar
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"
    if not isinstance(value, bool | int | float | str | None):
        raise TypeError(f"{key.lstrip('.')}: wanted something JSON can hold, found {value!r}")
    return value


def dump(value: Any) -> bytes:
    """``value`` as the bytes of a JSON file."""
    text = json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False)
    # A lone surrogate (a file name that is not UTF-8) becomes \udcXX, which JSON reads back.
    return f"{text}\n".encode("utf-8", "backslashreplace")


def write_whole(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path``, or leave what was there.

    Raises:
        CannotWrite: a full disk, a read-only folder...; nothing half-written stays.
    """
    partial = _partial(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with partial.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise _cannot_write(path, error) from error


def check_place(path: Path) -> None:
    """Find out that no file can be written at ``path`` before what it is to hold is worked out.

    Raises:
        CannotWrite: a folder is there, or its folder takes no files.
    """
    if path.is_dir():
        raise CannotWrite(f"{path}: wanted a file to write, found a folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _partial(path).touch()
        _partial(path).unlink()
    except OSError as error:
        raise _cannot_write(path, error) from error


def _partial(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.partial")


def _cannot_write(path: Path, error: OSError) -> CannotWrite:
    return CannotWrite(f"{path.parent}: cannot write {path.name} here: {error.strerror or error}")


def sweep(root: Path, now: Path) -> None:
    """Delete what killed processes left half-written under ``root``: nobody writes one file for an hour.

    Args:
        root: a folder.
        now: a file in it just written; its file system's clock counts, not this machine's.
    """
    latest = now.stat().st_mtime - 3600
    for partial in root.rglob(".*.partial"):
        with suppress(FileNotFoundError):
            if partial.stat().st_mtime < latest:
                partial.unlink()


def load(path: Path, kind: type[T], schema: int) -> T:
    """What the JSON file ``path`` says, as the dataclass ``kind``.

    Raises:
        WrongDocument: not UTF-8, not JSON, another schema version, a key missing or unknown, a
            value of the wrong type.
    """
    return made(path, parsed(path), kind, schema)


def parsed(path: Path) -> dict[str, Any]:
    """The object in the JSON file ``path``.

    Raises:
        WrongDocument: not UTF-8, not JSON, no object.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (ValueError, OSError, RecursionError) as error:
        raise WrongDocument(f"{path}: wanted JSON: {error}") from None
    if not isinstance(document, dict):
        raise WrongDocument(f"{path}: wanted an object, found {short(document)}")
    return document


def made(path: Path, document: Mapping[str, Any], kind: type[T], schema: int) -> T:
    """``document``, which the file ``path`` holds, as the dataclass ``kind``.

    Raises:
        WrongDocument: as ``load``, but for what ``parsed`` finds.
    """
    found = document.get("schema")
    if found != schema:
        older = "; an older one: `benchsuite results migrate`" if type(found) is int and found < schema else ""
        raise WrongDocument(f"{path}: schema: wanted {schema}, found {short(found)}{older}")
    return fitted(path, document, kind)


def fitted(path: Path, document: Mapping[str, Any], kind: type[T]) -> T:
    """``document``, which the file ``path`` holds and which has no version, as the dataclass ``kind``.

    Raises:
        WrongDocument: a key is missing or unknown, or a value of the wrong type.
    """
    try:
        read: T = reader(cast(Any, kind))(document)
    except Misfit as error:
        raise WrongDocument(f"{path}: {error}") from None
    return read


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON; NaN is written as null")
