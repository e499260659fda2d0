"""The camera behind a crop of unknown origin: which focal length and principal point a label assumes.

Lifters know people as Human3.6M's cameras see them: near the middle, 3-7 m away. A hypothesis is as good as the place
where it puts the person there. Tried on 3,000 poses of `cmu`'s test split, filmed again through lenses of 0.7 to 3.5
image widths from where a person fills 25-90 % of the frame, then labelled by stereo and geosearch; MPJPE / P-MPJPE in
mm, against the truth in the axes of the label's own camera:

============== ============== ============== ============== ==================================================
hypothesis     whole images   cut to person  cut, no ankles where it puts people
============== ============== ============== ============== ==================================================
scaled         45.1 / 33.9    45.1 / 33.9    62.9 / 53.3    all 5 m away in the middle, whatever is missing
image          51.5 / 33.8    54.9 / 36.1    74.4 / 55.1    3 m away and aside; what was cut off is not known
dataset        56.8 / 32.8    56.8 / 32.8    74.9 / 53.9    where they are, which may be far and aside
root-centred   59.3 / 35.9    59.3 / 35.9    65.1 / 53.3    8 m away
============== ============== ============== ============== ==================================================

So ``scaled`` is the default. Its camera looks at the middle of the crop, so its labels are turned against the source's
camera by the angle under which that saw the person; ``dataset`` alone keeps the axes. Where Human3.6M's camera itself
filmed, the known intrinsics are best (41.7 / 32.0 against 41.6 / 32.2 in one's own axes, 48.2 in the source's).

Deviation: the paper does not say which intrinsics it takes for images in the wild.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from benchsuite_registry.skeletons import H36M_17

from benchsuite.datasets.columns import WrongDataset
from benchsuite.datasets.dataset import Dataset
from benchsuite.filming import H36M_FOCAL
from benchsuite.labels import INTRINSICS
from benchsuite.labels.anatomy import long_bones
from benchsuite.labels.crop import CROP_PX, Bools, Crops, Floats
from benchsuite.synthetic.rotations import CHILDREN, PARENTS, bone_lengths

FOCAL_PX = H36M_FOCAL[0]
DISTANCE_MM = 5000.0
"""The middle of the distances at which Human3.6M films, and with it of those that lifters are trained at."""

_RANK = 3
_WITHOUT_BONES = 750.0 / FOCAL_PX.mean()


@dataclass(frozen=True)
class People:
    """B people in their crops.

    Attributes:
        uv: (B, 17, 2) px of the crop, joints of ``H36M_17``.
        known: (B, 17) which of them are.
        crops: where in the source images they come from.
        rows: their rows in the dataset.
    """

    uv: Floats
    known: Bools
    crops: Crops
    rows: slice


def check_hypothesis(hypothesis: str, dataset: Dataset) -> None:
    """Refuse a hypothesis that needs what the dataset does not say.

    Raises:
        WrongDataset: names what is missing.
    """
    name = dataset.about.name
    if hypothesis == "image" and "size" not in dataset.columns:
        raise WrongDataset(f"dataset {name} has no column 'size', which the intrinsics hypothesis 'image' needs")
    if hypothesis == "dataset" and dataset.about.intrinsics == "unknown":
        others = ", ".join(h for h in INTRINSICS if h != hypothesis)
        raise WrongDataset(f"dataset {name} does not know its intrinsics; wanted one of {others}")


def cameras(hypothesis: str, people: People, dataset: Dataset) -> tuple[Floats, Floats]:
    """Focal lengths and principal points (B, 2) in px of the crop under a hypothesis.

    Args:
        hypothesis: one of ``INTRINSICS``.
        people: in their crops.
        dataset: where they come from.
    """
    count, factor = len(people.uv), people.crops.factor[:, None]
    middle = np.full((count, 2), CROP_PX / 2)
    if hypothesis == "dataset":
        focal, center = (dataset.columns[name][people.rows].astype(np.float64) for name in ("focal", "center"))
        return focal * factor, people.crops.points(center)
    if hypothesis == "image":
        size = dataset.columns["size"][people.rows].astype(np.float64)
        return np.repeat(1.2 * size.max(1, keepdims=True), 2, axis=1) * factor, people.crops.points(size / 2)
    if hypothesis == "root-centred":
        root = H36M_17.root_index
        return np.tile(FOCAL_PX, (count, 1)), np.where(people.known[:, root, None], people.uv[:, root], middle)
    return FOCAL_PX * _h36m_factor(people)[:, None], middle


def _h36m_factor(people: People) -> Floats:
    """By how much (B,) a crop of a Human3.6M image would be scaled if it showed the person as large as this one does.

    A person's scale shows in the bones that are least foreshortened; the third among them is taken, since one joint
    in the wrong place spoils two. Without bones it is that of an average crop.
    """
    long, lengths_mm = long_bones()
    both = people.known[:, PARENTS[long]] & people.known[:, CHILDREN[long]]
    px_per_mm = np.where(both, bone_lengths(people.uv)[:, long] / lengths_mm, -1.0)
    ranked = -np.sort(-px_per_mm, axis=1)[:, :_RANK]
    chosen = np.where(ranked > 0, ranked, np.inf).min(1)
    there = FOCAL_PX.mean() / DISTANCE_MM
    factor: Floats = np.where(np.isfinite(chosen), chosen / there, _WITHOUT_BONES)
    return factor


def described(hypothesis: str, dataset: Dataset) -> str:
    """The hypothesis in words, for ``About.intrinsics``; what the dataset knows stays known."""
    return dataset.about.intrinsics if hypothesis == "dataset" else f"hypothesis {hypothesis}: {INTRINSICS[hypothesis]}"
