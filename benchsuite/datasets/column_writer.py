"""Columns that grow on disk batch by batch, whatever their size, and survive being killed at any moment.

Rows are appended to the files and a journal says how many of them count. What a killed run wrote after
its last entry is cut off again, so that whoever goes on from there ends with the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from benchsuite.documents import CannotWrite, dump, write_whole

JOURNAL = "unfinished.json"

Layout = Mapping[str, tuple[str, tuple[int, ...]]]
"""Each column's dtype, and the shape of one of its rows."""


class UnfinishedElsewhere(CannotWrite):
    """The folder belongs to another run: one that has not ended, or one that wanted something else."""


class ColumnWriter:
    """Growing columns ``folder/NAME.npy``, used as a context; whoever enters holds the folder alone.

    Args:
        folder: made if need be.
        layout: the columns.
        plan: JSON-able, all that the columns' content follows from.

    Attributes:
        reached: what ``commit`` was last told; None at the very beginning.

    Raises:
        UnfinishedElsewhere: another process is at work in the folder, or its journal tells of another plan.
    """

    def __init__(self, folder: Path, layout: Layout, plan: Mapping[str, Any]) -> None:
        self.folder, self._layout, self._plan = folder, layout, json.loads(dump(plan))
        self._files: dict[str, BinaryIO] = {}
        self._rows = dict.fromkeys(layout, 0)
        self.reached: Any = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(self.folder, os.O_RDONLY)
        try:
            _hold(self._lock, self.folder)
            self._recall()
            for name in self._layout:
                self._files[name] = self._opened(name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files.values():
            file.close()
        os.close(self._lock)  # which lets go of the folder; so does the kernel when we are killed

    def append(self, columns: Mapping[str, NDArray[Any]]) -> None:
        """Put rows at the end of some columns."""
        for name, rows in columns.items():
            dtype, shape = self._layout[name]
            if rows.dtype != dtype or rows.shape[1:] != shape:
                raise ValueError(f"column {name}: wanted rows {dtype} {shape}, found {rows.dtype} {rows.shape[1:]}")
            self._files[name].write(np.ascontiguousarray(rows).tobytes())
            self._rows[name] += len(rows)

    def commit(self, reached: Any) -> None:
        """Make all rows count, and keep ``reached`` (JSON-able) for whoever has to go on from here."""
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
        journal = {"plan": self._plan, "rows": self._rows, "reached": reached}
        write_whole(self.folder / JOURNAL, dump(journal))
        self.reached = reached

    def columns(self) -> dict[str, NDArray[Any]]:
        """The columns so far, memory-mapped, their headers made to tell their length."""
        for name, file in self._files.items():
            file.seek(0)
            file.write(self._header(name))
            file.seek(0, os.SEEK_END)
            file.flush()
        return {name: _mapped(self._path(name)) for name in self._layout}

    def forget(self, *names: str) -> None:
        """Delete some columns and, after them, the journal: the folder is finished."""
        for name in names:
            self._path(name).unlink(missing_ok=True)
        (self.folder / JOURNAL).unlink(missing_ok=True)

    def _recall(self) -> None:
        journal = self.folder / JOURNAL
        if not journal.is_file():
            return
        kept = json.loads(journal.read_text(encoding="utf-8"))
        if kept["plan"] != self._plan:
            differs = [key for key in sorted({*kept["plan"], *self._plan}) if not _same(kept["plan"], self._plan, key)]
            details = "; ".join(f"{k}: wanted {self._plan.get(k)!r}, found {kept['plan'].get(k)!r}" for k in differs)
            raise UnfinishedElsewhere(
                f"{self.folder} holds the unfinished run of another command ({details}); "
                "repeat that command to end it, delete the folder, or write elsewhere"
            )
        self._rows, self.reached = kept["rows"], kept["reached"]

    def _opened(self, name: str) -> BinaryIO:
        header, (dtype, shape) = self._header(name), self._layout[name]
        path = self._path(name)
        file = path.open("r+b" if self.reached is not None and path.is_file() else "w+b")
        length = len(header) + self._rows[name] * np.dtype(dtype).itemsize * int(np.prod(shape))
        if not self._rows[name]:
            file.write(header)
        elif os.fstat(file.fileno()).st_size < length:
            file.close()
            raise UnfinishedElsewhere(
                f"{path}: wanted the {self._rows[name]} rows that {JOURNAL} tells of, found fewer; delete the folder"
            )
        file.truncate(length)
        file.seek(0, os.SEEK_END)
        return file

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.npy"

    def _header(self, name: str) -> bytes:
        """NumPy leaves room in it for the number of rows to grow, so its length stays the same."""
        from io import BytesIO

        dtype, shape = self._layout[name]
        made = BytesIO()
        described = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": (self._rows[name], *shape)}
        np.lib.format.write_array_header_1_0(made, described)
        return made.getvalue()


def _hold(folder: int, path: Path) -> None:
    import fcntl

    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UnfinishedElsewhere(f"{path}: another process is writing into this folder") from None


def _same(one: Mapping[str, Any], other: Mapping[str, Any], key: str) -> bool:
    return key in one and key in other and bool(one[key] == other[key])


def _mapped(path: Path) -> NDArray[Any]:
    column: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return np.asarray(column) if column.size == 0 else column
