"""``benchsuite evaluate``: predictions that were made elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toys
from shells import PLUGIN, Shell, rows

from benchsuite.datasets.dataset import write_dataset

WANTED = (
    "a .npz file with the array xyz (15, 17, 3) in mm, and ids (15,) if its rows are in another order than the "
    "dataset's, or a .npy file of xyz alone"
)


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, capsys)


def predictions(shell: Shell, **arrays: Any) -> Path:
    """Predictions with the right hip 34 mm off in half of the samples, or what is given in their place."""
    xyz = np.array(shell.dataset.columns["xyz"])
    xyz[::2, 1, 0] += 34
    np.savez("mine.npz", **{"xyz": xyz, **arrays})
    return Path("mine.npz")


def evaluate(shell: Shell, *words: str) -> int:
    return shell("evaluate", "mine.npz", "--dataset", "toy", "--evaluator", "toy-error", "--plugin", PLUGIN, *words)


def test_evaluate_scores_predictions(shell: Shell) -> None:
    predictions(shell)
    assert evaluate(shell) == 0
    assert rows(shell.out)[1][0].startswith("mine.npz")
    assert rows(shell.out)[1][2] == f"{2 * 8 / 15:.2f} [0.07, 2.07]"


def test_evaluate_takes_the_embedded_dataset_where_none_is_named(shell: Shell) -> None:
    predictions(shell)
    assert shell("evaluate", "mine.npz") == 2
    assert "xyz: wanted float32 or float64 (6048, 17, 3), found float32 (15, 17, 3)" in shell.err


def test_evaluate_puts_rows_in_the_order_of_their_ids(shell: Shell) -> None:
    shell("list")
    truth = np.array(shell.dataset.columns["xyz"], dtype=np.float64)
    truth[:, 1, 0] += np.arange(15) * 17  # row k is k mm off
    order = np.random.default_rng(0).permutation(15)
    predictions(shell, xyz=truth[order], ids=order)
    assert evaluate(shell, "--json") == 0
    (record,) = json.loads(shell.out)
    assert record["metrics"][0]["value"] == pytest.approx(7, abs=1e-3)
    assert record["source"]["kind"] == "predictions"


def test_evaluate_says_why_an_evaluator_failed(shell: Shell) -> None:
    predictions(shell, xyz=np.full((15, 17, 3), np.nan))
    assert evaluate(shell) == 1
    assert "UndefinedHeadline: evaluator toy-error: toy error is nan: 15 of 15 predicted poses" in shell.err


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"xyz": np.zeros((14, 17, 3))}, "xyz: wanted float32 or float64 (15, 17, 3), found float64 (14, 17, 3)"),
        ({"xyz": np.zeros((15, 51))}, "xyz: wanted float32 or float64 (15, 17, 3), found float64 (15, 51)"),
        ({"xyz": np.zeros((15, 17, 3), int)}, "xyz: wanted float32 or float64 (15, 17, 3), found int64 (15, 17, 3)"),
        ({"xyz": toys.toy_dataset().columns["xyz"] / 1000}, "is not in mm: a person's bones add up to"),
        ({"ids": np.zeros(15, int)}, "ids: wanted each of 0 to 14 once, 14 absent, first 1"),
        ({"ids": np.arange(14)}, "ids: wanted whole numbers (15,), found int64 (14,)"),
        ({"ids": np.arange(15.0)}, "ids: wanted whole numbers (15,), found float64 (15,)"),
        ({"poses": np.zeros(3)}, f"mine.npz: wanted {WANTED}; found arrays: poses, xyz"),
        ({"xyz": np.array([{}])}, f"mine.npz: xyz.npy: wanted {WANTED}; found pickled objects, which are never loaded"),
    ],
)
def test_evaluate_refuses_wrong_arrays(arrays: dict[str, Any], message: str, shell: Shell) -> None:
    predictions(shell, **arrays)
    assert evaluate(shell) == 2
    assert message in shell.err
    assert "mine.npz" in shell.err


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "found: No such file or directory"),
        (b"", "found an empty file"),
        (b"PK\x03\x04 cut short", r"found a file that starts with b'PK\x03\x04 cut': File is not a zip file"),
        (b"no archive", "found a file that starts with b'no archi': File is not a zip file"),
        (b"\x93NUMPY cut short", "found ValueError: "),
    ],
)
def test_evaluate_refuses_wrong_files(content: bytes | None, found: str, shell: Shell) -> None:
    if content is not None:
        Path("mine.npz").write_bytes(content)
    assert evaluate(shell) == 2
    assert f"mine.npz: wanted {WANTED}; {found}" in shell.err


def test_evaluate_refuses_a_folder(shell: Shell) -> None:
    Path("mine.npz").mkdir()
    assert evaluate(shell) == 2
    assert f"mine.npz: wanted {WANTED}; found: Is a directory" in shell.err


def test_evaluate_takes_a_lone_array_for_the_poses(shell: Shell) -> None:
    with np.load(predictions(shell)) as arrays:
        np.save("mine.npy", arrays["xyz"])
    for file in ("mine.npz", "mine.npy"):
        words = ("--dataset", "toy", "--evaluator", "toy-error", "--plugin", PLUGIN)
        assert shell("evaluate", file, *words) == 0
        assert rows(shell.out)[1][2] == f"{2 * 8 / 15:.2f} [0.07, 2.07]"
    assert shell("compare", "mine.npz", "mine.npy", *words) == 0
    assert "The two cannot be told apart: mine.npy less mine.npz is +0.00 mm" in shell.out


def test_evaluate_refuses_a_lone_array_of_another_shape(shell: Shell) -> None:
    np.save("mine.npz", np.zeros((15, 51)))
    Path("mine.npz.npy").rename("mine.npz")
    assert evaluate(shell) == 2
    assert "mine.npz: xyz: wanted float32 or float64 (15, 17, 3), found float64 (15, 51); it takes a row" in shell.err


def test_evaluate_refuses_a_damaged_file(shell: Shell) -> None:
    file = predictions(shell)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    assert evaluate(shell) == 2
    assert f"mine.npz: xyz.npy: wanted {WANTED}; found BadZipFile: Bad CRC-32" in shell.err


def test_evaluate_refuses_a_dataset_without_3d(shell: Shell) -> None:
    flat = toys.toy_dataset(poses=False)
    write_dataset(Path("flat"), flat.about, flat.columns, flat.clips)
    predictions(shell)
    assert evaluate(shell, "--dataset", "flat", "--evaluator", "toy-3d") == 2
    assert "dataset flat has no column 'xyz', which evaluator toy-3d needs" in shell.err
