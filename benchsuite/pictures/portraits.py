"""What methods make of people: the picture, the keypoints found in it, and the 3D pose from where no camera stood."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from benchsuite_registry.poses import PoseBatch
from benchsuite_registry.skeletons import Skeleton
from numpy.typing import NDArray

from benchsuite.datasets.columns import Clip, WrongDataset
from benchsuite.datasets.dataset import Dataset
from benchsuite.images.crops import pixels_in_crop
from benchsuite.images.pictures import cut_rows, squares
from benchsuite.metrics import joint_errors
from benchsuite.pictures.drawing import (
    draw_from_above,
    draw_keypoints,
    draw_standing,
    in_world,
    new_figure,
    turned,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.floating]
Joints = tuple[Floats, Skeleton]
"""Points of a skeleton's joints, (J, 2) px of a crop or (J, 3) mm in the world."""

CROP_PX = 320
TURN = np.radians(50.0)
"""How far around the person the new viewpoint lies from the camera."""

_GREY, _PAPER = "#6b6b6b", "#f2f2f2"


@dataclass(frozen=True)
class Portrait:
    """One sample as one method sees it.

    Attributes:
        rgb: (``CROP_PX``, ``CROP_PX``, 3), the picture about the person; None where there are none.
        found: keypoints in it, NaN where there are none.
        pose: in the world, the root where the true one is; None where it is not finite.
        true: the same of the truth; None where it is not known.
        looks: rad, azimuth that the camera looks along.
        error_mm: mean distance of the joints from the true ones, roots aligned; NaN without a truth.
    """

    rgb: NDArray[np.uint8] | None
    found: Joints
    pose: Joints | None
    true: Joints | None
    looks: float
    error_mm: float


def _picture(axes: Axes, portrait: Portrait) -> None:
    extent = (0, CROP_PX, -CROP_PX, 0)
    if portrait.rgb is None:
        axes.fill_between(extent[:2], *extent[2:], color=_PAPER, zorder=0)
    else:
        axes.imshow(portrait.rgb, extent=extent, zorder=0)
    axes.set_xlim(*extent[:2])
    axes.set_ylim(*extent[2:])
    axes.set_axis_off()


def _keypoints(axes: Axes, portrait: Portrait) -> None:
    from matplotlib.patheffects import withStroke

    uv, skeleton = portrait.found
    draw_keypoints(axes, uv, np.asarray(np.isfinite(uv).all(axis=1)), skeleton)
    for line in axes.lines:  # seen on any ground
        line.set_path_effects([withStroke(linewidth=line.get_linewidth() + 1.6, foreground="white", alpha=0.75)])
    _picture(axes, portrait)


def _standing(turn: float) -> Panel:
    def draw(axes: Axes, portrait: Portrait) -> None:
        if portrait.pose is None:
            _say_nothing(axes)
            return
        draw_standing(axes, *portrait.pose, portrait.looks + turn, ghost=portrait.true)
        if np.isfinite(portrait.error_mm):
            found = f"{portrait.error_mm:.0f} mm"
            axes.text(0.5, -0.02, found, transform=axes.transAxes, ha="center", va="top", color=_GREY, fontsize=9)

    return draw


def _from_above(axes: Axes, portrait: Portrait) -> None:
    if portrait.pose is None:
        _say_nothing(axes)
        return
    if portrait.true is not None:
        draw_from_above(axes, *portrait.true, portrait.looks, ghost=True)
    draw_from_above(axes, *portrait.pose, portrait.looks)


def _say_nothing(axes: Axes) -> None:
    axes.text(0.5, 0.5, "no pose", transform=axes.transAxes, ha="center", va="center", color=_GREY)
    axes.set_axis_off()


Panel = Callable[["Axes", Portrait], None]
Panels = Mapping[str, tuple[float, Panel]]
"""What is drawn of a portrait, one below the other: height, inches, and how."""

SAMPLE: Panels = {"2D": (2.2, _keypoints), "from another side": (2.4, _standing(TURN))}
FRAME: Panels = {"2D": (1.9, _keypoints), "front": (2.1, _standing(0.0)), "top": (1.4, _from_above)}


def draw_samples(dataset: Dataset, methods: Mapping[str, PoseBatch]) -> Figure:
    """Samples side by side: the picture, then, for each method, the keypoints that it found (or, of lifters, was given)
    and its pose from another side, the true one in grey behind it with the mean distance of the joints.

    Args:
        dataset: the samples alone. Pictures are drawn where it has some.
        methods: by name, what each predicts for all of them.

    Raises:
        NoMatplotlib: matplotlib is not installed.
        WrongImage: a photograph does not read.
    """
    return _sheet(dataset, methods, SAMPLE, _names(dataset), whole=dataset.has_images)


def draw_clip(dataset: Dataset, methods: Mapping[str, PoseBatch]) -> Figure:
    """Frames of a clip side by side: for each method the keypoints over the picture, its poses from the front and from
    the top; arguments and errors as ``draw_samples``."""
    return _sheet(dataset, methods, FRAME, [f"frame {frame}" for frame in dataset.columns["frame"]], whole=False)


