"""A component under test: built, given made-up people, and what it gave back as arrays."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from benchsuite_registry.contracts import (
    Evaluator,
    ImageModel,
    Lifter,
    Measurements,
    Metric,
    Refinement,
    Refiner,
)
from benchsuite_registry.poses import KeypointBatch, PoseBatch, Target
from benchsuite_registry.registries import Component, Registry
from numpy.typing import NDArray

from benchsuite.testing import people

Given = tuple[Any, ...]
"""What a component's method is called with: carriers of the same samples."""

Columns = dict[str, NDArray[Any]]

ACTS = {
    "lifter": (Lifter, "lift"),
    "image model": (ImageModel, "predict"),
    "refiner": (Refiner, "refine"),
    "evaluator": (Evaluator, "measure"),
}
"""Of each kind the contract and the method that is given samples."""

GIVES: dict[str, tuple[type, ...]] = {
    "lifter": (PoseBatch,),
    "image model": (KeypointBatch, PoseBatch),
    "refiner": (Refinement,),
    "evaluator": (Mapping,),
}
"""Of each kind what that method gives; of several a tuple."""

RELATIVE, ABSOLUTE = 1e-4, 0.02
"""How far figures (mm, px) may lie apart that were computed in batches of another size."""

_OFF_MM = 25.0
_DELTA_X_MM = 500.0


class NotConforming(AssertionError):
    """A component breaks a rule; says what was wanted and what was found."""


class Subject:
    """A component under test. Parameters that a user does not give are those of the entry's ``trial``.

    Args:
        registry: that has the entry.
        name: the entry's.
        parameters: a user's.

    Attributes:
        entry: of the component.
        kind: such as ``refiner``.
    """

    def __init__(self, registry: Registry[Any], name: str, parameters: Mapping[str, Any] | None = None) -> None:
        self.registry = registry
        self.entry = registry[name]
        self.kind = registry.kind
        self._given_by_user = dict(parameters or {})

    def __str__(self) -> str:
        return self.entry.name

    @cached_property
    def component(self) -> Component[Any]:
        """The entry with the parameters it is tested with."""
        trial = self.entry.trial(people.folder()) if self.entry.trial else {}
        return self.registry.component(self.entry.name, {**trial, **self._given_by_user})

    @property
    def lacks_weights(self) -> bool:
        """Whether the file of its trained weights is not there."""
        file = self.entry.checkpoint(self.component.parameters) if self.entry.checkpoint else None
        return file is not None and not file.is_file()

    def build(self) -> Any:
        """The component, built anew."""
        seeded(0)
        return self.component.build()

    @cached_property
    def made(self) -> Any:
        """The component, built once for all checks."""
        return self.build()

    @cached_property
    def given(self) -> Given:
        """Samples of different clips, or one whole clip."""
        return self.samples(people.each(0) if self.entry.unit == "clip" else people.spread(0))

    @cached_property
    def gave(self) -> Any:
        """What came of ``given``."""
        return self.act(self.made, self.given)

    @cached_property
    def reference(self) -> Columns:
        """What came of ``given``, in memory of its own."""
        return {name: column.copy() for name, column in columns(self.gave).items()}

    @property
    def whole(self) -> Given:
        """All there is."""
        return self.samples(slice(0, len(people.people())))

    @cached_property
    def other(self) -> Given:
        """As many other samples, or another clip."""
        return self.samples(people.each(3) if self.entry.unit == "clip" else people.spread(5))

    def samples(self, rows: Any) -> Given:
        """What a component of this kind is given of ``rows``."""
        dataset = people.people()
        keypoints = dataset.keypoints(rows)
        if self.kind == "lifter":
            return (keypoints,)
        if self.kind == "image model":
            return (people.pictures(keypoints.rows(slice(0, people.PICTURES)), self.made.size),)
        poses = self.predictions(dataset.poses(rows), keypoints, _OFF_MM)
        return (poses, keypoints if self.kind == "refiner" else dataset.target(rows))

    def predictions(self, truth: PoseBatch, keypoints: KeypointBatch, off_mm: float = 0.0) -> PoseBatch:
        """Root-relative poses, each joint but the root ``off_mm`` off in the mean square of each coordinate."""
        off = people.noise(truth.xyz.shape, off_mm)
        off[:, truth.skeleton.root_index] = 0.0
        shift = float(self.component.parameters.get("delta_x_mm", _DELTA_X_MM))
        return people.predicted(truth.xyz + off, keypoints, shift)

    def act(self, made: Any, given: Given, *, inference: bool = True) -> Any:
        """What ``made`` makes of a copy of ``given``, called as the runner calls it."""
        own = copied(given)
        seeded(0)
        with torch.inference_mode(inference):
            return self.checked(getattr(made, ACTS[self.kind][1])(*own))

    def checked(self, gave: Any) -> Any:
        """``gave``, which a component of this kind gave.

        Raises:
            NotConforming: it is nothing that such a component may give; names the classes wanted and found.
        """
        wanted, found = GIVES[self.kind], gave if isinstance(gave, tuple) else (gave,)
        if len(wanted) != len(found) or not all(map(isinstance, found, wanted)):
            raise NotConforming(f"wanted {_named(wanted)}, found {_named(map(type, found))}")
        return gave

    def gives(self, given: Given, made: Any = None) -> Columns:
        """As ``act``, by name of the columns; of the component that was built for all checks if none is given."""
        return columns(self.act(self.made if made is None else made, given))

    def measured(self, made: Any, predictions: PoseBatch, target: Target) -> Measurements:
        """An evaluator's figures, worked out clip by clip if it wants that."""
        return joined([columns(self.act(made, batch)) for batch in self._batches((predictions, target))])

    def _batches(self, given: Given) -> list[Given]:
        size = people.FRAMES if self.entry.unit == "clip" else len(given[0])
        return [picked(given, slice(start, start + size)) for start in range(0, len(given[0]), size)]

    def scored(self, made: Any, predictions: PoseBatch, target: Target) -> tuple[Metric, ...]:
        """An evaluator's metrics of predictions."""
        figures = self.measured(made, predictions, target)
        seeded(0)
        with torch.inference_mode():
            return tuple(made.summarise(figures, target.labels))

    def everything(self) -> None:
        """Build the component and have it do all that it can do; nothing is seeded."""
        few = slice(0, 1) if self.entry.unit == "pose" else slice(None)
        batches = self._batches(self.whole) if self.kind == "evaluator" else [copied(picked(self.given, few))]
        with torch.inference_mode():
            made = self.component.build()
            gave = [getattr(made, ACTS[self.kind][1])(*batch) for batch in batches]
            if self.kind == "evaluator":
                made.summarise(joined([columns(self.checked(one)) for one in gave]), self.whole[-1].labels)
                made.protocol()


