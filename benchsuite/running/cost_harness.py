"""One harness for what methods cost: the same poses, warmed up, timed call by call, threads and device named."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
import torch
from benchsuite_registry.poses import Camera, ImageBatch

from benchsuite.datasets.dataset import Dataset
from benchsuite.records.cost import Cost, Latency
from benchsuite.running.methods import Method
from benchsuite.running.provenance import described, environment
from benchsuite.running.stages import WATCHER, name_of

WARM_UP_CALLS, FEWEST_CALLS, MOST_CALLS = 3, 5, 200
LONGEST_S = 2.0
"""Calls of one size are timed for so long, but for ``FEWEST_CALLS`` of them."""

BATCHES, IMAGE_BATCHES = (1, 4096), (1, 64)
"""Poses a call; of image models, pictures."""

_IMAGE_FOCAL_PX = 1000.0
_MIB = 2**20


def measure_cost(
    method: Method,
    dataset: Dataset,
    device: torch.device,
    threads: int = 1,
    batches: Sequence[int] | None = None,
    command: str = "",
) -> Cost:
    """What ``method`` costs on ``device``.

    Input is on the device already and predictions stay there: no transfer is timed. What the first calls do once, such
    as compiling, is not timed either.

    Args:
        method: to measure.
        dataset: whose keypoints are lifted, over and over if there are too few; image models are shown noise.
        device: where.
        threads: that computations on the CPU may use.
        batches: poses a call, ascending.
        command: that measures it again.
    """
    is_image = method.source.registry.kind == "image model"
    sizes = tuple(batches or (IMAGE_BATCHES if is_image else BATCHES))
    with _threads(threads), torch.inference_mode():
        used = _memory(device)
        components = [component for component in (method.source, method.refiner) if component]
        parts = [_built(component, device) for component in components]
        refiner = parts[1] if method.refiner else None
        WATCHER.get()(" + ".join(map(name_of, components)))
        latencies = []
        peak, wall, own = 0.0, perf_counter(), process_time()
        for size in sizes:
            call = _call(parts[0], refiner, _input(parts[0], dataset, size, device, is_image=is_image))
            with _watched(device) as most:
                latencies.append(_timed(call, size, device))
            peak = max(peak, most())
        computing = min(1.0, (process_time() - own) / (perf_counter() - wall))
    return Cost(
        source=described(method.source),
        refiner=described(method.refiner) if method.refiner else None,
        device=environment(device)["device"],
        threads=threads,
        parameters=sum(map(parameters_of, parts)),
        latencies=tuple(latencies),
        computing=round(computing, 3),
        peak_mib=round(max(0.0, peak - used) / _MIB, 1),
        provenance={**environment(device), "command": command},
    )


def parameters_of(made: object) -> int:
    """How many trained numbers a component holds: those of the modules that it is or has among its attributes."""
    held = [made] if isinstance(made, torch.nn.Module) else getattr(made, "__dict__", {}).values()
    modules = [one for one in held if isinstance(one, torch.nn.Module)]
    return sum(p.numel() for p in {id(p): p for p in chain(*(m.parameters() for m in modules))}.values())


def _built(component: Any, device: torch.device) -> Any:
    WATCHER.get()(name_of(component))
    made = component.build()
    if callable(move := getattr(made, "to", None)):
        move(device)
    return made


def _input(made: Any, dataset: Dataset, size: int, device: torch.device, *, is_image: bool) -> Any:
    rows = np.arange(size) % len(dataset)
    if not is_image:
        return dataset.keypoints(rows).to(device)
    noise = torch.rand((size, 3, made.size, made.size), generator=torch.Generator().manual_seed(0))
    camera = Camera(torch.full((size, 2), _IMAGE_FOCAL_PX), torch.full((size, 2), made.size / 2))
    return ImageBatch(noise, camera, torch.arange(size)).to(device)


def _call(source: Any, refiner: Any, given: Any) -> Callable[[], object]:
    def call() -> object:
        keypoints, poses = source.predict(given) if isinstance(given, ImageBatch) else (given, source.lift(given))
        return refiner.refine(poses, keypoints) if refiner else poses

    return call


def _timed(call: Callable[[], object], size: int, device: torch.device) -> Latency:
    def once() -> float:
        start = perf_counter()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return perf_counter() - start

    for _ in range(WARM_UP_CALLS):
        once()
    seconds: list[float] = []
    while len(seconds) < FEWEST_CALLS or (sum(seconds) < LONGEST_S and len(seconds) < MOST_CALLS):
        seconds.append(once())
    low, median, high = (round(1000.0 * float(q), 4) for q in np.quantile(seconds, (0.1, 0.5, 0.9)))
    return Latency(size, median, low, high, len(seconds))


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _memory(device: torch.device) -> float:
    """Bytes in use: of the device on CUDA, else of the process."""
    return float(torch.cuda.memory_allocated(device)) if device.type == "cuda" else _status("VmRSS")


@contextmanager
def _watched(device: torch.device) -> Iterator[Callable[[], float]]:
    """Tells, once left, the most bytes that were in use meanwhile."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        yield lambda: float(torch.cuda.max_memory_allocated(device))
    else:
        _forget_peak()
        yield lambda: _status("VmHWM")


def _forget_peak() -> None:
    """Let the process' peak begin anew, where the system can do so; elsewhere it stays that of its whole life."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _status(key: str) -> float:
    """A size that Linux keeps of the process, bytes; elsewhere the most that it ever used."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        import resource

        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * (
            1 if os.uname().sysname == "Darwin" else 1024
        )
    found = re.search(rf"^{key}:\s+(\d+) kB", lines, re.MULTILINE)
    return float(found[1]) * 1024 if found else float("nan")
