"""Pictures of poses: red for the left side and the torso, blue for the right, as in the paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from benchsuite_registry.skeletons import Skeleton
from numpy.typing import NDArray

from benchsuite.columns import Clip, WrongDataset
from benchsuite.dataset import Dataset

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT_COLOUR, RIGHT_COLOUR, FLOOR_COLOUR, SHADOW_COLOUR = "#d1352b", "#2b6cb8", "#d9d9d9", "#c4c4c4"
_ELEVATION = np.radians(14.0)
_TILE_MM = 500.0
_STRIDE_MM = 1000.0


class NoMatplotlib(ImportError):
    """matplotlib is not installed; says how to get it."""


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise NoMatplotlib(f"pictures need matplotlib: pip install benchsuite[viz] ({error})") from None
    return Figure(figsize=(width, height), layout="constrained")


def draw_pose(
    axes: Axes, xyz: NDArray[np.floating], skeleton: Skeleton, *, azimuth: float = 0.0, width: float = 2.5
) -> None:
    """Draw one pose, axes equal.

    Args:
        axes: two-dimensional axes.
        xyz: (J, 2) px, as the camera sees it, or (J, 3) mm, world frame: seen from a little above, with its shadow.
        skeleton: of the joints.
        azimuth: rad, from which side a pose in the world is seen.
        width: of the bones, points.
    """
    flat, depth = (xyz, np.zeros(len(xyz))) if xyz.shape[-1] == 2 else _seen(xyz, azimuth)
    if xyz.shape[-1] == 3:
        shadow, _ = _seen(xyz * (1.0, 1.0, 0.0), azimuth)
        for parent, child in skeleton.bones:
            axes.plot(*shadow[[parent, child]].T, color=SHADOW_COLOUR, lw=width, solid_capstyle="round", zorder=1)
    for parent, child in skeleton.bones:
        right = skeleton.joints[child].startswith("r_")
        colour = RIGHT_COLOUR if right else LEFT_COLOUR
        nearness = -float(depth[[parent, child]].mean())
        axes.plot(*flat[[parent, child]].T, color=colour, lw=width, solid_capstyle="round", zorder=10 + nearness / 1e4)
    axes.set_aspect("equal")
    axes.set_axis_off()


def draw_floor(axes: Axes, low: NDArray[np.floating], high: NDArray[np.floating], azimuth: float) -> None:
    """Draw tiles of half a metre at z = 0 from corner ``low`` to ``high``, (2,) mm, as ``draw_pose`` sees them."""
    start, stop = np.floor(low / _TILE_MM) * _TILE_MM, np.ceil(high / _TILE_MM) * _TILE_MM
    for axis in (0, 1):
        for at in np.arange(start[axis], stop[axis] + 1, _TILE_MM):
            ends = np.zeros((2, 3))
            ends[:, axis] = at
            ends[:, 1 - axis] = start[1 - axis], stop[1 - axis]
            axes.plot(*_seen(ends, azimuth)[0].T, color=FLOOR_COLOUR, lw=0.7, zorder=0)


def contact_sheet(dataset: Dataset, *, columns: int = 6, rows: int = 2, strip: int = 12) -> Figure:
    """A sheet of samples spread over the clips, each as its camera sees it and in the world; below them one clip.

    Args:
        dataset: with 3D poses.
        columns: samples side by side.
        rows: of samples.
        strip: frames of the clip at the foot of the sheet.

    Raises:
        NoMatplotlib: matplotlib is not installed.
        WrongDataset: the dataset is empty or has no 3D.
    """
    figure = _figure(2.3 * columns, 5.0 * rows + 3.0)
    heights = [1.6, 2.0] * rows + [2.0]
    grid = figure.add_gridspec(2 * rows + 1, columns, height_ratios=heights)
    if not len(dataset):
        raise WrongDataset(f"dataset {dataset.about.name} is empty: there is nothing to draw")
    chosen = _spread(dataset, rows * columns)
    xyz = dataset.poses(chosen).xyz.numpy().astype(np.float64)
    for k, sample in enumerate(chosen):
        clip = dataset.clips[dataset.columns["clip"][sample]]
        seen = figure.add_subplot(grid[2 * (k // columns), k % columns])
        draw_pose(seen, dataset.columns["uv"][sample] * (1.0, -1.0), dataset.skeleton, width=2.0)
        seen.set_title(clip.action or clip.name, fontsize=10)
        _draw_world(figure.add_subplot(grid[2 * (k // columns) + 1, k % columns]), xyz[k : k + 1], clip, dataset)
    liveliest = _liveliest(dataset, chosen)
    frames = np.flatnonzero(dataset.columns["clip"] == liveliest)
    frames = frames[np.unique(np.linspace(0, len(frames) - 1, min(strip, len(frames))).round().astype(int))]
    clip = dataset.clips[liveliest]
    below = figure.add_subplot(grid[2 * rows, :])
    _draw_strip(below, dataset.poses(frames).xyz.numpy().astype(np.float64), clip, dataset)
    below.set_title(f"{clip.name}: {clip.action}", fontsize=10)
    return figure


def _seen(xyz: NDArray[np.floating], azimuth: float) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Where world points (..., 3) fall on a distant viewer's picture, and how far behind it they lie."""
    away = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])  # from the viewer, along the floor
    right = np.array([np.sin(azimuth), -np.cos(azimuth), 0.0])
    up = -np.sin(_ELEVATION) * -away + np.cos(_ELEVATION) * np.array([0.0, 0.0, 1.0])
    return np.stack((xyz @ right, xyz @ up), axis=-1), xyz @ (away * np.cos(_ELEVATION) - [0, 0, np.sin(_ELEVATION)])


