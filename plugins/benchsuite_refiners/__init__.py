"""First-party refiners. Torch is imported when one is built, not before."""

from __future__ import annotations

from collections.abc import Iterable

from benchsuite_registry.contracts import Entry, Parameter, Refiner, late
from benchsuite_registry.hookspecs import hookimpl

GEOSEARCH: Entry[Refiner] = Entry(
    name="geosearch",
    build=late("benchsuite_refiners.geosearch:GeoSearch"),
    summary="Geometric search: moves joints onto the rays of their keypoints at the depth that fits best",
    reference="Wang et al., Generalizing Monocular 3D Human Pose Estimation in the Wild, 2019, Sec. 3.4",
    parameters={
        "objective": Parameter(
            "sq", "misses e in mm summed over joints: |e|^2 (sq), |e|^4 (quartic), |e| (l1)", ("sq", "quartic", "l1")
        ),
        "align": Parameter(
            "root", "what pose and rays are aligned at; literal is the unaligned Eq. (5)", ("root", "mean", "literal")
        ),
        "low_mm": Parameter(0, "least root depth, mm; never so low that a joint is behind the camera"),
        "high_mm": Parameter(20000, "greatest root depth, mm"),
        "backend": Parameter("auto", "where it is computed", ("auto", "cpu", "cuda")),
    },
)


@hookimpl
def benchsuite_refiners() -> Iterable[Entry[Refiner]]:
    """The refiners of this pack."""
    return (GEOSEARCH,)
