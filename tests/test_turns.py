"""A component's turn: what it does to its process and to what it is handed is put back and told, nothing else is."""

# ruff: noqa: NPY002 - the global generators are what is watched

from __future__ import annotations

import ctypes
import io
import json
import os
import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import rowdies
import torch
from benchsuite_registry.carrier import Carrier
from benchsuite_registry.contracts import Refinement, late
from benchsuite_registry.poses import Camera, Frame, ImageBatch, PoseBatch
from shells import dataset_in
from toys import toy_dataset

from benchsuite.cli import main
from benchsuite.running.handed import left_alone
from benchsuite.running.predicting import lift, refine
from benchsuite.running.seeds import sown
from benchsuite.running.stages import BrokenContract
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
    assert len(list(carrier(name).tensors())) == HANDED[name]
    for number in range(HANDED[name]):
        given = carrier(name)
        notes: list[str] = []
        with left_alone(notes.append, given):
            last = list(given.tensors())[number].view(-1)[-1:]
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


@dataclass(frozen=True)
class Two(Carrier):
    """Two tensors of any kind."""

    first: torch.Tensor
    second: torch.Tensor


@pytest.mark.parametrize(
    "act",
    [lambda x: x.t_(), lambda x: x.unsqueeze_(0), lambda x: x.resize_(2, 1), lambda x: setattr(x, "data", x.float())],
)
def test_another_shape_or_type_of_the_same_numbers_is_told(act: Callable[[torch.Tensor], object]) -> None:
    given = Two(torch.zeros(2, 2, dtype=torch.int32), torch.zeros(1, 4).expand(3, 4))
    assert told(lambda note: left_alone(note, given), lambda: given.second.sum()) == []
    assert told(lambda note: left_alone(note, given), lambda: act(given.first)) == ["changed its input"]


def test_tensors_of_several_devices_are_compared_each_on_its_own() -> None:
    """The device ``meta``, which holds no numbers, stands for a GPU: what lies elsewhere is compared."""
    given = Two(torch.zeros(4, 2, device="meta"), torch.arange(4))
    assert told(lambda note: left_alone(note, given), lambda: given.second.add_(1)) == ["changed its input"]


def test_who_leaves_poses_on_another_device_is_named_himself() -> None:
    poses, keypoints = carrier("poses"), carrier("keypoints")
    elsewhere = replace(poses, xyz=poses.xyz.to("meta"), frame=Frame.ROOT)
    placed = Refinement(replace(elsewhere, frame=Frame.CAMERA), HEAD, HEAD, HEAD)
    made = SimpleNamespace(lift=lambda _: elsewhere, refine=lambda *_: placed)
    stage: Any = SimpleNamespace(name="somebody", remark=print)
    for act in (lambda: lift(made, stage, keypoints), lambda: refine(made, stage, poses, keypoints)):
        with pytest.raises(BrokenContract, match=r"^somebody: wanted poses on cpu, found them on meta$"):
            act()


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


@pytest.mark.parametrize("name", ["random.seed", "random.setstate", "numpy.random.seed", "numpy.random.set_state"])
def test_what_seeds_can_be_sent_to_another_process(name: str) -> None:
    module, _, function = name.rpartition(".")
    sent: list[bytes] = []
    assert told(sown, lambda: sent.append(pickle.dumps(getattr(sys.modules[module], function))), 0, 0) == []
    assert pickle.loads(sent[0]) is getattr(sys.modules[module], function)


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
    "act",
    [
        lambda: sys.stdout.writelines(["hel", "lo\n"]),
        lambda: sys.stdout.buffer.write(b"hello\n"),
        lambda: sys.stdout.buffer.writelines([b"hello\n"]),
    ],
)
def test_other_ways_to_write_are_heard(act: Callable[[], object], capfd: pytest.CaptureFixture[str]) -> None:
    assert told(heard, act) == ["printed to stdout"]
    sys.stdout.flush()
    assert capfd.readouterr().out == "hello\n"


