"""Clustered bootstrap against hand computation, a plain loop and the normal approximation."""

from __future__ import annotations

import math
import random
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray

from benchsuite import statistics
from benchsuite.statistics import DETECTABLE, ClipSums, Estimate, drawn_together, paired

Array = NDArray[np.float64]


def takes(clips: int, frames: int, between: float, within: float, seed: int = 0) -> tuple[Array, NDArray[np.int64]]:
    """Values of ``clips`` x ``frames`` frames, and each frame's clip."""
    rng = np.random.default_rng(seed)
    level = 50.0 + rng.normal(0.0, between, (clips, 1))
    return (level + rng.normal(0.0, within, (clips, frames))).ravel(), np.repeat(np.arange(clips), frames)


def width(low: float | None, high: float | None) -> float:
    assert low is not None
    assert high is not None
    return high - low


def test_sums_are_the_same_to_the_last_bit_however_many_frames_are_added_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values, clip = takes(5, 40, 10.0, 10.0)
    values[[3, 50]] = math.nan, math.inf
    weight = np.arange(200) % 3
    whole = ClipSums.of(values, clip, clip % 2, weight)
    cell = clip * 2 + clip % 2
    defined = np.isfinite(values)
    at_once = np.bincount(cell[defined], weights=(values * weight)[defined])
    assert whole.total.tolist() == at_once[np.unique(cell)].tolist()
    monkeypatch.setattr(statistics, "_ROWS", 7)
    parts = ClipSums.of(values, clip, clip % 2, weight)
    assert parts.total.tolist() == whole.total.tolist()
    assert parts.count.tolist() == whole.count.tolist()
    assert parts.action.tolist() == whole.action.tolist()


def test_two_actions_averaged_both_ways() -> None:
    sums = ClipSums.of(np.array([10.0, 20, 20, 20]), np.array([0, 1, 2, 2]), np.array([0, 1, 1, 1]))
    assert sums.over_actions().value == pytest.approx(15.0)
    assert sums.over_frames().value == pytest.approx(17.5)
    assert sums.over_frames().n == sums.over_actions().n == 4


def test_scenes_weighted_by_their_frames() -> None:
    frames = (1143, 1058, 728)
    sums = ClipSums.of(
        np.repeat([71.1, 64.7, 72.7], frames), np.repeat([0, 1, 2], frames), np.repeat([0, 1, 2], frames)
    )
    assert sums.over_frames().value == pytest.approx(69.186, abs=5e-4)
    assert sums.over_actions().value == pytest.approx(69.5)


def test_interval_of_two_clips_by_hand() -> None:
    # Of the four equally likely draws two give both clips: (10 * 1 + 20 * 3) / 4; the others one twice.
    sums = ClipSums.of(np.array([10.0, 20, 20, 20]), np.array([0, 1, 1, 1]))
    found = sums.over_frames(draws=4000)
    assert (found.value, found.low, found.high) == (17.5, 10.0, 20.0)
    drawn = sums._drawn(4000, np.random.default_rng(0))
    assert drawn is not None
    assert np.unique(drawn).tolist() == [10.0, 17.5, 20.0]
    assert np.mean(drawn == 17.5) == pytest.approx(0.5, abs=0.04)


def test_equals_a_plain_loop() -> None:
    values, clip = takes(12, 7, 8.0, 3.0)
    clip[-4:] = 0  # clips of unequal length
    action = clip % 3
    random.seed(1)
    by_clip = {c: [v for v, k in zip(values.tolist(), clip.tolist(), strict=True) if k == c] for c in range(12)}
    over_frames, over_actions = [], []
    for _ in range(4000):
        picked = [v for _ in range(12) for v in by_clip[random.randrange(12)]]
        over_frames.append(sum(picked) / len(picked))
        means = []
        for a in range(3):
            own = [v for _ in range(4) for v in by_clip[random.choice([c for c in range(12) if c % 3 == a])]]
            means.append(sum(own) / len(own))
        over_actions.append(sum(means) / 3)
    sums = ClipSums.of(values, clip, action)
    for found, drawn in (
        (sums.over_frames(draws=20000), over_frames),
        (sums.over_actions(draws=20000), over_actions),
    ):
        drawn.sort()
        spread = drawn[3899] - drawn[99]
        assert found.low == pytest.approx(drawn[99], abs=0.06 * spread)
        assert found.high == pytest.approx(drawn[3899], abs=0.06 * spread)


