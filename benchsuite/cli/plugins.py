"""``benchsuite plugins``: which plugins are installed, and the start of a new one."""

from __future__ import annotations

import argparse
import json
import keyword
import re
import shlex
import sys
from importlib import metadata
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from benchsuite_registry.loading import load_registries

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

LONGEST_NAME = 64


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    there = actions.add_parser("list", help="say what each installed distribution gives, and which are broken")
    add_plugin(there)
    there.add_argument("--json", action="store_true", help="print JSON")
    new = actions.add_parser("new", help="write a complete distribution with a working lifter")
    new.add_argument("folder", type=Path, metavar="DIR", help="is made; must not hold anything yet")
    normalised = "the folder's in lower case, with hyphens for blanks, dots and underscores"
    new.add_argument("--name", help=f"of distribution and lifter; default: {normalised}")


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
        UsageError: the folder holds something, or the name is no name or taken.
    """
    folder: Path = args.folder
    name = args.name or re.sub(r"[\s._-]+", "-", folder.resolve().name.lower()).strip("-")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) or len(name) > LONGEST_NAME:
        wanted = f"up to {LONGEST_NAME} lower-case letters, digits and hyphens, a letter first"
        raise UsageError(f"--name: wanted {wanted}, found {name!r}")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder}: wanted a new or an empty folder, found something in it")
    module = name.replace("-", "_")
    if owner := _owner(name, module, folder):
        raise UsageError(f"--name: wanted a name that is free, found {name!r}, which is {owner}")
    for place, template in PARTS.items():
        file = folder / place.format(module=module)
        file.parent.mkdir(parents=True, exist_ok=True)
        text = files("benchsuite").joinpath("scaffold", f"{template}.txt").read_text(encoding="utf-8")
        file.write_text(text.replace("@NAME@", name).replace("@MODULE@", module), encoding="utf-8")
    print(f"{folder}: a distribution {name} with the lifter {name} in {module}/lifter.py; next:")
    print(f"  pip install --no-deps -e {shlex.quote(str(folder))}")
    print(f"  benchsuite run --lifter {name} -o try\n  benchsuite leaderboard -r try")
    print(f"and, whenever it has changed:\n  benchsuite check {name}")
    return 0


def _owner(name: str, module: str, folder: Path) -> str:
    """What a name is already, of a distribution, its module or a method; nothing if it is free."""
    if keyword.iskeyword(module):
        return "a word of Python's grammar"
    if module in sys.stdlib_module_names:
        return "a module of Python's own"
    if (there := next(iter(metadata.distributions(name=name)), None)) is not None:
        return f"installed already: {there.name} {there.version}"
    spec = find_spec(module)
    if spec and list(spec.submodule_search_locations or ()) != [str(folder.resolve())]:  # Python may look here, too
        return f"a module that is installed already: {spec.origin or module}"
    kinds = (registry.kind for registry in load_registries().kinds().values() if name in registry)
    return next((f"taken by the {kind} {name}" for kind in kinds), "")
