"""Anyone's own 2D keypoints, from a JSON or NPZ file of the layout that docs/keypoints.md describes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from benchsuite_registry.skeletons import Skeleton, skeleton
from numpy.typing import NDArray

from benchsuite.convert.annotated import People, has_pixels, write_people
from benchsuite.convert.archives import WrongSource, read_bytes, read_npz
from benchsuite.convert.outcome import Outcome
from benchsuite.datasets.columns import About, Clip

SEEN_SCORE = 0.3
"""The confidence under which detectors' own drawings leave a joint out."""

LAYOUT: Mapping[str, tuple[str | int, ...]] = {
    "skeleton": (),
    "uv": ("N", "J", 2),
    "visible": ("N", "J"),
    "score": ("N", "J"),
    "image": ("N",),
    "image_size": ("N", 2),
    "focal": ("N", 2),
    "center": ("N", 2),
    "box": ("N", 4),
    "head": ("N",),
    "clip": ("N",),
    "frame": ("N",),
    "action": ("N",),
    "subject": ("N",),
    "split": ("N",),
    "fps": (),
    "name": (),
    "licence": (),
    "source": (),
    "keypoints": (),
}
"""Each key's shape: N rows, J joints in the skeleton's order."""
TEXTS = frozenset({"skeleton", "image", "clip", "action", "subject", "split", "name", "licence", "source", "keypoints"})
ONE_FOR_ALL = frozenset({"image_size", "focal", "center"})
LEAST_SPREAD_PX = 3.0


def convert(source: Path, out: Path, seed: int, *, with_images: bool = False) -> Outcome:
    """Write ``out``, a dataset in the skeleton that the file names.

    Args:
        source: a ``.json`` or ``.npz`` file of this module's layout.
        out: folder to write.
        seed: nothing is drawn.
        with_images: take only people whose photograph is there.

    Raises:
        FileNotFoundError: there is no such file.
    """
    try:
        given = _read(source)
        people, clips, about = _people(source, given, out)
    except WrongSource as error:
        return Outcome(problems=[str(error)])
    return write_people(out, about, clips, people, with_images=with_images)


