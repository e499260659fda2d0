"""``statistics.json``: what ``label`` says of the labels that it made; among results, ``labels/<dataset>.json``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchsuite.documents import WrongDocument, fitted, parsed
from benchsuite.records.results import Part

Quantiles = Mapping[str, float]


@dataclass(frozen=True)
class Source:
    """The 2D dataset that was labelled."""

    name: str
    split: str
    fingerprint: str
    people: int


@dataclass(frozen=True)
class LabelStatistics:
    """The verdicts on all people in a few numbers, and all that they follow from.

    Attributes:
        people: how many there are.
        labelled: how many could be.
        kept: how many labels were.
        kept_share: of the people.
        reasons: how many people, by what became of them.
        score: quantiles over the labelled.
        depth_mm: likewise.
        parts: likewise, of each part of the score.
        flags: how many poses the refiner flagged, by flag.
        source: the 2D dataset.
        lifter: who lifted.
        refiner: who placed.
        agree: whose depth should agree.
        intrinsics: the hypothesis about the cameras.
        threshold: least score that was kept.
        keep_all: whether those who score less were too.
        seed: of the methods.
        batch: people a call.
        device: its type.
    """

    people: int
    labelled: int
    kept: int
    kept_share: float
    reasons: Mapping[str, int]
    score: Quantiles
    depth_mm: Quantiles
    parts: Mapping[str, Quantiles]
    flags: Mapping[str, int]
    source: Source
    lifter: Part
    refiner: Part
    agree: tuple[Part, ...]
    intrinsics: str
    threshold: float
    keep_all: bool
    seed: int
    batch: int
    device: str


def read_statistics(path: Path) -> LabelStatistics:
    """What the file ``path`` says.

    Raises:
        WrongDocument: it is not what ``benchsuite label`` writes; names file, key, wanted, found.
    """
    read = fitted(path, parsed(path), LabelStatistics)
    counted = sum(read.reasons.values())
    if not read.people == read.source.people == counted:
        found = f"{read.people}, {read.source.people} and {counted}"
        wanted = "as many as the source has and the reasons add up to"
        raise WrongDocument(f"{path}: people: wanted {wanted}, found {found}")
    return read
