"""PCKh of the keypoints that an image model finds: counted by hand, at the threshold, pooled, read by name."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from benchsuite_evaluators.pckh import JOINTS, PCKh
from benchsuite_registry.contracts import Metric
from benchsuite_registry.poses import Camera, Frame, KeypointBatch, PoseBatch, Target
from benchsuite_registry.skeletons import H36M_17, LSP_14, MPII_16, PENN_13, Skeleton
from matrices import matrix, run
from scored import find, labels, poses, score, value, with_evaluators
from toys import toy_dataset

from benchsuite.datasets.dataset import About, Clip, in_memory
from benchsuite.records.clip_figures import headline_of
from benchsuite.statistics import ClipSums

HEAD = 10.0


def person(skeleton: Skeleton = MPII_16, count: int = 1) -> np.ndarray:
    """Pixels (count, J, 2): joint k at (20 k, 100), but the neck just a head below head_top."""
    uv = np.zeros((count, len(skeleton), 2))
    uv[..., 0], uv[..., 1] = 20.0 * np.arange(len(skeleton)), 100.0
    neck = next((name for name in ("upper_neck", "neck", "neck_nose") if name in skeleton.joints), None)
    if neck:
        uv[:, skeleton.index(neck)] = uv[:, skeleton.index("head_top")] + (0.0, HEAD)
    return uv


def target(
    uv: np.ndarray,
    skeleton: Skeleton = MPII_16,
    *,
    head: float | None = HEAD,
    visible: np.ndarray | None = None,
    labelled: np.ndarray | None = None,
    **told: list[str],
) -> Target:
    count = len(uv)
    one = torch.ones((count, 2))
    number = torch.arange(count)
    seen = torch.ones(uv.shape[:2], dtype=torch.bool) if visible is None else torch.from_numpy(visible)
    keypoints = KeypointBatch(torch.from_numpy(uv).float(), seen, Camera(one, one), skeleton, number, number, number)
    return Target(
        poses(np.full((*uv.shape[:2], 3), math.nan), skeleton),
        labels(count, **told),
        keypoints,
        None if head is None else torch.full((count,), head),
        None if labelled is None else torch.from_numpy(labelled),
    )


def found(uv: np.ndarray, skeleton: Skeleton = MPII_16) -> PoseBatch:
    """What an image model hands on: no matter which poses, and its keypoints."""
    return replace(poses(np.zeros((*uv.shape[:2], 3)), skeleton, Frame.ROOT), uv=torch.from_numpy(uv))


def scored(off: np.ndarray, evaluator: PCKh | None = None, **more: list[str]) -> tuple[Metric, ...]:
    """Of keypoints ``off`` (B, 16) px to the right of where they are labelled."""
    uv = person(count=len(off))
    moved = uv + np.stack((off, np.zeros_like(off)), axis=-1)
    return score(evaluator or PCKh(), found(moved), target(uv, **more))  # type: ignore[arg-type]


def off(**px: float) -> np.ndarray:
    return np.array([[px.get(joint, 0.0) for joint in MPII_16.joints]])


def test_half_a_head_is_right_unless_told_otherwise() -> None:
    """A head of 10 px and errors of 4.9, 5 and 5.1 px: at most half a head is right, less than half with ``<``."""
    errors = off(r_knee=4.9, l_wrist=5.0, r_ankle=5.1)
    official, strict = scored(errors), scored(errors, PCKh(compare="<"))
    assert official[0] == find(official, "PCKh@0.5")
    assert value(official, "PCKh@0.5") == pytest.approx(100 * 13 / 14)
    assert value(strict, "PCKh@0.5") == pytest.approx(100 * 12 / 14)
    parts = {part: value(official, "PCKh@0.5", f"joint={part}") for part in ("knee", "wrist", "ankle", "head")}
    assert parts == {"knee": 100.0, "wrist": 100.0, "ankle": 50.0, "head": 100.0}
    assert value(strict, "PCKh@0.5", "joint=wrist") == 50.0
    assert PCKh().protocol()["threshold"] == "<= 0.5 head"
    assert PCKh(compare="<").protocol() != PCKh().protocol()


def test_pelvis_and_thorax_do_not_count() -> None:
    assert value(scored(off(pelvis=1000.0, thorax=1000.0)), "PCKh@0.5") == 100.0
    assert len(JOINTS) == len(set(JOINTS)) == 14
    assert set(MPII_16.joints) - set(JOINTS) == {"pelvis", "thorax"}


def test_the_closest_tenth_and_the_area_under_the_curve() -> None:
    """One error of 0.25 heads: right from 0.25 on, 25 steps of 50; one of 0.255 from 0.26 on, and half a step before.

    The curve is drawn straight from 0 at 0.25 to 1 at 0.26, so a joint wrong up to 0.25 has an area of 24.5 steps.
    """
    metrics = scored(off(r_knee=2.5, l_hip=1.0))
    assert value(metrics, "PCKh@0.1") == pytest.approx(100 * 13 / 14)
    share = np.arange(51) / 100
    curve = (share >= 0.25).astype(float)
    area = float(np.sum((curve[1:] + curve[:-1]) / 2) / 50)
    assert area == pytest.approx(25.5 / 50)
    at_a_tenth = 40.5 / 50
    assert value(metrics, "AUC") == pytest.approx(100 * (12 + area + at_a_tenth) / 14)
    assert value(scored(off()), "AUC") == pytest.approx(100.0)
    assert value(scored(off(r_knee=2.55)), "AUC") == pytest.approx(100 * (13 + 24.5 / 50) / 14)
    assert value(scored(off(r_knee=5.0)), "AUC") == pytest.approx(100 * (13 + 0.5 / 50) / 14)
    assert value(scored(off(r_knee=5.01)), "AUC") == pytest.approx(100 * 13 / 14)
    strict = scored(off(r_knee=2.5), PCKh(compare="<"))
    assert value(strict, "AUC") == pytest.approx(100 * (13 * 49.5 + 24.5) / 50 / 14)


def test_joints_are_pooled_and_not_people() -> None:
    """Three labelled joints of one person, one of them wrong; all 14 of another, all right: 16 of 17."""
    uv = person(count=2)
    labelled = np.ones((2, 16), dtype=bool)
    labelled[0] = [joint in ("r_knee", "l_knee", "head_top") for joint in MPII_16.joints]
    moved = uv.copy()
    moved[0, MPII_16.index("l_knee")] += 50.0
    moved[0, MPII_16.index("r_wrist")] += 50.0  # nobody knows where it is
    metrics = score(PCKh(), found(moved), target(uv, labelled=labelled))
    assert value(metrics, "PCKh@0.5") == pytest.approx(100 * 16 / 17)
    assert value(metrics, "PCKh@0.5", "joint=knee") == pytest.approx(75.0)
    assert value(metrics, "PCKh@0.5", "joint=wrist") == 100.0
    assert (metrics[0].n, find(metrics, "PCKh@0.5", "joint=wrist").n) == (2, 1)


def test_occluded_joints_count_where_they_are_labelled() -> None:
    uv = person()
    hidden = np.ones((1, 16), dtype=bool)
    hidden[0, MPII_16.index("r_elbow")] = False
    moved = uv.copy()
    moved[0, MPII_16.index("r_elbow")] += 50.0
    seen_only = score(PCKh(), found(moved), target(uv, visible=hidden))
    assert value(seen_only, "PCKh@0.5") == 100.0
    everything = score(PCKh(), found(moved), target(uv, visible=hidden, labelled=np.ones((1, 16), dtype=bool)))
    assert value(everything, "PCKh@0.5") == pytest.approx(100 * 13 / 14)


def test_what_is_missing() -> None:
    uv = person(count=4)
    labelled = np.ones((4, 16), dtype=bool)
    labelled[2] = False
    moved = uv.copy()
    moved[0, MPII_16.index("r_elbow")] = math.nan
    moved[1, MPII_16.index("r_hip")] = math.inf
    given = target(uv, labelled=labelled)
    assert given.head is not None
    given.head[3] = math.nan
    metrics = score(PCKh(), found(moved), given)
    assert value(metrics, "PCKh@0.5") == pytest.approx(100 * 26 / 28)
    assert value(metrics, "AUC") == pytest.approx(100 * 26 / 28)
    assert (value(metrics, "undefined"), value(metrics, "unlabelled"), metrics[0].n) == (2, 2, 2)


def test_a_head_measured_from_the_neck() -> None:
    """LSP's neck stands for upper_neck; its head is 10 px long, and half of it 5 px."""
    uv = person(LSP_14)
    places = {joint: uv[0, k] for k, joint in enumerate(LSP_14.joints)} | {"pelvis": (0, 0), "thorax": (0, 0)}
    places["upper_neck"] = places["neck"]
    moved = np.array([[places[joint] for joint in MPII_16.joints]], dtype=float)
    evaluator = PCKh(head="segment")
    assert value(score(evaluator, found(moved), target(uv, LSP_14, head=None)), "PCKh@0.5") == 100.0
    moved[0, MPII_16.index("upper_neck"), 0] += 5.1
    moved[0, MPII_16.index("r_wrist"), 0] += 5.0
    metrics = score(evaluator, found(moved), target(uv, LSP_14, head=None))
    assert value(metrics, "PCKh@0.5") == pytest.approx(100 * 13 / 14)
    assert value(metrics, "PCKh@0.5", "joint=head") == 50.0
    headless = np.array([[joint != "neck" for joint in LSP_14.joints]])
    metrics = score(evaluator, found(moved), target(uv, LSP_14, head=None, visible=headless))
    assert (math.isnan(metrics[0].value), value(metrics, "unlabelled")) == (True, 1)
    assert evaluator.protocol()["head"] == "labelled neck to head_top"
    with pytest.raises(ValueError, match="head=column: wanted a dataset with the column 'head', found none; head=segm"):
        score(PCKh(), found(moved), target(uv, LSP_14, head=None))


