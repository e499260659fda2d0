"""What a component is handed: whether it is afterwards as it was."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

_memcmp = ctypes.CDLL(None).memcmp
_memcmp.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


@contextmanager
def left_alone(note: Callable[[str], object], *carriers: Any) -> Iterator[None]:
    """``note`` is told if a tensor of ``carriers`` is changed within."""
    handed = [tensor for carrier in carriers for tensor in tensors(carrier)]
    kept = [tensor.clone() for tensor in handed]
    yield
    if not _same(handed, kept):
        note("changed its input")


def tensors(carrier: Any) -> Iterator[Tensor]:
    """All tensors of a carrier and of those within it."""
    for value in vars(carrier).values():
        if isinstance(value, Tensor):
            yield value
        elif hasattr(value, "rows"):
            yield from tensors(value)


def _same(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    """Whether they are equal bit by bit: unlike a number, a NaN is then itself."""
    if all(one.is_cpu and one.is_contiguous() for one in some):  # ten times as fast as torch.equal
        return all(
            one.nbytes == two.nbytes and not _memcmp(one.data_ptr(), two.data_ptr(), one.nbytes)
            for one, two in zip(some, others, strict=True)
        )
    return torch.equal(_bytes(some), _bytes(others))  # a GPU is waited for once, not once a tensor


def _bytes(some: Sequence[Tensor]) -> Tensor:
    return torch.cat([one.reshape(-1).view(torch.uint8) for one in some])
