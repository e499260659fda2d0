"""Trained weights as safetensors: tensors and a JSON description, nothing executable."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn


class WrongCheckpoint(ValueError):
    """A weights file does not hold what is wanted; says what was wanted and what was found."""


def save_checkpoint(path: Path, tensors: Mapping[str, Tensor], about: Mapping[str, Any], *, half: bool = False) -> None:
    """Write tensors and their description, whole or not at all.

    Args:
        path: the ``.safetensors`` file to write.
        tensors: by name.
        about: JSON-able: the method, its parameters, the command and the data that made it.
        half: keep floating tensors as float16, which halves the file.
    """
    from safetensors.torch import save_file

    kept = {
        name: (t.half() if half and t.is_floating_point() else t).detach().cpu().contiguous()
        for name, t in tensors.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    save_file(kept, partial, metadata={"benchsuite": json.dumps(dict(about), sort_keys=True)})
    umask = os.umask(0)
    os.umask(umask)
    partial.chmod(0o666 & ~umask)  # safetensors leaves the file readable by its owner alone
    os.replace(partial, path)


def load_checkpoint(path: Path, *methods: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors (float16 widened to float32) and description of a weights file of one of ``methods``.

    Raises:
        WrongCheckpoint: no such file, not a safetensors file, no description, another method's.
    """
    from safetensors import SafetensorError, safe_open

    method = " or ".join(methods)
    if not path.is_file():
        raise WrongCheckpoint(f"{path}: no such weights file, wanted {method}'s")
    try:
        with safe_open(path, framework="pt") as file:
            about = json.loads((file.metadata() or {}).get("benchsuite", "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, RecursionError) as error:
        raise WrongCheckpoint(f"{path}: wanted a whole safetensors file: {error}") from None
    if not isinstance(about, dict) or about.get("method") not in methods:
        found = about.get("method") if isinstance(about, dict) else "no description"
        raise WrongCheckpoint(f"{path}: wanted weights of {method}, found {found}")
    widened = {n: t.float() if t.dtype == torch.float16 else t for n, t in tensors.items()}
    return widened, about


def fill(module: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Load ``tensors`` into ``module``.

    Raises:
        WrongCheckpoint: names or shapes differ; the first few differences are listed.
    """
    wanted = module.state_dict()
    differences = [f"{n} is missing" for n in wanted if n not in tensors]
    differences += [f"{n} is not wanted" for n in tensors if n not in wanted]
    differences += [
        f"{n}: wanted {tuple(wanted[n].shape)}, found {tuple(tensors[n].shape)}"
        for n in wanted
        if n in tensors and wanted[n].shape != tensors[n].shape
    ]
    if differences:
        more = f" and {len(differences) - 4} more" if len(differences) > 4 else ""
        raise WrongCheckpoint(f"{path}: {'; '.join(differences[:4])}{more}")
    module.load_state_dict(dict(tensors))


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