def frames_of(dataset: Dataset, clip: str, count: int) -> NDArray[np.integer]:
    """Rows of ``count`` frames spread evenly over a clip.

    Raises:
        WrongDataset: there is no such clip, or it holds no frame.
    """
    numbers = [number for number, one in enumerate(dataset.clips) if one.name == clip]
    frames = np.flatnonzero(np.isin(dataset.columns["clip"], numbers))
    if not len(frames):
        some = ", ".join(one.name for one in dataset.clips[:4]) + (", ..." if len(dataset.clips) > 4 else "")
        raise WrongDataset(f"dataset {dataset.about.name} has no frames of a clip {clip!r}; it has {some}")
    return frames[np.unique(np.linspace(0, len(frames) - 1, min(count, len(frames))).round().astype(np.int64))]


def portraits(dataset: Dataset, poses: PoseBatch) -> list[Portrait]:
    """What a method made of each sample; errors as ``draw_samples``."""
    rows = np.arange(len(dataset))
    square = squares(dataset, rows)
    pictures = cut_rows(dataset, rows, square, CROP_PX) if dataset.has_images else [None] * len(dataset)
    target = dataset.target(rows)
    assert target.keypoints is not None
    if poses.uv is None:
        known = target.keypoints.visible if target.labelled is None else target.labelled
        uv, skeleton = np.where(known.numpy()[..., None], target.keypoints.uv.numpy(), np.nan), dataset.skeleton
    else:
        uv, skeleton = poses.uv.numpy(), poses.skeleton
    found = pixels_in_crop(uv, square, CROP_PX)
    truth, rooted = target.poses, poses.root_relative()
    errors = joint_errors(rooted.in_skeleton(truth.skeleton).root_relative().xyz, truth.root_relative().xyz)
    made = []
    for k, number in enumerate(dataset.columns["clip"]):
        clip = dataset.clips[number]
        true = _in_its_place(truth.xyz[k].double().numpy(), truth.skeleton, clip)
        pose = _standing_at(true, rooted.xyz[k].double().numpy(), poses.skeleton, clip)
        looks = turned(np.zeros((1, 3)), clip)[1]
        made.append(Portrait(pictures[k], (found[k], skeleton), pose, true, looks, float(errors[k].nanmean())))
    return made


def _in_its_place(xyz: Floats, skeleton: Skeleton, clip: Clip) -> Joints | None:
    """The true pose (J, 3) mm, camera frame, in the world; None where it is not known."""
    return (in_world(xyz, clip)[0], skeleton) if np.isfinite(skeleton.root_of(xyz)).all() else None


def _standing_at(true: Joints | None, xyz: Floats, skeleton: Skeleton, clip: Clip) -> Joints | None:
    """A pose (J, 3) mm about its root: at the true root, else on the floor; None where no joint is finite."""
    if not np.isfinite(xyz).all(axis=1).any():
        return None
    world, _ = turned(xyz, clip)
    return world + (true[1].root_of(true[0]) if true else (0.0, 0.0, -np.nanmin(world[:, 2]))), skeleton


def _names(dataset: Dataset) -> list[str]:
    """Of each sample what is done; else of its photograph, or else of its clip."""
    clips = [dataset.clips[number] for number in dataset.columns["clip"]]
    image = dataset.columns.get("image")
    shown = [clip.name for clip in clips] if image is None else [Path(dataset.photographs[k]).name for k in image]
    return [clip.action or name for clip, name in zip(clips, shown, strict=True)]


def _sheet(
    dataset: Dataset, methods: Mapping[str, PoseBatch], panels: Panels, titles: Sequence[str], *, whole: bool
) -> Figure:
    """A column a sample; from top to bottom the picture alone, if asked for, and the panels of each method."""
    made = {name: portraits(dataset, poses) for name, poses in methods.items()}
    first = next(iter(made.values()))
    lines: list[tuple[str, float, Panel, list[Portrait]]] = [("", 2.2, _picture, first)] if whole else []
    for name, seen in made.items():
        named = "\n".join(textwrap.wrap(name, 24, break_on_hyphens=False))
        lines += [(f"{named}\n{panel}", height, draw, seen) for panel, (height, draw) in panels.items()]
    heights = [height for _, height, _, _ in lines]
    figure = new_figure(2.2 * len(dataset) + 0.5, sum(heights) + 0.3)
    axes = figure.subplots(len(lines), len(dataset), squeeze=False, height_ratios=heights)
    for below, (label, _, draw, seen) in zip(axes, lines, strict=True):
        for place, portrait in zip(below, seen, strict=True):
            draw(place, portrait)
        below[0].annotate(
            label,
            (-0.08, 0.5),
            xycoords="axes fraction",
            rotation=90,
            ha="center",
            va="center",
            color=_GREY,
            fontsize=9,
        )
    for place, title in zip(axes[0], titles, strict=True):
        place.set_title(textwrap.shorten(title, 28, placeholder="..."), fontsize=10)
    return figure
