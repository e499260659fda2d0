"""``benchsuite bench``: rows of benchmark modules become a table, in a run of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from benchsuite.cli import bench, main

pytest.importorskip("pytest_benchmark")

MEASURED = """
def test_one(benchmark):
    benchmark.pedantic(lambda: None)
    row = {"path": "to work", "figure": 1234.4, "unit": "m/s", "limit": 2.0, "limit_name": "light"}
    benchmark.extra_info["rows"] = [
        {**row, "ratio": 617.2, "least": 0.85, "most": None},
        {**row, "ratio": 2.2, "least": 1.9, "most": 2.1},
        {**row, "ratio": 0.5, "least": None, "most": None},
    ]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(bench, "FOLDER", tmp_path / "benchmarks")
    bench.FOLDER.mkdir()
    (bench.FOLDER / "bench_one.py").write_text(MEASURED)
    (bench.FOLDER / "bench_two.py").write_text("def test_two(benchmark):\n    benchmark(lambda: 1 / 0)\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    return tmp_path


def test_rows_become_a_table_that_names_the_machine(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "one", "-o", str(folder / "new" / "table.md")]) == 0
    assert capfd.readouterr().out == ""
    lines = (folder / "new" / "table.md").read_text(encoding="utf-8").splitlines()
    assert lines[-3:] == [
        "| to work | 1,234 m/s | light: 2 m/s | 617 | at least 0.85 |",
        "| to work | 1,234 m/s | light: 2 m/s | 2.2 | at least 1.9 and at most 2.1: missed |",
        "| to work | 1,234 m/s | light: 2 m/s | 0.5 |  |",
    ]
    assert any(line.startswith("* cpu: ") and "cores" in line for line in lines)


def test_one_that_fails_leaves_the_rest(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["bench"]) == 1
    assert capfd.readouterr().out.count("| to work |") == 3


def test_what_cannot_be_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "three"]) == 2
    assert "benchmark 'three': wanted one of one, two" in capsys.readouterr().err
    for file in bench.FOLDER.iterdir():
        if file.is_file():
            file.unlink()
    assert main(["bench"]) == 2
    assert "wanted a checkout with the folder benchmarks, which is not installed" in capsys.readouterr().err


def test_a_table_that_cannot_be_written_is_refused_before_anything_is_measured(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("it measures"))
    for place, message in ((folder, "found a folder"), (folder / "pytest.ini" / "x.md", "cannot write x.md")):
        assert main(["bench", "-o", str(place)]) == 2
        assert message in capsys.readouterr().err


def test_all_benchmarks_give_rows_as_tests() -> None:
    files = (Path(__file__).parents[1] / "benchmarks").glob("bench_*.py")
    texts = {file.name: file.read_text(encoding="utf-8") for file in files}
    assert [name for name, text in texts.items() if "\ndef rows(" not in text] == []
    assert [name for name, text in texts.items() if "    benchmarked(benchmark, rows)\n" not in text] == []
