"""JSON files of frozen dataclasses: written whole or not at all, read strictly.

JSON knows no NaN and no infinity: NaN is kept as ``null``, the infinities as ``"Infinity"`` and
``"-Infinity"``. Mappings are written in the order of their keys, so equal values give equal bytes.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

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


def load(path: Path, kind: type[T], schema: int) -> T:
    """What the JSON file ``path`` says, as the dataclass ``kind``.

    Raises:
        WrongDocument: not UTF-8, not JSON, another schema version, a key missing or unknown, a
            value of the wrong type.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (ValueError, OSError, RecursionError) as error:
        raise WrongDocument(f"{path}: wanted JSON: {error}") from None
    if not isinstance(document, dict):
        raise WrongDocument(f"{path}: wanted an object, found {_short(document)}")
    if document.get("schema") != schema:
        raise WrongDocument(f"{path}: schema: wanted {schema}, found {_short(document.get('schema'))}")
    try:
        made: T = _read(document, kind, "")
    except _Wrong as error:
        raise WrongDocument(f"{path}: {error}") from None
    return made


class _Wrong(ValueError):
    """A value does not fit; the file's name is still to be added."""


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON; NaN is written as null")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _read(value: Any, kind: Any, key: str) -> Any:
    """``value`` as ``kind``: a dataclass, a tuple, a mapping, a literal, a union or a plain type."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if is_dataclass(kind):
        return _read_dataclass(value, kind, key)
    if origin in (Union, UnionType):
        return _read_union(value, inner, key)
    if origin is Literal and value in inner:
        return value
    if origin is tuple and isinstance(value, list):
        return tuple(_read(v, inner[0], f"{key}[{i}]") for i, v in enumerate(value))
    if origin is Mapping and isinstance(value, dict):
        return {k: _read(v, inner[1], f"{key}.{k}") for k, v in value.items()}
    if kind is float and (value is None or type(value) in (int, float)):
        return math.nan if value is None else float(value)
    if kind is float and isinstance(value, str) and value in _INFINITE:
        return _INFINITE[value]
    if origin is None and (type(value) is kind or (kind is NoneType and value is None)):
        return value
    raise _Wrong(f"{key.lstrip('.')}: wanted {_wanted(kind)}, found {_short(value)}")


def _read_union(value: Any, kinds: tuple[Any, ...], key: str) -> Any:
    if type(value) in kinds or (isinstance(value, str) and value in _INFINITE and float in kinds):
        return _INFINITE.get(value, value) if isinstance(value, str) else value
    if len(some := [k for k in kinds if k is not NoneType]) == 1:
        return _read(value, some[0], key)
    if value is None and float in kinds:
        return math.nan
    raise _Wrong(f"{key.lstrip('.')}: wanted {' or '.join(map(_wanted, kinds))}, found {_short(value)}")


def _read_dataclass(value: Any, kind: Any, key: str) -> Any:
    if not isinstance(value, dict):
        raise _Wrong(f"{key.lstrip('.')}: wanted an object, found {_short(value)}")
    hints = get_type_hints(kind)
    known = [f.name for f in fields(kind)]
    if missing := [name for name in known if name not in value]:
        raise _Wrong(f"{f'{key}.{missing[0]}'.lstrip('.')}: key is missing")
    if unknown := [name for name in value if name not in known]:
        raise _Wrong(f"{f'{key}.{unknown[0]}'.lstrip('.')}: unknown key; wanted {', '.join(known)}")
    return kind(**{name: _read(value[name], hints[name], f"{key}.{name}") for name in known})


def _wanted(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(map(repr, get_args(kind)))
    names = {str: "a string", int: "an integer", float: "a number", bool: "true or false", NoneType: "null"}
    return names.get(kind) or {tuple: "an array", Mapping: "an object"}.get(get_origin(kind), "an object")
