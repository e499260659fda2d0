"""What all components of a process share, and none may change: put back after each check."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import torch

THREADS, TYPE, DEVICE = "torch's thread count", "torch's default type", "torch's default device"
GRADIENTS, EXACT = "whether gradients are recorded", "whether torch is deterministic"
FOLDER, ENVIRONMENT = "the working directory", "the environment"


def settings() -> dict[str, Any]:
    """What is set now."""
    return {
        THREADS: torch.get_num_threads(),
        TYPE: torch.get_default_dtype(),
        DEVICE: torch.get_default_device(),
        GRADIENTS: torch.is_grad_enabled(),
        EXACT: torch.are_deterministic_algorithms_enabled(),
        FOLDER: os.getcwd(),
        ENVIRONMENT: dict(os.environ),
    }


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Settings as they were before, whatever is done within."""
    before = settings()
    try:
        yield
    finally:
        now = settings()
        if now[THREADS] != before[THREADS]:
            torch.set_num_threads(before[THREADS])
        torch.set_default_dtype(before[TYPE])
        if now[DEVICE] != before[DEVICE]:
            torch.set_default_device(before[DEVICE])
        torch.set_grad_enabled(before[GRADIENTS])
        if now[EXACT] != before[EXACT]:
            torch.use_deterministic_algorithms(before[EXACT])
        os.chdir(before[FOLDER])
        if now[ENVIRONMENT] != before[ENVIRONMENT]:
            os.environ.clear()
            os.environ.update(before[ENVIRONMENT])
