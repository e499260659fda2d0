"""JSON files of frozen dataclasses: written whole or not at all, read strictly.

JSON knows no NaN and no infinity: NaN is kept as ``null``, the infinities as ``"Infinity"`` and
``"-Infinity"``. Mappings are written in the order of their keys, so equal values give equal bytes.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NoReturn, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")

MAY_BE_ABSENT = {"may be absent": True}
"""``metadata`` of a field that files written before it was thought of lack; they are read with its default."""

_INFINITE = {"Infinity": math.inf, "-Infinity": -math.inf}


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
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
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
        raise CannotWrite(f"{path.parent}: cannot write {path.name} here: {error.strerror or error}") from error


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
        raise WrongDocument(f"{path}: wanted an object, found {_short(document)}")
    return document


def made(path: Path, document: Mapping[str, Any], kind: type[T], schema: int) -> T:
    """``document``, which the file ``path`` holds, as the dataclass ``kind``.

    Raises:
        WrongDocument: as ``load``, but for what ``parsed`` finds.
    """
    found = document.get("schema")
    if found != schema:
        older = "; an older one: `benchsuite results migrate`" if type(found) is int and found < schema else ""
        raise WrongDocument(f"{path}: schema: wanted {schema}, found {_short(found)}{older}")
    try:
        read: T = _reader(cast(Any, kind))(document)
    except _Wrong as error:
        raise WrongDocument(f"{path}: {error}") from None
    return read


class _Wrong(ValueError):
    """A value does not fit; where it stands is added on the way out, the file's name at the end."""

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key

    def __str__(self) -> str:
        return f"{self.key.lstrip('.')}: {self.args[0]}"

    def within(self, key: str) -> _Wrong:
        """The same, one level up."""
        self.key = key + self.key
        return self


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON; NaN is written as null")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


Reader = Callable[[Any], Any]


@cache
def _reader(kind: Any) -> Reader:
    """What reads a value as ``kind``: a dataclass, a tuple, a mapping, a literal, a union or a plain type."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return lambda value: value
    if is_dataclass(kind):
        return _dataclass_reader(kind)
    if origin in (Union, UnionType):
        return _union_reader(inner)
    if origin is Literal:
        return _plain_reader(kind, lambda value: isinstance(value, str | int) and value in inner)
    if origin is tuple:
        return _tuple_reader(_reader(inner[0]))
    if origin is Mapping:
        return _mapping_reader(_reader(inner[1]))
    return _read_float if kind is float else _plain_reader(kind, lambda value: type(value) is kind)


def _plain_reader(kind: Any, fits: Callable[[Any], bool]) -> Reader:
    def read(value: Any) -> Any:
        if fits(value):
            return value
        raise _Wrong(f"wanted {_wanted(kind)}, found {_short(value)}")

    return read


def _read_float(value: Any) -> float:
    if type(value) in (int, float):
        return float(value)
    if value is None:
        return math.nan
    if isinstance(value, str) and value in _INFINITE:
        return _INFINITE[value]
    raise _Wrong(f"wanted {_wanted(float)}, found {_short(value)}")


def _tuple_reader(each: Reader) -> Reader:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _Wrong(f"wanted an array, found {_short(value)}")
        made: list[Any] = []
        try:
            for one in value:
                made.append(each(one))  # noqa: PERF401 - its length names the one that does not fit
        except _Wrong as error:
            raise error.within(f"[{len(made)}]") from None
        return tuple(made)

    return read


def _mapping_reader(each: Reader) -> Reader:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _Wrong(f"wanted an object, found {_short(value)}")
        return _read_each(value, dict.fromkeys(value, each))

    return read


def _union_reader(kinds: tuple[Any, ...]) -> Reader:
    some = [kind for kind in kinds if kind is not NoneType]
    only = _reader(some[0]) if len(some) == 1 else None

    def read(value: Any) -> Any:
        if float in kinds and isinstance(value, str) and value in _INFINITE:
            return _INFINITE[value]
        if type(value) in kinds:
            return value
        if only:
            return only(value)
        if value is None and float in kinds:
            return math.nan
        raise _Wrong(f"wanted {' or '.join(map(_wanted, kinds))}, found {_short(value)}")

    return read


def _dataclass_reader(kind: Any) -> Reader:
    hints = get_type_hints(kind)
    readers = {f.name: _reader(hints[f.name]) for f in fields(kind)}
    needed = {f.name for f in fields(kind) if not f.metadata.get("may be absent")}

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise _Wrong(f"wanted an object, found {_short(value)}")
        if not needed <= value.keys() <= readers.keys():
            if missing := [name for name in readers if name in needed and name not in value]:
                raise _Wrong("key is missing", f".{missing[0]}")
            unknown = next(name for name in value if name not in readers)
            raise _Wrong(f"unknown key; wanted {', '.join(readers)}", f".{unknown}")
        return kind(**_read_each(value, readers))

    return read


def _read_each(value: Mapping[str, Any], readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Every value of an object, read by the reader of its key."""
    made = {}
    name = ""
    try:
        for name, one in value.items():
            made[name] = readers[name](one)
    except _Wrong as error:
        raise error.within(f".{name}") from None
    return made


def _wanted(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(map(repr, get_args(kind)))
    names = {str: "a string", int: "an integer", float: "a number", bool: "true or false", NoneType: "null"}
    return names.get(kind) or {tuple: "an array", Mapping: "an object"}.get(get_origin(kind), "an object")
