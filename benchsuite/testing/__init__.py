"""The conformance kit: the contracts of components as checks that anyone can run on his own.

In a test file of a plugin, with ``my_plugin`` the module that holds its hooks::

    @parametrize_with_checks(my_plugin)
    def test_conforms(check):
        check()
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from benchsuite_registry.loading import registries_of
from benchsuite_registry.registries import Registries

from benchsuite.testing import conduct, entries, evaluators, neighbours, refiners, sources
from benchsuite.testing.findings import Check, Finding, examine
from benchsuite.testing.subject import NotConforming, Subject

__all__ = [
    "Case",
    "Check",
    "Finding",
    "NotConforming",
    "Subject",
    "checks_for",
    "examine",
    "examine_all",
    "parametrize_with_checks",
]

CHECKS: tuple[Check, ...] = tuple(
    value
    for module in (entries, conduct, neighbours, sources, refiners, evaluators)
    for value in vars(module).values()
    if isinstance(value, Check)
)


def checks_for(subject: Subject) -> tuple[Check, ...]:
    """The checks that apply to ``subject``."""
    return tuple(rule for rule in CHECKS if rule.applies(subject))


def examine_all(subject: Subject) -> list[tuple[Check, Finding]]:
    """The checks that apply to ``subject`` and what came of them; of how it behaves only if it can be built."""
    found: list[tuple[Check, Finding]] = []
    is_built = True
    for rule in checks_for(subject):
        if is_built or rule in vars(entries).values():
            found.append((rule, examine(subject, rule)))
            is_built = is_built and not (rule is entries.builds and found[-1][1].verdict == "fail")
        else:
            found.append((rule, Finding(rule.name, "skipped", "not tried")))
    return found


@dataclass(frozen=True)
class Case:
    """A check of one component, as a test calls it."""

    subject: Subject
    check: Check

    def __str__(self) -> str:
        return f"{self.subject}-{self.check.name}"

    def __call__(self) -> None:
        """Pass, fail, or end as pytest's expected failure; an expected failure that passes is a failure.

        Raises:
            NotConforming: the check failed.
        """
        import pytest

        found = examine(self.subject, self.check)
        if found.verdict == "expected":
            pytest.xfail(found.reason)
        if found.verdict == "fail":
            raise NotConforming(f"{self.subject}: {self.check.rule} {found.reason}") from found.error


def parametrize_with_checks(*entries: ModuleType | Registries) -> Callable[[Any], Any]:
    """A decorator that runs a test of one argument, ``check``, with each check of each entry.

    Args:
        entries: modules that hold hooks, or registries.
    """
    import pytest

    cases = [case for given in entries for case in _cases(given)]
    decorator: Callable[[Any], Any] = pytest.mark.parametrize("check", cases, ids=str)
    return decorator


def _cases(given: ModuleType | Registries) -> Iterator[Case]:
    loaded = registries_of(given) if isinstance(given, ModuleType) else given
    for registry in loaded.kinds().values():
        for entry in registry:
            subject = Subject(registry, entry.name)
            yield from (Case(subject, rule) for rule in checks_for(subject))
