"""The verdicts on all people in a few numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.labels.labeller import KEPT, NO_JOINT, REASONS, VERDICT
from benchsuite.labels.quality import PARTS

_SHARES = (5, 25, 50, 75, 95)


def tally(verdict: NDArray[np.float32]) -> dict[str, Any]:
    """Counts by reason, and quantiles over the people who could be labelled, kept or not; JSON-able.

    Args:
        verdict: (N, V), a row a person, columns as ``VERDICT`` names them.
    """
    column = dict(zip(VERDICT, verdict.T, strict=True))
    reason = np.asarray(column["reason"]).astype(np.int64)
    counts = np.bincount(reason, minlength=len(REASONS))
    labelled = reason < NO_JOINT
    flags = np.asarray(column["flags"])[labelled].astype(np.uint8)
    return {
        "people": len(verdict),
        "labelled": int(labelled.sum()),
        "kept": int(counts[KEPT]),
        "kept_share": round(counts[KEPT] / max(len(verdict), 1), 4),
        "reasons": {name: int(count) for name, count in zip(REASONS, counts, strict=True)},
        "score": _quantiles(column["score"][labelled]),
        "depth_mm": _quantiles(column["depth_mm"][labelled], digits=0),
        "parts": {part: _quantiles(column[part][labelled]) for part in PARTS},
        "flags": {str(1 << bit): int(((flags >> bit) & 1).sum()) for bit in range(8) if ((flags >> bit) & 1).any()},
    }


def _quantiles(column: NDArray[np.float32], digits: int = 4) -> dict[str, float]:
    if not len(column):
        return {}
    values = np.percentile(column, _SHARES)
    return {f"p{share}": round(float(value), digits) for share, value in zip(_SHARES, values, strict=True)}
