"""Fitting the motion prior on real takes.

Every window is learnt together with its mirror image.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from benchsuite.synthetic.motion import AHEAD, BODY, FEATURES, LEFT, LIFT, TILT, TURN, mirrored, motion_of
from benchsuite.synthetic.prior import FPS, WINDOW, Prior, cosines
from benchsuite.synthetic.rotations import BENDS, LEANS, TWIN, Floats

STRIDE = 4
"""Frames from one training window to the next."""
COSINES, DIMENSIONS = 20, 160
WINDOWS_PER_COMPONENT, FEWEST_WINDOWS = 60, 16
"""On average, and below which a component is dropped: one of a window or two would copy it."""
TEMPER = 0.8
"""How far samples leave their component, of what windows do: a Gaussian's outskirts are wider than what people do."""
LEAST_VARIETY, MOST_VARIETY = 0.035, 0.12
"""Between which the standard deviation of a bone's share in the body is kept."""


class RealTake(Protocol):
    """What is learnt from: a take of one action, (T, 17, 3) in mm, Z up."""

    @property
    def action(self) -> str: ...
    @property
    def fps(self) -> float: ...
    @property
    def world(self) -> NDArray[np.float32]: ...


def fit_prior(takes: Iterable[RealTake], seed: int = 0) -> Prior:
    """The prior of real takes.

    Args:
        takes: of the training split; those shorter than a window count for nothing.
        seed: of the mixtures' starts.

    Raises:
        ValueError: no take is as long as a window.
    """
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

    windows: dict[str, list[NDArray[np.float64]]] = {}
    ranges: dict[str, list[tuple[Any, Any]]] = {}
    bodies, grounds = [], []
    for take in takes:
        motion = motion_of(resampled(take.world, take.fps), FPS)
        if len(motion.features) < WINDOW:
            continue
        cut = windows_of(motion.features)
        grounds.append(cut[..., LIFT].min(1))
        cut[..., LIFT] -= grounds[-1][:, None]  # what they stand or climb on is not told
        windows.setdefault(take.action, []).append(np.concatenate((cut, mirrored(cut))))
        ranges.setdefault(take.action, []).append((motion.bends.min(0), motion.bends.max(0)))
        bodies.append(motion.lengths)
    if not windows:
        raise ValueError(f"wanted takes of at least {WINDOW / FPS} s, found none")
    actions = sorted(windows)
    learnt = [np.concatenate(windows[action]) for action in actions]
    lengths = symmetric(np.mean(bodies, axis=0))
    with threadpool_limits(1):  # sums in another order would round otherwise: the same file on any number of cores
        basis, centre, told = _principal(learnt)
        mixtures = [_mixture(t, seed) for t in told]
    bend_low = _both_sides(np.min([low for of_one in ranges.values() for low, _ in of_one], axis=0), np.minimum)
    bend_high = np.stack([_both_sides(np.max([high for _, high in ranges[a]], axis=0), np.maximum) for a in actions])
    return Prior(
        actions=np.array(actions),
        components_of=np.repeat(np.arange(len(actions)), [len(m[0]) for m in mixtures]).astype(np.int32),
        share=np.concatenate([m[0] for m in mixtures]).astype(np.float32),
        mean=_half(np.concatenate([m[1] for m in mixtures])),
        spread=_half(np.stack([m[2] for m in mixtures])),
        basis=_half(basis),
        centre=_half(centre),
        low=np.stack([c.min((0, 1)) for c in learnt]).astype(np.float32),
        high=np.stack([c.max((0, 1)) for c in learnt]).astype(np.float32),
        bend_low=bend_low.astype(np.float32),
        bend_high=bend_high.astype(np.float32),
        lengths=lengths.astype(np.float32),
        variety=_variety(np.stack(bodies) / lengths).astype(np.float32),
        ground=np.array(np.median(np.concatenate(grounds)), dtype=np.float32),
    )


def resampled(world: Floats, fps: float) -> Floats:
    """The frames of ``world`` (T, 17, 3) nearest to those at 20 Hz, from the first on."""
    rows = np.round(np.arange(0, len(world) - 0.5, fps / FPS)).astype(int)
    kept: Floats = world[rows[rows < len(world)]]
    return kept


