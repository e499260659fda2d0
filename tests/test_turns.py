"""A component's turn: what it does to its process and to what it is handed is put back and told, nothing else is."""

# ruff: noqa: NPY002 - the global generators are what is watched

from __future__ import annotations

import ctypes
import json
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rowdies
import torch
from benchsuite_registry.poses import Camera, Frame, ImageBatch, PoseBatch
from shells import dataset_in
from toys import toy_dataset

from benchsuite.cli import main
from benchsuite.running.handed import left_alone, tensors
from benchsuite.running.seeds import sown
from benchsuite.running.stdout import aside, heard
from benchsuite.running.surroundings import put_back

ALL = slice(0, 4)
HEAD = torch.ones(4)


def told(turn: Callable[..., Any], act: Callable[[], object], *args: Any) -> list[str]:
    """What is noted of a turn in which ``act`` is done."""
    notes: list[str] = []
    with turn(*args, notes.append):
        act()
    return notes


# ---- what is handed ------------------------------------------------------------------------------


def carrier(name: str) -> Any:
    uv = torch.full((4, 17, 2), torch.nan)
    match name:
        case "keypoints":
            return toy_dataset().keypoints(ALL)
        case "poses":
            skeleton = toy_dataset().skeleton
            return PoseBatch(torch.zeros(4, 17, 3), Frame.ROOT, skeleton, torch.arange(4), uv, uv.clone())
        case "images":
            return ImageBatch(torch.zeros(4, 3, 8, 8), Camera(torch.ones(4, 2), torch.ones(4, 2)), torch.arange(4))
        case _:
            target = toy_dataset().target(ALL)
            return type(target)(target.poses, target.labels, target.keypoints, HEAD.clone(), HEAD[:, None] > 0)


HANDED = {"keypoints": 7, "poses": 4, "images": 4, "target": 2 + 6 + 7 + 2}
"""Carriers, and how many tensors each holds."""


@pytest.mark.parametrize("name", HANDED)
def test_a_change_of_any_tensor_that_is_handed_is_told(name: str) -> None:
    assert len(list(tensors(carrier(name)))) == HANDED[name]
    for number in range(HANDED[name]):
        given = carrier(name)
        notes: list[str] = []
        with left_alone(notes.append, given):
            last = list(tensors(given))[number].view(-1)[-1:]
            last.copy_(~last if last.dtype == torch.bool else last.nan_to_num() + 1)
        assert notes == ["changed its input"], number


def test_what_is_left_alone_is_not_told_though_it_holds_nan_and_lies_oddly() -> None:
    given = carrier("poses")
    strided = PoseBatch(given.xyz.transpose(0, 2).contiguous().transpose(0, 2), *list(vars(given).values())[1:])
    for one in (given, strided):
        notes: list[str] = []
        with left_alone(notes.append, one):
            one.xyz.sum()
        assert notes == []
    with left_alone(notes.append, strided):
        strided.xyz[3, 16, 2] = -0.0  # another number of the same value
    assert notes == ["changed its input"]


# ---- seeds ---------------------------------------------------------------------------------------


def restores() -> None:
    states = random.getstate(), np.random.get_state()
    random.seed(1)
    np.random.seed(1)
    random.setstate(states[0])
    np.random.set_state(states[1])


@pytest.mark.parametrize(
    ("act", "notes"),
    [
        (lambda: (random.random(), np.random.rand(2000), torch.rand(2000)), []),
        (restores, []),
        (lambda: random.seed(1), ["changed the seed"]),
        (lambda: random.setstate(random.Random(1).getstate()), ["changed the seed"]),
        (lambda: np.random.seed(1), ["changed the seed"]),
        (lambda: np.random.set_state(np.random.RandomState(1).get_state()), ["changed the seed"]),
        (lambda: torch.manual_seed(1), ["changed the seed"]),
    ],
)
def test_who_seeds_is_told_and_who_draws_is_not(act: Callable[[], object], notes: list[str]) -> None:
    functions = random.seed, random.setstate, np.random.seed, np.random.set_state
    assert told(sown, act, 0, 0) == notes
    assert (random.seed, random.setstate, np.random.seed, np.random.set_state) == functions


