"""The lifting networks: sizes, scaling, right view, missing joints, folding, weights that do not fit."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
import toys
from benchsuite_lifters import floors, inference
from benchsuite_lifters.courses import MartinezCourse, Optimisation, StereoCourse
from benchsuite_lifters.inference import LeanMLP, Precision
from benchsuite_lifters.martinez import Martinez
from benchsuite_lifters.network import Architecture, LiftingNetwork
from benchsuite_lifters.residual_mlp import ResidualMLP
from benchsuite_lifters.scaling import MissingJoints, Scaling
from benchsuite_lifters.shipped import martinez, stereo
from benchsuite_lifters.stereo import Stereo
from benchsuite_registry.checkpoints import WrongCheckpoint, save_checkpoint
from benchsuite_registry.poses import Camera, Frame, KeypointBatch
from benchsuite_registry.skeletons import H36M_17, Skeleton
from people import people, person
from torch import Tensor, nn

from benchsuite.training.pairs import filmed

PRECISIONS = get_args(Precision)
SMALL = Architecture(width=32, blocks=1, dropout=0.0)


def keypoints(uv: Tensor, skeleton: Skeleton = H36M_17, visible: Tensor | None = None) -> KeypointBatch:
    count = len(uv)
    camera = Camera(torch.full((count, 2), 1145.0), torch.full((count, 2), 512.0))
    seen = torch.ones(uv.shape[:2], dtype=torch.bool) if visible is None else visible
    numbers = torch.arange(count)
    return KeypointBatch(uv, seen, camera, skeleton, numbers, numbers, torch.zeros_like(numbers))


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_parameter_counts_are_the_papers() -> None:
    assert parameters(Martinez(Architecture())) == 4_291_632
    assert parameters(Stereo(Architecture()).synthesis) == 4_279_330
    assert parameters(Stereo(Architecture()).reconstruction) == 4_331_571


def test_learning_rate_of_the_paper() -> None:
    paper = Optimisation()
    assert paper.lr * paper.lr_factor(100_000) == pytest.approx(9.6e-4)
    assert paper.lr * paper.lr_factor(4_874_200) == pytest.approx(1.3673e-4, rel=1e-4)
    assert 1_559_752 // 64 == 24_371
    assert paper.steps == 200 * 24_371
    cosine = Optimisation(schedule="cosine", steps=10)
    assert cosine.lr_factor(0) == 1.0
    assert cosine.lr_factor(5) == pytest.approx(0.5)
    assert cosine.lr_factor(10) == pytest.approx(0.0)


def test_adam_as_in_the_paper_and_as_in_its_code() -> None:
    weight = [nn.Parameter(torch.zeros(1))]
    paper, repo = Optimisation(adam="paper").optimizer(weight), Optimisation(adam="repo").optimizer(weight)
    assert paper.defaults["betas"] == (0.9, 0.99)
    assert paper.defaults["weight_decay"] == 1e-4
    assert repo.defaults["betas"] == (0.9, 0.999)
    assert repo.defaults["weight_decay"] == 0.0


@pytest.mark.parametrize(
    ("scheme", "wanted"),
    [
        ("zscore", [[-(1.5**0.5), 0.0], [0.0, 0.0], [1.5**0.5, 0.0]]),
        ("minmax", [[-1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]),
        ("image", [[-0.998, -0.99], [-0.996, -0.99], [-0.994, -0.99]]),
    ],
)
def test_scaling_by_hand(scheme: str, wanted: list[list[float]]) -> None:
    values = torch.tensor([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]])  # the second dimension never moves
    scaling = Scaling(2)
    scaling.fit(values, scheme)  # type: ignore[arg-type]
    assert scaling(values).tolist() == [pytest.approx(row, abs=1e-6) for row in wanted]
    assert scaling.inverse(scaling(values)).tolist() == [pytest.approx(row) for row in values.tolist()]


def test_scaling_is_not_fitted_again_at_test_time() -> None:
    scaling = Scaling(1)
    scaling.fit(torch.tensor([[0.0], [2.0]]), "zscore")
    batch = torch.tensor([[10.0], [20.0], [30.0]])
    assert scaling(batch).tolist() == [scaling(one[None]).tolist()[0] for one in batch]


def test_max_norm_holds_every_matrix() -> None:
    network = ResidualMLP(4, 3, width=16, blocks=2, dropout=0.0)
    before = [m.weight.clone() for m in network.modules() if isinstance(m, nn.Linear)]
    network.project(0.0)
    after = [m.weight for m in network.modules() if isinstance(m, nn.Linear)]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    network.project(1.0)
    assert [m.weight.norm().item() for m in network.modules() if isinstance(m, nn.Linear)] == pytest.approx([1.0] * 6)


@pytest.fixture
def seasoned() -> ResidualMLP:
    """A small network whose batch norms have something to fold."""
    torch.manual_seed(0)
    network = ResidualMLP(8, 5, width=32, blocks=2, dropout=0.3)
    network.train()
    for _ in range(20):
        network(torch.randn(64, 8) * 3 + 1)
    return network.eval()


@pytest.mark.parametrize("fuses", [True, False], ids=["oneDNN", "plain"])
def test_folding_changes_nothing_but_the_batch_norms(
    fuses: bool, seasoned: ResidualMLP, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inference, "ROWS", 30)
    if not fuses:
        monkeypatch.setattr(inference, "takes", lambda dtype: False)
    lean = LeanMLP(seasoned)
    assert not any(isinstance(m, nn.BatchNorm1d | nn.Dropout) for m in lean.modules())
    for count in (100, 30, 1, 0):
        x = torch.randn(count, 8)
        torch.testing.assert_close(lean(x), seasoned(x), rtol=1e-4, atol=1e-5)
    x = torch.randn(9, 8)
    assert torch.equal(deepcopy(lean)(x), lean(x))
    assert torch.equal(pickle.loads(pickle.dumps(lean))(x), lean(x))


def test_bfloat16_stays_within_its_own_precision(seasoned: ResidualMLP) -> None:
    """It has 8 bits: each of six layers may round by 2^-9 of its largest numbers."""
    x = torch.randn(200, 8)
    found, wanted = LeanMLP(seasoned, "bfloat16")(x), seasoned(x)
    assert found.dtype == torch.float32
    difference = (found - wanted).abs().max() / wanted.abs().max()
    assert 1e-5 < difference < 6 * 2**-8


@pytest.mark.parametrize("build", [martinez, stereo])
def test_bfloat16_moves_shipped_lifters_by_little(build: Callable[..., LiftingNetwork]) -> None:
    pairs = filmed(np.random.default_rng(5), np.repeat(person()[None], 50, axis=0))
    full, half = (build(weights="", precision=precision).lift(keypoints(pairs.uv)).xyz for precision in PRECISIONS)
    moved = (full - half).norm(dim=-1)
    assert 0.01 < moved.mean() < 5.0  # mm


def test_right_view_differs_by_the_disparity_alone() -> None:
    pairs = people(50)
    stereo_net = Stereo(SMALL)
    left = stereo_net.left_view(pairs.uv, pairs.camera).unflatten(1, (-1, 2))
    right = stereo_net.right_view(pairs).unflatten(1, (-1, 2))
    torch.testing.assert_close(right[..., 1], left[..., 1])
    depth = 1145.0494384765625 * 500.0 / (right[..., 0] - left[..., 0])  # z = f dx / disparity, canonical camera
    torch.testing.assert_close(depth, pairs.xyz[..., 2], rtol=1e-4, atol=0.5)


def test_canonical_view_undoes_the_intrinsics() -> None:
    pairs = people(10)
    other = Camera(pairs.focal * 1.7, pairs.center * 0.3)
    network = Martinez(SMALL)
    torch.testing.assert_close(
        network.left_view(other.project(pairs.xyz), other),
        network.left_view(pairs.uv, pairs.camera),
        rtol=1e-4,
        atol=0.01,
    )
    as_given = Martinez(Architecture(width=32, blocks=1, view="as-given"))
    wanted = pairs.uv[:, [j for j in range(17) if j != 9]].flatten(1)
    torch.testing.assert_close(as_given.left_view(pairs.uv, pairs.camera), wanted)


def test_root_origin_puts_the_root_at_zero() -> None:
    pairs = people(5)
    network = Stereo(Architecture(width=32, blocks=1, origin="root"))
    left = network.left_view(pairs.uv, pairs.camera)
    assert left[:, :2].abs().max() == 0
    moved = network.left_view(pairs.uv + 25.0, pairs.camera)
    torch.testing.assert_close(moved, left, atol=1e-3, rtol=0)


def trained(course: MartinezCourse | StereoCourse) -> MartinezCourse | StereoCourse:
    course.fit(people(2000))
    course.network.eval()
    return course


@pytest.fixture(params=[MartinezCourse, StereoCourse])
def network(request: pytest.FixtureRequest) -> Martinez | Stereo:
    torch.manual_seed(1)
    return trained(request.param(width=32, blocks=1, dropout=0.0)).network


def test_lifting_gives_root_relative_poses_in_order(network: Martinez | Stereo) -> None:
    batch = keypoints(people(30).uv)
    poses = network.lift(batch)
    assert poses.frame is Frame.ROOT
    assert poses.skeleton == H36M_17
    assert torch.equal(poses.ids, batch.ids)
    assert poses.xyz[:, 0].abs().max() == 0
    backwards = network.lift(batch.rows(torch.arange(29, -1, -1)))
    torch.testing.assert_close(backwards.xyz.flip(0), poses.xyz, rtol=1e-4, atol=0.01)
    single = torch.cat([network.lift(batch.rows(slice(k, k + 1))).xyz for k in range(30)])
    torch.testing.assert_close(single, poses.xyz, rtol=1e-4, atol=0.01)


def test_a_bad_sample_spoils_no_other(network: Martinez | Stereo) -> None:
    batch = keypoints(people(6).uv)
    broken = batch.uv.clone()
    broken[2, 5] = torch.nan
    broken[4, :] = torch.inf
    whole, holed = network.lift(batch).xyz, network.lift(keypoints(broken)).xyz
    kept = torch.tensor([0, 1, 3, 5])
    torch.testing.assert_close(holed[kept], whole[kept], rtol=1e-4, atol=0.01)
    assert holed.isfinite().all()  # filled in, not handed on


def test_no_samples_no_poses(network: Martinez | Stereo) -> None:
    assert network.lift(keypoints(torch.zeros(0, 17, 2))).xyz.shape == (0, 17, 3)


def test_missing_joints_are_conditional_means() -> None:
    torch.manual_seed(0)
    first = torch.randn(20_000, 1, dtype=torch.float64) * 10
    values = torch.cat((first, 2 * first + 3, torch.randn_like(first) * 5 + 7), dim=1).float()
    missing = MissingJoints(3)
    missing.fit(values)
    known = torch.tensor([[True, False, False], [True, True, True]])
    filled = missing(torch.tensor([[4.0, torch.nan, torch.nan], [1.0, 2.0, 3.0]]), known)
    assert filled[0].tolist() == pytest.approx([4.0, 11.0, 7.0], abs=0.3)  # 2 * 4 + 3; an independent one's mean
    assert filled[1].tolist() == [1.0, 2.0, 3.0]


def test_nearest_finds_a_pose_again_and_gives_it_where_the_keypoints_are(monkeypatch: pytest.MonkeyPatch) -> None:
    toy, rng = toys.toy_dataset(), np.random.default_rng(0)
    xyz = toy.columns["xyz"] + rng.normal(0.0, 60.0, toy.columns["xyz"].shape).astype(np.float32)
    known = replace(toy, columns={**toy.columns, "xyz": xyz, "uv": xyz[..., :2] / xyz[..., 2:] * 1000 + 500})
    monkeypatch.setattr(floors, "open_dataset", lambda *where, **how: known)
    lifter = floors.Nearest("somewhere", len(known))
    seen = known.keypoints(slice(1, 4))
    assert torch.equal(lifter.lift(seen).xyz, known.poses(slice(1, 4)).root_relative().xyz)
    monkeypatch.setattr(floors, "_posture", lambda _: np.zeros((3, 34), dtype=np.float32))  # meta has no numbers
    assert lifter.lift(seen.to("meta")).xyz.device.type == "meta"
    assert lifter.lift(seen.rows(slice(0, 0)).to("meta")).xyz.device.type == "meta"


@pytest.mark.parametrize("build", [martinez, stereo])
def test_weights_that_do_not_fit_are_refused(build: object, tmp_path: Path) -> None:
    with pytest.raises(WrongCheckpoint, match="no such weights file"):
        build(weights=str(tmp_path / "absent.safetensors"))  # type: ignore[operator]
    other = tmp_path / "other.safetensors"
    save_checkpoint(other, {"a": torch.zeros(2)}, {"method": "something"})
    with pytest.raises(WrongCheckpoint, match="found something"):
        build(weights=str(other))  # type: ignore[operator]
    wrong = tmp_path / "wrong.safetensors"
    method = build.__name__  # type: ignore[attr-defined]
    save_checkpoint(wrong, {"a": torch.zeros(2)}, {"method": method, "architecture": {"width": 8, "blocks": 1}})
    with pytest.raises(WrongCheckpoint, match="is missing"):
        build(weights=str(wrong))  # type: ignore[operator]
    save_checkpoint(wrong, {"a": torch.zeros(2)}, {"method": method, "architecture": {"width": 0}})
    with pytest.raises(WrongCheckpoint, match="width: wanted at least 1, found 0"):
        build(weights=str(wrong))  # type: ignore[operator]
    wrong.write_bytes(wrong.read_bytes()[:-3])
    with pytest.raises(WrongCheckpoint, match="whole safetensors file"):
        build(weights=str(wrong))  # type: ignore[operator]


@pytest.mark.parametrize("method", ["martinez", "stereo"])
def test_shipped_weights_stand_a_person_up(method: str) -> None:
    build = {"martinez": martinez, "stereo": stereo}[method]
    rng = np.random.default_rng(5)
    pairs = filmed(rng, np.repeat(person()[None], 200, axis=0))
    batch = KeypointBatch(
        pairs.uv, torch.ones(200, 17, dtype=torch.bool), pairs.camera, H36M_17, *(torch.arange(200),) * 3
    )
    truth = pairs.xyz - pairs.xyz[:, :1]
    error = (build(weights="").lift(batch).xyz - truth).norm(dim=-1).mean()
    mean_pose = (truth.mean(0) - truth).norm(dim=-1).mean()
    assert error < mean_pose / 2
