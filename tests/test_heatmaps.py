"""Heat maps: the stamp, what is drawn outside, and how joints are read back."""

from __future__ import annotations

import math

import pytest
import torch
from benchsuite_image_models.heatmaps import Peaks, decode, encode, soft_decode


def points(*xy: tuple[float, float]) -> torch.Tensor:
    return torch.tensor([xy])


def test_stamp_of_the_paper() -> None:
    stamp = encode(points((20.9, 30.2)), 64)[0, 0]
    # exp(-k^2 / 2 / 1.75^2) by a pocket calculator
    assert stamp[30, 20:25].tolist() == pytest.approx([1.0, 0.8494, 0.5205, 0.2301, 0.0], abs=5e-5)
    assert stamp[27:31, 20].tolist() == pytest.approx([0.2301, 0.5205, 0.8494, 1.0], abs=5e-5)
    assert stamp[33, 23].item() == pytest.approx(0.0529, abs=5e-5)
    assert int((stamp > 0).sum()) == 49


@pytest.mark.parametrize("place", [(-0.01, 5.0), (5.0, -3.0), (16.0, 5.0), (5.0, 16.5), (float("nan"), 5.0)])
@pytest.mark.parametrize("peaks", ["rounded", "exact"])
def test_joint_outside_leaves_its_map_empty(place: tuple[float, float], peaks: Peaks) -> None:
    maps = encode(points(place, (4.0, 5.0)), 16, peaks)
    assert maps[0, 0].eq(0).all()
    assert maps[0, 1].max() > 0.8


def test_stamp_at_the_border_is_cut() -> None:
    stamp = encode(points((0.5, 15.5)), 16)[0, 0]
    assert stamp[15, 0] == 1
    assert int((stamp > 0).sum()) == 16


@pytest.mark.parametrize("peaks", ["rounded", "exact"])
def test_what_was_encoded_is_decoded_within_half_a_pixel(peaks: Peaks) -> None:
    torch.manual_seed(0)
    drawn = torch.rand(200, 16, 2) * 32
    found, highest = decode(encode(drawn, 32, peaks), peaks)
    assert (found - drawn).abs().max() <= 0.5 + 1e-5
    assert highest.min() > 0.8


def test_exact_peaks_are_decoded_exactly() -> None:
    torch.manual_seed(0)
    drawn = 1 + torch.rand(200, 16, 2) * 30
    found, _ = decode(encode(drawn, 32, "exact"), "exact")
    torch.testing.assert_close(found, drawn, rtol=0, atol=1e-4)


def test_quarter_pixel_leans_along_x_and_y_not_the_other_way_round() -> None:
    maps = torch.zeros(1, 1, 8, 8)
    maps[0, 0, 5, 2] = 1.0
    maps[0, 0, 5, 1], maps[0, 0, 5, 3] = 0.2, 0.6  # right
    maps[0, 0, 4, 2], maps[0, 0, 6, 2] = 0.5, 0.1  # up
    found, highest = decode(maps)
    assert found[0, 0].tolist() == [2.75, 5.25]
    assert highest.item() == 1.0


def test_no_leaning_at_the_border() -> None:
    maps = torch.zeros(1, 2, 4, 6)
    maps[0, 0, 0, 5] = maps[0, 1, 3, 0] = 1.0
    maps[0, 0, 0, 4] = maps[0, 1, 3, 1] = 0.5
    found, _ = decode(maps)
    assert found[0].tolist() == [[5.5, 0.5], [0.5, 3.5]]


def test_parabola_by_hand() -> None:
    maps = torch.full((1, 1, 8, 8), 0.01)
    maps[0, 0, 4, 3:6] = torch.tensor([math.exp(-3), 1.0, math.exp(-1)])
    found, _ = decode(maps, "exact")
    # logarithms -3, 0, -1: vertex at (3 - 1) / (2 (3 + 1)) beyond the middle of pixel 4
    assert found[0, 0].tolist() == pytest.approx([4.75, 4.5])


@pytest.mark.parametrize("peaks", ["rounded", "exact"])
def test_maps_without_a_peak_are_decoded_too(peaks: Peaks) -> None:
    maps = torch.stack((torch.zeros(8, 8), -torch.rand(8, 8) - 1))[None]
    found, highest = decode(maps, peaks)
    assert found.isfinite().all()
    assert ((found >= 0) & (found <= 8)).all()
    assert highest.max() <= 0


def test_soft_decode_finds_the_peak_and_lets_gradients_through() -> None:
    drawn = points((5.5, 9.5), (10.5, 4.5))
    maps = encode(drawn, 16).requires_grad_()
    found = soft_decode(maps)
    torch.testing.assert_close(found, drawn, rtol=0, atol=1e-3)
    found[0, 0, 0].backward()
    assert maps.grad is not None
    assert maps.grad[0, 0, 9, 7] > 0  # higher there moves the joint right
    assert maps.grad[0, 0, 9, 3] < 0
    assert maps.grad[0, 1].eq(0).all()
