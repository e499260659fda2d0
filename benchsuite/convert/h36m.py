"""Human3.6M as the dataset folders ``train`` and ``test``, in the frame of each of its four cameras."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray
from tqdm import tqdm

from benchsuite.convert.archives import WrongSource
from benchsuite.convert.h36m_calibration import CALIBRATIONS, check_calibration
from benchsuite.convert.h36m_cameras import PUBLISHED, H36MCamera
from benchsuite.convert.h36m_choices import FPS, Choices
from benchsuite.convert.h36m_keypoints import Keypoints, NoKeypoints, find_keypoints
from benchsuite.convert.h36m_sources import Source, find_source
from benchsuite.convert.h36m_takes import ALL_TAKES, SPLITS, UNFILMED, UNFILMED_CAMERA, Take
from benchsuite.convert.outcome import Outcome
from benchsuite.datasets.column_writer import ColumnWriter
from benchsuite.datasets.columns import layout_of
from benchsuite.datasets.dataset import About, Clip, describe_dataset
from benchsuite.datasets.folders import clip_of, moved

LICENCE = "Human3.6M's licence: academic use, no redistribution"
COLUMNS = ("uv", "visible", "xyz", "focal", "center", "size", "clip", "frame")

Array = NDArray[np.float64]
Columns = dict[str, NDArray[Any]]


def convert(source: Path, out: Path, seed: int, **choices: Any) -> Outcome:
    """Write ``out/train`` (S1, S5, S6, S7, S8) and ``out/test`` (S9, S11) from an archive of Human3.6M.

    The three kinds of archives give the same columns. The cameras are the published ones; those that an archive brings
    along are compared with them. A conversion that was cut off goes on where it was.

    Args:
        source: VideoPose3D's ``data_3d_h36m.npz`` or its folder, Martinez et al.'s ``h36m`` folder, or the folder of
            Human3.6M's own CDF files.
        out: folder to write.
        seed: nothing is drawn.
        choices: those of ``Choices``.

    Raises:
        FileNotFoundError: ``source`` is none of these, or has no keypoints of the name asked for.
        MissingLibrary: its files take a library that is not installed.
    """
    chosen = Choices(**choices)
    try:
        archive = find_source(source)
        detected = None if chosen.keypoints == "projected" else find_keypoints(archive, chosen.keypoints)
    except WrongSource as error:
        return Outcome(problems=[str(error)])
    outcome = Outcome([f"source: {archive.kind}", *archive.notes])
    for calibration in (archive.folder / name for name in CALIBRATIONS):
        if calibration.is_file():
            try:
                agreed, differing = check_calibration(calibration)
            except WrongSource as error:
                agreed, differing = [], [str(error)]
            outcome.notes.extend(agreed)
            outcome.problems.extend(differing)
    made_by = f"benchsuite convert h36m {source.name} -o {out.name} {chosen.words}"
    for split in SPLITS:
        notes = _write(split, archive, detected, chosen, out, made_by, outcome.problems)
        outcome.notes.extend(f"{split}: {note}" for note in notes)
    return outcome


def _write(
    split: str,
    archive: Source,
    detected: Keypoints | None,
    chosen: Choices,
    out: Path,
    made_by: str,
    problems: list[str],
) -> list[str]:
    """Write one split; returns notes and adds to ``problems``."""
    takes = [take for take in ALL_TAKES if take.subject in SPLITS[split] and take in archive.takes]
    if not (takes := [take for take in takes if take not in chosen.left_out]):
        return [f"nothing written: the source has no take of {', '.join(SPLITS[split])}"]
    partial = out / f"{split}.partial"
    with ColumnWriter(partial, layout_of(COLUMNS, len(H36M_17)), _plan(split, archive, detected, chosen)) as writer:
        grown: dict[str, list[Any]] = writer.reached or {"takes": [], "clips": [], "remarks": [], "problems": []}
        for take in tqdm(takes, desc=f"converting {split}", unit="take", disable=None):
            if str(take) not in grown["takes"]:
                try:
                    problems += _convert_take(take, archive, detected, chosen, writer, grown)
                except ValueError as error:  # WrongSource, WrongDataset: each names the file
                    problems.append(str(error))
        problems += grown["problems"]
        if grown["takes"]:
            remarks = [f"{count} clips: {text}" for text, count in Counter(grown["remarks"]).items()]
            notes = [*chosen.notes(split, takes, detected), *remarks]
            about = _about(split, archive, detected, chosen, made_by, notes)
            made = describe_dataset(partial, about, writer.columns(), tuple(map(clip_of, grown["clips"])))
        writer.forget()
    if not grown["takes"]:
        shutil.rmtree(partial)
        return ["nothing written: no take could be converted"]
    moved(partial, out / split)
    return [f"{len(made)} samples in {len(made.clips)} clips of {len(grown['takes'])} takes", *notes]


def _about(
    split: str, archive: Source, detected: Keypoints | None, chosen: Choices, made_by: str, notes: list[str]
) -> About:
    return About(
        name="h36m",
        split=split,
        skeleton=H36M_17.name,
        fps=FPS / chosen.stride,
        licence=LICENCE,
        source=f"Human3.6M, {archive.kind}",
        keypoints=detected.kind if detected else "projected",
        made_by=made_by,
        notes=tuple(notes),
    )


def _plan(split: str, archive: Source, detected: Keypoints | None, chosen: Choices) -> dict[str, Any]:
    """All that the columns follow from: the choices and the files."""
    files = sorted({*archive.files, *(detected.files if detected else ())})
    states = {str(file): [(state := file.stat()).st_size, state.st_mtime_ns] for file in files}
    return {"split": split, "choices": chosen.words, "files": states}


def _convert_take(
    take: Take,
    archive: Source,
    detected: Keypoints | None,
    chosen: Choices,
    writer: ColumnWriter,
    grown: dict[str, list[Any]],
) -> list[str]:
    """Add a take, a clip for each camera that can be had, to ``grown``; where none can, returns the problems.

    Raises:
        WrongSource: the take does not read.
        WrongDataset: it is not in mm.
    """
    parts: list[Columns] = []
    clips: list[Clip] = []
    remarks: list[str] = []
    problems: list[str] = []
    for name, xyz in archive.seen(take).items():
        camera = PUBLISHED[take.subject, name]
        frames = np.arange(0, len(xyz), chosen.stride, dtype=np.int32)
        try:
            _check_filmed(f"{take} by camera {name}", camera, xyz)
            if detected is None:
                uv, visible = camera.project(xyz[frames]), np.ones((len(frames), len(H36M_17)), dtype=bool)
            else:
                uv, longer = _frames_of(detected, take, name, len(xyz))
                remarks += ["the 2D goes on after the 3D has ended; that rest is left out"] * longer
                uv = uv[frames] if chosen.keep_distortion else camera.undistort(uv[frames])
                uv = np.stack(H36M_17.columns_from(detected.layout, uv), axis=1)
                visible = np.asarray(np.isfinite(uv).all(axis=2))
        except NoKeypoints as error:
            if (take, name) == (UNFILMED, UNFILMED_CAMERA):
                remarks.append(f"left out, for {take} has no 2D by camera {name}, which did not film it")
            else:
                problems.append(str(error))
        except WrongSource as error:
            problems.append(str(error))
        else:
            parts.append(_columns(camera, xyz[frames], uv, visible, len(grown["clips"]) + len(clips), frames))
            clips.append(_clip(take, camera))
    if not parts:
        return problems
    for part in parts:
        writer.append(part)
    more: dict[str, list[Any]] = {
        "takes": [str(take)],
        "clips": [c.document() for c in clips],
        "remarks": remarks,
        "problems": problems,
    }
    for key, added in more.items():
        grown[key] += added
    writer.commit(grown)
    return []


def _frames_of(detected: Keypoints, take: Take, camera: str, count: int) -> tuple[Array, bool]:
    """The first ``count`` frames of 2D, and whether there are more."""
    uv = detected.read(take, camera)
    if len(uv) < count:
        raise WrongSource(f"{detected.name}: {take} by camera {camera}", f"{count} frames of 2D", str(len(uv)))
    return uv[:count], len(uv) > count


def _columns(
    camera: H36MCamera, xyz: Array, uv: Array, visible: NDArray[np.bool_], clip: int, frames: NDArray[np.int32]
) -> Columns:
    def repeated(row: Any, dtype: str) -> NDArray[Any]:
        return np.tile(np.asarray(row, dtype=dtype), (len(frames), 1))

    return {
        "uv": uv.astype(np.float32),
        "visible": visible,
        "xyz": xyz.astype(np.float32),
        "focal": repeated(camera.focal, "float32"),
        "center": repeated(camera.center, "float32"),
        "size": repeated(camera.size, "int32"),
        "clip": np.full(len(frames), clip, dtype=np.int32),
        "frame": frames,
    }


def _clip(take: Take, camera: H36MCamera) -> Clip:
    return Clip(
        name=f"{take}.{camera.name}",
        action=take.action,
        subject=take.subject,
        camera=camera.name,
        rotation=tuple(camera.rotation.ravel().tolist()),
        position=tuple(camera.position.tolist()),
        take=str(take),
    )


def _check_filmed(where: str, camera: H36MCamera, xyz: Array) -> None:
    """Refuse a person who stands where the camera does not look: such a world is not Human3.6M's.

    Raises:
        WrongSource: in most frames the root is behind the camera or outside of its picture.
    """
    root = xyz[:, H36M_17.root_index]
    uv = camera.project(root)
    share = ((root[:, 2] > 0) & ((uv >= 0) & (uv <= camera.size)).all(axis=1)).mean()
    if share < 0.5:
        raise WrongSource(where, "a person in the picture", f"one that is there in {share:.0%} of the frames")