# ---- standard output -----------------------------------------------------------------------------

LIBC = ctypes.CDLL(None)
BELOW: dict[str, Callable[[], object]] = {
    "by the descriptor": lambda: os.write(1, b"hello\n"),
    "by C": lambda: LIBC.puts(b"hello"),
    "by a child": lambda: os.system("echo hello"),
    "by the first stream": lambda: (sys.__stdout__ or sys.stdout).write("hello\n"),
}


@pytest.mark.parametrize("way", ["by print", *BELOW])
def test_what_is_printed_aside_stays_out_of_our_own(way: str, capfd: pytest.CaptureFixture[str]) -> None:
    act = BELOW.get(way, lambda: print("hello"))
    print("before")
    LIBC.puts(b"before, by C")
    with aside():
        notes = [told(heard, act), told(heard, lambda: print("a warning", file=sys.stderr)), told(heard, act)]
        with aside():
            act()
    print("after")
    out, err = capfd.readouterr()
    assert sorted(out.splitlines()) == ["after", "before", "before, by C"]
    assert err.splitlines() == ["hello", "a warning", "hello", "hello"]
    assert notes == [["printed to stdout"], [], ["printed to stdout"]]


def test_whoever_keeps_a_turns_stream_is_told_in_later_turns() -> None:
    kept: list[Any] = []
    assert told(heard, lambda: kept.append(sys.stdout)) == []
    assert told(heard, lambda: kept[0].write("hello")) == ["printed to stdout"]
    assert told(heard, lambda: None) == []
    assert told(heard, lambda: sys.stdout.close()) == []
    assert not sys.stdout.closed


@pytest.mark.parametrize(
    "words", [("run", "--lifter"), ("compare", "rowdy"), ("check",), ("list",)], ids=lambda w: w[0]
)
def test_the_json_of_commands_is_theirs_alone(
    words: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    dataset_in(tmp_path / "toy")
    (tmp_path / "talks.py").write_text("import os\nos.write(1, b'hello from below\\n')\n")
    measuring = ["--dataset", "toy", "--evaluator", "rowdy-error"] if words[0] in ("run", "compare") else []
    method = [] if words[0] == "list" else ["rowdy:deed=prints-below"]
    plugins = ["--plugin", rowdies.__file__, "--plugin", "talks.py"]
    assert main([*words, *method, *plugins, *measuring, "--json"]) == (words[0] == "check")
    out, err = capfd.readouterr()
    assert json.loads(out)
    assert err.count("hello from below") > (words[0] != "list")


# ---- surroundings --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "act",
    [
        lambda: os.environ.update(KNOWN="other"),
        lambda: os.environ.update(UNKNOWN="there"),
        lambda: os.environ.pop("KNOWN"),
        lambda: os.environ.clear(),
        lambda: os.environb.update({b"KNOWN": b"\xff"}),
    ],
)
def test_the_environment_is_put_back_and_told(act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KNOWN", "value")
    before = dict(os.environ)
    assert told(put_back, act) == ["changed the environment"]
    assert os.environ == before
    assert told(put_back, lambda: None) == []


def test_a_library_that_is_imported_first_may_add_to_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "some_library.py").write_text("import os\nos.environ.update(KNOWN='other', OF_LIBRARY='there')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("KNOWN", "value")
    monkeypatch.delenv("OF_LIBRARY", raising=False)
    assert told(put_back, lambda: __import__("some_library")) == ["changed the environment"]
    assert (os.environ["KNOWN"], os.environ["OF_LIBRARY"]) == ("value", "there")
    monkeypatch.setenv("OF_LIBRARY", "there")  # so that it goes with this test
