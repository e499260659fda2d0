"""Whether torch can be asked for oneDNN's own products and convolutions, which do bias and ReLU in the same pass."""

from __future__ import annotations

from functools import cache

import torch


@cache
def takes(dtype: torch.dtype) -> bool:
    """Whether oneDNN is there and takes ``dtype`` on this processor."""
    there = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")  # type: ignore[no-untyped-call]
    return there and (dtype == torch.float32 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()))
