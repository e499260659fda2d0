"""What all components of a process share and none may change; put back after each turn."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice

import torch


@contextmanager
def put_back(note: Callable[[str], object]) -> Iterator[None]:
    """Surroundings are afterwards as they were; ``note`` is told what was changed within."""
    before = _Surroundings.now()
    try:
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
        modules: how many were imported.
    """

    threads: int
    dtype: torch.dtype
    folder: str
    environment: Mapping[bytes, bytes]
    modules: int

    @classmethod
    def now(cls) -> _Surroundings:
        """How things stand."""
        folder = ""
        with suppress(OSError):  # somebody deleted it
            folder = os.getcwd()
        environment = dict(vars(os.environ)["_data"])  # entry by entry, through its door, takes a hundred times as long
        return cls(torch.get_num_threads(), torch.get_default_dtype(), folder, environment, len(sys.modules))

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
        if now.environment != self.environment and (changed := self._changed(now.environment)):
            for name in changed:
                if name in self.environment:
                    os.environb[name] = self.environment[name]
                else:
                    del os.environb[name]
            yield "the environment"

    def _changed(self, environment: Mapping[bytes, bytes]) -> set[bytes]:
        """Names of variables that are not as they were; a library that is imported first may add some of its own."""
        names = environment.keys() | self.environment.keys()
        changed = {name for name in names if environment.get(name) != self.environment.get(name)}
        new = {name for name in islice(sys.modules, self.modules, None) if "." not in name}
        return changed & self.environment.keys() if new - sys.stdlib_module_names else changed