def test_what_comes_while_the_rest_is_passed_on_is_not_lost(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read, late_lines = os.pread, [b"late\n"]

    def slow(*args: int) -> bytes:
        came = read(*args)
        if late_lines:
            os.write(1, late_lines.pop())
        return came

    monkeypatch.setattr(os, "pread", slow)
    with aside():
        assert told(heard, lambda: os.write(1, b"early\n")) == ["printed to stdout"]
    assert capfd.readouterr().err == "early\nlate\n"


class Gone(io.StringIO):
    """A stream that nobody reads any more."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, text)

    def flush(self) -> None:
        raise BrokenPipeError(32, "Broken pipe")


@pytest.mark.parametrize("act", [lambda: os.write(1, b"hello\n"), lambda: print("hello", flush=True)])
def test_whoever_prints_comes_to_no_harm_if_nobody_reads_it(act: Callable[[], object]) -> None:
    with aside(Gone()):
        assert told(heard, act) == ["printed to stdout"]


def test_nobody_can_close_our_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = io.StringIO()
    monkeypatch.setattr(sys, "__stdout__", ours)
    assert told(heard, lambda: sys.__stdout__ and sys.__stdout__.close()) == []
    assert sys.__stdout__ is ours
    assert not ours.closed
    ours.close()  # as somebody may who kept it from before
    with aside():
        assert told(heard, lambda: None) == []


def test_an_interruption_leaves_the_descriptor_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    before, within = os.fstat(1), aside()
    within.__enter__()
    os.write(1, b"hello\n")
    monkeypatch.setattr(os, "pread", interrupted)
    with pytest.raises(KeyboardInterrupt):
        within.__exit__(None, None, None)
    assert os.path.samestat(os.fstat(1), before)


@pytest.mark.parametrize(("closed", "out"), [(">&-", ""), ("2>&-", "lifters:")])
def test_commands_work_with_a_stream_closed(closed: str, out: str, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import os\nraise ValueError(f'for workers, too: {os.get_inheritable(2)}')\n")
    command = f"{sys.executable} -m benchsuite list --plugin broken.py {closed}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stdout.partition("\n")[0]) == (0, out)
    assert done.stderr.startswith("" if out else "warning: plugin 'broken'")
    assert "warning" not in done.stdout
    assert "for workers, too: True" in done.stdout + done.stderr


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


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``some_library`` adds a variable and changes one; ``of_its_own`` adds one, in a part of it."""
    (tmp_path / "some_library.py").write_text("import os\nos.environ.update(KNOWN='other', OF_LIBRARY='there')\n")
    (tmp_path / "of_its_own").mkdir()
    (tmp_path / "of_its_own" / "__init__.py").write_text("from .part import dict\n")
    (tmp_path / "of_its_own" / "part.py").write_text(
        "import os, some_library\nos.environ['UNKNOWN'] = 'there'\ndict=dict\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("KNOWN", "value")
    for name in ("OF_LIBRARY", "UNKNOWN"):
        monkeypatch.setenv(name, "")  # so that it goes with this test
        monkeypatch.delenv(name)
    for name in ("some_library", "of_its_own", "of_its_own.part"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def first_import_only() -> None:
    before = os.environ["KNOWN"]
    __import__("some_library", fromlist=["os"])
    os.environ["KNOWN"] = before


@pytest.mark.usefixtures("modules")
@pytest.mark.parametrize(
    ("act", "notes"),
    [
        (first_import_only, []),
        (lambda: __import__("some_library"), ["changed the environment"]),
        (late("of_its_own:dict"), ["changed the environment"]),
        (lambda: (first_import_only(), os.environ.update(UNKNOWN="there")), ["changed the environment"]),
        (lambda: (first_import_only(), os.environ.update(OF_LIBRARY="other")), ["changed the environment"]),
    ],
    ids=["adds", "changes", "its own module", "and more", "and changed again"],
)
def test_a_library_that_is_imported_first_may_add_to_the_environment(
    act: Callable[[], object], notes: list[str]
) -> None:
    assert told(put_back, act) == notes
    there = {name: os.environ.get(name) for name in ("KNOWN", "OF_LIBRARY", "UNKNOWN")}
    assert there == {"KNOWN": "value", "OF_LIBRARY": "there", "UNKNOWN": None}
