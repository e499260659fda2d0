"""A body in its clothes, as a figure of solids: the trunk and the head; its limbs are in ``limbs``."""

from __future__ import annotations

import numpy as np
from benchsuite_registry.skeletons import H36M_17

from benchsuite.rendering import outfits as worn
from benchsuite.rendering.bodies import Axes, Body, axes_of
from benchsuite.rendering.figures import Figure, Part
from benchsuite.rendering.limbs import add_arm, add_leg, add_skirt
from benchsuite.rendering.outfits import Hair, Legs, Outfit
from benchsuite.rendering.solids import Floats


def dress(body: Body, outfit: Outfit, joints: Floats, yaw: float = 0.0) -> Figure:
    """The figure of a body in its clothes.

    Args:
        body: how long and thick.
        outfit: what it wears.
        joints: (17, 3) mm, world.
        yaw: rad, how far the head is turned to the left.
    """
    at = {name: joints[k] for k, name in enumerate(H36M_17.joints)}
    axes = axes_of(body, joints, yaw)
    figure = Figure()
    _torso(figure, body, outfit, at, axes)
    _head(figure, body, outfit, at, axes)
    for side in ("l", "r"):
        add_arm(figure, body, outfit, at, axes, side)
        add_leg(figure, body, outfit, at, axes, side)
    if outfit.legs is Legs.SKIRT:
        add_skirt(figure, body, outfit, at, axes)
    return figure


def _torso(figure: Figure, body: Body, outfit: Outfit, at: dict[str, Floats], axes: Axes) -> None:
    s, g, m, f = body.size, body.girth, body.muscle, body.curves
    thorax, spine, pelvis = at["thorax"], at["spine"], at["pelvis"]
    right, ahead, up = axes.chest.T
    h_right, h_ahead, h_up = axes.hips.T
    half = float(np.linalg.norm(at["r_shoulder"] - at["l_shoulder"])) / 2.0
    front = [
        figure.blob(
            Part.TORSO,
            worn.FRONT,
            thorax - 125 * s * up + 4 * s * ahead,
            axes.chest,
            (0.84 * half * (1 + 0.04 * m), (104 + 5 * m) * s * (0.6 + 0.4 * g), 172 * s),
        )
    ]
    paunch = (g - 1.0) * 130 * s
    middle = [
        figure.blob(
            Part.TORSO,
            worn.FRONT,
            0.55 * spine + 0.45 * pelvis + (6 * s + 0.45 * paunch) * h_ahead,
            axes.hips,
            ((128 - 10 * f) * s * g, 92 * s * g + 0.5 * paunch, 165 * s),
        ),
        figure.blob(
            Part.TORSO,
            worn.FRONT,
            pelvis + 12 * s * h_up,
            axes.hips,
            ((160 + 8 * f) * s * (0.5 + 0.5 * g), (104 + 4 * f) * s * (0.4 + 0.6 * g), 118 * s),
        ),
    ]
    top, flanks = [], []
    for side, sign in (("l", -1.0), ("r", 1.0)):
        shoulder, hip = at[f"{side}_shoulder"], at[f"{side}_hip"]
        yoke = thorax - 12 * s * up
        slope = thorax + 42 * s * up - 8 * s * ahead + sign * 18 * s * right
        outer = 0.78 * shoulder + 0.22 * thorax + 6 * s * up
        armpit = 0.55 * shoulder + 0.45 * thorax - 55 * s * up
        waist = spine - 30 * s * up + sign * (62 - 6 * f) * s * right
        top += [
            figure.limb(Part.TORSO, worn.TOP, yoke, shoulder, (64 + 4 * m) * s, (50 + 5 * m) * s, ahead),
            figure.limb(Part.TORSO, worn.TOP, slope, outer, (43 + 6 * m) * s, (38 + 5 * m) * s, ahead),
        ]
        r_waist, r_low = (70 - 5 * f) * s * g, (80 + 5 * f) * s * (0.5 + 0.5 * g)
        flanks += [
            figure.limb(Part.TORSO, worn.TOP, armpit, waist, (74 + 5 * m) * s, r_waist, ahead, 1.12),
            figure.limb(Part.TORSO, worn.TOP, waist, pelvis + sign * 78 * s * h_right, r_waist, r_low, h_ahead, 1.1),
        ]
        if f > 0.5:
            breast = thorax - 150 * s * up + 62 * s * ahead + sign * 64 * s * right
            front.append(figure.blob(Part.TORSO, worn.FRONT, breast, axes.chest, (64 * s, 52 * s, 64 * s)))
        elif m > 0.2:
            breast = thorax - 95 * s * up + 62 * s * ahead + sign * 68 * s * right
            front.append(figure.blob(Part.TORSO, worn.FRONT, breast, axes.chest, (78 * s, 42 * s, 62 * s)))
        seat = hip - 40 * s * h_ahead - 14 * s * h_up - sign * 8 * s * h_right
        wide = 84 * s * (0.5 + 0.5 * g)
        middle.append(figure.blob(Part.TORSO, worn.TOP, seat, axes.hips, (wide, wide + 3 * f, 94 * s)))
    low = 0.5 * (thorax + spine) - 10 * s * up
    cloth = figure.limb(Part.TORSO, worn.FRONT, low, low + 40 * s * up, 30.0, 30.0, ahead)
    figure.paint([*front, *middle, *top, *flanks], cloth)
    hem = pelvis + (62 if outfit.tucked else -48) * s * h_up
    belt = figure.limb(Part.TORSO, worn.BOTTOM, hem, hem + 40 * s * h_up, 20.0, 20.0, h_ahead)
    figure.gird(middle, belt, worn.FRONT, worn.BOTTOM)
    figure.gird(flanks, belt, worn.TOP, worn.BOTTOM)
    if not outfit.tucked:  # the top hangs over the hips
        hangs = [
            figure.limb(
                Part.TORSO,
                worn.TOP,
                spine + sign * 55 * s * right - 60 * s * h_up,
                pelvis + 8 * s * h_up + sign * (78 + 3 * f) * s * h_right - 8 * s * h_ahead,
                66 * s * g,
                (93 + 4 * f) * s * (0.5 + 0.5 * g) + 0.4 * outfit.loose,
                h_ahead,
                1.16,
            )
            for sign in (-1.0, 1.0)
        ]
        figure.paint(hangs, cloth)
        figure.gird(hangs, belt, worn.TOP, worn.BOTTOM)


