"""How many labels are made a second, and in how much memory, for a small and a large 2D dataset.

People drawn from the motion prior are filmed and their keypoints disturbed; each dataset is labelled by a process of
its own, whose processor time and peak resident memory are read when it ends. What it costs to start is what labelling a
handful of people takes.

Run: python benchmarks/bench_labels.py [PEOPLE] [LIFTER] [REFINER], or pytest benchmarks/bench_labels.py -s
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from measure import Row, benchmarked, printed

from benchsuite.datasets.column_writer import ColumnWriter
from benchsuite.datasets.columns import About, Clip
from benchsuite.datasets.dataset import describe_dataset
from benchsuite.filming import place_cameras
from benchsuite.synthetic.source import SyntheticMotion

PEOPLE, CHUNK, HANDFUL = 400_000, 20_000, 100
NOISE_PX, MISSING = 3.0, 0.03
LAYOUT = {
    "uv": ("float32", (17, 2)),
    "visible": ("bool", (17,)),
    "focal": ("float32", (2,)),
    "center": ("float32", (2,)),
    "clip": ("int32", ()),
    "frame": ("int32", ()),
}


def make_people(folder: Path, count: int) -> None:
    """Write a 2D dataset of ``count`` people, a few at a time."""
    motion = SyntheticMotion()
    with ColumnWriter(folder, LAYOUT, {"people": count}) as writer:
        for start in range(0, count, CHUNK):
            rng = np.random.default_rng((0, start))
            some = min(CHUNK, count - start)
            world = motion.poses(rng, some).astype(np.float64)
            cameras = place_cameras(rng, world[:, 0])
            uv = cameras.project(cameras.see(world)) + rng.normal(0.0, NOISE_PX, (some, 17, 2))
            visible = rng.random((some, 17)) >= MISSING
            visible[:, 0] = True
            columns = {
                "uv": uv,
                "visible": visible,
                "focal": cameras.focal,
                "center": cameras.center,
                "clip": np.zeros(some),
                "frame": np.arange(start, start + some),
            }
            writer.append({name: column.astype(LAYOUT[name][0]) for name, column in columns.items()})
        writer.commit(count)
        about = About("made-up", "", "H36M_17", 0.0, "none", "drawn from the motion prior", intrinsics="unknown")
        describe_dataset(folder, about, writer.columns(), (Clip("people"),))
        writer.forget()


def label(source: Path, out: Path, lifter: str, refiner: str) -> tuple[float, float, float]:
    """Seconds that labelling took, start of the process included, processor seconds, peak resident memory in bytes."""
    command = [sys.executable, __file__, "--measured", "label", "--data", str(source), "--lifter", lifter]
    command += ["--refiner", refiner, "-o", str(out)]
    start = perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    seconds = perf_counter() - start
    busy, peak = map(float, done.stdout.splitlines()[-1].split())
    return seconds, busy, peak


def measured(words: list[str]) -> None:
    """Run the command line on ``words``, then print this process' seconds of processor and peak resident bytes."""
    from benchsuite.cli import main as command_line

    if command_line(words):
        sys.exit(1)
    usage, status = resource.getrusage(resource.RUSAGE_SELF), Path("/proc/self/status").read_text(encoding="ascii")
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    print(usage.ru_utime + usage.ru_stime, 1024 * peak)  # not ru_maxrss, which begins with the parent's


def rows(people: int = PEOPLE, lifter: str = "stereo", refiner: str = "geosearch") -> Iterator[Row]:
    """Labels a second and memory of many people beside a tenth of them."""
    with tempfile.TemporaryDirectory() as scratch:
        found = []
        for count in (HANDFUL, people // 10, people):
            source = Path(scratch) / f"people-{count}"
            make_people(source, count)
            found.append(label(source, Path(scratch) / f"labels-{count}", lifter, refiner))
        (start, _, _), (few, _, small), (many, _, large) = found
        path, tenth = f"label by {lifter} and {refiner}, {people:,} people", "a tenth of them"
        yield Row.of(path, people / (many - start), "labels/s", people / 10 / (few - start), tenth)
        yield Row.of(f"{path}: peak memory", large / 1e6, "MB", small / 1e6, tenth, most=1.3)


def test_labels(benchmark: Any) -> None:
    benchmarked(benchmark, rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measured"]:
        measured(sys.argv[2:])
    else:
        printed(rows(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE, *sys.argv[2:4]))
