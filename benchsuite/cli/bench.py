"""``benchsuite bench``: how fast this machine is at it, beside what limits it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchsuite.cli import ALL_GOOD, SOME_FAILED, UsageError
from benchsuite.documents import check_place

HELP = """Time what is worth timing, each beside its limit measured in the same run, and print a table that says on what
machine. Needs a checkout, where the folder `benchmarks` is, and the extra `test`."""

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("name", nargs="*", metavar="NAME", help="such as metrics; default: all")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE.md", help="write the table here; default: print it")


def main(args: argparse.Namespace) -> int:
    """Run benchmarks, put their rows into a table; 1 if one failed, not if one is slow."""
    files = _files(args.name)
    if find_spec("pytest_benchmark") is None:
        raise UsageError("benchmarks need pytest-benchmark: pip install 'benchsuite[test]'")
    if args.out:
        check_place(args.out)
    with tempfile.TemporaryDirectory() as folder:
        measured = Path(folder) / "measured.json"
        words = ["-q", "-s", "-n0", "--benchmark-enable", "--benchmark-quiet", f"--benchmark-json={measured}"]
        alone = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_XDIST")}
        command = [sys.executable, "-m", "pytest", *words, *map(str, files)]
        ended = subprocess.run(command, stdout=2, env=alone, check=False)
        whole = measured.is_file() and measured.stat().st_size > 0
        found = json.loads(measured.read_text(encoding="utf-8"))["benchmarks"] if whole else []
    table = "\n".join(_table([row for one in found for row in one["extra_info"].get("rows", ())]))
    if args.out:
        args.out.write_text(f"{table}\n", encoding="utf-8")
    else:
        print(table)
    return SOME_FAILED if ended.returncode else ALL_GOOD


def _files(names: Sequence[str]) -> list[Path]:
    there = {file.stem.removeprefix("bench_"): file for file in sorted(FOLDER.glob("bench_*.py"))}
    if not there:
        raise UsageError(
            f"wanted a checkout with the folder {FOLDER.name}, which is not installed; clone the repository"
        )
    if unknown := [name for name in names if name not in there]:
        raise UsageError(f"benchmark {unknown[0]!r}: wanted one of {', '.join(there)}")
    return [there[name] for name in names or there]


def _table(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "# Benchmarks"
    yield ""
    yield from (f"* {line}" for line in _machine())
    yield ""
    yield "Every limit was measured in turns with its path: compare ratios, and figures of one table alone."
    yield ""
    yield "| path | figure | limit of the same run | ratio | wanted |"
    yield "|:---|---:|---:|---:|---:|"
    for row in rows:
        least, most, ratio = row["least"], row["most"], row["ratio"]
        bounds = (("at least", least), ("at most", most))
        wanted = " and ".join(f"{word} {bound:,g}" for word, bound in bounds if bound is not None)
        missed = (least is not None and ratio < least) or (most is not None and ratio > most)
        figure, limit = (f"{_rounded(row[key])} {row['unit']}" for key in ("figure", "limit"))
        cells = (row["path"], figure, f"{row['limit_name']}: {limit}", _rounded(ratio), wanted + ": missed" * missed)
        yield f"| {' | '.join(cells)} |"


def _rounded(value: float) -> str:
    """To three digits, or whole."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _machine() -> Iterator[str]:
    import torch

    from benchsuite.running.provenance import environment

    devices = [torch.device("cpu"), *([torch.device("cuda")] if torch.cuda.is_available() else [])]
    found = [environment(device) for device in devices]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    yield f"{'; '.join(one['device'] for one in found)}; {os.cpu_count()} cores, {memory:.0f} GiB; {platform.system()}"
    yield f"load of the last 1, 5 and 15 minutes at the end: {busy}"
    yield (
        ", ".join(f"{name} {_version(name)}" for name in ("torch", "numpy", "numba")) + f", Python {found[0]['python']}"
    )
    yield f"{torch.get_num_threads()} threads"
    if git := found[0]["git"]:
        yield f"commit {git['commit'][:10]}{', changed since' * git['dirty']}"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
