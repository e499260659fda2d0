"""Checks of cameras: xyz projected against uv, and the world that R and T lead back to."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchsuite.datasets.columns import Clip
from benchsuite.datasets.dataset import Dataset
from benchsuite.doctor.findings import HEADS, Finding, Floats, joint, pieces, some_of, verdict

REPROJECTION_PX = {"projected": (1.0, 5.0)}
ANNOTATED_PX = (15.0, 50.0)
"""Median error of a sample that is odd, and that is wrong; people and detectors place joints otherwise than markers."""

DRIFT = 5.0
"""Times the usual error: a clip with more is named."""

EXPLAINED = 0.2
"""Of the error that may be left for an explanation to be believed."""

FLOOR_MM = (-300.0, 400.0)
APART_MM = (5.0, 50.0)


def check_reprojection(dataset: Dataset) -> Iterator[Finding]:
    """Error px of xyz projected by focal and center against uv, by camera and clip, and what would explain it."""
    error = np.full(len(dataset), np.nan)
    for rows in pieces(dataset):
        error[rows] = _error_px(dataset, rows, dataset.columns["xyz"][rows].astype(np.float64))
    known = np.isfinite(error)
    if not known.any():
        return
    clip = np.asarray(dataset.columns["clip"])
    camera = np.array([one.camera for one in dataset.clips])[clip]
    odd, wrong = REPROJECTION_PX.get(dataset.about.keypoints, ANNOTATED_PX)
    figures = {}
    for name in sorted(set(camera.tolist())):
        which = known & (camera == name)
        if not which.any():
            continue
        figures[name] = {f"p{p}": round(float(np.percentile(error[which], p)), 4) for p in (50, 95, 99)}
        middle = figures[name]["p50"]
        if middle > odd:
            where = f"camera {name}: " if name else ""
            cause = _explain(dataset, np.flatnonzero(which), middle)
            bad = verdict(middle, odd, wrong)
            yield Finding("camera", bad, f"{where}{middle:.3g} px off (median): {cause}")
    percentiles = {p: float(np.percentile(error[known], p)) for p in (50, 95, 99)}
    text = ", ".join(f"p{p} {value:.3g}" for p, value in percentiles.items())
    bad = verdict(percentiles[50], odd, wrong)
    yield Finding("reprojection", bad, f"xyz projected is off uv by px: {text}", "", {"camera": figures})
    yield from _drifting(dataset, error, max(odd, DRIFT * percentiles[50]))


def _drifting(dataset: Dataset, error: Floats, limit: float) -> Iterator[Finding]:
    """Clips of which a tenth or more of the frames are further off than ``limit`` px."""
    clip = np.asarray(dataset.columns["clip"])
    counts = np.bincount(clip, minlength=len(dataset.clips))
    with np.errstate(invalid="ignore"):
        far = np.bincount(clip, error > limit, len(dataset.clips))
    bad = np.flatnonzero((counts > 0) & (far > 0.1 * counts))
    if 0 < len(bad) < 0.5 * (counts > 0).sum():
        names = [f"{dataset.clips[k].name} ({far[k] / counts[k]:.0%} of its frames)" for k in bad]
        yield Finding("drift", "odd", f"{len(bad)} clips have frames over {limit:.3g} px off: {some_of(names)}")


def _error_px(dataset: Dataset, rows: slice | NDArray[np.integer], xyz: Floats) -> Floats:
    """Mean error (n,) px of visible joints; NaN where there are none."""
    columns = dataset.columns
    with np.errstate(invalid="ignore", divide="ignore"):
        uv = xyz[..., :2] / xyz[..., 2:] * columns["focal"][rows][:, None] + columns["center"][rows][:, None]
        off = np.linalg.norm(uv - columns["uv"][rows], axis=2)
    known = np.asarray(columns["visible"][rows]) & np.isfinite(off)
    made: Floats = np.where(known, off, 0.0).sum(axis=1) / np.where(known.any(axis=1), known.sum(axis=1), np.nan)
    return made


def _explain(dataset: Dataset, rows: NDArray[np.integer], error_px: float) -> str:
    """What would bring the samples' error down."""
    rows = rows[:: max(1, len(rows) // 2000)]
    xyz = dataset.columns["xyz"][rows].astype(np.float64)
    left_px = {
        what: float(np.nanmedian(_error_px(dataset, rows, moved))) for what, moved in _turned(dataset, rows, xyz)
    }
    best = min(left_px, key=left_px.__getitem__, default="")
    if best and left_px[best] < EXPLAINED * error_px:
        return best
    visible = np.asarray(dataset.columns["visible"][rows]) & np.isfinite(xyz).all(axis=2)
    uv = dataset.columns["uv"][rows].astype(np.float64)
    slopes, starts, left = [], [], []
    for axis in (0, 1):
        ray = xyz[..., axis][visible] / xyz[..., 2][visible]
        line = np.stack((ray, np.ones_like(ray)), axis=1)
        (slope, start), *_ = np.linalg.lstsq(line, uv[..., axis][visible], rcond=None)
        slopes.append(float(slope))
        starts.append(float(start))
        left.append(float(np.median(np.abs(slope * ray + start - uv[..., axis][visible]))))
    if float(np.hypot(left[0], left[1])) > EXPLAINED * error_px:
        return "no intrinsics explain it; R or T is wrong, or uv is of other frames"
    flipped = [f"{name} of xyz is flipped" for name, slope in zip("xy", slopes, strict=True) if slope < 0]
    focal, center = (", ".join(f"{value:.1f}" for value in pair) for pair in (slopes, starts))
    here = [", ".join(f"{v:.1f}" for v in np.median(dataset.columns[n][rows], axis=0)) for n in ("focal", "center")]
    told = f"intrinsics that fit: focal {focal} (is {here[0]}), center {center} (is {here[1]})"
    return "; ".join((*flipped, told))


def _turned(dataset: Dataset, rows: NDArray[np.integer], xyz: Floats) -> Iterator[tuple[str, Floats]]:
    """What xyz (n, J, 3) would be if R or T had been used the wrong way, of clips whose place is known."""
    places = [_place(clip) for clip in dataset.clips]
    clip = np.asarray(dataset.columns["clip"][rows])
    if any(places[k] is None for k in np.unique(clip)):
        return
    known = [place if place is not None else (np.eye(3), np.zeros(3)) for place in places]
    turn, at = np.stack([r for r, _ in known])[clip], np.stack([p for _, p in known])[clip][:, None]
    back = turn.transpose(0, 2, 1)
    yield "xyz is in the world, not in the camera's frame", (xyz - at) @ back
    yield "xyz was turned by R's inverse (camera to world taken for world to camera)", xyz @ back @ back
    yield "T was taken for a shift in the camera's frame (R X - T, not R (X - T))", xyz + at - at @ back
    yield "T was added (R X + T, not R (X - T))", xyz - at - at @ back


def _place(clip: Clip) -> tuple[Floats, Floats] | None:
    if clip.rotation is None or clip.position is None:
        return None
    return np.array(clip.rotation).reshape(3, 3), np.array(clip.position)


def check_world(dataset: Dataset) -> Iterator[Finding]:
    """Where R and T are known: people upright on the floor of the world, and cameras of one take that agree."""
    placed = [k for k, clip in enumerate(dataset.clips) if _place(clip) is not None]
    if not placed:
        return
    edges = np.searchsorted(dataset.columns["clip"], np.arange(len(dataset.clips) + 1))
    upright, floor = [], []
    for k in placed[:: max(1, len(placed) // 200)]:
        rows = np.arange(edges[k], edges[k + 1])
        rows = rows[:: max(1, len(rows) // 50)]
        world = _world(dataset, k, rows)
        head, ankle = (joint(dataset, world, *names)[:, 2] for names in (HEADS, ("ankle",)))
        known = np.isfinite(head - ankle)
        if known.any():
            upright.append(head[known] > ankle[known])
            floor.append(float(np.percentile(ankle[known], 5)))
    if upright:
        share, level = float(np.concatenate(upright).mean()), float(np.median(floor))
        text = f"{share:.1%} stand upright, ankles from {level:.0f} mm on"
        bad = verdict(share, 0.8, 0.5)
        if bad == "ok" and not FLOOR_MM[0] <= level <= FLOOR_MM[1]:
            bad = "odd"
        yield Finding("world", bad, text + ("; R is wrong, or turned the wrong way" if bad == "wrong" else ""))
    yield from _agreement(dataset, placed, edges)


def _world(dataset: Dataset, k: int, rows: NDArray[np.integer]) -> Floats:
    place = _place(dataset.clips[k])
    assert place is not None
    made: Floats = dataset.columns["xyz"][rows].astype(np.float64) @ place[0] + place[1]
    return made


def _agreement(dataset: Dataset, placed: list[int], edges: NDArray[np.integer]) -> Iterator[Finding]:
    takes: dict[str, list[int]] = {}
    for k in placed:
        if dataset.clips[k].take:
            takes.setdefault(dataset.clips[k].take, []).append(k)
    apart: dict[str, float] = {}
    for first, *others in list(takes.values())[:: max(1, len(takes) // 100)]:
        frames = dataset.columns["frame"][edges[first] : edges[first + 1]]
        for k in others:
            both = np.intersect1d(frames, dataset.columns["frame"][edges[k] : edges[k + 1]], return_indices=True)[1:]
            here, there = (some[:: max(1, len(some) // 50)] for some in both)
            gap = _world(dataset, first, here + edges[first]) - _world(dataset, k, there + edges[k])
            if np.isfinite(off := np.linalg.norm(gap, axis=2)).any():
                apart[f"{dataset.clips[first].name} and {dataset.clips[k].name}"] = float(np.nanmedian(off))
    if apart:
        pairs = sorted(apart, key=apart.__getitem__, reverse=True)
        most = apart[pairs[0]]
        named = f", most {most:.3g} mm: {pairs[0]}" if most > APART_MM[0] else ""
        text = f"cameras of one take place a joint {np.median(list(apart.values())):.3g} mm apart (median){named}"
        yield Finding("takes", verdict(most, *APART_MM), text)
