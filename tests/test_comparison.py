"""Two methods pose by pose: every figure by hand, and the command."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import toys
from benchsuite_registry.contracts import Measurements, Metric, Scalar
from benchsuite_registry.poses import Frame, Labels, PoseBatch, Target
from benchsuite_registry.registries import UnknownName
from benchsuite_registry.skeletons import H36M_17
from scored import with_evaluators
from shells import PLUGIN, Shell, rows

from benchsuite.comparing.compared import Comparison
from benchsuite.comparing.comparison import CannotCompare, compare, compare_records
from benchsuite.comparing.comparison_picture import draw_comparison
from benchsuite.leaderboard.fingerprints import MixedProtocols
from benchsuite.records.results import Part
from benchsuite.running.cells import Cell, blank_record
from benchsuite.running.methods import NoPredictions, parse_method, predictions
from benchsuite.running.pipeline import Branch, Settings, score


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, capsys)


def off(*mm: float, joint: str = "r_hip") -> PoseBatch:
    """The toy dataset's poses, one joint off by so many mm in the samples of clip 0, clip 1..."""
    xyz = toys.TRUTH.repeat(5 * len(mm), 1, 1)
    xyz[:, H36M_17.index(joint), 0] += torch.tensor(mm).repeat_interleave(5)
    return PoseBatch(xyz, Frame.ROOT, H36M_17, torch.arange(len(xyz)))


def compared(first: PoseBatch, second: PoseBatch, **more: int) -> Comparison:
    clips = len(first) // 5
    evaluator = with_evaluators().evaluators.component("h36m-p1", {"bootstrap": 0}).build()
    return compare(("a", first), ("b", second), evaluator, toys.toy_dataset(clips), **more)


def test_every_figure_by_hand() -> None:
    """MPJPE is a 17th of what one joint is off; clips 0 and 2 are action-0, clips 1 and 3 action-1."""
    found = compared(off(17, 34, 51, 68), off(34, 17, 51, 17))
    assert (found.samples, found.left_out, found.figure, found.unit, found.average) == (20, 0, "MPJPE", "mm", "actions")
    assert (found.overall.first, found.overall.second) == pytest.approx((2.5, 1.75), abs=1e-5)
    assert found.overall.difference.value == pytest.approx(-0.75, abs=1e-5)
    by_action = {row.name: (row.first, row.second, row.difference.value) for row in found.actions}
    assert by_action["action-0"] == pytest.approx((2.0, 2.5, 0.5), abs=1e-5)
    assert by_action["action-1"] == pytest.approx((3.0, 1.0, -2.0), abs=1e-5)
    # of two clips, drawn anew: both the first, both the second, or one of each
    ends = {row.name: (row.difference.low, row.difference.high) for row in found.actions}
    assert ends["action-0"] == pytest.approx((0.0, 1.0), abs=1e-5)
    assert ends["action-1"] == pytest.approx((-3.0, -1.0), abs=1e-5)
    assert (found.oracle.value, found.headroom.value) == pytest.approx((1.5, 0.25), abs=1e-5)
    assert (found.worse.value, found.improved.value) == (25.0, 50.0)
    assert (found.worse.low, found.worse.high) == (0.0, 75.0)
    (hip,) = (row for row in found.joints if row.name == "r_hip")
    assert (hip.first, hip.second, hip.difference.value) == pytest.approx((42.5, 29.75, -12.75), abs=1e-4)
    assert len(found.joints) == 16  # the root is at its place by definition
    assert all(row.first == row.second == 0.0 for row in found.joints if row.name != "r_hip")
    median = next(q for q in found.quantiles if q.share == 50)
    assert (median.first, median.second, median.difference) == pytest.approx((2.5, 1.5, -0.5), abs=1e-5)


