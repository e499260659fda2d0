"""Checks of evaluators: the truth is best, noise never helps, and a score says under which rules it was made."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import torch
from benchsuite_registry.contracts import Metric
from benchsuite_registry.poses import KeypointBatch, PoseBatch, Target

from benchsuite.documents import plain
from benchsuite.testing import people
from benchsuite.testing.findings import EVALUATOR, check
from benchsuite.testing.subject import NotConforming, Subject, picked, seeded

NOISE_MM = (0.0, 10.0, 40.0, 160.0)

_ROUNDING = 0.01
_ELSEWHERE_MM = (100.0, -50.0, 300.0)


@check(EVALUATOR)
def the_truth_scores_the_ideal(subject: Subject) -> None:
    """True poses score 0 where less is better, and 100 % where more is and the unit is %."""
    headline = _headline(subject, subject.predictions(*_truth()))
    ideal = {"lower": 0.0, "higher": 100.0 if headline.unit == "%" else headline.value}[headline.better]
    if not abs(headline.value - ideal) <= _ROUNDING:
        raise NotConforming(f"wanted {headline.name} of {ideal:g} {headline.unit}, found {headline.value:.4g}")


@check(EVALUATOR)
def noise_never_scores_better(subject: Subject) -> None:
    """The more noise is added to the truth, the worse the score, or as good; with 160 mm it is worse."""
    scores = [_headline(subject, subject.predictions(*_truth(), off_mm)) for off_mm in NOISE_MM]
    sign = 1.0 if scores[0].better == "lower" else -1.0
    for (less, one), (more, two) in pairwise(zip(NOISE_MM, scores, strict=True)):
        if not sign * (two.value - one.value) >= -_ROUNDING:
            raise NotConforming(f"{more:g} mm of noise scores {two.value:.4g}, {less:g} mm {one.value:.4g}")
    if not sign * (scores[-1].value - scores[0].value) > _ROUNDING:
        raise NotConforming(f"{NOISE_MM[-1]:g} mm of noise scores as the truth does, {scores[-1].value:.4g}")


@check(EVALUATOR)
def moving_a_pose_does_not_matter(subject: Subject) -> None:
    """Poses moved as a whole score the same: they are compared root by root."""
    given = subject.predictions(*_truth(), 30.0)
    moved = replace(given, xyz=given.xyz + torch.tensor(_ELSEWHERE_MM))
    _demand_equal(_headline(subject, given), _headline(subject, moved), "moved")


@check(EVALUATOR)
def turning_a_pose_matters(subject: Subject) -> None:
    """True poses turned by a quarter do not score as the truth does: no rotation is taken away."""
    truth, keypoints = _truth()
    root = truth.xyz[:, truth.skeleton.root_index, None]
    x, y, z = (truth.xyz - root).unbind(-1)
    turned = subject.predictions(replace(truth, xyz=root + torch.stack((z, y, -x), dim=-1)), keypoints)
    true, found = _headline(subject, subject.predictions(truth, keypoints)), _headline(subject, turned)
    if abs(true.value - found.value) <= _ROUNDING:
        raise NotConforming(f"poses turned by a quarter score {found.value:.4g} {found.unit}, as the truth does")


@check(EVALUATOR)
def order_of_samples_does_not_matter(subject: Subject) -> None:
    """The dataset read from its end, clip by clip where clips are wanted, gives the same metrics."""
    given = subject.whole
    clips = torch.arange(len(given[0])).view(people.CLIPS, people.FRAMES).flip(0)
    order = clips.flatten() if subject.entry.unit == "clip" else clips.flip(1).flatten()
    forwards = subject.scored(subject.made, *given)
    backwards = {(m.name, m.group): m for m in subject.scored(subject.made, *picked(given, order))}
    for metric in forwards:
        if (other := backwards.get((metric.name, metric.group))) is None:
            raise NotConforming(f"{metric.name} {metric.group}: not there when the samples come in another order")
        _demand_equal(metric, other, "in another order")


@check(EVALUATOR)
def summarises_the_same_again(subject: Subject) -> None:
    """The same figures give the same metrics, to the last digit, whatever the seed; they are not changed."""
    predictions, target = subject.whole
    figures = subject.measured(subject.made, predictions, target)
    kept, again = ({name: np.array(column) for name, column in figures.items()} for _ in range(2))
    seeded(1)
    first = tuple(subject.made.summarise(figures, target.labels))
    seeded(2)
    if plain(first) != plain(tuple(subject.made.summarise(again, target.labels))):
        raise NotConforming("the same figures give other metrics with another seed")
    for name, column in figures.items():
        if not np.array_equal(kept[name], column, equal_nan=column.dtype.kind == "f"):
            raise NotConforming(f"{name}: the summary writes into the figures of samples")


@check(EVALUATOR)
def metrics_are_complete(subject: Subject) -> None:
    """The first metric is the headline, finite and of the whole set; no two share name and group; intervals fit."""
    metrics = subject.scored(subject.made, *subject.whole)
    if not metrics or metrics[0].group or not math.isfinite(metrics[0].value):
        raise NotConforming(f"wanted a finite headline of the whole set first, found {metrics[:1]}")
    seen: set[tuple[str, str]] = set()
    for metric in metrics:
        if (key := (metric.name, metric.group)) in seen:
            raise NotConforming(f"two metrics are called {' '.join(key)}")
        seen.add(key)
        if metric.better not in ("lower", "higher") or not metric.unit or metric.n < 0:
            raise NotConforming(f"{metric.name}: wanted a unit, n and which way is better, found {metric}")
        low, high = metric.low, metric.high
        if low is not None and high is not None and not low - _ROUNDING <= metric.value <= high + _ROUNDING:
            raise NotConforming(f"{metric.name}: {metric.value} lies outside its interval, {low} to {high}")
    plain(metrics)


@check(EVALUATOR)
def protocol_says_the_rules(subject: Subject) -> None:
    """``protocol()`` gives names and plain values, always the same of the same parameters, used or not."""
    first = dict(subject.build().protocol())
    if not first:
        raise NotConforming("wanted what two numbers must have in common, found nothing")
    for name, value in first.items():
        if not isinstance(name, str) or not isinstance(value, bool | int | float | str):
            raise NotConforming(f"{name}: wanted a bool, int, float or str, found {value!r}")
    json.dumps(first, allow_nan=False)
    subject.act(made := subject.build(), subject.given)
    if dict(made.protocol()) != first:
        raise NotConforming(f"the protocol changes with use: {first} became {dict(made.protocol())}")


def _truth() -> tuple[PoseBatch, KeypointBatch]:
    every = slice(0, len(people.people()))
    return people.people().poses(every), people.people().keypoints(every)


def _headline(subject: Subject, predictions: PoseBatch) -> Metric:
    target: Target = people.people().target(slice(0, len(people.people())))
    return subject.scored(subject.made, predictions, target)[0]


def _demand_equal(wanted: Metric, found: Metric, when: str) -> None:
    one, two = wanted.value, found.value
    if not (one == two or math.isclose(one, two, rel_tol=1e-4, abs_tol=_ROUNDING) or (one != one and two != two)):
        raise NotConforming(f"{wanted.name} {wanted.group}: {one:.6g} becomes {two:.6g} {when}".replace(" :", ":"))
