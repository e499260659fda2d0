"""How far a pose is from the truth: MPJPE and its aligned kin, PCK, AUC.

Every function takes a batch and gives one figure per sample, worked out in float64 whatever came
in, so a dataset may be scored in pieces of any size. Nothing here moves, converts or leaves out
joints beforehand: what is handed in is what counts. A sample whose coordinates are not all finite
has no finite error and touches no other.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor

from benchsuite.kernels.fused_errors import fused

AUC_THRESHOLDS_MM = tuple(5.0 * k for k in range(31))
"""0, 5, ..., 150 mm: the 31 thresholds of MPI-INF-3DHP's official evaluation."""


def joint_errors(predicted: Tensor, true: Tensor) -> Tensor:
    """Euclidean distance of every joint from its true place, (B, J) float64 mm.

    Args:
        predicted: (B, J, 3) mm.
        true: (B, J, 3) mm, in the same frame.

    Raises:
        ValueError: the shapes differ or are not (B, J, 3).
    """
    _same_shape(predicted, true)
    errors: Tensor = torch.linalg.vector_norm(predicted.double() - true.double(), dim=-1)
    return errors


def mpjpe(predicted: Tensor, true: Tensor) -> Tensor:
    """Mean per-joint position error, (B,) float64 mm. Nothing is aligned here.

    A prediction of all zeros in the root's frame costs the mean distance of the true joints from
    the true root.

    Args:
        predicted: (B, J, 3) mm.
        true: (B, J, 3) mm, in the same frame; root-aligned, both of them, for Protocol #1.

    Raises:
        ValueError: as ``joint_errors``.

    Source: Sec. 4.1 (Protocol #1), on root-aligned poses.
    """
    _same_shape(predicted, true)
    errors = fused("mpjpe", predicted, true)
    return joint_errors(predicted, true).mean(dim=-1) if errors is None else errors


def n_mpjpe(predicted: Tensor, true: Tensor) -> Tensor:
    """MPJPE after each prediction is scaled by its best factor s = <P, G> / <P, P>, (B,) float64 mm.

    s minimises the sum of squared distances and may be negative, so a pose point-mirrored at the
    origin costs nothing. A prediction of all zeros has no best factor, nor does it need one: it
    costs what it costs unscaled.

    Args:
        predicted: (B, J, 3) mm, root-aligned.
        true: (B, J, 3) mm, root-aligned.

    Raises:
        ValueError: as ``joint_errors``.

    Source: Rhodin et al. 2018 (N-MPJPE).
    """
    _same_shape(predicted, true)
    if (errors := fused("n_mpjpe", predicted, true)) is not None:
        return errors
    predicted, true = predicted.double(), true.double()
    size = torch.linalg.vector_norm(predicted, dim=(1, 2))
    unit = predicted / torch.where(size == 0, 1.0, size)[:, None, None]
    return mpjpe(unit * (unit * true).sum(dim=(1, 2), keepdim=True), true)


BLOCK = 2048
"""Poses aligned at a time, so that what is in work stays in the processor's cache."""


def p_mpjpe(predicted: Tensor, true: Tensor) -> Tensor:
    """MPJPE after the best similarity transform of each prediction, (B,) float64 mm.

    Scale s >= 0, rotation R with det R = +1 and translation t minimise the sum of squared distances;
    the mean distance that is left is given. That is why it may, rarely, exceed MPJPE. Since a
    mirroring is not allowed, a mirrored pose costs something unless it is planar. Flat and straight
    poses, 180 degree turns and mirrored ones need nothing special. What does:

    * All joints in one place: such a prediction carries no shape, so s = 0 and every joint comes to
      lie on the truth's centroid. The same holds where no rotation correlates the two at all.
    * Several rotations equally good (a mirrored pose with two equal smaller axes): the sum of
      squares is the same for all, the mean distance need not be; one of them is taken.

    Args:
        predicted: (B, J, 3) mm, in any frame.
        true: (B, J, 3) mm, in any frame.

    Raises:
        ValueError: as ``joint_errors``.

    Source: Kabsch 1976 and Umeyama 1991 for what is minimised, Markley 1993 (FOAM) for the rotation.
    """
    _same_shape(predicted, true)
    if (errors := fused("p_mpjpe", predicted, true)) is not None:
        hard = errors.isnan()
        if hard.any():
            errors[hard] = _aligned_error(predicted[hard], true[hard])
        return errors
    pairs = zip(torch.split(predicted, BLOCK), torch.split(true, BLOCK), strict=True)
    return torch.cat([_aligned_error(p, g) for p, g in pairs])


def _aligned_error(predicted: Tensor, true: Tensor) -> Tensor:
    # (3, J, B): every step below then runs along B, without strides
    p, g = (
        t.permute(2, 1, 0).to(torch.float64, memory_format=torch.contiguous_format, copy=True)
        for t in (predicted, true)
    )
    p, g = (t - t.mean(dim=1, keepdim=True) for t in (p, g))
    p_size, g_size = ((t * t).sum(dim=(0, 1)).sqrt() for t in (p, g))
    p_size = torch.where(p_size == 0, torch.inf, p_size)  # one place for all joints: scaled to nothing
    covariance = torch.stack([(axis * g).sum(dim=1) for axis in p])
    m = (covariance / (p_size * g_size)).nan_to_num(0.0, 0.0, 0.0)
    rotation, fit = _best_rotation(m)
    scaled = rotation * (fit * g_size / p_size)
    squares = torch.zeros_like(p[0])
    for k in range(3):
        left = g[k]
        for i in range(3):
            left = torch.addcmul(left, p[i], scaled[i, k], value=-1.0)
        squares.addcmul_(left, left)
    return squares.sqrt_().mean(dim=0)


