"""What all components of a process share and none may change: threads, the type of new tensors, the current folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Surroundings:
    """How things stood at some moment."""

    threads: int
    dtype: torch.dtype
    folder: str

    @classmethod
    def now(cls) -> Surroundings:
        """How things stand."""
        folder = ""
        with suppress(OSError):  # somebody deleted it
            folder = os.getcwd()
        return cls(torch.get_num_threads(), torch.get_default_dtype(), folder)

    def restore(self) -> Iterator[str]:
        """Put back what was changed since; says what each thing is."""
        now = Surroundings.now()
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
