"""Where cameras stand: around the lab, or anywhere around a person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchsuite.filming import H36M_CENTER, H36M_FOCAL, look_at
from benchsuite.rendering.solids import Floats


@dataclass(frozen=True)
class Shot:
    """A camera of the whole scene; the picture is a square of its image.

    Attributes:
        rotation: (3, 3), world to camera.
        position: (3,) mm.
        focal: (2,) px.
        center: (2,) px.
    """

    rotation: Floats
    position: Floats
    focal: Floats
    center: Floats


LAB_CAMERAS_MM = np.array(
    [(-2300.0, -4300.0, 1600.0), (2500.0, -4200.0, 1480.0), (-2400.0, 4300.0, 1540.0), (2300.0, 4400.0, 1620.0)]
)
LAB_AIM_MM = np.array([0.0, 0.0, 920.0])
LAB_REACH_MM = 1400.0
"""How far from its middle the lab's people go."""


def lab_shot(camera: int) -> Shot:
    """The lab's camera 0 to 3."""
    at = LAB_CAMERAS_MM[camera : camera + 1]
    return Shot(look_at(at, LAB_AIM_MM[None])[0], at[0], H36M_FOCAL[camera], H36M_CENTER[camera])


def wild_shot(rng: np.random.Generator, middle: Floats) -> Shot:
    """A camera somewhere around a person whose middle is at ``middle`` (3,) mm."""
    heading = rng.uniform(-np.pi, np.pi)
    distance = float(np.exp(rng.uniform(np.log(2400.0), np.log(9000.0))))
    height = rng.uniform(1000.0, 1800.0) if rng.random() < 0.6 else rng.uniform(250.0, 3600.0)
    at = np.array([np.cos(heading) * distance, np.sin(heading) * distance, 0.0]) + middle * (1.0, 1.0, 0.0)
    at[2] = height + max(0.0, middle[2] - 1300.0)
    aim = middle + rng.normal(0.0, 1.0, 3) * 0.06 * distance
    rotation = look_at(at[None], aim[None])[0]
    roll = float(np.clip(rng.normal(0.0, 0.07), -0.2, 0.2))
    c, s = np.cos(roll), np.sin(roll)
    rotation = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ rotation
    focal = rng.uniform(700.0, 1800.0)
    return Shot(rotation, at, np.array([focal, focal]), np.array([500.0, 500.0]))