def test_width_is_that_of_the_clip_means() -> None:
    values, clip = takes(400, 10, 8.0, 3.0)
    means = values.reshape(400, 10).mean(axis=1)
    found = ClipSums.of(values, clip).over_frames(draws=4000)
    assert width(found.low, found.high) == pytest.approx(2 * 1.96 * means.std() / math.sqrt(400), rel=0.06)


def test_it_is_clips_that_are_drawn() -> None:
    """Repeating every frame a hundred times teaches nothing new, so the interval must stay."""
    values, clip = takes(30, 5, 8.0, 3.0)
    once = ClipSums.of(values, clip).over_frames()
    often = ClipSums.of(np.repeat(values, 100), np.repeat(clip, 100)).over_frames()
    assert often.low == pytest.approx(once.low)
    assert often.high == pytest.approx(once.high)
    as_if_independent = ClipSums.of(values, np.arange(len(values))).over_frames()
    assert width(as_if_independent.low, as_if_independent.high) < 0.7 * width(once.low, once.high)


def test_clips_are_drawn_within_their_action() -> None:
    """Actions far apart, each without spread: however clips are drawn within them, the mean stays."""
    values = np.repeat([10.0, 100.0], 50)
    clip, action = np.arange(100), np.repeat([0, 1], 50)
    sums = ClipSums.of(values, clip, action)
    stratified = sums.over_actions()
    assert (stratified.value, stratified.low, stratified.high) == (55.0, 55.0, 55.0)
    pooled = sums.over_frames()
    assert width(pooled.low, pooled.high) > 10


def test_one_clip_has_no_interval() -> None:
    values = np.arange(10.0)
    alone = ClipSums.of(values, np.zeros(10, dtype=np.int64))
    for found in (alone.over_frames(), alone.over_actions()):
        assert (found.value, found.low, found.high, found.n) == (4.5, None, None, 10)
    lonely = ClipSums.of(values, np.array([0, 0, 1, 1, 2, 2, 2, 2, 2, 2]), np.array([0] * 4 + [1] * 6))
    assert lonely.over_actions().low is None
    assert lonely.over_frames().low is not None


def test_no_draws_no_interval() -> None:
    values, clip = takes(5, 4, 8.0, 3.0)
    assert ClipSums.of(values, clip).over_frames(draws=0).low is None


def test_undefined_frames_are_left_out() -> None:
    values = np.array([10.0, np.nan, 20.0, np.inf, 30.0])
    sums = ClipSums.of(values, np.array([0, 0, 1, 2, 3]))
    found = sums.over_frames()
    assert (found.value, found.n) == (20.0, 3)
    assert found.low is not None
    assert math.isfinite(found.low)


def test_an_action_without_a_defined_frame_leaves_the_mean_over_actions_undefined() -> None:
    sums = ClipSums.of(np.array([10.0, 20.0, np.nan]), np.array([0, 1, 2]), np.array([0, 0, 1]))
    assert math.isnan(sums.over_actions().value)
    assert sums.over_actions().low is None
    assert sums.over_frames().value == 15.0


def test_no_frames_at_all() -> None:
    none = ClipSums.of(np.empty(0), np.empty(0, dtype=np.int64))
    for found in (none.over_frames(), none.over_actions()):
        assert math.isnan(found.value)
        assert (found.low, found.high, found.n) == (None, None, 0)


def test_a_seed_fixes_the_interval() -> None:
    values, clip = takes(20, 6, 8.0, 3.0)
    sums = ClipSums.of(values, clip, clip % 4)
    assert sums.over_actions(seed=3) == sums.over_actions(seed=3)
    assert sums.over_actions(seed=3) != sums.over_actions(seed=4)
    shuffled = np.random.default_rng(0).permutation(len(values))
    again = ClipSums.of(values[shuffled], clip[shuffled], clip[shuffled] % 4).over_actions(seed=3)
    assert again.low == pytest.approx(sums.over_actions(seed=3).low)


def test_draws_come_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    values, clip = takes(20, 6, 8.0, 3.0)
    whole = ClipSums.of(values, clip).over_frames(draws=4000)
    monkeypatch.setattr("benchsuite.statistics._AT_ONCE", 64)
    drawn = ClipSums.of(values, clip)._drawn(1001, np.random.default_rng(0))
    assert drawn is not None
    assert len(drawn) == 1001
    pieces = ClipSums.of(values, clip).over_frames(draws=4000)
    assert width(pieces.low, pieces.high) == pytest.approx(width(whole.low, whole.high), rel=0.1)


