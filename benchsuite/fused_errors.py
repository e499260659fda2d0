"""MPJPE and its aligned kin, one pass over each pose, compiled by numba: what ``benchsuite.metrics`` says, sooner.

Where a pose takes more than the closed form, its error comes out as NaN, for ``metrics`` to work out.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

LEAST = 512
"""Poses for which loading the compiler is worth while."""

ROWS_A_THREAD = 8192
"""Poses worth a thread of their own."""

REASSOCIATE = {"reassoc", "nsz", "arcp", "contract"}
"""Liberties that let sums over joints run in vector lanes. NaN and infinity keep their meaning."""


def fused(name: str, predicted: Tensor, true: Tensor) -> Tensor | None:
    """The errors (B,) float64 mm; None without numba, or where poses are few, not on the CPU or want gradients.

    Args:
        name: ``mpjpe``, ``n_mpjpe`` or ``p_mpjpe``.
        predicted: (B, J, 3) mm.
        true: (B, J, 3) mm.
    """
    each = _compiled(name) if len(true) >= LEAST and all(map(_plain, (predicted, true))) else None
    if each is None:
        return None
    p, g = (t.contiguous().numpy() for t in (predicted, true))
    errors = np.empty(len(g))
    threads = min(torch.get_num_threads(), len(g) // ROWS_A_THREAD)
    if threads < 2:
        each(errors, p, g)
    else:
        pieces = [slice(start, start + ROWS_A_THREAD) for start in range(0, len(g), ROWS_A_THREAD)]
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(lambda rows: each(errors[rows], p[rows], g[rows]), pieces))
    return torch.from_numpy(errors)


def _plain(poses: Tensor) -> bool:
    return poses.device.type == "cpu" and poses.dtype in (torch.float32, torch.float64) and not poses.requires_grad


@cache
def _compiled(name: str) -> Callable[..., None] | None:
    """One of the functions below as machine code that holds no lock; None without numba."""
    try:
        from numba import njit
    except ImportError:
        return None

    def machine_code(*, cached: bool) -> Callable[..., None]:
        jit = njit(nogil=True, fastmath=REASSOCIATE, error_model="numpy", cache=cached)
        made: Callable[..., None] = jit(globals()[f"{name}_each"])
        return made

    try:
        return machine_code(cached=True)
    except RuntimeError:  # nowhere to keep it
        return machine_code(cached=False)


def mpjpe_each(errors: Any, predicted: Any, true: Any) -> None:
    """Write the MPJPE of poses (B, J, 3) into ``errors`` (B,)."""
    joints = true.shape[1]
    for i in range(len(errors)):
        total = 0.0
        for j in range(joints):
            x = np.float64(predicted[i, j, 0]) - np.float64(true[i, j, 0])
            y = np.float64(predicted[i, j, 1]) - np.float64(true[i, j, 1])
            z = np.float64(predicted[i, j, 2]) - np.float64(true[i, j, 2])
            total += np.sqrt(x * x + y * y + z * z)
        errors[i] = total / joints


def n_mpjpe_each(errors: Any, predicted: Any, true: Any) -> None:
    """Likewise N-MPJPE."""
    joints = true.shape[1]
    for i in range(len(errors)):
        own = both = total = 0.0
        for j in range(joints):
            for k in range(3):
                p = np.float64(predicted[i, j, k])
                own += p * p
                both += p * np.float64(true[i, j, k])
        scale = both / own if own != 0.0 else 1.0
        for j in range(joints):
            x = scale * np.float64(predicted[i, j, 0]) - np.float64(true[i, j, 0])
            y = scale * np.float64(predicted[i, j, 1]) - np.float64(true[i, j, 1])
            z = scale * np.float64(predicted[i, j, 2]) - np.float64(true[i, j, 2])
            total += np.sqrt(x * x + y * y + z * z)
        errors[i] = total / joints


def p_mpjpe_each(errors: Any, predicted: Any, true: Any) -> None:
    """Likewise P-MPJPE; NaN where the best rotation is hardly determined, as in ``metrics._best_rotation``.

    Source: Markley 1993 (FOAM), with Newton's method from above.
    """
    joints = true.shape[1]
    share = 1.0 / joints
    for i in range(len(errors)):
        # centroids
        px = py = pz = gx = gy = gz = 0.0
        for j in range(joints):
            px += predicted[i, j, 0]
            py += predicted[i, j, 1]
            pz += predicted[i, j, 2]
            gx += true[i, j, 0]
            gy += true[i, j, 1]
            gz += true[i, j, 2]
        px, py, pz, gx, gy, gz = px * share, py * share, pz * share, gx * share, gy * share, gz * share
        # sizes, and the covariance m of what is left
        pp = gg = 0.0
        a = b = c = d = e = f = g = h = n = 0.0
        for j in range(joints):
            x, y, z = predicted[i, j, 0] - px, predicted[i, j, 1] - py, predicted[i, j, 2] - pz
            u, v, w = true[i, j, 0] - gx, true[i, j, 1] - gy, true[i, j, 2] - gz
            pp += x * x + y * y + z * z
            gg += u * u + v * v + w * w
            a, b, c = a + x * u, b + x * v, c + x * w
            d, e, f = d + y * u, e + y * v, f + y * w
            g, h, n = g + z * u, h + z * v, n + z * w
        unit = 1.0 / np.sqrt(pp * gg)
        a, b, c = a * unit, b * unit, c * unit
        d, e, f = d * unit, e * unit, f * unit
        g, h, n = g * unit, h * unit, n * unit
        # its cofactors, row by row
        ca, cb, cc = e * n - f * h, f * g - d * n, d * h - e * g
        cd, ce, cf = h * c - n * b, n * a - g * c, g * b - h * a
        cg, ch, cn = b * f - c * e, c * d - a * f, a * e - b * d
        det = a * ca + b * cb + c * cc
        square = a * a + b * b + c * c + d * d + e * e + f * f + g * g + h * h + n * n
        constant = 4.0 * (ca * ca + cb * cb + cc * cc + cd * cd + ce * ce + cf * cf + cg * cg + ch * ch + cn * cn)
        fit = 1.0
        settled = False
        for _ in range(30):
            rest = fit * fit - square
            step = (rest * rest - 8.0 * det * fit - constant) / (4.0 * fit * rest - 8.0 * det)
            fit -= step
            settled = abs(step) <= 1e-12 * fit
            if settled:
                break
        kappa = 0.5 * (fit * fit - square)
        turn = kappa * fit - det
        if not (settled and turn > 1e-4 * fit * fit * fit):
            errors[i] = np.nan
            continue
        # rotation times scale: ((kappa + |m|²) m + fit cof m - m mᵀ m) fit |G| / |P| z
        s = fit * np.sqrt(gg / pp) / turn
        plus = kappa + square
        aa, ab, ac = a * a + b * b + c * c, a * d + b * e + c * f, a * g + b * h + c * n
        bb, bc, nn = d * d + e * e + f * f, d * g + e * h + f * n, g * g + h * h + n * n
        ra = s * (plus * a + fit * ca - (aa * a + ab * d + ac * g))
        rb = s * (plus * b + fit * cb - (aa * b + ab * e + ac * h))
        rc = s * (plus * c + fit * cc - (aa * c + ab * f + ac * n))
        rd = s * (plus * d + fit * cd - (ab * a + bb * d + bc * g))
        re = s * (plus * e + fit * ce - (ab * b + bb * e + bc * h))
        rf = s * (plus * f + fit * cf - (ab * c + bb * f + bc * n))
        rg = s * (plus * g + fit * cg - (ac * a + bc * d + nn * g))
        rh = s * (plus * h + fit * ch - (ac * b + bc * e + nn * h))
        rn = s * (plus * n + fit * cn - (ac * c + bc * f + nn * n))
        total = 0.0
        for j in range(joints):
            x, y, z = predicted[i, j, 0] - px, predicted[i, j, 1] - py, predicted[i, j, 2] - pz
            u = true[i, j, 0] - gx - (x * ra + y * rd + z * rg)
            v = true[i, j, 1] - gy - (x * rb + y * re + z * rh)
            w = true[i, j, 2] - gz - (x * rc + y * rf + z * rn)
            total += np.sqrt(u * u + v * v + w * w)
        errors[i] = total * share
