"""What all carriers of samples share: rows, copies, moves between devices, and the checks of their fields."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from typing import Self

import torch
from torch import Tensor


def expect_shape(owner: str, field: str, tensor: Tensor, shape: tuple[int | None, ...]) -> None:
    """Refuse a field of another shape; None stands for any length.

    Raises:
        ValueError: names carrier and field, the shape wanted and the one found.
    """
    wanted = tuple(want if want is not None else "any" for want in shape)
    if tensor.ndim != len(shape) or any(
        want is not None and want != have for want, have in zip(shape, tensor.shape, strict=True)
    ):
        raise ValueError(f"{owner}.{field}: wanted shape {wanted}, found {tuple(tensor.shape)}")


def expect_dtype(owner: str, field: str, tensor: Tensor, *allowed: torch.dtype) -> None:
    """Refuse a field of another type.

    Raises:
        TypeError: names carrier and field, what was wanted and found.
    """
    if tensor.dtype not in allowed:
        names = " or ".join(str(a).removeprefix("torch.") for a in allowed)
        raise TypeError(f"{owner}.{field}: wanted {names}, found {tensor.dtype}")


class Carrier:
    """Rows and device moves, shared by all carriers; a row is a sample. The first field of each has one a sample."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))  # type: ignore[arg-type]

    def tensors(self) -> Iterator[Tensor]:
        """Its own, and those of the carriers within it."""
        for part in (getattr(self, f.name) for f in fields(self)):  # type: ignore[arg-type]
            if isinstance(part, Tensor):
                yield part
            elif isinstance(part, Carrier):
                yield from part.tensors()

    def _each(self, act: Callable[[Tensor], Tensor]) -> Self:
        parts = {f.name: getattr(self, f.name) for f in fields(self)}  # type: ignore[arg-type]
        kept = {name: part for name, part in parts.items() if isinstance(part, Tensor | Carrier)}
        changed = {name: act(part) if isinstance(part, Tensor) else part._each(act) for name, part in kept.items()}
        return replace(self, **changed)  # type: ignore[type-var]

    def rows(self, index: Tensor | slice) -> Self:
        """The samples that ``index`` picks, in its order."""
        return self._each(lambda column: column[index])

    def copy(self) -> Self:
        """The same samples in memory of their own."""
        return self._each(Tensor.clone)

    def to(self, device: torch.device | str) -> Self:
        """The same samples on ``device``; from pinned memory to a GPU without waiting for them."""
        ahead = torch.device(device).type == "cuda"
        return self._each(lambda column: column.to(device, non_blocking=ahead))

    def pinned(self) -> Self:
        """The same samples in memory that a GPU copies from while it computes."""
        return self._each(Tensor.pin_memory)