def test_the_mean_over_actions_weighs_actions_and_not_frames() -> None:
    """Three clips: action-0 has two of them."""
    found = compared(off(0, 0, 0), off(17, 51, 34))
    assert found.overall.difference.value == pytest.approx((1.5 + 3.0) / 2, abs=1e-5)
    assert found.overall.difference.low is None  # action-1 has a single clip
    assert found.pooled.difference.value == pytest.approx(2.0, abs=1e-5)
    assert found.verdict.startswith(
        "There is an action of a single take, so over frames: a is better by 2.00 mm [1.00,"
    )
    assert (found.pooled.difference.low, found.pooled.difference.high) == pytest.approx((1.0, 3.0), abs=1e-5)
    assert (found.told_over, found.detectable) == ("frames", found.pooled.difference.detectable)
    assert found.detectable == pytest.approx(2.8016 * (2 / 3) ** 0.5 / 3**0.5, rel=0.1)  # 1, 2 and 3 mm: three draws
    alone = compared(off(0), off(17))
    assert alone.verdict == "There are too few takes to say whether the difference would show on others."


def test_the_verdict_names_who_is_better_by_how_much() -> None:
    ahead = compared(off(34, 34, 34, 34), off(17, 17, 17, 17))
    assert ahead.verdict == "b is better by 1.00 mm [1.00, 1.00]."
    assert compared(off(17, 17, 17, 17), off(34, 34, 34, 34)).verdict == "a is better by 1.00 mm [1.00, 1.00]."
    apart = compared(off(17, 34, 51, 68), off(34, 17, 51, 68))
    assert apart.verdict == "The two cannot be told apart: b less a is +0.00 mm [-0.50, +0.50]."
    # of an action: 0.5 / sqrt(2), two clips that differ by 1; of the mean of two such actions: 1 / sqrt(2) of that
    assert apart.detectable == pytest.approx(2.8016 * 0.25, rel=0.1)
    assert compared(off(17, 34, 51, 68), off(17, 34, 51, 68)).detectable is None


def test_a_method_is_not_told_apart_from_itself() -> None:
    """0 where it counts, although 0.1 has no exact sum."""
    same = compared(off(0.1, 34.3, 51.7, 68.9), off(0.1, 34.3, 51.7, 68.9))
    assert same.verdict == "The two cannot be told apart: b less a is +0.00 mm [+0.00, +0.00]."
    assert (same.worse.value, same.improved.value, same.headroom.value) == (0.0, 0.0, 0.0)
    assert {row.difference.value for row in (*same.actions, *same.joints)} == {0.0}


def test_samples_that_one_lacks_are_left_out() -> None:
    lacking = off(17, 17, 17, 17)
    lacking.xyz[:5] = torch.nan
    found = compared(lacking, off(1700, 34, 34, 34))
    assert (found.samples, found.left_out) == (15, 5)
    assert found.overall.difference.value == pytest.approx(1.0, abs=1e-5)
    one, other = off(17, 17), off(17, 17)
    one.xyz[::2] = torch.nan
    other.xyz[1::2] = torch.nan
    with pytest.raises(CannotCompare, match="a and b have a MPJPE of no sample in common"):
        compared(one, other)


def test_an_evaluator_whose_headline_is_no_mean_of_samples_is_refused() -> None:
    class Worst(toys.ToyEvaluator):
        def summarise(self, measurements: Measurements, labels: Labels) -> tuple[Metric, ...]:
            return (Metric("worst", float(measurements["mm"].max()), "mm", "lower"),)

    with pytest.raises(CannotCompare, match="worst is 2, and no mean of the samples' own figures is"):
        compare(("a", off(17, 34)), ("b", off(17, 34)), Worst(), toys.toy_dataset(2))


def test_higher_is_better_turns_worse_and_better_around() -> None:
    class Right(toys.ToyEvaluator):
        def measure(self, poses: PoseBatch, target: Target) -> Measurements:
            return {"right": 100 - super().measure(poses, target)["mm"]}

        def summarise(self, measurements: Measurements, labels: Labels) -> tuple[Metric, ...]:
            return (Metric("right", float(measurements["right"].mean()), "%", "higher"),)

        def protocol(self) -> dict[str, Scalar]:
            return {}

    found = compare(("a", off(17, 17, 17, 17)), ("b", off(34, 34, 34, 0)), Right(), toys.toy_dataset(4))
    assert (found.worse.value, found.improved.value) == (75.0, 25.0)
    assert (found.oracle.value, found.headroom.value) == pytest.approx((99.25, 0.25), abs=1e-5)


