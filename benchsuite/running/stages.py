"""A component at work: seeded, timed, checked against its contract, left alone after its first failure."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from copy import copy
from time import perf_counter
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import torch
from benchsuite_registry.contracts import Evaluator, ImageModel, Lifter, Refiner
from benchsuite_registry.registries import Component

from benchsuite.records.results import Failure
from benchsuite.running.provenance import failure, portable
from benchsuite.running.seeds import sown
from benchsuite.running.stdout import heard
from benchsuite.running.surroundings import put_back

P = ParamSpec("P")
R = TypeVar("R")

_CONTRACTS = {"lifter": Lifter, "image model": ImageModel, "refiner": Refiner, "evaluator": Evaluator}
_BUILDING = -1


def _nobody(_: str) -> None:
    pass


WATCHER: ContextVar[Callable[[str], object]] = ContextVar("watcher", default=_nobody)
"""Told the name of each component before it acts: who dies with his process cannot say so himself."""


class BrokenContract(TypeError):
    """A component handed back something else than its contract says; names it, wanted and found."""


def name_of(component: Component[Any]) -> str:
    """What errors call a component; components of one name are the same."""
    return f"{component.registry.kind} {component}"


class Stage:
    """A component, built at once.

    Attributes:
        name: what errors call it.
        kind: what it is, such as ``refiner``.
        failure: what it raised first; None as long as all goes well.
        seconds: spent in it.
        flagged: how many samples it flagged.
        remarks: what it did that no component should, though nobody came to harm.
    """

    def __init__(self, component: Component[Any], seed: int, device: torch.device) -> None:
        self.name = name_of(component)
        self.kind = component.registry.kind
        self.failure: Failure | None = None
        self.seconds = 0.0
        self.flagged = 0
        self.remarks: tuple[str, ...] = ()
        self._seed = seed
        self._made: Any = None
        self._made = self.attempt(_BUILDING, _build, component, device)

    def attempt(
        self, step: int, act: Callable[Concatenate[Any, Stage, P], R], *args: P.args, **more: P.kwargs
    ) -> R | None:
        """What ``act`` makes of the built component; None if that fails, or anything failed before.

        Args:
            step: with the seed it decides all randomness, so it does not matter who else shares the pass.
            act: called with the built component, this stage and ``args``.
        """
        if self.failure:
            return None
        WATCHER.get()(self.name)
        start = perf_counter()
        try:
            with sown(self._seed, step, self.remark), heard(self.remark), put_back(self.remark):
                return act(self._made, self, *args, **more)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too, and whatever else a method may think of
            self.failure = failure(error, self.name)
            return None
        finally:
            self.seconds += perf_counter() - start

    def remark(self, did: str) -> None:
        """Keep what the component did, once."""
        self.remarks = tuple(dict.fromkeys((*self.remarks, f"{portable(self.name)} {did}")))

    def narrowed(self) -> Self:
        """The same built component, failing and timed on its own from here on."""
        return copy(self)


def _build(_: None, stage: Stage, component: Component[Any], device: torch.device) -> Any:
    made = component.build()
    contract = _CONTRACTS[stage.kind]
    if not isinstance(made, contract):
        raise BrokenContract(f"{stage.name}: wanted a {contract.__name__}, built a {type(made).__name__}")
    if callable(move := getattr(made, "to", None)):
        move(device)
    return made
