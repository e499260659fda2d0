"""3D labels for people of whom only 2D keypoints are known: Sec. 3.5 of the paper.

Here stands what the command line asks for; nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Mapping

INTRINSICS: Mapping[str, str] = {
    "scaled": "Human3.6M's K scaled by the factor of a crop of someone 5 m away; the crop's middle is the axis",
    "root-centred": "Human3.6M's focal length in pixels of the crop; the root is on the axis",
    "image": "focal length 1.2 times the longer side of the source's image; its middle is the axis",
    "dataset": "those of the dataset",
}
"""The hypotheses about a crop's camera; ``benchsuite.labels.intrinsics`` says how well each does."""

DEFAULT_INTRINSICS = "scaled"

THRESHOLD = 0.25
"""TODO"""
