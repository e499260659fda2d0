"""Pictures of poses: red for the left side and the torso, blue for the right, as in the paper."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from benchsuite_registry.skeletons import Skeleton
from numpy.typing import NDArray

from benchsuite.datasets.columns import Clip, WrongDataset
from benchsuite.datasets.dataset import Dataset

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT_COLOUR, RIGHT_COLOUR, FLOOR_COLOUR, SHADOW_COLOUR = "#d1352b", "#2b6cb8", "#d9d9d9", "#c4c4c4"
GHOST_COLOUR = "#8a8a8a"
_ELEVATION = np.radians(14.0)
_TILE_MM = 500.0
_STRIDE_MM = 1000.0
_HALF_WIDTH_MM = 1050.0


class NoMatplotlib(ImportError):
    """matplotlib is not installed; says how to get it."""


def check_matplotlib() -> None:
    """Raises ``NoMatplotlib`` if nothing can be drawn: to be asked before the work that a picture shows."""
    try:
        import matplotlib.figure  # noqa: F401 - whether it can be imported is the question
    except ImportError as error:
        raise NoMatplotlib(f"pictures need matplotlib: pip install benchsuite[viz] ({error})") from None


def new_figure(width: float, height: float) -> Figure:
    check_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def draw_pose(
    axes: Axes,
    xyz: NDArray[np.floating],
    skeleton: Skeleton,
    *,
    azimuth: float = 0.0,
    width: float = 2.5,
    ghost: bool = False,
) -> None:
    """Draw one pose, axes equal.

    Args:
        axes: two-dimensional axes.
        xyz: (J, 2) px, as the camera sees it, or (J, 3) mm, world frame: seen from a little above, with its shadow.
        skeleton: of the joints.
        azimuth: rad, from which side a pose in the world is seen.
        width: of the bones, points.
        ghost: grey, behind other poses, without a shadow.
    """
    flat, depth = (xyz, np.zeros(len(xyz))) if xyz.shape[-1] == 2 else _seen(xyz, azimuth)
    bones = [bone for bone in skeleton.bones if np.isfinite(xyz[list(bone)]).all()]
    if xyz.shape[-1] == 3 and not ghost:
        shadow, _ = _seen(xyz * (1.0, 1.0, 0.0), azimuth)
        for parent, child in bones:
            axes.plot(*shadow[[parent, child]].T, color=SHADOW_COLOUR, lw=width, solid_capstyle="round", zorder=1)
    for parent, child in bones:
        right = skeleton.joints[child].startswith("r_")
        colour = GHOST_COLOUR if ghost else RIGHT_COLOUR if right else LEFT_COLOUR
        nearness = -float(depth[[parent, child]].mean())
        order = (5 if ghost else 10) + nearness / 1e4
        axes.plot(*flat[[parent, child]].T, color=colour, lw=width, solid_capstyle="round", zorder=order)
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


def draw_keypoints(
    axes: Axes,
    uv: NDArray[np.floating],
    visible: NDArray[np.bool_],
    skeleton: Skeleton,
    rgb: NDArray[np.uint8] | None = None,
) -> None:
    """Draw one person's keypoints (J, 2) px as the camera sees them, over the picture (H, W, 3) if there is one; bones
    between visible joints, and those joints."""
    shown = np.where(visible[:, None], uv, np.nan) * (1.0, -1.0)
    if rgb is not None:
        axes.imshow(rgb, extent=(0.0, rgb.shape[1], -rgb.shape[0], 0.0))
    draw_pose(axes, shown, skeleton, width=2.0 if rgb is None else 1.2)
    for joint, (across, up) in zip(skeleton.joints, shown, strict=True):
        colour = RIGHT_COLOUR if joint.startswith("r_") else LEFT_COLOUR
        axes.plot(across, up, ".", color=colour, ms=4.0, zorder=12)


def draw_views(panels: Sequence[Axes], xyz: NDArray[np.floating], skeleton: Skeleton, clip: Clip) -> None:
    """Draw one pose (J, 3) mm, camera frame, on three panels: from the front, as the camera looks, from its right-hand
    side, and from the top."""
    front, side, top = panels
    world, looks = in_world(xyz[None].astype(np.float64), clip)
    for axes, turn in ((front, 0.0), (side, np.pi / 2)):
        draw_standing(axes, world[0], skeleton, looks + turn)
    draw_from_above(top, world[0], skeleton, looks)


def draw_standing(
    axes: Axes,
    world: NDArray[np.floating],
    skeleton: Skeleton,
    azimuth: float,
    *,
    ghost: tuple[NDArray[np.floating], Skeleton] | None = None,
) -> None:
    """Draw one pose (J, 3) mm, world frame, on its floor, and perhaps another as its ghost.

    All are drawn to one scale, so that small people look small; who climbs or stretches out gets more room.
    """
    place = skeleton.root_of(world)[:2]
    draw_floor(axes, place - 700.0, place + 700.0, azimuth)
    if ghost:
        draw_pose(axes, *ghost, azimuth=azimuth, width=1.8, ghost=True)
    draw_pose(axes, world, skeleton, azimuth=azimuth)
    across, below = _seen(np.append(place, 0.0), azimuth)[0]
    both, _ = _seen(world if ghost is None else np.concatenate((world, ghost[0])), azimuth)
    half = max(_HALF_WIDTH_MM, np.nanmax(np.abs(both[:, 0] - across)) + 50.0)
    axes.set_xlim(across - half, across + half)
    axes.set_ylim(below - 350.0, below + max(2050.0, np.nanmax(both[:, 1]) - below + 100.0))


def draw_from_above(
    axes: Axes, world: NDArray[np.floating], skeleton: Skeleton, azimuth: float, *, ghost: bool = False
) -> None:
    """Draw one pose (J, 3) mm, world frame, as seen from above by somebody who looks along ``azimuth``."""
    ahead = np.array([np.cos(azimuth), np.sin(azimuth)])
    across = np.array([ahead[1], -ahead[0]])
    place = skeleton.root_of(world)[:2]
    flat = (world[:, :2] - place) @ np.stack((across, ahead), axis=1)
    draw_pose(axes, flat, skeleton, ghost=ghost)
    half = np.maximum((_HALF_WIDTH_MM, 0.7 * _HALF_WIDTH_MM), np.nanmax(np.abs(flat), axis=0) + 50.0)
    axes.set_xlim(-half[0], half[0])
    axes.set_ylim(-half[1], half[1])


def contact_sheet(dataset: Dataset, *, columns: int = 6, rows: int = 1, strip: int = 12) -> Figure:
    """A sheet of samples spread over the clips: keypoints as the camera sees them and, where there is 3D, the pose from
    the front, the side and the top; below them one clip, unless all are single images.

    Args:
        dataset: 2D or 3D.
        columns: samples side by side.
        rows: of samples; twice as many are drawn where there is no 3D.
        strip: frames of the clip at the foot of the sheet.

    Raises:
        NoMatplotlib: matplotlib is not installed.
        WrongDataset: the dataset is empty.
    """
    if not len(dataset):
        raise WrongDataset(f"dataset {dataset.about.name} is empty: there is nothing to draw")
    solid = "xyz" in dataset.columns
    rows = rows if solid else 2 * rows
    chosen = spread(dataset, rows * columns)
    liveliest = _liveliest(dataset, chosen) if solid else None
    pictures = dataset.columns.get("rgb")
    seen_height = 1.7 if pictures is None else 1.85
    panels = [seen_height, 2.0, 2.0, 1.3] if solid else [seen_height]
    heights = panels * rows + [2.0] * (liveliest is not None)
    figure = new_figure(2.3 * columns, 1.25 * sum(heights))
    grid = figure.add_gridspec(len(heights), columns, height_ratios=heights)
    for k, sample in enumerate(chosen):
        clip = dataset.clips[dataset.columns["clip"][sample]]
        first = k // columns * len(panels)
        seen, *views = (figure.add_subplot(grid[first + panel, k % columns]) for panel in range(len(panels)))
        uv, visible = dataset.columns["uv"][sample], dataset.columns["visible"][sample]
        draw_keypoints(seen, uv, visible, dataset.skeleton, None if pictures is None else pictures[sample])
        seen.set_title(clip.action or clip.name, fontsize=10)
        if views:
            draw_views(views, dataset.columns["xyz"][sample], dataset.skeleton, clip)
    if liveliest is not None:
        frames = np.flatnonzero(dataset.columns["clip"] == liveliest)
        frames = frames[np.unique(np.linspace(0, len(frames) - 1, min(strip, len(frames))).round().astype(int))]
        clip = dataset.clips[liveliest]
        below = figure.add_subplot(grid[-1, :])
        _draw_strip(below, dataset.poses(frames).xyz.numpy().astype(np.float64), clip, dataset)
        below.set_title(f"{clip.name}: {clip.action}", fontsize=10)
    return figure


def _seen(xyz: NDArray[np.floating], azimuth: float) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Where world points (..., 3) fall on a distant viewer's picture, and how far behind it they lie."""
    away = np.array([np.cos(azimuth), np.sin(azimuth), 0.0])  # from the viewer, along the floor
    right = np.array([np.sin(azimuth), -np.cos(azimuth), 0.0])
    up = -np.sin(_ELEVATION) * -away + np.cos(_ELEVATION) * np.array([0.0, 0.0, 1.0])
    return np.stack((xyz @ right, xyz @ up), axis=-1), xyz @ (away * np.cos(_ELEVATION) - [0, 0, np.sin(_ELEVATION)])


