"""Curves of a method's headline over how much worse its input gets, and the area under them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from benchsuite_registry.contracts import Evaluator, Scalar
from benchsuite_registry.registries import Component

from benchsuite.datasets.dataset import Dataset, WrongDataset
from benchsuite.robustness.disturbances import Disturbance
from benchsuite.running.cells import protocol_on
from benchsuite.running.methods import Method
from benchsuite.running.pipeline import Branch, Settings, run_pass

SCHEMA = 1


@dataclass(frozen=True)
class Point:
    """A method at one level of a disturbance.

    Attributes:
        level: of the disturbance.
        value: the headline; NaN if the method failed.
        low: lower end of its 95 % interval, if one was made.
        high: upper end of it.
        error: what went wrong; empty if nothing did.
    """

    level: float
    value: float
    low: float | None = None
    high: float | None = None
    error: str = ""


@dataclass(frozen=True)
class Curve:
    """A method under one disturbance.

    Attributes:
        method: as a command line spells it.
        disturbance: its name.
        points: level by level.
        clean: the headline of the undisturbed level.
        area: mean height of the curve between its lowest and highest level, in the headline's unit; NaN if a point is.
    """

    method: str
    disturbance: str
    points: tuple[Point, ...]
    clean: float
    area: float


@dataclass(frozen=True)
class Robustness:
    """All curves of some methods on a dataset.

    Attributes:
        dataset: its name.
        fingerprint: its columns' hash, undisturbed.
        samples: how many.
        evaluator: who scored, as a command line spells it.
        protocol: what the numbers have in common.
        figure: the headline.
        unit: of it.
        better: which way is better.
        seed: of all that was drawn.
        curves: disturbance by disturbance, method by method.
        left_out: disturbances that the dataset does not bear, and why.
        schema: version of this layout.
    """

    dataset: str
    fingerprint: str
    samples: int
    evaluator: str
    protocol: Mapping[str, Scalar]
    figure: str
    unit: str
    better: Literal["lower", "higher"]
    seed: int
    curves: tuple[Curve, ...]
    left_out: Mapping[str, str]
    schema: int = SCHEMA


def measure_robustness(
    methods: Sequence[Method],
    evaluator: Component[Evaluator],
    dataset: Dataset,
    disturbances: Sequence[Disturbance],
    settings: Settings,
    advance: Callable[[int], object] = lambda samples: None,
) -> Robustness:
    """Every method under every disturbance at each of its levels.

    Args:
        methods: each different.
        evaluator: who scores.
        dataset: undisturbed.
        disturbances: to go through.
        settings: seed, batch size, device.
        advance: told how many samples are done, each time some are.
    """
    curves: list[Curve] = []
    left_out = {}
    told: tuple[str, str, Literal["lower", "higher"]] = ("", "", "lower")
    for disturbance in disturbances:
        found: dict[str, list[Point]] = {str(method): [] for method in methods}
        try:
            for level in disturbance.levels:
                worse = disturbance.apply(dataset, level, settings.seed)
                for method, point, headline in _points(methods, evaluator, worse, level, settings, advance):
                    found[method].append(point)
                    told = headline or told
        except WrongDataset as error:
            left_out[disturbance.name] = str(error)
            continue
        curves += [_curve(method, disturbance, points) for method, points in found.items()]
    return Robustness(
        dataset.about.name,
        dataset.fingerprint,
        len(dataset),
        str(evaluator),
        protocol_on(evaluator, dataset),
        *told,
        settings.seed,
        tuple(curves),
        left_out,
    )


def _points(
    methods: Sequence[Method],
    evaluator: Component[Evaluator],
    dataset: Dataset,
    level: float,
    settings: Settings,
    advance: Callable[[int], object],
) -> Iterator[tuple[str, Point, tuple[str, str, Literal["lower", "higher"]] | None]]:
    for source in {str(m.source): m.source for m in methods}.values():
        own = [method for method in methods if str(method.source) == str(source)]
        outcomes = run_pass(source, [Branch(m.refiner, evaluator) for m in own], dataset, settings, advance)
        for method, outcome in zip(own, outcomes, strict=True):
            if outcome.failure:
                point = Point(level, float("nan"), error=f"{outcome.failure.type}: {outcome.failure.message}")
                yield str(method), point, None
            else:
                first = outcome.metrics[0]
                told = (first.name, first.unit, first.better)
                yield str(method), Point(level, first.value, first.low, first.high), told


def _curve(method: str, disturbance: Disturbance, points: Sequence[Point]) -> Curve:
    clean = next(point.value for point in points if point.level == disturbance.clean)
    return Curve(method, disturbance.name, tuple(points), clean, area(disturbance, [point.value for point in points]))


def area(disturbance: Disturbance, values: Sequence[float]) -> float:
    """Mean height of the straight lines through ``values``, one a level; over logarithms where levels are factors."""
    levels = np.array(disturbance.levels)
    levels = np.log(levels) if disturbance.logarithmic else levels
    return float(np.trapezoid(values, levels) / (levels[-1] - levels[0]))
