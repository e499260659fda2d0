"""Pictures of people: bodies of simple solids posed by motion capture, in a lab or in the wild, with exact truth."""

from __future__ import annotations

from enum import StrEnum, auto


class Kind(StrEnum):
    """Where people are seen.

    Attributes:
        LAB: few subjects before one backdrop, by fixed cameras.
        WILD: another person, scene and camera in every picture.
    """

    LAB = auto()
    WILD = auto()