def _in_world(xyz: NDArray[np.floating], clip: Clip) -> tuple[NDArray[np.floating], float]:
    """World-frame poses of camera-frame ones, and the azimuth the camera looks along."""
    if clip.rotation is None or clip.position is None:  # a level camera at an unknown height
        world = xyz[..., [0, 2, 1]] * (1.0, 1.0, -1.0)
        return world - [0, 0, world[..., 2].min()], np.pi / 2
    rotation = np.reshape(clip.rotation, (3, 3))
    return xyz @ rotation + clip.position, float(np.arctan2(rotation[2, 1], rotation[2, 0]))


def _draw_world(axes: Axes, xyz: NDArray[np.floating], clip: Clip, dataset: Dataset) -> None:
    world, looks = _in_world(xyz, clip)
    azimuth = looks + np.radians(50.0)
    root = world[:, dataset.skeleton.root_index, :2].mean(0)
    draw_floor(axes, root - 700.0, root + 700.0, azimuth)
    for pose in world:
        draw_pose(axes, pose, dataset.skeleton, azimuth=azimuth)
    # One scale for everybody, so that small people look small; who climbs gets more room.
    across, below = _seen(np.append(root, 0.0), azimuth)[0]
    top = _seen(world, azimuth)[0][..., 1].max() - below
    axes.set_xlim(across - 1050.0, across + 1050.0)
    axes.set_ylim(below - 350.0, below + max(2050.0, top + 100.0))


def _draw_strip(axes: Axes, xyz: NDArray[np.floating], clip: Clip, dataset: Dataset) -> None:
    """Frames of one clip from left to right, each moved aside so that none hides another."""
    world, looks = _in_world(xyz, clip)
    root = dataset.skeleton.root_index
    right = np.array([np.sin(looks), -np.cos(looks)])
    aside = np.arange(len(world))[:, None] * _STRIDE_MM * right
    world[..., :2] += (aside - world[:, root, :2])[:, None]
    for pose in world:
        draw_pose(axes, pose, dataset.skeleton, azimuth=looks)
    edge = np.stack((-600.0 * right, aside[-1] + 600.0 * right))
    ground = np.column_stack((edge, [0, 0]))
    axes.plot(*_seen(ground, looks)[0].T, color=FLOOR_COLOUR, lw=1.0, zorder=0)


def _spread(dataset: Dataset, count: int) -> NDArray[np.int64]:
    """Rows of ``count`` samples, the actions taking turns."""
    clip = np.asarray(dataset.columns["clip"])
    of_action = {a: [k for k, c in enumerate(dataset.clips) if c.action == a] for a in dataset.actions}
    rows: list[int] = []
    turn = 0
    while len(rows) < min(count, len(dataset)):
        for clips in of_action.values():
            frames = np.flatnonzero(clip == clips[turn % len(clips)])
            rows.append(int(frames[(turn * 7 + len(frames) // 2) % len(frames)]))
        turn += 1
    return np.array(rows[:count], dtype=np.int64)


def _liveliest(dataset: Dataset, rows: NDArray[np.int64]) -> Any:
    """The clip, of those of ``rows``, in which the joints move farthest."""
    clips = np.unique(dataset.columns["clip"][rows])

    def travel(clip: int) -> float:
        frames = np.flatnonzero(dataset.columns["clip"] == clip)
        if len(frames) < 2:
            return 0.0
        xyz = dataset.poses(frames).root_relative().xyz.numpy()
        return float(np.abs(np.diff(xyz, axis=0)).mean() * len(frames))

    return max(clips, key=travel)