def test_the_picture_has_a_line_for_each_action_and_joint() -> None:
    figure = draw_comparison(compared(off(17, 34, 51, 68), off(34, 17, 51, 17)))
    actions, joints, _ = figure.axes
    assert [label.get_text() for label in actions.get_yticklabels()] == ["action-0", "action-1", "all"]
    assert len(joints.get_yticklabels()) == 16


def test_all_of_the_picture_is_on_it() -> None:
    found = compared(off(17, 34, 51, 68), off(34, 17, 51, 17))
    long = "martinez:weights=martinez-of-a-long-name.safetensors+geosearch:objective=l1,delta_x_mm=250.0"
    figure = draw_comparison(replace(found, first=long, second=long))
    figure.draw_without_rendering()
    written = [text for axes in figure.axes for text in (axes.title, *axes.get_yticklabels())]
    for text in (*figure.texts, *written):
        box = text.get_window_extent()
        assert box.x0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text


# ---- records -------------------------------------------------------------------------------------


def test_records_are_compared_by_the_clips_that_they_keep() -> None:
    """Clips of action-0 are 2 and 0 mm worse, that of action-1 is 1 mm better: the mean over frames is 1/3."""
    dataset = toys.toy_dataset()
    known = toys.toy_registries()
    evaluator = known.evaluators.parse("toy-error")
    records = []
    for mm in ((17, 17, 17), (51, 0, 17)):
        blank = blank_record([Part("predictions", f"{mm[0]}"), Part("evaluator", "toy-error")], {}, dataset, {})
        outcome = score(off(*mm), evaluator, dataset, Settings())
        records.append(Cell(Branch(None, evaluator), blank).filled(outcome))
    found = compare_records(*records).told
    assert (found.first, found.second, found.difference.value) == pytest.approx((1.0, 4 / 3, 1 / 3), abs=1e-5)
    assert (found.difference.low, found.difference.high) == pytest.approx((-1.0, 2.0), abs=1e-5)
    with pytest.raises(MixedProtocols, match="cannot be compared; they differ in joints: not said and 14"):
        compare_records(records[0], replace(records[1], protocol={"joints": 14}))
    with pytest.raises(CannotCompare, match="17 on toy keeps no figures of its clips; measure it again"):
        compare_records(replace(records[0], clips=None), records[1])


def test_compare_takes_two_records(shell: Shell) -> None:
    assert shell.run("--lifter", "toy:off_mm=34", "--lifter", "toy:off_mm=17") == 0
    two, one = sorted(map(str, (shell.results / "records").rglob("*.json")), key=lambda p: -_headline(p))
    assert shell("compare", two, one) == 0
    assert "toy:off_mm=17.0 is better by 1.00 mm [1.00, 1.00]." in shell.out
    assert shell("compare", two, "toy") == 2
    assert "wanted two records, or two methods or files of predictions, found one record" in shell.err


def _headline(path: str) -> float:
    value: float = json.loads(Path(path).read_bytes())["metrics"][0]["value"]
    return value


# ---- methods -------------------------------------------------------------------------------------


def test_methods_are_spelt_with_a_plus() -> None:
    known = toys.toy_registries()
    assert str(parse_method("toy", known)) == "toy"
    assert str(parse_method("toy:off_mm=3+toy-back:back_mm=2", known)) == "toy:off_mm=3.0+toy-back:back_mm=2.0"
    assert parse_method("toy:off_mm=1e+1", known).source.parameters["off_mm"] == 10.0
    with pytest.raises(UnknownName, match="unknown refiner 'toy-bak'; did you mean toy-back"):
        parse_method("toy+toy-bak", known)
    with pytest.raises(UnknownName, match="unknown lifter 'tow'"):
        parse_method("tow+toy-back", known)


