"""Arguments that several commands share, and what they stand for."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from benchsuite_registry.loading import load_registries
from benchsuite_registry.registries import Registries

from benchsuite.cli import UsageError
from benchsuite.running.stdout import aside

if TYPE_CHECKING:
    import torch

    from benchsuite.datasets.dataset import Dataset
    from benchsuite.running.cluster import Cluster
    from benchsuite.running.workers import Limits

DATASETS = {"synthetic": "embedded: people drawn from a prior fitted to motion capture, seen by virtual cameras"}
"""Datasets known by a name; all others are folders."""

DEFAULT_EVALUATOR = "h36m-p1"

MOST_THREADS = 4
"""Threads a core: more only wait for each other, and thread pools die of very many."""


def natural(text: str) -> int:
    """The whole number of 0 or more that ``text`` spells."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"wanted a whole number of 0 or more, found {text!r}")
    return int(text)


def positive(text: str) -> int:
    """The whole number of 1 or more that ``text`` spells."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"wanted a whole number of 1 or more, found {text!r}")
    return int(text)


def positive_number(text: str) -> float:
    """The number above 0 that ``text`` spells."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"wanted a number above 0, found {text!r}")
    return value


def threads(text: str) -> int:
    """The number of threads that ``text`` spells: up to ``MOST_THREADS`` a core."""
    most = MOST_THREADS * (os.cpu_count() or 1)
    if positive(text) > most:
        raise argparse.ArgumentTypeError(f"wanted at most {most}, {MOST_THREADS} a core of this machine, found {text}")
    return int(text)


def add_plugin(parser: argparse.ArgumentParser) -> None:
    """``--plugin FILE``."""
    parser.add_argument(
        "--plugin", action="append", type=Path, default=[], metavar="FILE.py", help="a file with benchsuite's hooks"
    )


def add_scheduler(parser: argparse.ArgumentParser) -> None:
    """``--scheduler ADDRESS``."""
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="let the workers of a Dask scheduler do the work; they must see the same files (docs/cluster.md)",
    )


@contextmanager
def cluster_at(address: str | None, limits: Limits | None = None) -> Iterator[Cluster | None]:
    """The workers of the scheduler at ``address``, if there is one.

    Raises:
        NoCluster: nobody answers there.
    """
    if not address:
        yield None
        return
    from benchsuite.running.cluster import Cluster
    from benchsuite.running.workers import Limits

    cluster = Cluster(address, limits or Limits())
    busy = f"{cluster.size} at a time" if cluster.size else "no workers yet, waiting for some"
    print(f"scheduler {address}: {busy}", file=sys.stderr)
    try:
        yield cluster
    finally:
        cluster.close()


def registries(args: argparse.Namespace) -> Registries:
    """All components; plugins that are broken, and names that several claim, are told on stderr.

    Raises:
        UsageError: a plugin's file is not there.
    """
    if absent := [file for file in args.plugin if not file.is_file()]:
        raise UsageError(f"--plugin {absent[0]}: wanted a Python file, found none")
    with aside():
        loaded = load_registries(args.plugin)
    for broken in loaded.broken:
        print(f"warning: {broken}", file=sys.stderr)
    for registry in loaded.kinds().values():
        for name, called in registry.contested().items():
            print(f"warning: {registry.kind} {name!r}: several plugins give one: {', '.join(called)}", file=sys.stderr)
    return loaded


def open_named(text: str) -> tuple[str, Dataset]:
    """A dataset by name or folder, and what to call it wherever the machine must not show.

    Raises:
        UsageError: neither a name nor a folder.
        WrongDataset: the folder is no dataset.
    """
    from benchsuite.datasets.dataset import open_dataset
    from benchsuite.synthetic.source import synthetic_dataset

    if text in DATASETS:
        return text, synthetic_dataset()
    if not Path(text).is_dir():
        near = get_close_matches(text, DATASETS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UsageError(f"dataset {text!r}: wanted {' or '.join(DATASETS)} or a dataset folder{hint}")
    return Path(text).resolve().name, open_dataset(Path(text))


def device_named(name: str, *, here: bool = True) -> torch.device:
    """The device that ``auto``, ``cpu`` or ``cuda`` stands for.

    Args:
        name: ``auto`` is what this machine has.
        here: it is this machine's that will be used.

    Raises:
        UsageError: there is no such device.
    """
    import torch

    there = torch.cuda.is_available()
    if name == "cuda" and here and not there:
        raise UsageError("device cuda: there is no CUDA device here")
    return torch.device(("cuda" if there else "cpu") if name == "auto" else name)
