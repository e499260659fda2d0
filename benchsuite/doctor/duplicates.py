"""Samples that a dataset holds more than once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchsuite.datasets.dataset import Dataset
from benchsuite.doctor.findings import Finding, pieces, seen, some_of

SIDES = {"train": 1, "test": 2}


def check_duplicates(splits: Sequence[Dataset]) -> Iterator[Finding]:
    """Samples whose visible joints have the same pixels, in a clip, between clips and across the splits."""
    marks, clips, sides, first = [], [], [], 0
    names: list[str] = []
    for dataset in splits:
        of_clip = [clip.split or dataset.about.split for clip in dataset.clips]
        names += [
            f"{clip.name} ({split})" if split else clip.name for clip, split in zip(dataset.clips, of_clip, strict=True)
        ]
        side = np.array([SIDES.get(split, 0) for split in of_clip], dtype=np.uint8)
        for rows in pieces(dataset):
            uv, visible = seen(dataset, rows)
            some = visible.sum(axis=1) > 1
            clip = np.asarray(dataset.columns["clip"][rows])[some]
            marks.append(_marks(np.nan_to_num(uv[some]).astype(np.float32)))
            clips.append(clip + first)
            sides.append(side[clip])
        first += len(dataset.clips)
    mark, clip, side = (np.concatenate(some) if some else np.zeros(0, dtype=int) for some in (marks, clips, sides))
    order = np.lexsort((clip, mark))
    mark, clip, side = mark[order], clip[order], side[order]
    alike = mark[1:] == mark[:-1]
    within = alike & (clip[1:] == clip[:-1])
    across = alike & ~within & _mixed(mark, side)[1:]
    between = alike & ~within & ~across
    pairs = [f"{names[clip[k]]} and {names[clip[k + 1]]}" for k in np.flatnonzero(across if across.any() else between)]
    told = f": {some_of(list(dict.fromkeys(pairs)))}" if pairs else ""
    text = f"{within.sum()} in a clip, {between.sum()} between clips, {across.sum()} across splits{told}"
    yield Finding("duplicates", "wrong" if across.any() else "odd" if between.any() else "ok", text)


def _marks(uv: NDArray[np.float32]) -> NDArray[np.uint64]:
    """A number (n,) for each row; equal rows have equal ones, others hardly ever."""
    numbers = uv.reshape(len(uv), uv.shape[1] * uv.shape[2]) + np.float32(0)  # -0 is 0
    words = numbers.view(np.uint32).astype(np.uint64)
    words = words * np.uint64(0x9E3779B97F4A7C15)
    words ^= words >> np.uint64(29)
    factors = np.random.default_rng(0).integers(1, 1 << 63, words.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(
        1
    )
    made: NDArray[np.uint64] = (words * factors).sum(axis=1, dtype=np.uint64)
    return made


def _mixed(mark: NDArray[np.uint64], side: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which samples (n,) have a twin in the other split; ``mark`` is sorted."""
    _, group = np.unique(mark, return_inverse=True)
    sides = np.zeros(group.max(initial=-1) + 1, dtype=np.uint8)
    np.bitwise_or.at(sides, group, side)
    return np.asarray((sides == SIDES["train"] | SIDES["test"])[group])
