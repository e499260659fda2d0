"""The JSON Schema of a layout, read off its dataclass, so that the two cannot differ."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

DIALECT = "https://json-schema.org/draft/2020-12/schema"

PLAIN = {str: "string", int: "integer", bool: "boolean", NoneType: "null"}

NUMBER = {
    "description": "A number; NaN is null, the infinities are words.",
    "anyOf": [{"type": ["number", "null"]}, {"enum": ["Infinity", "-Infinity"]}],
}


def schema_of(kind: type) -> dict[str, Any]:
    """The JSON Schema of files that hold the dataclass ``kind``.

    It lets through what the reader does, with one exception: to JSON Schema 1.0 is an integer.
    """
    defined: dict[str, Any] = {"number": NUMBER}
    top = _object(kind, defined)
    return {"$schema": DIALECT, "title": kind.__name__, **top, "$defs": dict(sorted(defined.items()))}


def _object(kind: Any, defined: dict[str, Any]) -> dict[str, Any]:
    """A dataclass; those inside are defined once."""
    hints = get_type_hints(kind)
    said = _attributes(kind)
    properties = {}
    for field in fields(kind):
        fitting = {"const": field.default} if field.name == "schema" else _fitting(hints[field.name], defined)
        properties[field.name] = {"description": said[field.name], **fitting} if field.name in said else fitting
    return {
        "description": (kind.__doc__ or "").partition("\n")[0],
        "type": "object",
        "properties": properties,
        "required": [f.name for f in fields(kind) if not f.metadata.get("may be absent")],
        "additionalProperties": False,
    }


def _fitting(kind: Any, defined: dict[str, Any]) -> dict[str, Any]:
    """What values fit a type: those that ``benchsuite.reading`` reads as it."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return {}
    if kind is float:
        return {"$ref": "#/$defs/number"}
    if kind in PLAIN:
        return {"type": PLAIN[kind]}
    if is_dataclass(kind) and isinstance(kind, type):
        if kind.__name__ not in defined:
            defined[kind.__name__] = {}  # so that one that holds itself ends
            defined[kind.__name__] = _object(kind, defined)
        return {"$ref": f"#/$defs/{kind.__name__}"}
    if origin is Literal:
        return {"enum": list(inner)}
    if origin is tuple:
        return {"type": "array", "items": _fitting(inner[0], defined)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _fitting(inner[1], defined)}
    if origin in (Union, UnionType):
        return {"anyOf": [_fitting(one, defined) for one in inner]}
    raise TypeError(f"wanted a type that JSON has a form for, found {kind!r}")


def _attributes(kind: type) -> dict[str, str]:
    """What a dataclass' docstring says of its attributes."""
    said = (kind.__doc__ or "").partition("Attributes:\n")[2].partition("\n\n")[0]
    parts = re.findall(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", said, re.MULTILINE)
    return {name: " ".join(text.split()).replace("``", "`") for name, text in parts}
