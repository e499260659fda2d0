"""Numbers the networks see: scaling fitted on training data once, and what stands in for joints nobody saw."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

IMAGE_SIZE_PX = 1000.0
"""Width of Human3.6M's images, and of the canonical view."""

Scheme = Literal["zscore", "minmax", "image"]


class Scaling(nn.Module):
    """An affine map per dimension, ``(x - offset) / scale``, and its inverse.

    Dimensions that never vary, such as the root's, have scale 0: they become 0 and come back as their offset.

    Args:
        size: number of dimensions.
    """

    offset: Tensor
    scale: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("offset", torch.zeros(size))
        self.register_buffer("scale", torch.ones(size))

    @torch.no_grad()
    def fit(self, x: Tensor, scheme: Scheme) -> None:
        """Take offset and scale from training data (N, size): ``zscore`` (mean and standard deviation), ``minmax``
        (the range becomes [-1, 1]) or ``image`` (pixels, the image becomes [-1, 1]).

        Deviation: the paper says [-1, 1] (Sec. 4.2); its authors' code, like Martinez et al.'s, takes the z-score.
        """
        x = x.double()
        if scheme == "zscore":
            offset, scale = x.mean(0), x.std(0, unbiased=False)
        elif scheme == "minmax":
            low, high = x.min(0).values, x.max(0).values
            offset, scale = (high + low) / 2, (high - low) / 2
        else:
            offset = scale = torch.full_like(x[0], IMAGE_SIZE_PX / 2)
        still = scale < 1e-6 * (1 + offset.abs())
        self.offset.copy_(offset)
        self.scale.copy_(scale.masked_fill(still, 0.0))

    def forward(self, x: Tensor) -> Tensor:
        """(B, size) in px or mm to scaled."""
        moves = self.scale > 0
        return torch.where(moves, (x - self.offset) / torch.where(moves, self.scale, 1.0), 0.0)

    def inverse(self, y: Tensor) -> Tensor:
        """(B, size) scaled back to px or mm."""
        return y.float() * self.scale + self.offset


class MissingJoints(nn.Module):
    """Fills in coordinates that nobody saw: their mean given those that were seen, under a Gaussian.

    Args:
        size: number of dimensions.
    """

    mean: Tensor
    covariance: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("covariance", torch.eye(size))

    @torch.no_grad()
    def fit(self, x: Tensor) -> None:
        """Take mean and covariance from training data (N, size)."""
        self.mean.copy_(x.double().mean(0))
        self.covariance.copy_(torch.cov(x.double().T))

    @torch.no_grad()
    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        """``x`` (B, size) with the dimensions that are not ``known`` (B, size) filled in, sample by sample."""
        if bool(known.all()):
            return x
        x = torch.where(known, x, 0.0)
        mean, covariance = self.mean.double(), _definite(self.covariance.double())
        patterns, which = torch.unique(known, dim=0, return_inverse=True)
        for number, seen in enumerate(patterns):
            if bool(seen.all()):
                continue
            rows = which == number
            gain = torch.linalg.solve(covariance[seen][:, seen], covariance[seen][:, ~seen])
            guess = mean[~seen] + (x[rows][:, seen].double() - mean[seen]) @ gain
            x[rows.nonzero(), (~seen).nonzero().T] = guess.to(x.dtype)
        return x


def _definite(covariance: Tensor) -> Tensor:
    """``covariance`` (size, size) without variances below 1, or below what rounding it has made of them.

    Joints that always move together would not be invertible, and weights in half precision round their covariance to
    one that has negative variances: coordinates filled in from it lay up to 76,000 px away.
    """
    variances, axes = torch.linalg.eigh(covariance)
    floor = variances.min().neg().clamp(min=1.0)
    definite: Tensor = axes * variances.clamp(min=floor) @ axes.T
    return definite
