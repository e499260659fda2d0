"""A worker process from the inside: it does one errand, says how far it is, and dies with whoever sent it."""

from __future__ import annotations

import ctypes
import faulthandler
import os
import pickle
import resource
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Protocol, TypeVar

P_contra = TypeVar("P_contra", contravariant=True)
R_co = TypeVar("R_co", covariant=True)

_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


class Act(Protocol[P_contra, R_co]):
    """What an errand does; it can be pickled."""

    def __call__(self, parts: Sequence[P_contra], advance: Callable[[int], object]) -> Sequence[R_co]:
        """One result a part; ``advance`` is told how many samples are done, each time some are."""
        ...


@dataclass(frozen=True)
class Orders:
    """What a worker is told first.

    Attributes:
        sender: process id of who sent it.
        messages: file descriptor that takes its messages.
        trace: file descriptor that takes its stack if it crashes, or is asked where it is by SIGUSR1.
        memory: how many bytes it may allocate; None for all there are.
    """

    sender: int
    messages: int
    trace: int
    memory: int | None


def serve() -> None:
    """Read orders and an errand from stdin, do it, send what came of it, and end without further ado."""
    orders: Orders = pickle.load(sys.stdin.buffer)
    messages = Connection(orders.messages, readable=False)
    _prepare(orders)
    act: Act[Any, Any]
    act, parts = pickle.load(sys.stdin.buffer)
    send = _sender(messages)
    from benchsuite.running.stages import WATCHER
    from benchsuite.running.stdout import flush

    WATCHER.set(lambda name: send("acting", name))
    send("ready", None)
    try:
        with redirect_stdout(sys.stderr):  # at once; what goes past it, the sender passes on in the end
            came = pickle.dumps(("came", list(act(parts, lambda samples: send("done", samples)))))
    except BaseException as error:
        from benchsuite.running.provenance import failure

        send("broke", failure(error))
    else:
        messages.send_bytes(came)
    flush()
    os._exit(0)  # threads that a plugin left behind must not keep the process


def _sender(messages: Connection) -> Callable[[str, Any], None]:
    sender = os.getpid()

    def send(kind: str, what: Any) -> None:
        if os.getpid() == sender:  # a plugin may have forked
            messages.send_bytes(pickle.dumps((kind, what)))

    return send


def _prepare(orders: Orders) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        if os.getppid() != orders.sender:  # who died before that line
            os._exit(1)
    faulthandler.enable(orders.trace)
    faulthandler.register(signal.SIGUSR1, orders.trace)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if orders.memory is not None:
        # Not RLIMIT_AS: torch and CUDA reserve far more addresses than they ever fill.
        resource.setrlimit(resource.RLIMIT_DATA, (orders.memory, orders.memory))
