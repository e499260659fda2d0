"""Pose metrics against hand computation, a plain loop and scipy."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from benchsuite_registry.skeletons import H36M_17, MPII_16, Skeleton
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes
from scipy.spatial.transform import Rotation
from torch import Tensor

from benchsuite import metrics
from benchsuite.kernels import fused_errors
from benchsuite.metrics import auc, joint_errors, mpjpe, n_mpjpe, p_mpjpe, pck

Array = NDArray[np.float64]


@pytest.fixture(autouse=True, params=["compiled", "plain"])
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything here holds with numba's loops, however few the poses, and without."""
    if request.param == "compiled":
        pytest.importorskip("numba")
    monkeypatch.setattr(fused_errors, "LEAST", {"compiled": 0, "plain": 10**9}[request.param])


HALF_TURNS = {"x": (1.0, -1.0, -1.0), "y": (-1.0, 1.0, -1.0), "z": (-1.0, -1.0, 1.0)}


def people(count: int, seed: int = 0, axes: tuple[float, float, float] = (150.0, 450.0, 100.0)) -> Tensor:
    """(count, 17, 3) mm float64, as wide, tall and deep as a person; root at the origin."""
    poses = np.random.default_rng(seed).normal(0.0, axes, (count, 17, 3))
    return torch.from_numpy(poses - poses[:, :1])


def noisy(poses: Tensor, spread: float, seed: int = 1) -> Tensor:
    return poses + torch.from_numpy(np.random.default_rng(seed).normal(0.0, spread, poses.shape))


def rotations(count: int, seed: int = 2) -> Tensor:
    return torch.from_numpy(Rotation.random(count, rng=np.random.default_rng(seed)).as_matrix())


# Independent routes: one pose at a time, in plain Python or through scipy.


def looped_mpjpe(predicted: Array, true: Array) -> float:
    total = 0.0
    for p, g in zip(predicted.tolist(), true.tolist(), strict=True):
        total += math.sqrt((p[0] - g[0]) ** 2 + (p[1] - g[1]) ** 2 + (p[2] - g[2]) ** 2)
    return total / len(predicted)


def looped_n_mpjpe(predicted: Array, true: Array) -> float:
    both = sum(a * b for p, g in zip(predicted.tolist(), true.tolist(), strict=True) for a, b in zip(p, g, strict=True))
    own = sum(a * a for p in predicted.tolist() for a in p)
    return looped_mpjpe(predicted * (both / own), true)


def scipy_p_mpjpe(predicted: Array, true: Array) -> float:
    """Rotation by scipy's solution of Wahba's problem, then the scale that is best for it."""
    p, g = predicted - predicted.mean(axis=0), true - true.mean(axis=0)
    turned = Rotation.align_vectors(g, p)[0].apply(p)
    return looped_mpjpe(turned * ((turned * g).sum() / (p * p).sum()), g)


def each(route: Callable[[Array, Array], float], predicted: Tensor, true: Tensor) -> Tensor:
    errors = [route(p.numpy(), g.numpy()) for p, g in zip(predicted, true, strict=True)]
    return torch.tensor(errors, dtype=torch.float64)


def assert_close(found: Tensor, wanted: Tensor | float, within: float = 1e-9) -> None:
    wanted = torch.as_tensor(wanted, dtype=torch.float64).expand_as(found)
    torch.testing.assert_close(found, wanted, rtol=0.0, atol=within)


# MPJPE


def test_one_joint_off_by_3_and_4_of_17() -> None:
    true = people(1)
    predicted = true.clone()
    predicted[0, 5] += torch.tensor([3.0, 4.0, 0.0])
    assert_close(mpjpe(predicted, true), 5 / 17)
    assert joint_errors(predicted, true)[0, 5] == pytest.approx(5.0)


def test_mpjpe_scales_with_the_unit() -> None:
    true = people(20)
    predicted = noisy(true, 30.0)
    assert_close(mpjpe(1000 * predicted, 1000 * true), 1000 * mpjpe(predicted, true))


def test_a_prediction_of_zeros_costs_the_mean_distance_from_the_root() -> None:
    true = torch.zeros(1, 17, 3)
    true[0, 1:, 1] = 170.0
    assert_close(mpjpe(torch.zeros_like(true), true), 160.0)