def turned(xyz: NDArray[np.floating], clip: Clip) -> tuple[NDArray[np.floating], float]:
    """Camera-frame points (..., J, 3) along the world's axes, and the azimuth the camera looks along.

    A camera whose rotation is not known is taken to be level.
    """
    if clip.rotation is None:
        return xyz[..., [0, 2, 1]] * (1.0, 1.0, -1.0), np.pi / 2
    rotation = np.reshape(clip.rotation, (3, 3))
    return xyz @ rotation, float(np.arctan2(rotation[2, 1], rotation[2, 0]))


def in_world(xyz: NDArray[np.floating], clip: Clip) -> tuple[NDArray[np.floating], float]:
    """World-frame poses of camera-frame ones, and the azimuth the camera looks along.

    Where the camera's place is not known the lowest joint stands on the floor.
    """
    world, looks = turned(xyz, clip)
    if clip.rotation is None or clip.position is None:
        return world - [0, 0, np.nanmin(world[..., 2])], looks
    return world + clip.position, looks


def _draw_strip(axes: Axes, xyz: NDArray[np.floating], clip: Clip, dataset: Dataset) -> None:
    """Frames of one clip from left to right, each moved aside so that none hides another."""
    world, looks = in_world(xyz, clip)
    root = dataset.skeleton.root_of(world)
    right = np.array([np.sin(looks), -np.cos(looks)])
    aside = np.arange(len(world))[:, None] * _STRIDE_MM * right
    world[..., :2] += (aside - root[:, :2])[:, None]
    for pose in world:
        draw_pose(axes, pose, dataset.skeleton, azimuth=looks)
    edge = np.stack((-600.0 * right, aside[-1] + 600.0 * right))
    ground = np.column_stack((edge, [0, 0]))
    axes.plot(*_seen(ground, looks)[0].T, color=FLOOR_COLOUR, lw=1.0, zorder=0)


