"""What datasets should hold by what their publishers say, and what they do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np

from benchsuite.datasets.dataset import Dataset
from benchsuite.doctor.findings import Finding, some_of

PENN_ACTION_CLIPS = {
    "baseball_pitch": 167,
    "baseball_swing": 173,
    "bench_press": 140,
    "bowling": 220,
    "clean_and_jerk": 88,
    "golf_swing": 166,
    "jump_rope": 82,
    "jumping_jacks": 112,
    "pull_ups": 199,
    "push_ups": 211,
    "sit_ups": 100,
    "squats": 231,
    "strumming_guitar": 94,
    "tennis_forehand": 157,
    "tennis_serve": 186,
}
PENN_ACTION_SPLITS = {"train": 1258, "test": 1068}
PEOPLE = {"lsp": 2000, "lspet": 10000}
H36M_SAMPLES = {"train": 1_559_752, "test": 550_644}
"""At 50 Hz, four cameras; archives differ by up to 1.5 %: some leave a take of S11 out."""
H36M_FPS, H36M_TOLERANCE = 50.0, 0.015

LABELS = ("subject", "action", "camera", "split")


def count(splits: Sequence[Dataset]) -> Iterator[Finding]:
    """Samples and clips by subject, action, camera and split; against published ones where there are any."""
    figures: dict[str, dict[str, int]] = {label: {} for label in LABELS}
    for dataset in splits:
        lengths = np.bincount(dataset.columns["clip"], minlength=len(dataset.clips)).tolist()
        for clip, length in zip(dataset.clips, lengths, strict=True):
            for label in LABELS:
                name = getattr(clip, label) or (dataset.about.split if label == "split" else "")
                if name:
                    figures[label][name] = figures[label].get(name, 0) + length
    samples, clips = sum(map(len, splits)), sum(len(dataset.clips) for dataset in splits)
    kinds = [_so_many(len(names), label) for label, names in figures.items() if names]
    text = f"{_so_many(samples, 'sample')} in {_so_many(clips, 'clip')}; {', '.join(kinds) or 'no labels'}"
    yield Finding("counts", "ok" if samples else "wrong", text, "", figures)
    for dataset in splits:
        lengths = np.bincount(dataset.columns["clip"], minlength=len(dataset.clips))
        if empty := [dataset.clips[k].name for k in np.flatnonzero(lengths == 0)]:
            yield Finding("empty clips", "odd", f"{len(empty)} clips without a sample: {some_of(empty)}")
    name = splits[0].about.name
    if name in PUBLISHED:
        differing = list(PUBLISHED[name](splits))
        text = "; ".join(differing) if differing else f"as published for {name}"
        yield Finding("published", "odd" if differing else "ok", text)


def _so_many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _differ(what: str, found: Mapping[str, int], wanted: Mapping[str, int]) -> Iterator[str]:
    for name in sorted({*found, *wanted}):
        if found.get(name, 0) != wanted.get(name, 0):
            yield f"{name}: {found.get(name, 0)} {what}, published {wanted.get(name, 0)}"


def _penn_action(splits: Sequence[Dataset]) -> Iterator[str]:
    clips = [clip for dataset in splits for clip in dataset.clips]
    yield from _differ("clips", Counter(clip.split for clip in clips), PENN_ACTION_SPLITS)
    yield from _differ("clips", Counter(clip.action for clip in clips), PENN_ACTION_CLIPS)


def _people(splits: Sequence[Dataset]) -> Iterator[str]:
    name = splits[0].about.name
    yield from _differ("people", {name: sum(map(len, splits))}, {name: PEOPLE[name]})


def _mpi_inf_3dhp(splits: Sequence[Dataset]) -> Iterator[str]:
    from benchsuite.convert.mpi_inf_3dhp import VALID_FRAMES

    found: Counter[str] = Counter()
    for dataset in splits:
        clip = np.bincount(dataset.columns["clip"], minlength=len(dataset.clips)).tolist()
        for one, length in zip(dataset.clips, clip, strict=True):
            found[one.subject] += length
    yield from _differ("valid frames", found, VALID_FRAMES)


def _h36m(splits: Sequence[Dataset]) -> Iterator[str]:
    from benchsuite.convert.h36m_cameras import CAMERAS
    from benchsuite.convert.h36m_takes import ALL_TAKES, SPLITS, UNFILMED, UNFILMED_CAMERA

    for dataset in splits:
        split = dataset.about.split
        takes = [take for take in ALL_TAKES if take.subject in SPLITS.get(split, ())]
        found = {(clip.take, clip.camera) for clip in dataset.clips}
        seen = {take for take, _ in found}
        if missing := [str(take) for take in takes if str(take) not in seen]:
            yield f"{split}: {len(missing)} of {len(takes)} takes are missing: {some_of(missing)}"
        unseen = [
            f"{take} by {camera}"
            for take in takes
            for camera in CAMERAS
            if str(take) in seen and (str(take), camera) not in found
            if (take, camera) != (UNFILMED, UNFILMED_CAMERA)  # no video, so there may be no 2D
        ]
        if unseen:
            yield f"{split}: missing: {some_of(unseen)}"
        if foreign := sorted({clip.subject for clip in dataset.clips} - set(SPLITS.get(split, ()))):
            yield f"{split}: {', '.join(foreign)} should not be there"
        expected = H36M_SAMPLES.get(split, 0) * dataset.about.fps / H36M_FPS
        if not missing and not unseen and abs(len(dataset) - expected) > H36M_TOLERANCE * expected:
            yield f"{split}: {len(dataset)} samples at {dataset.about.fps:g} Hz, published {expected:.0f}"


PUBLISHED: Mapping[str, Callable[[Sequence[Dataset]], Iterator[str]]] = {
    "h36m": _h36m,
    "mpi-inf-3dhp": _mpi_inf_3dhp,
    "penn-action": _penn_action,
    "lsp": _people,
    "lspet": _people,
}
"""By the dataset's name: a line for each difference."""
