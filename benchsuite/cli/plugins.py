"""``benchsuite plugins``: which plugins are installed, and the start of a new one."""

from __future__ import annotations

import argparse
import json
import re
from importlib.resources import files
from pathlib import Path

from benchsuite.cli import UsageError
from benchsuite.cli.arguments import add_plugin, registries
from benchsuite.cli.listing import plugin_rows, print_rows, spelt

HELP = "List installed plugins, or write a new one: a distribution with a working lifter, its tests and their CI."

PARTS = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    ".gitignore": "gitignore",
    "{module}/__init__.py": "entries.py",
    "{module}/lifter.py": "lifter.py",
    "tests/test_conformance.py": "test_conformance.py",
    ".github/workflows/ci.yml": "ci.yml",
}
"""Each file of a new distribution, and its template in ``benchsuite/scaffold``."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    there = actions.add_parser("list", help="say what each installed distribution gives, and which are broken")
    add_plugin(there)
    there.add_argument("--json", action="store_true", help="print JSON")
    new = actions.add_parser("new", help="write a complete distribution with a working lifter")
    new.add_argument("folder", type=Path, metavar="DIR", help="is made; must not hold anything yet")
    new.add_argument("--name", help="of distribution and lifter; default: the folder's")


def main(args: argparse.Namespace) -> int:
    """Do what was asked for."""
    return _new(args) if args.action == "new" else _list(args)


def _list(args: argparse.Namespace) -> int:
    loaded = registries(args)
    states: dict[str, set[str]] = {}
    for row in plugin_rows(loaded, args):
        states.setdefault(row["from"], set()).add(row["state"])
    gives: dict[str, list[str]] = {name: [] for name in states}
    for registry in loaded.kinds().values():
        for entry in registry:
            gives[spelt(registry.origin(entry.name))].append(entry.name)
    rows = [
        {"from": name, "gives": ", ".join(gives[name]) or "-", "state": "; ".join(sorted(states[name]))}
        for name in sorted(states)
    ]
    if args.json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
    else:
        print_rows(rows)
    return 0


def _new(args: argparse.Namespace) -> int:
    """Write the distribution.

    Raises:
        UsageError: the folder holds something, or the name is no name.
    """
    folder: Path = args.folder
    name = args.name or re.sub(r"[^a-z0-9]+", "-", folder.resolve().name.lower()).strip("-")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise UsageError(f"--name: wanted lower-case letters, digits and hyphens, a letter first, found {name!r}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: wanted a new or an empty folder, found something in it")
    module = name.replace("-", "_")
    for place, template in PARTS.items():
        file = folder / place.format(module=module)
        file.parent.mkdir(parents=True, exist_ok=True)
        text = files("benchsuite").joinpath("scaffold", f"{template}.txt").read_text(encoding="utf-8")
        file.write_text(text.replace("@NAME@", name).replace("@MODULE@", module), encoding="utf-8")
    print(f"{folder}: a distribution {name} with the lifter {name} in {module}/lifter.py; next:")
    print(
        f"  pip install --no-deps -e {folder}\n  benchsuite run --lifter {name} -o try\n  benchsuite leaderboard -r try"
    )
    print(f"and, whenever it has changed:\n  benchsuite check {name}")
    return 0
