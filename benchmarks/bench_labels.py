"""How many labels are made a second, and in how much memory, for a small and a large 2D dataset.

People drawn from the motion prior are filmed and their keypoints disturbed; each dataset is labelled by a process of
its own, whose processor time and peak resident memory are read when it ends. What it costs to start is what labelling a
handful of people takes.

Run: python benchmarks/bench_labels.py [--lifter NAME] [--refiner NAME] [PEOPLE ...]
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

from benchsuite.column_writer import ColumnWriter
from benchsuite.columns import About, Clip
from benchsuite.dataset import describe_dataset
from benchsuite.filming import place_cameras
from benchsuite.synthetic.source import SyntheticMotion

CHUNK, HANDFUL = 20_000, 100
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
    unit = 1 if sys.platform == "darwin" else 1024
    usage = resource.getrusage(resource.RUSAGE_SELF)
    print(usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def main(counts: list[int], lifter: str, refiner: str) -> None:
    """Print a line per dataset."""
    print(f"{lifter}, {refiner}")
    print(f"{'people':>10}{'s':>8}{'cpu s':>8}{'labels/s':>10}{'cpu ms/label':>14}{'peak MB':>10}{'kept':>8}")
    with tempfile.TemporaryDirectory() as scratch:
        started = busy_at_start = 0.0
        for count in (HANDFUL, *counts):
            source, out = Path(scratch) / f"people-{count}", Path(scratch) / f"labels-{count}"
            make_people(source, count)
            seconds, busy, peak = label(source, out, lifter, refiner)
            rate = each = "start"
            if count == HANDFUL:
                started, busy_at_start = seconds, busy
            else:
                rate = f"{count / (seconds - started):,.0f}"
                each = f"{1e3 * (busy - busy_at_start) / count:.3f}"
            kept = len(np.load(out / "row.npy", mmap_mode="r")) / count
            print(f"{count:10,}{seconds:8.1f}{busy:8.1f}{rate:>10}{each:>14}{peak / 1e6:10.0f}{kept:8.1%}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measured"]:
        measured(sys.argv[2:])
    else:
        parser = argparse.ArgumentParser(description=__doc__)
        parser.add_argument("people", type=int, nargs="*", default=[40_000, 400_000])
        parser.add_argument("--lifter", default="stereo")
        parser.add_argument("--refiner", default="geosearch")
        args = parser.parse_args()
        main(args.people, args.lifter, args.refiner)
