"""``nn.Linear`` and ``nn.Dropout`` as networks in training have them, sooner on a CPU.

oneDNN's matrix products take half as long as MKL's, which torch takes otherwise, on processors that are not Intel's;
and torch draws a mask of dropout number by number.

Source: none; what is computed is ``torch.nn``'s, up to rounding and to which units are dropped.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from benchsuite.kernels.onednn import takes


class Linear(nn.Linear):
    """A linear layer whose three products, one forward and two backward, are oneDNN's in float32 on a CPU."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) to (B, outputs)."""
        plain = x.device.type != "cpu" or x.dtype != torch.float32 or torch.is_autocast_enabled("cpu")
        if plain or x.ndim != 2 or not len(x) or not takes(torch.float32):
            return super().forward(x)
        y: Tensor = _Products.apply(x.contiguous(), self.weight, self.bias)  # type: ignore[no-untyped-call]
        return y


class _Products(torch.autograd.Function):
    """Differentiable once."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (x, weight), wanted = ctx.saved_tensors, ctx.needs_input_grad
        return (
            product(grad, weight.T) if wanted[0] else None,
            product(grad.T, x.T) if wanted[1] else None,
            grad.sum(0) if wanted[2] else None,
        )


class Dropout(nn.Dropout):
    """Dropout whose units are drawn by 16 bits each, so ``p`` is rounded to a 65,536th."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, width) to the same."""
        level = round(65536 * self.p)
        if not self.training or x.device.type != "cpu" or not 0 < level < 65536:
            return super().forward(x)
        four_each = torch.empty(x.numel() // 4 + 1, dtype=torch.int64).random_(-(2**63), None)
        kept = four_each.view(torch.int16)[: x.numel()].view(x.shape) >= level - 32768
        return x * kept.to(x.dtype).mul_(65536 / (65536 - level))


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None, follows: str = "none") -> Tensor:
    """oneDNN's ``x @ weight.T + bias`` (B, outputs), ``weight`` in any layout; ``follows`` may be ``relu``."""
    y: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, follows, [], "")
    return y