def spread(dataset: Dataset, count: int) -> NDArray[np.int64]:
    """Rows of ``count`` samples, the actions taking turns."""
    clip = np.asarray(dataset.columns["clip"])
    of_action: dict[str, list[int]] = {}
    for number in np.unique(clip).tolist():  # a clip may be listed and hold no frame
        of_action.setdefault(dataset.clips[number].action, []).append(number)
    rows: list[int] = []
    turn = 0
    while len(rows) < min(count, len(dataset)):
        for clips in of_action.values():
            frames = np.flatnonzero(clip == clips[turn % len(clips)])
            rows.append(int(frames[(turn * 7 + len(frames) // 2) % len(frames)]))
        turn += 1
    return np.array(rows[:count], dtype=np.int64)


def _liveliest(dataset: Dataset, rows: NDArray[np.int64]) -> Any:
    """The clip, of those of ``rows``, in which the joints move farthest; None if nothing moves."""
    clips = np.unique(dataset.columns["clip"][rows])

    def travel(clip: int) -> float:
        frames = np.flatnonzero(dataset.columns["clip"] == clip)
        if len(frames) < 2:
            return 0.0
        xyz = dataset.poses(frames).root_relative().xyz.numpy()
        return float(np.abs(np.diff(xyz, axis=0)).mean() * len(frames))

    distance = {clip: travel(clip) for clip in clips} if dataset.about.fps else {}
    return max(distance, key=lambda clip: distance[clip]) if any(distance.values()) else None
