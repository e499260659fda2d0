"""Cells of a run's matrix: records that say everything but what comes of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from benchsuite_registry.contracts import Evaluator, Scalar
from benchsuite_registry.registries import Component

from benchsuite.dataset import Dataset
from benchsuite.pipeline import Branch, Outcome, protocol_of
from benchsuite.results import DatasetUsed, Part, Record


@dataclass(frozen=True)
class Cell:
    """A branch of a source's predictions, and the record that it will be."""

    branch: Branch
    blank: Record

    def filled(self, outcome: Outcome) -> Record:
        """The record with what came of it."""
        came: dict[str, Any] = {"seconds": round(outcome.seconds, 3)}
        if self.branch.refiner:
            came["flagged"] = outcome.flagged
        return replace(
            self.blank,
            metrics=outcome.metrics,
            failure=outcome.failure,
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
    """What a number of this evaluator on this dataset must share with another to be compared with it.

    An evaluator that fails to say its part leaves it out; its cells will fail and say why.
    """
    try:
        said = protocol_of(evaluator.build())
    except (Exception, SystemExit):
        said = {}
    return {**said, "keypoints": dataset.about.keypoints, "fps": float(dataset.about.fps)}
