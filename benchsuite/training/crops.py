"""Training crops: people cut out of pictures with what is known of them, each time a little differently."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from benchsuite_registry.poses import Camera
from benchsuite_registry.skeletons import DERIVED, H36M_17, LSP_14, MPII_16, Skeleton
from numpy.typing import NDArray
from torch import Tensor

from benchsuite.datasets.dataset import Dataset, WrongDataset
from benchsuite.images.pictures import check_pictures, cut_rows, squares
from benchsuite.joints import read_known
from benchsuite.training.looks import Floats, Looks
from benchsuite.training.sources import split_takes

Bools = NDArray[np.bool_]
Rows = NDArray[np.integer[Any]]

SKELETONS = (H36M_17, LSP_14, MPII_16)

ZOOM, MOST_ZOOM = 0.25, 0.5
TURN_DEG, MOST_TURN_DEG, TURNED = 30.0, 60.0, 0.4
LEAST_LIGHT, MOST_LIGHT = 0.6, 1.4
"""Standard deviations and limits of the crop's side (a power of 2) and its rotation, the share of people that are
rotated, and what each colour is multiplied by. Source: Zhou et al. 2017, their code."""

REACH = 2.0
"""Side of what is kept of a photograph over the person's square: as far as the largest, rotated crop can reach."""

KEPT_BYTES = 1 << 29
"""Photographs whose surroundings of people fit are decoded once; others each time that they are drawn."""


class Crops(NamedTuple):
    """Pictures of B people with their 2D and 3D in ``MPII_16``.

    Attributes:
        rgb: (B, 3, S, S) float32 in [0, 1].
        uv: (B, 16, 2) float32 px of the crop.
        known: (B, 16) bool: ``uv`` means something, inside the crop or outside.
        xyz: (B, 16, 3) float32 mm, camera axes, absolute; NaN where there is no 3D.
        focal: (B, 2) px of the crop.
        center: (B, 2) px of the crop.
        source: (B,) int64, number of the dataset that it comes from.
    """

    rgb: Tensor
    uv: Tensor
    known: Tensor
    xyz: Tensor
    focal: Tensor
    center: Tensor
    source: Tensor

    @property
    def camera(self) -> Camera:
        """The crops' intrinsics."""
        return Camera(self.focal, self.center)


