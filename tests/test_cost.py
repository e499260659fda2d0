"""What methods cost: what is counted and timed, where it is kept, who stands on the front."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import rowdies
import torch
import toys
from benchsuite_registry.contracts import Metric
from shells import PLUGIN, Shell, rows
from torch import nn

from benchsuite.cli.cost import _print
from benchsuite.documents import WrongDocument
from benchsuite.leaderboard.pareto import pareto, priced
from benchsuite.leaderboard.standings import Contest, contest
from benchsuite.records.cost import BUSY, Cost, Latency, cost_path, method_key, read_costs, write_cost
from benchsuite.records.results import DatasetUsed, Part, Record
from benchsuite.running import cost_harness
from benchsuite.running.cost_harness import measure_cost, parameters_of
from benchsuite.running.methods import parse_method


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, capsys)


def lifter(name: str, weights: str = "", recipe: str = "", **parameters: Any) -> Part:
    trained: Mapping[str, Any] = {"recipe": recipe} if recipe else {}
    return Part("lifter", name, parameters, {}, "benchsuite 0.1.0", weights or None, trained)


def cost(source: Part, per_pose_us: float, *, single_ms: float = 1.0, computing: float = 1.0) -> Cost:
    calls = (Latency(1, single_ms, 0.5, 2.0, 9), Latency(1000, per_pose_us, 0.5, 2.0, 9))
    return Cost(source, None, "cpu: toy", 1, 17, calls, 12.5, computing, {"seed": 0})


# ---- the harness ---------------------------------------------------------------------------------


def test_calls_are_warmed_up_and_made_with_as_many_poses_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_harness, "LONGEST_S", 0.0)
    toys.CALLS.clear()
    method = parse_method("toy+toy-back", toys.toy_registries())
    found = measure_cost(method, toys.toy_dataset(), torch.device("cpu"), 1, (1, 40), "benchsuite cost")
    lifted = [count for name, count in toys.CALLS if name.startswith("lifter")]
    assert lifted == [1] * 8 + [40] * 8  # three to warm up, five timed; 15 samples are lifted over and over
    assert toys.CALLS[::2] == [("lifter:well", n) for n in lifted]
    assert toys.CALLS[1::2] == [("refiner:well", n) for n in lifted]
    assert [(each.batch, each.calls) for each in found.latencies] == [(1, 5), (40, 5)]
    assert (found.threads, found.parameters) == (1, 0)
    assert found.provenance["command"] == "benchsuite cost"


def test_latencies_are_quantiles_of_the_timed_calls_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls take 100, 100, 100 (to warm up), then 1, 2, 3, 4, 5 s by a clock of our own."""
    monkeypatch.setattr(cost_harness, "LONGEST_S", 0.0)
    ticks = iter([t for seconds in (100, 100, 100, 1, 2, 3, 4, 5) for t in (0.0, float(seconds))])
    monkeypatch.setattr(cost_harness, "perf_counter", lambda: next(ticks))
    found = cost_harness._timed(lambda: None, 7, torch.device("cpu"))
    assert found == Latency(7, 3000.0, 1400.0, 4600.0, 5)


def test_parameters_are_counted_once_and_buffers_not() -> None:
    shared = nn.Linear(3, 4)  # 12 + 4

    class Held:
        def __init__(self) -> None:
            self.first = nn.Sequential(shared, nn.BatchNorm1d(4))  # 8 more, and buffers
            self.second = nn.Sequential(shared, nn.Linear(4, 1))  # 5 more
            self.other = torch.zeros(100)

    assert parameters_of(shared) == 16
    assert parameters_of(Held()) == 29
    assert parameters_of(toys.ToyLifter()) == 0


def test_peak_memory_is_what_the_method_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("peaks of memory cannot be reset here")
    monkeypatch.setattr(cost_harness, "LONGEST_S", 0.0)

    class Greedy(toys.ToyLifter):
        def lift(self, keypoints: Any) -> Any:
            torch.ones(25 * 2**20 * (1 if len(keypoints) > 1 else 0))  # 100 MiB of float32
            return super().lift(keypoints)

    monkeypatch.setattr(cost_harness, "_built", lambda component, device: Greedy())
    method = parse_method("toy", toys.toy_registries())
    small = measure_cost(method, toys.toy_dataset(), torch.device("cpu"), 1, (1,)).peak_mib
    large = measure_cost(method, toys.toy_dataset(), torch.device("cpu"), 1, (1, 2)).peak_mib
    assert small < 50
    assert 90 < large < 150


