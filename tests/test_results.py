"""Records on disk: round trip, strict reading, whole-or-nothing writing, what makes two cells the same."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchsuite_registry.contracts import Metric

from benchsuite.documents import CannotWrite, WrongDocument
from benchsuite.records.results import (
    DatasetUsed,
    Failure,
    Part,
    Record,
    identity,
    read_record,
    read_records,
    record_path,
    write_record,
)

RECORD = Record(
    source=Part(
        "lifter",
        "stereo",
        {"delta_x_mm": 500.0, "width": 1024, "weights": "a.safetensors"},
        {"weights": "a.safetensors"},
        "benchsuite 0.1.0",
        "ab" * 32,
        {"recipe": "stereo-1024", "seed": 0, "stages": [{"steps": 10, "loss": 0.5}]},
    ),
    refiner=Part("refiner", "geosearch", {"objective": "sq", "highest_mm": math.inf}, {}, "benchsuite 0.1.0"),
    evaluator=Part("evaluator", "h36m-p1", {"joints": 17, "root": True}, {}, "benchsuite 0.1.0"),
    dataset=DatasetUsed("cmu", "test", "f00d" * 16, 1200, 34),
    protocol={"joints": 17, "root_counted": True, "alignment": "root"},
    metrics=(
        Metric("MPJPE", 42.125, "mm", "lower", low=40.0, high=44.5, n=1200),
        Metric("MPJPE", 40.0, "mm", "lower", group="action=walk | run ü 走", n=7),
    ),
    failure=None,
    provenance={"seed": 0, "git": {"commit": "c0ffee", "dirty": False}, "command": ["run", "\udcff.npy"], "none": None},
)


def test_a_record_comes_back_as_it_went(tmp_path: Path) -> None:
    path = write_record(tmp_path, RECORD)
    assert read_record(path) == RECORD
    failed = replace(RECORD, refiner=None, metrics=(), failure=Failure("ValueError", "no", "Traceback ..."))
    assert read_record(write_record(tmp_path, failed)) == failed


def test_nan_is_null_in_valid_json_and_comes_back(tmp_path: Path) -> None:
    record = replace(RECORD, metrics=(Metric("MPJPE", math.nan, "mm", "lower", low=math.nan), RECORD.metrics[1]))
    path = write_record(tmp_path, record)

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    document = json.loads(path.read_bytes(), parse_constant=refuse)
    assert document["metrics"][0]["value"] is None
    assert document["refiner"]["parameters"]["highest_mm"] == "Infinity"
    found = read_record(path).metrics[0]
    assert math.isnan(found.value)
    assert found.low is None


def test_equal_records_give_equal_bytes_whatever_the_order_of_keys(tmp_path: Path) -> None:
    turned = replace(RECORD, protocol=dict(reversed(list(RECORD.protocol.items()))))
    assert list(turned.protocol) != list(RECORD.protocol)
    first = write_record(tmp_path / "a", RECORD).read_bytes()
    assert write_record(tmp_path / "b", turned).read_bytes() == first


def test_numpy_numbers_are_numbers(tmp_path: Path) -> None:
    metric = Metric("MPJPE", np.float32(1.5), "mm", "lower", n=np.int64(3))  # type: ignore[arg-type]
    found = read_record(write_record(tmp_path, replace(RECORD, metrics=(metric,)))).metrics[0]
    assert (found.value, found.n) == (1.5, 3)


def test_what_json_cannot_hold_is_named(tmp_path: Path) -> None:
    record = replace(RECORD, provenance={"seed": 0, "git": {"commit": object()}})
    with pytest.raises(TypeError, match=r"^provenance\.git\.commit: wanted something JSON can hold, found <object"):
        write_record(tmp_path, record)
    assert not list(tmp_path.iterdir())


def _changed(act: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    def change(content: bytes) -> bytes:
        document = json.loads(content)
        act(document)
        return json.dumps(document).encode()

    return change


BAD: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "not JSON": (lambda c: b"MPJPE 42", "wanted JSON: Expecting value"),
    "truncated": (lambda c: c[: len(c) // 2], "wanted JSON: "),
    "empty": (lambda c: b"", "wanted JSON: "),
    "not UTF-8": (lambda c: b"\xff\xfe" + c, "wanted JSON: 'utf-8' codec"),
    "bare NaN": (lambda c: c.replace(b"42.125", b"NaN"), "wanted JSON: NaN is not JSON"),
    "too deep": (lambda c: b"[" * 100_000, "wanted JSON: "),
    "an array": (lambda c: b"[1]", r"wanted an object, found \[1\]"),
    "another schema": (_changed(lambda d: d.update(schema=99)), "schema: wanted 1, found 99"),
    "no schema": (_changed(lambda d: d.pop("schema")), "schema: wanted 1, found null"),
    "missing key": (_changed(lambda d: d["dataset"].pop("clips")), r"dataset\.clips: key is missing"),
    "unknown key": (_changed(lambda d: d["source"].update(size=1)), r"source\.size: unknown key; wanted kind, name, "),
    "string for number": (
        _changed(lambda d: d["metrics"][1].update(value="forty")),
        r'metrics\[1\]\.value: wanted a number, found "forty"',
    ),
    "fraction for integer": (
        _changed(lambda d: d["metrics"][0].update(n=1.5)),
        r"metrics\[0\]\.n: wanted an integer, found 1\.5",
    ),
    "bool for integer": (
        _changed(lambda d: d["dataset"].update(samples=True)),
        r"dataset\.samples: wanted an integer, found true",
    ),
    "bool for number": (
        _changed(lambda d: d["metrics"][0].update(low=True)),
        r"metrics\[0\]\.low: wanted a number, found true",
    ),
    "object for scalar": (
        _changed(lambda d: d["protocol"].update(joints={})),
        r"protocol\.joints: wanted true or false or an integer or a number or a string, found \{\}",
    ),
    "neither lower nor higher": (
        _changed(lambda d: d["metrics"][0].update(better="smaller")),
        r"metrics\[0\]\.better: wanted 'lower' or 'higher', found \"smaller\"",
    ),
    "null for a part": (_changed(lambda d: d.update(source=None)), "source: wanted an object, found null"),
    "object for array": (_changed(lambda d: d.update(metrics={})), r"metrics: wanted an array, found \{\}"),
    "array for object": (_changed(lambda d: d.update(provenance=[])), r"provenance: wanted an object, found \[\]"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_record_is_refused_with_file_key_wanted_and_found(case: str, tmp_path: Path) -> None:
    change, message = BAD[case]
    path = write_record(tmp_path, RECORD)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(WrongDocument, match=f"{re.escape(path.name)}: {message}"):
        read_record(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WrongDocument, match=r"gone\.json.*No such file"):
        read_record(tmp_path / "gone.json")


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_record_and_nothing_else(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_record(tmp_path, RECORD)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, failing, full)
    newer = replace(RECORD, metrics=())
    assert record_path(tmp_path, newer) == path
    with pytest.raises(
        CannotWrite, match=re.escape(f"{path.parent}: cannot write {path.name} here: No space left on device")
    ):
        write_record(tmp_path, newer)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_an_interrupt_while_writing_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_record(tmp_path, RECORD)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "records").write_text("a file where a folder should be")
    with pytest.raises(CannotWrite, match=r"records/h36m-p1/cmu: cannot write .*(Not a directory|File exists)"):
        write_record(tmp_path, RECORD)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to read-only folders")
def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(CannotWrite, match="Permission denied"):
            write_record(tmp_path, RECORD)
    finally:
        tmp_path.chmod(0o700)


def _source(**changes: Any) -> Record:
    return replace(RECORD, source=replace(RECORD.source, **changes))


SAME = {
    "a newer version": _source(distribution="benchsuite 0.2.0"),
    "weights moved elsewhere": _source(
        parameters={**RECORD.source.parameters, "weights": "b.safetensors"}, changed={"weights": "b.safetensors"}
    ),
    "what the weights say of themselves": _source(trained={}),
    "the machine": replace(RECORD, provenance={"seed": 0, "git": None}),
    "what came of it": replace(RECORD, metrics=(), failure=Failure("ValueError", "no", "")),
    "the dataset's name": replace(RECORD, dataset=replace(RECORD.dataset, name="cmu-mocap")),
}

OTHER = {
    "name": _source(name="martinez"),
    "kind": _source(kind="image model"),
    "a parameter": _source(parameters={**RECORD.source.parameters, "delta_x_mm": 250.0}),
    "weights": _source(weights="cd" * 32),
    "another's distribution": _source(distribution="elsewhere 0.1.0 sha256:0a"),
    "another's newer version": _source(distribution="elsewhere 0.2.0 sha256:0a"),
    "another's edited code": _source(distribution="elsewhere 0.1.0 sha256:0b"),
    "a file": _source(distribution="file mine.py"),
    "another file": _source(distribution="file yours.py"),
    "no refiner": replace(RECORD, refiner=None),
    "the refiner's parameter": replace(RECORD, refiner=Part("refiner", "geosearch", {"objective": "l1"})),
    "the evaluator": replace(RECORD, evaluator=Part("evaluator", "mpi-inf-3dhp")),
    "data": replace(RECORD, dataset=replace(RECORD.dataset, fingerprint="beef" * 16)),
    "seed": replace(RECORD, provenance={**RECORD.provenance, "seed": 1}),
    "protocol": replace(RECORD, protocol={**RECORD.protocol, "root_counted": False}),
    "1 is not true": replace(RECORD, protocol={**RECORD.protocol, "root_counted": 1}),
}


@pytest.mark.parametrize("case", SAME)
def test_the_same_cell(case: str) -> None:
    assert identity(SAME[case]) == identity(RECORD)


def test_every_other_cell_has_an_identity_of_its_own(tmp_path: Path) -> None:
    records = [RECORD, *OTHER.values()]
    assert len({identity(r) for r in records}) == len(records)
    assert len({record_path(tmp_path, r) for r in records}) == len(records)


def test_where_weights_lie_matters_while_no_hash_tells_them_apart() -> None:
    one, other = (_source(weights=None, parameters={"weights": name}) for name in ("a", "b"))
    assert identity(one) != identity(other)


def test_identity_survives_the_disk(tmp_path: Path) -> None:
    assert identity(read_record(write_record(tmp_path, RECORD))) == identity(RECORD)


def test_the_place_of_a_record() -> None:
    path = record_path(Path("results"), RECORD)
    assert path == Path(f"results/records/h36m-p1/cmu/stereo+geosearch-{identity(RECORD)[:8]}.json")
    bare = replace(RECORD, refiner=None)
    assert record_path(Path("results"), bare).name == f"stereo-{identity(bare)[:8]}.json"


@pytest.mark.parametrize("name", ["vendor/model", "..", "../../etc", "", "ü|走", "a:b=c,d\n", "x" * 300, "NUL\0"])
def test_any_name_makes_a_safe_path(name: str, tmp_path: Path) -> None:
    record = replace(
        RECORD,
        source=replace(RECORD.source, name=name, parameters={"text": "a/b\0|:*?"}),
        dataset=replace(RECORD.dataset, name=name),
        evaluator=replace(RECORD.evaluator, name=name),
    )
    path = write_record(tmp_path, record)
    assert len(path.resolve().relative_to(tmp_path.resolve()).parts) == 4
    assert path.name.isascii()
    assert read_records(tmp_path) == (record,)


def test_records_are_read_in_the_order_of_their_paths_and_nothing_else_is(tmp_path: Path) -> None:
    paths = [write_record(tmp_path, r) for r in (*OTHER.values(), RECORD)]
    (paths[0].parent / ".stereo-1.json.77.partial").write_text("{")
    (paths[0].parent / "notes.txt").write_text("not a record")
    found = [record_path(tmp_path, r) for r in read_records(tmp_path)]
    assert found == sorted(paths)
    assert read_records(tmp_path / "nowhere") == ()


def test_a_record_that_does_not_lie_at_its_place_is_refused(tmp_path: Path) -> None:
    path = write_record(tmp_path, RECORD)
    path.write_text(path.read_text().replace('"delta_x_mm": 500.0', '"delta_x_mm": 501.0'))
    with pytest.raises(WrongDocument, match=r"stereo\+geosearch-\w{8}\.json: what it records belongs at .*records/"):
        read_records(tmp_path)
