"""``benchsuite check``: whether a component keeps its contract, check by check."""

from __future__ import annotations

import argparse
import json
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from benchsuite_registry.registries import Registries, Registry, split_component

from benchsuite.cli import ALL_GOOD, SOME_FAILED, UsageError
from benchsuite.cli.arguments import add_plugin, registries
from benchsuite.cli.listing import spelt
from benchsuite.running.stdout import aside

if TYPE_CHECKING:
    from benchsuite.testing import Check, Finding, Subject

HELP = """Run the conformance kit on a component: does it keep its contract? NAME may be followed by parameters:
NAME:key=value,key=value."""

KINDS = ("lifter", "image-model", "refiner", "evaluator")


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("name", metavar="NAME", help="of a lifter, image model, refiner or evaluator")
    parser.add_argument("--kind", choices=KINDS, help="if several kinds have the name; default: all that do")
    add_plugin(parser)
    parser.add_argument("--json", action="store_true", help="print JSON in place of tables")


def main(args: argparse.Namespace) -> int:
    """Print what came of each check; 1 if some failed."""
    loaded = registries(args)
    name, parameters = split_component(args.name)
    chosen = _holding(loaded, name, args.kind)
    for registry in chosen:
        registry.component(name, parameters)  # a wrong parameter is answered before torch is imported

    from benchsuite.testing import Subject, examine_all

    subjects = [Subject(registry, name, parameters) for registry in chosen]
    with aside():
        found = [(subject, examine_all(subject)) for subject in subjects]
    if args.json:
        print(json.dumps([_document(*one) for one in found], indent=1, ensure_ascii=False))
    else:
        print("\n\n".join(_table(*one) for one in found))
    failed = any(finding.verdict == "fail" for _, findings in found for _, finding in findings)
    return SOME_FAILED if failed else ALL_GOOD


def _holding(loaded: Registries, name: str, kind: str | None) -> list[Registry[Any]]:
    """The registries of ``kind``, or of any, that have ``name``.

    Raises:
        UsageError: none has; says which names are near.
        UnknownName: several plugins have one; says how each is called.
    """
    asked = [r for r in loaded.kinds().values() if kind in (None, r.kind.replace(" ", "-"))]
    holding = [registry for registry in asked if name in registry or name in registry.contested()]
    for registry in holding:
        registry[name]  # refuses a contested name
    if not holding:
        known = sorted({entry.name for registry in asked for entry in registry})
        near = get_close_matches(name, known, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        broken = "".join(f"; {one}" for one in loaded.broken)
        raise UsageError(f"unknown {kind or 'name'} {name!r}{hint}; known: {', '.join(known) or 'none'}{broken}")
    return holding


def _table(subject: Subject, found: list[tuple[Check, Finding]]) -> str:
    width = max(len(finding.check) for _, finding in found)
    lines = [f"{subject.kind} {subject}, from {spelt(subject.registry.origin(subject.entry.name))}"]
    lines += [f"  {f.verdict:8}  {f.check:{width}}  {f.reason}".rstrip() for _, f in found]
    counts = {
        verdict: sum(f.verdict == verdict for _, f in found) for verdict in ("pass", "expected", "fail", "skipped")
    }
    expected = f", {counts['expected']} failed as expected" if counts["expected"] else ""
    skipped = f", {counts['skipped']} not tried" if counts["skipped"] else ""
    return "\n".join(
        [*lines, f"{len(found)} checks: {counts['pass']} passed{expected}, {counts['fail']} failed{skipped}"]
    )


def _document(subject: Subject, found: list[tuple[Check, Finding]]) -> dict[str, Any]:
    return {
        "name": subject.entry.name,
        "kind": subject.kind,
        "from": spelt(subject.registry.origin(subject.entry.name)),
        "checks": [
            {"check": finding.check, "rule": rule.rule, "verdict": finding.verdict, "reason": finding.reason}
            for rule, finding in found
        ],
    }
