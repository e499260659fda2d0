"""Columns that grow on disk: parts add up, and what was cut off leaves nothing behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchsuite.columns import Clip
from benchsuite.convert.growing import GrowingColumns

JOINTS = 3


def part(number: int, rows: int) -> tuple[dict[str, NDArray[Any]], list[Clip]]:
    columns = {
        "uv": np.full((rows, JOINTS, 2), number, dtype=np.float32),
        "visible": np.full((rows, JOINTS), number % 2 == 0),
        "clip": np.arange(rows, dtype=np.int32) // 2,
        "frame": np.arange(rows, dtype=np.int32),
    }
    return columns, [Clip(f"{number}.{k}", rotation=(1.0,) * 9) for k in range((rows + 1) // 2)]


def grown(folder: Path, *parts: tuple[int, int], key: str = "key") -> GrowingColumns:
    columns = GrowingColumns(folder, key, JOINTS)
    for number, rows in parts:
        columns.add(str(number), *part(number, rows), [f"remark {number}"], [f"problem {number}"])
    return columns


def test_parts_stand_behind_one_another_in_order(tmp_path: Path) -> None:
    whole = grown(tmp_path / "a", (5, 2), (6, 3))
    columns = whole.columns()
    assert whole.rows == 5
    assert columns["uv"][:, 0, 0].tolist() == [5, 5, 6, 6, 6]
    assert columns["visible"][:, 2].tolist() == [False, False, True, True, True]
    assert columns["clip"].tolist() == [0, 0, 1, 1, 2]
    assert [clip.name for clip in whole.clips] == ["5.0", "6.0", "6.1"]
    assert whole.clips[0].rotation == (1.0,) * 9
    assert whole.remarks == ["remark 5", "remark 6"]
    assert GrowingColumns(tmp_path / "a", "key", JOINTS).problems == ["problem 5", "problem 6"]
    whole.remove()
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("cut", ["in a column", "in the journal", "not at all"])
def test_a_part_that_was_cut_off_is_forgotten(cut: str, tmp_path: Path) -> None:
    grown(tmp_path / "a", (5, 2), (6, 3))
    if cut == "in a column":
        with (tmp_path / "a" / "uv.bin").open("ab") as file:
            file.write(b"12345")
    if cut == "in the journal":
        journal = tmp_path / "a" / "parts.jsonl"
        journal.write_text(journal.read_text()[:-9])
    again = GrowingColumns(tmp_path / "a", "key", JOINTS)
    assert again.parts == ({"5"} if cut == "in the journal" else {"5", "6"})
    for number in {"6", "7"} - again.parts:
        again.add(number, *part(int(number), 3), remarks=[f"remark {number}"])
    wanted = grown(tmp_path / "b", (5, 2), (6, 3), (7, 3)).columns()
    for name, column in again.columns().items():
        assert sorted(column.ravel().tolist()) == sorted(wanted[name].ravel().tolist())
    assert again.columns()["clip"].tolist() == [0, 0, 1, 1, 2, 3, 3, 4]


@pytest.mark.parametrize("reason", ["another key", "a lost column", "a shortened column", "no header"])
def test_what_cannot_be_gone_on_with_is_begun_again(reason: str, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    grown(folder, (5, 2), (6, 3))
    if reason == "a lost column":
        (folder / "visible.bin").unlink()
    if reason == "a shortened column":
        (folder / "uv.bin").write_bytes(b"1234")
    if reason == "no header":
        (folder / "parts.jsonl").write_text("")
    again = grown(folder, (7, 1), key="other" if reason == "another key" else "key")
    assert again.parts == {"7"}
    assert again.rows == 1
    assert again.columns()["uv"].tolist() == [[[7.0, 7.0]] * JOINTS]
    assert [clip.name for clip in again.clips] == ["7.0"]


def test_columns_of_another_kind_are_refused(tmp_path: Path) -> None:
    columns, clips = part(5, 2)
    with pytest.raises(ValueError, match=r"column 'uv': wanted float32 \(3, 2\), found float64 \(3, 2\)"):
        GrowingColumns(tmp_path / "a", "key", JOINTS).add("5", {**columns, "uv": columns["uv"].astype(float)}, clips)
