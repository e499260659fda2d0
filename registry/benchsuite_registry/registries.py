"""The registries: names to entries, entries to components."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from benchsuite_registry.contracts import (
    Entry,
    Evaluator,
    ImageModel,
    Lifter,
    Parameter,
    Refiner,
    Scalar,
    Source,
)
from benchsuite_registry.hookspecs import PROJECT

if TYPE_CHECKING:
    from mmengine.registry import Registry as MMEngineRegistry

T = TypeVar("T")


class UnknownName(LookupError):
    """No entry has this name."""


class ContestedName(UnknownName):
    """Several distributions have an entry of this name; says how each is called."""


class NameTaken(ValueError):
    """Two entries of one distribution claim one name."""


class VendorTaken(NameTaken):
    """Two plugins whose files are named alike, or one like a distribution, claim one name: nothing tells them apart."""


class WrongParameter(ValueError):
    """A component was given a parameter that it does not take, or a value of the wrong type."""


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin that could not be loaded: which distribution, and what it said."""

    distribution: str
    entry_point: str
    error: str

    def __str__(self) -> str:
        return f"plugin {self.entry_point!r} of {self.distribution} could not be loaded: {self.error}"


@dataclass(frozen=True)
class Origin:
    """The distribution an entry came from."""

    distribution: str
    version: str

    @property
    def vendor(self) -> str:
        """What stands before the slash of ``vendor/name``: the distribution's normalised name, or a file's stem."""
        name = self.distribution
        if name.startswith("file "):
            name = re.split(r"[/\\]", name.removeprefix("file "))[-1].removesuffix(".py")
        return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unknown"


@dataclass(frozen=True)
class Component(Generic[T]):
    """An entry with the parameters it is to be built with, all of them spelt out."""

    entry: Entry[T]
    parameters: Mapping[str, Scalar]
    origin: Origin
    registry: Registry[T] = field(repr=False, compare=False)

    @property
    def changed(self) -> dict[str, Scalar]:
        """The parameters that differ from the entry's defaults."""
        defaults = self.entry.parameters
        return {k: v for k, v in self.parameters.items() if v != defaults[k].default}

    def __str__(self) -> str:
        """As a command line would spell it."""
        pairs = ",".join(f"{k}={v}" for k, v in self.changed.items())
        return f"{self.entry.name}:{pairs}" if pairs else self.entry.name

    def build(self) -> T:
        """The component itself, built through mmengine's registry."""
        made: T = self.registry.mmengine.build({"type": self.entry.name, **self.parameters})
        return made


