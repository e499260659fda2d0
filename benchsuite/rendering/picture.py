"""One picture: a person in a scene before a camera, and the exact truth of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from benchsuite_registry.skeletons import H36M_17
from numpy.typing import NDArray

from benchsuite.datasets.columns import HEAD_PER_DIAGONAL
from benchsuite.rendering.bodies import Floats
from benchsuite.rendering.caster import SAMPLES, cast, probe
from benchsuite.rendering.dressing import dress
from benchsuite.rendering.figures import Figure, Part, soft_parts
from benchsuite.rendering.scenes import Scene
from benchsuite.rendering.shading import Light, Planes, shade
from benchsuite.rendering.shots import Shot
from benchsuite.rendering.solids import Solids, bounds, joined, lowest
from benchsuite.rendering.surfaces import Shades

COVERED_MM, SMALL_MM = 22.0, 14.0
"""A solid casts no shadow of its own if no more than this of it sticks out of another, or if it is as thin as that."""

SLACK_MM = 25.0
"""A joint is hidden by what lies this much nearer than its own limb's surface."""

METERED = 0.24
"""Mean of the linear light that an automatic exposure aims at."""

_LIMB_MM = {"shoulder": 80.0, "elbow": 50.0, "wrist": 36.0, "hip": 130.0, "knee": 66.0, "ankle": 52.0}
"""Half a limb's thickness at its joints, clothes included. The trunk's and the head's joints lie behind their own
surface, however thick it is there."""

_TRUNK = frozenset({Part.TORSO, Part.SKIRT})
_OWN = {
    "pelvis": _TRUNK,
    "spine": _TRUNK,
    "thorax": _TRUNK | {Part.NECK},
    "neck_nose": frozenset({Part.NECK, Part.HEAD}),
    "head_top": frozenset({Part.HEAD}),
}


@dataclass(frozen=True)
class Picture:
    """A picture and its truth; pixel k of a line reaches from k to k + 1.

    Attributes:
        rgb: (S, S, 3) uint8.
        uv: (17, 2) px.
        xyz: (17, 3) mm, camera frame.
        visible: (17,) inside the picture, and neither the rest of the body nor another thing hides it.
        box: (4,) px around the person's pixels, whatever hides them.
        head: px, head size of PCKh.
        focal: (2,) px.
        center: (2,) px.
    """

    rgb: NDArray[np.uint8]
    uv: Floats
    xyz: Floats
    visible: NDArray[np.bool_]
    box: Floats
    head: float
    focal: Floats
    center: Floats


def take_picture(
    scene: Scene, joints: Floats, shot: Shot, side: int, rng: np.random.Generator, *, standing: bool = True
) -> Picture:
    """The square of ``shot``'s image around a person, ``side`` px wide.

    Args:
        scene: where.
        joints: (17, 3) mm, world.
        shot: the camera.
        side: px.
        rng: of the noise.
        standing: whether the lowest part of the person touches the floor, as nobody does who jumps.
    """
    figure = dress(scene.body, scene.outfit, joints, scene.yaw)
    if standing:
        down = lowest(figure.solids())
        figure.lifted(-down)
        joints = joints - (0.0, 0.0, down)
    person = figure.solids().moved(shot.rotation, shot.position)
    things = scene.things.moved(shot.rotation, shot.position)
    clothes = len(scene.outfit.materials)
    solids = joined((person, things._replace(material=things.material + clothes)))
    people = len(person.kind)
    focal, center = _framed(bounds(person, shot.focal, shot.center), scene, shot, side)
    boxes = bounds(solids, focal, center)
    xyz = (joints - shot.position) @ shot.rotation.T
    uv = xyz[:, :2] / xyz[:, 2:] * focal + center
    depth, nearest, mask = cast(solids, boxes, side, focal, center, people)
    planes = scene.planes
    planes = Planes(
        planes.turn @ shot.rotation.T,
        planes.move + planes.turn @ shot.position,
        planes.material + clothes,
    )
    materials = np.concatenate((scene.outfit.materials, scene.materials))
    light = scene.light._replace(towards=shot.rotation @ scene.light.towards, up=shot.rotation @ scene.light.up)
    shades = _shades(figure, person, shot, light)
    linear = shade(depth, nearest, solids, materials, shades, planes, light, focal, center)
    head = boxes[figure.skull]
    low, high = head[:, :2].min(0), head[:, 2:].max(0)
    return Picture(
        rgb=_developed(linear, scene, rng),
        uv=uv,
        xyz=xyz,
        visible=seen(solids, xyz, scene.body.size) & ((uv >= 0) & (uv < side)).all(1),
        box=_tight(mask),
        head=HEAD_PER_DIAGONAL * float(np.linalg.norm(high - low)),
        focal=focal,
        center=center,
    )


