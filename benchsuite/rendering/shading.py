"""Colours of a picture's samples: surfaces in direct light, light from the sky and the floor, shadows and haze."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchsuite.rendering.caster import NOTHING, SAMPLES
from benchsuite.rendering.compiling import compiled
from benchsuite.rendering.solids import Floats, Ints, Solids
from benchsuite.rendering.surfaces import Shades, blended, lit, openness, own_frame, painted
from benchsuite.rendering.textures import GLOSS, clouds, colour_at

SKY = -2
"""What is seen where there is no solid: the sky, or plane ``SKY - 1 - n``."""


class Planes(NamedTuple):
    """P endless planes behind everything: the floor and walls; each is z = 0 of its frame, seen from z > 0.

    Attributes:
        turn: (P, 3, 3), with ``move`` as of solids.
        move: (P, 3).
        material: (P,) row of the materials.
    """

    turn: Floats
    move: Floats
    material: Ints


class Light(NamedTuple):
    """How a scene is lit, in the camera's frame.

    Attributes:
        towards: (3,) unit, to the light.
        colour: (3,) of the direct light.
        sky: (3,) of what comes from above.
        bounce: (3,) of what comes from below.
        up: (3,) unit.
        soft: tangent of half the angle under which the light is seen.
        zenith: (3,) colour of the sky above.
        horizon: (3,) and at the horizon.
        haze_mm: distance at which the horizon's colour takes over; infinity without haze.
    """

    towards: Floats
    colour: Floats
    sky: Floats
    bounce: Floats
    up: Floats
    soft: float
    zenith: Floats
    horizon: Floats
    haze_mm: float


@compiled
def behind(planes: Planes, dx: float, dy: float) -> tuple[int, float]:
    """The nearest plane along a ray of depth 1, and its depth; the sky where there is none."""
    best, t = SKY, np.inf
    for p in range(len(planes.material)):
        slope = planes.turn[p, 2, 0] * dx + planes.turn[p, 2, 1] * dy + planes.turn[p, 2, 2]
        away = planes.move[p, 2]
        if slope < 0.0 < away and -away / slope < t:
            best, t = SKY - 1 - p, -away / slope
    return best, t


@compiled
def sky_at(light: Light, dx: float, dy: float) -> tuple[float, float, float]:
    """The sky's colour along a ray of depth 1."""
    norm = np.sqrt(dx * dx + dy * dy + 1.0)
    high = (light.up[0] * dx + light.up[1] * dy + light.up[2]) / norm
    s = min(max(high * 2.5, 0.0), 1.0) ** 0.6
    near = abs(high) + 0.25
    cover = clouds(3.0 * dx / near + 50.0, 3.0 / near, 3.0 * dy + 9.0)
    cover = 0.5 * min(max(3.0 * cover - 1.4, 0.0), 1.0)
    r = light.horizon[0] + s * (light.zenith[0] - light.horizon[0])
    g = light.horizon[1] + s * (light.zenith[1] - light.horizon[1])
    b = light.horizon[2] + s * (light.zenith[2] - light.horizon[2])
    return r + cover * (0.9 - r), g + cover * (0.9 - g), b + cover * (0.9 - b)


@compiled
def is_even(solids: Solids, planes: Planes, materials: Floats, n: int) -> bool:
    """Whether a surface has no edges within it, so that one sample stands for a whole pixel of it."""
    if n == SKY:
        return True
    if n >= 0 and solids.belt[n] >= 0:
        return False
    row = solids.material[n] if n >= 0 else planes.material[SKY - 1 - n]
    return bool((materials[row, 0] == 0.0 or materials[row, 0] == 5.0) and materials[row, 14] == 0.0)


