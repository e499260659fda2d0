"""From installed plugins to filled registries. A broken plugin is named and stops nobody else."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from benchsuite_registry import hookspecs
from benchsuite_registry.contracts import Entry
from benchsuite_registry.hookspecs import PROJECT
from benchsuite_registry.registries import BrokenPlugin, NameTaken, Origin, Registries, VendorTaken

_HOOKS = {
    "benchsuite_lifters": "lifters",
    "benchsuite_refiners": "refiners",
    "benchsuite_image_models": "image_models",
    "benchsuite_evaluators": "evaluators",
    "benchsuite_sources": "sources",
}


def load_registries(plugin_files: Iterable[Path] = ()) -> Registries:
    """Registries filled by every installed plugin and by ``plugin_files``.

    Plugins are walked and called one by one, since pluggy's own loading stops at the first that
    fails and one failing hook stops the whole call. What failed stands in ``broken``.

    Args:
        plugin_files: Python files that hold hook implementations; each is loaded once.

    Raises:
        VendorTaken: two that are named alike have entries of one name.
    """
    registries = Registries()
    for point in sorted(metadata.entry_points(group=PROJECT), key=lambda point: point.name):
        origin = Origin(
            point.dist.name if point.dist else "unknown distribution",
            point.dist.version if point.dist else "",
        )
        _admit(registries, point.name, origin, point.load)
    for file in {file.resolve(): file for file in plugin_files}.values():
        origin = Origin(f"file {file}", "")
        _admit(registries, file.stem, origin, lambda file=file: _import_file(file))
    return registries


def registries_of(*plugins: ModuleType) -> Registries:
    """Registries filled by plugin modules at hand, installed or not; what goes wrong is raised."""
    registries = Registries()
    for plugin in plugins:
        _register(registries, plugin.__name__, Origin(plugin.__name__.partition(".")[0], ""), plugin)
    return registries


def _admit(registries: Registries, name: str, origin: Origin, load: Any) -> None:
    try:
        _register(registries, name, origin, load())
    except (KeyboardInterrupt, VendorTaken):
        raise
    except BaseException as error:  # a plugin may raise anything, SystemExit too
        message = str(error) if isinstance(error, NameTaken) else f"{type(error).__name__}: {error}"
        broken = BrokenPlugin(origin.distribution, name, message)
        registries.broken.append(broken)
        for each in (*registries.kinds().values(), registries.sources):
            each.broken.append(broken)


def _register(registries: Registries, name: str, origin: Origin, plugin: Any) -> None:
    manager = pluggy.PluginManager(PROJECT)  # its own, so that it is called alone
    manager.add_hookspecs(hookspecs)
    manager.register(plugin, name=f"{origin.distribution}:{name}")
    _refuse_unhooked(manager, plugin)
    for hook, kind in _HOOKS.items():
        registry = getattr(registries, kind)
        for entries in getattr(manager.hook, hook)():
            for entry in entries:
                if not isinstance(entry, Entry):
                    raise TypeError(f"{hook} gave {entry!r}, wanted an Entry")
                registry.register(entry, origin)


def _refuse_unhooked(manager: pluggy.PluginManager, plugin: Any) -> None:
    """Refuse what pluggy passes over: a hook that is misspelt or not marked as one, a plugin without any."""
    implemented = {c.name for c in manager.get_hookcallers(plugin) or ()}
    if stray := sorted(implemented - set(_HOOKS)):
        raise AttributeError(f"no such hook: {', '.join(stray)}; there are {', '.join(_HOOKS)}")
    if unmarked := [hook for hook in _HOOKS if hasattr(plugin, hook) and hook not in implemented]:
        raise AttributeError(f"no hook yet: {', '.join(unmarked)}; wanted @hookimpl on it")
    if not implemented:
        raise AttributeError(f"no hook found; wanted @hookimpl on {', '.join(_HOOKS)}")


def _import_file(path: Path) -> Any:
    if not path.is_file():
        raise FileNotFoundError(f"no such file: {path}")
    name = f"benchsuite_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