def test_paired_difference_is_sharper_than_its_sides() -> None:
    values, clip = takes(40, 10, 20.0, 3.0)
    better = values - 2.0 + np.random.default_rng(5).normal(0.0, 1.0, len(values))
    found = paired(values, better, clip, clip % 4).over_actions()
    assert found.value == pytest.approx(2.0, abs=0.3)
    assert found.low is not None
    assert found.low > 1.5
    alone = ClipSums.of(values, clip, clip % 4).over_actions()
    assert width(found.low, found.high) < 0.1 * width(alone.low, alone.high)


def test_paired_takes_frames_defined_for_both() -> None:
    first, second = np.array([5.0, np.nan, 7.0, np.inf]), np.array([1.0, 1.0, np.nan, np.inf])
    found = paired(first, second, np.arange(4)).over_frames()
    assert (found.value, found.n) == (4.0, 1)


def test_lengths_that_differ_are_refused() -> None:
    with pytest.raises(ValueError, match="found 3, 2 and 2"):
        ClipSums.of(np.zeros(3), np.zeros(2, dtype=np.int64))
    with pytest.raises(ValueError, match="found 3 and 2"):
        paired(np.zeros(3), np.zeros(2), np.zeros(3, dtype=np.int64))


def test_methods_drawn_together_share_their_clips() -> None:
    values, clip = takes(12, 5, 20.0, 3.0)
    one, other = ClipSums.of(values, clip, clip % 3), ClipSums.of(values + 2.0, clip, clip % 3)
    for over_actions in (True, False):
        drawn = drawn_together([one, other], over_actions=over_actions)
        assert drawn is not None
        assert drawn.shape == (1000, 2)
        assert (drawn[:, 1] - drawn[:, 0]).tolist() == pytest.approx([2.0] * 1000)
        alone = (one.over_actions if over_actions else one.over_frames)(draws=4000)
        assert alone.error is not None
        assert drawn[:, 0].std() == pytest.approx(alone.error, rel=0.1)
        assert drawn[:, 0].mean() == pytest.approx(alone.value, abs=0.2 * alone.error)


def test_methods_drawn_together_need_two_clips_and_the_same_ones() -> None:
    lonely = ClipSums.of(np.arange(3.0), np.arange(3), np.array([0, 0, 1]))
    assert drawn_together([lonely], over_actions=True) is None
    assert drawn_together([lonely], over_actions=False) is not None
    other = ClipSums.of(np.arange(3.0), np.arange(3), np.array([0, 1, 1]))
    with pytest.raises(ValueError, match="wanted sums over the same clips"):
        drawn_together([lonely, other], over_actions=True)


def test_a_true_difference_as_large_as_the_detectable_one_shows_four_times_in_five() -> None:
    rng = np.random.default_rng(0)
    clip, spread, shows = np.arange(60), 3.0, []
    truth = 2.8016 * spread / math.sqrt(60)
    for _ in range(400):
        found = ClipSums.of(truth + rng.normal(0.0, spread, 60), clip).over_frames(draws=300)
        assert found.detectable == pytest.approx(truth, rel=0.5)
        shows.append(found.leaves_out_zero)
    assert np.mean(shows) == pytest.approx(0.8, abs=0.06)


def test_errors_by_hand_and_what_can_be_told() -> None:
    assert Estimate.drawn(2.0, 2, np.array([1.0, 3.0])).error == pytest.approx(2**0.5)
    assert Estimate.drawn(2.0, 2, np.empty(0)) == Estimate(2.0, None, None, 2)
    normal = NormalDist()
    assert pytest.approx(normal.inv_cdf(0.975) + normal.inv_cdf(0.8), abs=1e-4) == DETECTABLE


def test_a_clip_that_one_method_alone_has_is_drawn_too() -> None:
    one, none = np.zeros(4, int), 0.0
    first = ClipSums(np.array([none, 2, 3, 4]), np.array([none, 1, 1, 1]), one)
    second = ClipSums(np.array([1, none, 3, 4]), np.array([1, none, 1, 1]), one)
    drawn = drawn_together([first, second], over_actions=False)
    assert drawn is not None
    assert np.nanmin(drawn, axis=0).tolist() == [2.0, 1.0]