def windows_of(features: Floats) -> NDArray[np.float64]:
    """All windows (N, WINDOW, F) of the features (T, F) of a motion, a stride apart."""
    starts = np.arange(0, len(features) - WINDOW + 1, STRIDE)
    cut: NDArray[np.float64] = np.asarray(features, dtype=np.float64)[starts[:, None] + np.arange(WINDOW)]
    return cut


def symmetric(lengths: Floats) -> Floats:
    """Bone lengths (..., 16) with left and right both their mean."""
    both: Floats = (lengths + lengths[..., TWIN]) / 2
    return both


def _importance() -> NDArray[np.float64]:
    """(F,): about how many legs the far joints move by when a feature moves by one."""
    weight = np.empty(FEATURES)
    weight[[LIFT, AHEAD, LEFT, TURN]] = 1.0, 0.3, 0.3, 0.3
    weight[TILT] = 1.0
    weight[BODY.start : BODY.start + 3] = 0.6
    reach = {"knee": 0.9, "ankle": 0.45, "spine": 0.3, "shoulder": 0.5, "elbow": 0.6, "wrist": 0.35}
    leans = [reach.get(lean.joint[2:], reach.get(lean.joint, 0.2)) for lean in LEANS]
    weight[BODY.start + 3 :] = np.repeat(leans, 2)
    return weight


def _principal(cut: list[NDArray[np.float64]]) -> tuple[Any, Any, list[NDArray[np.float64]]]:
    """Basis (D, K, F), centre (K, F) and what it makes of each action's windows (N, WINDOW, F).

    Each action counts the same, however much of it was recorded.
    """
    weight, over_time = _importance(), cosines(COSINES)
    flat = [np.einsum("tk,ntf->nkf", over_time, c * weight).reshape(len(c), -1) for c in cut]
    centre = np.mean([f.mean(0) for f in flat], axis=0)
    scatter = np.mean([(f - centre).T @ (f - centre) / len(f) for f in flat], axis=0)
    _, vectors = np.linalg.eigh(scatter)
    basis = vectors[:, : -DIMENSIONS - 1 : -1].T
    basis *= np.sign(basis[np.arange(DIMENSIONS), np.abs(basis).argmax(1)])[:, None]
    told = [(f - centre) @ basis.T for f in flat]
    scale = np.sqrt(np.mean([(t**2).mean(0) for t in told], axis=0))  # a dimension's spread is about 1
    shape = (-1, COSINES, FEATURES)
    return (
        (basis * scale[:, None]).reshape(shape) / weight,
        centre.reshape(shape[1:]) / weight,
        [t / scale for t in told],
    )


def _mixture(told: NDArray[np.float64], seed: int) -> tuple[Any, Any, Any]:
    """Shares (C,), means (C, D) and the Cholesky factor (D, D) of one action's mixture over its windows (N, D).

    Components are clusters: an action has too few independent windows for a covariance each, so they share one.
    """
    from sklearn.cluster import KMeans

    count = max(1, len(told) // WINDOWS_PER_COMPONENT)
    cluster = KMeans(count, n_init=1, random_state=seed).fit(told)
    sizes = np.bincount(cluster.labels_, minlength=count)
    within = told - cluster.cluster_centers_[cluster.labels_]
    covariance = within.T @ within / len(told) + 1e-3 * np.eye(told.shape[1])
    kept = sizes >= FEWEST_WINDOWS
    return sizes[kept] / sizes[kept].sum(), cluster.cluster_centers_[kept], TEMPER * np.linalg.cholesky(covariance)


def _variety(relative: NDArray[np.float64]) -> Floats:
    """Standard deviation (16,) of bone lengths relative to the mean's (N, 16), size aside.

    Few skeletons are known and their short bones differ by where each kind of file puts the joint, so it stays within
    what people differ by.
    """
    proportions = relative / relative.mean(axis=1, keepdims=True)
    return symmetric(np.clip(proportions.std(axis=0), LEAST_VARIETY, MOST_VARIETY))


def _both_sides(bends: NDArray[np.float64], extreme: Any) -> NDArray[np.float64]:
    """Angles (11,) where right and left share their extreme."""
    return np.array([extreme.reduce(bends[[k for k, name in enumerate(BENDS) if name == own]]) for own in BENDS])


def _half(values: NDArray[np.float64]) -> NDArray[np.float32]:
    """``values`` as they are once kept: what was fitted and what is loaded are the same."""
    return values.astype(np.float16).astype(np.float32)