def _head(figure: Figure, body: Body, outfit: Outfit, at: dict[str, Floats], axes: Axes) -> None:
    k, s = body.head, body.size
    right, ahead, up = axes.head.T
    middle = at["head_top"] - (114 * k) * up + 8 * k * ahead
    thick = (54 - 8 * body.curves + 4 * body.muscle) * s * (0.6 + 0.4 * body.girth)
    figure.limb(
        Part.NECK,
        worn.SKIN,
        at["thorax"] + 8 * s * axes.chest[:, 2],
        middle - 45 * k * up - 22 * k * ahead,
        thick + 6,
        thick,
        ahead,
    )
    skull = figure.blob(Part.HEAD, worn.FACE, middle, axes.head, (75 * k, 94 * k, 112 * k))
    jaw = figure.blob(
        Part.HEAD,
        worn.FACE,
        middle - 52 * k * up + 24 * k * ahead,
        axes.head,
        ((57 - 5 * body.curves) * k, 62 * k, 64 * k),
    )
    figure.paint([jaw], skull)
    figure.skull = [skull, jaw]
    nose = middle + 92 * k * ahead
    figure.limb(Part.HEAD, worn.SKIN, nose + 8 * k * up, nose - 26 * k * up + 14 * k * ahead, 8 * k, 15 * k, right)
    for sign in (-1.0, 1.0):
        ear = middle + sign * 74 * k * right - 6 * k * up - 6 * k * ahead
        figure.blob(Part.HEAD, worn.SKIN, ear, axes.head, (12 * k, 20 * k, 32 * k))
    if outfit.hair is Hair.BALD:
        return
    back = middle - 16 * k * ahead + 18 * k * up
    cap = outfit.hair is Hair.CAP
    row = worn.CAP if cap else worn.HAIR
    figure.blob(Part.HEAD, row, back + 2 * k * up, axes.head, (82 * k, 95 * k, 106 * k))
    if cap:
        brim = np.cos(0.2) * ahead - np.sin(0.2) * up
        tilted = np.stack((right, brim, np.cross(right, brim)), axis=1)
        figure.blob(Part.HEAD, row, middle + 88 * k * ahead + 44 * k * up, tilted, (70 * k, 82 * k, 9 * k))
        figure.blob(Part.HEAD, worn.HAIR, back - 34 * k * up - 6 * k * ahead, axes.head, (77 * k, 80 * k, 80 * k))
    elif outfit.hair is Hair.LONG:
        nape = at["thorax"] - 40 * s * axes.chest[:, 2] - 92 * s * axes.chest[:, 1]
        top = middle - 40 * k * ahead
        for sign in (-1.0, 1.0):
            start, end = top + sign * 26 * k * right, nape + sign * 34 * k * axes.chest[:, 0]
            figure.limb(Part.HEAD, row, start, end, 62 * k, 44 * k, ahead, 0.8)
    elif outfit.hair is Hair.TAIL:
        knot = middle - 108 * k * ahead + 28 * k * up
        hangs = knot - 60 * k * ahead - np.array([0.0, 0.0, 210 * k])
        figure.limb(Part.HEAD, row, knot, hangs, 34 * k, 16 * k, ahead)
    elif outfit.hair is Hair.BUN:
        knot = middle - 88 * k * ahead + 66 * k * up
        figure.blob(Part.HEAD, row, knot, axes.head, (46 * k, 44 * k, 46 * k))