@pytest.mark.parametrize(("metric", "route"), [(mpjpe, looped_mpjpe), (n_mpjpe, looped_n_mpjpe)])
def test_equals_a_plain_loop(metric: Callable[[Tensor, Tensor], Tensor], route: Callable[..., float]) -> None:
    true = people(50)
    predicted = noisy(true, 60.0)
    assert_close(metric(predicted, true), each(route, predicted, true))


def test_float32_is_worked_on_in_float64() -> None:
    true = people(50).float() + torch.tensor([0.0, 0.0, 5000.0])
    predicted = noisy(people(50), 20.0).float() + torch.tensor([0.0, 0.0, 5000.0])
    for metric in (mpjpe, n_mpjpe, p_mpjpe):
        found = metric(predicted, true)
        assert found.dtype == torch.float64
        assert_close(found, metric(predicted.double(), true.double()))


def test_both_sides_swapped_leaves_mpjpe() -> None:
    def flipped(poses: Tensor, skeleton: Skeleton) -> Tensor:
        return poses[:, list(skeleton.mirror)] * torch.tensor([-1.0, 1.0, 1.0])

    for skeleton in (H36M_17, MPII_16):
        true = people(5)[:, : len(skeleton)]
        predicted = noisy(true, 30.0)
        assert torch.equal(flipped(flipped(true, skeleton), skeleton), true)
        assert_close(mpjpe(flipped(predicted, skeleton), flipped(true, skeleton)), mpjpe(predicted, true))
        assert (mpjpe(flipped(predicted, skeleton), true) > 100).all()


# N-MPJPE


@pytest.mark.parametrize("scale", [0.2, 1.0, 40.0, -1.0, -0.3])
def test_n_mpjpe_ignores_any_scale(scale: float) -> None:
    true = people(20)
    assert_close(n_mpjpe(scale * true, true), 0.0)


def test_n_mpjpe_of_zeros_is_that_of_the_unscaled_prediction() -> None:
    true = people(20)
    zeros = torch.zeros_like(true)
    assert_close(n_mpjpe(zeros, true), mpjpe(zeros, true))


def test_n_mpjpe_by_hand() -> None:
    # <P, G> / <P, P> = (2 * 1 + 0 * 3) / 4 = 1/2, which leaves (1, 0, 0) - (1, 3, 0)
    predicted, true = torch.zeros(1, 2, 3), torch.zeros(1, 2, 3)
    predicted[0, 1] = torch.tensor([2.0, 0.0, 0.0])
    true[0, 1] = torch.tensor([1.0, 3.0, 0.0])
    assert_close(n_mpjpe(predicted, true), 1.5)


# P-MPJPE


def test_p_mpjpe_ignores_similarity_transforms() -> None:
    true = people(200)
    scale = torch.linspace(0.1, 8.0, 200, dtype=torch.float64)[:, None, None]
    moved = scale * true @ rotations(200) + torch.tensor([300.0, -200.0, 5000.0])
    assert_close(p_mpjpe(moved, true), 0.0, within=1e-8)
    assert (mpjpe(moved, true) > 100).all()


def test_p_mpjpe_leaves_a_hand_computed_rest() -> None:
    # Four corners of a square of side 2, one pulled in to the middle of the others' diagonal: the
    # symmetry about that diagonal forbids turning, the centred sets give s = <P, G> / <P, P> = 6 / 5.
    true = torch.tensor([[[1.0, 1.0, 0.0], [-1.0, 1.0, 0.0], [-1.0, -1.0, 0.0], [1.0, -1.0, 0.0]]])
    predicted = true.clone()
    predicted[0, 0] = 0.0
    centred = [(0.25, 0.25), (-0.75, 1.25), (-0.75, -0.75), (1.25, -0.75)]
    assert sum(x * x + y * y for x, y in centred) == pytest.approx(5.5)
    scale = sum(x * g[0] + y * g[1] for (x, y), g in zip(centred, true[0].tolist(), strict=True)) / 5.5
    wanted = sum(math.dist((scale * x, scale * y), g[:2]) for (x, y), g in zip(centred, true[0].tolist(), strict=True))
    assert_close(p_mpjpe(predicted, true), wanted / 4)