def test_rendered_people_and_skeletons_without_a_head() -> None:
    uv = person(H36M_17)
    places = {joint: uv[0, k] for k, joint in enumerate(H36M_17.joints)}
    places["upper_neck"] = places["neck_nose"]
    same = np.array([[places[joint] for joint in MPII_16.joints]])
    metrics = score(PCKh(head="segment"), found(same), target(uv, H36M_17, head=None))
    assert (metrics[0].value, value(metrics, "PCKh@0.5", "joint=head")) == (100.0, 100.0)
    uv = person(PENN_13)
    metrics = score(PCKh(), found(person()), target(uv, PENN_13))
    assert find(metrics, "PCKh@0.5", "joint=hip").n == 1
    assert math.isnan(value(metrics, "PCKh@0.5", "joint=head"))


def test_who_finds_no_keypoints_is_told_so() -> None:
    uv = person()
    lifted = poses(np.zeros((1, 16, 3)), MPII_16, Frame.ROOT)
    with pytest.raises(ValueError, match="keypoints that an image model found beside its poses, found none: lifters"):
        PCKh().measure(lifted, target(uv))
    with pytest.raises(ValueError, match="pckh: wanted labelled keypoints, found none"):
        PCKh().measure(found(uv), replace(target(uv), keypoints=None))
    with pytest.raises(ValueError, match="pckh: wanted poses of the target's 1 samples in its order, found other ids"):
        PCKh().measure(found(person(count=2)), target(uv))
    with pytest.raises(ValueError, match="pckh: bootstrap: wanted 0 draws or more, found -1"):
        PCKh(bootstrap=-1)


