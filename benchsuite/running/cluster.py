"""Errands on the workers of a Dask scheduler, on as many machines as there are: all of them see the same files.

A worker does each errand in a process of its own, as ``--jobs`` does, so that it outlives a method that dies. What a
worker was at when it was lost, Dask gives to another. Nothing is written but by whoever sent the errands.
"""

from __future__ import annotations

import os
import pickle
import socket
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from uuid import uuid4

import torch
from benchsuite_registry.registries import Component

from benchsuite.datasets.dataset import WrongDataset
from benchsuite.running.apart import Held, plugin_files
from benchsuite.running.provenance import environment, failure, hash_of_source, release
from benchsuite.running.worker import Act
from benchsuite.running.workers import Errand, Limits, Lost, do

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Future

P = TypeVar("P")
R = TypeVar("R")

ANSWERS_WITHIN_S = 10
AHEAD = 2
"""Errands for each that can be done at a time, where they are wanted in order: so much is held in memory."""


_COMPUTING = ("benchsuite", "python", "torch", "numpy")


class NoCluster(RuntimeError):
    """Work cannot be handed out; says what is missing, and on which machine."""


@dataclass(frozen=True)
class Terms:
    """What a worker must have and see, for its results to be those of the machine that asks.

    Attributes:
        versions: of what computes, by name.
        device: where methods compute.
        files: that must be there, the folder in which relative paths begin first.
        held: the dataset, if it lies in a folder.
    """

    versions: Mapping[str, Any]
    device: torch.device
    files: tuple[Path, ...]
    held: Held | None

    def check(self) -> str:
        """The model of the device that is used here.

        Raises:
            NoCluster: this process cannot keep the terms; names the machine, what was wanted and what was found.
        """
        here = f"worker on {socket.gethostname()}"
        found = versions_of(self.versions)
        if wrong := [f"{k} {v}, found {found[k]}" for k, v in self.versions.items() if found[k] != v]:
            raise NoCluster(f"{here}: wanted {'; '.join(wrong)}: workers need the versions of whoever asks")
        if self.device.type == "cuda" and not torch.cuda.is_available():
            raise NoCluster(f"{here}: wanted a CUDA device, found none")
        try:
            if missing := next((file for file in self.files if not file.exists()), None):
                raise FileNotFoundError(f"{missing} is not there")
            if self.held:
                self.held.opened()
        except (OSError, WrongDataset) as error:
            raise NoCluster(f"{here}: {error}: workers need the files of whoever asks, at the same place") from None
        return str(environment(self.device)["device"])


@dataclass(frozen=True)
class _At(Generic[P, R]):
    """An act, done in a folder."""

    folder: Path
    act: Act[P, R]

    def __call__(self, parts: Sequence[P], advance: Callable[[int], object]) -> Sequence[R]:
        os.chdir(self.folder)
        return self.act(parts, advance)


@dataclass(frozen=True)
class Came(Generic[P, R]):
    """What came of an errand.

    Attributes:
        parts: each with its result.
        samples: how many were done.
        device: that did them, its model.
    """

    parts: tuple[tuple[P, R | Lost], ...]
    samples: int
    device: str


def _done(errand: Errand[P, R], terms: Terms, limits: Limits) -> Came[P, R]:
    """What comes of an errand; this runs on a worker, and stops where nobody waits for it any more."""
    from distributed import get_worker

    device = terms.check()
    worker, samples = get_worker(), 0
    key = worker.get_current_task()

    def is_wanted() -> bool:
        task = worker.state.tasks.get(key)
        return task is not None and task.state == "executing"

    def advance(more: int) -> None:
        nonlocal samples
        samples += more

    act = _At(terms.files[0], errand.act)
    came = [(part, one) for _, part, one in do([Errand(act, errand.parts)], limits, advance, is_wanted)]
    return Came(tuple(came), samples, device)


