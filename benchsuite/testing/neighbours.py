"""Checks that samples do not reach each other, and that nothing reaches a result but what may."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from benchsuite_registry.poses import ImageBatch, KeypointBatch, PoseBatch

from benchsuite.testing import people
from benchsuite.testing.findings import EVALUATOR, EVERY, LIFTER, REFINER, check
from benchsuite.testing.subject import Columns, Given, Subject, columns, demand_same, joined, picked

_SPOILT = 1
_ELSEWHERE_PX = 333.0


@check(*EVERY, unit="pose")
def a_batch_is_as_good_as_singles(subject: Subject) -> None:
    """Samples given one by one come out as they do in a batch; batch norm in training mode would differ."""
    given = subject.given
    singles = [subject.gives(picked(given, slice(k, k + 1))) for k in range(len(given[0]))]
    demand_same(joined(singles), subject.reference, "one by one", exactly=False)


@check(*EVERY, unit="pose")
def order_in_the_batch_does_not_matter(subject: Subject) -> None:
    """Samples in another order give the same in that order."""
    order = torch.arange(len(subject.given[0]) - 1, -1, -1)
    wanted = {name: column[order.numpy()] for name, column in subject.reference.items()}
    demand_same(wanted, subject.gives(picked(subject.given, order)), "backwards", exactly=False)


@check(*EVERY, unit="pose")
def a_spoilt_sample_stays_alone(subject: Subject) -> None:
    """A sample of NaN, and one without any visible joint, change no other sample."""
    wanted = subject.reference
    others = np.arange(len(subject.given[0])) != _SPOILT
    for spoilt in _spoilt(subject.given):
        found = subject.gives(spoilt)
        demand_same(_rows(wanted, others), _rows(found, others), "beside a spoilt sample", exactly=False)


@check(*EVERY, unit="clip")
def a_spoilt_clip_stays_alone(subject: Subject) -> None:
    """A clip in which one frame is NaN or without visible joints changes no clip that comes after it."""
    wanted = subject.gives(subject.other)
    for spoilt in _spoilt(subject.given):
        subject.act(subject.made, spoilt)
        demand_same(wanted, subject.gives(subject.other), "after a spoilt clip")


@check(LIFTER, REFINER)
def hidden_pixels_mean_nothing(subject: Subject) -> None:
    """Where a joint is not visible, it does not matter which pixels are given for it."""
    keypoints: KeypointBatch = subject.given[-1]
    visible = keypoints.visible.clone()
    visible[_SPOILT, [3, 9]] = False  # a foot and the neck, of one sample
    elsewhere = torch.where(visible[..., None], keypoints.uv, keypoints.uv + _ELSEWHERE_PX)
    nowhere = torch.where(visible[..., None], keypoints.uv, torch.nan)
    wanted, *found = (
        subject.gives((*subject.given[:-1], replace(keypoints, uv=uv, visible=visible)))
        for uv in (keypoints.uv, elsewhere, nowhere)
    )
    for one in found:
        demand_same(wanted, one, "with other pixels for hidden joints", exactly=False)


@check(*EVERY)
def row_numbers_mean_nothing(subject: Subject) -> None:
    """Results do not depend on ids and clip numbers, which say where in the dataset a sample stands."""
    found = subject.gives(tuple(map(_renumbered, subject.given)))
    demand_same(subject.reference, found, "with other row numbers", exactly=False)


@check(LIFTER, REFINER, EVALUATOR)
def joints_go_by_name(subject: Subject) -> None:
    """Joints in another order give the same poses or figures, or are refused; never others without a word."""
    *first, last = subject.given
    kept = subject.gave
    given = (_in_order(first[0]), last) if subject.kind == EVALUATOR else (*first, people.reordered(last))
    try:
        gave = subject.act(subject.made, given)
    except Exception:
        return  # to refuse is allowed
    if subject.kind == EVALUATOR:
        demand_same(columns(kept), columns(gave), "with joints in another order", exactly=False)
    else:
        wanted, found = ((one.poses if subject.kind == REFINER else one) for one in (kept, gave))
        read = found.in_skeleton(wanted.skeleton)
        wanted, read = ({"xyz": one.xyz.numpy()} for one in (wanted, read))
        demand_same(wanted, read, "with joints in another order", exactly=False)


def _in_order(poses: PoseBatch) -> PoseBatch:
    skeleton, order = people.renamed(poses.skeleton)
    right, uv = (None if pixels is None else pixels[:, order] for pixels in (poses.right_uv, poses.uv))
    return replace(poses, xyz=poses.xyz[:, order], skeleton=skeleton, right_uv=right, uv=uv)


def _rows(columns: Columns, which: Any) -> Columns:
    return {name: column[which] for name, column in columns.items()}


def _spoilt(given: Given) -> list[Given]:
    """What is given, one sample of it NaN; of keypoints also with that sample's joints all hidden."""
    made = [tuple(_with_nan(part) for part in given)]
    if isinstance(keypoints := given[-1], KeypointBatch):
        visible = keypoints.visible.clone()
        visible[_SPOILT] = False
        made.append((*given[:-1], replace(keypoints, visible=visible)))
    return made


def _with_nan(part: Any) -> Any:
    if isinstance(part, KeypointBatch):
        return replace(part, uv=_spoil(part.uv))
    if isinstance(part, PoseBatch):
        return replace(part, xyz=_spoil(part.xyz), right_uv=None if part.right_uv is None else _spoil(part.right_uv))
    if isinstance(part, ImageBatch):
        return replace(part, rgb=_spoil(part.rgb))
    return part


def _spoil(values: torch.Tensor) -> torch.Tensor:
    spoilt = values.clone()
    spoilt[_SPOILT] = torch.nan
    return spoilt


def _renumbered(part: Any) -> Any:
    if isinstance(part, KeypointBatch):
        return replace(part, ids=part.ids + 1000, clip=part.clip + 100)
    if isinstance(part, PoseBatch | ImageBatch):
        return replace(part, ids=part.ids + 1000)
    keypoints = None if part.keypoints is None else _renumbered(part.keypoints)
    return replace(part, poses=_renumbered(part.poses), keypoints=keypoints)