def test_a_lifter_through_the_runner(tmp_path: Path) -> None:
    (record,) = run(matrix("toy", evaluators=("pckh",), known=with_evaluators()), tmp_path)
    assert record.failure is not None
    assert "wanted the keypoints that an image model found" in record.failure.message


def test_batches_do_not_matter() -> None:
    uv = person(count=20)
    moved = found(uv + np.random.default_rng(0).normal(0, 4, uv.shape))
    whole = PCKh().measure(moved, target(uv))
    parts = [PCKh().measure(moved.rows(rows), target(uv).rows(rows)) for rows in (slice(0, 7), slice(7, 20))]
    for name, column in whole.items():
        np.testing.assert_array_equal(np.concatenate([part[name] for part in parts]), column)


def test_where_all_joints_are_labelled_records_keep_the_clips() -> None:
    """So that two models can be compared on the same people; pooled joints are no plain mean of people elsewhere."""
    uv, labelled = person(count=4), np.ones((4, 16), dtype=bool)
    labelled[0, 1:] = False
    moved = uv.copy()
    moved[1, MPII_16.index("r_knee")] += 50.0
    for given, keeps in ((target(uv), True), (target(uv, labelled=labelled), False)):
        measured = PCKh().measure(found(moved), given)
        headline = headline_of(PCKh().summarise(measured, given.labels), measured, given.labels)
        assert (headline is not None) == keeps


