"""From a 2D dataset to a folder of 3D labels: streaming, and resumed where it was killed.

Source: Sec. 3.5.
Deviation: the paper keeps every label; here each has a score, and those below a threshold are left out.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray

from benchsuite.datasets.column_writer import JOURNAL, ColumnWriter, UnfinishedElsewhere
from benchsuite.datasets.columns import About, Clip, let_go
from benchsuite.datasets.dataset import Dataset, WrongDataset, describe_dataset, open_dataset
from benchsuite.documents import dump, plain, write_whole
from benchsuite.labels.intrinsics import check_hypothesis, described
from benchsuite.labels.labeller import Labeller, Labels, Recipe, layout
from benchsuite.labels.sheet import draw_labels
from benchsuite.labels.tally import tally
from benchsuite.pictures.drawing import NoMatplotlib
from benchsuite.running.provenance import portable

if TYPE_CHECKING:
    from benchsuite.running.cluster import Cluster

COMMIT_EVERY_S = 2.0
PICTURES = 64
"""So many are copied at a time."""


def label_dataset(
    source: Dataset,
    recipe: Recipe,
    out: Path,
    advance: Callable[[int], object] = lambda people: None,
    cluster: Cluster | None = None,
) -> Dataset:
    """Write the dataset ``out`` of 3D labels for everybody in ``source``; if it is there already, do nothing.

    Pictures come along: photographs stay where they are, pixels of the column ``rgb`` are copied, so that labels do not
    hang on their source. Beside the columns there are ``statistics.json`` and, if matplotlib is installed,
    ``labels.png``. An unfinished run of the same recipe goes on where it was and ends with the same bytes as an
    undisturbed one.

    Args:
        source: with 2D keypoints in any skeleton.
        recipe: how labels are made.
        out: the folder to write.
        advance: told how many people are done, each time some are.
        cluster: its workers label, in place of this process; the bytes are the same.

    Raises:
        LabellingStopped: a method failed; what was done stays.
        NoCluster: a worker cannot do it; what was done stays.
        UnfinishedElsewhere: the folder belongs to another command, or another process is at work in it.
        WrongDataset: the recipe needs what the source does not have, or the folder holds another dataset.
    """
    plan = plain({"source": _source(source), **recipe.document()})
    if (out / "dataset.json").is_file():
        return _finished(out, plan)
    if cluster:
        from benchsuite.labels.apart import labelled_by

        check_hypothesis(recipe.intrinsics, source)
        label: Callable[[Sequence[slice]], Generator[Labels, None, None]] = partial(
            labelled_by, cluster, source, recipe
        )
    else:
        label = Labeller(source, recipe).each
    whole_clips = any(component.entry.unit == "clip" for component in recipe.components)
    with ColumnWriter(out, layout(source), plan) as writer:
        done = writer.reached or 0
        advance(done)
        saved = monotonic()
        batches = [rows for rows in source.batches(recipe.settings.batch, whole_clips=whole_clips) if rows.stop > done]
        with closing(label(batches)) as labels:
            for rows, columns, verdict in labels:
                writer.append({**columns, "verdict": verdict})
                _copy_pictures(writer, source, columns["row"])
                let_go(source.columns.values())
                if monotonic() - saved >= COMMIT_EVERY_S:
                    writer.commit(rows.stop)
                    saved = monotonic()
                advance(rows.stop - rows.start)
        writer.commit(len(source))
        return _finish(writer, source, recipe, plan)


def _copy_pictures(writer: ColumnWriter, source: Dataset, rows: NDArray[np.int64]) -> None:
    """Append the pictures of ``rows`` that are a column of the source, some at a time: they are large."""
    for start in range(0, len(rows) if "rgb" in source.columns else 0, PICTURES):
        writer.append({"rgb": source.columns["rgb"][rows[start : start + PICTURES]]})


def _finish(writer: ColumnWriter, source: Dataset, recipe: Recipe, plan: dict[str, Any]) -> Dataset:
    """Statistics, picture and description; killed in the midst of it, it can be done again."""
    columns = writer.columns()
    statistics = tally(columns.pop("verdict"))
    about = _about(source, recipe, plan, statistics, writer.folder)
    clips = source.clips if recipe.intrinsics == "dataset" else tuple(map(_unplaced, source.clips))
    write_whole(writer.folder / "statistics.json", dump({**statistics, **plan}))
    _draw(writer.folder, Dataset(about, columns, clips, "", photographs=source.photographs))
    made = describe_dataset(writer.folder, about, columns, clips, source.photographs)
    writer.forget("verdict")
    return made


def _draw(folder: Path, labels: Dataset) -> None:
    picture = io.BytesIO()
    try:
        # Without matplotlib's version in the file, the same labels give the same bytes.
        draw_labels(labels).savefig(picture, dpi=110, facecolor="white", metadata={"Software": None})
    except (NoMatplotlib, WrongDataset):  # nothing to draw with, or nothing to draw
        return
    write_whole(folder / "labels.png", picture.getvalue())


def _about(source: Dataset, recipe: Recipe, plan: dict[str, Any], statistics: dict[str, Any], out: Path) -> About:
    told = source.about
    reasons = {name: count for name, count in statistics["reasons"].items() if count}
    return About(
        name=f"{told.name}-labels",
        split=told.split,
        skeleton=H36M_17.name,
        fps=told.fps,
        licence=told.licence,
        source=f"3D labels generated from the 2D keypoints of {told.name}: {told.source}",
        keypoints=told.keypoints,
        intrinsics=described(recipe.intrinsics, source),
        made_by=_command(source, recipe),
        notes=(
            *told.notes,
            "generated, not measured: see the column score; the camera is that of the person crop",
            f"of {statistics['people']} people: " + ", ".join(f"{count} {name}" for name, count in reasons.items()),
        ),
        provenance={**plan, "reasons": statistics["reasons"]},
        images=source.photographs_from(out),
    )


def _command(source: Dataset, recipe: Recipe) -> str:
    words = [f"--lifter {recipe.lifter}", f"--refiner {recipe.refiner}"]
    words += [f"--agree {component}" for component in recipe.agree] or ["--agree none"]
    words += [f"--intrinsics {recipe.intrinsics}", f"--threshold {recipe.threshold}"]
    words += ["--keep-all"] if recipe.keep_all else []
    words += [f"--seed {recipe.settings.seed}", f"--batch {recipe.settings.batch}"]
    return f"benchsuite label --data {source.about.name} {portable(' '.join(words))}"


def _source(source: Dataset) -> dict[str, Any]:
    about = source.about
    return {"name": about.name, "split": about.split, "fingerprint": source.fingerprint, "people": len(source)}


def _unplaced(clip: Clip) -> Clip:
    """A clip whose camera is no longer the one that stood there."""
    return replace(clip, rotation=None, position=None)


def _finished(out: Path, plan: dict[str, Any]) -> Dataset:
    there = open_dataset(out, verify=False)
    if {key: there.about.provenance.get(key) for key in plan} != plan:
        raise UnfinishedElsewhere(
            f"{out} holds a dataset already, made by {there.about.made_by or 'another command'!r}; "
            "delete the folder or write elsewhere"
        )
    for left in (out / "verdict.npy", out / JOURNAL):  # killed at the very end
        left.unlink(missing_ok=True)
    return there
