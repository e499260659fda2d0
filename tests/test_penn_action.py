"""Penn Action: windows, votes, splits, the classifier and what its controls tell."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from benchsuite_evaluators.penn_action import PennAction
from benchsuite_evaluators.penn_classifier import Clips, Training, vote
from benchsuite_registry.contracts import Entry, Metric
from benchsuite_registry.poses import Camera, Frame, KeypointBatch, PoseBatch, Target
from benchsuite_registry.registries import Origin
from benchsuite_registry.skeletons import H36M_17, PENN_13
from matrices import matrix, run
from scored import category, find, labels, poses, value, with_evaluators
from toys import TRUTH

from benchsuite.cli import main
from benchsuite.datasets.columns import About, Clip
from benchsuite.datasets.dataset import Dataset, in_memory
from benchsuite.pictures.confusions import confusion_matrix, draw_confusions
from benchsuite.running.matrix import WrongRun

QUICK: dict[str, Any] = {"seeds": 2, "epochs": 150, "hidden": "64x32", "bootstrap": 50}
WRISTS = [H36M_17.index(name) for name in ("l_wrist", "r_wrist")]


def clips_of(*lengths: int) -> Clips:
    last = np.cumsum(lengths) - 1
    return Clips(last - lengths + 1, last, np.arange(len(lengths)))


# ---- windows and votes -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frames", "starts"),
    [(1, [0]), (24, [0]), (25, [0]), (26, [0, 1]), (30, [0, 5]), (31, [0, 5, 6]), (36, [0, 5, 10, 11])],
)
def test_windows_by_hand(frames: int, starts: list[int]) -> None:
    clip, rows = clips_of(7, frames, 3).every_window(25, 5)
    rows = rows[clip == 1] - 7
    assert rows[:, 0].tolist() == starts
    for window, start in zip(rows, starts, strict=True):
        assert window.tolist() == [min(start + k, frames - 1) for k in range(25)]


def test_every_clip_has_a_window_and_none_leaves_its_clip() -> None:
    lengths = np.random.default_rng(0).integers(1, 90, 200)
    clips = clips_of(*lengths)
    clip, rows = clips.every_window(25, 5)
    assert set(clip) == set(range(200))
    assert ((rows >= clips.first[clip, None]) & (rows <= clips.last[clip, None])).all()
    whole = lengths[clip] >= 25
    assert (np.diff(rows[whole], axis=1) == 1).all()


def test_uniform_probabilities_are_chance() -> None:
    """Whatever breaks the tie, one of 15 clips of 15 actions is right."""
    answers = vote(np.full((30, 15), 1 / 15), np.repeat(np.arange(15), 2), 15)
    assert (answers == np.arange(15)).mean() == pytest.approx(1 / 15)


def test_windows_vote_with_their_probabilities() -> None:
    """Two windows hardly prefer action 0, one is sure of action 1: 0.51 + 0.51 + 0.1 against 0.49 + 0.49 + 0.9."""
    probabilities = np.array([(0.51, 0.49), (0.9, 0.1), (0.51, 0.49), (0.1, 0.9)])
    assert vote(probabilities, np.array([0, 1, 0, 0]), 2).tolist() == [1, 0]


# ---- a made-up dataset -----------------------------------------------------------------------------


def people(kinds: list[tuple[str, str, int]], seed: int = 0, *, shape: str = "up") -> Dataset:
    """Clips of (split, action, frames): in ``lift`` the wrists rise or move forward (``deep``), in ``fall`` they go
    the other way, in ``still`` they stay."""
    rng = np.random.default_rng(seed)
    xyz, clip, frame = [], [], []
    for number, (_, action, frames) in enumerate(kinds):
        body = np.repeat(TRUTH.numpy()[None].astype(float), frames, axis=0) * rng.uniform(0.8, 1.2)
        way = {"lift": -1.0, "fall": 1.0, "still": 0.0}[action]
        axis = {"up": 1, "deep": 2}[shape]
        body[:, WRISTS, axis] += way * np.linspace(0, 400, frames)[:, None]
        xyz.append(body + rng.normal(0, 5, body.shape) + (rng.uniform(-300, 300), 0, 4e6 if shape == "deep" else 4e3))
        clip.append(np.full(frames, number, dtype=np.int32))
        frame.append(np.arange(frames, dtype=np.int32))
    joined = np.concatenate(xyz)
    focal = 1e6 if shape == "deep" else 1000.0  # from so far away, depth leaves no trace in the image
    columns = {
        "uv": (joined[..., :2] / joined[..., 2:] * focal).astype(np.float32),
        "visible": np.ones(joined.shape[:2], dtype=bool),
        "xyz": joined.astype(np.float32),
        "focal": np.full((len(joined), 2), focal, np.float32),
        "center": np.zeros((len(joined), 2), np.float32),
        "clip": np.concatenate(clip),
        "frame": np.concatenate(frame),
    }
    described = tuple(Clip(f"{k:04}", action=action, split=split) for k, (split, action, _) in enumerate(kinds))
    return in_memory(
        About("made-up", "", "H36M_17", 0.0, "none", "made up"), columns, described, f"made-up-{seed}-{shape}"
    )


KINDS = [
    (split, action, 20 + 3 * k) for split in ("train", "test") for k in range(8) for action in ("lift", "fall", "still")
]
"""Eight clips for each action and split, of 20 to 41 frames; two of the eight are too short for a window."""


def everything(dataset: Dataset) -> tuple[PoseBatch, Target]:
    """The truth as the prediction, root-relative, and the truth."""
    target = dataset.target(slice(0, len(dataset)))
    return target.poses.root_relative(), target


def score(dataset: Dataset, **more: Any) -> tuple[Metric, ...]:
    predicted, target = everything(dataset)
    evaluator = PennAction(**{**QUICK, **more})
    return evaluator.summarise(evaluator.measure(predicted, target), target.labels)


@pytest.fixture(scope="module")
def upright() -> tuple[Metric, ...]:
    return score(people(KINDS))


@pytest.fixture(scope="module")
def deep() -> tuple[Metric, ...]:
    return score(people(KINDS, shape="deep"))


def test_what_can_be_told_is_told(upright: tuple[Metric, ...]) -> None:
    assert upright[0] == find(upright, "clip accuracy")
    assert [value(upright, name) for name in ("clip accuracy", "2D only", "depth set to zero")] == [100.0] * 3
    assert [value(upright, name) for name in ("per-class mean", "sd over seeds")] == [100.0, 0.0]
    assert value(upright, "window accuracy") > 95.0
    assert (value(upright, "chance"), value(upright, "majority class")) == pytest.approx((100 / 3, 100 / 3))
    assert (upright[0].n, value(upright, "short clips"), find(upright, "short clips").n) == (24, 12, 48)
    assert {m.group for m in upright if m.name == "clip accuracy"} == {"", "action=lift", "action=fall", "action=still"}
    assert not [m for m in upright if m.name == "confusion"]


def test_the_controls_tell_what_depth_is_worth(deep: tuple[Metric, ...]) -> None:
    """Wrists move in depth alone: poses tell it, neither the image nor poses without depth do."""
    assert value(deep, "clip accuracy") == 100.0
    assert value(deep, "2D only") < 70.0
    assert value(deep, "depth set to zero") < 70.0


def test_confusions_and_recall_make_up_a_row() -> None:
    metrics = score(people(KINDS, shape="deep"), epochs=1, controls=False)
    assert not [m for m in metrics if m.name in ("2D only", "depth set to zero", "chance", "majority class")]
    confused = [m for m in metrics if m.name == "confusion"]
    assert confused, "one epoch should not be enough"
    assert [m.value for m in confused] == sorted((m.value for m in confused), reverse=True)
    shares, names = confusion_matrix(metrics)
    assert set(names) == {"lift", "fall", "still"}
    np.testing.assert_allclose(shares.sum(axis=1), 100.0)
    assert np.diag(shares).mean() == pytest.approx(value(metrics, "clip accuracy"))
    for metric in confused:
        true, answer = re.fullmatch(r"true=(\w+) predicted=(\w+)", metric.group).groups()  # type: ignore[union-attr]
        assert shares[names.index(true), names.index(answer)] == metric.value


def test_a_picture_of_the_confusions(upright: tuple[Metric, ...]) -> None:
    metrics = [
        Metric("clip accuracy", 62.5, "%", "higher"),
        Metric("clip accuracy", 75.0, "%", "higher", "action=jump rope"),
        Metric("clip accuracy", 50.0, "%", "higher", "action=bowl"),
        Metric("confusion", 50.0, "%", "lower", "true=bowl predicted=jump rope"),
        Metric("confusion", 25.0, "%", "lower", "true=jump rope predicted=bowl"),
    ]
    (axes,) = draw_confusions(metrics).axes
    assert np.asarray(axes.images[0].get_array()).tolist() == [[75.0, 25.0], [50.0, 50.0]]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["jump rope", "bowl"]
    assert sorted(t.get_text() for t in axes.texts) == ["25", "50", "50", "75"]
    assert confusion_matrix(upright)[0].tolist() == (100 * np.eye(3)).tolist()
    with pytest.raises(ValueError, match="wanted metrics of a classifier, with its confusions, found none"):
        draw_confusions(metrics[:1])


def test_the_same_seeds_give_the_same_numbers() -> None:
    dataset = people(KINDS, shape="deep")
    first = score(dataset, epochs=2, controls=False)
    torch.manual_seed(123)
    assert score(dataset, epochs=2, controls=False) == first


def test_the_order_of_the_samples_does_not_matter() -> None:
    dataset = people(KINDS, shape="deep")
    predicted, target = everything(dataset)
    evaluator = PennAction(**{**QUICK, "epochs": 2, "controls": False})
    whole = evaluator.summarise(evaluator.measure(predicted, target), target.labels)
    shuffled = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(0))
    measured = evaluator.measure(predicted.rows(shuffled), target.rows(shuffled))
    assert evaluator.summarise(measured, target.labels.rows(shuffled)) == whole


def test_size_and_place_do_not_matter() -> None:
    dataset = people(KINDS)
    predicted, target = everything(dataset)
    evaluator = PennAction(**{**QUICK, "epochs": 2, "controls": False})
    small = PoseBatch(predicted.xyz * 0.25 + 4096.0, Frame.CAMERA, H36M_17, predicted.ids)
    whole = evaluator.summarise(evaluator.measure(predicted, target), target.labels)
    assert evaluator.summarise(evaluator.measure(small, target), target.labels)[0].value == whole[0].value


def test_clips_are_trained_or_tested_and_never_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """Splits alternate; every frame carries its clip's number, and the classifier is handed training clips alone."""
    kinds = [(("train", "test")[k % 2], ("lift", "fall")[k // 2 % 2], 30) for k in range(16)]
    seen: list[set[int]] = []

    def spy(self: Training, frames: Any, clips: Clips, seed: int) -> Any:
        rows = clips.every_window(self.window, 1)[1]
        seen.append(set((rows // 30).ravel().tolist()))

        def classify(rows: Any) -> Any:
            seen.append(set((rows // 30).ravel().tolist()))
            return np.full((len(rows), 2), 0.5)

        return classify

    monkeypatch.setattr(Training, "classifier", spy)
    metrics = score(people(kinds), seeds=1, controls=False)
    assert seen == [set(range(0, 16, 2)), set(range(1, 16, 2))]
    assert value(metrics, "clip accuracy") == 50.0


def test_a_logistic_regression() -> None:
    metrics = score(people(KINDS), classifier="linear", seeds=1, controls=False)
    assert value(metrics, "clip accuracy") == 100.0
    assert not [m for m in metrics if m.name == "sd over seeds"]


def test_the_network_has_the_sizes_of_the_paper() -> None:
    """25 frames of 16 joints are 1200 numbers."""
    dataset = people([(s, a, 25) for s in ("train", "test") for a in ("lift", "fall")])
    predicted, target = everything(dataset)
    evaluator = PennAction(**QUICK)
    sizes: list[tuple[int, ...]] = []
    linear = torch.nn.Linear.__init__

    def counted(self: torch.nn.Linear, inputs: int, outputs: int, **more: Any) -> None:
        sizes.append((inputs, outputs))
        linear(self, inputs, outputs, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.nn.Linear, "__init__", counted)
        PennAction(seeds=1, epochs=1, controls=False, bootstrap=0).summarise(
            evaluator.measure(predicted, target), target.labels
        )
    assert sizes == [(1200, 1024), (1024, 512), (512, 2)]


# ---- what goes wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kinds", "wanted"),
    [
        ([("", "lift", 30), ("", "fall", 30)], "wanted clips of the splits train and test, found no .*: none"),
        ([("train", "lift", 30), ("train", "fall", 30)], "found no test: train"),
        ([("train", "lift", 30), ("test", "lift", 30)], "wanted clips of several actions, each told, found 'lift'"),
        (
            [("train", "lift", 30), ("train", "fall", 30), ("test", "still", 30)],
            "wanted training clips of every action, found none of still",
        ),
    ],
)
def test_datasets_that_cannot_be_scored(kinds: list[tuple[str, str, int]], wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        score(people(kinds))


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"seeds": 0}, "seeds: wanted 1 or more, found 0"),
        ({"stride": -1}, "stride: wanted 1 or more, found -1"),
        ({"hidden": "1024,512"}, "hidden: wanted sizes such as 1024x512, found '1024,512'"),
        ({"bootstrap": -1}, "bootstrap: wanted 0 draws or more"),
    ],
)
def test_parameters_out_of_range(more: dict[str, Any], wanted: str) -> None:
    with pytest.raises(ValueError, match=wanted):
        PennAction(**more)


def test_joints_that_are_missing_stand_at_the_root() -> None:
    dataset = people(KINDS)
    predicted, target = everything(dataset)
    xyz = predicted.xyz.clone()
    xyz[3], xyz[50, 4] = math.nan, math.inf
    evaluator = PennAction(**QUICK)
    broken = PoseBatch(xyz, Frame.ROOT, H36M_17, predicted.ids)
    metrics = evaluator.summarise(evaluator.measure(broken, target), target.labels)
    assert (value(metrics, "clip accuracy"), value(metrics, "undefined")) == (100.0, 2)


def test_hidden_keypoints_are_not_looked_at() -> None:
    """Fillers of invisible joints change nothing; without a hip the visible joints' mean is the root."""
    uv = torch.arange(26, dtype=torch.float32).view(1, 13, 2).repeat(3, 1, 1)
    visible = torch.ones(3, 13, dtype=torch.bool)
    visible[1:, PENN_13.index("l_hip")] = False
    filled = uv.clone()
    filled[2, PENN_13.index("l_hip")] = 1e6
    ids = torch.arange(3)
    camera = Camera(torch.ones(3, 2), torch.zeros(3, 2))
    given = KeypointBatch(filled, visible, camera, PENN_13, ids, ids, ids)
    guess = poses(TRUTH.numpy()[None].repeat(3, 0), H36M_17)
    pixels = PennAction().measure(guess, Target(guess, labels(3), given))["pixels"]
    np.testing.assert_array_equal(pixels[1], pixels[2])
    knee = H36M_17.index("l_knee")
    hips = (uv[0, PENN_13.index("l_hip")] + uv[0, PENN_13.index("r_hip")]) / 2
    assert pixels[0, knee].tolist() == (uv[0, PENN_13.index("l_knee")] - hips).tolist()
    left = [name for name in H36M_17.joints if name in PENN_13.joints and name != "l_hip"]
    between = uv[0, [PENN_13.index("l_shoulder"), PENN_13.index("r_shoulder")]].mean(0)
    known = [uv[0, PENN_13.index(name)] for name in left] + [between]  # the thorax; the spine needs the pelvis
    expected = uv[0, PENN_13.index("l_knee")] - torch.stack(known).mean(0)
    np.testing.assert_allclose(pixels[1, knee], expected, atol=1e-5)
    assert np.isnan(pixels[0, H36M_17.index("head_top")]).all()


# ---- through the runner ----------------------------------------------------------------------------


class Oracle:
    """Finds the depth of each joint in its keypoints: they are lifted at a fixed depth."""

    def lift(self, keypoints: KeypointBatch) -> PoseBatch:
        xyz = keypoints.camera.backproject(keypoints.uv, torch.full(keypoints.uv.shape[:2], 4000.0))
        return PoseBatch(xyz - xyz[:, :1], Frame.ROOT, H36M_17, keypoints.ids)


def test_through_the_runner_without_3d(tmp_path: Path) -> None:
    dataset = people(KINDS)
    columns = {name: column for name, column in dataset.columns.items() if name != "xyz"}
    flat = in_memory(dataset.about, columns, dataset.clips, "flat")
    known = with_evaluators()
    known.lifters.register(Entry("oracle", Oracle, "lifts to one depth"), Origin("toys", "1.0"))
    quick = "penn-action:seeds=1,epochs=150,hidden=64x32,bootstrap=20"
    asked = {"evaluators": (quick,), "known": known, "datasets": (("flat", flat),)}
    (record,) = run(matrix("oracle", **asked), tmp_path)
    assert record.failure is None
    (file,) = tmp_path.rglob("*.json")
    assert main(["show", str(file), "-o", str(tmp_path / "confusions.png")]) == 0
    assert (tmp_path / "confusions.png").read_bytes()[:4] == b"\x89PNG"
    assert record.metrics[0].value == 100.0
    assert record.protocol["window"] == 25
    with pytest.raises(WrongRun, match=r"evaluator penn-action:.* needs whole clips"):
        matrix("oracle", limit=100, **asked)


def test_the_published_split(shared_data: Path) -> None:
    from scipy.io import loadmat

    files = sorted((shared_data / "penn_action" / "labels").glob("*.mat"))
    marks = [int(loadmat(file, variable_names=["train"])["train"].item()) for file in files]
    assert (marks.count(1), marks.count(-1), len(marks)) == (1258, 1068, 2326)


def test_categories_of_the_helpers_are_what_they_say() -> None:
    assert category(["b", "a", "b"]).codes.tolist() == [0, 1, 0]