def test_the_interval_is_that_of_weighted_pictures() -> None:
    """Person k has k + 1 labelled joints of which one is wrong; people are drawn, joints are counted."""
    uv, labelled, errors = person(count=12), np.zeros((12, 16), dtype=bool), np.zeros((12, 16))
    for k in range(12):
        labelled[k, [MPII_16.index(joint) for joint in JOINTS[: k + 1]]] = True
        errors[k, MPII_16.index(JOINTS[0])] = 50.0
    moved = uv + np.stack((errors, np.zeros_like(errors)), axis=-1)
    headline = score(PCKh(), found(moved), target(uv, labelled=labelled))[0]
    assert headline.value == pytest.approx(100 * (78 - 12) / 78)
    drawn = np.random.default_rng(0).integers(12, size=(1000, 12))
    means = [100 * sum(people) / sum(p + 1 for p in people) for people in drawn]
    assert headline.low == pytest.approx(np.percentile(means, 2.5))
    assert headline.high == pytest.approx(np.percentile(means, 97.5))


def test_weights_count_for_as_many_frames() -> None:
    clip = np.array([0, 0, 1, 2])
    values, weight = np.array([1.0, 2.0, 4.0, math.nan]), np.array([3, 1, 2, 5])
    sums = ClipSums.of(values, clip, weight=weight)
    repeated = ClipSums.of(np.repeat(values, weight), np.repeat(clip, weight))
    np.testing.assert_array_equal(sums.total, repeated.total)
    np.testing.assert_array_equal(sums.count, repeated.count)
    assert sums.over_frames() == repeated.over_frames()


def photographs(*clips: Clip, fps: float = 0.0, **more: np.ndarray) -> Target:
    rows = 6
    columns = {
        "uv": person(count=rows).astype(np.float32),
        "visible": np.ones((rows, 16), dtype=bool),
        "focal": np.ones((rows, 2), np.float32),
        "center": np.ones((rows, 2), np.float32),
        "clip": np.repeat(np.arange(len(clips)), rows // len(clips)).astype(np.int32),
        "frame": np.arange(rows, dtype=np.int32),
        "head": np.full(rows, HEAD, np.float32),
        **more,
    }
    about = About("photographs", "", "MPII_16", fps, "none", "made up", keypoints="annotated", images="elsewhere")
    files = tuple(f"{k}.jpg" for k in range(8)) if "image" in more else ()
    return in_memory(about, columns, clips, "photographs", files).target(slice(0, rows))


def test_photographs_are_drawn_one_by_one() -> None:
    """LSPET's 10,000 are one clip; two people of one photograph belong together, and so do frames of a clip or take."""
    clip = Clip("all")

    def codes(given: Target) -> list[int]:
        assert given.labels.take is not None
        return given.labels.take.codes.tolist()

    assert codes(photographs(clip)) == [0, 1, 2, 3, 4, 5]
    assert codes(photographs(clip, image=np.array([4, 4, 7, 0, 0, 0], np.int32))) == [1, 1, 2, 0, 0, 0]
    assert codes(photographs(clip, fps=25.0)) == [0] * 6
    assert codes(photographs(Clip("a", take="t"), Clip("b", take="t"), Clip("c"))) == [0, 0, 0, 0, 1, 1]
    assert codes(photographs(Clip("a"), Clip("b")).rows(slice(2, 4))) == [2, 3]
    given = photographs(clip)
    moved = given.keypoints.uv.double().numpy() + np.arange(6)[:, None, None] * (2.0, 0.0)  # type: ignore[union-attr]
    headline = score(PCKh(), found(moved), given)[0]
    assert headline.value == pytest.approx(50.0)  # 0, 2 and 4 px are right
    assert headline.low is not None
    assert 0.0 < headline.low < 50.0
    assert headline.high is not None


def test_the_dataset_hands_over_heads_and_labelled_joints() -> None:
    labelled = np.ones((6, 16), dtype=bool)
    labelled[0, 0] = False
    given = photographs(Clip("all"), labelled=labelled)
    assert given.head is not None
    assert given.head.tolist() == [HEAD] * 6
    assert given.labelled is not None
    assert not given.labelled[0, 0]
    assert photographs(Clip("all")).labelled is None
    assert toy_dataset().target(slice(0, 2)).head is None
