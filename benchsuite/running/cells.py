"""Cells of a run's matrix: records that say everything but what comes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from benchsuite_registry.contracts import Evaluator, Scalar
from benchsuite_registry.registries import Component

from benchsuite.datasets.dataset import Dataset
from benchsuite.records.results import DatasetUsed, Part, Record
from benchsuite.running.pipeline import Branch, Outcome, protocol_of


@dataclass(frozen=True)
class Cell:
    """A branch of a source's predictions, and the record that it will be."""

    branch: Branch
    blank: Record

    def on(self, device: str) -> Cell:
        """The same cell, measured on a device of that model; of no model, on the one that was thought of."""
        provenance = {**self.blank.provenance, **({"device": device} if device else {})}
        return replace(self, blank=replace(self.blank, provenance=provenance))

    def filled(self, outcome: Outcome) -> Record:
        """The record with what came of it."""
        came: dict[str, Any] = {"seconds": round(outcome.seconds, 3)}
        if self.branch.refiner:
            came["flagged"] = outcome.flagged
        if outcome.remarks:
            came["remarks"] = list(outcome.remarks)
        return replace(
            self.blank,
            metrics=outcome.metrics,
            failure=outcome.failure,
            clips=outcome.clips,
            provenance={**self.blank.provenance, **came},
        )


def blank_record(
    parts: Sequence[Part], protocol: Mapping[str, Scalar], dataset: Dataset, provenance: Mapping[str, Any]
) -> Record:
    """A record without metrics.

    Args:
        parts: the source, the refiner if there is one, the evaluator.
        protocol: see ``protocol_on``.
        dataset: what is scored.
        provenance: all of it but the plugins.
    """
    about = dataset.about
    clips = len(np.unique(dataset.columns["clip"]))
    if parts[0].kind == "image model":  # it never sees the dataset's
        protocol = {**protocol, "keypoints": "found in the picture"}
    return Record(
        source=parts[0],
        refiner=parts[1] if len(parts) > 2 else None,
        evaluator=parts[-1],
        dataset=DatasetUsed(about.name, about.split, dataset.fingerprint, len(dataset), clips),
        protocol=protocol,
        metrics=(),
        failure=None,
        provenance={**provenance, "plugins": sorted({part.distribution for part in parts if part.distribution})},
    )


def protocol_on(evaluator: Component[Evaluator], dataset: Dataset) -> dict[str, Scalar]:
    """What a number of this evaluator on this dataset must share with another to be compared with it."""
    return with_dataset(said_by(evaluator), dataset)


def said_by(evaluator: Component[Evaluator]) -> dict[str, Scalar]:
    """The evaluator's part of the protocol; nothing if it fails to say it: its cells will fail and say why."""
    try:
        return protocol_of(evaluator.build())
    except KeyboardInterrupt:
        raise
    except BaseException:  # SystemExit too
        return {}


def with_dataset(said: Mapping[str, Scalar], dataset: Dataset) -> dict[str, Scalar]:
    """A whole protocol: what an evaluator ``said`` of itself, and what the dataset has to do with it."""
    about = dataset.about
    guessed = {} if about.intrinsics == "known" else {"intrinsics": about.intrinsics}
    return {**said, "keypoints": about.keypoints, "fps": float(about.fps), **guessed}