class CropSource:
    """Crops of a dataset with pictures, in ``H36M_17``, ``LSP_14`` or ``MPII_16``, with 3D or without.

    Args:
        dataset: where from.
        size: px of the crops.
        number: of the dataset among those trained on.
        varied: other scales, rotations and colours at every draw, and half of the people mirrored.

    Raises:
        WrongDataset: it is empty, without pictures or in another skeleton; photographs are missing or do not read.
    """

    def __init__(self, dataset: Dataset, *, size: int, number: int = 0, varied: bool = True) -> None:
        self.name = dataset.about.name
        self.dataset, self.size, self.number, self.varied = dataset, size, number, varied
        if dataset.skeleton not in SKELETONS or not len(dataset):
            raise WrongDataset(
                f"dataset {self.name}: training on pictures wants people in {', '.join(s.name for s in SKELETONS)}, "
                f"found {len(dataset)} samples of {dataset.about.skeleton}"
            )
        check_pictures(self.name, dataset, "training on pictures")
        self._square = squares(dataset, slice(None))
        there = np.isfinite(self._square[:, 0])
        self._training, self._validation = (rows[there[rows]] for rows in split_takes(dataset))
        self._raw = "rgb" in dataset.columns and "crop" not in dataset.columns
        few = len(self._training) * 3 * round(REACH * size) ** 2 <= KEPT_BYTES
        self._kept = self._surroundings(self._training) if few and not self._raw else None

    def pairs(self, rng: np.random.Generator, count: int) -> Crops:
        """``count`` training crops."""
        rows = self._training[rng.integers(0, len(self._training), count)]
        looks = self._looks(rng, rows)
        rgb = looks.cut(*self._pictures(rows))
        if self.varied:
            light = torch.from_numpy(rng.uniform(LEAST_LIGHT, MOST_LIGHT, (count, 3, 1, 1)).astype(np.float32))
            rgb.mul_(light).clamp_(max=1.0)
        return self._crops(rows, rgb, looks)

    def held_out(self, rng: np.random.Generator, count: int) -> Crops:
        """``count`` crops out of the takes that are held out, or all if there are fewer, as inference sees them."""
        rows = np.sort(rng.permutation(self._validation)[:count])
        return self._crops(rows, self.dataset.images(rows, self.size).rgb, self._looks(None, rows))

    def about(self) -> dict[str, Any]:
        """Name, split, size, fingerprint and how it was drawn from."""
        about = self.dataset.about
        return {
            "dataset": about.name,
            "split": about.split,
            "samples": len(self._training),
            "fingerprint": self.dataset.fingerprint,
            "varied": self.varied,
        }

    def _pictures(self, rows: Rows) -> tuple[Tensor, Floats, Floats]:
        """As ``Looks.cut`` takes them."""
        if self._raw:
            pictures = np.array(self.dataset.columns["rgb"][rows])
            return torch.from_numpy(pictures), np.zeros((len(rows), 2)), np.ones(len(rows))
        kept = self._kept
        pictures = self._surroundings(rows) if kept is None else kept[np.searchsorted(self._training, rows)]
        around = _stretched(self._square[rows])
        return torch.from_numpy(pictures), around[:, :2], pictures.shape[1] / (around[:, 2] - around[:, 0])

    def _surroundings(self, rows: Rows) -> NDArray[np.uint8]:
        return cut_rows(self.dataset, rows, _stretched(self._square[rows]), round(REACH * self.size))

    def _looks(self, rng: np.random.Generator | None, rows: Rows) -> Looks:
        """How people are looked at; as inference does without ``rng``."""
        square: Floats = self._square[rows]
        count = len(rows)
        side: Floats = square[:, 2] - square[:, 0]
        angle: Floats = np.zeros(count)
        mirrored = np.zeros(count, dtype=bool)
        if rng is not None and self.varied:
            side = side * 2 ** np.clip(rng.normal(0, ZOOM, count), -MOST_ZOOM, MOST_ZOOM)
            turn = np.clip(rng.normal(0, TURN_DEG, count), -MOST_TURN_DEG, MOST_TURN_DEG)
            angle = np.deg2rad(np.where(rng.random(count) < TURNED, turn, 0.0))
            mirrored = rng.random(count) < 0.5
        focal, center = (self.dataset.columns[name][rows].astype(np.float64) for name in ("focal", "center"))
        return Looks((square[:, :2] + square[:, 2:]) / 2, side, angle, mirrored, focal, center, self.size)

    def _crops(self, rows: Rows, rgb: Tensor, looks: Looks) -> Crops:
        columns = self.dataset.columns
        joints = self.dataset.skeleton
        labelled: Bools = columns["labelled" if "labelled" in columns else "visible"][rows]
        uv, known = in_mpii(columns["uv"][rows], labelled, joints)
        xyz: Floats = np.full((*known.shape, 3), np.nan)
        if "xyz" in columns:
            xyz, whole = in_mpii(columns["xyz"][rows], np.isfinite(columns["xyz"][rows]).all(-1), joints)
            xyz[~whole] = np.nan
        uv, xyz = looks.pixels(uv), looks.points(xyz)
        for part in (uv, known, xyz):
            part[looks.mirrored] = part[looks.mirrored][:, list(MPII_16.mirror)]
        points, poses, focal, center = (_tensor(part) for part in (uv, xyz, *looks.cameras()))
        source = torch.full((len(rows),), self.number)
        return Crops(rgb, points, torch.from_numpy(known), poses, focal, center, source)


def in_mpii(joints: Floats, known: Bools, skeleton: Skeleton) -> tuple[Floats, Bools]:
    """Joints (N, J, D) read by name into ``MPII_16``, (N, 16, D), and which are known (N, 16); 0 where they are not.

    A joint that is there but not known is read between its neighbours if they are: the pelvis between the hips.
    """
    made, there = read_known(joints, known, skeleton, MPII_16)
    for name, neighbours in DERIVED.items():
        if {name, *neighbours} <= set(MPII_16.joints):
            column, beside = MPII_16.index(name), [MPII_16.index(part) for part in neighbours]
            between = np.flatnonzero(~there[:, column] & there[:, beside].all(1))
            made[between, column] = made[between][:, beside].mean(1)  # all of them have equal weights
            there[between, column] = True
    return np.where(there[..., None], made, 0.0), there


def _stretched(square: Floats) -> Floats:
    """Squares (N, 4), ``REACH`` times as wide about the same middles."""
    middle, half = (square[:, :2] + square[:, 2:]) / 2, REACH / 2 * (square[:, 2:] - square[:, :2])
    return np.concatenate((middle - half, middle + half), axis=1)


def _tensor(part: Floats) -> Tensor:
    return torch.from_numpy(part.astype(np.float32))
