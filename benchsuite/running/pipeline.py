"""One pass over a dataset: a source predicts once, refiners and evaluators share what it predicted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from benchsuite_registry.contracts import Evaluator, Measurements, Metric, Refiner, Scalar
from benchsuite_registry.poses import PoseBatch, Target
from benchsuite_registry.registries import Component

from benchsuite.datasets.dataset import Dataset
from benchsuite.datasets.long_columns import Gathered, labels_of
from benchsuite.documents import plain
from benchsuite.records.clip_figures import headline_of, kept
from benchsuite.records.results import ClipFigures, Failure
from benchsuite.records.worst import Worst
from benchsuite.running.candidates import Candidates
from benchsuite.running.handed import left_alone
from benchsuite.running.predicting import check_type, predict, read_ahead, refined
from benchsuite.running.stages import BrokenContract, Stage, name_of


class UndefinedHeadline(ValueError):
    """A cell's headline metric is not a number; says how many predictions are not finite."""


@dataclass(frozen=True)
class Settings:
    """How a pass is computed.

    Attributes:
        seed: of every component's randomness.
        batch: samples a call, where clips may be cut.
        device: where sources and refiners compute.
    """

    seed: int = 0
    batch: int = 1024
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @classmethod
    def of(cls, seed: int, batch: int | None, device: torch.device) -> Settings:
        """With a batch that suits the device, if none is given: a GPU is idle between small ones."""
        return cls(seed, batch or (16_384 if device.type == "cuda" else cls.batch), device)


@dataclass(frozen=True)
class Branch:
    """What becomes of a source's predictions: refined or not, then scored."""

    refiner: Component[Refiner] | None
    evaluator: Component[Evaluator]

    @property
    def components(self) -> tuple[Component[Any], ...]:
        """The refiner, if there is one, and the evaluator."""
        return (self.refiner, self.evaluator) if self.refiner else (self.evaluator,)


@dataclass(frozen=True)
class Outcome:
    """What a branch came to.

    Attributes:
        metrics: the first is the headline; empty if the branch failed.
        failure: None if it did not.
        flagged: how many samples the refiner flagged.
        seconds: of building and running the branch's components, those it shares included.
        worst: the samples it gets most wrong, if something says which.
        clips: the headline clip by clip, where it is a plain mean of samples' figures.
        remarks: what a component did that none should.
    """

    metrics: tuple[Metric, ...]
    failure: Failure | None
    flagged: int
    seconds: float
    worst: Worst | None = None
    clips: ClipFigures | None = None
    remarks: tuple[str, ...] = ()


def run_pass(
    source: Component[Any],
    branches: Sequence[Branch],
    dataset: Dataset,
    settings: Settings,
    advance: Callable[[int], object] = lambda samples: None,
) -> list[Outcome]:
    """One outcome a branch. A component that raises fails the branches it stands in; the others go on.

    Each component is handed copies of its own, so that nobody's slip reaches his neighbours.

    Args:
        source: lifter or image model; predicts once for all branches.
        branches: refiner and evaluator of each.
        dataset: what to predict and score.
        settings: seed, batch size, device.
        advance: told how many samples are done, each time some are.

    Raises:
        KeyboardInterrupt: the only thing that gets through.
    """
    components = {name_of(c): c for c in (source, *(c for branch in branches for c in branch.components))}
    stages = {name: Stage(c, settings.seed, settings.device) for name, c in components.items()}
    predicting = stages[name_of(source)]
    refining = {name: stage for name, stage in stages.items() if stage.kind == "refiner"}
    lanes = [_Lane(dataset, predicting, *(stages[name_of(c)] for c in branch.components)) for branch in branches]
    whole_clips = any(c.entry.unit == "clip" for c in components.values())
    batches = dataset.batches(settings.batch, whole_clips=whole_clips)
    with torch.inference_mode():
        for rows, coming in read_ahead(dataset, batches, settings.device):
            found = predicting.attempt(rows.start, predict, dataset, coming, settings.device)
            if all(lane.failure for lane in lanes) or found is None:
                break
            predicted, target = found
            placed = {name: stage.attempt(rows.start, refined, predicted) for name, stage in refining.items()}
            for lane in lanes:
                poses = placed[lane.refiner.name] if lane.refiner else predicted.poses
                if poses is not None:
                    lane.measure(poses, target if len(lanes) == 1 else target.copy(), rows)
            advance(rows.stop - rows.start)
        return [lane.outcome() for lane in lanes]


