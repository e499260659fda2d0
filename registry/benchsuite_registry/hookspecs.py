"""The five hooks, the same for first and third party. None may have side effects."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from benchsuite_registry.contracts import Entry, Evaluator, ImageModel, Lifter, Refiner, Source

PROJECT = "benchsuite"
"""Name of the pluggy project and of the entry-point group."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def benchsuite_lifters() -> Iterable[Entry[Lifter]]:  # type: ignore[empty-body]
    """Entries that turn 2D keypoints into 3D poses."""


@hookspec
def benchsuite_refiners() -> Iterable[Entry[Refiner]]:  # type: ignore[empty-body]
    """Entries that make 3D poses consistent with their 2D keypoints."""


@hookspec
def benchsuite_image_models() -> Iterable[Entry[ImageModel]]:  # type: ignore[empty-body]
    """Entries that turn person crops into 2D keypoints and 3D poses."""


@hookspec
def benchsuite_evaluators() -> Iterable[Entry[Evaluator]]:  # type: ignore[empty-body]
    """Entries that score predictions."""


@hookspec
def benchsuite_sources() -> Iterable[Entry[Source]]:  # type: ignore[empty-body]
    """Entries of files that can be downloaded, such as archives of datasets."""
