"""What training runs on: batches of any kind, each a NamedTuple of tensors with one row a sample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import torch
from torch import Tensor

B = TypeVar("B", bound=tuple[Tensor, ...])


def batch_like(batch: B, columns: Iterable[Tensor]) -> B:
    """Other columns as a batch of the same kind."""
    return type(batch)(*columns)


def moved(batch: B, device: torch.device | str) -> B:
    """The same samples on ``device``."""
    return batch_like(batch, (column.to(device, non_blocking=True) for column in batch))


def pinned(batch: B, device: torch.device) -> B:
    """The same samples in memory that a GPU copies from while it computes; as they are for other devices."""
    return batch_like(batch, (column.pin_memory() for column in batch)) if device.type == "cuda" else batch


def joined(parts: Sequence[B]) -> B:
    """Several batches as one."""
    return batch_like(parts[0], (torch.cat(columns) for columns in zip(*parts, strict=True)))
