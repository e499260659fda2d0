"""``benchsuite list``: what there is."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from benchsuite_registry.hookspecs import PROJECT
from benchsuite_registry.registries import Origin, Registries, Registry

from benchsuite.cli.arguments import DATASETS, add_plugin, registries

HELP = "List lifters, refiners, image models, evaluators, datasets and plugins, or one kind of them."

KINDS = ("lifters", "refiners", "image-models", "evaluators", "datasets", "plugins")


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("kind", nargs="?", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    add_plugin(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def main(args: argparse.Namespace) -> int:
    """Print a table of each kind."""
    loaded = registries(args)
    found = {kind: _rows(loaded, kind, args) for kind in ([args.kind] if args.kind else KINDS)}
    if args.json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return 0
    for kind, rows in found.items():
        print(f"{kind}:" if rows else f"{kind}: none")
        print_rows(rows)
    return 0


def print_rows(rows: Sequence[Mapping[str, str]]) -> None:
    """Rows of equal keys, one a line, their columns aligned."""
    widths = [max(len(row[key]) for row in rows) for key in rows[0]] if rows else []
    for row in rows:
        print(" ", "  ".join(map(str.ljust, row.values(), widths)).rstrip())


def _rows(loaded: Registries, kind: str, args: argparse.Namespace) -> list[dict[str, str]]:
    if kind == "datasets":
        return [{"name": name, "summary": text} for name, text in DATASETS.items()]
    if kind == "plugins":
        return plugin_rows(loaded, args)
    return _entries(loaded.kinds()[kind])


def _entries(registry: Registry[Any]) -> list[dict[str, str]]:
    return [
        {"name": entry.name, "summary": entry.summary, "from": spelt(registry.origin(entry.name))} for entry in registry
    ]


def plugin_rows(loaded: Registries, args: argparse.Namespace) -> list[dict[str, str]]:
    """Every installed plugin and plugin file, loaded or broken."""
    errors = {(broken.distribution, broken.entry_point): broken.error for broken in loaded.broken}
    points = sorted(metadata.entry_points(group=PROJECT), key=lambda point: point.name)
    found = [
        (p.name, Origin(p.dist.name, p.dist.version) if p.dist else Origin("unknown distribution", "")) for p in points
    ]
    found += [(file.stem, Origin(f"file {file}", "")) for file in args.plugin]
    return [
        {
            "name": name,
            "from": spelt(origin),
            "state": f"broken: {errors[key]}" if (key := (origin.distribution, name)) in errors else "loaded",
        }
        for name, origin in found
    ]


def spelt(origin: Origin) -> str:
    """A distribution and its version."""
    return f"{origin.distribution} {origin.version}".rstrip()
