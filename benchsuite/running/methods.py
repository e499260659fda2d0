"""Methods as a command line spells them: a source, and perhaps a refiner after a plus sign."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from benchsuite_registry.contracts import Entry, Evaluator, Measurements, Metric, Refiner, Scalar
from benchsuite_registry.poses import Frame, Labels, PoseBatch, Target
from benchsuite_registry.registries import Component, Origin, Registries, Registry, split_component
from benchsuite_registry.skeletons import Skeleton

from benchsuite.datasets.dataset import Dataset
from benchsuite.running.pipeline import Branch, Settings, run_pass


class NoPredictions(RuntimeError):
    """A method failed on a dataset; says which, and what it raised."""


@dataclass(frozen=True)
class Method:
    """A source and what refines its poses.

    Attributes:
        source: lifter or image model.
        refiner: None for the bare source.
    """

    source: Component[Any]
    refiner: Component[Refiner] | None = None

    def __str__(self) -> str:
        return f"{self.source}+{self.refiner}" if self.refiner else str(self.source)


def parse_method(text: str, known: Registries) -> Method:
    """The method that ``SOURCE[:key=value,...][+REFINER[:key=value,...]]`` stands for.

    A plus sign within a parameter's value is taken for one if what follows is no refiner's name.

    Raises:
        UnknownName: no such source or refiner.
        WrongParameter: no such parameter, or a value of the wrong type.
    """
    source, plus, refiner = text.rpartition("+")
    if not plus or (split_component(refiner)[0] not in known.refiners and ":" in source):
        source, refiner = text, ""
    name = source.partition(":")[0]
    registry: Registry[Any] = known.image_models if name in known.image_models else known.lifters
    return Method(registry.parse(source), known.refiners.parse(refiner) if refiner else None)


def predictions(
    methods: Sequence[Method],
    dataset: Dataset,
    settings: Settings,
    advance: Callable[[int], object] = lambda samples: None,
) -> tuple[PoseBatch, ...]:
    """What each method predicts for all of ``dataset``, as evaluators are handed it; a source predicts once.

    Args:
        methods: not necessarily different.
        dataset: what to predict.
        settings: seed, batch size, device.
        advance: told how many samples are done, each time some are; each source goes through all of them.

    Raises:
        NoPredictions: a method failed.
    """
    keepers = {str(method): _Keeper() for method in methods}
    different = {str(method): method for method in methods}
    for source in {str(m.source): m.source for m in methods}.values():
        own = {name: method for name, method in different.items() if str(method.source) == str(source)}
        branches = [Branch(m.refiner, _component(keepers[name], k)) for k, (name, m) in enumerate(own.items())]
        for name, outcome in zip(own, run_pass(source, branches, dataset, settings, advance), strict=True):
            if why := outcome.failure:
                raise NoPredictions(f"{name} on {dataset.about.name}: {why.type}: {why.message}")
    return tuple(keepers[str(method)].poses() for method in methods)


class _Keeper:
    """Stands where an evaluator would, and keeps what is handed to it."""

    def __init__(self) -> None:
        self._read: tuple[Skeleton, Frame] | None = None
        self._columns: Measurements = {}

    def measure(self, poses: PoseBatch, target: Target) -> Measurements:
        self._read = (poses.skeleton, poses.frame)
        columns = {"xyz": poses.xyz, "ids": poses.ids, "right_uv": poses.right_uv, "uv": poses.uv}
        return {name: column.numpy() for name, column in columns.items() if column is not None}

    def summarise(self, measurements: Measurements, labels: Labels) -> tuple[Metric, ...]:
        self._columns = measurements
        return (Metric("kept", len(labels), "poses", "higher", n=len(labels)),)

    def protocol(self) -> dict[str, Scalar]:
        return {}

    def poses(self) -> PoseBatch:
        """All of them, in the dataset's order."""
        assert self._read is not None, "a pass over a dataset with samples hands over some"
        columns = {name: torch.from_numpy(np.asarray(column)) for name, column in self._columns.items()}
        return PoseBatch(frame=self._read[1], skeleton=self._read[0], **columns)


def _component(keeper: _Keeper, number: int) -> Component[Evaluator]:
    registry: Registry[Evaluator] = Registry("evaluator")
    name = f"poses-{number}"  # components of one name would be taken for the same
    registry.register(Entry(name, lambda: keeper, "keeps poses"), Origin("benchsuite", ""))
    return registry.component(name)
