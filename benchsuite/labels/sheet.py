"""A picture of labels: some at random, and the worst."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from benchsuite.datasets.columns import WrongDataset
from benchsuite.datasets.dataset import Dataset
from benchsuite.images.photographs import WrongImage
from benchsuite.images.pictures import cut_rows
from benchsuite.pictures.drawing import draw_keypoints, draw_pose, draw_views, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Rows = NDArray[np.int64]

_PANELS = ("crop", "front", "side", "top")
_GREY = "#8a8a8a"


def draw_labels(labels: Dataset, *, columns: int = 6, seed: int = 0) -> Figure:
    """Labels drawn at random from top to bottom of the scores, below them those that score least; of each the 2D of the
    crop and the 3D from the front, the side and the top, with its score.

    Args:
        labels: with the column ``score``.
        columns: of labels in either group.
        seed: of the random ones.

    Raises:
        NoMatplotlib: matplotlib is not installed.
        WrongDataset: there are none.
    """
    groups = {"at random": _random(labels, columns, seed), "lowest scores": _worst(labels, columns)}
    if not all(map(len, groups.values())):
        raise WrongDataset(f"dataset {labels.about.name} holds no label: there is nothing to draw")
    heights = [2.0, 2.0, 2.0, 1.3]
    figure = new_figure(2.3 * columns, 2 * 1.2 * sum(heights) + 0.8)
    halves = figure.add_gridspec(len(groups), 1)
    for k, (title, rows) in enumerate(groups.items()):
        half = figure.add_subfigure(halves[k])
        half.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        grid = half.add_gridspec(len(_PANELS), columns, height_ratios=heights)
        for column, row in enumerate(rows):
            seen, *views = (half.add_subplot(grid[panel, column]) for panel in range(len(_PANELS)))
            clip = labels.clips[labels.columns["clip"][row]]
            _draw_crop(seen, labels, int(row))
            draw_views(views, labels.columns["xyz"][row], labels.skeleton, clip)
            seen.set_title(f"{labels.columns['score'][row]:.2f}", fontsize=11)
            for axes, name in zip((seen, *views), _PANELS if column == 0 else (), strict=False):
                axes.annotate(name, (-0.06, 0.5), xycoords="axes fraction", rotation=90, va="center", color=_GREY)
    return figure


def _draw_crop(axes: Axes, labels: Dataset, row: int) -> None:
    """The annotated keypoints on the crop, or in its frame; thin, the bones to joints that only the label knows."""
    uv, size = labels.columns["uv"][row], labels.columns["size"][row]
    width, height = size.tolist()
    with suppress(WrongImage):  # a photograph that has gone; the keypoints can be drawn all the same
        if labels.has_images:
            (rgb,) = cut_rows(labels, np.array([row]), np.array([[0, 0, width, height]]), width)
            axes.imshow(rgb, extent=(0, width, -height, 0), zorder=-1)
    draw_pose(axes, uv * (1.0, -1.0), labels.skeleton, width=0.7)
    draw_keypoints(axes, uv, labels.columns["visible"][row], labels.skeleton)
    axes.plot((0, width, width, 0, 0), (0, 0, -height, -height, 0), color=_GREY, lw=0.5, zorder=0)


def _drawable(labels: Dataset) -> Rows:
    """People without a pose score 0."""
    return np.flatnonzero(np.asarray(labels.columns["score"]) > 0)


def _random(labels: Dataset, count: int, seed: int) -> Rows:
    rows = _drawable(labels)
    chosen = np.random.default_rng(seed).choice(rows, min(count, len(rows)), replace=False)
    return chosen[np.argsort(-labels.columns["score"][chosen], kind="stable")]


def _worst(labels: Dataset, count: int) -> Rows:
    rows = _drawable(labels)
    return rows[np.argsort(labels.columns["score"][rows], kind="stable")[:count]]