def seen(solids: Solids, xyz: Floats, size: float) -> NDArray[np.bool_]:
    """Which joints (17, 3) mm, camera frame, nothing hides: no solid before the surface of the joint's own part.

    Args:
        solids: camera frame.
        xyz: mm.
        size: of the body.
    """
    entry = probe(solids, xyz[:, :2] / xyz[:, 2:])
    first = entry.min(axis=1)
    own = xyz[:, 2].copy()
    stretch = np.linalg.norm(xyz, axis=1) / xyz[:, 2]  # mm along the ray for each mm of depth
    for joint, name in enumerate(H36M_17.joints):
        kind = name.removeprefix("l_").removeprefix("r_")
        if kind in _LIMB_MM:
            own[joint] -= _LIMB_MM[kind] * size / stretch[joint]
        else:
            parts = np.isin(solids.part, [int(part) for part in _OWN[name]])
            own[joint] = min(own[joint], entry[joint, parts].min())
    return np.asarray(first >= own - SLACK_MM / stretch)


def _framed(boxes: Floats, scene: Scene, shot: Shot, side: int) -> tuple[Floats, Floats]:
    """The camera of the square picture around a person whose solids fill ``boxes`` (N, 4) of the shot's image."""
    low, high = boxes[:, :2].min(0), boxes[:, 2:].max(0)
    longer = float((high - low).max())
    corner = (low + high) / 2 + scene.shift * longer - scene.margin * longer / 2
    factor = side / (scene.margin * longer)
    return shot.focal * factor, (shot.center - corner) * factor


def _shades(figure: Figure, person: Solids, shot: Shot, light: Light) -> Shades:
    """What casts shadows: all of a person's solids but those that lie within others."""
    ends, radii = np.array(figure.ends), np.array(figure.radii)
    along = ends[:, :1] + np.linspace(0.0, 1.0, 5)[None, :, None] * (ends[:, 1:] - ends[:, :1])
    gap = np.linalg.norm(along[:, None, :, None] - along[None, :, None, ::2], axis=-1).min(axis=2)
    # [n, m] how far the farther end of m lies from n; within it, if it is as thin as that, or later of two alike
    beyond = gap.max(axis=2) + radii[None] - radii[:, None]
    within = beyond < COVERED_MM
    within &= ~(within.T & (np.arange(len(radii))[:, None] > np.arange(len(radii))))
    np.fill_diagonal(within, False)
    large = np.flatnonzero(~within.any(axis=0) & (radii > SMALL_MM))
    soft = soft_parts()[person.part][:, person.part] & (gap.min(axis=2) < radii[:, None] + radii[None] + 80.0)
    seen_ends = (ends[large] - shot.position) @ shot.rotation.T
    return Shades(large, person.turn[large] @ light.towards, seen_ends, radii[large], soft)


def _tight(mask: NDArray[np.bool_]) -> Floats:
    """Box x0 y0 x1 y1 px around the samples of a mask; NaN where there are none."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return np.full(4, np.nan)
    edges = np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float64)
    return np.asarray(edges / SAMPLES)


def _developed(linear: Floats, scene: Scene, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The picture as a camera keeps it: blurred, gamma, noise."""
    light = linear * scene.exposure
    if scene.metered:
        light = light * np.clip(METERED / light.mean(), 0.7, 2.5)
    light = light / (1.0 + 0.12 * light)  # bright places saturate softly
    if scene.blur > 0.0:
        weight = np.exp(-0.5 * (np.arange(-2, 3) / scene.blur) ** 2)
        weight /= weight.sum()
        for axis in (0, 1):
            padded = np.pad(light, [(2, 2) if a == axis else (0, 0) for a in range(3)], mode="edge")
            parts = (np.take(padded, range(k, k + light.shape[axis]), axis=axis) for k in range(5))
            light = sum(w * part for w, part in zip(weight, parts, strict=True))
    levels = 255.0 * np.minimum(light, 1.0) ** (1.0 / 2.2)
    levels += rng.normal(0.0, 1.0, levels.shape) * scene.noise
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)
