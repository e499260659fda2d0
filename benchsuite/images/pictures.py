"""The pictures of a dataset's samples, photographs on disk or the column ``rgb``, and the crops of people in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from benchsuite_registry.poses import Camera, ImageBatch
from numpy.typing import NDArray

from benchsuite.datasets.columns import WrongDataset
from benchsuite.images.crops import CONTEXT, Floats, box_around, crop_camera, cut, is_beside, squares_around
from benchsuite.images.photographs import WrongImage, read_photograph

if TYPE_CHECKING:
    from benchsuite.datasets.dataset import Dataset

    Rows = slice | NDArray[np.integer]

NAMED = 5
"""So many missing photographs are named."""


def squares(dataset: Dataset, rows: Rows) -> Floats:
    """Squares (n, 4) float64 px of the dataset's pictures, x0 y0 x1 y1, each about a person.

    About the column ``box``; of generated labels, about the whole crop, so that they show what their source's crops
    do; else around the labelled joints. Of nobody, the whole picture. NaN where its size is not known either.
    """
    columns = dataset.columns
    known = np.asarray(columns["labelled" if "labelled" in columns else "visible"][rows])
    around = box_around(columns["uv"][rows].astype(np.float64), known)
    whole = np.full_like(around, np.nan)
    if (size := _sizes(dataset, rows)) is not None:
        whole = np.concatenate((np.zeros_like(size), size), axis=1)
    box = whole if "crop" in columns else columns["box"][rows].astype(np.float64) if "box" in columns else around
    made = squares_around(np.where(_has_side(box)[:, None], box, around), CONTEXT)
    return np.where(_has_side(made)[:, None], made, squares_around(whole, 1.0))


def cut_rows(dataset: Dataset, rows: NDArray[np.integer], square: Floats, size: int) -> NDArray[np.uint8]:
    """Crops (n, size, size, 3) of the pictures of ``rows`` (n,), scaled once, from the photograph itself.

    Args:
        dataset: with pictures.
        rows: a photograph is read once for neighbours who share it.
        square: (n, 4) px of the dataset's pictures, one a row.
        size: px of the crop.

    Raises:
        WrongImage: a photograph does not read, has another size than the dataset says, or shows nothing of the square.
        WrongDataset: the dataset has no pictures.
    """
    made = np.empty((len(rows), size, size, 3), np.uint8)
    in_source = in_source_of(dataset, rows, square)
    name, rgb = "", np.empty((0, 0, 3), np.uint8)
    for k, row in enumerate(rows.tolist()):
        if (asked := _name(dataset, row)) != name:
            name, rgb = asked, picture(dataset, row)
        height, width = rgb.shape[:2]
        if not np.isfinite(in_source[k]).all() or is_beside(in_source[k], width, height):
            found = " ".join(f"{corner:.1f}" for corner in in_source[k])
            raise WrongImage(f"{name} (row {row})", f"a person in the picture of {width} x {height} px", found)
        made[k] = cut(rgb, in_source[k], size)
    return made


def images_of(dataset: Dataset, rows: Rows, size: int) -> ImageBatch:
    """The crops of ``rows`` for an image model; see ``Dataset.images``."""
    ids = dataset.numbers(rows)
    square = squares(dataset, rows)
    rgb = torch.from_numpy(cut_rows(dataset, ids, square, size))
    focal, center = (dataset.columns[name][rows].astype(np.float64) for name in ("focal", "center"))
    camera = Camera(*(torch.from_numpy(c.astype(np.float32)) for c in crop_camera(focal, center, square, size)))
    return ImageBatch(rgb.permute(0, 3, 1, 2).float() / 255, camera, torch.from_numpy(ids))


def in_source_of(dataset: Dataset, rows: Rows, square: Floats) -> Floats:
    """Squares (n, 4) of the dataset's pictures as those of its photographs: of labels they are a part of these."""
    if "crop" not in dataset.columns:
        return square
    crop = dataset.columns["crop"][rows].astype(np.float64)
    factor = (crop[:, 2:] - crop[:, :2]) / dataset.columns["size"][rows]
    made: Floats = np.tile(crop[:, :2], 2) + square * np.tile(factor, 2)
    return made


