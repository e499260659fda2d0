"""Worse input, drawn and measured: every disturbance by hand, the noise model against real detections, the command."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import toys
from benchsuite_lifters.scaling import MissingJoints
from benchsuite_registry.skeletons import COCO_17, H36M_17, MPII_16
from shells import PLUGIN, Shell, rows

from benchsuite.datasets.dataset import WrongDataset
from benchsuite.robustness.curves import area, measure_robustness
from benchsuite.robustness.disturbances import DISTURBANCES, head_sizes, masked, noisy, pitched, refocused
from benchsuite.robustness.fitting import fit_noise, pckh, read_detections
from benchsuite.robustness.noise import DETECTED, NoiseModel, Spread, load_noise, sideless
from benchsuite.robustness.picture import draw_robustness
from benchsuite.running.methods import parse_method
from benchsuite.running.pipeline import Settings

NAMES = {sideless(joint) for joint in DETECTED.joints}
BY_NAME = {disturbance.name: disturbance for disturbance in DISTURBANCES}


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    return Shell(tmp_path, capsys)


def model(spread: Spread, together: float = 0.0) -> NoiseModel:
    return NoiseModel("made up", "", 0, together, dict.fromkeys(NAMES, spread))


def people(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Joints (N, 14, 2) px all in different places, and heads of 50 px."""
    places = np.stack((np.arange(14) * 1000.0, np.zeros(14)), axis=1)
    return np.tile(places, (count, 1, 1)), np.full(count, 50.0)


# ---- the noise model -----------------------------------------------------------------------------


def test_the_shipped_model_gives_the_detector_s_pckh(shared_data: Path) -> None:
    """At half a head, which is what PCKh counts, and on either side of it."""
    predicted, true, head = read_detections(shared_data / "mpii" / "detections_our_format.mat")
    noise = load_noise()
    assert noise.people == len(true) == 2958
    made = [noise.moved(true, DETECTED, head, np.random.default_rng(seed)) for seed in range(4)]
    for share, off in ((0.2, 4.0), (0.5, 1.5), (1.0, 1.5), (2.0, 1.5)):
        found = pckh(predicted, true, head, share)
        drawn = np.mean([pckh(one, true, head, share) for one in made], axis=0)
        assert np.abs(found - drawn).max() < off, share
    # known of this file: PCKh@0.5 of the wrists is below 80 %, of the head above 95 %
    assert pckh(predicted, true, head)[DETECTED.index("r_wrist")] == pytest.approx(76.4, abs=0.1)


def test_the_shipped_model_gives_as_many_people_with_so_many_wrong_joints(shared_data: Path) -> None:
    predicted, true, head = read_detections(shared_data / "mpii" / "detections_our_format.mat")
    made = load_noise().moved(true, DETECTED, head, np.random.default_rng(3))
    wrong = [(np.linalg.norm(p - true, axis=-1) / head[:, None] > 0.5).sum(1) for p in (predicted, made)]
    shares = [np.bincount(np.minimum(w, 6), minlength=7) / len(w) for w in wrong]
    assert np.abs(shares[0] - shares[1]).max() < 0.03


def test_fitting_again_gives_the_shipped_model(shared_data: Path) -> None:
    shipped = load_noise()
    fitted = fit_noise(*read_detections(shared_data / "mpii" / "detections_our_format.mat"))
    assert fitted.together == pytest.approx(shipped.together, abs=1e-3)
    for name, spread in shipped.joints.items():
        for key, value in vars(spread).items():
            assert getattr(fitted.joints[name], key) == pytest.approx(value, abs=1e-3), (name, key)


def test_a_model_that_is_known_is_found_again() -> None:
    known = model(Spread(0.6, 0.1, 0.2, 0.4, 0.1, 0.1, 3.0), together=0.5)
    true, head = people(4000)
    found = fit_noise(known.moved(true, DETECTED, head, np.random.default_rng(0)), true, head)
    assert found.together == pytest.approx(0.5, abs=0.06)
    for joint in ("ankle", "wrist"):
        for key, value in vars(known.joints[joint]).items():
            assert getattr(found.joints[joint], key) == pytest.approx(value, rel=0.1), (joint, key)
    alone = found.joints["head_top"]  # cannot be swapped; what lies near itself when swapped is near
    assert alone.swap_share == 0.0
    assert alone.near_share == pytest.approx(0.7, abs=0.03)


def test_swapped_joints_lie_at_their_mirror_joint() -> None:
    true, head = people(3)
    moved = model(Spread(0.0, 1e-9, 1e-9, 1e-9, 1.0, 0.0, 1.0)).moved(true, DETECTED, head, np.random.default_rng(0))
    assert moved == pytest.approx(true[:, list(DETECTED.mirror)], abs=1e-3)


