"""What is around people in the wild: ground, landscape or room, clutter, and what stands before them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchsuite.rendering.outfits import any_colour, linear
from benchsuite.rendering.shots import Shot
from benchsuite.rendering.solids import Floats
from benchsuite.rendering.textures import Pattern, material
from benchsuite.rendering.things import UP, Things


class Place(NamedTuple):
    """Where a person is, as the camera sees it.

    Attributes:
        at: (3,) mm, on the floor below the person.
        away: (3,) unit, along the floor away from the camera.
        aside: (3,) unit, along the floor to the right.
        distance: mm from the camera along the floor.
        eye: mm, the camera's height.
    """

    at: Floats
    away: Floats
    aside: Floats
    distance: float
    eye: float

    def behind(self, far: float, aside: float) -> Floats:
        """A place on the floor so far behind the person and to the side."""
        return self.at + far * self.away + aside * self.aside


def place_of(middle: Floats, shot: Shot) -> Place:
    """The place of a person whose middle is at ``middle`` (3,) mm, before a camera."""
    away = (middle - shot.position) * (1.0, 1.0, 0.0)
    distance = float(np.linalg.norm(away))
    away = away / distance
    aside = np.array([away[1], -away[0], 0.0])
    return Place(middle * (1.0, 1.0, 0.0), away, aside, distance, float(shot.position[2]))


def draw_ground(rng: np.random.Generator, outdoors: bool) -> Floats:
    """The material of the floor."""

    def about(*srgb: int) -> Floats:
        return linear(np.clip(np.array(srgb) * rng.uniform(0.8, 1.2) + rng.normal(0, 8, 3), 10, 255))

    kinds: tuple[tuple[Floats, Floats, Pattern, float], ...]
    if outdoors:  # grass, sand, tarmac, flagstones, clay, snow, earth
        kinds = (
            (about(88, 112, 52), about(58, 80, 34), Pattern.CLOUDS, 500.0),
            (about(200, 180, 140), about(175, 152, 112), Pattern.CLOUDS, 900.0),
            (about(112, 112, 114), about(92, 92, 94), Pattern.CLOUDS, 300.0),
            (about(165, 158, 150), about(120, 114, 108), Pattern.BRICKS, rng.uniform(300, 900)),
            (about(172, 112, 88), about(156, 98, 76), Pattern.CLOUDS, 700.0),
            (about(235, 238, 242), about(215, 220, 230), Pattern.CLOUDS, 1200.0),
            (about(120, 96, 70), about(90, 72, 50), Pattern.CLOUDS, 400.0),
        )
    else:  # planks, tiles, carpets, lino
        kinds = (
            (about(170, 120, 76), about(140, 96, 60), Pattern.STRIPES, rng.uniform(160, 320)),
            (about(200, 196, 190), about(90, 88, 86), Pattern.CHECKS, rng.uniform(500, 1200)),
            (about(140, 72, 62), about(115, 60, 54), Pattern.CLOUDS, 200.0),
            (about(140, 140, 145), about(120, 120, 126), Pattern.PLAIN, 500.0),
            (about(60, 90, 140), about(50, 80, 125), Pattern.PLAIN, 500.0),
            (any_colour(rng), any_colour(rng), Pattern.PLAID, rng.uniform(200, 900)),
        )
    colour, second, pattern, period = kinds[rng.integers(len(kinds))]
    grain, coarse = rng.uniform(0.1, 0.5), rng.uniform(25, 90)
    return material(colour, second, pattern, period, gloss=0.02, grain=grain, coarse=coarse)


_ANY = (
    Pattern.PLAIN,
    Pattern.PLAIN,
    Pattern.RINGS,
    Pattern.STRIPES,
    Pattern.PLAID,
    Pattern.CHECKS,
    Pattern.CLOUDS,
    Pattern.DOTS,
    Pattern.BRICKS,
)


def _any_material(rng: np.random.Generator) -> Floats:
    colour, second, pattern = any_colour(rng), any_colour(rng), _ANY[rng.integers(len(_ANY))]
    period = np.exp(rng.uniform(np.log(60.0), np.log(900.0)))
    gloss, grain, coarse = rng.uniform(0.0, 0.1), rng.uniform(0.0, 0.5), rng.uniform(20.0, 200.0)
    return material(colour, second, pattern, period, gloss=gloss, grain=grain, coarse=coarse)


def surround(rng: np.random.Generator, things: Things, place: Place, outdoors: bool) -> None:
    """Put into ``things`` what is behind, beside and sometimes before the person at a place."""
    (_landscape if outdoors else _room)(rng, things, place)
    for _ in range(rng.integers(1, 8)):
        far, wide = rng.uniform(900.0, 5500.0), rng.uniform(-1.0, 1.0)
        _clutter(rng, things, place.behind(far, wide * (1100.0 + 0.45 * far)))
    if rng.random() < 0.22 and place.distance > 2600.0:
        for _ in range(rng.integers(1, 3)):
            _occluder(rng, things, place)


def _landscape(rng: np.random.Generator, things: Things, place: Place) -> None:
    style = rng.integers(4)
    if style in (0, 1):  # a wood's edge
        for _ in range(rng.integers(3, 9)):
            far = rng.uniform(2500.0, 16000.0)
            _tree(rng, things, place.behind(far, rng.uniform(-1, 1) * (1000 + 0.5 * far)))
    if style == 2:  # houses
        for _ in range(rng.integers(1, 5)):
            far = rng.uniform(7000.0, 22000.0)
            half = np.array([rng.uniform(2000, 6000), rng.uniform(2000, 6000), rng.uniform(1500, 8000)])
            walls, other = any_colour(rng, 0.3), any_colour(rng, 0.05, 0.5)
            pattern = (Pattern.CHECKS, Pattern.BRICKS, Pattern.RINGS, Pattern.PLAID)[rng.integers(4)]
            row = things.made_of(material(walls, other, pattern, rng.uniform(400, 3000), grain=0.2))
            where = place.behind(far + 6000.0, rng.uniform(-1, 1) * 0.6 * far) + half[2] * UP
            things.box(where, half, rng.uniform(0, np.pi), row)
    if rng.random() < 0.5:  # hills
        for _ in range(rng.integers(1, 4)):
            green = linear((70 + rng.uniform(-20, 60), 90 + rng.uniform(-20, 40), 60 + rng.uniform(-20, 40)))
            row = things.made_of(material(green, 0.6 * green, Pattern.CLOUDS, 6000.0, grain=0.3, coarse=1500.0))
            far = rng.uniform(45000.0, 80000.0)
            semi = np.array([rng.uniform(15000, 30000), rng.uniform(10000, 20000), rng.uniform(3000, 12000)])
            things.blob(place.behind(far, rng.uniform(-30000, 30000)), semi, rng.uniform(0, np.pi), row)
    if rng.random() < 0.25:  # a fence or a wall
        row = things.made_of(_any_material(rng))
        half = np.array([60.0, rng.uniform(3000, 12000), rng.uniform(400, 1300)])
        turn = np.arctan2(place.away[1], place.away[0]) + rng.normal(0.0, 0.25)
        things.box(place.behind(rng.uniform(3500, 7000), 0.0) + half[2] * UP, half, turn, row)


def _tree(rng: np.random.Generator, things: Things, where: Floats) -> None:
    bark = linear((90, 70, 52)) * rng.uniform(0.4, 1.2)
    trunk = things.made_of(material(bark, 0.5 * bark, Pattern.STRIPES, 60.0, grain=0.5, coarse=50.0))
    tall, thick = rng.uniform(1500.0, 4500.0), rng.uniform(60.0, 260.0)
    top = where + tall * UP + rng.normal(0, 120, 3) * (1, 1, 0)
    things.pole(where - 100 * UP, top, thick, 0.6 * thick, trunk)
    _foliage(rng, things, top + 300 * UP, rng.uniform(700.0, 1500.0))


def _foliage(rng: np.random.Generator, things: Things, middle: Floats, spread: float) -> None:
    leaf = linear((70 + rng.uniform(-30, 70), 105 + rng.uniform(-30, 45), 45 + rng.uniform(-25, 25)))
    rows = [
        things.made_of(
            material(b * leaf, 0.35 * b * leaf, Pattern.CAMOUFLAGE, rng.uniform(150, 400), grain=0.7, coarse=70.0)
        )
        for b in (0.7, 1.0, 1.35)
    ]
    for _ in range(rng.integers(6, 12)):
        at = middle + rng.normal(0.0, 0.45, 3) * spread * (1.0, 1.0, 0.7)
        row = rows[int(np.clip((at[2] - middle[2]) / spread + 1.5, 0, 2))]
        things.blob(at, spread * rng.uniform(0.25, 0.6, 3), rng.uniform(0, np.pi), row)


def _room(rng: np.random.Generator, things: Things, place: Place) -> None:
    turn = rng.normal(0.0, 0.35)
    back = np.cos(turn) * place.away + np.sin(turn) * place.aside
    side = np.array([back[1], -back[0], 0.0])
    paper = things.made_of(_any_material(rng))
    deep = rng.uniform(1500.0, 5000.0)
    things.plane(place.at + deep * back, -back, UP, paper)
    for sign in (-1.0, 1.0):
        row = paper if rng.random() < 0.6 else things.made_of(_any_material(rng))
        things.plane(place.at + sign * rng.uniform(1800.0, 4500.0) * side, -sign * side, UP, row)
    turn_box = np.arctan2(back[1], back[0])
    for _ in range(rng.integers(0, 4)):  # pictures, doors, windows
        half = np.array([20.0, rng.uniform(150, 700), rng.uniform(150, 1000)])
        where = place.at + (deep - 20.0) * back + rng.uniform(-2000, 2000) * side
        where[2] = max(half[2], rng.uniform(300.0, 2000.0))
        things.box(where, half, turn_box, things.made_of(_any_material(rng)))


def _clutter(rng: np.random.Generator, things: Things, where: Floats) -> None:
    row = things.made_of(_any_material(rng))
    kind = rng.integers(5)
    if kind <= 1:
        half = np.exp(rng.uniform(np.log(120.0), np.log(600.0), 3))
        things.box(where + half[2] * UP, half, rng.uniform(0, np.pi), row)
    elif kind == 2:
        thick = rng.uniform(20.0, 130.0)
        things.pole(
            where,
            where + rng.uniform(600, 3500) * UP + rng.normal(0, 150, 3) * (1, 1, 0),
            thick,
            thick * rng.uniform(0.5, 1),
            row,
        )
    elif kind == 3:
        semi = np.exp(rng.uniform(np.log(150.0), np.log(600.0), 3))
        things.blob(where + rng.uniform(0.3, 1.0) * semi[2] * UP, semi, rng.uniform(0, np.pi), row)
    else:  # a bush
        _foliage(rng, things, where + rng.uniform(150.0, 500.0) * UP, rng.uniform(250.0, 600.0))


def _occluder(rng: np.random.Generator, things: Things, place: Place) -> None:
    """A pole, or what hides the person up to a height or on one side: sizes are as seen at the person's distance."""
    row = things.made_of(_any_material(rng))
    share = rng.uniform(0.5, 1.0 - 900.0 / place.distance)
    nearer = (share - 1.0) * place.distance
    kind = rng.integers(3)
    if kind == 0:
        thick = rng.uniform(25.0, 90.0) * share
        where = place.behind(nearer, rng.uniform(-450.0, 450.0) * share)
        things.pole(where - 200 * UP, where + 6000 * UP, thick, thick, row)
        return
    turn = np.arctan2(place.away[1], place.away[0]) + rng.normal(0.0, 0.2)
    if kind == 1:
        top = place.eye + share * (rng.uniform(200.0, 700.0) - place.eye)
        if top > 60.0:
            half = np.array([rng.uniform(40.0, 150.0), rng.uniform(150.0, 800.0) * share, top / 2])
            where = place.behind(nearer, rng.uniform(-400.0, 400.0) * share)
            things.box(where + half[2] * UP, half, turn, row)
        return
    wide = rng.uniform(100.0, 400.0)
    side = 1.0 if rng.random() < 0.5 else -1.0
    half = np.array([rng.uniform(40.0, 100.0), wide * share, 3000.0])
    where = place.behind(nearer, side * (wide + rng.uniform(60.0, 350.0)) * share)
    things.box(where + (half[2] - 500.0) * UP, half, turn, row)
