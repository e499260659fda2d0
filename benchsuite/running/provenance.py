"""Where a record comes from: versions, commit, device, weights. No record names a place on the machine."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import traceback
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from benchsuite_registry.checkpoints import sha256
from benchsuite_registry.contracts import Parameter, Scalar
from benchsuite_registry.hookspecs import PROJECT
from benchsuite_registry.registries import Component, Origin
from safetensors import SafetensorError, safe_open

from benchsuite.records.results import Failure, Part

_FOLDERS = re.compile(r"(?<![\w.:/])/(?:[^\s\"'`,:;()\[\]/]+/)+")


def environment(device: torch.device) -> dict[str, Any]:
    """Versions of what computes, the commit of the suite's checkout if it is one, the device's model."""
    return {
        "benchsuite": metadata.version("benchsuite"),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "git": commit_of(Path(__file__).parent),
        "device": _model(device),
    }


def described(component: Component[Any]) -> Part:
    """A component as records keep it, its trained weights hashed."""
    weights = component.entry.checkpoint(component.parameters) if component.entry.checkpoint else None
    if weights and not weights.is_file():
        weights = None  # building the component will say so
    known, changed = component.entry.parameters, component.changed
    said = {key: value for key, value in component.parameters.items() if key in changed or not known[key].later}
    return Part(
        kind=component.registry.kind,
        name=component.entry.name,
        parameters=_portable_values(said, known),
        changed=_portable_values(changed, known),
        distribution=_spelt(component.origin),
        weights=sha256(weights) if weights else None,
        trained=_training(weights) if weights else {},
    )


def failure(error: BaseException, who: str = "") -> Failure:
    """An exception as records keep it, in the hands of ``who``."""
    trace = "".join(traceback.format_exception(error))
    return Failure(type(error).__name__, blamed(who, str(error)), portable(trace))


def blamed(who: str, message: str) -> str:
    """``message`` behind the name of whoever it is about, unless it begins with that; no absolute paths in either."""
    who, message = portable(who), portable(message)
    return message if message.startswith(f"{who}: ") else ": ".join(filter(None, (who, message)))


def portable(text: str) -> str:
    """``text`` with absolute paths cut: to what follows the import root, else to their last part."""
    for root in sorted({os.path.abspath(entry) for entry in (*sys.path, ".")}, key=len, reverse=True):
        if root != os.sep:
            text = text.replace(root + os.sep, "")
    return _FOLDERS.sub("", text)


def commit_of(folder: Path) -> dict[str, Any] | None:
    """Commit and dirty flag of the checkout that tracks ``folder``; None where git knows nothing of it.

    Uncommitted results do not make a checkout dirty: runs write them, and they compute nothing.
    """
    if _git(folder, "ls-files", "--", ".") in (None, ""):  # an installed copy inside some other project's checkout
        return None
    changes = _git(folder, "status", "--porcelain", "--", ":/", ":(top,exclude)results")
    return {"commit": _git(folder, "rev-parse", "HEAD"), "dirty": changes != ""}


def release(distribution: str) -> str:
    """``version sha256:...`` of an installed distribution: one that is edited is another, whatever its version says.

    The hash is that of the source of the packages that its plugins lie in.

    Raises:
        PackageNotFoundError: it is not installed.
    """
    found = metadata.distribution(distribution)
    return f"{found.version} sha256:{hash_of_source(p.module for p in found.entry_points if p.group == PROJECT)}"


def hash_of_source(modules: Iterable[str]) -> str:
    """The start of a hash over all Python files of the modules' top-level packages, none of which is imported.

    It is the same on every machine: names of files and what they say count, not where the packages lie.
    """
    hashed = hashlib.sha256()
    for package in sorted({module.partition(".")[0] for module in modules}):
        spec = find_spec(package)
        folders = [Path(folder) for folder in spec.submodule_search_locations or ()] if spec else []
        files = {file.relative_to(folder).as_posix(): file for folder in folders for file in folder.rglob("*.py")}
        if spec and spec.origin and not folders:  # a lone file
            files[""] = Path(spec.origin)
        for name, file in sorted(files.items()):
            hashed.update(f"{package}/{name} {sha256(file)}\n".encode())
    return hashed.hexdigest()[:12]


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(("git", *arguments), cwd=folder, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _training(weights: Path) -> dict[str, Any]:
    """How weights came about, as far as their file says so."""
    try:
        with safe_open(weights, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("benchsuite", "{}"))
    except (SafetensorError, ValueError, RecursionError):
        return {}
    if not isinstance(about, dict):
        return {}
    return {key: about[key] for key in ("recipe", "seed", "command", "data") if key in about}


def _model(device: torch.device) -> str:
    if device.type == "cuda":
        there = torch.cuda.is_available()  # else a cluster's worker has it
        return f"cuda: {torch.cuda.get_device_name(device) if there else 'elsewhere'}"
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return f"cpu: {next(named, platform.processor() or platform.machine())}"


def _portable_values(values: Mapping[str, Scalar], known: Mapping[str, Parameter]) -> dict[str, Scalar]:
    """``values`` with paths cut to their last part: a path's content is known by its hash, not by its place."""
    return {
        key: Path(value).name if isinstance(value, str) and os.sep in value and not known[key].choices else value
        for key, value in values.items()
    }


def _spelt(origin: Origin) -> str:
    if origin.distribution.startswith("file "):  # it has no version: what it says now counts
        file = Path(origin.distribution.removeprefix("file "))
        return f"file {file.name} sha256:{sha256(file)[:12]}"
    if origin.distribution != PROJECT:
        with suppress(metadata.PackageNotFoundError):
            return f"{origin.distribution} {release(origin.distribution)}"
    return f"{origin.distribution} {origin.version}"