def test_severity_widens_what_is_near_and_multiplies_what_is_wrong() -> None:
    spread = Spread(0.6, 0.1, 0.2, 0.4, 0.1, 0.1, 3.0)
    assert spread.shares(0.0) == pytest.approx([0.75, 0.25, 0.0, 0.0])
    assert spread.shares(2.0) == pytest.approx([0.45, 0.15, 0.2, 0.2])
    assert spread.shares(10.0) == pytest.approx([0.0, 0.0, 0.5, 0.5])
    true, head = people(5000)
    near = model(Spread(1.0, 0.1, 0.0, 1.0, 0.0, 0.0, 1.0))
    for severity, px in ((0.0, 0.0), (1.0, 5.0), (2.0, 10.0)):  # a tenth of 50 px
        off = near.moved(true, DETECTED, head, np.random.default_rng(1), severity) - true
        assert off.std() == pytest.approx(px, rel=0.02)


def test_joints_that_no_detector_finds_share_the_noise_of_those_they_are_read_from() -> None:
    uv = np.zeros((6, 17, 2))
    off = load_noise().moved(uv, H36M_17, np.full(6, 100.0), np.random.default_rng(0))
    hips = (off[:, H36M_17.index("l_hip")] + off[:, H36M_17.index("r_hip")]) / 2
    shoulders = (off[:, H36M_17.index("l_shoulder")] + off[:, H36M_17.index("r_shoulder")]) / 2
    assert off[:, H36M_17.index("pelvis")] == pytest.approx(hips)
    assert off[:, H36M_17.index("spine")] == pytest.approx((hips + shoulders) / 2)
    with pytest.raises(WrongDataset, match="the noise of nose, l_eye, r_eye, l_ear, r_ear is not known"):
        load_noise().moved(uv, COCO_17, np.full(6, 100.0), np.random.default_rng(0))


# ---- disturbances --------------------------------------------------------------------------------


def test_heads_are_measured_as_they_would_be_seen_squarely() -> None:
    """The toy's head is 0.75 of the way from neck_nose to head_top, 1000 px focal length, 4 m and farther away."""
    dataset = toys.toy_dataset()
    xyz = dataset.columns["xyz"].astype(float)
    neck, top = (xyz[:, H36M_17.index(name)] for name in ("neck_nose", "head_top"))
    expected = [0.75 * 1000 * np.hypot(10, 120) / ((n[2] + t[2]) / 2) for n, t in zip(neck, top, strict=True)]
    assert head_sizes(dataset) == pytest.approx(expected, rel=1e-4)
    known = replace(dataset, columns={**dataset.columns, "head": np.arange(15, dtype=np.float32)})
    assert head_sizes(known).tolist() == list(range(15))
    flat = toys.toy_dataset(poses=False)
    uv = flat.columns["uv"].astype(float)
    length = np.linalg.norm(uv[:, H36M_17.index("head_top")] - uv[:, H36M_17.index("neck_nose")], axis=-1)
    assert head_sizes(flat) == pytest.approx(0.75 * length, rel=1e-5)


def test_noise_leaves_the_truth_alone_and_is_the_same_each_time() -> None:
    dataset = toys.toy_dataset()
    once, again, other = (noisy(dataset, 1.0, seed).columns for seed in (0, 0, 1))
    assert np.array_equal(once["uv"], again["uv"])
    assert not np.array_equal(once["uv"], other["uv"])
    assert np.array_equal(once["xyz"], dataset.columns["xyz"])
    assert once["uv"].dtype == np.float32
    assert np.allclose(noisy(dataset, 0.0, 0).columns["uv"], dataset.columns["uv"], atol=1e-3)
    detected = replace(dataset, about=replace(dataset.about, keypoints="detected"))
    with pytest.raises(WrongDataset, match="toy: its keypoints were detected and have a detector's noise already"):
        noisy(detected, 1.0, 0)


def test_so_many_joints_are_masked_and_never_the_root() -> None:
    dataset = toys.toy_dataset()
    two, four = (~masked(dataset, count, 0).columns["visible"] for count in (2.0, 4.0))
    assert (two.sum(1) == 2).all()
    assert (four.sum(1) == 4).all()
    assert (four | ~two).all()  # who is missing among two is missing among four
    assert not four[:, H36M_17.root_index].any()
    assert len(np.unique(four, axis=0)) > 10
    assert (masked(dataset, 4.0, 0).columns["uv"][four] == 0).all()
    assert dataset.columns["visible"].all()


def test_the_focal_length_that_is_told_is_wrong_and_pixels_stay() -> None:
    dataset = toys.toy_dataset()
    found = refocused(dataset, 0.5, 0)
    assert (found.columns["focal"] == 500).all()
    assert np.array_equal(found.columns["uv"], dataset.columns["uv"])
    assert found.fingerprint != dataset.fingerprint


