"""Checks of what lies in the image: values, joints, sides, sizes, clips."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from benchsuite.datasets.dataset import Dataset
from benchsuite.doctor.findings import HEADS, Finding, Floats, Verdict, joint, pieces, seen, some_of, verdict
from benchsuite.images.crops import is_beside

WINDOW = 25
"""Frames that the action classifier of Penn Action's protocol looks at."""

FEWEST = 20
"""Samples that a share must stand on before it means anything."""

SMALLEST_PERSON_PX = 5.0
STILL = 0.1
"""Of a person's extent: how far joints move from frame to frame in a video; in unrelated pictures, much more."""


def check_values(dataset: Dataset) -> Iterator[Finding]:
    """NaN, infinity, and cameras that cannot be."""
    found: dict[str, int] = {}
    for rows in pieces(dataset):
        uv, visible = seen(dataset, rows)
        focal, center = (np.asarray(dataset.columns[name][rows]) for name in ("focal", "center"))
        here = {
            "with a visible joint whose uv is no number": (~np.isfinite(uv).all(axis=2) & visible).any(axis=1),
            "whose focal is not a positive number": ~(np.isfinite(focal) & (focal > 0)).all(axis=1),
            "whose center is no number": ~np.isfinite(center).all(axis=1),
        }
        if "xyz" in dataset.columns:
            xyz = np.asarray(dataset.columns["xyz"][rows])
            here["with an infinite xyz"] = np.isinf(xyz).any(axis=(1, 2))
            here["with a joint behind the camera"] = (xyz[..., 2] <= 0).any(axis=1)
            here["with a visible joint that has no xyz"] = (np.isnan(xyz).any(axis=2) & visible).any(axis=1)
        for what, which in here.items():
            found[what] = found.get(what, 0) + int(which.sum())
    wrong = [f"{count} samples {what}" for what, count in found.items() if count]
    yield Finding("values", "wrong" if wrong else "ok", "; ".join(wrong) or "all are numbers; cameras look forward")


def check_joints(dataset: Dataset) -> Iterator[Finding]:
    """How often each joint is visible, and people of whom nothing is."""
    count, nobody = np.zeros(len(dataset.skeleton)), 0
    for rows in pieces(dataset):
        visible = np.asarray(dataset.columns["visible"][rows])
        count += visible.sum(axis=0)
        nobody += int((~visible.any(axis=1)).sum())
    shares = dict(zip(dataset.skeleton.joints, (count / max(1, len(dataset))).round(4).tolist(), strict=True))
    never = [name for name, share in shares.items() if share == 0]
    least = min(shares, key=shares.__getitem__)
    text = f"visible: {np.mean(list(shares.values())):.1%}; least often {least}, {shares[least]:.1%}"
    if never:
        text += f"; never: {some_of(never)}"
    if nobody:
        text += f"; {nobody} samples without any"
    yield Finding("joints", verdict(shares[least], 0.5, -1.0), text, "", {"visible": shares})


def check_unit(dataset: Dataset) -> Iterator[Finding]:
    """Whether uv is in px: people of a few pixels are normalised ones."""
    spans = []
    for rows in pieces(dataset):
        uv, visible = seen(dataset, rows)
        some = uv[visible.sum(axis=1) > 1]
        if len(some):
            spans.append(_extent(some))
    if spans:
        middle = float(np.median(np.concatenate(spans)))
        hint = "; is uv normalised?" if middle < SMALLEST_PERSON_PX else ""
        small = verdict(middle, 2 * SMALLEST_PERSON_PX, SMALLEST_PERSON_PX)
        yield Finding("pixels", small, f"people are {middle:.4g} px large (median){hint}")


def _extent(uv: Floats) -> Floats:
    """The longer side (n,) px of each person's joints."""
    made: Floats = (np.nanmax(uv, axis=1) - np.nanmin(uv, axis=1)).max(axis=1)
    return made


def check_upright(dataset: Dataset) -> Iterator[Finding]:
    """Whether heads are above ankles: y goes down."""
    below: list[NDArray[np.bool_]] = []
    for rows in pieces(dataset):
        uv, _ = seen(dataset, rows)
        gap = joint(dataset, uv, *HEADS)[:, 1] - joint(dataset, uv, "ankle", "knee", "hip")[:, 1]
        below.append(gap[np.isfinite(gap)] > 0)
    some = np.concatenate(below) if below else np.zeros(0, dtype=bool)
    if len(some) >= FEWEST:
        share = float(some.mean())
        bad = verdict(share, 0.2, 0.5)
        hint = "; y seems to point up" if bad == "wrong" else ""
        yield Finding("upright", bad, f"{share:.1%} have the head below the ankles{hint}")


