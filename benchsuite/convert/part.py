"""Part of a dataset as a dataset of its own: some rows, or without some columns, such as 3D that is to be hidden."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchsuite.convert.outcome import Outcome
from benchsuite.datasets.columns import OPTIONAL, WrongDataset, used_clips
from benchsuite.datasets.dataset import open_dataset, write_dataset

WHOLE = ":"


def convert(
    source: Path, out: Path, seed: int, *, rows: str = WHOLE, without: Sequence[str] = (), split: str = ""
) -> Outcome:
    """Write ``out``, rows of a dataset folder in their order; photographs stay where they are.

    Args:
        source: a dataset folder; of one that holds splits, name the split's folder.
        out: folder to write.
        seed: nothing is drawn.
        rows: ``A:B``, from A on and before B, counted from 0, as Python slices.
        without: columns to leave out.
        split: what the part is called from now on, ``train`` or ``test``; empty: as it was.
    """
    try:
        picked = _slice(rows)
        held = open_dataset(source)
        if needed := [name for name in without if name not in OPTIONAL]:
            raise WrongDataset(f"--without {needed[0]}: wanted one of {', '.join(sorted(OPTIONAL))}")
        if missing := [name for name in without if name not in held.columns]:
            raise WrongDataset(f"--without {missing[0]}: {source} has no such column")
        if out.resolve() == source.resolve():
            raise WrongDataset(f"{out}: wanted another folder than the source's")
        columns = {name: column[picked] for name, column in held.columns.items() if name not in without}
        if not len(columns["uv"]):
            raise WrongDataset(f"{source}: rows {rows} of {len(held)} are none")
        columns["clip"], clips = used_clips(columns["clip"], held.clips)
        words = f"--rows {rows}" if rows != WHOLE else ""
        words += "".join(f" --without {name}" for name in without) + (f" --split {split}" if split else "")
        about = replace(
            held.about,
            split=split or held.about.split,
            images=held.photographs_from(out) if "image" in columns else "",
            made_by=f"benchsuite convert part {source.name} -o {out.name} {words.strip()}",
            notes=(*held.about.notes, f"part of a dataset of {len(held)} samples: {words.strip() or 'all'}"),
        )
        clips = tuple(replace(clip, split=split or clip.split) for clip in clips)
        write_dataset(out, about, columns, clips, held.photographs if "image" in columns else ())
    except WrongDataset as error:
        return Outcome(problems=[str(error)])
    return Outcome([f"{len(columns['uv'])} of {len(held)} samples: {', '.join(columns)}"])


def _slice(text: str) -> slice:
    try:
        start, stop = (int(end) if end else None for end in text.split(":"))
    except ValueError:
        raise WrongDataset(f"--rows: wanted A:B, such as 0:300, :300 or 300:, found {text!r}") from None
    return slice(start, stop)
