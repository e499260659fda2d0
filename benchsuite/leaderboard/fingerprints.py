"""The protocol's fingerprint: all that two numbers must share to stand in one column, and where two differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchsuite_registry.contracts import Scalar

from benchsuite.records.results import Record, identity_of

UNSAID = "not said"

Fingerprint = Mapping[str, Scalar]

_OF_THE_DATA = ("dataset", "split", "samples", "clips", "data")


class MixedProtocols(ValueError):
    """Numbers of several fingerprints were to stand in one column; names the fields in which they differ."""


@dataclass(frozen=True)
class Difference:
    """A field in which two fingerprints differ.

    Attributes:
        field: such as ``average``.
        first: its value in one.
        second: its value in the other.
    """

    field: str
    first: Scalar
    second: Scalar

    def __str__(self) -> str:
        return f"{self.field.replace('_', ' ')}: {_spoken(self.first)} and {_spoken(self.second)}"


def fingerprint_of(record: Record) -> dict[str, Scalar]:
    """What the numbers of ``record`` have in common with those they may be compared with, field by field.

    A parameter of the evaluator counts, unless the protocol has a field of its name, which then says more.
    """
    part, used = record.evaluator, record.dataset
    rest: dict[str, Scalar] = {
        "dataset": used.name,
        "split": used.split,
        "samples": used.samples,
        "clips": used.clips,
        "data": used.fingerprint,
        "evaluator": part.name,
        "evaluator of": identity_of(part)["distribution"],
        "origin": record.origin,
    }
    said = {f"protocol's {key}" if key in rest else key: value for key, value in record.protocol.items()}
    parameters = {f"evaluator's {key}": value for key, value in part.parameters.items() if key not in said}
    return {**said, **parameters, **rest}


def differences(first: Fingerprint, second: Fingerprint) -> tuple[Difference, ...]:
    """The fields in which two fingerprints differ, those of the protocol before those of the data.

    Another dataset has other samples, clips and hashes too; that they are others is said once.
    """
    fields = sorted(dict.fromkeys((*first, *second)), key=lambda field: field in _OF_THE_DATA)
    found = tuple(
        Difference(field, first.get(field, UNSAID), second.get(field, UNSAID))
        for field in fields
        if first.get(field, UNSAID) != second.get(field, UNSAID)
    )
    names = {difference.field for difference in found}
    implied = {"split", "samples", "clips", "data"} if "dataset" in names else set()
    implied |= {"samples", "clips", "data"} if "split" in names else set()
    implied |= {"data"} if "samples" in names else set()
    return tuple(difference for difference in found if difference.field not in implied)


def check_alike(records: Sequence[Record]) -> None:
    """Refuse to put numbers of several fingerprints in one column.

    Raises:
        MixedProtocols: names two of the records and every field in which they differ.
    """
    first, *others = ((record, fingerprint_of(record)) for record in records)
    for record, fingerprint in others:
        if differ := differences(first[1], fingerprint):
            raise MixedProtocols(
                f"{named(first[0])} and {named(record)} cannot be compared; they differ in "
                + "; ".join(map(str, differ))
            )


def named(record: Record) -> str:
    """What errors call a record."""
    method = record.source.name + (f"+{record.refiner.name}" if record.refiner else "")
    return f"{method} on {record.dataset.name}"


def _spoken(value: Scalar) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return (value if len(value) < 64 else f"{value[:12]}...") if isinstance(value, str) and value else f"{value!r}"