def test_a_raised_camera_sees_the_top_of_the_head_nearer() -> None:
    dataset = toys.toy_dataset()
    above = pitched(dataset, 90.0, 0)
    flat, seen = (d.columns["xyz"].astype(float) for d in (dataset, above))
    root = flat[:, :1]
    assert seen[:, :1] == pytest.approx(root)
    # straight from above what was up (-Y) is near (-Z), and what was far (+Z) is up (-Y)
    assert (seen - root)[..., 2] == pytest.approx((flat - root)[..., 1], abs=1e-2)
    assert (seen - root)[..., 1] == pytest.approx(-(flat - root)[..., 2], abs=1e-2)
    projected = seen[..., :2] / seen[..., 2:] * 1000 + 500
    assert above.columns["uv"] == pytest.approx(projected, abs=1e-2)
    assert np.allclose(pitched(dataset, 0.0, 0).columns["uv"], dataset.columns["uv"], atol=1e-3)
    with pytest.raises(WrongDataset, match="only 3D with projected keypoints can be filmed anew"):
        pitched(toys.toy_dataset(poses=False), 30.0, 0)


# ---- curves --------------------------------------------------------------------------------------


def test_the_area_is_the_mean_height() -> None:
    missing = replace(BY_NAME["missing"], levels=(0.0, 1.0, 4.0))
    assert area(missing, [10.0, 20.0, 40.0]) == pytest.approx((15 * 1 + 30 * 3) / 4)
    focal = replace(BY_NAME["focal"], levels=(0.5, 1.0, 4.0))  # log2: -1, 0, 2
    assert area(focal, [30.0, 10.0, 50.0]) == pytest.approx((20 * 1 + 30 * 2) / 3)


def test_curves_of_a_method_that_looks_at_nothing_are_flat() -> None:
    known = toys.toy_registries()
    methods = [parse_method(text, known) for text in ("toy:off_mm=34", "toy:off_mm=34+toy-back:back_mm=17")]
    evaluator = known.evaluators.parse("toy-error")
    levels = [BY_NAME["missing"], BY_NAME["focal"]]
    # the toy refiner looks whether keypoints are above 0, which masked ones are not
    found = measure_robustness(methods[:1], evaluator, toys.toy_dataset(), levels, Settings())
    assert [(c.method, c.disturbance) for c in found.curves] == [("toy:off_mm=34.0", d) for d in ("missing", "focal")]
    for curve in found.curves:
        assert [p.value for p in curve.points] == pytest.approx([2.0] * len(curve.points), abs=1e-4)
        assert (curve.clean, curve.area) == pytest.approx((2.0, 2.0), abs=1e-4)
    assert (found.figure, found.unit, found.better) == ("toy error", "mm", "lower")
    both = measure_robustness(methods, evaluator, toys.toy_dataset(), levels[1:], Settings())
    assert [c.area for c in both.curves] == pytest.approx([2.0, 1.0], abs=1e-4)


def test_what_a_dataset_does_not_bear_is_left_out_and_said() -> None:
    known = toys.toy_registries()
    dataset = toys.toy_dataset()
    detected = replace(dataset, about=replace(dataset.about, keypoints="detected"))
    method, evaluator = parse_method("toy", known), known.evaluators.parse("toy-error")
    found = measure_robustness([method], evaluator, detected, DISTURBANCES, Settings())
    assert {c.disturbance for c in found.curves} == {"missing", "focal"}
    assert set(found.left_out) == {"noise", "pitch"}


def test_a_method_that_fails_has_a_gap_and_a_reason() -> None:
    known = toys.toy_registries()
    method, evaluator = parse_method("toy:does=raises", known), known.evaluators.parse("toy-error")
    found = measure_robustness([method], evaluator, toys.toy_dataset(), [BY_NAME["focal"]], Settings())
    (curve,) = found.curves
    assert {p.error for p in curve.points} == {"ValueError: lifter toy:does=raises: no | today"}
    assert np.isnan(curve.area)


def test_the_picture_has_a_panel_for_each_disturbance_and_a_line_for_each_method() -> None:
    known = toys.toy_registries()
    methods = [parse_method(text, known) for text in ("toy", "toy:off_mm=17")]
    levels = [BY_NAME["focal"], BY_NAME["pitch"]]
    found = measure_robustness(methods, known.evaluators.parse("toy-error"), toys.toy_dataset(), levels, Settings())
    figure = draw_robustness(found)
    assert [axes.get_title() for axes in figure.axes] == ["Wrong focal length", "Camera pitch"]
    labels = [line.get_label() for line in figure.axes[0].get_lines()]
    assert {"toy", "toy:off_mm=17.0"} <= set(labels)


# ---- what the curves brought to light ------------------------------------------------------------


