"""``benchsuite describe``: what a component is, where it comes from, which parameters it takes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from benchsuite_registry.contracts import Entry, Parameter
from benchsuite_registry.registries import Registry

from benchsuite.cli import UsageError
from benchsuite.cli.arguments import DATASETS, add_plugin, registries
from benchsuite.cli.listing import spelt

HELP = "Say what a component is, where it comes from and which parameters it takes."


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("name", metavar="NAME", help="of a lifter, refiner, image model, evaluator or dataset")
    add_plugin(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Print everything that has the name.

    Raises:
        UsageError: nothing has it; says which names are near.
    """
    loaded = registries(args)
    found = [
        _described(registry, registry[name])
        for registry in loaded.kinds().values()
        for name in registry.contested().get(args.name, (args.name,))
        if name in registry
    ]
    if args.name in DATASETS:
        found.append({"name": args.name, "kind": "dataset", "summary": DATASETS[args.name]})
    if not found:
        known = sorted({*DATASETS, *(entry.name for registry in loaded.kinds().values() for entry in registry)})
        near = get_close_matches(args.name, known, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise UsageError("; ".join([f"unknown name {args.name!r}{hint}", f"known: {', '.join(known)}"]))
    if args.json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        print("\n\n".join(map(_page, found)))
    return 0


def _described(registry: Registry[Any], entry: Entry[Any]) -> dict[str, Any]:
    return {
        "name": entry.name,
        "kind": registry.kind,
        "summary": entry.summary,
        "reference": entry.reference,
        "from": spelt(registry.origin(entry.name)),
        "takes": "whole clips" if entry.unit == "clip" else "samples",
        "parameters": _parameters(entry.parameters),
        "training parameters": _parameters(entry.training),
    }


def _parameters(parameters: Mapping[str, Parameter]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "type": type(parameter.default).__name__,
            "default": parameter.default,
            "choices": list(parameter.choices),
            "help": parameter.help,
        }
        for name, parameter in parameters.items()
    ]


def _page(found: dict[str, Any]) -> str:
    lines = [f"{found['name']} ({found['kind']}): {found['summary']}"]
    lines += [f"{key}: {found[key]}" for key in ("reference", "from", "takes") if found.get(key)]
    for key in ("parameters", "training parameters"):
        if found.get(key):
            lines += ["", f"{key}:", *map(_line, found[key])]
    return "\n".join(lines)


def _line(parameter: dict[str, Any]) -> str:
    kind = "|".join(map(str, parameter["choices"])) or parameter["type"]
    default = "''" if parameter["default"] == "" else parameter["default"]
    return f"  {parameter['name']} ({kind}, default {default}): {parameter['help']}"
