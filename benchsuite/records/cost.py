"""What a method costs: records of latency, memory and size, ``costs/<method>-<hash8>.json``, beside accuracy."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchsuite.documents import WrongDocument, dump, load, plain, write_whole
from benchsuite.records.results import Part, identity_of

SCHEMA = 1

BUSY = 0.8
"""Least share of the time that a method on an idle CPU computes."""


@dataclass(frozen=True)
class Latency:
    """How long calls of one size take.

    Attributes:
        batch: poses a call.
        median_ms: of the calls, ms.
        low_ms: a tenth of them took no longer.
        high_ms: nine tenths took no longer.
        calls: how many were timed, after others that were not.
    """

    batch: int
    median_ms: float
    low_ms: float
    high_ms: float
    calls: int


@dataclass(frozen=True)
class Cost:
    """What a method costs on a device.

    Attributes:
        source: the lifter or image model.
        refiner: None for the bare source.
        device: its model's name.
        threads: how many it was given.
        parameters: how many numbers were trained.
        latencies: call by call size, the smallest first.
        peak_mib: most memory at the largest call size beyond what was in use before the method was built, MiB; of the
            device on CUDA, else of the process.
        computing: share of the timed calls that the process computed on a CPU; less than 1 where it had to wait, for
            other processes or for the device; see ``is_disturbed``.
        provenance: versions, commit, command.
        schema: version of this layout.
    """

    source: Part
    refiner: Part | None
    device: str
    threads: int
    parameters: int
    latencies: tuple[Latency, ...]
    peak_mib: float
    computing: float
    provenance: Mapping[str, Any]
    schema: int = SCHEMA

    @property
    def is_disturbed(self) -> bool:
        """Whether other processes kept the method from its CPU, so that its times say little."""
        return self.device.startswith("cpu") and self.computing < BUSY

    @property
    def single_ms(self) -> float:
        """Median time of the smallest call."""
        return self.latencies[0].median_ms

    @property
    def per_pose_us(self) -> float:
        """Median time of a pose in the largest call, microseconds."""
        return 1000.0 * self.latencies[-1].median_ms / self.latencies[-1].batch

    @property
    def told(self) -> tuple[str, str]:
        """``single_ms`` and ``per_pose_us`` as tables have them, marked where they are disturbed."""
        mark = " †" * self.is_disturbed
        return f"{three_digits(self.single_ms)}{mark}", f"{three_digits(self.per_pose_us)}{mark}"


def three_digits(figure: float) -> str:
    """To three digits, without an exponent."""
    return f"{float(f'{figure:.3g}'):,.10g}"


def method_key(source: Part, refiner: Part | None) -> str:
    """The same for methods that cost the same: trainings of one recipe with other seeds are."""
    said = {"source": identity_of(source), "refiner": refiner and identity_of(refiner)}
    if recipe := source.trained.get("recipe"):
        said["source"] = {**identity_of(source), "weights": recipe}
    return json.dumps(plain(said), sort_keys=True)


def cost_path(root: Path, cost: Cost) -> Path:
    """Where ``cost`` lies under ``root``, the results folder: one file a method, device and number of threads."""
    names = [cost.source.name, *([cost.refiner.name] if cost.refiner else [])]
    key = hashlib.sha256(f"{method_key(cost.source, cost.refiner)}{cost.device}{cost.threads}".encode()).hexdigest()
    method = "+".join(re.sub(r"[^A-Za-z0-9._-]", "_", name)[:80] for name in names)
    return root / "costs" / f"{method}-{key[:8]}.json"


def write_cost(root: Path, cost: Cost) -> Path:
    """Write ``cost`` at its place, whole or not at all; errors as ``write_whole``."""
    path = cost_path(root, cost)
    write_whole(path, dump(cost))
    return path


def read_costs(root: Path) -> tuple[Cost, ...]:
    """All costs under ``root``, the results folder, in the order of their file names.

    Raises:
        WrongDocument: a file is not what ``write_cost`` writes; names file, key, wanted, found.
    """
    return tuple(read_cost(path) for path in sorted((root / "costs").glob("*.json"), key=lambda p: p.name))


def read_cost(path: Path) -> Cost:
    """The cost in the file ``path``.

    Raises:
        WrongDocument: the file is not what ``write_cost`` writes; names file, key, wanted, found.
    """
    cost = load(path, Cost, SCHEMA)
    if not cost.latencies:
        raise WrongDocument(f"{path}: latencies: wanted one at least, found none")
    for place, each in enumerate(cost.latencies):
        if each.batch < 1 or not 0 < each.median_ms < math.inf:
            found = f"{each.median_ms} ms for {each.batch} poses"
            raise WrongDocument(f"{path}: latencies[{place}]: wanted some time for some poses, found {found}")
    return cost