class _Order(tuple[Any, ...]):
    """Arguments of ``_done``, which is called when they are unpickled: so a scheduler has to know nothing of us."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return _done, tuple(self)


class Cluster:
    """The workers of a Dask scheduler.

    Args:
        address: the scheduler's, such as ``tcp://10.0.0.1:8786``.
        limits: what each process may take; ``jobs`` is not heeded, since workers say how much they do at a time.

    Raises:
        NoCluster: nobody answers there, or Dask is not installed.
    """

    def __init__(self, address: str, limits: Limits) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise NoCluster("a scheduler needs Dask: pip install 'benchsuite[cluster]'") from None
        self._address = address
        self._limits = Limits(1, limits.timeout_s, limits.memory_gb)
        try:
            self._client = Client(address, timeout=ANSWERS_WITHIN_S)
        except (OSError, ValueError, TypeError) as error:
            raise NoCluster(f"scheduler {address}: wanted a Dask scheduler there: {error}") from None

    @property
    def size(self) -> int:
        """How many errands can be done at a time; changes as workers come and go."""
        return sum(self._client.nthreads().values())

    def close(self) -> None:
        """Let go of the scheduler, which goes on for others."""
        self._client.close()

    def terms(self, components: Iterable[Component[Any]], device: torch.device, held: Held) -> Terms:
        """What workers must have and see for ``components`` to work on ``held``."""
        components = tuple(components)
        packs = [c.origin.distribution for c in components if c.origin.version]
        files = (Path.cwd(), *plugin_files(components))
        return Terms(versions_of(packs), device, files, held if isinstance(held.place, Path) else None)

    def do(self, errands: Iterable[tuple[Errand[P, R], Terms]]) -> Generator[tuple[int, Came[P, R]], None, None]:
        """What comes of each errand, as it comes, with its number. Closing the generator ends what is under way.

        Raises:
            NoCluster: a worker cannot keep the terms, or the scheduler is lost.
        """
        from distributed import as_completed

        sent = [self._send(errand, terms) for errand, terms in errands]
        number = {future: (n, errand) for n, (future, errand) in enumerate(sent)}
        with self._recalled(number):
            for future in as_completed(list(number)):
                n, errand = number[future]
                yield n, self._came(future, errand)
                future.release()

    def in_order(self, errands: Iterable[tuple[Errand[P, R], Terms]]) -> Generator[Came[P, R], None, None]:
        """As ``do``, in the order of the errands, of which few are asked for ahead."""
        sent: deque[tuple[Future[Any], Errand[P, R]]] = deque()
        with self._recalled(future for future, _ in sent):
            for errand, terms in errands:
                sent.append(self._send(errand, terms))
                if len(sent) > AHEAD * max(self.size, 1):
                    yield self._came(*sent.popleft())
            while sent:
                yield self._came(*sent.popleft())

    def _send(self, errand: Errand[P, R], terms: Terms) -> tuple[Future[Any], Errand[P, R]]:
        packed = pickle.dumps(_Order((errand, terms, self._limits)))
        return self._client.submit(pickle.loads, packed, key=f"benchsuite-{uuid4()}", pure=False), errand

    @contextmanager
    def _recalled(self, futures: Iterable[Future[Any]]) -> Iterator[None]:
        try:
            yield
        finally:
            with suppress(Exception):  # the scheduler may be gone
                self._client.cancel(list(futures))

    def _came(self, future: Future[Any], errand: Errand[P, R]) -> Came[P, R]:
        from distributed import CancelledError, KilledWorker

        try:
            came: Came[P, R] = future.result()
        except KilledWorker as error:
            lost = Lost(failure(error), 0.0)
            return Came(tuple((part, lost) for part in errand.parts), 0, "")
        except CancelledError as error:
            raise NoCluster(f"scheduler {self._address} was lost: {error}; what is finished is kept") from None
        except ImportError as error:
            raise NoCluster(f"a worker of {self._address} lacks what is needed: {error}") from None
        return came


def versions_of(distributions: Iterable[str]) -> dict[str, Any]:
    """What computes in this process: its versions, and those of some distributions; None for those it lacks."""
    found = environment(torch.device("cpu"))
    for name in distributions:
        with suppress(metadata.PackageNotFoundError):
            found.setdefault(name, release(name))
    return {"code": _code(), **{name: found.get(name) for name in (*_COMPUTING, *distributions) if name != "code"}}


def _code() -> str:
    """A hash over the source of the suite and its packs: checkouts differ though versions do not."""
    packs = {p.module for p in metadata.distribution("benchsuite").entry_points if p.group == "benchsuite"}
    return hash_of_source(("benchsuite", "benchsuite_registry", *packs))
