"""Columns that grow on disk part by part: memory stays flat, and what was cut off goes on where it was."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchsuite.columns import COLUMNS, Clip


class GrowingColumns:
    """Columns, clips, remarks and problems of the parts added so far, in a folder of their own until ``remove``.

    A part counts once its line stands whole in the journal, which is written after its columns: of a part that was
    cut off nothing is left when the folder is opened again.

    Args:
        folder: made if need be; what it holds for another ``key`` is forgotten.
        key: says what is being made, from what.
        joints: how many a sample has.

    Attributes:
        parts: names of the parts that are in.
        clips: those of all parts.
        remarks: those of all parts.
        problems: those of all parts.
        rows: how many there are.
    """

    def __init__(self, folder: Path, key: str, joints: int) -> None:
        self._folder, self._journal, self._joints = folder, folder / "parts.jsonl", joints
        self._header = json.dumps(key) + "\n"
        self._clear()
        if not self._take_up():
            self._clear()
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            self._journal.write_text(self._header)

    def _clear(self) -> None:
        self.parts: set[str] = set()
        self.clips: list[Clip] = []
        self.remarks: list[str] = []
        self.problems: list[str] = []
        self.rows = 0
        self._names: set[str] = set()

    def add(
        self,
        part: str,
        columns: Mapping[str, NDArray[Any]],
        clips: Sequence[Clip],
        remarks: Sequence[str] = (),
        problems: Sequence[str] = (),
    ) -> None:
        """Put a part behind the others.

        Args:
            part: its name.
            columns: every part has the same; ``clip`` counts from 0 in each part.
            clips: what its ``clip`` counts.
            remarks: anything to be kept with it.
            problems: what of it could not be had.

        Raises:
            ValueError: a column has another type or shape than it should; nothing was added.
        """
        shifted = {**columns, "clip": columns["clip"] + np.int32(len(self.clips))}
        for name, column in shifted.items():
            dtype, shape = self._layout(name)
            if column.dtype != dtype or column.shape[1:] != shape:
                raise ValueError(f"column {name!r}: wanted {dtype} {shape}, found {column.dtype} {column.shape[1:]}")
        for name, column in shifted.items():
            with self._file(name).open("ab") as file:
                file.write(np.ascontiguousarray(column).data)
        line = {
            "part": part,
            "rows": len(shifted["clip"]),
            "columns": sorted(shifted),
            "clips": [clip.document() for clip in clips],
            "remarks": list(remarks),
            "problems": list(problems),
        }
        with self._journal.open("a") as file:
            file.write(json.dumps(line) + "\n")
        self._count(line)

    def columns(self) -> dict[str, NDArray[Any]]:
        """All columns, memory-mapped; there must be a row."""
        return {
            name: np.memmap(self._file(name), dtype, "r", shape=(self.rows, *shape))
            for name in sorted(self._names)
            for dtype, shape in (self._layout(name),)
        }

    def remove(self) -> None:
        """Forget everything."""
        shutil.rmtree(self._folder)

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}.bin"

    def _layout(self, name: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
        """The type of a column and the shape of one of its rows."""
        dtype, (_, *sides) = COLUMNS[name]
        return np.dtype(dtype), tuple(side if isinstance(side, int) else self._joints for side in sides)

    def _count(self, line: Mapping[str, Any]) -> None:
        self.parts.add(line["part"])
        for clip in line["clips"]:
            told: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in clip.items()}
            self.clips.append(Clip(**told))
        self.remarks += line["remarks"]
        self.problems += line["problems"]
        self.rows += line["rows"]
        self._names |= set(line["columns"])

    def _take_up(self) -> bool:
        """Go on with what the folder holds, if it is whole and was made for the same key."""
        if not self._journal.is_file():
            return False
        header, *lines = self._journal.read_text(errors="replace").splitlines(keepends=True) or [""]
        if header != self._header:
            return False
        whole = [line for line in lines if line.endswith("\n")]  # the last may have been cut off
        for line in whole:
            self._count(json.loads(line))
        self._journal.write_text("".join((header, *whole)))
        for name in self._names:
            dtype, shape = self._layout(name)
            size = self.rows * dtype.itemsize * int(np.prod(shape, dtype=np.int64))
            if not self._file(name).is_file() or self._file(name).stat().st_size < size:
                return False
            os.truncate(self._file(name), size)
        return True