def test_threads_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_harness, "LONGEST_S", 0.0)
    before = torch.get_num_threads()
    method = parse_method("toy", toys.toy_registries())
    assert measure_cost(method, toys.toy_dataset(), torch.device("cpu"), before + 1, (1,)).threads == before + 1
    assert torch.get_num_threads() == before


# ---- where it is kept ----------------------------------------------------------------------------


def test_costs_come_back_as_they_went(tmp_path: Path) -> None:
    one = cost(lifter("a/b"), 5.0)
    path = write_cost(tmp_path, one)
    assert path.parent == tmp_path / "costs"
    assert path.name.startswith("a_b-")
    assert read_costs(tmp_path) == (one,)
    assert (one.single_ms, one.per_pose_us) == (1.0, 5.0)
    path.write_text(path.read_text().replace('"threads": 1', '"threads": "one"'))
    with pytest.raises(WrongDocument, match="threads: wanted an integer"):
        read_costs(tmp_path)


def test_a_place_of_its_own_for_each_method_device_and_number_of_threads(tmp_path: Path) -> None:
    one = cost(lifter("a"), 5.0)
    assert cost_path(tmp_path, one) == cost_path(tmp_path, replace(one, parameters=3, provenance={}))
    others = [replace(one, threads=2), replace(one, device="gpu"), replace(one, refiner=lifter("r"))]
    assert len({cost_path(tmp_path, each) for each in (one, *others)}) == 4


def test_other_seeds_of_a_recipe_cost_the_same_and_other_recipes_do_not() -> None:
    one = method_key(lifter("a", "w1", "narrow"), None)
    assert method_key(lifter("a", "w2", "narrow"), None) == one
    assert method_key(lifter("a", "w2", "wide"), None) != one
    assert method_key(lifter("a", "w1"), None) != method_key(lifter("a", "w2"), None)
    assert method_key(lifter("a", "w1", "narrow", width=3), None) != one
    assert method_key(lifter("a", "w1", "narrow"), lifter("r")) != one


# ---- beside accuracy -----------------------------------------------------------------------------


def test_the_front_by_hand() -> None:
    points = [(1.0, 9.0), (2.0, 5.0), (3.0, 5.0), (4.0, 1.0), (5.0, 2.0), (2.0, 5.0)]
    assert pareto(points) == (True, True, False, True, False, True)


def scored(better: str) -> Contest:
    """a: 40 mm, b: 50, c: 45, d: 30."""
    used = DatasetUsed("cmu", "test", "f00d", 8, 4)
    return contest(
        [
            Record(
                lifter(name, f"{name}1", name),
                None,
                Part("evaluator", "e"),
                used,
                {},
                (Metric("MPJPE", value, "mm", better, n=8),),  # type: ignore[arg-type]
                None,
                {"seed": 0},
            )
            for name, value in (("a", 40.0), ("b", 50.0), ("c", 45.0), ("d", 30.0))
        ]
    )


@pytest.mark.parametrize(("better", "front"), [("lower", [True, False, True]), ("higher", [False, True, True])])
def test_rows_of_a_contest_are_priced_machine_by_machine(better: str, front: list[bool]) -> None:
    """a: 5 us, b: 6, c: 1; d's cost is not known."""
    made = scored(better)
    known = [cost(lifter(name, "other", name), us) for name, us in (("a", 5.0), ("b", 6.0), ("c", 1.0), ("x", 0.1))]
    found = priced(made, [*known, replace(known[0], threads=8)])
    assert list(found) == [("cpu: toy", 1), ("cpu: toy", 8)]
    by_name = {row.standing.records[0].source.name: row.on_front for row in found["cpu: toy", 1]}
    assert [by_name[name] for name in "abc"] == front
    assert [row.on_front for row in found["cpu: toy", 8]] == [True]


def test_what_was_disturbed_is_not_on_the_front_and_pushes_nobody_off_it() -> None:
    """c and d, the fastest, were; a and b are on it, for b was just busy enough."""
    seconds = {"a": (5.0, 1.0), "b": (4.0, BUSY), "c": (1.0, 0.79), "d": (0.1, 0.5)}
    known = [cost(lifter(n, "other", n), us, computing=computing) for n, (us, computing) in seconds.items()]
    rows = priced(scored("lower"), known)["cpu: toy", 1]
    assert {row.standing.records[0].source.name: row.on_front for row in rows} == {
        "a": True,
        "b": True,
        "c": False,
        "d": False,
    }
    assert not replace(known[3], device="cuda: toy").is_disturbed, "there it waits for the device"


