"""Models that someone already has, in their own order and scaling, as lifters: modules, .pt2, ONNX, TorchScript."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal, Self
from zipfile import ZipFile

import torch
from benchsuite_registry.poses import Camera, Frame, KeypointBatch, PoseBatch
from benchsuite_registry.skeletons import Skeleton
from torch import Tensor, nn

Model = Callable[[Tensor], Tensor]
"""Anything that takes the model's 2D numbers and gives its 3D numbers."""


class WrongModel(ValueError):
    """A model file cannot be used, or gives something else than was said; says what was wanted and found."""


def rays(uv: Tensor, camera: Camera) -> Tensor:
    """Keypoints (B, J, 2) px as the directions they are seen in, at depth 1: whatever the camera, unitless."""
    return camera.rays(uv)


def pixels(uv: Tensor, camera: Camera) -> Tensor:
    """Keypoints (B, J, 2) px as they are."""
    return uv


def millimetres(xyz: Tensor) -> Tensor:
    """Poses (B, J, 3) of a model that gives mm."""
    return xyz


def metres(xyz: Tensor) -> Tensor:
    """Poses (B, J, 3) m in mm."""
    return 1000.0 * xyz


class Scaling:
    """What a model's training data were shifted and divided by, such as their mean and standard deviation.

    ``Scaling((500, 500), 500).pixels`` brings an image of 1000 x 1000 px into [-1, 1].

    Args:
        offset: a number, one a dimension, or one a joint and dimension.
        scale: likewise.
    """

    def __init__(self, offset: float | Sequence[Any], scale: float | Sequence[Any]) -> None:
        self.offset, self.scale = torch.as_tensor(offset).float(), torch.as_tensor(scale).float()

    def pixels(self, uv: Tensor, camera: Camera) -> Tensor:
        """Keypoints (B, J, 2) px as the model's numbers."""
        return (uv - self.offset.to(uv)) / self.scale.to(uv)

    def poses(self, xyz: Tensor) -> Tensor:
        """The model's numbers (B, J, 3) as mm."""
        return xyz * self.scale.to(xyz) + self.offset.to(xyz)


@dataclass(frozen=True)
class Convention:
    """What a model reads and gives.

    Attributes:
        reads: names of its 2D joints, in its order. Names are those of ``benchsuite_registry.skeletons``.
        gives: its 3D joints, in its order.
        pixels: makes the model's 2D numbers of px: ``rays``, ``pixels``, a ``Scaling``'s, or a function of yours.
        poses: makes mm of the model's 3D numbers: ``millimetres``, ``metres``, a ``Scaling``'s, or one of yours.
        shape: ``joints``, (B, J, 2) to (B, K, 3); ``flat``, (B, 2 J) to (B, 3 K); or ``clip``, a whole clip of T
            frames at once, (1, T, J, 2) to (1, T, K, 3): give the entry ``unit="clip"`` then.
    """

    reads: tuple[str, ...]
    gives: Skeleton
    pixels: Callable[[Tensor, Camera], Tensor] = rays
    poses: Callable[[Tensor], Tensor] = millimetres
    shape: Literal["joints", "flat", "clip"] = "joints"


class Adapted:
    """A lifter of a model and its convention.

    Keypoints are read by joint name; a joint that the dataset lacks is interpolated where that is possible. One that is
    hidden stands at the middle of those that are seen.

    Args:
        model: takes the model's 2D numbers, float32; modules are put in evaluation mode if they have one.
        convention: what it reads and gives.
    """

    def __init__(self, model: Model, convention: Convention) -> None:
        if isinstance(model, nn.Module):
            with suppress(NotImplementedError):  # an exported program has no mode but the one it was exported in
                model.eval()
        self.model, self.convention = model, convention

    def to(self, device: torch.device) -> Self:
        """Move the model, if it can be moved."""
        if isinstance(self.model, nn.Module):
            self.model.to(device)
        return self

    @torch.no_grad()
    def lift(self, keypoints: KeypointBatch) -> PoseBatch:
        """Poses relative to the root, in the model's joints.

        Raises:
            WrongModel: the dataset has no such joints, or the model gives another shape than was said.
        """
        asked, count, joints = self.convention, len(keypoints), len(self.convention.gives)
        numbers = asked.pixels(self._read(keypoints).float(), keypoints.camera)
        given = {"joints": numbers, "flat": numbers.flatten(1), "clip": numbers[None]}[asked.shape]
        wanted = {"joints": (count, joints, 3), "flat": (count, 3 * joints), "clip": (1, count, joints, 3)}[asked.shape]
        found = self.model(given) if count else given.new_empty(wanted)
        if tuple(found.shape) != wanted:
            raise WrongModel(f"wanted {wanted} from the model, found {tuple(found.shape)}")
        xyz = asked.poses(found.view(count, joints, 3).float())
        return PoseBatch(xyz, Frame.CAMERA, asked.gives, keypoints.ids).root_relative()

    def _read(self, keypoints: KeypointBatch) -> Tensor:
        """Keypoints (B, J, 2) px of the model's joints."""
        mine, given = self.convention.reads, keypoints.skeleton
        wanted = Skeleton("of the model", mine, (-1,) * len(mine))
        for joint, parts in zip(mine, wanted.weights_from(given), strict=True):
            if parts is None:
                raise WrongModel(f"wanted joint {joint!r}, which skeleton {given.name} does not give")
        uv, known = keypoints.known_in(wanted)
        every, seen = keypoints.known_in(given)
        middle = every.sum(1, keepdim=True) / seen.sum(1).clamp(min=1)[:, None, None]
        return torch.where(known[..., None], uv, middle)


