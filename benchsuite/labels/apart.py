"""Labelling on other machines: the recipe by name, the people by place, some batches at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchsuite_registry.loading import load_registries

from benchsuite.datasets.dataset import Dataset
from benchsuite.labels.labeller import Labeller, LabellingStopped, Labels, Recipe
from benchsuite.running.apart import Held, Named, plugin_files
from benchsuite.running.cluster import Cluster
from benchsuite.running.pipeline import Settings
from benchsuite.running.workers import Errand, Lost

SHARD = 16
"""Most batches that a process is started for."""


@dataclass(frozen=True)
class ShardApart:
    """Labels of some batches, made in another process; its parts are runs of batches."""

    plugins: tuple[Path, ...]
    lifter: Named
    refiner: Named
    agree: tuple[Named, ...]
    rest: tuple[str, float, bool, Settings]
    source: Held

    @classmethod
    def of(cls, source: Dataset, recipe: Recipe) -> ShardApart:
        """What ``recipe`` makes of ``source``."""
        lifter, refiner, *agree = map(Named.of, recipe.components)
        rest = recipe.intrinsics, recipe.threshold, recipe.keep_all, recipe.settings
        return cls(plugin_files(recipe.components), lifter, refiner, tuple(agree), rest, Held.of(source, None))

    def __call__(
        self, parts: Sequence[tuple[slice, ...]], advance: Callable[[int], object]
    ) -> list[tuple[Labels, ...]]:
        """The labels of each batch of each part."""
        known = load_registries(self.plugins)
        found: list[Any] = [named.found(known) for named in (self.lifter, self.refiner, *self.agree)]
        recipe = Recipe(found[0], found[1], tuple(found[2:]), *self.rest)
        labeller = Labeller(self.source.opened(), recipe)
        return [tuple(labeller.each(part)) for part in parts]


def labelled_by(
    cluster: Cluster, source: Dataset, recipe: Recipe, batches: Sequence[slice]
) -> Generator[Labels, None, None]:
    """The labels of ``batches``, in their order, made by the workers of a cluster.

    Raises:
        LabellingStopped: a method failed, or its process died.
        NoCluster: a worker cannot do it.
    """
    act = ShardApart.of(source, recipe)
    terms = cluster.terms(recipe.components, recipe.settings.device, act.source)
    size = min(SHARD, max(1, len(batches) // (2 * max(cluster.size, 1))))
    shards = (tuple(batches[start : start + size]) for start in range(0, len(batches), size))
    errands = ((Errand(act, (shard,)), terms) for shard in shards)
    with closing(cluster.in_order(errands)) as coming:
        for came in coming:
            ((_, labels),) = came.parts
            if isinstance(labels, Lost):
                raise LabellingStopped(f"{labels.failure.type}: {labels.failure.message}")
            yield from labels
