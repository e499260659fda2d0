"""The residual network for inference: batch norm folded away, each layer one call, in float32 or bfloat16.

Source: none; what is computed is ``residual_mlp``, up to rounding.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_linear_bn_eval

from benchsuite.kernels.onednn import takes
from benchsuite_lifters.layers import product
from benchsuite_lifters.residual_mlp import Block, ResidualMLP

Precision = Literal["float32", "bfloat16"]

ROWS = 1024
"""Samples a call: what is between two layers of the widest network then stays in the processor's cache."""


class LeanMLP(nn.Module):
    """A trained ``ResidualMLP`` that gives the same numbers sooner.

    Args:
        network: as trained; stays as it is.
        precision: of weights and of what is between layers; sums are made in float32 either way.
    """

    def __init__(self, network: ResidualMLP, precision: Precision = "float32") -> None:
        super().__init__()
        self._dtype: torch.dtype = getattr(torch, precision)
        self.layers = _lean(network.layers, self._dtype)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) to (B, outputs), float32."""
        rows = ROWS if x.device.type == "cpu" else max(1, len(x))
        found = [self.layers(some.to(self._dtype)).float() for some in torch.split(x, rows)]
        return found[0] if len(found) == 1 else torch.cat(found)


class _Layer(nn.Module):
    """A linear layer and the ReLU behind it, if there is one.

    On a CPU they are one call of oneDNN: bias and ReLU are done while a product is in the cache, and on processors that
    are not Intel's the product itself takes half as long as MKL's, which torch takes otherwise.
    """

    def __init__(self, linear: nn.Linear, dtype: torch.dtype, *, rectified: bool) -> None:
        super().__init__()
        self.weight, self.bias = (nn.Parameter(t.detach().to(dtype), False) for t in (linear.weight, linear.bias))
        self._rectified = rectified
        self._packed: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        if len(x) and x.device.type == "cpu" and takes(x.dtype):
            if self._packed is None:
                self._packed = torch.ops.mkldnn._reorder_linear_weight(self.weight.detach(), ROWS)
            return product(x, self._packed, self.bias, "relu" if self._rectified else "none")
        y = nn.functional.linear(x, self.weight, self.bias)
        return y.relu_() if self._rectified else y

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_packed": None}  # oneDNN's own layout can be neither copied nor kept


class _Block(nn.Module):
    def __init__(self, block: Block, dtype: torch.dtype) -> None:
        super().__init__()
        self.layers = _lean(block.layers, dtype)

    def forward(self, x: Tensor) -> Tensor:
        added: Tensor = self.layers(x).add_(x)
        return added


def _lean(layers: nn.Sequential, dtype: torch.dtype) -> nn.Sequential:
    kept: list[Any] = []
    for module in layers:
        if isinstance(module, nn.BatchNorm1d):
            kept[-1] = fuse_linear_bn_eval(kept[-1].eval(), module.eval())
        elif isinstance(module, nn.ReLU):
            kept[-1] = _Layer(kept[-1], dtype, rectified=True)
        elif isinstance(module, Block):
            kept.append(_Block(module, dtype))
        elif not isinstance(module, nn.Dropout):
            kept.append(module)
    return nn.Sequential(*(_Layer(m, dtype, rectified=False) if isinstance(m, nn.Linear) else m for m in kept))
