"""What is sent to a worker process: components by name, datasets by place, and the pass that is made of them there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchsuite_registry.contracts import Scalar
from benchsuite_registry.loading import load_registries
from benchsuite_registry.registries import Component, Registries

from benchsuite.datasets.dataset import Dataset, WrongDataset, open_dataset
from benchsuite.running.cells import said_by
from benchsuite.running.pipeline import Branch, Outcome, Settings, run_pass
from benchsuite.synthetic.source import synthetic_dataset, synthetic_fingerprint

SYNTHETIC = "synthetic"


class Named(NamedTuple):
    """A component, to be found again in another process."""

    kind: str
    name: str
    parameters: tuple[tuple[str, Scalar], ...]

    @classmethod
    def of(cls, component: Component[Any]) -> Named:
        """What ``component`` is found by."""
        kind = f"{component.registry.kind.replace(' ', '-')}s"
        return cls(kind, component.entry.name, tuple(component.parameters.items()))

    def found(self, known: Registries) -> Component[Any]:
        """The component."""
        return known.kinds()[self.kind].component(self.name, dict(self.parameters))


class NamedBranch(NamedTuple):
    """A branch, to be found again in another process."""

    refiner: Named | None
    evaluator: Named

    @classmethod
    def of(cls, branch: Branch) -> NamedBranch:
        """What ``branch`` is found by."""
        return cls(Named.of(branch.refiner) if branch.refiner else None, Named.of(branch.evaluator))

    def found(self, known: Registries) -> Branch:
        """The branch."""
        return Branch(self.refiner.found(known) if self.refiner else None, self.evaluator.found(known))


@dataclass(frozen=True)
class Held:
    """A dataset, to be opened again in another process.

    Attributes:
        place: its folder; ``synthetic`` for the embedded one; any other itself.
        fingerprint: of the whole of it.
        limit: how many samples are taken of it; None for all.
    """

    place: Path | str | Dataset
    fingerprint: str
    limit: int | None

    @classmethod
    def of(cls, whole: Dataset, limit: int | None) -> Held:
        """What ``limit`` samples of ``whole`` are opened by."""
        embedded = SYNTHETIC if whole.fingerprint == synthetic_fingerprint() else None
        return cls(whole.path.resolve() if whole.path else embedded or whole, whole.fingerprint, limit)

    def opened(self) -> Dataset:
        """The dataset.

        Raises:
            WrongDataset: its folder has become another one, or cannot be opened.
        """
        if isinstance(self.place, Dataset):
            whole = self.place
        else:
            whole = synthetic_dataset() if self.place == SYNTHETIC else open_dataset(Path(self.place), verify=False)
            if whole.fingerprint != self.fingerprint:
                raise WrongDataset(f"{self.place}: the dataset was changed since the run began")
        return whole if self.limit is None else whole.head(self.limit)


@dataclass(frozen=True)
class PassApart:
    """``run_pass`` in another process; its parts are branches.

    Attributes:
        plugins: files to load.
        source: who predicts.
        dataset: what.
        settings: how.
    """

    plugins: tuple[Path, ...]
    source: Named
    dataset: Held
    settings: Settings

    def __call__(self, parts: Sequence[NamedBranch], advance: Callable[[int], object]) -> list[Outcome]:
        """What each branch comes to."""
        known = load_registries(self.plugins)
        branches = [part.found(known) for part in parts]
        return run_pass(self.source.found(known), branches, self.dataset.opened(), self.settings, advance)


@dataclass(frozen=True)
class ProtocolsApart:
    """What evaluators say of themselves, asked in another process; its parts are evaluators."""

    plugins: tuple[Path, ...]

    def __call__(self, parts: Sequence[Named], advance: Callable[[int], object]) -> list[dict[str, Scalar]]:
        """What each says."""
        known = load_registries(self.plugins)
        return [said_by(part.found(known)) for part in parts]


def plugin_files(components: Iterable[Component[Any]]) -> tuple[Path, ...]:
    """The plugin files behind components and those they share their names' registry with."""
    registries = {id(component.registry): component.registry for component in components}.values()
    origins = (registry.origin(entry.name).distribution for registry in registries for entry in registry)
    files = dict.fromkeys(origin.removeprefix("file ") for origin in origins if origin.startswith("file "))
    return tuple(Path(file).resolve() for file in files)
