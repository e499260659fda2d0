"""Checks: what one is, to whom it applies, and what came of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from benchsuite.testing.settings import kept
from benchsuite.testing.subject import NotConforming, Subject

LIFTER, IMAGE_MODEL, REFINER, EVALUATOR = EVERY = ("lifter", "image model", "refiner", "evaluator")

Unit = Literal["pose", "clip"]
Verdict = Literal["pass", "fail", "expected", "skipped"]


@dataclass(frozen=True)
class Check:
    """A rule of the contract that can be tried out.

    Attributes:
        act: raises if a subject breaks the rule; its docstring says the rule.
        kinds: whom it applies to.
        units: components that are given samples, whole clips, or both.
    """

    act: Callable[[Subject], None]
    kinds: tuple[str, ...]
    units: tuple[Unit, ...]

    @property
    def name(self) -> str:
        """What ``expected_failures`` calls it."""
        return self.act.__name__

    @property
    def rule(self) -> str:
        """What holds if it passes."""
        return " ".join((inspect.getdoc(self.act) or "").partition("\n\n")[0].split())

    def applies(self, subject: Subject) -> bool:
        """Whether ``subject`` is of a kind and unit that the rule is for."""
        return subject.kind in self.kinds and subject.entry.unit in self.units


@dataclass(frozen=True)
class Finding:
    """What came of a check.

    Attributes:
        check: its name.
        verdict: ``expected`` if it failed as the entry said that it would; ``skipped`` if it was not tried.
        reason: one line; empty if it passed.
        error: what was raised.
    """

    check: str
    verdict: Verdict
    reason: str = ""
    error: BaseException | None = field(default=None, compare=False)


def check(*kinds: str, unit: Unit | None = None) -> Callable[[Callable[[Subject], None]], Check]:
    """Makes a check of a function.

    Args:
        kinds: whom it applies to.
        unit: only to those that are given single samples, or whole clips.
    """

    def made(act: Callable[[Subject], None]) -> Check:
        return Check(act, kinds, (unit,) if unit else ("pose", "clip"))

    return made


def examine(subject: Subject, rule: Check) -> Finding:
    """What comes of trying ``rule`` on ``subject``. A component may raise anything; only Ctrl-C gets through."""
    expected = subject.entry.expected_failures.get(rule.name)
    try:
        with kept():
            rule.act(subject)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if expected is not None:
            return Finding(rule.name, "expected", expected, error)
        told = str(error) if isinstance(error, NotConforming) else f"{type(error).__name__}: {error}"
        return Finding(rule.name, "fail", " ".join(told.split()), error)
    if expected is not None:
        return Finding(rule.name, "fail", f"it passes, though it was expected to fail: {expected}")
    return Finding(rule.name, "pass")