class Registry(Generic[T]):
    """Names to entries of one kind.

    An entry is called by its name. Where several distributions have one of that name, each is called
    ``vendor/name``, and the name alone stands for ours if we have one, so that what is published keeps its meaning;
    else it is refused.

    Building goes through ``mmengine.registry.Registry``; it is filled at the first build because
    importing mmengine costs 0.3 s, which listing names need not pay.
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.broken: list[BrokenPlugin] = []
        self._claimed: dict[str, tuple[Entry[T], Origin]] = {}
        self._entries: dict[str, tuple[Entry[T], Origin]] = {}

    def register(self, entry: Entry[T], origin: Origin) -> None:
        """Add an entry.

        Raises:
            NameTaken: the same distribution has another entry of that name.
            VendorTaken: another one has, whose ``vendor`` is spelt alike.
            ValueError: its name holds a sign that command lines need; one of its parameters is called ``type``.
        """
        owner = f"{self.kind} {entry.name!r} of {origin.distribution}"
        if not entry.name or set(entry.name) & set("/:, "):
            raise ValueError(f"{owner}: wanted a name without slash, colon, comma and blank")
        if "type" in entry.parameters:  # mmengine's own key
            raise ValueError(f"{owner}: no parameter may be called 'type'")
        whole = f"{origin.vendor}/{entry.name}"
        if whole in self._claimed:
            taken = self._claimed[whole][1].distribution
            if taken == origin.distribution:
                raise NameTaken(f"{owner}: the name is taken by {taken}")
            raise VendorTaken(f"{owner}: {taken} has a {whole}, too; wanted files of different names")
        self._claimed[whole] = (entry, origin)
        claims = Counter(claimed.name for claimed, _ in self._claimed.values())
        self._entries = {}
        for whole, (claimed, claimant) in self._claimed.items():
            alone = claims[claimed.name] == 1 or claimant.distribution == PROJECT
            called = claimed.name if alone else whole
            self._entries[called] = (claimed if alone else replace(claimed, name=called), claimant)
        self.__dict__.pop("mmengine", None)

    def __iter__(self) -> Iterator[Entry[T]]:
        return (self._entries[name][0] for name in sorted(self._entries))

    def __contains__(self, name: str) -> bool:
        return self._called(name) is not None

    def __len__(self) -> int:
        return len(self._entries)

    def origin(self, name: str) -> Origin:
        """The distribution that ``name`` came from."""
        return self._entries[self[name].name][1]

    def contested(self) -> dict[str, tuple[str, ...]]:
        """What the entries are called of each name that several distributions claim."""
        claims: dict[str, list[str]] = {}
        for (claimed, _), called in zip(self._claimed.values(), self._entries, strict=True):
            claims.setdefault(claimed.name, []).append(called)
        return {name: tuple(sorted(called)) for name, called in sorted(claims.items()) if len(called) > 1}

    def _called(self, name: str) -> str | None:
        """What the entry is called that ``name`` or ``vendor/name`` stands for."""
        if name in self._entries:
            return name
        bare = name.partition("/")[2]
        return bare if name in self._claimed and bare in self._entries else None

    def __getitem__(self, name: str) -> Entry[T]:
        """The entry called ``name``; ``vendor/name`` is always understood.

        Raises:
            ContestedName: several distributions have one; says how each is called.
            UnknownName: with near names, those there are, and plugins that failed to load.
        """
        if called := self._called(name):
            return self._entries[called][0]
        if claims := self.contested().get(name):
            raise ContestedName(f"{self.kind} {name!r} is given by several plugins: wanted {' or '.join(claims)}")
        near = get_close_matches(name, self._entries, n=3)
        parts = [f"unknown {self.kind} {name!r}"]
        if near:
            parts.append(f"did you mean {' or '.join(near)}?")
        parts.append(f"known: {', '.join(sorted(self._entries)) or 'none'}")
        parts += map(str, self.broken)
        raise UnknownName("; ".join(parts))

    def component(self, name: str, parameters: Mapping[str, Any] | None = None) -> Component[T]:
        """``name`` with ``parameters``, checked against what it takes, nothing built yet.

        Args:
            name: an entry's name.
            parameters: values, or the text a command line gave for them.

        Raises:
            UnknownName: no such entry.
            WrongParameter: no such parameter, or a value of the wrong type.
        """
        entry = self[name]
        known = entry.parameters
        values = {k: p.default for k, p in known.items()}
        for key, value in (parameters or {}).items():
            values[key] = checked(f"{self.kind} {entry.name}", known, key, value)
        return Component(entry, values, self.origin(entry.name), self)

    def parse(self, text: str) -> Component[T]:
        """The component that ``name:key=value,key=value`` stands for; errors as ``component``."""
        name, parameters = split_component(text)
        return self.component(name, parameters)

    @cached_property
    def mmengine(self) -> MMEngineRegistry:
        """The mmengine registry of this kind's builders."""
        from mmengine.registry import Registry as MMEngineRegistry

        backing = MMEngineRegistry(f"benchsuite {self.kind}")
        for name, (entry, _) in self._entries.items():
            backing.register_module(name=name, module=_as_function(entry))
        return backing


def _as_function(entry: Entry[T]) -> Callable[..., T]:
    """``entry.build`` as the plain function that mmengine insists on."""

    def build(**parameters: Scalar) -> T:
        return entry.build(**parameters)

    return build


def split_component(text: str) -> tuple[str, dict[str, str]]:
    """``name:key=value,key=value`` taken apart.

    Raises:
        WrongParameter: a part after the colon is not ``key=value``.
    """
    name, _, rest = text.partition(":")
    parameters: dict[str, str] = {}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise WrongParameter(f"{name}: wanted key=value after the colon, found {part!r}")
        parameters[key] = value
    return name, parameters


def checked(owner: str, known: Mapping[str, Parameter], key: str, value: Any) -> Scalar:
    """``value`` typed as parameter ``key`` of ``owner`` wants it.

    Raises:
        WrongParameter: no such parameter (with near names), or a value of the wrong type.
    """
    if key not in known:
        near = get_close_matches(key, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        takes = ", ".join(known) or "no parameters"
        raise WrongParameter(f"{owner}: unknown parameter {key!r}{hint}; it takes {takes}")
    parameter = known[key]
    try:
        return parameter.read(value) if isinstance(value, str) else parameter.check(value)
    except ValueError as error:
        raise WrongParameter(f"{owner}: parameter {key}: {error}") from None


@dataclass(frozen=True)
class Registries:
    """What ``load_registries`` returns; there is no module-level state."""

    lifters: Registry[Lifter] = field(default_factory=lambda: Registry("lifter"))
    refiners: Registry[Refiner] = field(default_factory=lambda: Registry("refiner"))
    image_models: Registry[ImageModel] = field(default_factory=lambda: Registry("image model"))
    evaluators: Registry[Evaluator] = field(default_factory=lambda: Registry("evaluator"))
    sources: Registry[Source] = field(default_factory=lambda: Registry("source"))
    broken: list[BrokenPlugin] = field(default_factory=list)

    def kinds(self) -> dict[str, Registry[Any]]:
        """The registries of components, by the name that commands use."""
        return {
            "lifters": self.lifters,
            "refiners": self.refiners,
            "image-models": self.image_models,
            "evaluators": self.evaluators,
        }
