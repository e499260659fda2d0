"""Means over frames and over actions, and how far they would move with other takes.

Frames of one take are alike, whichever camera saw them, so takes and not frames are what is drawn when an interval
is made. Here a clip is what is drawn: whoever calls gives the codes of takes, or of clips where takes are not told. A
mean needs no more of one than its sum and its count: once those are had, a draw costs as much as there are clips.

Clips are taken to be independent. As with every percentile bootstrap, intervals from a handful of them are too narrow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.integer]
Average = Literal["actions", "frames"]

LEVEL = 0.95
"""How often an interval is meant to hold the true value."""

NORMAL = 1.9600
"""Standard errors from a mean to either end of its interval, where it is normal."""

DETECTABLE = NORMAL + 0.8416
"""Standard errors that a true difference must measure for its interval to leave 0 out four times in five."""

SAME = 1e-6
"""Spread, relative to what is drawn, that is no more than rounding."""

_AT_ONCE = 2_000_000
_ROWS = 1 << 17
"""Frames added up at a time."""


@dataclass(frozen=True)
class Estimate:
    """A mean and its percentile bootstrap interval.

    Attributes:
        value: the mean; NaN where it is not defined.
        low: lower end of the interval; None where there is none.
        high: upper end of it.
        n: how many frames the mean stands on.
        error: standard error, that of the draws; None where there are none.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    error: float | None = None

    @classmethod
    def drawn(cls, value: float, n: int, draws: Array | None) -> Estimate:
        """``value`` with the interval and the error of its draws; with neither where a draw is not defined."""
        if draws is None or not len(draws) or not np.isfinite(draws).all():
            return cls(value, None, None, n)
        tail = 50.0 * (1.0 - LEVEL)
        low, high = np.percentile(draws, (tail, 100.0 - tail))
        return cls(value, float(low), float(high), n, float(draws.std(ddof=1)))

    @property
    def detectable(self) -> float | None:
        """Of a difference: how large a true one would have to be to show in four of five such test sets.

        None without draws, and where all give the same: two methods that do the same say nothing of others.
        """
        varies = self.error is not None and self.error > SAME * abs(self.value)
        return DETECTABLE * self.error if self.error and varies else None

    @property
    def leaves_out_zero(self) -> bool:
        """Of a difference: whether its sign can be told."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class ClipSums:
    """A figure added up over the frames of each of C clips.

    Attributes:
        total: (C,) sum over the clip's defined frames.
        count: (C,) how many frames are defined, or for how many they count; 0 where a clip has none.
        action: (C,) code of the clip's action.
    """

    total: Array
    count: Array
    action: Codes

    @classmethod
    def of(
        cls, values: Array, clip: Codes, action: Codes | None = None, weight: NDArray[np.integer] | None = None
    ) -> ClipSums:
        """The sums of ``values``. NaN and infinite ones are left out; whoever calls counts them.

        Args:
            values: (N,) a figure of each frame.
            clip: (N,) code of its clip, from 0 up: of its take, where takes are told.
            action: (N,) code of its action, from 0 up; one action if not given. The part of a
                clip that shows another action counts as another clip.
            weight: (N,) for how many a frame counts, such as its labelled joints; one if not given.

        Raises:
            ValueError: the lengths differ.
        """
        given = (clip, *(codes for codes in (action, weight) if codes is not None))
        if any(len(codes) != len(values) for codes in given):
            found = f"{len(values)}, {len(clip)} and {len(clip if action is None else action)}"
            raise ValueError(f"wanted a value, a clip and an action of each frame, found {found}")
        actions = 1 if action is None else int(action.max(initial=0)) + 1
        cells = (int(clip.max(initial=-1)) + 1) * actions
        there = np.zeros(cells, dtype=bool)
        total, count = np.zeros(cells), np.zeros(cells)
        for rows in (slice(start, start + _ROWS) for start in range(0, len(values), _ROWS)):
            value, cell = np.asarray(values[rows]), clip[rows].astype(np.int64) * actions
            if action is not None:
                cell += action[rows]
            there[cell] = True
            defined = np.isfinite(value)
            value, cell = value[defined], cell[defined]
            times = np.ones(len(value)) if weight is None else weight[rows][defined]
            np.add.at(total, cell, value * times)  # one after the other, whatever the size of the pieces
            np.add.at(count, cell, times)
        return cls(total[there], count[there], np.flatnonzero(there) % actions)

    def over(self, average: Average, *, draws: int = 1000) -> Estimate:
        """``over_actions`` or ``over_frames``."""
        return self.over_actions(draws=draws) if average == "actions" else self.over_frames(draws=draws)

    def drawn_over(self, average: Average) -> Average:
        """What a mean has to be over for clips to be drawn anew: ``average``, but frames where an action has one clip.

        Clips are drawn within their action for a mean over actions, and a single one is always itself. Where there is
        but one clip in all, neither can be drawn.
        """
        lonely = any(np.count_nonzero(part.count) < 2 for part in self.by_action().values())
        return "frames" if lonely and np.count_nonzero(self.count) > 1 else average

    def over_frames(self, *, draws: int = 1000, seed: int = 0) -> Estimate:
        """Mean over all defined frames; whole clips are drawn with replacement.

        Args:
            draws: how many sets of clips are drawn; 0 for no interval.
            seed: where the draws come from.

        Returns:
            The estimate, without an interval where fewer than two clips have a defined frame: one
            clip says nothing about others.
        """
        drawn = self._drawn(draws, np.random.default_rng(seed))
        return self._estimate(self._mean(), drawn)

    def over_actions(self, *, draws: int = 1000, seed: int = 0) -> Estimate:
        """Unweighted mean of the actions' means; clips are drawn within their action.

        Args:
            draws: how many sets of clips are drawn; 0 for no interval.
            seed: where the draws come from.

        Returns:
            The estimate. It is NaN where an action has no defined frame, and without an interval
            where an action has fewer than two clips with one.
        """
        rng = np.random.default_rng(seed)
        parts = list(self.by_action().values())
        if not parts:
            return self._estimate(float("nan"), None)
        drawn = [part._drawn(draws, rng) for part in parts]
        means = [d for d in drawn if d is not None]
        whole = np.mean(means, axis=0) if len(means) == len(drawn) else None
        return self._estimate(float(np.mean([part._mean() for part in parts])), whole)

    def by_action(self) -> dict[int, ClipSums]:
        """The clips of each action that occurs, by its code, ascending."""
        parts = {}
        for code in np.unique(self.action):
            own = self.action == code
            parts[int(code)] = ClipSums(self.total[own], self.count[own], self.action[own])
        return parts

    def _mean(self) -> float:
        count = self.count.sum()
        return float(self.total.sum() / count) if count else float("nan")

    def _drawn(self, draws: int, rng: np.random.Generator) -> Array | None:
        """Means of ``draws`` sets of clips; None where there is nothing to draw from."""
        useful = self.count > 0
        total, count = self.total[useful], self.count[useful]
        if len(total) < 2 or draws < 1:
            return None
        means = []
        for start in range(0, draws, step := max(1, _AT_ONCE // len(total))):
            picked = rng.integers(len(total), size=(min(step, draws - start), len(total)))
            means.append(total[picked].sum(axis=1) / count[picked].sum(axis=1))
        return np.concatenate(means)

    def _estimate(self, value: float, drawn: Array | None) -> Estimate:
        return Estimate.drawn(value, int(self.count.sum()), drawn)


def paired(first: Array, second: Array, clip: Codes, action: Codes | None = None) -> ClipSums:
    """Sums of ``first - second``, two methods on the same frames, ready for either mean.

    Frames that are not defined for both are left out. The interval of a difference is narrower
    than those of its sides let expect, since a hard clip is hard for both.

    Args:
        first: (N,) a figure of each frame.
        second: (N,) the other method's.
        clip: (N,) code of each frame's clip, as for ``ClipSums.of``.
        action: (N,) code of each frame's action.

    Raises:
        ValueError: the lengths differ.
    """
    if len(first) != len(second):
        raise ValueError(f"wanted figures of the same frames, found {len(first)} and {len(second)}")
    with np.errstate(invalid="ignore"):  # inf - inf is left out like any undefined frame
        return ClipSums.of(first - second, clip, action)


def drawn_together(
    methods: Sequence[ClipSums], *, over_actions: bool, draws: int = 1000, seed: int = 0
) -> Array | None:
    """Means of M methods, each draw of clips the same for all, so that differences are paired.

    Args:
        methods: of the same clips in the same order.
        over_actions: whether the mean is that of the actions' means, clips drawn within them, or one over all frames.
        draws: how many sets of clips are drawn.
        seed: where the draws come from.

    Returns:
        (``draws``, M) means; None where an action, or the whole, has fewer than two clips.

    Raises:
        ValueError: the clips are not the same.
    """
    action = methods[0].action
    if any(not np.array_equal(action, m.action) for m in methods):
        raise ValueError("wanted sums over the same clips of each method, found others")
    total, count = (np.stack([getattr(m, key) for m in methods], axis=1) for key in ("total", "count"))
    rng = np.random.default_rng(seed)
    means = []
    for code in np.unique(action) if over_actions else [None]:
        own = np.flatnonzero((count > 0).any(axis=1) & ((action == code) if over_actions else True))
        if len(own) < 2:
            return None
        times = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), size=draws).astype(np.float64)
        with np.errstate(invalid="ignore"):  # nothing that is defined was drawn
            means.append((times @ total[own]) / (times @ count[own]))
    together: Array = np.mean(means, axis=0)
    return together
