"""What reads parsed JSON as a type: dataclasses, tuples, mappings, literals, unions, plain values; strictly.

A reader is made once for each type. JSON knows no NaN: ``null`` is read as NaN where a number is wanted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

MAY_BE_ABSENT = {"may be absent": True}
"""``metadata`` of a field that files written before it was thought of lack; they are read with its default."""

_INFINITE = {"Infinity": math.inf, "-Infinity": -math.inf}


class Misfit(ValueError):
    """A value does not fit; where it stands is added on the way out, the file's name at the end."""

    def __init__(self, message: str, key: str = "") -> None:
        super().__init__(message)
        self.key = key

    def __str__(self) -> str:
        return f"{self.key.lstrip('.')}: {self.args[0]}"

    def within(self, key: str) -> Misfit:
        """The same, one level up."""
        self.key = key + self.key
        return self


def short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


Reader = Callable[[Any], Any]


@cache
def reader(kind: Any) -> Reader:
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
        return _tuple_reader(reader(inner[0]))
    if origin is Mapping:
        return _mapping_reader(reader(inner[1]))
    return _read_float if kind is float else _plain_reader(kind, lambda value: type(value) is kind)


def _plain_reader(kind: Any, fits: Callable[[Any], bool]) -> Reader:
    def read(value: Any) -> Any:
        if fits(value):
            return value
        raise Misfit(f"wanted {_wanted(kind)}, found {short(value)}")

    return read


def _read_float(value: Any) -> float:
    if type(value) in (int, float):
        with suppress(OverflowError):
            return float(value)
    if value is None:
        return math.nan
    if isinstance(value, str) and value in _INFINITE:
        return _INFINITE[value]
    raise Misfit(f"wanted {_wanted(float)}, found {short(value)}")


def _tuple_reader(each: Reader) -> Reader:
    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise Misfit(f"wanted an array, found {short(value)}")
        made: list[Any] = []
        try:
            for one in value:
                made.append(each(one))  # noqa: PERF401 - its length names the one that does not fit
        except Misfit as error:
            raise error.within(f"[{len(made)}]") from None
        return tuple(made)

    return read


def _mapping_reader(each: Reader) -> Reader:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Misfit(f"wanted an object, found {short(value)}")
        return _read_each(value, dict.fromkeys(value, each))

    return read


def _union_reader(kinds: tuple[Any, ...]) -> Reader:
    some = [kind for kind in kinds if kind is not NoneType]
    only = reader(some[0]) if len(some) == 1 else None

    def read(value: Any) -> Any:
        if float in kinds and isinstance(value, str) and value in _INFINITE:
            return _INFINITE[value]
        if type(value) in kinds:
            return value
        if only:
            return only(value)
        if value is None and float in kinds:
            return math.nan
        raise Misfit(f"wanted {' or '.join(map(_wanted, kinds))}, found {short(value)}")

    return read


def _dataclass_reader(kind: Any) -> Reader:
    hints = get_type_hints(kind)
    readers = {f.name: reader(hints[f.name]) for f in fields(kind)}
    needed = {f.name for f in fields(kind) if not f.metadata.get("may be absent")}

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            raise Misfit(f"wanted an object, found {short(value)}")
        if not needed <= value.keys() <= readers.keys():
            if missing := [name for name in readers if name in needed and name not in value]:
                raise Misfit("key is missing", f".{missing[0]}")
            unknown = next(name for name in value if name not in readers)
            raise Misfit(f"unknown key; wanted {', '.join(readers)}", f".{unknown}")
        return kind(**_read_each(value, readers))

    return read


def _read_each(value: Mapping[str, Any], readers: Mapping[str, Reader]) -> dict[str, Any]:
    """Every value of an object, read by the reader of its key."""
    made = {}
    name = ""
    try:
        for name, one in value.items():
            made[name] = readers[name](one)
    except Misfit as error:
        raise error.within(f".{name}") from None
    return made


def _wanted(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(map(repr, get_args(kind)))
    names = {str: "a string", int: "an integer", float: "a number", bool: "true or false", NoneType: "null"}
    return names.get(kind) or {tuple: "an array", Mapping: "an object"}.get(get_origin(kind), "an object")