@pytest.mark.parametrize("spread", [1.0, 50.0, 300.0, 3000.0])
def test_p_mpjpe_equals_scipy(spread: float) -> None:
    true = people(300)
    predicted = noisy(true, spread) @ rotations(300)
    assert_close(p_mpjpe(predicted, true), each(scipy_p_mpjpe, predicted, true), within=1e-7)


def test_p_mpjpe_equals_scipys_orthogonal_procrustes_where_that_needs_no_mirror() -> None:
    def route(predicted: Array, true: Array) -> float:
        p, g = predicted - predicted.mean(axis=0), true - true.mean(axis=0)
        rotation, fit = orthogonal_procrustes(p, g)
        assert np.linalg.det(rotation) > 0
        return looped_mpjpe(p @ rotation * (fit / (p * p).sum()), g)

    true = people(100)
    predicted = noisy(true, 25.0) @ rotations(100)
    assert_close(p_mpjpe(predicted, true), each(route, predicted, true))


@pytest.mark.parametrize("axis", HALF_TURNS)
def test_p_mpjpe_of_a_half_turn(axis: str) -> None:
    true = people(100)
    turned = true * torch.tensor(HALF_TURNS[axis])
    assert_close(p_mpjpe(turned, true), 0.0)
    assert_close(p_mpjpe(noisy(turned, 40.0), true), each(scipy_p_mpjpe, noisy(turned, 40.0), true), within=1e-7)


def test_p_mpjpe_of_a_mirrored_pose_is_not_zero() -> None:
    true = people(300)
    mirrored = true * torch.tensor([-1.0, 1.0, 1.0])
    found = p_mpjpe(mirrored, true)
    assert (found > 20).all()
    assert_close(found, each(scipy_p_mpjpe, mirrored, true), within=1e-6)


def test_p_mpjpe_of_a_planar_pose_is_zero_even_mirrored() -> None:
    true = people(100, axes=(150.0, 450.0, 0.0))
    assert_close(p_mpjpe(true @ rotations(100), true), 0.0, within=1e-8)
    assert_close(p_mpjpe(true * torch.tensor([-1.0, 1.0, 1.0]), true), 0.0, within=1e-8)


@pytest.mark.filterwarnings("ignore:Optimal rotation is not uniquely")
def test_p_mpjpe_of_straight_poses() -> None:
    straight = people(100, axes=(0.0, 450.0, 0.0))
    full = people(100, seed=5)
    turned = straight @ rotations(100)
    assert_close(p_mpjpe(turned, straight), 0.0, within=1e-8)
    assert_close(p_mpjpe(turned, full), each(scipy_p_mpjpe, turned, full), within=1e-6)
    assert_close(p_mpjpe(full, turned), each(scipy_p_mpjpe, full, turned), within=1e-6)


@pytest.mark.parametrize("distance", [0.0, 1e-3, 1.0, 1e5])
def test_p_mpjpe_of_all_joints_in_one_place_is_the_distance_from_the_centroid(distance: float) -> None:
    true = people(200)
    points = (distance * people(200, seed=7)[:, 1:2]).expand(200, 17, 3)
    wanted = mpjpe(true.mean(dim=1, keepdim=True).expand_as(true), true)
    assert_close(p_mpjpe(points, true), wanted)
    assert_close(p_mpjpe(points.float(), true), wanted)
    assert_close(p_mpjpe(true, points), 0.0, within=1e-7)


def test_p_mpjpe_without_any_correlation_scales_to_nothing() -> None:
    predicted = torch.tensor([[[1.0, 0, 0], [-1.0, 0, 0], [0, 0, 0], [0, 0, 0]]])
    true = torch.tensor([[[0, 0, 0], [0, 0, 0], [0, 2.0, 0], [0, -2.0, 0]]])
    assert_close(p_mpjpe(predicted, true), 1.0)


def test_p_mpjpe_when_the_rotation_is_barely_determined() -> None:
    """Between a plain case and the three degenerate ones, however near, nothing breaks."""
    true = people(60, axes=(100.0, 450.0, 100.0))
    for spread in 10.0 ** np.arange(-9, 3):
        for start in (true * torch.tensor([-1.0, 1.0, 1.0]), true * torch.tensor([0.0, 1.0, 0.0])):
            predicted = noisy(start, spread)
            assert_close(p_mpjpe(predicted, true), each(scipy_p_mpjpe, predicted, true), within=1e-6)


