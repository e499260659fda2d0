"""Who stands where: which records may share a table, which are one method's seeds, who is best."""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import zip_longest
from typing import Any, Literal

from benchsuite_registry.contracts import Metric, Scalar

from benchsuite.documents import plain
from benchsuite.leaderboard.fingerprints import Difference, Fingerprint, check_alike, differences, fingerprint_of
from benchsuite.records.results import DatasetUsed, Part, Record, identity_of

PRINTED_BY_GROUP = frozenset({("scene", "AUC")})
"""Kinds of groups and the metrics that papers print by them beside the headline."""

ByGroup = Iterator[tuple[str, "Column", tuple[str, ...]]]
"""Tables by group: the kind of groups, the column whose numbers they hold, the groups."""


@dataclass(frozen=True)
class Column:
    """What the numbers of a column have in common."""

    name: str
    unit: str
    better: Literal["lower", "higher"]


@dataclass(frozen=True)
class Figure:
    """A metric of one method over its seeds.

    Attributes:
        mean: over the seeds.
        sd: standard deviation over the seeds (n - 1), None for a single one.
        low: lower end of the 95 % interval, averaged over the seeds; None if none was made.
        high: upper end of it.
        n: how many samples it stands on; of several seeds, the fewest.
        undefined: as of its ``Standing``.
    """

    mean: float
    sd: float | None
    low: float | None
    high: float | None
    n: int
    undefined: int = 0


@dataclass(frozen=True)
class Standing:
    """A row: one method, as many records as seeds were run.

    Attributes:
        method: the source as a command line spells it, and what tells it from another of the table that is spelt so.
        recipe: the label of its training, or empty.
        refiner: likewise; None for the bare source.
        records: they differ in their seeds alone.
        undefined: how many samples its headline lacks that another row's stands on: it is neither ranked nor best.
    """

    method: str
    recipe: str
    refiner: str | None
    records: tuple[Record, ...]
    undefined: int = 0

    @property
    def errors(self) -> tuple[str, ...]:
        """Types of what went wrong; empty if nothing did."""
        return tuple(sorted({r.failure.type for r in self.records if r.failure}))

    @property
    def failures(self) -> tuple[str, ...]:
        """What went wrong, and in whose hands."""
        return tuple(dict.fromkeys(f"{r.failure.type}: {r.failure.message}" for r in self.records if r.failure))

    @property
    def remarks(self) -> tuple[str, ...]:
        """What its components did that none should, though nobody came to harm."""
        return tuple(dict.fromkeys(remark for r in self.records for remark in r.provenance.get("remarks", ())))

    @cached_property
    def _metrics(self) -> Mapping[str, list[Metric]]:
        """The seeds' metrics by group."""
        found = defaultdict(list)
        for metric in (m for r in self.records for m in r.metrics):
            found[metric.group].append(metric)
        return found

    def figure(self, column: Column, group: str = "") -> Figure | None:
        """The numbers of ``column`` for ``group``, if every seed has them."""
        wanted = (column.name, column.unit, column.better)
        found = [m for m in self._metrics.get(group, ()) if (m.name, m.unit, m.better) == wanted]
        if not found or len(found) != len(self.records):
            return None
        mean = _mean([m.value for m in found])
        squares = math.fsum((m.value - mean) ** 2 for m in found)
        sd = math.sqrt(squares / (len(found) - 1)) if len(found) > 1 else None
        lows = [m.low for m in found if m.low is not None and m.high is not None]
        highs = [m.high for m in found if m.low is not None and m.high is not None]
        known = len(lows) == len(found)
        low, high = (_mean(lows), _mean(highs)) if known else (None, None)
        return Figure(mean, sd, low, high, min(m.n for m in found), self.undefined)


@dataclass(frozen=True)
class Contest:
    """All that one evaluator scored on one dataset under one protocol.

    Attributes:
        evaluator: who scored.
        dataset: on what.
        protocol: what all numbers in it have in common.
        columns: metrics of the whole set; the first is the headline.
        groups: groups by kind and column, such as ``{"action": {mpjpe: ("action=walk",)}}``.
        standings: best first, then those with undefined samples, failed ones last.
        fingerprint: what all numbers in it have in common, data and evaluator included.
        apart: of the contest before it by the same evaluator on the same dataset, the fields in which its numbers
            differ from those of this one: why the two are not one table.
    """

    evaluator: str
    dataset: DatasetUsed
    protocol: Mapping[str, Scalar]
    columns: tuple[Column, ...]
    groups: Mapping[str, Mapping[Column, tuple[str, ...]]]
    standings: tuple[Standing, ...]
    fingerprint: Fingerprint = field(default_factory=dict)
    apart: tuple[Difference, ...] = ()

    def by_group(self) -> ByGroup:
        """All tables by group."""
        for kind, groups in self.groups.items():
            for column in self.columns:
                if column in groups:
                    yield kind, column, groups[column]

    def printed_by_group(self) -> ByGroup:
        """Those that papers print: of the headline, and few more for its groups."""
        for kind, column, groups in self.by_group():
            if column == self.columns[0] or (kind, column.name) in PRINTED_BY_GROUP:
                yield kind, column, self.groups[kind].get(self.columns[0], groups)


def column_of(metric: Metric) -> Column:
    """The column that ``metric`` belongs in."""
    return Column(metric.name, metric.unit, metric.better)


def contests(records: Sequence[Record]) -> tuple[Contest, ...]:
    """``records`` sorted into tables: one fingerprint a table, so that nothing else ever shares a column."""
    tables = defaultdict(list)
    for record in records:
        tables[_key((fingerprint_of(record), identity_of(record.evaluator)))].append(record)
    made = sorted(
        (contest(tables[key]) for key in sorted(tables)),
        key=lambda c: (c.evaluator, c.dataset.name, c.dataset.split),
    )
    return tuple(_beside(made))


