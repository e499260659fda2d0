"""The network for inference: batch norm folded into the convolution before it, ReLU done in the same call.

Source: none; what is computed is ``hourglass`` and ``depth_head``, up to rounding.
"""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d
from torch.nn.utils.fusion import fuse_conv_bn_eval

from benchsuite.kernels.onednn import takes

Precision = Literal["float32", "bfloat16"]


def lean(module: nn.Module) -> None:
    """Make a trained module, in place, one that gives the same numbers sooner.

    A third of the batch norms stay: those that begin a bottleneck, since ReLU follows them and not a convolution.
    """
    for name, child in module.named_children():
        lean(child)
        if isinstance(child, nn.Sequential):
            setattr(module, name, _lean_chain(child))
        elif isinstance(child, nn.Conv2d) and not isinstance(module, nn.Sequential):
            setattr(module, name, Convolution(child, rectified=False))


def _lean_chain(chain: nn.Sequential) -> nn.Sequential:
    kept: list[Any] = []
    for module in chain:
        after = kept[-1] if kept and isinstance(kept[-1], nn.Conv2d) else None
        if after and isinstance(module, nn.BatchNorm2d):
            kept[-1] = fuse_conv_bn_eval(after, module)
        elif after and isinstance(module, nn.ReLU):
            kept[-1] = Convolution(after, rectified=True)
        else:
            kept.append(module)
    return nn.Sequential(*(Convolution(m, rectified=False) if isinstance(m, nn.Conv2d) else m for m in kept))


class Convolution(nn.Module):
    """A convolution and the ReLU behind it, if there is one: on a CPU one call of oneDNN."""

    def __init__(self, convolution: nn.Conv2d, *, rectified: bool) -> None:
        super().__init__()
        assert convolution.bias is not None
        weight = convolution.weight.detach().contiguous(memory_format=torch.channels_last)
        self.weight, self.bias = (nn.Parameter(t, False) for t in (weight, convolution.bias.detach()))
        self._shape = convolution.padding, convolution.stride, convolution.dilation, convolution.groups
        self._rectified = rectified

    def forward(self, x: Tensor) -> Tensor:
        padding, stride, dilation, groups = self._shape
        if len(x) and x.device.type == "cpu" and takes(x.dtype):
            follows = "relu" if self._rectified else "none"
            fused: Tensor = torch.ops.mkldnn._convolution_pointwise(
                x, self.weight, self.bias, padding, stride, dilation, groups, follows, [], ""
            )
            return fused
        y = conv2d(x, self.weight, self.bias, stride, padding, dilation, groups)
        return y.relu_() if self._rectified else y
