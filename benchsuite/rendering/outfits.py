"""Skin, hair and clothes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from benchsuite.rendering.textures import Pattern, Print, material

Floats = NDArray[np.float64]

SKINS = np.array(
    [(255, 219, 190), (241, 194, 160), (224, 172, 130), (198, 134, 88), (153, 98, 62), (118, 74, 48), (84, 54, 38)]
)
HAIRS = np.array(
    [(20, 16, 14), (45, 30, 20), (80, 52, 30), (120, 80, 42), (176, 132, 74), (150, 66, 34), (140, 138, 135)]
)


class Hair(Enum):
    """How the hair is worn."""

    SHORT = "short"
    LONG = "long"
    TAIL = "tail"
    BUN = "bun"
    BALD = "bald"
    CAP = "cap"


class Legs(Enum):
    """What is worn on the legs."""

    TROUSERS = "trousers"
    TIGHTS = "tights"
    SHORTS = "shorts"
    SKIRT = "skirt"


SKIN, FACE, HAIR, TOP, FRONT, SLEEVE, BOTTOM, SHOE, SOLE, CAP = range(10)
"""Rows of an outfit's materials; the front of the top is what may carry a print."""


@dataclass(frozen=True)
class Outfit:
    """What a person wears.

    Attributes:
        materials: (10, 16), by the names above.
        hair: how it is worn.
        sleeve: how far the sleeves reach: 0 to the shoulder, 1 to the elbow, 2 to the wrist.
        legs: what is worn on them.
        reach: how far that reaches: 1 to the knee, 2 to the ankle.
        loose: mm between body and clothes.
        tucked: whether the top ends at the belt.
    """

    materials: Floats
    hair: Hair
    sleeve: float
    legs: Legs
    reach: float
    loose: float
    tucked: bool


def linear(srgb: Floats | tuple[float, ...]) -> Floats:
    """Linear light of colours 0 to 255."""
    return np.asarray((np.asarray(srgb, dtype=np.float64) / 255.0) ** 2.2)


def any_colour(rng: np.random.Generator, low: float = 0.1, high: float = 1.0) -> Floats:
    """A colour a cloth or a thing may have: muted more often than loud, linear."""
    import colorsys

    hue, loud = rng.random(), rng.random() ** 1.7
    value = rng.uniform(low, high)
    return linear(255.0 * np.array(colorsys.hsv_to_rgb(hue, 0.85 * loud, value)))


def draw_outfit(rng: np.random.Generator, curves: float, *, plain: bool = False) -> Outfit:
    """What somebody wears; ``plain`` without patterns, as in a lab. ``curves`` are the body's."""
    feminine = curves > 0.5
    skin = SKINS[rng.integers(len(SKINS))] * rng.uniform(0.94, 1.04) + rng.normal(0.0, 4.0, 3)
    skin = linear(np.clip(skin, 20.0, 255.0))
    locks = linear(np.clip(HAIRS[rng.integers(len(HAIRS))] * rng.uniform(0.8, 1.15), 8.0, 255.0))
    styles = list(Hair)
    odds = (0.16, 0.36, 0.22, 0.14, 0.01, 0.11) if feminine else (0.62, 0.04, 0.03, 0.02, 0.12, 0.17)
    hair = styles[int(rng.choice(len(styles), p=odds))]
    beard = 0.0 if feminine else float(rng.choice((0.0, 0.25, 0.85), p=(0.55, 0.25, 0.2)))
    legs = list(Legs)[int(rng.choice(4, p=(0.36, 0.24, 0.2, 0.2) if feminine else (0.58, 0.06, 0.36, 0.0)))]
    sleeve = float(rng.choice((0.12, 0.6, 0.75, 1.93), p=(0.14, 0.38, 0.14, 0.34)))
    reach = {
        Legs.TROUSERS: rng.uniform(1.84, 1.97),
        Legs.TIGHTS: rng.uniform(1.6, 1.95),
        Legs.SHORTS: rng.uniform(0.4, 1.08),
        Legs.SKIRT: rng.uniform(0.6, 1.3),
    }[legs]
    top, second, third = any_colour(rng), any_colour(rng), any_colour(rng)
    pattern, period = Pattern.PLAIN, 100.0
    if not plain and rng.random() < 0.5:
        kinds = (Pattern.RINGS, Pattern.STRIPES, Pattern.PLAID, Pattern.CLOUDS, Pattern.CAMOUFLAGE, Pattern.DOTS)
        pattern, period = kinds[rng.integers(len(kinds))], float(rng.uniform(35.0, 150.0))
    weave = {"grain": 0.12 if plain else float(rng.uniform(0.05, 0.3)), "coarse": float(rng.uniform(20.0, 60.0))}
    shirt = material(top, second, pattern, period, gloss=0.02, **weave)
    prints = (Print.NOTHING, Print.DISC, Print.BAND, Print.BUTTONS, Print.OPEN)
    on = prints[int(rng.choice(5, p=(0.35, 0.2, 0.1, 0.2, 0.15)))]
    front = material(
        top,
        second,
        pattern,
        period,
        gloss=0.02,
        third=third,
        print=on,
        print_size=float(rng.uniform(45.0, 85.0)),
        **weave,
    )
    sleeves = material(second if rng.random() < 0.15 else top, second, pattern, period, gloss=0.02, **weave)
    denim = linear((50 + 30 * rng.random(), 68 + 30 * rng.random(), 105 + 35 * rng.random()))
    cloth = denim if rng.random() < 0.35 and legs is not Legs.SKIRT else any_colour(rng, 0.08, 0.75)
    below, width = Pattern.PLAIN, 100.0
    if not plain and rng.random() < 0.2:
        below, width = (Pattern.PLAID, Pattern.CAMOUFLAGE, Pattern.STRIPES)[rng.integers(3)], rng.uniform(50.0, 140.0)
    bottom = material(cloth, any_colour(rng), below, width, gloss=0.02, grain=0.18, coarse=45.0)
    shoe = any_colour(rng, 0.08, 0.9)
    sole = linear((225, 222, 215)) if rng.random() < 0.5 else 0.4 * shoe
    lips = np.clip(skin * (0.85, 0.5, 0.5), 0.0, 1.0)
    bald = hair is Hair.BALD
    materials = np.stack(
        [
            material(skin, gloss=0.10, grain=0.05, coarse=60.0),
            material(skin, locks, Pattern.FACE, 1.0, third=lips, gloss=0.12, print_size=beard),
            material(skin if bald else locks, gloss=0.15 if bald else 0.10, grain=0.0 if bald else 0.35, coarse=14.0),
            shirt,
            front,
            sleeves,
            bottom,
            material(shoe, gloss=0.15, grain=0.1),
            material(sole, gloss=0.05),
            material(any_colour(rng), gloss=0.03, grain=0.1),
        ]
    )
    loose = float(rng.uniform(4.0, 16.0))
    return Outfit(materials, hair, sleeve, legs, float(reach), loose, bool(rng.random() < 0.35))