def tensors(file: Path | str) -> Any:
    """What ``torch.save`` wrote, on the CPU: tensors, and containers of them such as a ``state_dict``.

    Raises:
        WrongModel: no such file, not one of ``torch.save``, or one that pickles more, which is never loaded.
    """
    try:
        return torch.load(_there(file), map_location="cpu", weights_only=True)
    except WrongModel:
        raise
    except Exception as error:  # torch raises whatever the bytes lead it to
        raise WrongModel(
            f"{file}: wanted tensors alone, as of torch.save(network.state_dict(), ...), found {type(error).__name__}: "
            "other pickles are never loaded"
        ) from None


def exported(file: Path | str) -> nn.Module:
    """The program in a file that ``torch.export.save`` wrote. Load files only from people whose programs you would run.

    Pickles in it, which torch would load, are refused; but torch evaluates text in it, too.

    Raises:
        WrongModel: no such file, not one of ``torch.export``, or one with pickles of anything but tensors.
    """
    wanted = f"{file}: wanted a .pt2 file of torch.export.save"
    try:
        with _there(file).open("rb") as opened, _tensors_alone():
            names = ZipFile(opened).namelist()
            if not any(name == "version" or name.endswith("/archive_format") for name in names):
                raise WrongModel(f"{wanted}, found an archive of {', '.join(names[:3]) or 'nothing'}")
            if pickled := [name for name in names if "/opaque_obj" in name.lower()]:
                raise WrongModel(f"{wanted}, found {pickled[0]}, a pickled object, which is never loaded")
            opened.seek(0)
            return torch.export.load(opened).module()
    except WrongModel:
        raise
    except UnpicklingError:
        raise WrongModel(f"{wanted}, found a pickle of more than tensors, which is never loaded") from None
    except Exception as error:  # torch raises whatever the file leads it to
        raise WrongModel(f"{wanted}: {type(error).__name__}: {str(error).splitlines()[0]}") from None


@contextmanager
def _tensors_alone() -> Iterator[None]:
    """``torch.load`` takes pickles of tensors alone, also where torch itself calls it and asks for more."""
    name = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(name)
    os.environ[name] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def torchscript(file: Path | str) -> nn.Module:
    """The module in a TorchScript file. It is a program: load files only from people whose programs you would run.

    Torch 2.13 warns that TorchScript is deprecated in favour of ``torch.export``.

    Raises:
        WrongModel: no such file, or not one of TorchScript.
    """
    try:
        module: nn.Module = torch.jit.load(str(_there(file)), map_location="cpu")  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        raise WrongModel(f"{file}: wanted a TorchScript file: {str(error).splitlines()[0]}") from None
    return module


def onnx(file: Path | str) -> Model:
    """The model in an ONNX file of one input, run on the CPU. One that takes single samples alone is given those.

    Raises:
        WrongModel: onnxruntime is not installed, no such file, or not one of ONNX.
    """
    try:
        import onnxruntime
    except ModuleNotFoundError:
        raise WrongModel("ONNX files need onnxruntime: pip install 'benchsuite[onnx]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(str(_there(file)), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no base class of their own
        if isinstance(error, WrongModel):
            raise
        raise WrongModel(f"{file}: wanted an ONNX file: {str(error).splitlines()[0]}") from None
    if len(session.get_inputs()) != 1:
        raise WrongModel(f"{file}: wanted a model of one input, found {len(session.get_inputs())}")
    asked = session.get_inputs()[0]

    def run(numbers: Tensor) -> Tensor:
        parts = [numbers[k : k + 1] for k in range(len(numbers))] if asked.shape[:1] == [1] else [numbers]
        found = [session.run(None, {asked.name: part.cpu().numpy()})[0] for part in parts]
        return torch.cat([torch.from_numpy(part) for part in found]).to(numbers.device)

    return run


def _there(file: Path | str) -> Path:
    if not Path(file).is_file():
        raise WrongModel(f"{file}: no such model file")
    return Path(file)
