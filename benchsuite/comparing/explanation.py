"""Why two protocols give one method two numbers: what each thing that they do differently contributes.

Protocols are taken apart into knobs. With n knobs that differ there are n! orders of turning them from one protocol's
setting to the other's, and what a knob contributes depends on those turned before it. Told is its mean over all orders
(Shapley's value): contributions add up to the difference, and no order is preferred.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from math import factorial, isfinite
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from benchsuite_registry.contracts import Evaluator, Metric, Scalar
from benchsuite_registry.poses import PoseBatch
from benchsuite_registry.registries import Component, Registry

from benchsuite.datasets.dataset import Dataset
from benchsuite.running.scoring import scored

FIGURE, STRIDE = "figure", "stride"
"""The knobs that every evaluator has: which of its metrics is read, and every how many frames of a clip it sees."""

MOST_KNOBS = 10


class CannotExplain(ValueError):
    """Two numbers cannot be taken apart; says why."""


@runtime_checkable
class Knobbed(Protocol):
    """An evaluator that says what it does in knobs, each of which can be turned on its own.

    Evaluators that do not are turned by their parameters.
    """

    def knobs(self) -> Mapping[str, Scalar]:
        """Every knob's setting; two evaluators with equal settings give equal numbers."""
        ...

    def turned(self, knobs: Mapping[str, Scalar]) -> Evaluator:
        """The evaluator with these settings, which need not be those of any protocol."""
        ...


@dataclass(frozen=True)
class Reading:
    """How a number is read: ``EVALUATOR[:key=value,...][@METRIC][/STRIDE]``.

    Attributes:
        evaluator: with its parameters.
        figure: name of the metric; empty for the headline.
        stride: every how many frames of each clip count.
    """

    evaluator: Component[Evaluator]
    figure: str = ""
    stride: int = 1


@dataclass(frozen=True)
class Contribution:
    """What one knob contributes.

    Attributes:
        knob: its name.
        first: its setting in the first reading.
        second: its setting in the second.
        value: mean contribution over all orders; these add up to the difference.
        alone: what turning it does to the first reading.
        last: what turning it does where all others are turned already.
    """

    knob: str
    first: Scalar
    second: Scalar
    value: float
    alone: float
    last: float


@dataclass(frozen=True)
class Explanation:
    """Two numbers of the same predictions and what lies between them.

    Attributes:
        first: the first reading's number.
        second: the second's.
        unit: of both.
        better: which way is better.
        contributions: one a knob that differs, the largest first; they add up to ``second - first``.
        alike: the settings that the two share.
        undefined: how many of the predicted poses are not finite.
    """

    first: float
    second: float
    unit: str
    better: Literal["lower", "higher"]
    contributions: tuple[Contribution, ...]
    alike: Mapping[str, Scalar]
    undefined: int


def spelt(setting: Scalar) -> str:
    """A knob's setting as it is printed: lengths to a hundredth of a mm."""
    return re.sub(r"\d+\.\d{3,}(?= mm)", lambda length: f"{float(length[0]):.2f}", str(setting))


def parse_reading(text: str, known: Registry[Evaluator]) -> Reading:
    """The reading that ``text`` spells; intervals are not drawn.

    Raises:
        CannotExplain: the stride is no number of frames.
        UnknownName: no such evaluator.
        WrongParameter: no such parameter, or a value of the wrong type.
    """
    spec, _, rest = text.partition("@")
    figure, slash, stride = (rest or spec).rpartition("/")
    if not slash or not (rest or stride.isdecimal()):  # no stride: the slash may be that of vendor/name
        figure, slash, stride = rest or spec, "", ""
    if slash and (not stride.isdecimal() or int(stride) < 1):
        raise CannotExplain(f"{text}: wanted a number of frames after the slash, found {stride!r}")
    component = known.parse(spec if rest else figure)
    if "bootstrap" in component.parameters:
        component = known.component(component.entry.name, {**component.parameters, "bootstrap": 0})
    return Reading(component, figure if rest else "", int(stride) if slash else 1)


