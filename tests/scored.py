"""Truth and predictions put together by hand, and what an evaluator says of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from benchsuite_evaluators import benchsuite_evaluators
from benchsuite_registry.contracts import Evaluator, Metric
from benchsuite_registry.poses import Category, Frame, Labels, PoseBatch, Target
from benchsuite_registry.registries import Origin, Registries
from benchsuite_registry.skeletons import Skeleton
from toys import toy_registries


def category(values: Sequence[str]) -> Category:
    names = tuple(dict.fromkeys(values))
    return Category(torch.tensor([names.index(v) for v in values], dtype=torch.int64), names)


def labels(count: int, **told: Sequence[str]) -> Labels:
    """Labels of ``count`` samples; what is not told is the same for all, and each sample is a clip."""
    made = {name: category(told.get(name, [name] * count)) for name in ("action", "subject")}
    made["clip"] = category(told.get("clip", [f"clip {k}" for k in range(count)]))
    return Labels(**made, **{name: category(told[name]) for name in ("split", "take", "camera") if name in told})


def poses(xyz: np.ndarray, skeleton: Skeleton, frame: Frame = Frame.CAMERA) -> PoseBatch:
    return PoseBatch(torch.from_numpy(np.asarray(xyz, dtype=np.float32)), frame, skeleton, torch.arange(len(xyz)))


def score(evaluator: Evaluator, predicted: PoseBatch, target: Target) -> tuple[Metric, ...]:
    return evaluator.summarise(evaluator.measure(predicted, target), target.labels)


def find(metrics: Sequence[Metric], name: str, group: str = "") -> Metric:
    (found,) = (m for m in metrics if (m.name, m.group) == (name, group))
    return found


def value(metrics: Sequence[Metric], name: str, group: str = "") -> float:
    return find(metrics, name, group).value


def with_evaluators() -> Registries:
    """The toys, and the evaluators that ship with the suite."""
    known = toy_registries()
    for entry in benchsuite_evaluators():
        known.evaluators.register(entry, Origin("benchsuite", "0"))
    return known
