"""The residual network both lifters share.

Source: Martinez et al. 2017, Sec. 3; Wang et al. 2019, Sec. 3.2 ("linear-ReLU layers, residual connections, batch
normalization layers, and dropout layers with max-norm constraint").
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchsuite_lifters.layers import Dropout, Linear


def _layer(inputs: int, width: int, dropout: float) -> list[nn.Module]:
    return [Linear(inputs, width), nn.BatchNorm1d(width), nn.ReLU(inplace=True), Dropout(dropout)]


class Block(nn.Module):
    """Two layers, and what went into them added to what comes out."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(*_layer(width, width, dropout), *_layer(width, width, dropout))

    def forward(self, x: Tensor) -> Tensor:
        """(B, width) to (B, width)."""
        added: Tensor = x + self.layers(x)
        return added


class ResidualMLP(nn.Module):
    """Linear-BN-ReLU-dropout to ``width``, ``blocks`` residual blocks of two such layers, linear to ``outputs``.

    Args:
        inputs: size of a flattened input.
        outputs: size of a flattened output.
        width: hidden size; 1024 in the paper.
        blocks: residual blocks; 2 in the paper, six linear layers in all.
        dropout: probability of dropping a unit.

    Source: Martinez et al. 2017. Initialisation: Kaiming (Sec. 4.2).
    """

    def __init__(self, inputs: int, outputs: int, *, width: int = 1024, blocks: int = 2, dropout: float = 0.5) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_layer(inputs, width, dropout),
            *(Block(width, dropout) for _ in range(blocks)),
            Linear(width, outputs),
        )
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs) to (B, outputs)."""
        y: Tensor = self.layers(x)
        return y

    @torch.no_grad()
    def project(self, max_norm: float) -> None:
        """Scale every weight matrix back to a Frobenius norm of at most ``max_norm``; 0 leaves them as they are.

        Source: Martinez et al. 2017 (their code clips whole matrices).
        """
        if max_norm > 0:
            for module in self.modules():
                if isinstance(module, nn.Linear):
                    module.weight.mul_((max_norm / module.weight.norm()).clamp(max=1.0))
