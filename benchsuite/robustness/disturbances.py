"""A dataset made worse in one way; the truth stays what it is, and methods see the rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from benchsuite.datasets.columns import HEAD_PER_NECK_TO_TOP
from benchsuite.datasets.dataset import Dataset, WrongDataset
from benchsuite.robustness.noise import load_noise

Array = NDArray[np.float64]

NEAREST_MM = 500.0
"""No joint of a pitched view comes nearer to the camera than this."""


@dataclass(frozen=True)
class Disturbance:
    """A way of making a dataset worse.

    Attributes:
        name: on the command line.
        title: of its curve.
        axis: what its levels are, with their unit.
        levels: ascending, the undisturbed one among them.
        clean: the undisturbed level.
        apply: the dataset at a level; the seed decides all that is drawn.
        logarithmic: whether the levels are factors.
    """

    name: str
    title: str
    axis: str
    levels: tuple[float, ...]
    clean: float
    apply: Callable[[Dataset, float, int], Dataset]
    logarithmic: bool = False


def noisy(dataset: Dataset, severity: float, seed: int) -> Dataset:
    """Keypoints as a detector finds them; see ``benchsuite.robustness.noise``.

    Raises:
        WrongDataset: the 2D was detected already, or a joint's noise is not known.
    """
    if dataset.about.keypoints == "detected":
        raise WrongDataset(
            f"dataset {dataset.about.name}: its keypoints were detected and have a detector's noise already"
        )
    rng = np.random.default_rng(seed)
    uv = load_noise().moved(dataset.columns["uv"], dataset.skeleton, head_sizes(dataset), rng, severity)
    return _changed(dataset, f"noise {severity:g}, seed {seed}", uv=uv)


def masked(dataset: Dataset, count: float, seed: int) -> Dataset:
    """``count`` joints of each sample, drawn anew for each, are invisible; never the root.

    With one seed, who is missing at a lower count is missing at a higher one too.
    """
    columns = [k for k, name in enumerate(dataset.skeleton.joints) if name != dataset.skeleton.root]
    order = np.random.default_rng(seed).permuted(np.tile(columns, (len(dataset), 1)), axis=1)[:, : int(count)]
    visible = np.array(dataset.columns["visible"])
    np.put_along_axis(visible, order, False, axis=1)
    uv = np.where(visible[..., None], dataset.columns["uv"], 0.0)
    labelled = {"labelled": dataset.columns["labelled"] & visible} if "labelled" in dataset.columns else {}
    return _changed(dataset, f"{count:g} joints missing, seed {seed}", uv=uv, visible=visible, **labelled)


def refocused(dataset: Dataset, factor: float, seed: int) -> Dataset:
    """The focal length that methods are told is ``factor`` times the true one; pixels stay."""
    return _changed(dataset, f"focal {factor:g}", focal=np.asarray(dataset.columns["focal"]) * factor)


def pitched(dataset: Dataset, degrees: float, seed: int) -> Dataset:
    """Filmed anew from ``degrees`` higher up, on the circle about the root that the camera stands on.

    The root stays where it was in the picture, and the camera's X axis is what is turned about. What comes too near to
    the camera that way is moved back.

    Raises:
        WrongDataset: there is no 3D to film, or the 2D was not projected.
    """
    if "xyz" not in dataset.columns or dataset.about.keypoints != "projected":
        raise WrongDataset(f"dataset {dataset.about.name}: only 3D with projected keypoints can be filmed anew")
    angle = np.radians(degrees)
    turn = np.array(((1, 0, 0), (0, np.cos(angle), -np.sin(angle)), (0, np.sin(angle), np.cos(angle))))
    xyz = np.asarray(dataset.columns["xyz"], dtype=np.float64)
    root = dataset.skeleton.root_of(xyz)[:, None]
    turned = (xyz - root) @ turn.T + root
    turned[..., 2] += np.maximum(0.0, NEAREST_MM - turned[..., 2].min(1))[:, None]
    focal, center = (np.asarray(dataset.columns[name], dtype=np.float64)[:, None] for name in ("focal", "center"))
    uv = turned[..., :2] / turned[..., 2:] * focal + center
    return _changed(dataset, f"pitched {degrees:g}", xyz=turned, uv=uv)


def head_sizes(dataset: Dataset) -> Array:
    """MPII's head size of each sample, (N,) px: the dataset's own, or what the head measures seen squarely at its
    depth, or in the picture where there is no 3D.

    Raises:
        WrongDataset: the skeleton has no head.
    """
    columns = dataset.columns
    if "head" in columns:
        return np.asarray(columns["head"], dtype=np.float64)
    joints = dataset.skeleton.joints
    necks = [joints.index(name) for name in ("upper_neck", "neck_nose", "neck") if name in joints]
    if not necks or "head_top" not in joints:
        raise WrongDataset(f"dataset {dataset.about.name}: skeleton {dataset.skeleton.name} has no head to measure")
    neck, top = necks[0], joints.index("head_top")
    if "xyz" in columns:
        xyz = np.asarray(columns["xyz"], dtype=np.float64)
        length = np.linalg.norm(xyz[:, top] - xyz[:, neck], axis=-1)
        pixels = length * np.asarray(columns["focal"], dtype=np.float64).mean(1) / xyz[:, [neck, top], 2].mean(1)
    else:
        pixels = np.linalg.norm(columns["uv"][:, top] - columns["uv"][:, neck], axis=-1).astype(np.float64)
    sizes: Array = HEAD_PER_NECK_TO_TOP * pixels
    return sizes


def _changed(dataset: Dataset, how: str, **columns: NDArray[np.generic]) -> Dataset:
    typed = {name: column.astype(dataset.columns[name].dtype) for name, column in columns.items()}
    return replace(dataset, columns={**dataset.columns, **typed}, fingerprint=f"{dataset.fingerprint}/{how}", path=None)


DISTURBANCES = (
    Disturbance("noise", "2D noise", "severity (1: a stacked hourglass)", (0.0, 0.25, 0.5, 1.0, 1.5, 2.0), 0.0, noisy),
    Disturbance("missing", "Missing joints", "joints that are not seen", (0.0, 1.0, 2.0, 4.0, 6.0, 8.0), 0.0, masked),
    Disturbance(
        "focal",
        "Wrong focal length",
        "told / true focal length",
        (0.5, 0.625, 0.8, 1.0, 1.25, 1.6, 2.0),
        1.0,
        refocused,
        logarithmic=True,
    ),
    Disturbance(
        "pitch", "Camera pitch", "camera raised by (degrees)", (-30.0, -15.0, 0.0, 15.0, 30.0, 45.0, 60.0), 0.0, pitched
    ),
)
"""All of them, by name unique."""
