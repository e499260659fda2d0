"""Who may act: the contracts of lifters, image models, refiners and evaluators; their entries."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from math import isfinite
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

if TYPE_CHECKING:  # listing entries must not import torch
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from benchsuite_registry.poses import ImageBatch, KeypointBatch, Labels, PoseBatch, Target

Scalar = bool | int | float | str
"""What a parameter's value may be: a command line can spell it and a record can keep it."""


@runtime_checkable
class Lifter(Protocol):
    """2D keypoints to 3D poses."""

    def lift(self, keypoints: KeypointBatch) -> PoseBatch:
        """Poses in ``Frame.ROOT``, one per sample, ids in the order given, on the keypoints' device."""
        ...


@runtime_checkable
class ImageModel(Protocol):
    """Person crops to 2D keypoints and 3D poses; its own 2D feeds the refiner.

    Attributes:
        size: px, the side of the square crops that it wants.
    """

    size: int

    def predict(self, images: ImageBatch) -> tuple[KeypointBatch, PoseBatch]:
        """Keypoints in the crop's pixels and poses in ``Frame.ROOT``, ids in the order given, on the crops' device."""
        ...


@dataclass(frozen=True)
class Refinement:
    """What a refiner hands back.

    Attributes:
        poses: ``Frame.CAMERA``, the whole pose placed before the camera.
        depth_mm: (B,) float64, depth of the root that was found; NaN where none could be.
        cost: (B,) float64, the objective at that depth; its unit is the refiner's own.
        flags: (B,) uint8 bit set, see the refiner; 0 means nothing to report.
    """

    poses: PoseBatch
    depth_mm: Tensor
    cost: Tensor
    flags: Tensor


@runtime_checkable
class Refiner(Protocol):
    """3D poses made consistent with their 2D keypoints."""

    def refine(self, poses: PoseBatch, keypoints: KeypointBatch) -> Refinement:
        """Refined poses, one per sample, ids in the order given, on the keypoints' device."""
        ...


@dataclass(frozen=True)
class Metric:
    """One number of an evaluation.

    Attributes:
        name: such as ``MPJPE``.
        value: the number; NaN where it is not defined.
        unit: ``mm``, ``%``, ``px``...
        better: which way is better.
        group: such as ``action=walk``; empty for the whole set.
        low: lower end of the 95 % confidence interval, if one was made.
        high: upper end of it.
        n: how many samples it stands on.
    """

    name: str
    value: float
    unit: str
    better: Literal["lower", "higher"]
    group: str = ""
    low: float | None = None
    high: float | None = None
    n: int = 0


Measurements = Mapping[str, "NDArray[Any]"]
"""Per-sample figures of one batch or of a whole dataset: every array has B rows."""


@runtime_checkable
class Evaluator(Protocol):
    """Predictions against the truth, in two steps, so that a dataset can stream through.

    The first metric of ``summarise`` is the headline.
    """

    def measure(self, poses: PoseBatch, target: Target) -> Measurements:
        """Figures of each sample on its own; a batch's result must not depend on its neighbours."""
        ...

    def summarise(self, measurements: Measurements, labels: Labels) -> tuple[Metric, ...]:
        """Metrics from the figures of all samples."""
        ...

    def protocol(self) -> Mapping[str, Scalar]:
        """What two numbers must have in common to be compared: the protocol's fingerprint."""
        ...


@dataclass(frozen=True)
class Parameter:
    """One parameter of an entry.

    Attributes:
        default: its value when nothing is said; also decides its type.
        help: one line: meaning and unit.
        choices: the values allowed, if they are a closed set.
        later: it came after records had been made. At its default it is left out of records, so that those are still
            of the same cell.
    """

    default: Scalar
    help: str
    choices: tuple[Scalar, ...] = ()
    later: bool = False

    def read(self, text: str) -> Scalar:
        """The value that a command line's ``text`` stands for.

        Raises:
            ValueError: the text is of another type or not among the choices; says what was wanted.
        """
        kind = type(self.default)
        value: Scalar
        if kind is bool:
            words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
            if text.lower() not in words:
                raise ValueError(f"wanted true or false, found {text!r}")
            value = words[text.lower()]
        else:
            try:
                value = kind(text)
            except ValueError:
                raise ValueError(f"wanted {_article(kind)}, found {text!r}") from None
        return self.check(value)

    def check(self, value: Scalar) -> Scalar:
        """``value`` itself, an int made a float where the default is one.

        Raises:
            ValueError: as ``read``.
        """
        kind = type(self.default)
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise ValueError(f"wanted {_article(kind)}, found {value!r}")
        if isinstance(value, float) and not isfinite(value):
            raise ValueError(f"wanted a finite number, found {value!r}")
        if self.choices and value not in self.choices:
            raise ValueError(f"wanted one of {', '.join(map(str, self.choices))}, found {value!r}")
        return value


def _article(kind: type) -> str:
    return {
        int: "an integer",
        float: "a number",
        str: "a word",
        bool: "true or false",
    }[kind]


T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True)
class Entry(Generic[T_co]):
    """A component as a registry knows it, before anything heavy is imported.

    Attributes:
        name: its slug.
        build: makes it from its parameters; import torch inside, or use ``late``.
        summary: one line for ``benchsuite list``.
        reference: the paper or page it comes from.
        parameters: everything ``build`` takes, with defaults.
        unit: ``clip`` if it must be given whole clips, frames in order; else ``pose``.
        checkpoint: path of its trained weights, hashed into every record; None if it has none.
        course: makes its ``benchsuite.training`` course, if it can be trained.
        training: parameters of ``course`` beside those of ``build``.
        needs: dataset columns it cannot do without, such as ``xyz``.
        trial: parameters that the conformance kit tests it with, given a dataset folder of made-up people with
            the splits ``train`` and ``test``; None: the defaults.
        expected_failures: conformance checks it does not pass, each with the reason.
    """

    name: str
    build: Callable[..., T_co]
    summary: str
    reference: str = ""
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    unit: Literal["pose", "clip"] = "pose"
    checkpoint: Callable[[Mapping[str, Scalar]], Path | None] | None = None
    course: Callable[..., Any] | None = None
    training: Mapping[str, Parameter] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    trial: Callable[[Path], Mapping[str, Scalar]] | None = None
    expected_failures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Source:
    """A file that `benchsuite fetch NAME` downloads, such as the archive of a dataset.

    Attributes:
        url: http or https.
        sha256: hex digest that the file must have.
        licence: terms that whoever takes it is bound by.
        read_by: the command that makes a dataset of it, such as ``benchsuite convert lsp``.
    """

    url: str
    sha256: str
    licence: str
    read_by: str = ""


@dataclass(frozen=True)
class late:
    """A builder that imports ``package.module:name`` only when it is called; it can be pickled.

    Attributes:
        reference: ``package.module:name``.
    """

    reference: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        module, _, name = self.reference.partition(":")
        return getattr(import_module(module), name)(*args, **kwargs)