def _best_rotation(m: Tensor) -> tuple[Tensor, Tensor]:
    """Rotations R (3, 3, B), det R = +1, with the greatest <R, M>, and that greatest value (B,).

    With M's singular values s1 >= s2 >= s3, the last one negated where det M < 0, the value is
    s1 + s2 + s3: the largest root of (x² - |M|²)² - 8 x det M - 4 |cof M|², found by Newton's method
    from above. R then is a polynomial in M over z = (s1 + s2) (s2 + s3) (s3 + s1). Where z is about 0 the
    rotation is hardly determined, and the singular value decomposition finds one.

    Args:
        m: (3, 3, B) with |<R, M>| <= 1 for every rotation R.

    Source: Markley 1993, "Attitude determination using vector observations: a fast optimal matrix algorithm".
    """
    cofactor = torch.stack([torch.linalg.cross(m[i - 2], m[i - 1], dim=0) for i in range(3)])
    square, det = (m * m).sum(dim=(0, 1)), (m[0] * cofactor[0]).sum(dim=0)
    constant = 4.0 * (cofactor * cofactor).sum(dim=(0, 1))
    fit = torch.ones_like(det)
    for _ in range(30):
        rest = fit * fit - square
        step = (rest * rest - 8.0 * det * fit - constant) / (4.0 * fit * rest - 8.0 * det)
        fit = fit - step
        settled = step.abs() <= 1e-12 * fit
        if settled.all():
            break
    kappa = 0.5 * (fit * fit - square)
    z = kappa * fit - det
    rotation = ((kappa + square) * m + fit * cofactor - _times(_times(m, m.transpose(0, 1)), m)) / z
    hard = ~(settled & (z > 1e-4 * fit**3))
    if hard.any():
        u, s, vh = torch.linalg.svd(m[..., hard].permute(2, 0, 1))
        sign = torch.linalg.det(u @ vh).sign()
        s[:, 2] *= sign
        u[:, :, 2] *= sign[:, None]
        rotation[..., hard] = (u @ vh).permute(1, 2, 0)
        fit[hard] = s.sum(dim=1)
    return rotation, fit


def _times(a: Tensor, b: Tensor) -> Tensor:
    return (a[:, :, None] * b[None]).sum(dim=1)


def pck(errors: Tensor, threshold: float, *, inclusive: bool = False) -> Tensor:
    """Percentage of each sample's joints that are right, (B,) float64.

    Since every sample has the same joints, the mean over samples is the pooled figure.

    Args:
        errors: (B, J) in the unit of ``threshold``: mm for 3DPCK, shares of the head's size for
            PCKh. A missing joint's NaN counts as wrong.
        threshold: how far a right joint may be off.
        inclusive: whether an error equal to the threshold is right; MPII says yes,
            MPI-INF-3DHP no.

    Source: Table 4; the official evaluation of MPI-INF-3DHP.
    """
    return auc(errors, (threshold,), inclusive=inclusive)


def auc(errors: Tensor, thresholds: tuple[float, ...] = AUC_THRESHOLDS_MM, *, inclusive: bool = False) -> Tensor:
    """Mean of ``pck`` over ``thresholds``, of each sample, (B,) float64 %: counted, so that no sum is rounded.

    The official thresholds begin at 0, below which no error can be: the truth scores 100 * 30 / 31.

    Args:
        errors: (B, J) mm; a missing joint's NaN counts as wrong.
        thresholds: mm, ascending.
        inclusive: whether an error equal to a threshold is right, as in ``pck``.

    Source: Table 4; the official evaluation of MPI-INF-3DHP.
    """
    ladder, step = _ladder(thresholds)
    every = errors.shape[1] * len(ladder)
    if (right := fused("right", errors, how=(ladder.numpy(), step, inclusive))) is None:
        wrong = torch.searchsorted(ladder.to(errors.device), errors.double(), right=not inclusive)
        right = (every - wrong.sum(dim=1)).double()
    return 100.0 * (right / every)


@cache
def _ladder(thresholds: tuple[float, ...]) -> tuple[Tensor, float]:
    """``thresholds`` as they are compared, and the step between them where they are exactly even; else 0."""
    ladder = torch.tensor(thresholds, dtype=torch.float64)
    step = float(ladder[1] - ladder[0]) if len(ladder) > 1 else 0.0
    even = ladder[0] + step * torch.arange(len(ladder), dtype=torch.float64)
    return ladder, step if torch.equal(even, ladder) else 0.0


def _same_shape(predicted: Tensor, true: Tensor) -> None:
    if predicted.shape != true.shape or predicted.ndim != 3 or predicted.shape[-1] != 3:
        raise ValueError(
            f"wanted predicted and true poses of one shape (B, J, 3), found {tuple(predicted.shape)} and "
            f"{tuple(true.shape)}"
        )