@compiled
def around_person(shades: Shades) -> tuple[float, float, float, float]:
    """Middle and radius of a ball that holds the person, roughly."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for k in range(len(shades.ends)):
        for c in range(3):
            low[c] = min(low[c], shades.ends[k, 0, c], shades.ends[k, 1, c])
            high[c] = max(high[c], shades.ends[k, 0, c], shades.ends[k, 1, c])
    middle = 0.5 * (low + high)
    return middle[0], middle[1], middle[2], 0.5 * np.sqrt(np.sum((high - low) ** 2)) + 120.0


@compiled
def reached(
    solids: Solids,
    shades: Shades,
    light: Light,
    ball: tuple[float, float, float, float],
    n: int,
    x: float,
    y: float,
    z: float,
    nx: float,
    ny: float,
    nz: float,
) -> tuple[float, float]:
    """How much direct light, and how much of that from all around, comes past the person to a point of surface ``n``.

    Only where the person, who is in ``ball``, can matter is it looked into.
    """
    shadow, opened = 1.0, 1.0
    facing = nx * light.towards[0] + ny * light.towards[1] + nz * light.towards[2]
    vx, vy, vz, reach = ball[0] - x, ball[1] - y, ball[2] - z, ball[3]
    along = vx * light.towards[0] + vy * light.towards[1] + vz * light.towards[2]
    apart = np.sqrt(vx * vx + vy * vy + vz * vz)
    beside = np.sqrt(max(apart * apart - along * along, 0.0))
    if facing > 0.0 and along > -reach and beside < reach + light.soft * apart:
        shadow = lit(solids, shades, n, light.soft, x, y, z)
    if apart < 2.0 * reach:
        opened = openness(shades, n, x, y, z, nx, ny, nz)
        if apart > reach:  # fades out, without an edge
            opened += (1.0 - opened) * (apart / reach - 1.0)
    return shadow, opened


@compiled
def seen_light(
    light: Light,
    albedo: tuple[float, float, float],
    gloss: float,
    shadow: float,
    opened: float,
    x: float,
    y: float,
    z: float,
    nx: float,
    ny: float,
    nz: float,
) -> tuple[float, float, float]:
    """The light that comes from a point of a surface to the camera: Lambert's, a highlight, and haze before it."""
    facing = nx * light.towards[0] + ny * light.towards[1] + nz * light.towards[2]
    direct = max(facing, 0.0) * shadow
    above = 0.5 + 0.5 * (nx * light.up[0] + ny * light.up[1] + nz * light.up[2])
    # The highlight: how nearly the normal is half way between the light and the eye.
    norm = np.sqrt(x * x + y * y + z * z)
    hx, hy, hz = light.towards[0] - x / norm, light.towards[1] - y / norm, light.towards[2] - z / norm
    half = np.sqrt(hx * hx + hy * hy + hz * hz) + 1e-30
    shine = max(0.0, (nx * hx + ny * hy + nz * hz) / half)
    shine = gloss * shadow * shine**24 if facing > 0.0 else 0.0
    fade = 1.0 - np.exp(-z / light.haze_mm)
    r, g, b = albedo
    cr, cg, cb = light.colour[0], light.colour[1], light.colour[2]
    r = r * (direct * cr + (light.bounce[0] + above * (light.sky[0] - light.bounce[0])) * opened) + shine * cr
    g = g * (direct * cg + (light.bounce[1] + above * (light.sky[1] - light.bounce[1])) * opened) + shine * cg
    b = b * (direct * cb + (light.bounce[2] + above * (light.sky[2] - light.bounce[2])) * opened) + shine * cb
    return (
        r + fade * (light.horizon[0] - r),
        g + fade * (light.horizon[1] - g),
        b + fade * (light.horizon[2] - b),
    )


@compiled
def shade(
    depth: Floats,
    nearest: NDArray[np.int32],
    solids: Solids,
    materials: Floats,
    shades: Shades,
    planes: Planes,
    light: Light,
    focal: Floats,
    center: Floats,
) -> Floats:
    """The picture (side, side, 3), linear light.

    Args:
        depth: of ``cast``; as ``nearest``.
        nearest: the solid of each sample.
        solids: camera frame, the person's first.
        materials: (M, 16).
        shades: what casts shadows.
        planes: behind everything.
        light: of the scene.
        focal: (2,) px.
        center: (2,) px.
    """
    side = len(depth) // SAMPLES
    picture = np.zeros((side, side, 3))
    each = SAMPLES * SAMPLES
    what, far = np.empty(each, np.int64), np.empty(each)
    ball = around_person(shades)
    for row in range(side):
        for column in range(side):
            alike = True
            for k in range(each):
                v, u = row * SAMPLES + k // SAMPLES, column * SAMPLES + k % SAMPLES
                what[k], far[k] = nearest[v, u], depth[v, u]
                if what[k] == NOTHING:
                    dx, dy = ((u + 0.5) / SAMPLES - center[0]) / focal[0], ((v + 0.5) / SAMPLES - center[1]) / focal[1]
                    what[k], far[k] = behind(planes, dx, dy)
                alike = alike and what[k] == what[0]
            alike = alike and is_even(solids, planes, materials, what[0])
            last, shadow, opened = NOTHING, 1.0, 1.0  # neighbouring samples of one surface share its shadow
            for k in range(1 if alike else each):
                right, down = column + (k % SAMPLES + 0.5) / SAMPLES, row + (k // SAMPLES + 0.5) / SAMPLES
                z, n, share = far[k], what[k], 1.0 / each
                if alike:
                    right, down, z, share = column + 0.5, row + 0.5, np.mean(far), 1.0
                dx, dy = (right - center[0]) / focal[0], (down - center[1]) / focal[1]
                if n == SKY:
                    r, g, b = sky_at(light, dx, dy)
                else:
                    x, y = dx * z, dy * z
                    if n < 0:
                        p = SKY - 1 - n
                        nx, ny, nz = planes.turn[p, 2, 0], planes.turn[p, 2, 1], planes.turn[p, 2, 2]
                        px, py, pz = own_frame(planes.turn, planes.move, p, x, y, z)
                        kind = planes.material[p]
                    else:
                        nx, ny, nz = blended(solids, n, shades.near, x, y, z)
                        kind, px, py, pz = painted(solids, n, x, y, z)
                    if n != last:
                        last = n
                        shadow, opened = reached(solids, shades, light, ball, n, x, y, z, nx, ny, nz)
                    colour, gloss = colour_at(materials, kind, px, py, pz), materials[kind, GLOSS]
                    r, g, b = seen_light(light, colour, gloss, shadow, opened, x, y, z, nx, ny, nz)
                picture[row, column, 0] += share * r
                picture[row, column, 1] += share * g
                picture[row, column, 2] += share * b
    return picture
