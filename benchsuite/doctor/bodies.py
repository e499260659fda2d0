"""Checks of bodies in 3D: which way their joints bend, and whether their bones keep their lengths."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from benchsuite_registry.skeletons import H36M_17

from benchsuite.datasets.dataset import Dataset
from benchsuite.doctor.findings import Finding, Floats, pieces, some_of, verdict

BENT_RAD = np.radians(20.0)
STRETCH_ODD, STRETCH_WRONG = 0.05, 0.25
"""Standard deviation of a bone's length to its mean."""


def check_bends(dataset: Dataset) -> Iterator[Finding]:
    """The mirror test: swapped sides and a flipped depth make knees and elbows bend backwards."""
    from benchsuite.labels.anatomy import backwards

    bent, back = 0, 0
    for rows in pieces(dataset):
        xyz = dataset.poses(rows).in_skeleton(H36M_17).xyz.numpy().astype(np.float64)
        for angle in backwards(xyz).values():
            bent += int((np.abs(angle) > BENT_RAD).sum())
            back += int((angle > BENT_RAD).sum())
    if bent:
        share = back / bent
        hint = "; poses are mirrored: sides are swapped, or depth is flipped" if share > 0.5 else ""
        text = f"{share:.1%} of the bent knees and elbows bend backwards{hint}"
        yield Finding("bends", verdict(share, 0.1, 0.5), text)


def check_bones(dataset: Dataset) -> Iterator[Finding]:
    """Whether a person's bones keep their lengths, in a clip and from clip to clip, and left is like right."""
    parents, children = np.array(dataset.skeleton.bones).T
    count, total, square = (np.zeros((len(dataset.clips), len(parents))) for _ in range(3))
    for rows in pieces(dataset):
        xyz = dataset.columns["xyz"][rows].astype(np.float64)
        length = np.linalg.norm(xyz[:, children] - xyz[:, parents], axis=2)
        clip, known = np.asarray(dataset.columns["clip"][rows]), np.isfinite(length)
        length = np.where(known, length, 0.0)
        for sums, values in ((count, known), (total, length), (square, length**2)):
            np.add.at(sums, clip, values)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        stretch = np.sqrt(np.maximum(square / count - mean**2, 0)) / mean
    bones = [dataset.skeleton.joints[child] for child in children]
    if dataset.about.fps or not dataset.about.provenance:
        yield _stretching(dataset, stretch, bones)
    yield from _unlike(dataset, mean, bones)


def _stretching(dataset: Dataset, stretch: Floats, bones: list[str]) -> Finding:
    known = np.isfinite(stretch).any(axis=1)
    if not known.any():
        return Finding("bone lengths", "odd", "nothing to measure: no bone has both of its ends")
    stretch = np.nan_to_num(stretch)
    worst, bone = stretch.max(axis=1), stretch.argmax(axis=1)
    named: dict[str, str] = {}
    for k in np.argsort(-worst, kind="stable"):
        if worst[k] > STRETCH_ODD:
            take = dataset.clips[k].take or dataset.clips[k].name
            named.setdefault(take, f"{take} ({bones[bone[k]]}, {worst[k]:.0%})")
    text = f"the worst bone of a clip changes by {np.median(worst[known]):.2%} (median), at most {worst.max():.1%}"
    if named:
        text += f": {some_of(list(named.values()))}"
    return Finding("bone lengths", verdict(float(worst.max()), STRETCH_ODD, STRETCH_WRONG), text)


def _unlike(dataset: Dataset, mean: Floats, bones: list[str]) -> Iterator[Finding]:
    """Subjects who are not the same person everywhere, or whose left is not like their right."""
    subjects = np.array([clip.subject for clip in dataset.clips])
    strange, uneven = [], []
    for subject in sorted(set(subjects.tolist()) - {""}):
        own = mean[subjects == subject]
        own = own[np.isfinite(own).all(axis=1)]
        if not len(own):
            continue
        spread = (own.max(axis=0) - own.min(axis=0)) / own.mean(axis=0)
        if spread.max() > 2 * STRETCH_ODD:
            strange.append(f"{subject} ({bones[int(spread.argmax())]}, {spread.max():.0%})")
        average = dict(zip(bones, own.mean(axis=0).tolist(), strict=True))
        pairs = [name[2:] for name in bones if name.startswith("l_") and f"r_{name[2:]}" in bones]
        for name in pairs:
            left, right = average[f"l_{name}"], average[f"r_{name}"]
            if abs(left - right) > 2 * STRETCH_ODD * max(left, right):
                uneven.append(f"{subject} ({name}, {left:.0f} and {right:.0f} mm)")
    if strange:
        text = f"{len(strange)} subjects are of different build in different clips: {some_of(strange)}"
        yield Finding("subjects", "odd", text)
    if uneven:
        yield Finding("symmetry", "odd", f"left is not like right: {some_of(uneven)}")
