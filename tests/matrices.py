"""A runner's matrix of toys, and what comes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import toys
from benchsuite_registry.registries import Registries

from benchsuite.records.results import Record
from benchsuite.running.matrix import Matrix
from benchsuite.running.pipeline import Settings
from benchsuite.running.runner import Runner


def matrix(
    *sources: str,
    refiners: tuple[str | None, ...] = (None,),
    evaluators: tuple[str, ...] = ("toy-error",),
    known: Registries | None = None,
    **more: Any,
) -> Matrix:
    known = known or toys.toy_registries()
    return Matrix(
        tuple(known.lifters.parse(s) for s in sources),
        tuple(known.refiners.parse(r) if r else None for r in refiners),
        tuple(known.evaluators.parse(e) for e in evaluators),
        **{"datasets": (("toy", toys.toy_dataset()),), "settings": Settings(batch=4), **more},
    )


def run(asked: Matrix, results: Path, *, fresh: bool = False) -> list[Record]:
    runner = Runner(asked, results, fresh=fresh)
    return [record for one in runner.passes for record in (*one.kept, *(runner.run(one) if one.missing else ()))]


def spelt(record: Record) -> str:
    refiner = record.refiner.name if record.refiner else "none"
    return f"{record.source.changed.get('off_mm', 0):g} {refiner} {record.evaluator.changed.get('does', 'well')}"


def failure(record: Record) -> tuple[str, str]:
    assert record.failure
    assert record.metrics == ()
    return record.failure.type, record.failure.message
