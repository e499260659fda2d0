"""Whether a results folder is fit to be published: what is wrong with its files, each with its reason."""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from benchsuite_registry.contracts import Metric
from benchsuite_registry.hookspecs import PROJECT

from benchsuite.documents import WrongDocument
from benchsuite.labels.statistics import read_statistics
from benchsuite.records.clip_figures import sums_of
from benchsuite.records.cost import Cost, cost_path, read_cost
from benchsuite.records.reported import read_table
from benchsuite.records.results import ClipFigures, Part, Record, identity_of, read_record, record_path
from benchsuite.records.worst import read_worst, worst_path
from benchsuite.statistics import Estimate

READERS: Mapping[str, Callable[[Path], object]] = {
    "worst": read_worst,
    "reported": read_table,
    "costs": read_cost,
    "labels": read_statistics,
}
"""Of the files of each folder but that of the records."""

ROUNDED = 1e-6
"""How far, relative to it, a headline and the ends of its interval may lie from what a record's clips say: those are
kept to seven digits."""


def problems(root: Path) -> Iterator[str]:
    """What is wrong with the files under ``root``, the results folder."""
    kept = set()
    for path in _files(root / "records"):
        try:
            record = read_record(path)
        except WrongDocument as error:
            yield str(error)
            continue
        kept.add(worst_path(root, record))
        if (place := record_path(root, record)) != path:
            yield f"{path}: what it records belongs at {place}"
        yield from (f"{path}: {problem}" for problem in (*_of_numbers(record), *_of_origin(record)))
    for folder, read in READERS.items():
        for path in _files(root / folder):
            try:
                found = read(path)
            except WrongDocument as error:
                yield str(error)
                continue
            if isinstance(found, Cost) and (place := cost_path(root, found)) != path:
                yield f"{path}: what it says belongs at {place}"
    for path in _files(root / "worst"):
        if path not in kept:
            yield f"{path}: there is no record that it belongs to"


def _files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.json"))


def _of_numbers(record: Record) -> Iterator[str]:
    """What cannot be true of a record's numbers."""
    if record.failure:
        if record.metrics:
            yield "metrics: wanted none, since it failed"
        return
    if not record.metrics or record.metrics[0].group or not math.isfinite(record.metrics[0].value):
        yield "metrics: wanted a finite headline of the whole set first"
    seen = set()
    for place, metric in enumerate(record.metrics):
        key = f"metrics[{place}]"
        if (what := (metric.name, metric.unit, metric.group)) in seen:
            yield f"{key}: {metric.name} {metric.group} stands there twice"
        seen.add(what)
        if metric.low is not None and metric.high is not None and metric.low > metric.high:
            yield f"{key}: wanted low <= high, found {metric.low} and {metric.high}"
        elif _outside(metric):
            yield f"{key}: wanted a value from {metric.low} to {metric.high}, found {metric.value}"
        if not 0 <= metric.n <= record.dataset.samples:
            yield f"{key}.n: wanted 0 to {record.dataset.samples} samples, found {metric.n}"
    yield from _of_clips(record)


def _of_clips(record: Record) -> Iterator[str]:
    """Where a headline is not what its clips give."""
    if not record.clips or not record.metrics:
        return
    asked, ours = record.evaluator.parameters.get("bootstrap"), identity_of(record.evaluator)["distribution"] == PROJECT
    draws = asked if ours and isinstance(asked, int) else None  # how others draw is not known
    try:
        told = sums_of(record.clips).over(record.clips.average, draws=draws or 0)
    except ValueError as error:
        yield str(error)
        return
    headline = record.metrics[0]
    if not _close(headline.value, told.value, headline):
        yield f"metrics[0]: wanted {told.value:.6f}, the mean of its clips, found {headline.value}"
    if told.n != headline.n:
        yield f"metrics[0].n: wanted {told.n}, the samples of its clips, found {headline.n}"
    if draws is not None and not _drawn(headline, told, record.clips):
        wanted, found = (f"{one.low} to {one.high}" for one in (told, headline))
        yield f"metrics[0]: wanted an interval of {wanted}, as draws of its clips give, found {found}"


def _drawn(headline: Metric, told: Estimate, clips: ClipFigures) -> bool:
    """Whether a headline's interval is that of its clips, ``told``: draws are seeded, so it is to the clips' rounding.

    But for a mean over frames a take may be drawn whole that is listed by the actions that it shows. Its parts go wrong
    together, so that the interval is wider then; half as wide is beyond chance.
    """
    if _close(headline.low, told.low, headline) and _close(headline.high, told.high, headline):
        return True
    if told.low is None or told.high is None or clips.average == "actions" or len(set(clips.action.split())) < 2:
        return False
    return headline.low is None or headline.high is None or 2 * (headline.high - headline.low) > told.high - told.low


def _close(found: float | None, wanted: float | None, headline: Metric) -> bool:
    """Whether two are the same but for rounding, or both absent."""
    if found is None or wanted is None:
        return found is wanted
    return abs(found - wanted) <= max(ROUNDED * abs(headline.value), 1e-9)


def _outside(metric: Metric) -> bool:
    """Whether a number lies outside its interval by more than rounding."""
    if metric.low is None or metric.high is None or math.isnan(metric.value):
        return False
    slack = ROUNDED * abs(metric.value)
    return not metric.low - slack <= metric.value <= metric.high + slack


def _of_origin(record: Record) -> Iterator[str]:
    """What keeps others from measuring a record again."""
    for part in (record.source, record.refiner, record.evaluator):
        if part and (stray := set(part.changed) - set(part.parameters)):
            yield f"{part.kind}.changed: {sorted(stray)[0]!r} is no parameter"
    if record.origin == "reported":
        return
    for part in (record.source, record.refiner, record.evaluator):
        if part and part.distribution.startswith("file "):
            yield f"{part.kind}.distribution: wanted a distribution that others can install, found {part.distribution}"
    git, command = record.provenance.get("git"), record.provenance.get("command")
    if not isinstance(git, dict) or not git.get("commit"):
        yield "provenance.git: no commit known: measure it in a checkout of the suite"
    elif git.get("dirty"):
        yield "provenance.git: measured with uncommitted code"
    if not isinstance(command, str):
        yield f"provenance.command: wanted the command that measures it again, found {command!r}"
        return
    try:
        words = shlex.split(command)
    except ValueError as error:
        yield f"provenance.command: wanted words of a shell, found {command!r}: {error}"
        return
    if "--limit" in words:
        yield "provenance.command: measured with --limit, on a part of the dataset"
    for part in (record.source, record.refiner, record.evaluator):
        if part and not _asks_for(words, part):
            yield f"provenance.command: wanted {_option(part)} {part.name}, found {command!r}"


def _asks_for(words: list[str], part: Part) -> bool:
    return any(first == _option(part) and second.partition(":")[0] == part.name for first, second in pairwise(words))


def _option(part: Part) -> str:
    return f"--{part.kind.replace(' ', '-')}"