def test_missing_joints_are_filled_in_near_the_others_even_from_half_precision() -> None:
    """Weights are shipped in half precision; what it makes of a covariance has negative variances."""
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 200, (4000, 1)) * np.linspace(0.9, 1.1, 12)
    x = torch.from_numpy(500 + shared + rng.normal(0, 1.5, (4000, 12)))
    fill = MissingJoints(12)
    fill.fit(x)
    fill.covariance.copy_(fill.covariance.half().float())
    assert torch.linalg.eigvalsh(fill.covariance.double()).min() < -1
    known = torch.from_numpy(rng.random((300, 12)) < 0.6)
    known[:, 0] = True
    found = fill(x[:300].clone(), known)
    assert (found - x[:300]).abs().max() < 40


# ---- the commands --------------------------------------------------------------------------------


def test_robustness_prints_tables_and_writes_curves_and_picture(shell: Shell) -> None:
    words = ("--lifter", "toy", "--lifter", "toy:off_mm=17", "--plugin", PLUGIN, "--dataset", "toy", "-o", "out")
    assert shell("robustness", *words, "--evaluator", "toy-error", "--only", "focal") == 0
    table = rows(shell.out)
    assert table[0][0] == "Wrong focal length: told / true focal length"
    assert table[2] == ["toy:off_mm=17.0", *["1.00"] * 7, "1.00"]
    kept = json.loads(Path("out/robustness.json").read_bytes())
    assert [curve["area"] for curve in kept["curves"]] == pytest.approx([0.0, 1.0], abs=1e-4)
    assert Path("out/robustness.png").read_bytes()[:4] == b"\x89PNG"


def test_robustness_without_matplotlib_goes_on_without_the_picture(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    words = ("--lifter", "toy", "--plugin", PLUGIN, "--dataset", "toy", "-o", "out", "--only", "focal")
    assert shell("robustness", *words, "--evaluator", "toy-error") == 0
    assert "warning: no robustness.png: pictures need matplotlib: pip install benchsuite[viz]" in shell.err
    assert [file.name for file in Path("out").iterdir()] == ["robustness.json"]
    assert rows(shell.out)[1][0] == "toy"


def test_robustness_says_what_failed(shell: Shell) -> None:
    words = ("--lifter", "toy:does=raises", "--plugin", PLUGIN, "--dataset", "toy", "-o", "out", "--only", "focal")
    assert shell("robustness", *words, "--evaluator", "toy-error") == 1
    assert "failed: toy:does=raises: ValueError: lifter toy:does=raises: no | today" in shell.err
    assert shell.out.startswith("toy-error on toy: 15 samples\n"), "no figure is known"


def test_robustness_refuses_a_place_that_takes_no_curves_before_any_work(shell: Shell) -> None:
    words = ("--lifter", "toy:does=interrupts", "--plugin", PLUGIN, "--dataset", "toy", "--evaluator", "toy-error")
    assert shell("robustness", *words, "-o", "toy/uv.npy") == 2
    assert "toy/uv.npy: cannot write robustness.json here" in shell.err


def test_fit_noise_refuses_another_file(shell: Shell) -> None:
    from scipy.io import savemat

    savemat("other.mat", {"pos_pred_src": np.zeros((16, 2, 5))})
    assert shell("fit-noise", "other.mat", "-o", "noise.json") == 2
    assert "other.mat: wanted an array pos_gt_src (16, 2, 'people'), found None" in shell.err
    assert not Path("noise.json").exists()


def test_fit_noise_writes_a_model_that_is_read_again(shell: Shell) -> None:
    from scipy.io import savemat

    rng = np.random.default_rng(0)
    true = rng.normal(500, 100, (16, 2, 300))
    boxes = np.stack((np.zeros((2, 300)), np.full((2, 300), 60.0)))  # heads of 0.6 times 60 sqrt 2
    found = true + rng.normal(0, 0.1 * 36 * np.sqrt(2), true.shape)
    missing = np.zeros((16, 300), np.uint8)
    arrays = {"pos_pred_src": found, "pos_gt_src": true, "headboxes_src": boxes, "jnt_missing": missing}
    savemat("found.mat", arrays)
    assert shell("fit-noise", "found.mat", "-o", "noise.json") == 0
    assert [row[0] for row in rows(shell.out)[1:]] == [j for j in MPII_16.joints if j not in ("pelvis", "thorax")]
    fitted = load_noise(Path("noise.json"))
    assert (fitted.people, fitted.made_by) == (300, "benchsuite fit-noise found.mat -o noise.json")
    right = fitted.joints["knee"]
    size = np.sqrt(
        (right.near_share * right.near**2 + right.off_share * right.off**2) / (right.near_share + right.off_share)
    )
    assert size == pytest.approx(0.1, rel=0.1)
