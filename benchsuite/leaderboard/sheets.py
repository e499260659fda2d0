"""What every format of the leaderboard shows: the contests with their ranks, what papers report, numbers as printed."""

from __future__ import annotations

import hashlib
import json
import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchsuite_registry.contracts import Scalar

from benchsuite.documents import WrongDocument, plain
from benchsuite.leaderboard.ranking import Place, Ranking, ranking
from benchsuite.leaderboard.standings import Column, Contest, Figure, Standing, contests
from benchsuite.records.cost import Cost, read_costs
from benchsuite.records.reported import ReportedTable, read_reported
from benchsuite.records.results import Record, read_records

OVER_FRAMES = (
    "An action has a single take, so that nothing can be drawn anew within it: ranks, what is behind and the smallest "
    "difference are those of the mean over frames."
)
BY_INTERVALS = (
    "Records keep no clips to pair: methods share a rank unless they differ by more than 1.96 times the root of the "
    "sum of both squared standard errors, as their 95 % intervals tell them; cautious, as the test set is the same."
)
UNTOLD = "No rank where neither clips to pair nor 95 % intervals tell a method from another: digits alone tell nothing."

ARROWS = {"lower": "↓", "higher": "↑"}

H36M_SHORT = {
    "Directions": "Direct.",
    "Discussion": "Discuss",
    "Greeting": "Greet",
    "Phoning": "Phone",
    "Posing": "Pose",
    "Purchases": "Purch.",
    "SittingDown": "SittingD.",
    "Smoking": "Smoke",
    "Waiting": "Wait",
    "WalkDog": "WalkD.",
    "Walking": "Walk",
    "WalkTogether": "WalkT.",
}
"""Human3.6M's actions as tables shorten them."""


@dataclass(frozen=True)
class Sheet:
    """A contest, and who stands where in it."""

    contest: Contest

    @cached_property
    def ranking(self) -> Ranking:
        """Its places, worked out once."""
        return ranking(self.contest)

    @property
    def notes(self) -> tuple[str, ...]:
        """How ranks are told, where it is not by the headline's clips."""
        made = self.ranking
        said = {OVER_FRAMES: made.over_frames, BY_INTERVALS: made.by_intervals, UNTOLD: made.untold}
        return tuple(note for note, holds in said.items() if holds)

    @property
    def headline(self) -> Column | None:
        """The column that ranks; None if every cell failed."""
        return self.contest.columns[0] if self.contest.columns else None

    @property
    def drawn(self) -> Column | None:
        """The column beside which intervals stand, and what is behind: the first that has some, else the headline.

        It is the mean over frames where an action has a single take, so that a mean over actions has no interval.
        """
        for column, figures in self.columns():
            if any(figure and figure.low is not None for figure in figures):
                return column
        return self.headline

    @property
    def scored(self) -> tuple[Standing, ...]:
        """The standings that have numbers."""
        return tuple(s for s in self.contest.standings if not s.errors)

    def columns(self) -> Iterator[tuple[Column, list[Figure | None]]]:
        """The columns worth showing, the headline first, with a figure a standing; none that is 0 throughout."""
        for place, column in enumerate(self.contest.columns):
            figures = [s.figure(column) for s in self.contest.standings]
            if not place or any(f is not None and f.mean != 0 for f in figures):
                yield column, figures


@dataclass(frozen=True)
class Published:
    """All that a results folder publishes.

    Attributes:
        root: the folder.
        sheets: one a contest.
        reported: tables of papers.
        costs: of methods, where they were measured.
    """

    root: Path
    sheets: tuple[Sheet, ...]
    reported: tuple[ReportedTable, ...]
    costs: tuple[Cost, ...] = ()


def read_published(root: Path) -> Published:
    """What the records, reported tables and costs under ``root``, the results folder, say.

    Raises:
        WrongDocument: one of them is not what its layout says, or there is no such folder.
    """
    if not root.is_dir():
        raise WrongDocument(f"{root}: no such results folder")
    sheets = tuple(Sheet(c) for c in contests(read_records(root)))
    return Published(root, sheets, read_reported(root), read_costs(root))


def printed(figure: Figure | None, decimals: int) -> float | None:
    """The mean as it is printed, for comparing; None if there is none."""
    return None if figure is None or math.isnan(figure.mean) else round(figure.mean, decimals)


def best(figures: Sequence[Figure | None], column: Column, decimals: int) -> float | None:
    """The best number as printed of rows that lack no sample; None of a single one and where all print the same."""
    known = [f for f in figures if f]
    numbers = [p for f in known if not f.undefined and (p := printed(f, decimals)) is not None]
    if len(known) == 1 or (len(numbers) > 1 and len(set(numbers)) == 1):
        return None
    return (min if column.better == "lower" else max)(numbers, default=None)


def is_best(figure: Figure | None, top: float | None, decimals: int) -> bool:
    """Whether a figure prints as ``top``, the best of its column, and may be called so."""
    return figure is not None and not figure.undefined and top is not None and printed(figure, decimals) == top


def rank(place: Place | None) -> str:
    """A rank, marked where it is shared; empty where there is none."""
    return f"{place.rank}{'=' * place.shared}" if place else ""


def label(group: str) -> str:
    """A group's name in a column's head: ``Walk`` for ``action=Walking``."""
    name = group.partition("=")[2] or group
    return H36M_SHORT.get(name, name)


def shortened(fingerprint: str) -> str:
    """A dataset's fingerprint as it is shown: ``f00df00df00d``, of 600 samples taken of it ``f00df00df00d/600``."""
    whole, slash, taken = fingerprint.partition("/")
    return whole[:12] + slash + taken


def recipe(standing: Standing) -> str:
    """How the method was trained, where its name does not say so already."""
    return "" if standing.recipe == standing.method else standing.recipe


def commands(standing: Standing) -> list[str]:
    """The command lines that measure a row's records again, one a seed."""
    said = (record.provenance.get("command") for record in standing.records)
    return list(dict.fromkeys(shlex.join(map(str, c)) if isinstance(c, list) else str(c) for c in said if c))


def digest(protocol: Mapping[str, Scalar]) -> str:
    """The first eight hex digits of a protocol's sha256."""
    return hashlib.sha256(json.dumps(plain(protocol), sort_keys=True).encode()).hexdigest()[:8]


def in_words(protocol: Mapping[str, Scalar]) -> list[tuple[str, str]]:
    """The fields of a protocol and their values, as one says them."""
    return [(key.replace("_", " "), _spoken(value)) for key, value in sorted(protocol.items())]


def seeds(standing: Standing) -> list[Record]:
    """A row's records, in the order of their seeds."""
    return sorted(standing.records, key=lambda r: str((r.source.trained.get("seed"), r.provenance.get("seed"))))


def _spoken(value: Scalar) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
