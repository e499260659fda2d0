"""Arms and legs of a figure, bare or in sleeves, trousers and skirts."""

from __future__ import annotations

import numpy as np

from benchsuite.rendering import outfits as worn
from benchsuite.rendering.bodies import Axes, Body, frame_along
from benchsuite.rendering.figures import Figure, Part
from benchsuite.rendering.outfits import Legs, Outfit
from benchsuite.rendering.solids import Floats


def add_arm(figure: Figure, body: Body, outfit: Outfit, at: dict[str, Floats], axes: Axes, side: str) -> None:
    s, m = body.size, body.muscle
    t = s * (0.72 + 0.28 * body.girth) * (1.0 - 0.12 * body.curves)
    upper, fore, hand = (Part[f"{side.upper()}_{name}"] for name in ("UPPER_ARM", "FOREARM", "HAND"))
    shoulder, elbow, wrist = (at[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist"))
    hollow = axes.arms[side]
    r_shoulder, r_elbow, r_wrist = (49 + 5 * m) * t, (38 + 2 * m) * t, 27 * t
    figure.limb(upper, worn.SKIN, shoulder, elbow, r_shoulder - 2, r_elbow, hollow)
    along = (elbow - shoulder) / np.linalg.norm(elbow - shoulder)
    swell = frame_along(along, hollow)
    figure.blob(
        upper,
        worn.SKIN,
        shoulder + 115 * s * along + 6 * t * hollow,
        swell,
        ((42 + 6 * m) * t, (44 + 7 * m) * t, 95 * s),
    )
    figure.limb(fore, worn.SKIN, elbow, wrist, r_elbow, r_wrist, hollow)
    below = (wrist - elbow) / np.linalg.norm(wrist - elbow)
    figure.blob(
        fore,
        worn.SKIN,
        elbow + 75 * s * below,
        frame_along(below, hollow),
        ((43 + 4 * m) * t, (42 + 4 * m) * t, 90 * s),
    )
    ease = 3.0 + outfit.loose
    if outfit.sleeve < 0.3:
        figure.blob(upper, worn.SLEEVE, shoulder, swell, (r_shoulder + 3, r_shoulder + 3, r_shoulder + 3))
    else:
        reach = min(outfit.sleeve, 1.0)
        end = shoulder + reach * (elbow - shoulder)
        wide = r_shoulder + reach * (r_elbow - r_shoulder) + ease
        sleeves = [
            figure.limb(upper, worn.SLEEVE, shoulder, end, r_shoulder + 4, wide, hollow),
            figure.blob(
                upper,
                worn.SLEEVE,
                shoulder + 0.45 * reach * (elbow - shoulder),
                swell,
                (r_shoulder + 0.6 * ease, r_shoulder + 2 + 0.6 * ease, 120 * s * max(reach, 0.7)),
            ),
        ]
        if outfit.sleeve > 1.0:
            cuff = elbow + (outfit.sleeve - 1.0) * (wrist - elbow)
            figure.limb(fore, worn.SLEEVE, elbow, cuff, r_elbow + ease, r_wrist + 5 + 0.5 * ease, hollow)
            figure.blob(
                fore,
                worn.SLEEVE,
                elbow + 75 * s * below,
                frame_along(below, hollow),
                ((44 + 4 * m) * t + 0.8 * ease, (43 + 4 * m) * t + 0.8 * ease, 95 * s),
            )
        figure.paint(sleeves[1:], sleeves[0])
    # The palm looks to the body and a bit back, the thumb ahead.
    sign = 1.0 if side == "r" else -1.0
    thumb = hollow - below * (hollow @ below)
    thumb = thumb / max(float(np.linalg.norm(thumb)), 1e-6)
    across = frame_along(below, np.cross(thumb, below) * sign)
    k = s * (1.0 - 0.06 * body.curves)
    figure.limb(hand, worn.SKIN, wrist + 8 * k * below, wrist + 62 * k * below, 26 * k, 39 * k, across[:, 1], 0.55)
    figure.limb(hand, worn.SKIN, wrist + 70 * k * below, wrist + 142 * k * below, 36 * k, 22 * k, across[:, 1], 0.42)
    figure.limb(
        hand,
        worn.SKIN,
        wrist + 35 * k * below + 24 * k * thumb,
        wrist + 82 * k * below + 52 * k * thumb,
        15 * k,
        11 * k,
        hollow,
    )


def add_leg(figure: Figure, body: Body, outfit: Outfit, at: dict[str, Floats], axes: Axes, side: str) -> None:
    s, m, f = body.size, body.muscle, body.curves
    t = s * (0.6 + 0.4 * body.girth)
    thigh, shin, foot = (Part[f"{side.upper()}_{name}"] for name in ("THIGH", "SHIN", "FOOT"))
    hip, knee, ankle = (at[f"{side}_{name}"] for name in ("hip", "knee", "ankle"))
    looks = axes.knees[side]
    r_hip, r_knee, r_ankle = (83 + 4 * f + 3 * m) * t, (53 - 3 * f) * t, (36 - 3 * f) * t
    bare = {Legs.SHORTS: worn.SKIN, Legs.SKIRT: worn.SKIN}.get(outfit.legs, worn.BOTTOM)
    down = (knee - hip) / np.linalg.norm(knee - hip)
    figure.limb(thigh, bare, hip, knee, r_hip, r_knee, looks)
    swell = 0.88 if outfit.legs is Legs.SHORTS else 1.0  # so that no muscle shows through
    figure.blob(
        thigh,
        bare,
        hip + 0.42 * (knee - hip) + 10 * t * looks,
        frame_along(down, looks),
        (swell * (71 + 5 * m) * t, swell * (76 + 6 * m) * t, 175 * s),
    )
    low = (ankle - knee) / np.linalg.norm(ankle - knee)
    calf = knee + 115 * s * low - 16 * t * looks
    wide = ((50 + 4 * m) * t, (52 + 4 * m) * t, 125 * s)
    trousers = outfit.legs in (Legs.TROUSERS, Legs.TIGHTS)
    close = outfit.legs is Legs.TIGHTS
    end = outfit.reach - 1.0
    row = worn.BOTTOM if trousers else worn.SKIN
    figure.limb(shin, worn.SKIN, knee, ankle, r_knee - 1, r_ankle, looks)
    figure.blob(shin, row, calf, frame_along(low, looks), wide)
    ease = 2.0 if close else 5.0 + 0.8 * outfit.loose
    if trousers:
        over = r_ankle + end * 4 + (2.0 if close else 12.0 + outfit.loose)
        legs = [
            figure.limb(thigh, worn.BOTTOM, hip, knee, r_hip + 0.5 * ease, r_knee + ease, looks),
            figure.limb(shin, worn.BOTTOM, knee, knee + end * (ankle - knee), r_knee + ease, over, looks),
        ]
        if not close:
            legs.append(figure.blob(shin, worn.BOTTOM, calf, frame_along(low, looks), tuple(w + 4.0 for w in wide)))  # type: ignore[arg-type]
    elif outfit.legs is Legs.SHORTS:
        reach = min(outfit.reach, 0.97)
        hemline = hip + reach * (knee - hip)
        over = r_hip + reach * (r_knee - r_hip) + 16.0 + outfit.loose
        figure.limb(thigh, worn.BOTTOM, hip, hemline, r_hip + 8.0, over, looks)
    right, ahead, out = axes.feet[side].T
    sole = ankle - 54 * s * out
    wide_foot = 1.0 - 0.08 * f
    figure.limb(
        foot,
        worn.SHOE,
        ankle - 10 * s * out - 4 * s * ahead,
        ankle + 62 * s * ahead - 40 * s * out,
        r_ankle + 6,
        36 * s * wide_foot,
        right,
    )
    figure.limb(
        foot,
        worn.SHOE,
        sole - 38 * s * ahead + 4 * s * out,
        sole + 148 * s * ahead,
        36 * s * wide_foot,
        38 * s * wide_foot,
        out,
        0.8,
    )
    figure.limb(
        foot,
        worn.SOLE,
        sole - 40 * s * ahead - 14 * s * out,
        sole + 152 * s * ahead - 14 * s * out,
        37 * s * wide_foot,
        39 * s * wide_foot,
        out,
        0.45,
    )


def add_skirt(figure: Figure, body: Body, outfit: Outfit, at: dict[str, Floats], axes: Axes) -> None:
    """A cone from the waist over both thighs, as wide as they spread."""
    s = body.size
    top = at["pelvis"] + 70 * s * axes.hips[:, 2]
    share = min(outfit.reach, 1.0)
    left = at["l_hip"] + share * (at["l_knee"] - at["l_hip"])
    right = at["r_hip"] + share * (at["r_knee"] - at["r_hip"])
    for leg, other in ((left, right), (right, left)):
        end = 0.75 * leg + 0.25 * other
        figure.limb(
            Part.SKIRT, worn.BOTTOM, top, end, 108 * s * body.girth, 108 * s + 2 * outfit.loose, axes.hips[:, 1]
        )