def contest(records: Sequence[Record]) -> Contest:
    """The one table that ``records`` make.

    Raises:
        MixedProtocols: they have several fingerprints; names the fields in which they differ.
    """
    check_alike(records)
    metrics = [m for r in records for m in r.metrics]
    columns = tuple(dict.fromkeys(column_of(m) for m in metrics if not m.group))
    groups: dict[str, dict[Column, dict[str, None]]] = defaultdict(lambda: defaultdict(dict))
    for metric in metrics:
        if metric.group and (column := column_of(metric)) in columns:
            groups[metric.group.partition("=")[0]][column][metric.group] = None
    return Contest(
        evaluator=spelling(records[0].evaluator),
        dataset=records[0].dataset,
        protocol=records[0].protocol,
        columns=columns,
        groups={kind: {c: tuple(found) for c, found in by_column.items()} for kind, by_column in groups.items()},
        standings=tuple(sorted(_counted(_standings(records), columns[:1]), key=lambda s: _place(s, columns[:1]))),
        fingerprint=fingerprint_of(records[0]),
    )


def _beside(made: Sequence[Contest]) -> Iterator[Contest]:
    """Each contest, and why it is not one with the one before it that a reader might take it for."""
    before: dict[Any, Contest] = {}
    for one in made:
        alike = (one.fingerprint["evaluator"], one.dataset.name)
        yield replace(one, apart=differences(before[alike].fingerprint, one.fingerprint)) if alike in before else one
        before[alike] = one


def _standings(records: Sequence[Record]) -> list[Standing]:
    methods = defaultdict(list)
    for record in records:
        source = identity_of(record.source)
        if recipe := record.source.trained.get("recipe"):
            source["weights"] = recipe
        refiner = record.refiner and identity_of(record.refiner)
        methods[_key((source, refiner, record.failure is not None))].append(record)
    standings = []
    for runs in methods.values():
        seeds = {_key((r.source.trained.get("seed"), r.provenance.get("seed"))) for r in runs}
        if len(seeds) == len(runs):
            standings.append(_standing(runs))
        else:  # not their seeds alone tell them apart, so their weights do
            standings += [_standing([run], weights=True) for run in runs]
    return _told_apart(standings)


def _told_apart(standings: Sequence[Standing]) -> list[Standing]:
    """The same, where several are called alike with what tells apart the distributions that they come from."""
    namesakes = defaultdict(list)
    for standing in standings:
        namesakes[standing.method, standing.recipe, standing.refiner].append(standing)
    told = []
    for alike in namesakes.values():
        sources = _marks([s.records[0].source for s in alike])
        refiners = _marks([s.records[0].refiner for s in alike])
        for one, source, refiner in zip(alike, sources, refiners, strict=True):
            told.append(replace(one, method=one.method + source, refiner=one.refiner and one.refiner + refiner))
    return told


def _marks(parts: Sequence[Part | None]) -> list[str]:
    """The name, version or first of the hash of each part's distribution, whichever differs; nothing if all are one."""
    said = [identity_of(part)["distribution"] if part else "" for part in parts]
    if len(kinds := set(said)) == 1:
        return [""] * len(said)
    words = [re.sub("sha256:(.{8}).*", r"\1", one).rsplit(" ", 2) for one in said]
    columns = [column for column in zip_longest(*words, fillvalue="") if len(set(column)) > 1]
    telling = next(([column] for column in columns if len(set(column)) == len(kinds)), columns)
    return ["".join(f" {word}" for word in own) for own in zip(*telling, strict=True)]


def _counted(standings: Sequence[Standing], headline: tuple[Column, ...]) -> list[Standing]:
    """The same, told how many samples they lack."""
    figures = [s.figure(headline[0]) if headline else None for s in standings]
    most = max((f.n for f in figures if f), default=0)
    lacking = (most - f.n if f else 0 for f in figures)
    return [replace(s, undefined=n) if n else s for s, n in zip(standings, lacking, strict=True)]


def _standing(runs: Sequence[Record], *, weights: bool = False) -> Standing:
    source, refiner = runs[0].source, runs[0].refiner
    recipe = source.trained.get("recipe") or ""
    weights = weights or ("weights" in source.changed and not recipe)
    method = spelling(source, weights=weights)
    return Standing(method, recipe, spelling(refiner) if refiner else None, tuple(runs))


def spelling(part: Part, *, weights: bool = True) -> str:
    """``part`` as a command line spells it, its weights by the start of their hash, if wanted."""
    shown: dict[str, Scalar] = {k: v for k, v in part.changed.items() if k != "weights" or not part.weights}
    if weights and part.weights:
        shown["weights"] = part.weights[:8]
    pairs = ",".join(f"{k}={v}" for k, v in sorted(shown.items()))
    return f"{part.name}:{pairs}" if pairs else part.name


def _place(standing: Standing, headline: tuple[Column, ...]) -> tuple[Any, ...]:
    """Sorts best first, then with undefined samples, then without a number, then failed; by name where equal."""
    figure = standing.figure(headline[0]) if headline else None
    value = math.nan if figure is None else figure.mean if headline[0].better == "lower" else -figure.mean
    undefined = math.isnan(value)
    names = (standing.method, standing.recipe, standing.refiner or "")
    return (bool(standing.errors), undefined, standing.undefined > 0, 0.0 if undefined else value, *names)


def _key(value: Any) -> str:
    return json.dumps(plain(value), sort_keys=True)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
