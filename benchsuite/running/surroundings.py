"""What all components of a process share and none may change; put back after each turn."""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch


@contextmanager
def put_back(note: Callable[[str], object]) -> Iterator[None]:
    """Surroundings are afterwards as they were; ``note`` is told what was changed within."""
    before = _Surroundings.now()
    try:
        with _libraries_may_add(before.environment):
            yield
    finally:
        for what in before.restore():
            note(f"changed {what}")


@dataclass(frozen=True)
class _Surroundings:
    """How things stood at some moment.

    Attributes:
        threads: that torch computes with.
        dtype: of new tensors.
        folder: the current one.
        environment: of the process and of those it starts.
    """

    threads: int
    dtype: torch.dtype
    folder: str
    environment: dict[bytes, bytes]

    @classmethod
    def now(cls) -> _Surroundings:
        """How things stand."""
        folder = ""
        with suppress(OSError):  # somebody deleted it
            folder = os.getcwd()
        return cls(torch.get_num_threads(), torch.get_default_dtype(), folder, _environment())

    def restore(self) -> Iterator[str]:
        """Put back what was changed since; says what each thing is."""
        now = _Surroundings.now()
        if now.threads != self.threads:
            torch.set_num_threads(self.threads)
            yield "the number of threads"
        if now.dtype != self.dtype:
            torch.set_default_dtype(self.dtype)
            yield "torch's default dtype"
        if now.folder != self.folder:
            with suppress(OSError):
                os.chdir(self.folder)
            yield "the current folder"
        if now.environment != self.environment:
            for name in dict(now.environment.items() ^ self.environment.items()):
                if name in self.environment:
                    os.environb[name] = self.environment[name]
                else:
                    del os.environb[name]
            yield "the environment"


@contextmanager
def _libraries_may_add(environment: dict[bytes, bytes]) -> Iterator[None]:
    """Variables that a library adds while it is imported first go to ``environment``, as if they had been there.

    They are no component's doing, and stay: some are read much later only, such as scikit-learn's, without which OpenMP
    would end a process that has two of its runtimes, as on macOS. A component's own module, which ``late`` imports, is
    no library; what that imports beside its own package is one.
    """
    own = builtins.__import__

    def importing(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        top = name.partition(".")[0]
        if level or top in sys.modules or top in sys.stdlib_module_names:
            return own(name, globals, locals, fromlist, level)
        before = _environment()
        try:
            return own(name, globals, locals, fromlist, level)
        finally:
            for variable, value in _environment().items():
                if variable not in before:
                    environment.setdefault(variable, value)

    vars(builtins)["__import__"] = importing
    try:
        yield
    finally:
        vars(builtins)["__import__"] = own


def _environment() -> dict[bytes, bytes]:
    """A copy, made at once: entry by entry, through its door, takes a hundred times as long."""
    return dict(vars(os.environ)["_data"])
