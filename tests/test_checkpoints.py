"""Weights files: round trip, whole or not at all, and refusals that say what was found."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
import torch
from benchsuite_registry.checkpoints import WrongCheckpoint, fill, load_checkpoint, save_checkpoint, sha256
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

ABOUT = {"method": "made-up", "parameters": {"width": 3, "rate": 0.5}, "command": "benchsuite train ü"}
TENSORS = {
    "weight": torch.tensor([[1.0, 1 / 3], [-2.5, 1e-3]]),
    "count": torch.tensor(7, dtype=torch.int64),
}


def test_tensors_and_description_come_back(tmp_path: Path) -> None:
    file = tmp_path / "new folder" / "a.safetensors"
    save_checkpoint(file, TENSORS, ABOUT)
    tensors, about = load_checkpoint(file, "made-up")
    assert about == ABOUT
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], TENSORS[name]) for name in TENSORS)
    assert tensors["count"].dtype == torch.int64
    assert os.listdir(file.parent) == ["a.safetensors"]


def test_half_keeps_integers_and_comes_back_as_float32(tmp_path: Path) -> None:
    file = tmp_path / "a.safetensors"
    save_checkpoint(file, TENSORS, ABOUT, half=True)
    with safe_open(file, framework="pt") as stored:
        assert stored.get_tensor("weight").dtype == torch.float16
        assert stored.get_tensor("count").item() == 7
    weight = load_checkpoint(file, "made-up")[0]["weight"]
    assert weight.dtype == torch.float32
    assert weight[0].tolist() == [1.0, 0.333251953125]  # 1365 / 4096, the float16 next to a third


def test_tensors_that_share_or_skip_memory_can_be_saved(tmp_path: Path) -> None:
    square = torch.arange(4.0).reshape(2, 2).requires_grad_()
    save_checkpoint(tmp_path / "a.safetensors", {"turned": square.T}, ABOUT)
    assert load_checkpoint(tmp_path / "a.safetensors", "made-up")[0]["turned"].tolist() == [[0.0, 2.0], [1.0, 3.0]]


def test_the_same_contents_make_the_same_bytes(tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "a", TENSORS, ABOUT)
    save_checkpoint(tmp_path / "b", dict(reversed(TENSORS.items())), dict(reversed(ABOUT.items())))
    assert sha256(tmp_path / "a") == sha256(tmp_path / "b")


def test_an_interrupted_save_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a.safetensors"
    save_checkpoint(file, TENSORS, ABOUT)
    before = file.read_bytes()

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save_checkpoint(file, {"weight": torch.zeros(1)}, ABOUT)
    assert file.read_bytes() == before


def test_a_file_that_is_none_of_ours_is_refused(tmp_path: Path) -> None:
    absent, cut, bare, other, listed = (tmp_path / name for name in ("absent", "cut", "bare", "other", "listed"))
    save_checkpoint(cut, TENSORS, ABOUT)
    cut.write_bytes(cut.read_bytes()[:-3])
    save_file(TENSORS, bare)
    save_checkpoint(other, TENSORS, ABOUT | {"method": "stereo"})
    save_file(TENSORS, listed, metadata={"benchsuite": json.dumps([1])})
    for file, message in {
        absent: "no such weights file, wanted made-up's",
        cut: "wanted a whole safetensors file: ",
        bare: "wanted weights of made-up, found no description",
        other: "wanted weights of made-up, found stereo",
        listed: "wanted weights of made-up, found no description",
    }.items():
        with pytest.raises(WrongCheckpoint, match=f"^{re.escape(f'{file}: {message}')}"):
            load_checkpoint(file, "made-up")


def test_fill_loads_every_tensor() -> None:
    module = nn.Linear(2, 1)
    fill(module, {"weight": torch.tensor([[3.0, 4.0]]), "bias": torch.tensor([0.5])}, Path("a"))
    assert module(torch.tensor([1.0, 2.0])).tolist() == [11.5]


def test_fill_lists_the_first_differences_and_changes_nothing() -> None:
    module = nn.Sequential(nn.Linear(2, 1), nn.Linear(1, 1))
    before = [parameter.clone() for parameter in module.parameters()]
    given = {"0.weight": torch.zeros(1, 3), "0.bias": torch.zeros(1), "x": torch.zeros(1), "y": torch.zeros(1)}
    with pytest.raises(WrongCheckpoint) as error:
        fill(module, given, Path("a"))
    assert str(error.value) == "a: 1.weight is missing; 1.bias is missing; x is not wanted; y is not wanted and 1 more"
    with pytest.raises(WrongCheckpoint, match=r"^a: weight: wanted \(1, 2\), found \(1, 3\)$"):
        fill(nn.Linear(2, 1), {"weight": torch.zeros(1, 3), "bias": torch.zeros(1)}, Path("a"))
    assert all(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))


def test_sha256_of_a_known_text(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256(tmp_path / "abc") == expected  # FIPS 180-2's example