def seeded(seed: int) -> None:
    """Set all global generators, as the runner does before each call."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - third parties may use the global generator
    torch.manual_seed(seed)


def copied(given: Given) -> Given:
    """The same samples in memory of their own."""
    return tuple(part.copy() for part in given)


def picked(given: Given, index: torch.Tensor | slice) -> Given:
    """Some of the samples."""
    return tuple(part.rows(index) for part in given)


def joined(parts: list[Columns]) -> Columns:
    """The columns of several batches as those of one."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def columns(gave: Any) -> Columns:
    """What a component gave, by name; the arrays are the component's own, not copies."""
    found: Mapping[str, Any]
    match gave:
        case PoseBatch():
            found = {"xyz": gave.xyz, "right_uv": gave.right_uv}
        case Refinement():
            found = {"xyz": gave.poses.xyz, "depth_mm": gave.depth_mm, "cost": gave.cost, "flags": gave.flags}
        case (KeypointBatch() as keypoints, PoseBatch() as poses):
            found = {"uv": keypoints.uv, "visible": keypoints.visible, "xyz": poses.xyz}
        case _:
            found = gave
    return {name: _array(part) for name, part in found.items() if part is not None}


def _named(types: Iterable[type]) -> str:
    return " and ".join(f"a {one.__name__}" for one in types) or "nothing"


def _array(part: Any) -> NDArray[Any]:
    return part.detach().cpu().numpy() if isinstance(part, torch.Tensor) else np.asarray(part)


def demand_same(wanted: Columns, found: Columns, when: str, *, exactly: bool = True) -> None:
    """Raises ``NotConforming`` if columns differ; NaN is the same as NaN.

    Args:
        wanted: one answer.
        found: the other.
        when: what was done in between, for the message.
        exactly: bit by bit, or as far as rounding allows.
    """
    if wanted.keys() != found.keys():
        raise NotConforming(f"{when}: wanted {', '.join(wanted)}, found {', '.join(found)}")
    for name, column in wanted.items():
        other = found[name]
        if column.shape != other.shape:
            raise NotConforming(f"{when}: {name}: wanted shape {column.shape}, found {other.shape}")
        numbers = column.dtype.kind == other.dtype.kind == "f"
        relative, absolute = (0.0, 0.0) if exactly or not numbers else (RELATIVE, ABSOLUTE)
        if numbers and not np.allclose(column, other, rtol=relative, atol=absolute, equal_nan=True):
            if (np.isnan(column) != np.isnan(other)).any():
                raise NotConforming(f"{when}: {name}: NaN in one answer, a number in the other")
            raise NotConforming(f"{when}: {name} differs by up to {np.nanmax(np.abs(column - other)):.3g}")
        if not numbers and not np.array_equal(column, other):
            raise NotConforming(f"{when}: {name} differs")
