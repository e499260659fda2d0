"""What every benchmark gives: rows of a figure, the limit that was measured in the same run, and their ratio.

A module ``bench_*.py`` has a function ``rows()`` that gives them one by one. Its numbers are the best or the median of
several that took turns, since the machine may have other work; what is compared is compared within one run.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter
from typing import Any


@dataclass(frozen=True)
class Row:
    """One path, measured.

    Attributes:
        path: what was done.
        figure: how fast, how long or how much.
        unit: of it.
        limit: what it is held against, in the same unit.
        limit_name: what that is.
        ratio: of figure and limit.
        least: what the ratio should be at least; None where there is no such target.
        most: what it should be at most.
    """

    path: str
    figure: float
    unit: str
    limit: float
    limit_name: str
    ratio: float
    least: float | None = None
    most: float | None = None

    @classmethod
    def of(
        cls,
        path: str,
        figure: float,
        unit: str,
        limit: float,
        limit_name: str,
        *,
        least: float | None = None,
        most: float | None = None,
    ) -> Row:
        """A row whose ratio is the figure over its limit."""
        return cls(path, figure, unit, limit, limit_name, figure / limit, least, most)

    @property
    def target(self) -> str:
        """What the ratio should be, in words; empty where nothing is asked."""
        bounds = [f"at least {self.least:g}"] if self.least is not None else []
        return " and ".join([*bounds, *([f"at most {self.most:g}"] if self.most is not None else [])])

    @property
    def is_met(self) -> bool:
        """Whether the ratio is as asked."""
        low, high = (-float("inf") if self.least is None else self.least), self.most
        return low <= self.ratio and (high is None or self.ratio <= high)

    def __str__(self) -> str:
        wanted = f" (wanted {self.target}{'' if self.is_met else ': MISSED'})" if self.target else ""
        return (
            f"{self.path:58}{self.figure:12,.4g} {self.unit:10}"
            f"{self.limit_name}: {self.limit:,.4g} {self.unit}; ratio {self.ratio:,.3g}{wanted}"
        )


def in_turn(*acts: Callable[[], object], rounds: int = 7) -> list[float]:
    """Best seconds of each, taking turns so that all meet the same machine."""
    return [min(times) for times in turns(*acts, rounds=rounds)]


def turns(*acts: Callable[[], object], rounds: int = 7) -> list[list[float]]:
    """Seconds of each in every round, after one that warms up."""
    taken: list[list[float]] = [[] for _ in acts]
    for act in acts:
        act()
    for _ in range(rounds):
        for act, times in zip(acts, taken, strict=True):
            start = perf_counter()
            act()
            times.append(perf_counter() - start)
    return taken


def median_ratio(times: list[float], others: list[float]) -> float:
    """Median over the rounds of a ratio, whose two sides were measured one after the other."""
    return median(a / b for a, b in zip(times, others, strict=True))


def machine() -> str:
    """Processor, cores, memory, system and versions, in one line."""
    import os

    import numpy
    import torch

    name = platform.processor() or platform.machine()
    cores = os.cpu_count()
    memory = ""
    if os.path.isfile("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            name = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), name)
        memory = f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    versions = f"Python {platform.python_version()}, torch {torch.__version__}, NumPy {numpy.__version__}"
    return f"{name}, {cores} cores{memory}, {torch.get_num_threads()} threads, {platform.system()}, {versions}"


def told(rows: Iterable[Row]) -> Iterator[Row]:
    """``rows``, each printed as it comes."""
    for row in rows:
        print(row, flush=True)
        yield row


def printed(rows: Iterable[Row]) -> None:
    """Print the machine and all ``rows``."""
    print(machine())
    for _ in told(rows):
        pass


def benchmarked(benchmark: Any, rows: Callable[[], Iterable[Row]]) -> None:
    """Run ``rows`` once under pytest-benchmark, which keeps them with what it measured itself."""
    print(f"\n{machine()}")
    found = benchmark.pedantic(lambda: list(told(rows())), rounds=1)
    benchmark.extra_info["rows"] = [asdict(row) for row in found]