def _read(source: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file, each of the shape and kind that ``LAYOUT`` says."""
    if source.suffix.lower() not in (".json", ".npz"):
        raise WrongSource(source, "a .json or .npz file", source.suffix or "a name without ending")
    raw: Mapping[str, Any] = read_npz(source) if source.suffix.lower() == ".npz" else _read_json(source)
    if unknown := [key for key in raw if key not in LAYOUT]:
        raise WrongSource(source, f"keys out of {', '.join(LAYOUT)}", ", ".join(map(repr, unknown[:3])))
    if missing := [key for key in ("skeleton", "uv") if key not in raw]:
        raise WrongSource(source, f"the key {missing[0]!r}", "none")
    if "image_size" not in raw and not {"focal", "center"} <= set(raw):
        raise WrongSource(source, "image_size, or focal and center", "neither")
    bones = _skeleton(source, raw["skeleton"])
    listed = isinstance(raw["uv"], list) or (isinstance(raw["uv"], np.ndarray) and raw["uv"].ndim > 0)
    sizes = {"J": len(bones), "N": len(raw["uv"]) if listed else 0}
    return {key: _array(source, key, value, sizes) for key, value in raw.items()}


def _read_json(source: Path) -> Mapping[str, Any]:
    try:
        found = json.loads(read_bytes(source))
    except (ValueError, RecursionError) as error:
        raise WrongSource(source, "whole JSON", str(error)) from None
    if not isinstance(found, dict):
        raise WrongSource(source, "a JSON object", type(found).__name__)
    return found


def _skeleton(source: Path, name: Any) -> Skeleton:
    try:
        return skeleton(str(name))
    except KeyError as error:
        raise WrongSource(source, "a known skeleton", error.args[0]) from None


def _array(source: Path, key: str, value: Any, sizes: Mapping[str, int]) -> NDArray[Any]:
    wanted = tuple(side if isinstance(side, int) else sizes[side] for side in LAYOUT[key])
    kinds = "U" if key in TEXTS else "uifb"
    try:
        array = np.asarray(value)
        if array.dtype.hasobject:  # null among numbers
            array = np.asarray(value, dtype=np.float64)
    except (ValueError, TypeError):
        raise WrongSource(source, f"{key} of {wanted}", "rows of different lengths, or no numbers") from None
    if key in ONE_FOR_ALL and array.shape == (2,):
        array = np.tile(array, (sizes["N"], 1))
    if array.shape != wanted or (array.dtype.kind not in kinds and array.size):
        what = "text" if key in TEXTS else "numbers"
        raise WrongSource(source, f"{key} of {wanted}, {what}", f"{array.shape} of {array.dtype}")
    return array


def _people(source: Path, given: Mapping[str, NDArray[Any]], out: Path) -> tuple[People, list[Clip], About]:
    uv = given["uv"].astype(np.float64)
    labelled = has_pixels(uv)
    if not len(uv) or not labelled.any():
        raise WrongSource(source, "at least one joint", f"{len(uv)} rows without any")
    spread = np.ptp(uv[labelled], axis=0).max()
    if spread < LEAST_SPREAD_PX and labelled.sum() > 1:
        raise WrongSource(source, "uv in px", f"joints {spread:.3g} px apart at most; are they normalised?")
    seen = labelled
    if "visible" in given:
        seen = given["visible"].astype(bool)
    elif "score" in given:
        seen = given["score"].astype(np.float64) >= SEEN_SCORE
    clips, clip = _clips(source, given)
    people = People(
        uv=uv,
        labelled=labelled,
        visible=labelled & seen,
        clip=clip,
        frame=_frames(source, given, clip),
        size=given.get("image_size"),
        box=given.get("box"),
        head=given.get("head"),
        intrinsics=_intrinsics(source, given),
        photographs=[source.parent / str(name) for name in given["image"]] if "image" in given else None,
    )
    notes = []
    if "score" in given and "visible" not in given:
        notes.append(f"joints whose score is under {SEEN_SCORE} are not visible")
    about = About(
        name=str(given.get("name", source.stem)),
        split="",
        skeleton=str(given["skeleton"]),
        fps=float(given.get("fps", 0.0)),
        licence=str(given.get("licence", "not stated")),
        source=str(given.get("source", source.name)),
        keypoints=str(given.get("keypoints", "detected")),
        made_by=f"benchsuite convert keypoints {source.name} -o {out.name}",
        notes=tuple(notes),
    )
    if about.keypoints not in ("detected", "annotated"):
        raise WrongSource(source, "keypoints of 'detected' or 'annotated'", repr(about.keypoints))
    return people, clips, about


def _intrinsics(source: Path, given: Mapping[str, NDArray[Any]]) -> NDArray[Any] | None:
    if not {"focal", "center"} <= set(given):
        return None
    made = np.concatenate((given["focal"], given["center"]), axis=1).astype(np.float64)
    if not (made[:, :2] > 0).all() or not np.isfinite(made).all():
        raise WrongSource(source, "finite center, positive focal", "others")
    return made


def _clips(source: Path, given: Mapping[str, NDArray[Any]]) -> tuple[list[Clip], NDArray[np.int64]]:
    """The clips in the order they first appear, and the number of each row's."""
    rows = [str(name) for name in given.get("clip", np.full(len(given["uv"]), source.stem))]
    lookup = {name: number for number, name in enumerate(dict.fromkeys(rows))}
    clip = np.array([lookup[name] for name in rows])
    labels: dict[str, dict[str, str]] = {name: {} for name in lookup}
    for key in ("action", "subject", "split"):
        for name, value in zip(rows, map(str, given.get(key, ())), strict=False):
            if (said := labels[name].setdefault(key, value)) != value:
                raise WrongSource(source, f"one {key} for clip {name!r}", f"{said!r} and {value!r}")
    clips = [
        Clip(name, some.get("action", ""), some.get("subject", ""), split=some.get("split", ""))
        for name, some in labels.items()
    ]
    return clips, clip


def _frames(source: Path, given: Mapping[str, NDArray[Any]], clip: NDArray[np.int64]) -> NDArray[np.int64]:
    """Each row's frame, none twice in a clip."""
    order = np.argsort(clip, kind="stable")
    frame = np.empty(len(clip), dtype=np.int64)
    counts = np.bincount(clip)
    frame[order] = np.arange(len(clip)) - np.repeat(np.cumsum(counts) - counts, counts)
    if "frame" in given:
        told = given["frame"].astype(np.float64)
        if not (np.isfinite(told) & (told == np.round(told)) & (np.abs(told) < 2**31)).all():
            raise WrongSource(source, "frame of whole numbers", "others")
        frame = told.astype(np.int64)
    if len(np.unique(np.stack((clip, frame)), axis=1).T) < len(clip):
        raise WrongSource(source, "each frame once in a clip; people in one picture need a clip each", "one twice")
    return frame
