"""Where a record comes from: all that matters, and no place on the machine."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import toys
from benchsuite_registry.loading import load_registries
from matrices import matrix, run

from benchsuite.cli import main
from benchsuite.leaderboard.fingerprints import fingerprint_of
from benchsuite.leaderboard.standings import contest
from benchsuite.records.results import Record, identity
from benchsuite.running.cluster import versions_of
from benchsuite.running.pipeline import Settings
from benchsuite.running.provenance import blamed, commit_of, hash_of_source, portable


def test_provenance_tells_all_and_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    asked = matrix("toy:off_mm=34", refiners=("toy-back:back_mm=17",), settings=Settings(5, 7), limit=9)
    (record,) = run(asked, tmp_path)
    told = record.provenance
    assert told["command"] == (
        "benchsuite run --lifter toy:off_mm=34.0 --refiner toy-back:back_mm=17.0 --evaluator toy-error "
        "--dataset toy --seed 5 --batch 7 --device cpu --limit 9"
    )
    assert told["plugins"] == ["toys 1.0"]
    assert told["python"] == ".".join(map(str, sys.version_info[:3]))
    assert told["torch"] == torch.__version__
    assert (told["seed"], told["device"].partition(":")[0]) == (5, "cpu")
    assert told["seconds"] < 60
    assert record.protocol == {"joints": 17, "keypoints": "projected", "fps": 10.0}


def test_a_plugin_file_is_told_by_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edited one is another cell: its number is measured anew."""
    monkeypatch.chdir(tmp_path)
    file, found = tmp_path / "a flat.py", []
    for more in ("", "\n# edited\n"):
        file.write_text(Path(toys.__file__).read_text(encoding="utf-8") + more, encoding="utf-8")
        (record,) = run(matrix("toy", known=load_registries([file])), tmp_path)
        found.append(record)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        assert record.source.distribution == f"file a flat.py sha256:{digest[:12]}"
        assert record.provenance["command"].endswith(" --plugin 'a flat.py'")
    assert len(list((tmp_path / "records").rglob("*.json"))) == 2
    assert identity(found[0]) != identity(found[1])
    assert fingerprint_of(found[0]) != fingerprint_of(found[1]), "the evaluator was edited too"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with a new distribution, as ``pip install -e`` leaves one."""
    monkeypatch.chdir(tmp_path)
    assert main(["plugins", "new", "my-lifters"]) == 0
    released(tmp_path / "my-lifters", "0.1.0")
    monkeypatch.syspath_prepend(tmp_path / "my-lifters")
    yield tmp_path / "my-lifters"
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_lifters"]:
        del sys.modules[name]


def released(site: Path, version: str) -> None:
    dist = site / "my_lifters.dist-info"
    dist.mkdir(exist_ok=True)
    (dist / "METADATA").write_text(f"Metadata-Version: 2.1\nName: my-lifters\nVersion: {version}\n")
    (dist / "entry_points.txt").write_text("[benchsuite]\nmy-lifters = my_lifters\n")


def test_an_edited_or_newer_plugin_is_measured_anew(site: Path, tmp_path: Path) -> None:
    def measured() -> tuple[Record, int]:
        (record,) = run(matrix("my-lifters", known=load_registries([Path(toys.__file__)])), tmp_path)
        return record, len(list((tmp_path / "records").rglob("*.json")))

    first, count = measured()
    files = {name: site / "my_lifters" / name for name in ("__init__.py", "lifter.py")}
    lines = [f"my_lifters/{name} {hashlib.sha256(file.read_bytes()).hexdigest()}\n" for name, file in files.items()]
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()[:12]
    assert (first.source.distribution, count) == (f"my-lifters 0.1.0 sha256:{digest}", 1)
    (site / "my_lifters" / "notes.txt").write_text("of no consequence")
    assert measured() == (first, 1)
    terms = versions_of(["my-lifters"])
    files["lifter.py"].write_text(files["lifter.py"].read_text() + "\n# edited\n")
    edited, count = measured()
    assert (edited.source.distribution[:17], count) == ("my-lifters 0.1.0 ", 2)
    assert versions_of(["my-lifters"]) != terms, "a worker that has the old source is refused"
    released(site, "0.2.0")
    newer, count = measured()
    assert (newer.source.distribution, count) == (edited.source.distribution.replace("0.1.0", "0.2.0"), 3)
    old, new = digest[:8], edited.source.distribution.partition("sha256:")[2][:8]
    for records, marks in (
        ([first], [""]),
        ([first, edited], [f" {old}", f" {new}"]),
        ([edited, newer], [" 0.1.0", " 0.2.0"]),
        ([first, edited, newer], [f" 0.1.0 {old}", f" 0.1.0 {new}", f" 0.2.0 {new}"]),
    ):
        assert {s.method for s in contest(records).standings} == {f"my-lifters{mark}" for mark in marks}


def test_source_is_hashed_without_being_imported_the_same_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for place, content in (("one", "raise OSError"), ("two", "raise OSError"), ("three", "raise KeyError")):
        (tmp_path / place / "unloadable" / "deep").mkdir(parents=True)
        for file in ("unloadable/deep/b.py", "unloadable/a.py", "unloadable/__init__.py", "unloadable_alone.py"):
            (tmp_path / place / file).write_text(content)
        with monkeypatch.context() as patch:
            patch.syspath_prepend(tmp_path / place)
            found.append((hash_of_source(["unloadable.deep.b"]), hash_of_source(["unloadable_alone"])))
    assert found[0] == found[1]
    assert len({*found[0], *found[2]}) == 4


def test_failures_name_no_place_on_the_machine(tmp_path: Path) -> None:
    run(matrix("toy:does=breaks"), tmp_path)
    (file,) = tmp_path.rglob("*.json")
    document = json.loads(file.read_text())
    assert "toys.py" in document["failure"]["traceback"]
    for root in (Path(__file__).parents[1], Path(sys.prefix), Path(torch.__file__).parents[1], Path.home(), tmp_path):
        if str(root) != "/":
            assert f"{root}/" not in file.read_text()


@pytest.mark.parametrize(
    ("text", "portable_text"),
    [
        ("no /nowhere/of/mine/file.pt here", "no file.pt here"),
        ("'/nowhere/file.pt': missing", "'file.pt': missing"),
        ("5 mm/px and https://example.org/a/b", "5 mm/px and https://example.org/a/b"),
        (f"{Path(torch.__file__).parent}/nn/x.py", "torch/nn/x.py"),
        ("folder/file.pt", "folder/file.pt"),
    ],
)
def test_absolute_paths_are_cut(text: str, portable_text: str) -> None:
    assert portable(text) == portable_text


@pytest.mark.parametrize(
    ("who", "message", "told"),
    [
        ("lifter a", "no", "lifter a: no"),
        ("lifter a", "", "lifter a"),
        ("", "no", "no"),
        ("lifter a", "lifter a: wanted 4 poses", "lifter a: wanted 4 poses"),
        ("lifter a", "lifter a-b is odd", "lifter a: lifter a-b is odd"),
        ("lifter a:weights=/nowhere/w.pt", "lifter a:weights=/nowhere/w.pt: no", "lifter a:weights=w.pt: no"),
    ],
)
def test_messages_name_whom_they_are_about_once(who: str, message: str, told: str) -> None:
    assert blamed(who, message) == told


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    return subprocess.run(("git", *identity, *words), cwd=folder, check=True, capture_output=True, text=True).stdout


def test_a_commit_is_dirty_only_by_code(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "code.py").write_text("1\n")
    assert commit_of(package) is None
    git(tmp_path, "init", "-q")
    assert commit_of(package) is None, "a checkout that does not track the package is not its own"
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "first")
    commit = git(tmp_path, "rev-parse", "HEAD").strip()
    assert commit_of(package) == {"commit": commit, "dirty": False}
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "record.json").write_text("{}")
    assert commit_of(package) == {"commit": commit, "dirty": False}
    (package / "more.py").write_text("2\n")
    assert commit_of(package) == {"commit": commit, "dirty": True}