def check_sides(dataset: Dataset) -> Iterator[Finding]:
    """Whether left joints are on the right side in front views; sets with 3D have a better test of their own."""
    if "xyz" in dataset.columns:
        return
    faces: dict[str, list[NDArray[np.bool_]]] = {"face": [], "front": [], "back": [], "any": []}
    view = np.array([clip.camera for clip in dataset.clips])[dataset.columns["clip"]]
    for rows in pieces(dataset):
        uv, _ = seen(dataset, rows)
        right = joint(dataset, uv, "l_shoulder")[:, 0] > joint(dataset, uv, "r_shoulder")[:, 0]
        both = np.isfinite(joint(dataset, uv, "shoulder")[:, 0])
        upright = joint(dataset, uv, *HEADS)[:, 1] < joint(dataset, uv, "hip", "shoulder")[:, 1]
        face = np.isfinite(joint(dataset, uv, "nose")[:, 0]) & np.isfinite(joint(dataset, uv, "eye")[:, 0])
        chosen = {"face": face, "front": view[rows] == "front", "back": view[rows] == "back", "any": both}
        for name, which in chosen.items():
            some = right[which & both & upright]
            faces[name].append(~some if name == "back" else some)
    front, back, face, everybody = (np.concatenate(faces[name]) for name in ("front", "back", "face", "any"))
    if len(face) >= FEWEST:
        known, what = face, "of people whose face is seen"
    elif len(front) + len(back) >= FEWEST:
        known, what = np.concatenate((front, back)), "of people in front views, and turned round in back views,"
    elif len(everybody) >= FEWEST:
        known, what = everybody, "of all people (most face a camera)"
    else:
        return
    share = float(known.mean())
    bad = verdict(share, 0.4, 0.35)
    hint = "; left and right seem to be swapped" if bad != "ok" else ""
    text = f"{share:.1%} {what} have the left shoulder on the image's right{hint}"
    yield Finding("sides", bad, text)


def check_outside(dataset: Dataset) -> Iterator[Finding]:
    """Joints out of the image, boxes of no area, and boxes that share nothing with the image."""
    outside, joints, flat, beside = 0, 0, 0, 0
    where = np.zeros(len(dataset.clips), dtype=np.int64)
    for rows in pieces(dataset):
        uv, visible = seen(dataset, rows)
        if "size" in dataset.columns:
            with np.errstate(invalid="ignore"):
                out = ((uv < -1) | (uv > dataset.columns["size"][rows][:, None] + 1)).any(axis=2) & visible
            outside, joints = outside + int(out.sum()), joints + int(visible.sum())
            where += np.bincount(dataset.columns["clip"][rows], out.sum(axis=1), len(where)).astype(np.int64)
        if "box" in dataset.columns:
            box = np.asarray(dataset.columns["box"][rows])
            flat += int((~(box[:, 2:] > box[:, :2]).all(axis=1)).sum())
            if "size" in dataset.columns:
                beside += int(is_beside(box, *dataset.columns["size"][rows].T).sum())
    if "size" in dataset.columns:
        share = outside / max(1, joints)
        clips = [dataset.clips[k].name for k in np.argsort(-where, kind="stable") if where[k]]
        most = f", most in {some_of(clips)}" if clips and len(dataset.clips) > 1 else ""
        bad: Verdict = "wrong" if share > 0.2 else "odd" if share > 0.001 else "ok"
        yield Finding("in the image", bad, f"{share:.2%} of the visible joints are outside of it{most}")
    if "box" in dataset.columns:
        text = f"{flat} of {len(dataset)} have no area"
        if beside:
            text += f"; {beside} lie outside of the image"
        yield Finding("boxes", "wrong" if beside else "odd" if flat else "ok", text)


def check_clips(dataset: Dataset) -> Iterator[Finding]:
    """Clips too short to tell an action by; sets of single pictures have none."""
    if not _is_video(dataset):
        return
    lengths = np.bincount(dataset.columns["clip"], minlength=len(dataset.clips))
    short = [dataset.clips[k].name for k in np.flatnonzero((lengths > 0) & (lengths < WINDOW))]
    text = f"{lengths.min()} to {lengths.max()} frames"
    if short:
        text += f"; {len(short)} have fewer than {WINDOW}: {some_of(short)}"
    yield Finding("clips", "odd" if short else "ok", text)


def _is_video(dataset: Dataset) -> bool:
    """Whether joints move little from one row of a clip to the next, looked at in up to ``ROWS`` rows."""
    moved = []
    for rows in list(pieces(dataset))[:: max(1, len(dataset) // 100_000)]:
        uv, visible = seen(dataset, rows)
        same = np.diff(dataset.columns["clip"][rows]) == 0
        some = same & (visible[1:] & visible[:-1]).any(axis=1) & (visible[1:].sum(axis=1) > 1)
        if some.any():
            steps = np.nanmedian(np.linalg.norm(np.diff(uv, axis=0)[some], axis=2), axis=1)
            moved.append(steps / np.maximum(_extent(uv[1:][some]), 1e-9))
    return bool(moved) and float(np.median(np.concatenate(moved))) < STILL
