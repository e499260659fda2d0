"""What a component is handed: whether it is afterwards as it was."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from benchsuite_registry.carrier import Carrier
from torch import Tensor

_memcmp = ctypes.CDLL(None).memcmp
_memcmp.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


@contextmanager
def left_alone(note: Callable[[str], object], *carriers: Carrier) -> Iterator[None]:
    """``note`` is told if a tensor of ``carriers`` is changed within."""
    handed = [tensor for carrier in carriers for tensor in carrier.tensors()]
    laid_out, kept = [_layout(tensor) for tensor in handed], [tensor.clone() for tensor in handed]
    yield
    if laid_out != [_layout(tensor) for tensor in handed] or not _same(handed, kept):
        note("changed its input")


def _layout(tensor: Tensor) -> tuple[object, ...]:
    """What may be changed in place beside numbers, as by ``t_``."""
    return tensor.shape, tensor.stride(), tensor.dtype, tensor.device


def _same(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    """Whether they, laid out alike, are equal bit by bit: unlike a number, a NaN is then itself."""
    slow: dict[torch.device, list[tuple[Tensor, Tensor]]] = {}
    for one, two in zip(some, others, strict=True):
        if not (one.is_cpu and one.is_contiguous()):
            slow.setdefault(one.device, []).append((one, two))
        elif _memcmp(one.data_ptr(), two.data_ptr(), one.nbytes):  # ten times as fast as torch.equal
            return False
    return all(torch.equal(*map(_bytes, zip(*pairs, strict=True))) for pairs in slow.values())


def _bytes(some: Sequence[Tensor]) -> Tensor:
    """Of all, so that a GPU is waited for once, not once a tensor."""
    return torch.cat([one.reshape(-1).view(torch.uint8) for one in some])
