"""What a whole pass costs beside the lifter's matrix products, in how much memory, and how it grows with the work.

Every now and then, between batches of the pass, the products of one batch are made alone, so that both meet the same
machine, whatever else it does. Memory is that of processes of their own: the peak of what is not mapped from a file.
There the lifter is the floor ``mean-pose``, since what flows is the same.

Run: python benchmarks/bench_run.py [POSES] [POSES OF THE LARGE DATASET], or pytest benchmarks/bench_run.py -s
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from benchsuite_lifters.inference import ROWS
from benchsuite_registry.loading import load_registries
from made_up import make_dataset
from measure import Row, benchmarked, median_ratio, printed, turns
from torch import Tensor

from benchsuite.datasets.dataset import Dataset, open_dataset
from benchsuite.running.pipeline import Branch, Outcome, Settings, run_pass

POSES, SMALL, LARGE, DOUBLED = 550_000, 50_000, 5_000_000, 100_000
EVERY = 8
SHAPES = ((34, 1024), *((1024, 1024),) * 4, (1024, 34), (68, 1024), *((1024, 1024),) * 4, (1024, 51))
"""Of the matrices that a pose meets in the stereo lifter."""


def rows(poses: int = POSES, large: int = LARGE) -> Iterator[Row]:
    """Seconds beside the products', growth when the work doubles, memory."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = make_dataset(Path(scratch) / "poses", poses)
        go("stereo", open_dataset(make_dataset(Path(scratch) / "first", 1000)))  # whatever is compiled at its first use
        yield from beside_products(open_dataset(folder))
        yield command(folder, poses)
        yield from scaling(Path(scratch))
        yield from doubling(Path(scratch))
        yield from memory(Path(scratch), large)


def beside_products(dataset: Dataset) -> Iterator[Row]:
    """Seconds of the pass and of the products that it contains."""
    done = spent = 0.0
    taken: dict[str, list[float]] = {"mm": [], "oneDNN": []}
    products = {"mm": plain_products(), "oneDNN": packed_products()}

    def advance(samples: int) -> None:
        nonlocal done, spent
        done += 1
        if done % EVERY == 1:
            start = perf_counter()
            for name, layers in products.items():
                begin = perf_counter()
                for layer in layers:
                    layer()
                taken[name].append(perf_counter() - begin)
            spent += perf_counter() - start

    start = perf_counter()
    go("stereo", dataset, advance)
    seconds = perf_counter() - start - spent
    for name, target in (("oneDNN", 1.35), ("mm", 1.35)):
        limit = sum(taken[name]) / len(taken[name]) * len(dataset) / ROWS
        path = f"stereo + geosearch + h36m-p1, {len(dataset):,} poses"
        yield Row.of(path, seconds, "s", limit, f"its products by {name}", most=target)


def command(folder: Path, poses: int) -> Row:
    """The command as one types it, from start to exit; products before and after it."""
    words = ["run", "--lifter", "stereo", "--refiner", "geosearch", "--evaluator", "h36m-p1", "--dataset", str(folder)]
    products = packed_products()

    def whole() -> None:
        with tempfile.TemporaryDirectory() as results:
            command = [sys.executable, "-m", "benchsuite", *words, "-o", results]
            subprocess.run(command, check=True, capture_output=True)

    def alone() -> None:
        for _ in range(poses // ROWS):
            for layer in products:
                layer()

    limits, wholes = turns(alone, whole, rounds=2)
    path = f"`benchsuite run` of the same, {poses:,} poses, from start to exit"
    return Row.of(path, min(wholes), "s", min(limits), "its products by oneDNN", most=1.35)


def scaling(scratch: Path) -> Iterator[Row]:
    """One thread against as many as there are cores."""
    dataset, cores = open_dataset(make_dataset(scratch / "scaling", DOUBLED)), torch.get_num_threads()

    def by(threads: int) -> None:
        torch.set_num_threads(threads)
        go("stereo", dataset)

    one, all_cores = turns(lambda: by(1), lambda: by(cores), rounds=3)
    ratio = median_ratio(one, all_cores)
    yield Row(f"the same, {DOUBLED:,} poses, {cores} threads against one", min(all_cores), "s", min(one), "one", ratio)


def doubling(scratch: Path) -> Iterator[Row]:
    """Twice the poses; rounds of one and the other take turns."""
    one, two = (open_dataset(make_dataset(scratch / f"{k}", k * DOUBLED)) for k in (1, 2))
    once, twice = turns(lambda: go("stereo", one), lambda: go("stereo", two), rounds=3)
    ratio = median_ratio(twice, once)
    path = f"the same, {2 * DOUBLED:,} poses against {DOUBLED:,}"
    yield Row(path, min(once) * ratio, "s", min(once), "half of them", ratio, least=1.9, most=2.1)


def memory(scratch: Path, large: int) -> Iterator[Row]:
    """Peaks of two processes."""
    few, many = (peak(make_dataset(scratch / f"memory-{count}", count)) for count in (SMALL, large))
    path = f"peak memory of {large:,} poses, mean-pose + geosearch + h36m-p1"
    yield Row.of(path, many, "MB", few, f"of {SMALL:,}", most=1.3)


def peak(folder: Path) -> float:
    """MB that a pass over the dataset takes at most in a process of its own, beside mapped files."""
    done = subprocess.run([sys.executable, __file__, "--peak", folder], check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def watched(folder: Path) -> float:
    """The same for this process."""
    most, over = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.01):
            status = Path("/proc/self/status").read_text(encoding="ascii")
            most = max(most, *(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")))

    watcher = threading.Thread(target=watch)
    watcher.start()
    go("mean-pose", open_dataset(folder))
    over.set()
    watcher.join()
    return most / 1e3


def go(lifter: str, dataset: Dataset, advance: Any = lambda samples: None) -> Outcome:
    """The pass. Fails loudly: a broken pass is fast."""
    known = load_registries()
    branch = Branch(known.refiners.parse("geosearch"), known.evaluators.parse("h36m-p1"))
    (outcome,) = run_pass(known.lifters.parse(lifter), [branch], dataset, Settings(), advance)
    assert outcome.failure is None, outcome.failure
    return outcome


def plain_products() -> list[Any]:
    """Those of one batch by torch's ``mm``."""

    def layer(size: tuple[int, int]) -> Any:
        a, w, into = torch.randn(ROWS, size[0]), torch.randn(size), torch.empty(ROWS, size[1])
        return lambda: torch.mm(a, w, out=into)

    return [layer(size) for size in SHAPES]


def packed_products() -> list[Any]:
    """The same by oneDNN, as the lifter makes them."""

    def layer(size: tuple[int, int]) -> Any:
        a, w = torch.randn(ROWS, size[0]), torch.randn(size[1], size[0])
        packed: Tensor = torch.ops.mkldnn._reorder_linear_weight(w, ROWS)
        return lambda: torch.ops.mkldnn._linear_pointwise(a, packed, None, "none", [], "")

    return [layer(size) for size in SHAPES]


def test_run(benchmark: Any) -> None:
    benchmarked(benchmark, rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peak"]:
        torch.set_num_threads(1)
        print(watched(Path(sys.argv[2])))
    else:
        printed(rows(*map(int, sys.argv[1:3])))
