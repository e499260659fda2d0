"""Why two protocols give two numbers: contributions by hand, knobs that meet every dialect, and the command."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from benchsuite_evaluators.dialects import DIALECTS, h36m_p1
from benchsuite_evaluators.knobs import knobs_of
from benchsuite_registry.contracts import Entry, Evaluator, Measurements, Metric, Parameter, Scalar
from benchsuite_registry.poses import Frame, Labels, PoseBatch, Target
from benchsuite_registry.registries import Origin, Registry
from benchsuite_registry.skeletons import H36M_17
from matplotlib.patches import Rectangle
from scored import labels, poses, score, with_evaluators
from shells import PLUGIN, Shell
from toys import TRUTH, toy_dataset

from benchsuite.comparing.explanation import CannotExplain, explain, parse_reading, spelt, thinned
from benchsuite.comparing.explanation_picture import draw_waterfall


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, capsys)


class Product:
    """Its headline is (1 + rows) a b + c: nothing in it but what the knobs make."""

    def __init__(self, a: float, b: float, c: float) -> None:
        self.a, self.b, self.c = a, b, c

    def measure(self, poses: PoseBatch, target: Target) -> Measurements:
        return {"row": np.zeros(len(poses))}

    def summarise(self, measurements: Measurements, labels: Labels) -> tuple[Metric, ...]:
        value = self.a * self.b + self.c
        return (
            Metric("product", value, "mm", "lower"),
            Metric("rows", float(len(measurements["row"])), "mm", "lower"),
            Metric("product", -1.0, "mm", "lower", group="action=walk"),
            Metric("share", 5.0, "%", "lower"),
        )

    def protocol(self) -> Mapping[str, Scalar]:
        return {}


def products() -> Registry[Evaluator]:
    known: Registry[Evaluator] = Registry("evaluator")
    parameters = {name: Parameter(1.0, "a number") for name in "abc"}
    known.register(Entry("product", Product, "", parameters=parameters), Origin("toys", "1.0"))
    return known


def truth(count: int = 15) -> PoseBatch:
    return PoseBatch(TRUTH.repeat(count, 1, 1), Frame.ROOT, H36M_17, torch.arange(count))


def test_contributions_by_hand() -> None:
    """From 1 x 1 + 1 = 2 to 3 x 5 + 11 = 26. First a, then b: 2, then 12; first b, then a: 4, then 10; c adds 10."""
    known = products()
    first, second = (parse_reading(text, known) for text in ("product", "product:a=3,b=5,c=11"))
    found = explain(first, second, truth(), toy_dataset())
    assert (found.first, found.second, found.unit) == (2.0, 26.0, "mm")
    told = {c.knob: (c.value, c.alone, c.last) for c in found.contributions}
    assert told == {"a": (6.0, 2.0, 10.0), "b": (8.0, 4.0, 12.0), "c": (10.0, 10.0, 10.0)}
    assert [c.knob for c in found.contributions] == ["c", "b", "a"]
    assert sum(c.value for c in found.contributions) == found.second - found.first
    assert found.alike == {"figure": "product", "stride": 1}


def test_figure_and_stride_are_knobs_too() -> None:
    """15 rows, every third frame of each clip of five leaves 2 of each."""
    known = products()
    first, second = (parse_reading(text, known) for text in ("product:c=20", "product:c=20@rows/3"))
    found = explain(first, second, truth(), toy_dataset())
    assert (found.first, found.second) == (21.0, 6.0)
    # figure first: -6, then stride -9; stride first: 0, then figure -15
    assert {c.knob: (c.value, c.alone, c.last) for c in found.contributions} == {
        "figure": (-10.5, -6.0, -15.0),
        "stride": (-4.5, 0.0, -9.0),
    }


def test_every_nth_frame_is_counted_within_its_clip() -> None:
    dataset = toy_dataset()
    some, data = thinned(truth(), dataset, 2)
    assert data.columns["frame"].tolist() == [0, 2, 4] * 3
    assert some.ids.tolist() == list(range(9))
    assert data.fingerprint != dataset.fingerprint


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ("product@share", "product is in mm, share in %: they have no difference"),
        ("product@mean", "has no metric 'mean'; it has product, rows, share"),
        ("product/0", "product/0: wanted a number of frames after the slash, found '0'"),
        ("product@rows/two", "wanted a number of frames after the slash, found 'two'"),
    ],
)
def test_what_cannot_be_explained_is_refused(second: str, message: str) -> None:
    known = products()
    with pytest.raises(CannotExplain) as refused:
        explain(parse_reading("product", known), parse_reading(second, known), truth(), toy_dataset())
    assert message in str(refused.value)


def test_two_evaluators_without_common_knobs_are_refused() -> None:
    known = with_evaluators().evaluators
    first, second = (parse_reading(text, known) for text in ("h36m-p1", "mpi-inf-3dhp@MPJPE"))
    with pytest.raises(CannotExplain, match="h36m-p1:bootstrap=0 and mpi-inf-3dhp:bootstrap=0 have no knobs in common"):
        explain(first, second, truth(), toy_dataset())


# ---- Protocol #1's knobs -------------------------------------------------------------------------

SETTINGS = [
    {"joints": joints, "root": root, "average": average, "dialect": "none", "bone_sum": bones}
    for joints in (17, 16, 14)
    for root in ("counted", "excluded")
    for average in ("actions", "frames")
    for bones in ("train", "truth")
] + [{"joints": 17, "root": "counted", "average": "actions", "dialect": name} for name in DIALECTS]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda s: "-".join(map(str, s.values())))
def test_turned_to_its_own_knobs_an_evaluator_gives_its_own_numbers(settings: dict[str, object]) -> None:
    rng = np.random.default_rng(0)
    true = rng.normal((0, 0, 5000), (150, 450, 100), (280, 17, 3)).astype(np.float32)
    guess = true - true[:, :1] + rng.normal(0, 50, true.shape).astype(np.float32)  # its root is not at the origin
    takes = ["S9_Greeting_2", "S9_Greeting_1", "S11_Directions_1", "S11_Directions_2"]
    told = {
        "take": [takes[k // 70] for k in range(280)],
        "subject": [takes[k // 70].split("_")[0] for k in range(280)],
        "action": [takes[k // 70].split("_")[1] for k in range(280)],
    }
    target = Target(poses(true, H36M_17), labels(280, **told))
    predicted = poses(guess, H36M_17, Frame.ROOT)
    asked = h36m_p1(bootstrap=0, **settings)  # type: ignore[arg-type]
    wanted = score(asked, predicted, target)
    found = score(asked.turned(knobs_of(asked)), predicted, target)
    by_name = {(m.name, m.group): m.value for m in found}
    for metric in wanted:
        assert by_name[metric.name, metric.group] == pytest.approx(metric.value, rel=1e-9), metric.name


def test_what_the_root_costs_by_hand() -> None:
    """One joint of 17 is 136 mm off: 8 mm with the root among 17, 8.5 without it; 14 joints leave out three."""
    off = truth()
    off.xyz[:, 1, 0] += 136.0
    known = with_evaluators().evaluators
    first, second = (parse_reading(text, known) for text in ("h36m-p1", "h36m-p1:joints=14"))
    found = explain(first, second, off, toy_dataset())
    assert (found.first, found.second) == pytest.approx((8.0, 136 / 14), abs=1e-4)
    told = {c.knob: (c.alone, c.last) for c in found.contributions}
    assert told["root"] == pytest.approx((136 / 16 - 136 / 17, 136 / 14 - 136 / 15), abs=1e-4)
    assert told["joints"] == pytest.approx((136 / 15 - 136 / 17, 136 / 14 - 136 / 16), abs=1e-4)
    assert set(told) == {"root", "joints"}


def test_a_dialect_s_knobs_add_up_to_its_difference() -> None:
    rng = np.random.default_rng(1)
    off = truth()
    off.xyz[:] += torch.from_numpy(rng.normal(0, 30, off.xyz.shape).astype(np.float32))
    known = with_evaluators().evaluators
    first, second = (parse_reading(text, known) for text in ("h36m-p1", "h36m-p1:dialect=zhou@P-MPJPE/2"))
    found = explain(first, second, off, toy_dataset())
    assert {c.knob for c in found.contributions} == {"joints", "scale", "spine", "average", "figure", "stride"}
    assert sum(c.value for c in found.contributions) == pytest.approx(found.second - found.first, abs=1e-12)


# ---- the command ---------------------------------------------------------------------------------


def test_explain_prints_a_waterfall(shell: Shell) -> None:
    words = ("h36m-p1", "h36m-p1:joints=14", "--lifter", "toy:off_mm=136", "--plugin", PLUGIN, "--dataset", "toy")
    assert shell("explain", *words, "--picture", "p.png") == 0
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in shell.out.splitlines() if "|" in line]
    assert lines[2] == ["A", "", "", "8.00", "", ""]
    assert lines[-1] == ["B", "", "", "9.71", "", ""]
    assert ["joints", "all", "without spine and neck_nose", "+1.14", "+1.07", "+1.21"] in lines
    assert ["root", "counted", "excluded", "+0.57", "+0.50", "+0.65"] in lines
    assert "alike in both: predicted root: moved to the origin; scale: as predicted" in shell.out
    assert Path("p.png").read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    ("setting", "printed"),
    [
        ("14 bones add up to 4296.99233013 mm", "14 bones add up to 4296.99 mm"),
        ("an error of 0.0375 heads", "an error of 0.0375 heads"),
        (5, "5"),
        (0.125, "0.125"),
    ],
)
def test_lengths_are_printed_to_a_hundredth_of_a_mm(setting: Scalar, printed: str) -> None:
    assert spelt(setting) == printed


def test_explain_takes_predictions_and_prints_json(shell: Shell) -> None:
    np.savez("mine.npz", xyz=np.array(shell.dataset.columns["xyz"]))
    words = ("h36m-p1", "h36m-p1/2", "--predictions", "mine.npz", "--dataset", "toy", "--json")
    assert shell("explain", *words) == 0
    found = json.loads(shell.out)
    assert [c["knob"] for c in found["contributions"]] == ["stride"]
    assert found["first"] == pytest.approx(0.0, abs=1e-3)
    assert shell("explain", *words, "--refiner", "geosearch") == 2
    assert "--refiner: wanted with a --lifter or an --image-model" in shell.err


def test_poses_that_are_not_finite_are_counted_and_give_no_number_where_all_are(shell: Shell) -> None:
    xyz = np.array(shell.dataset.columns["xyz"])
    xyz[[3, 7]] = np.nan
    np.savez("some.npz", xyz=xyz)
    np.savez("all.npz", xyz=np.full_like(xyz, np.nan))
    words = ("h36m-p1", "h36m-p1@P-MPJPE", "--dataset", "toy")
    assert shell("explain", *words, "--predictions", "some.npz") == 0
    assert shell.out.endswith("\n2 of 15 predicted poses are not finite\n")
    assert shell("explain", *words, "--predictions", "some.npz", "--json") == 0
    assert json.loads(shell.out)["undefined"] == 2
    assert shell("explain", *words, "--predictions", "all.npz") == 2
    assert "error: MPJPE is nan: 15 of 15 predicted poses are not finite" in shell.err
    assert shell.out == ""


def test_explain_refuses_what_an_evaluator_refuses(shell: Shell) -> None:
    words = ("h36m-p1", "h36m-p1:dialect=martinez", "--lifter", "toy", "--plugin", PLUGIN, "--dataset", "toy")
    assert shell("explain", *words) == 2
    assert "wanted a batch of 64 samples of each action, found 10 of action-0" in shell.err


def test_the_picture_has_a_bar_for_each_knob_and_one_for_each_end() -> None:
    known = products()
    first, second = (parse_reading(text, known) for text in ("product", "product:a=3,b=5,c=11"))
    figure = draw_waterfall(explain(first, second, truth(), toy_dataset()), "toy", ("A", "B"))
    (axes,) = figure.axes
    bars = [bar for bar in axes.patches if isinstance(bar, Rectangle)]
    assert [(bar.get_x(), round(bar.get_width(), 9)) for bar in bars[:3]] == [(2.0, 10.0), (12.0, 8.0), (20.0, 6.0)]
    assert len(bars) == 5
