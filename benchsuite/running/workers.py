"""Errands in processes of their own, so many at a time: whatever a plugin does to its process, the others go on.

An errand has parts. If its process dies, each part is tried again in a process of its own, so that a crash costs only
the parts whose doing it is.

Processes are started with ``subprocess``, not ``multiprocessing``: so the number of threads is settled before anything
is imported, what is written to stdout goes to stderr whatever becomes of them, and nobody's main module is run again.

What is said is pickled, through a nameless file and a pipe that no other program sees: nothing of it lies in data.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from time import monotonic
from typing import IO, Any, Generic, TypeVar

from benchsuite.records.results import Failure
from benchsuite.running.provenance import blamed, failure, portable
from benchsuite.running.stdout import pass_on
from benchsuite.running.worker import Act, Orders

P = TypeVar("P")
R = TypeVar("R")

STARTING_S = 300.0
"""How long a worker may take to import and load what it needs, before its time counts."""

_TICK_S = 0.2
_START = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from benchsuite.running.worker import serve; serve()"
)
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
_NO_MEMORY = ("can't allocate memory", "cannot allocate memory", "bad_alloc", "CUDA out of memory")


@dataclass(frozen=True)
class Limits:
    """What processes may take.

    Attributes:
        jobs: how many at a time.
        timeout_s: seconds a part, from when the process is ready; None for ever.
        memory_gb: GB that a process may allocate, what it imports included; None for all there are.
        threads: that each may compute with; None to share those of this process.
    """

    jobs: int = 1
    timeout_s: float | None = None
    memory_gb: float | None = None
    threads: int | None = None


@dataclass(frozen=True)
class Errand(Generic[P, R]):
    """Work for a process: ``act`` on all of ``parts``, both of which can be pickled."""

    act: Act[P, R]
    parts: tuple[P, ...]


@dataclass(frozen=True)
class Lost:
    """What there is of a part whose process died.

    Attributes:
        failure: how it died, and in whose hands.
        seconds: that it took.
    """

    failure: Failure
    seconds: float


def do(
    errands: Iterable[Errand[P, R]],
    limits: Limits,
    advance: Callable[[int], object] = lambda samples: None,
    is_wanted: Callable[[], bool] = lambda: True,
) -> Generator[tuple[int, P, R | Lost], None, None]:
    """What comes of each part, as it comes: the errand's number, the part, its result.

    Args:
        errands: asked for one by one, as processes become free.
        limits: how many processes, and what each may take.
        advance: told how many samples are done, each time some are; what is tried again is told once.
        is_wanted: asked now and then; once it says no, all processes are killed and nothing more comes.

    Closing the generator, or an exception in it, kills all processes.
    """
    import torch

    threads = limits.threads or max(1, torch.get_num_threads() // limits.jobs)
    coming: Iterator[tuple[int, Errand[P, R], bool]] = ((n, errand, True) for n, errand in enumerate(errands))
    again: deque[tuple[int, Errand[P, R], bool]] = deque()
    working: dict[Connection, _Worker[P, R]] = {}
    try:
        while True:
            while len(working) < limits.jobs and (task := again.popleft() if again else next(coming, None)):
                number, errand, first = task
                worker = _Worker(number, errand, limits, threads, advance if first else lambda samples: None)
                working[worker.messages] = worker
            if not working or not is_wanted():
                return
            ready = wait(list(working), _TICK_S)
            for messages, worker in list(working.items()):
                if messages in ready:
                    worker.listen()
                if worker.ended():
                    del working[messages]
                    if isinstance(worker.came, Lost) and len(worker.errand.parts) > 1:
                        again += [(worker.number, Errand(worker.errand.act, (p,)), False) for p in worker.errand.parts]
                        continue
                    for k, part in enumerate(worker.errand.parts):
                        yield worker.number, part, worker.came if isinstance(worker.came, Lost) else worker.came[k]
    finally:
        for worker in working.values():
            worker.kill()


class _Worker(Generic[P, R]):
    """A process from the outside.

    Attributes:
        number: of its errand.
        errand: what it does.
        messages: what it says.
        came: of its errand, as soon as it has ended: a result a part, or how it died.
    """

    def __init__(
        self, number: int, errand: Errand[P, R], limits: Limits, threads: int, advance: Callable[[int], object]
    ) -> None:
        self.number, self.errand = number, errand
        self.came: Sequence[R] | Lost = Lost(Failure("Exited", "not begun", ""), 0.0)
        self._limits, self._advance = limits, advance
        self._acting = ""
        self._results: Sequence[R] | None = None
        self._broke: Failure | None = None
        self._started = monotonic()
        self._deadline = self._started + STARTING_S
        self._overrun = f"was not ready after {STARTING_S:g} s"
        self._trace: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it ends
        self._printed: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it ends
        self.messages, theirs = Pipe(duplex=False)
        memory = None if limits.memory_gb is None else int(limits.memory_gb * 1e9)
        orders = Orders(os.getpid(), theirs.fileno(), self._trace.fileno(), memory)
        with tempfile.TemporaryFile() as told:  # not a pipe: it would be full until the process has got up
            for one in (sys.path, orders, (errand.act, errand.parts)):
                pickle.dump(one, told)
            told.seek(0)
            self._process = subprocess.Popen(
                (sys.executable, "-c", _START),
                stdin=told,
                stdout=self._printed,  # a method may print; our own tables must not be disturbed
                env={**os.environ, **dict.fromkeys(_THREADS, str(threads))},
                pass_fds=(orders.messages, orders.trace),
                start_new_session=True,  # Ctrl-C is for us alone; whomever it starts dies with it
            )
        theirs.close()

    def listen(self) -> None:
        """Take in what it has said."""
        with suppress(EOFError, OSError):
            while self.messages.poll():
                kind, what = _unpacked(self.messages.recv_bytes())
                if kind == "ready" and self._limits.timeout_s is not None:
                    seconds = self._limits.timeout_s * len(self.errand.parts)
                    self._deadline, self._overrun = monotonic() + seconds, f"timed out after {seconds:g} s"
                elif kind == "ready":
                    self._deadline = float("inf")
                elif kind == "acting":
                    self._acting = what
                elif kind == "done":
                    self._advance(what)
                elif kind == "broke":
                    self._broke = what
                else:
                    self._results = what

    def ended(self) -> bool:
        """Whether it is over, one way or the other; if so ``came`` says what came of it."""
        late = monotonic() > self._deadline
        code = self._process.poll()
        if code is not None:
            self.listen()  # what it said before it died
        if self._results is None and self._broke is None and code is None and not late:
            return False
        if late and code is None:
            self._ask_where()
        trace = self.kill()
        self.came = self._results if self._results is not None else Lost(self._death(code, trace), self._seconds())
        return True

    def kill(self) -> str:
        """End it, and whatever it started, and pass on what it printed; returns the stack that it left, if any."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self.messages.close()
        with self._trace as trace, self._printed as printed:
            pass_on(printed.fileno(), sys.stderr)
            trace.seek(0)
            return portable(trace.read().decode("utf-8", "replace"))

    def _ask_where(self) -> None:
        self._process.send_signal(signal.SIGUSR1)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_TICK_S)

    def _seconds(self) -> float:
        return monotonic() - self._started

    def _death(self, code: int | None, trace: str) -> Failure:
        """How it died; ``code`` is None if that was our doing."""
        if self._broke:
            return Failure(self._broke.type, blamed(self._acting, self._broke.message), self._broke.traceback)
        if code is None:
            kind, what = "TimedOut", self._overrun
        elif code >= 0:
            kind, what = "Exited", f"exited with code {code}"
        else:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else "unknown"
            why = "; the system does that when memory runs out" if -code == signal.SIGKILL else ""
            kind, what = "Killed", f"killed by signal {-code} ({name}){why}"
        return Failure(kind, blamed(self._acting, what), trace)


def _unpacked(message: bytes) -> tuple[str, Any]:
    try:
        kind, what = pickle.loads(message)
    except Exception as error:  # a class that only the worker has
        return "broke", failure(error)
    return kind, what


def named_if_out_of_memory(why: Failure, limits: Limits) -> Failure:
    """``why``, called out of memory if that is what it is: libraries have many words for it."""
    short = why.type == "MemoryError" or any(words in why.message for words in _NO_MEMORY)
    if limits.memory_gb is None or not short:
        return why
    return Failure("OutOfMemory", f"{why.message} (limit: {limits.memory_gb:g} GB)", why.traceback)