def test_who_leaves_samples_undefined_is_not_on_the_front_and_pushes_nobody_off_it() -> None:
    """d would beat all in both, on half of the samples."""
    records = [record for standing in scored("lower").standings for record in standing.records]
    half = [replace(r, metrics=(replace(r.metrics[0], n=4),)) if r.source.name == "d" else r for r in records]
    known = [cost(lifter(name, "other", name), us) for name, us in (("a", 5.0), ("d", 0.1))]
    rows = priced(contest(half), known)["cpu: toy", 1]
    assert {row.standing.records[0].source.name: row.on_front for row in rows} == {"a": True, "d": False}


# ---- the command ---------------------------------------------------------------------------------


def test_cost_measures_each_method_in_a_process_of_its_own(shell: Shell) -> None:
    words = ("--lifter", "toy", "--refiner", "none", "--refiner", "toy-back", "--dataset", "toy", "--batch", "2")
    assert shell("cost", *words, "--plugin", PLUGIN, "--device", "cpu", "-o", "results") == 0
    assert ", 1 thread\n" in shell.out
    assert [row[:4] for row in rows(shell.out)[1:]] == [["toy", "none", "0", "2"], ["toy", "toy-back", "0", "2"]]
    kept = [json.loads(path.read_bytes()) for path in sorted(Path("results/costs").iterdir())]
    assert [one["refiner"] and one["refiner"]["name"] for one in kept] == ["toy-back", None]
    assert "--refiner toy-back --dataset toy --threads 1 --device cpu --batch 2" in kept[0]["provenance"]["command"]


def test_who_dies_raises_or_hangs_is_named_and_the_others_are_measured(shell: Shell) -> None:
    deeds = ("faults", "raises", "hangs", "interrupts", "well")
    words = ("--refiner", "none", "--dataset", "toy", "--batch", "2", "--timeout", "9", "-o", "results")
    lifters = [word for deed in deeds for word in ("--lifter", f"rowdy:deed={deed}")]
    assert shell("cost", *lifters, *words, "--plugin", rowdies.__file__, "--device", "cpu") == 1
    assert [line for line in shell.err.splitlines() if line.startswith("failed")] == [
        "failed: rowdy:deed=faults: Killed: lifter rowdy:deed=faults: killed by signal 11 (SIGSEGV)",
        "failed: rowdy:deed=raises: ValueError: lifter rowdy:deed=raises: no",
        "failed: rowdy:deed=hangs: TimedOut: lifter rowdy:deed=hangs: timed out after 9 s",
        "failed: rowdy:deed=interrupts: KeyboardInterrupt: lifter rowdy:deed=interrupts",
    ]
    assert [row[0] for row in rows(shell.out)[1:]] == ["rowdy"]
    assert len(read_costs(shell.results)) == 1


def test_the_table_says_what_was_disturbed_and_gives_the_peak_once(capsys: pytest.CaptureFixture[str]) -> None:
    _print([cost(lifter("a"), 0.0417, computing=0.5), cost(lifter("b"), 1234.5)])
    table = capsys.readouterr().out
    assert [row[4:] for row in rows(table)[1:]] == [
        ["1 [0.5, 2] †", "1,000", ""],
        ["0.0417 [0.5, 2] †", "0.0417", "12.5"],
        ["1 [0.5, 2]", "1,000", ""],
        ["1,230 [0.5, 2]", "1,230", "12.5"],
    ]
    assert table.endswith("\n† other processes kept it waiting: it is not on the front.\n")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "wanted a --lifter or an --image-model"),
        (("--lifter", "toi"), "unknown lifter 'toi'; did you mean toy?"),
        (("--lifter", "toy", "--refiner", "toy-bak"), "unknown refiner 'toy-bak'; did you mean toy-back?"),
        (("--lifter", "toy", "--threads", "99999"), f"--threads: wanted at most {4 * (os.cpu_count() or 1)}, 4 a core"),
    ],
)
def test_cost_refuses_with_a_reason(words: tuple[str, ...], message: str, shell: Shell) -> None:
    assert shell("cost", *words, "--plugin", PLUGIN, "--dataset", "toy") == 2
    assert message in shell.err
    assert not Path("results").exists()
