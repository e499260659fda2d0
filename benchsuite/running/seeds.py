"""The global generators of random numbers: seeded for every turn, and whoever seeds them himself is found out.

Of those of ``random`` and ``numpy.random``, who does so through the modules' functions: who kept such a function from
before, by ``from random import seed``, or calls one of the generator itself goes unnoticed.
"""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import update_wrapper
from pkgutil import resolve_name
from types import ModuleType
from typing import Any

import numpy as np
import torch


@contextmanager
def sown(seed: int, step: int, note: Callable[[str], object]) -> Iterator[None]:
    """The global generators seeded; ``note`` is told if somebody sets them anew within and leaves them so.

    Args:
        seed: of a pass.
        step: of it; both together decide all randomness.
        note: who only draws numbers is not told.
    """
    word = int(np.random.SeedSequence((seed, step + 1)).generate_state(1)[0])
    random.seed(word)
    np.random.seed(word)  # noqa: NPY002 - third parties may use the global generator
    # without a GPU, torch.manual_seed keeps for later what it would do to one, with a traceback: 1 ms
    (torch.manual_seed if torch.cuda.is_available() else torch.default_generator.manual_seed)(word)
    for one in _GENERATORS:
        one.watch()
    try:
        yield
    finally:
        were_set = [one.was_set() for one in _GENERATORS]
        if any(were_set) or torch.initial_seed() != word:
            note("changed the seed")


class _Generator:
    """The global generator of a module that, unlike torch, does not tell its seed; who sets it calls a function."""

    def __init__(self, module: ModuleType, state: Callable[[], object], *setters: str) -> None:
        self._module, self._state = module, state
        self._own = {name: getattr(module, name) for name in setters}
        self._telling = {name: _Telling(self.keep, f"{module.__name__}:{name}", act) for name, act in self._own.items()}
        self._before: bytes | None = None

    def watch(self) -> None:
        """Until ``was_set`` is asked."""
        self._before = None
        vars(self._module).update(self._telling)

    def was_set(self) -> bool:
        """Whether somebody set it meanwhile, and did not put it back."""
        vars(self._module).update(self._own)
        return self._before is not None and pickle.dumps(self._state()) != self._before

    def keep(self) -> None:
        """Remember how it stands before it is set."""
        if self._before is None:
            self._before = pickle.dumps(self._state())


class _Telling:
    """A function of a module, which tells that it is called; pickled, it is the function itself."""

    def __init__(self, tell: Callable[[], None], place: str, act: Callable[..., object]) -> None:
        self._tell, self._place, self._act = tell, place, act
        update_wrapper(self, act)

    def __call__(self, *args: Any, **more: Any) -> object:
        self._tell()
        return self._act(*args, **more)

    def __reduce__(self) -> tuple[Any, ...]:
        return resolve_name, (self._place,)


_GENERATORS = (
    _Generator(random, random.getstate, "seed", "setstate"),
    _Generator(np.random, np.random.get_state, "seed", "set_state"),
)