def explain(first: Reading, second: Reading, poses: PoseBatch, dataset: Dataset) -> Explanation:
    """Take the difference of two readings of the same predictions apart.

    Args:
        first: where the explanation starts.
        second: where it ends.
        poses: of all samples of ``dataset``, in its order.
        dataset: of the truth.

    Raises:
        CannotExplain: the readings are not of one evaluator's knobs, are of different units, have too many knobs
            that differ, or come to no number.
        ValueError: the evaluator refuses the predictions, or a combination of settings.
    """
    turner = _Turner(poses, dataset)
    ends = [turner.settings(reading) for reading in (first, second)]
    made = first.evaluator.build()
    one = isinstance(made, Knobbed) or first.evaluator.entry.name == second.evaluator.entry.name
    if not one or ends[0].keys() != ends[1].keys():
        raise CannotExplain(
            f"{first.evaluator} and {second.evaluator} have no knobs in common: wanted two readings of one evaluator"
        )
    differ = [knob for knob in ends[0] if ends[0][knob] != ends[1][knob]]
    if len(differ) > MOST_KNOBS:
        raise CannotExplain(f"wanted at most {MOST_KNOBS} differences, found {len(differ)}: {', '.join(differ)}")

    def number(turned: frozenset[str]) -> Metric:
        settings = {knob: ends[knob in turned][knob] for knob in ends[0]}
        return turner.number(first.evaluator, made, settings)

    found = {
        turned: number(turned)
        for size in range(len(differ) + 1)
        for turned in map(frozenset, combinations(differ, size))
    }
    start, end = found[frozenset()], found[frozenset(differ)]
    if start.unit != end.unit:
        raise CannotExplain(f"{start.name} is in {start.unit}, {end.name} in {end.unit}: they have no difference")
    undefined = int((~poses.xyz.isfinite()).flatten(1).any(1).sum())
    for metric in found.values():
        if not isfinite(metric.value):
            raise CannotExplain(
                f"{metric.name} is {metric.value}: {undefined} of {len(dataset)} predicted poses are not finite"
            )
    values = {turned: metric.value for turned, metric in found.items()}
    contributions = [
        Contribution(
            knob,
            ends[0][knob],
            ends[1][knob],
            _shapley(values, knob, len(differ)),
            values[frozenset((knob,))] - start.value,
            end.value - values[frozenset(differ) - {knob}],
        )
        for knob in differ
    ]
    return Explanation(
        start.value,
        end.value,
        start.unit,
        start.better,
        tuple(sorted(contributions, key=lambda c: -abs(c.value))),
        {knob: value for knob, value in ends[0].items() if knob not in differ},
        undefined,
    )


def _shapley(values: Mapping[frozenset[str], float], knob: str, count: int) -> float:
    """Mean over all orders of ``count`` knobs of what turning ``knob`` adds to those turned before it."""
    return sum(
        factorial(len(before))
        * factorial(count - len(before) - 1)
        / factorial(count)
        * (values[before | {knob}] - value)
        for before, value in values.items()
        if knob not in before
    )


class _Turner:
    """Numbers of one set of predictions at any settings."""

    def __init__(self, poses: PoseBatch, dataset: Dataset) -> None:
        self._poses = poses
        self._dataset = dataset
        self._scored: dict[Any, tuple[Metric, ...]] = {}

    def settings(self, reading: Reading) -> dict[str, Scalar]:
        """Every knob's setting in a reading."""
        made, component = reading.evaluator.build(), reading.evaluator
        own = made.knobs() if isinstance(made, Knobbed) else component.parameters
        headline = reading.figure or self._metrics(component, made, own, reading.stride)[0].name
        return {**own, FIGURE: headline, STRIDE: reading.stride}

    def number(self, component: Component[Evaluator], made: Evaluator, settings: Mapping[str, Scalar]) -> Metric:
        """The metric of the whole set that is read at these settings."""
        own = {knob: value for knob, value in settings.items() if knob not in (FIGURE, STRIDE)}
        metrics = [m for m in self._metrics(component, made, own, int(settings[STRIDE])) if not m.group]
        for metric in metrics:
            if metric.name == settings[FIGURE]:
                return metric
        names = ", ".join(m.name for m in metrics)
        raise CannotExplain(f"{component} has no metric {settings[FIGURE]!r}; it has {names}")

    def _metrics(
        self, component: Component[Evaluator], made: Evaluator, own: Mapping[str, Scalar], stride: int
    ) -> tuple[Metric, ...]:
        key = (component.entry.name, tuple(sorted(own.items())), stride)
        if key not in self._scored:
            turned = made.turned(own) if isinstance(made, Knobbed) else _rebuilt(component, own)
            self._scored[key] = scored(turned, *thinned(self._poses, self._dataset, stride))[0]
        return self._scored[key]


def _rebuilt(component: Component[Evaluator], parameters: Mapping[str, Scalar]) -> Evaluator:
    return component.registry.component(component.entry.name, parameters).build()


def thinned(poses: PoseBatch, dataset: Dataset, stride: int) -> tuple[PoseBatch, Dataset]:
    """Every ``stride``-th frame of each clip, from its first on."""
    if stride == 1:
        return poses, dataset
    clip = np.asarray(dataset.columns["clip"])
    place = np.arange(len(clip)) - np.searchsorted(clip, clip)
    rows = np.flatnonzero(place % stride == 0)
    columns = {name: column[rows] for name, column in dataset.columns.items()}
    some = replace(poses.rows(torch.from_numpy(rows)), ids=torch.arange(len(rows)))
    return some, replace(dataset, columns=columns, fingerprint=f"{dataset.fingerprint}/every {stride}")