def test_methods_of_one_source_share_its_predictions() -> None:
    known = toys.toy_registries()
    toys.CALLS.clear()
    methods = [
        parse_method(text, known) for text in ("toy:off_mm=3", "toy:off_mm=3+toy-back:back_mm=1", "toy:off_mm=3")
    ]
    bare, refined, again = predictions(methods, toys.toy_dataset(), Settings(batch=4))
    assert sum(count for name, count in toys.CALLS if name.startswith("lifter")) == 15
    assert bare.frame is Frame.ROOT
    assert refined.frame is Frame.CAMERA
    assert torch.equal(bare.xyz, again.xyz)
    assert (refined.root_relative().xyz - bare.xyz)[:, 1, 0].tolist() == pytest.approx([-1.0] * 15, abs=1e-3)
    assert bare.ids.tolist() == list(range(15))


def test_a_method_that_fails_is_named() -> None:
    method = parse_method("toy:does=raises", toys.toy_registries())
    with pytest.raises(NoPredictions, match=r"toy:does=raises on toy: ValueError: lifter toy:does=raises: no \| today"):
        predictions([method], toys.toy_dataset(), Settings())


# ---- the command ---------------------------------------------------------------------------------


def test_compare_prints_tables(shell: Shell) -> None:
    words = ("toy:off_mm=34", "toy:off_mm=34+toy-back:back_mm=17", "--plugin", PLUGIN, "--dataset", "toy")
    assert shell("compare", *words, "--evaluator", "toy-error", "--picture", "p.png") == 0
    assert "B: toy:off_mm=34+toy-back:back_mm=17\non toy: 15 samples\n" in shell.out
    assert "toy:off_mm=34+toy-back:back_mm=17 is better by 1.00 mm [1.00, 1.00]." in shell.out
    table = {row[0]: row[1:] for row in rows(shell.out)}
    assert table["all, mean of frames"] == ["2.00", "1.00", "-1.00 [-1.00, -1.00]"]
    assert table["r_hip"] == ["34.00", "17.00", "-17.00 [-17.00, -17.00]"]
    assert "poses that B makes worse: 0.0 % [0.0, 0.0]; better: 100.0 %" in shell.out
    assert Path("p.png").read_bytes()[:4] == b"\x89PNG"


def test_compare_asks_for_matplotlib_before_any_work(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    words = ("toy:does=interrupts", "toy", "--plugin", PLUGIN, "--dataset", "toy", "--evaluator", "toy-error")
    assert shell("compare", *words, "--picture", "p.png") == 2
    assert "pictures need matplotlib" in shell.err


def test_compare_takes_predictions_from_files(shell: Shell) -> None:
    xyz = np.array(shell.dataset.columns["xyz"])
    xyz[:, 1, 0] += 51
    np.savez("mine.npz", xyz=xyz)
    words = ("mine.npz", "toy:off_mm=34", "--plugin", PLUGIN, "--dataset", "toy", "--evaluator", "toy-error", "--json")
    assert shell("compare", *words) == 0
    found = json.loads(shell.out)
    assert (found["first"], found["second"]) == ("mine.npz", "toy:off_mm=34")
    assert found["overall"]["difference"]["value"] == pytest.approx(-1.0, abs=1e-4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("toy", "toi"), "unknown lifter 'toi'; did you mean toy?"),
        (("toy", "absent.npz"), "absent.npz: wanted a .npz file"),
        (("toy", "toy:does=raises"), "toy:does=raises on toy: ValueError: lifter toy:does=raises: no | today"),
        (("toy", "toy", "--picture", "p.gif"), "wanted a .png, .svg or .pdf file, found 'p.gif'"),
        (("toy", "toy:does=nan", "--evaluator", "toy-3d"), "no mean of the samples' own figures is"),
    ],
)
def test_compare_refuses_with_a_reason(words: tuple[str, ...], message: str, shell: Shell) -> None:
    given = ("--evaluator", "toy-error") if "--evaluator" not in words else ()
    assert shell("compare", *words, "--plugin", PLUGIN, "--dataset", "toy", *given) == 2
    assert message in shell.err


def test_rows_without_an_interval_are_drawn_too() -> None:
    found = compared(off(17), off(34))
    assert found.overall.difference.value == pytest.approx(1.0, abs=1e-5)
    assert found.overall.difference.low is None
    assert draw_comparison(found).axes