def score(predictions: PoseBatch, evaluator: Component[Evaluator], dataset: Dataset, settings: Settings) -> Outcome:
    """What ``evaluator`` says of predictions made elsewhere, one a row of ``dataset``, in its order."""
    lane = _Lane(dataset, Stage(evaluator, settings.seed, torch.device("cpu")))
    for rows, coming in read_ahead(dataset, dataset.batches(settings.batch), torch.device("cpu")):
        lane.measure(predictions.rows(rows), coming.result().target, rows)
    return lane.outcome()


def protocol_of(evaluator: Evaluator) -> dict[str, Scalar]:
    """What an evaluator says of itself.

    Raises:
        TypeError: a value that a record cannot hold.
    """
    protocol = dict(evaluator.protocol())
    plain(protocol)
    return protocol


class _Lane:
    """A branch at work: measurements gather here. Its stages end with the evaluator's."""

    def __init__(self, dataset: Dataset, *stages: Stage) -> None:
        self._dataset = dataset
        self._stages = stages
        self._evaluator = stages[-1].narrowed()
        self._evaluator.attempt(0, lambda made, _: protocol_of(made))
        self._gathered = Gathered(len(dataset))
        self._undefined = 0
        self._clips: ClipFigures | None = None
        self._candidates = Candidates()
        self._worst: Worst | None = None
        self.refiner = next((stage for stage in stages if stage.kind == "refiner"), None)

    @property
    def failure(self) -> Failure | None:
        """The first thing that went wrong between the source and here."""
        return next((s.failure for s in (*self._stages, self._evaluator) if s.failure), None)

    def measure(self, poses: PoseBatch, target: Target, rows: slice) -> None:
        """Gather the figures of one batch."""
        self._undefined += int((~poses.xyz.isfinite()).flatten(1).any(1).sum())
        figures = self._evaluator.attempt(rows.start, self._measure, poses, target)
        if figures is not None:
            self._candidates.offer(figures, poses, self._dataset)

    def outcome(self) -> Outcome:
        """The metrics of all batches together, or what went wrong."""
        metrics = None if self.failure else self._evaluator.attempt(len(self._dataset), self._summarise)
        return Outcome(
            metrics or (),
            self.failure,
            self.refiner.flagged if self.refiner else 0,
            sum(stage.seconds for stage in (*self._stages[:-1], self._evaluator)),
            self._worst,
            self._clips,
            tuple(remark for stage in (*self._stages[:-1], self._evaluator) for remark in stage.remarks),
        )

    def _measure(self, made: Any, stage: Stage, poses: PoseBatch, target: Target) -> Measurements:
        handed = poses.to("cpu").copy()
        with left_alone(stage.remark, handed, target):
            figures: Measurements = made.measure(handed, target)
        check_type(stage.name, figures, Mapping)
        for key, column in figures.items():
            if len(column) != len(poses):
                raise BrokenContract(f"{stage.name}: {key}: wanted {len(poses)} rows, found {len(column)}")
        self._gathered.add(figures)
        return figures

    def _summarise(self, made: Any, stage: Stage) -> tuple[Metric, ...]:
        columns, labels, dataset = self._gathered.columns(), labels_of(self._dataset), self._dataset
        metrics: tuple[Metric, ...] = tuple(made.summarise(columns, labels))
        if not metrics:
            raise BrokenContract(f"{stage.name}: wanted at least one metric, found none")
        plain(metrics)  # here, a value that JSON cannot hold fails this branch alone
        if not np.isfinite(metrics[0].value):
            flat = "" if "xyz" in dataset.columns else f", and dataset {dataset.about.name} has no true ones"
            raise UndefinedHeadline(
                f"{stage.name}: {metrics[0].name} is {metrics[0].value}: "
                f"{self._undefined} of {len(dataset)} predicted poses are not finite{flat}"
            )
        headline = headline_of(metrics, columns, labels, protocol_of(made).get("average"))
        self._clips = kept(headline) if headline else None
        self._worst = self._candidates.worst(metrics[0], headline, dataset) if headline else None
        return metrics
