"""MPJPE and its aligned kin, and the area under PCK's curve, compiled by numba: one pass, eight poses at a time.

Poses are rows (N, 3 J). Sums run over the joints in their order, whatever the processor.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba.extending import register_jitable

from benchsuite.kernels.blocks import block, every, take
from benchsuite.kernels.lanes import EIGHT, choices
from benchsuite.kernels.machine_code import machine_code, text_of


def choose(condition: Any, yes: Any, no: Any) -> Any:
    """``yes`` where ``condition`` holds, else ``no``."""
    return np.where(condition, yes, no)


def some(condition: Any) -> bool:
    """Whether ``condition`` holds for any of the poses at hand."""
    return bool(np.any(condition))


choices(choose, some)
inlined = register_jitable(forceinline=True)


@inlined
def joint(i: Any, poses: Any, j: int) -> Any:
    """x, y and z of joint j."""
    k = 3 * j
    return poses[i, k], poses[i, k + 1], poses[i, k + 2]


@inlined
def apart(i: Any, predicted: Any, true: Any, scale: Any) -> Any:
    """Mean distance of the predicted joints, scaled, from the true ones."""
    joints, total = true.shape[1] // 3, 0.0
    for j in range(joints):
        x, y, z = joint(i, predicted, j)
        u, v, w = joint(i, true, j)
        x, y, z = scale * x - u, scale * y - v, scale * z - w
        total = total + np.sqrt(x * x + y * y + z * z)
    return total / joints


@inlined
def mpjpe(i: Any, predicted: Any, true: Any) -> Any:
    """MPJPE of poses ``i``."""
    return apart(i, predicted, true, 1.0)


@inlined
def n_mpjpe(i: Any, predicted: Any, true: Any) -> Any:
    """Likewise N-MPJPE."""
    own = both = 0.0
    for k in range(true.shape[1]):
        p = predicted[i, k]
        own, both = own + p * p, both + p * true[i, k]
    return apart(i, predicted, true, choose(own != 0.0, both / own, 1.0))


@inlined
def p_mpjpe(i: Any, predicted: Any, true: Any) -> Any:
    """Likewise P-MPJPE; NaN where the best rotation is hardly determined, as in ``metrics._best_rotation``.

    Source: Markley 1993 (FOAM), with Newton's method from above.
    """
    joints = true.shape[1] // 3
    share = 1.0 / joints
    # centroids
    px = py = pz = gx = gy = gz = 0.0
    for j in range(joints):
        x, y, z = joint(i, predicted, j)
        u, v, w = joint(i, true, j)
        px, py, pz, gx, gy, gz = px + x, py + y, pz + z, gx + u, gy + v, gz + w
    px, py, pz, gx, gy, gz = px * share, py * share, pz * share, gx * share, gy * share, gz * share
    # sizes, and the covariance m of what is left
    pp = gg = 0.0
    a = b = c = d = e = f = g = h = n = 0.0
    for j in range(joints):
        x, y, z = joint(i, predicted, j)
        u, v, w = joint(i, true, j)
        x, y, z, u, v, w = x - px, y - py, z - pz, u - gx, v - gy, w - gz
        pp, gg = pp + (x * x + y * y + z * z), gg + (u * u + v * v + w * w)
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
    fit = step = 1.0
    for _ in range(30):
        moving = abs(step) > 1e-12 * fit
        if not some(moving):
            break
        rest = fit * fit - square
        step = (rest * rest - 8.0 * det * fit - constant) / (4.0 * fit * rest - 8.0 * det)
        step = choose(moving, step, 0.0)
        fit = fit - step
    kappa = 0.5 * (fit * fit - square)
    turn = kappa * fit - det
    determined = (abs(step) <= 1e-12 * fit) & (turn > 1e-4 * fit * fit * fit)
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
        x, y, z = joint(i, predicted, j)
        u, v, w = joint(i, true, j)
        x, y, z = x - px, y - py, z - pz
        u = u - gx - (x * ra + y * rd + z * rg)
        v = v - gy - (x * rb + y * re + z * rh)
        w = w - gz - (x * rc + y * rf + z * rn)
        total = total + np.sqrt(u * u + v * v + w * w)
    return choose(determined, total * share, np.nan)


@inlined
def within(error: Any, threshold: Any, inclusive: bool) -> Any:
    """1 where ``error`` is right, else 0; NaN is wrong."""
    return choose(error <= threshold if inclusive else error < threshold, 1.0, 0.0)


@inlined
def right(i: Any, errors: Any, ladder: Any, step: float, inclusive: bool) -> Any:
    """How many joints are right, added up over all thresholds.

    Args:
        i: rows.
        errors: (N, J).
        ladder: (T,) thresholds, ascending.
        step: where there are two or more and number k is exactly ``ladder[0] + k * step``, that; 0 elsewhere.
        inclusive: whether an error equal to a threshold is right.
    """
    first, top, inverse = ladder[0], len(ladder) - 2.0, 1.0 / step
    count = 0.0
    for j in range(errors.shape[1]):
        error = errors[i, j]
        if step > 0.0:  # rounding may put an error one rung too low or too high: both are looked at
            rung = np.floor((error - first) * inverse)
            rung = choose(rung > 0.0, choose(rung < top, rung, top), 0.0)
            near = within(error, first + rung * step, inclusive) + within(error, first + (rung + 1.0) * step, inclusive)
            count = count + choose(error < np.inf, top - rung + near, 0.0)
        else:
            for threshold in ladder:
                count = count + within(error, threshold, inclusive)
    return count


def compiled(name: str) -> Callable[..., None]:
    """One of the functions above for all rows: it writes into its first argument (N,)."""
    text, figure = text_of(), globals()[name]

    def of_poses(figures: Any, predicted: Any, true: Any) -> None:
        text  # noqa: B018
        p, g, found = block(true.shape[1], predicted.dtype), block(true.shape[1], true.dtype), block(1, np.float64)
        i = every()
        for first in range(0, len(figures), EIGHT):
            take(p, predicted, first)
            take(g, true, first)
            found[i, 0] = figure(i, p, g)
            figures[first : first + EIGHT] = found[: len(figures) - first, 0]

    def of_errors(figures: Any, errors: Any, ladder: Any, step: float, inclusive: bool) -> None:
        text  # noqa: B018
        e, found = block(errors.shape[1], errors.dtype), block(1, np.float64)
        i = every()
        for first in range(0, len(figures), EIGHT):
            take(e, errors, first)
            found[i, 0] = figure(i, e, ladder, step, inclusive)
            figures[first : first + EIGHT] = found[: len(figures) - first, 0]

    return machine_code(of_errors if figure is right else of_poses)
