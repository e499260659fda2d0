"""Who asks for which class or function while something is unpickled: an audit hook, in this process and its forks."""

from __future__ import annotations

import sys
from pathlib import Path

EXPECTED = (
    "benchsuite/running/workers.py",  # what a process that we started says, through a pipe
    "<string>",  # the first line of such a process, which reads what we wrote for it
    "benchsuite/running/worker.py",  # likewise
    "benchsuite/testing/entries.py",  # what the line before it pickled
    "numba/core/caching.py",  # numba's own cache of compiled code, beside that code
    "numba/core/serialize.py",  # likewise
)
"""Who may, and what they unpickle: nothing that lies in data or weights."""


def watch(heard: Path) -> None:
    """Write to ``heard`` every global that a pickle asks for, but by those expected; there is no way back."""

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "pickle.find_class":
            frame = sys._getframe(1)
            while frame.f_back and Path(frame.f_code.co_filename).name == "pickle.py":
                frame = frame.f_back
            if not (place := frame.f_code.co_filename).endswith(EXPECTED):
                with heard.open("a", encoding="utf-8") as file:
                    file.write(f"{'.'.join(map(str, arguments))} in {place}:{frame.f_lineno}\n")

    sys.addaudithook(hook)
