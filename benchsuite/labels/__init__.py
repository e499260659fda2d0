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
"""Least score of a label that is kept. Of people with spoilt keypoints (see ``benchsuite.labels.quality``) it leaves
out 14 %, whose labels err by 145 mm in the mean, and keeps those that err by 77 mm; it finds half of those with a joint
in the wrong place and 5 % of those with mere noise. At 0.5 half of all go, and 63 mm remain.
"""