def picture(dataset: Dataset, row: int) -> NDArray[np.uint8]:
    """The picture (H, W, 3) of a sample; of generated labels the source's, whole.

    Raises:
        WrongImage: the photograph does not read, or has another size than the dataset says.
        WrongDataset: the dataset has no pictures.
    """
    if "rgb" in dataset.columns:
        return np.array(dataset.columns["rgb"][row])
    path = photograph_of(dataset, row)
    rgb = read_photograph(path)
    if "size" in dataset.columns and "crop" not in dataset.columns:
        wanted, found = tuple(dataset.columns["size"][row].tolist()), (rgb.shape[1], rgb.shape[0])
        if wanted != found:
            raise WrongImage(path, f"{wanted[0]} x {wanted[1]} px, as the dataset says", f"{found[0]} x {found[1]}")
    return rgb


def photograph_of(dataset: Dataset, row: int) -> Path:
    """Where the photograph of a sample lies.

    Raises:
        WrongDataset: the dataset has none.
    """
    if "image" not in dataset.columns:
        raise WrongDataset(f"dataset {dataset.about.name} has no pictures")
    return dataset.photograph_folder / dataset.photographs[int(dataset.columns["image"][row])]


def check_pictures(name: str, dataset: Dataset, needed_by: str) -> None:
    """Find out that a dataset cannot be looked at before anything is worked out.

    Raises:
        WrongDataset: it has no pictures, photographs are missing (counted, the first of them named), or people lie
            beside their pictures.
    """
    if not dataset.has_images:
        raise WrongDataset(f"dataset {name} has no pictures (column 'image' or 'rgb'), which {needed_by} needs")
    if missing := missing_photographs(dataset):
        named = ", ".join(missing[:NAMED]) + (" ..." if len(missing) > NAMED else "")
        total = len(np.unique(dataset.columns["image"]))
        raise WrongDataset(
            f"dataset {name}: {len(missing)} of {total} photographs are missing in {dataset.photograph_folder}: {named}"
        )
    everybody = slice(0, len(dataset))
    if "crop" not in dataset.columns and (size := _sizes(dataset, everybody)) is not None:
        beside = np.flatnonzero(is_beside(squares(dataset, everybody), *size.T))
        if len(beside):
            raise WrongDataset(
                f"dataset {name}: {len(beside)} people lie beside their pictures, in rows "
                f"{', '.join(map(str, beside[:NAMED].tolist()))}{' ...' if len(beside) > NAMED else ''}"
            )


def missing_photographs(dataset: Dataset) -> list[str]:
    """Photographs of samples that are not there, as ``images.txt`` names them."""
    if "image" not in dataset.columns:
        return []
    used = (dataset.photographs[k] for k in np.unique(dataset.columns["image"]).tolist())
    return [path for path in used if not (dataset.photograph_folder / path).is_file()]


def _name(dataset: Dataset, row: int) -> str:
    return str(photograph_of(dataset, row)) if "rgb" not in dataset.columns else f"{dataset.about.name}: picture {row}"


def _sizes(dataset: Dataset, rows: Rows) -> Floats | None:
    """Widths and heights (n, 2) px of the dataset's pictures, if they are known."""
    columns = dataset.columns
    if "size" in columns:
        return np.asarray(columns["size"][rows], dtype=np.float64)
    if "rgb" in columns:
        height, width = columns["rgb"].shape[1:3]
        return np.tile((float(width), float(height)), (len(dataset.numbers(rows)), 1))
    return None


def _has_side(box: Floats) -> NDArray[np.bool_]:
    return np.asarray((box[:, 2:] - box[:, :2]).max(axis=1) > 0)