def test_p_mpjpe_leaves_the_least_sum_of_squares() -> None:
    """No similarity nearby does better, judged on squares, which are what is minimised."""
    true = people(1)
    p = noisy(true, 150.0)
    p, g = p - p.mean(1, keepdim=True), true - true.mean(1, keepdim=True)
    m = (p.mT @ g).permute(1, 2, 0) / (p.norm() * g.norm())
    rotation, fit = metrics._best_rotation(m)
    r = rotation[..., 0]
    assert_close(r.T @ r, torch.eye(3))
    assert torch.linalg.det(r) == pytest.approx(1.0)
    best = (fit * g.norm() / p.norm() * p @ r - g).square().sum()
    for turn in Rotation.random(200, rng=np.random.default_rng(0)).as_rotvec() * 0.01:
        for scale in (0.99, 1.0, 1.01):
            tried = r @ torch.from_numpy(Rotation.from_rotvec(turn).as_matrix())
            assert (scale * fit * g.norm() / p.norm() * p @ tried - g).square().sum() >= best


# All of them


def test_a_batch_is_its_singles_and_nan_stays_in_its_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "BLOCK", 7)
    true = people(40)
    predicted = noisy(true, 60.0)
    predicted[3, 8, 1] = torch.nan
    predicted[4, 2, 0] = torch.inf
    predicted[5] = 0.0
    true[6, 1, 1] = torch.nan
    for metric in (mpjpe, n_mpjpe, p_mpjpe):
        whole = metric(predicted, true)
        singles = torch.cat([metric(predicted[i : i + 1], true[i : i + 1]) for i in range(40)])
        torch.testing.assert_close(whole, singles, rtol=0, atol=1e-9, equal_nan=True)
        assert (~whole.isfinite()).nonzero().flatten().tolist() == [3, 4, 6]
        assert metric(predicted[:0], true[:0]).shape == (0,)


def test_inputs_stay_as_they_are() -> None:
    true = people(10)
    predicted = noisy(true, 60.0)
    kept = predicted.clone(), true.clone()
    for metric in (mpjpe, n_mpjpe, p_mpjpe):
        metric(predicted, true)
    assert torch.equal(predicted, kept[0])
    assert torch.equal(true, kept[1])


@pytest.mark.parametrize("metric", [mpjpe, n_mpjpe, p_mpjpe])
def test_shapes_that_differ_are_refused(metric: Callable[[Tensor, Tensor], Tensor]) -> None:
    with pytest.raises(ValueError, match=r"\(4, 17, 3\) and \(4, 16, 3\)"):
        metric(torch.zeros(4, 17, 3), torch.zeros(4, 16, 3))


