"""Scenes: all of a picture but the pose and the camera. World frame, Z up, mm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchsuite.rendering.bodies import Body, draw_body
from benchsuite.rendering.outfits import Outfit, draw_outfit, linear
from benchsuite.rendering.shading import Light, Planes
from benchsuite.rendering.shots import Shot
from benchsuite.rendering.solids import Floats, Solids
from benchsuite.rendering.surroundings import draw_ground, place_of, surround
from benchsuite.rendering.textures import COLOUR, SECOND, material
from benchsuite.rendering.things import UP, Things

_WALL_MM = 6500.0


@dataclass(frozen=True)
class Scene:
    """All of a picture but the person's pose and the camera.

    Attributes:
        body: the person's.
        outfit: what they wear.
        yaw: rad, how far the head is turned.
        things: solids that are not the person; their materials count from the first of ``materials``.
        planes: the floor and walls.
        materials: (M, 16) of things and planes.
        light: in the world's frame.
        margin: side of the picture over the longer side of the person.
        shift: (2,) where the person's middle is, of that longer side.
        exposure: factor of the light.
        metered: whether the camera sets its exposure by the light there is.
        blur: px, standard deviation.
        noise: of 255, standard deviation.
    """

    body: Body
    outfit: Outfit
    yaw: float
    things: Solids
    planes: Planes
    materials: Floats
    light: Light
    margin: float
    shift: Floats
    exposure: float = 1.0
    metered: bool = False
    blur: float = 0.0
    noise: float = 0.0


def lab_scene(person: np.random.Generator, rng: np.random.Generator) -> Scene:
    """A subject in the lab: the body and clothes follow from ``person``, what differs between pictures from ``rng``."""
    body = draw_body(person)
    outfit = draw_outfit(person, body.curves, plain=True)
    room = Things()
    floor = room.made_of(material(linear((128, 112, 100)), gloss=0.02, grain=0.10, coarse=120.0))
    wall = room.made_of(material(linear((186, 184, 178)), gloss=0.0, grain=0.03, coarse=900.0))
    room.plane(np.zeros(3), UP, np.array([0.0, 1.0, 0.0]), floor)
    for out in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)):
        normal = np.array([*out, 0.0])
        room.plane(-_WALL_MM * normal, normal, UP, wall)
    towards = np.array([-0.35, -0.5, 0.8])
    light = Light(
        towards / np.linalg.norm(towards),
        np.array([0.95, 0.92, 0.87]),
        np.array([0.66, 0.67, 0.70]),
        np.array([0.34, 0.31, 0.28]),
        UP,
        0.12,
        np.zeros(3),
        np.zeros(3),
        np.inf,
    )
    return Scene(
        body,
        outfit,
        float(np.clip(rng.normal(0.0, 0.25), -0.8, 0.8)),
        room.solids(),
        room.planes(),
        room.materials(),
        light,
        float(rng.uniform(1.3, 1.45)),
        rng.uniform(-0.03, 0.03, 2),
        noise=1.5,
    )


def wild_scene(rng: np.random.Generator, shot: Shot, middle: Floats) -> Scene:
    """A scene of its own for one picture, around a person whose middle is at ``middle``, before ``shot``."""
    body = draw_body(rng)
    outfit = draw_outfit(rng, body.curves)
    things = Things()
    outdoors = bool(rng.random() < 0.62)
    ground = draw_ground(rng, outdoors)
    heading = rng.uniform(-np.pi, np.pi)
    things.plane(np.zeros(3), UP, np.array([np.cos(heading), np.sin(heading), 0.0]), things.made_of(ground))
    surround(rng, things, place_of(middle, shot), outdoors)
    bare = 0.5 * (ground[COLOUR : COLOUR + 3] + ground[SECOND : SECOND + 3])
    light = _daylight(rng, bare) if outdoors else _lamplight(rng, bare)
    margin = float(rng.uniform(1.28, 1.7))
    shift = rng.uniform(-0.5, 0.5, 2) * min(margin - 1.2, 0.3)
    return Scene(
        body,
        outfit,
        float(np.clip(rng.normal(0.0, 0.35), -0.9, 0.9)),
        things.solids(),
        things.planes(),
        things.materials(),
        light,
        margin,
        shift,
        exposure=float(np.exp(rng.normal(0.0, 0.2))),
        metered=True,
        blur=float(rng.choice((0.0, rng.uniform(0.3, 0.9)), p=(0.6, 0.4))),
        noise=float(rng.uniform(0.5, 5.0)),
    )


def _daylight(rng: np.random.Generator, ground: Floats) -> Light:
    sun = rng.random() < 0.65
    towards = _somewhere_above(rng, 0.3, 1.3)
    strength = rng.uniform(0.8, 1.3) if sun else rng.uniform(0.15, 0.4)
    warm = rng.uniform(0.0, 0.35)
    colour = strength * np.array([1.0 + 0.15 * warm, 0.96 - 0.1 * warm, 0.90 - 0.5 * warm])
    sky = rng.uniform(0.32, 0.5) if sun else rng.uniform(0.65, 0.9)
    blue = rng.uniform(0.0, 0.5) if sun else 0.1
    high = linear((235 - 150 * blue * 1.2, 238 - 90 * blue, 245 - 20 * blue))
    low = linear((225, 228, 232)) * rng.uniform(0.6, 1.0)
    tint = sky * np.array([1.0 - 0.2 * blue, 1.0, 1.0 + 0.2 * blue])
    haze = float(rng.choice((np.inf, np.exp(rng.uniform(np.log(4e4), np.log(3e5))))))
    return Light(
        towards, colour, tint, 0.5 * ground * (0.5 * strength + sky), UP, 0.04 if sun else 0.6, high, low, haze
    )


def _lamplight(rng: np.random.Generator, ground: Floats) -> Light:
    towards = _somewhere_above(rng, 0.5, 1.4)
    strength, warm = rng.uniform(0.45, 1.0), rng.uniform(-0.1, 0.45)
    colour = strength * np.array([1.0 + 0.1 * warm, 0.95, 0.92 - 0.5 * warm])
    around = rng.uniform(0.3, 0.6) * np.array([1.0 + 0.1 * warm, 0.97, 0.95 - 0.3 * warm])
    dark = linear((190, 185, 180))
    return Light(
        towards, colour, around, 0.6 * ground * (strength + 0.4), UP, rng.uniform(0.08, 0.35), dark, dark, np.inf
    )


def _somewhere_above(rng: np.random.Generator, low: float, high: float) -> Floats:
    azimuth, elevation = rng.uniform(-np.pi, np.pi), rng.uniform(low, high)
    flat = np.cos(elevation)
    return np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)])
