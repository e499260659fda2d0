"""The noise model fitted on a detector's predictions beside the truth, by expectation and maximisation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from benchsuite_registry.skeletons import MPII_16
from numpy.typing import NDArray

from benchsuite.convert.archives import WrongSource, read_mat
from benchsuite.datasets.columns import HEAD_PER_DIAGONAL
from benchsuite.robustness.noise import DETECTED, NoiseModel, Spread, sideless

Array = NDArray[np.float64]

ROUNDS = 500
BAD = 0.5
"""How far off, in heads, a joint is that counts as wrong in PCKh."""

_COLUMNS = [MPII_16.index(joint) for joint in DETECTED.joints]
_TRIES = 20
_DIGITS = 4


def read_detections(path: Path) -> tuple[Array, Array, Array]:
    """What MPII's Python tools call ``detections_our_format.mat``: a stacked hourglass on MPII's validation people.

    Returns:
        Predicted and true places (N, 14, 2) px of the joints of ``DETECTED``, NaN where the truth is not labelled, and
        head sizes (N,) px.

    Raises:
        WrongSource: the file is not that.
    """
    mat: dict[str, Any] = read_mat(path)
    wanted = {"pos_pred_src": (16, 2), "pos_gt_src": (16, 2), "headboxes_src": (2, 2), "jnt_missing": (16,)}
    for name, shape in wanted.items():
        if name not in mat or mat[name].shape[:-1] != shape:
            raise WrongSource(path, f"an array {name} {(*shape, 'people')}", str(getattr(mat.get(name), "shape", None)))
    predicted, true, boxes = (np.moveaxis(mat[k], -1, 0) for k in ("pos_pred_src", "pos_gt_src", "headboxes_src"))
    there = mat["jnt_missing"].T[:, _COLUMNS] == 0
    true = np.where(there[..., None], true[:, _COLUMNS], np.nan)
    head = HEAD_PER_DIAGONAL * np.linalg.norm(boxes[:, 1] - boxes[:, 0], axis=-1)
    return predicted[:, _COLUMNS].astype(np.float64), true, head


def fit_noise(
    predicted: Array, true: Array, head: Array, *, source: str = "", made_by: str = "", seed: int = 0
) -> NoiseModel:
    """The model of a detector's errors.

    Args:
        predicted: (N, 14, 2) px, joints of ``DETECTED``.
        true: (N, 14, 2) px, NaN where unknown.
        head: (N,) px.
        source: what they are.
        made_by: the command that fits them.
        seed: of the draws that decide how far joints of a person go wrong together.
    """
    joints = {}
    for name in dict.fromkeys(map(sideless, DETECTED.joints)):
        columns = [k for k, joint in enumerate(DETECTED.joints) if sideless(joint) == name]
        mirrors = [DETECTED.mirror[k] for k in columns]
        off = (predicted - true)[:, columns] / head[:, None, None]
        mirror = (true[:, mirrors] - true[:, columns]) / head[:, None, None]
        known = np.isfinite(off).all(-1)
        joints[name] = _spread(off[known], mirror[known] if len(columns) > 1 else None)
    apart = NoiseModel(source, made_by, len(true), 0.0, joints)
    return _together(apart, predicted, true, head, seed)


def _spread(off: Array, mirror: Array | None) -> Spread:
    """Shares and distances of one joint, of its errors (M, 2) and the ways to its mirror joint (M, 2), in heads."""
    shares = np.array((0.7, 0.2, 0.05 if mirror is not None else 0.0, 0.05))
    sizes = np.array((0.1, 0.3, 0.1, 1.5))
    squares = [(off**2).sum(-1)] * 4
    if mirror is not None:  # far away where the mirror joint is not known: nothing can be swapped with it
        squares[2] = np.nan_to_num(((off - mirror) ** 2).sum(-1), nan=1e12)
    square = np.stack(squares, axis=1)
    for _ in range(ROUNDS):
        density = shares * np.exp(-square / (2 * sizes**2)) / (2 * np.pi * sizes**2)
        belongs = density / np.maximum(density.sum(1, keepdims=True), 1e-300)
        shares = belongs.mean(0)
        for group in ((0, 2), (1,), (3,)):  # a swapped joint is found as well as any
            part = belongs[:, group]
            sizes[list(group)] = np.sqrt((part * square[:, group]).sum() / (2 * part.sum()))
    near, rest, swap, wild = (round(float(share), _DIGITS) for share in shares)
    apart = [round(float(size), _DIGITS) for size in sizes]
    return Spread(near, apart[0], rest, apart[1], swap, wild, apart[3])


def _together(model: NoiseModel, predicted: Array, true: Array, head: Array, seed: int) -> NoiseModel:
    """The model with the correlation that gives as many people without any wrong joint as there are."""

    def clean(found: Array) -> float:
        errors = np.linalg.norm(found - true, axis=-1) / head[:, None]
        return float((~(errors > BAD)).all(1).mean())  # what is not labelled is not wrong

    wanted, low, high = clean(predicted), 0.0, 0.999
    for _ in range(_TRIES):
        middle = (low + high) / 2
        made = NoiseModel(model.source, model.made_by, model.people, middle, model.joints)
        if clean(made.moved(true, DETECTED, head, np.random.default_rng(seed))) < wanted:
            low = middle
        else:
            high = middle
    return NoiseModel(model.source, model.made_by, model.people, round((low + high) / 2, _DIGITS), model.joints)


def pckh(found: Array, true: Array, head: Array, share: float = BAD) -> Array:
    """Percentage (14,) of the labelled joints that are found within ``share`` of a head."""
    errors = np.linalg.norm(found - true, axis=-1) / head[:, None]
    right = np.where(np.isfinite(errors), errors <= share, np.nan)
    percentage: Array = 100.0 * np.nanmean(right, axis=0)
    return percentage