def test_compiled_and_plain_agree_by_whatever_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ordinary poses, and every kind that the closed form leaves to the singular value decomposition."""
    true = people(300)
    kinds = [
        noisy(true, 40.0),
        noisy(true, 3000.0),
        true @ rotations(300),
        torch.zeros_like(true),
        true[:, :1] + 0 * true,
    ]
    kinds += [true * torch.tensor(turn) for turn in (*HALF_TURNS.values(), (-1.0, 1.0, 1.0), (1.0, 1.0, 0.0))]
    kinds += [true * torch.tensor([0.0, 1.0, 0.0]), torch.full_like(true, torch.nan)]
    predicted, true = torch.cat(kinds), true.repeat(len(kinds), 1, 1)
    monkeypatch.setattr(fused_errors, "ROWS_A_THREAD", 500)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    for metric in (mpjpe, n_mpjpe, p_mpjpe):
        for dtype in (torch.float32, torch.float64):
            found = {}
            for way, least in (("compiled", 0), ("plain", 10**9)):
                monkeypatch.setattr(fused_errors, "LEAST", least)
                found[way] = metric(predicted.to(dtype), true.to(dtype))
            torch.testing.assert_close(found["compiled"], found["plain"], rtol=0, atol=1e-6, equal_nan=True)


def test_compiled_numbers_are_the_same_in_whatever_company_and_by_whatever_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("numba")
    true = people(1003).float()
    predicted = noisy(people(1003), 60.0).float()
    errors = joint_errors(predicted, true)
    predicted[::9, 4] = torch.nan
    monkeypatch.setattr(fused_errors, "LEAST", 0)
    sound = noisy(true.double(), 40.0)
    cases: list[tuple[Callable[..., Tensor], list[Tensor]]] = [
        (mpjpe, [predicted, true]),
        (n_mpjpe, [predicted, true]),
        (p_mpjpe, [sound, true.double()]),
        (auc, [errors]),
    ]
    for metric, columns in cases:
        whole = metric(*columns)
        alone = torch.cat([metric(*(column[i : i + 1] for column in columns)) for i in range(20)])
        np.testing.assert_array_equal(whole[:20], alone)
        with monkeypatch.context() as patched:
            patched.setattr(fused_errors, "ROWS_A_THREAD", 300)
            patched.setattr(torch, "get_num_threads", lambda: 2)
            np.testing.assert_array_equal(whole, metric(*columns))


def test_gradients_pass_through_what_is_not_compiled() -> None:
    predicted = noisy(people(20), 30.0).requires_grad_()
    mpjpe(predicted, people(20)).sum().backward()
    assert predicted.grad is not None
    assert predicted.grad.norm(dim=-1).mean() == pytest.approx(1 / 17)


# PCK and AUC


@pytest.mark.parametrize(
    ("error", "right", "area"),
    [
        (0.0, 100.0, 100 * 30 / 31),
        (74.9, 100.0, 100 * 16 / 31),
        (75.0, 100.0, 100 * 15 / 31),
        (149.999, 100.0, 100 * 1 / 31),
        (150.0, 0.0, 0.0),
        (math.nan, 0.0, 0.0),
        (math.inf, 0.0, 0.0),
    ],
)
def test_pck_and_auc_at_the_thresholds(error: float, right: float, area: float) -> None:
    errors = torch.full((2, 14), error, dtype=torch.float64)
    assert_close(pck(errors, 150.0), right)
    assert_close(auc(errors), area)


LADDERS = {
    "official": metrics.AUC_THRESHOLDS_MM,
    "one": (150.0,),
    "two": (5.0, 10.0),
    "even, not from 0": (10.0, 12.5, 15.0, 17.5),
    "even but for rounding": tuple(k / 100 for k in range(51)),
    "uneven": (0.0, 1.0, 7.0, 7.5, 100.0),
}


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("thresholds", LADDERS.values(), ids=LADDERS.keys())
def test_auc_counts_to_the_last_bit_what_its_definition_counts(thresholds: tuple[float, ...], inclusive: bool) -> None:
    """Errors at random, on every threshold and one rounding to either side, missing and infinite ones."""
    rng = np.random.default_rng(0)
    ladder = np.array(thresholds)
    on = np.concatenate((ladder, np.nextafter(ladder, np.inf), np.nextafter(ladder, -np.inf), ladder + 1e-9))
    errors = rng.uniform(0.0, 1.3 * ladder[-1], (400, 14))
    hit = rng.random(errors.shape) < 0.6
    errors[hit] = rng.choice([*on, np.nan, np.inf, 0.0, 1e300, 5e-324], hit.sum())
    compared = np.less_equal if inclusive else np.less
    right = sum(compared(errors, threshold).sum(axis=1) for threshold in thresholds)
    found = auc(torch.from_numpy(errors), thresholds, inclusive=inclusive)
    np.testing.assert_array_equal(found, 100.0 * (right / (14 * len(thresholds))))


def test_auc_is_the_mean_of_pck_over_the_thresholds() -> None:
    errors = torch.from_numpy(np.random.default_rng(0).uniform(0.0, 200.0, (30, 14)))
    wanted = torch.stack([pck(errors, 5.0 * k) for k in range(31)]).mean(dim=0)
    assert_close(auc(errors), wanted)


def test_inclusive_and_exclusive_pck() -> None:
    assert_close(pck(torch.full((1, 14), 150.0), 150.0, inclusive=True), 100.0)
    off_by_share_of_head = torch.tensor([[4.9, 5.0, 5.1]]) / 10
    assert_close(pck(off_by_share_of_head, 0.5, inclusive=True), 200 / 3)
    assert_close(pck(off_by_share_of_head, 0.5), 100 / 3)


def test_thirteen_of_fourteen_joints_right() -> None:
    errors = torch.zeros(1, 17)
    errors[0, [3, 14, 15, 16]] = 500.0
    assert_close(pck(errors[:, :14], 150.0), 1300 / 14)
