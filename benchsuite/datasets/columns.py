"""What a dataset folder holds: its description, its clips, its columns, and the checks that they are as agreed.

* ``uv`` (N, J, 2) float32 px, ``visible`` (N, J) bool; ``labelled`` (N, J) bool: whose pixels mean something, occluded
  joints too; where there is no such column, those of visible joints
* ``xyz`` (N, J, 3) float32 mm, camera frame, absolute; absent in 2D datasets
* ``focal`` and ``center`` (N, 2) float32 px
* ``box`` (N, 4) float32 px, x0 y0 x1 y1 of the person; ``size`` (N, 2) int32 px, width and height of the image;
  ``head`` (N,) float32 px, head size of PCKh; each where the source knows it
* of datasets with pictures, either ``image`` (N,) int32, the photograph of the sample, a line of ``images.txt`` counted
  from 0, or ``rgb`` (N, H, W, 3) uint8, the picture itself
* of generated labels: ``score`` (N,) float32 in [0, 1], how far each can be trusted; ``row`` (N,) int64, its row in the
  2D dataset; ``crop`` (N, 4) float32 px, x0 y0 x1 y1, the square of the source's image that is this dataset's image,
  scaled to ``size``. Where there is a ``crop``, ``image`` and ``rgb`` are the source's, whole, and all else is in the
  pixels of the crop
* ``clip`` (N,) int32 index into ``clips``, ascending; ``frame`` (N,) int32, ascending in a clip

Pixels are counted from the picture's top left corner: (0.5, 0.5) is the middle of the first, see ``benchsuite.images``.
``images.txt`` has the path of a photograph a line, from the folder ``About.images``. Its hash is part of the dataset's
fingerprint; what the photographs show is not, since they may be large and lie elsewhere.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from benchsuite_registry.skeletons import Skeleton, skeleton
from numpy.typing import NDArray


class WrongDataset(ValueError):
    """A dataset folder is not what the contract says; names the folder, column or key."""


@dataclass(frozen=True)
class Clip:
    """One take seen by one camera.

    Attributes:
        name: unique in the dataset.
        action: what is done in it.
        subject: who does it.
        camera: which camera saw it.
        rotation: world-to-camera rotation as nine numbers, row by row, if it is known.
        position: the camera's place in the world, mm, if it is known. The world has Z up.
        split: ``train`` or ``test``, in datasets that hold both.
        take: what was filmed; clips of one take by several cameras share it. Empty: the clip alone.
    """

    name: str
    action: str = ""
    subject: str = ""
    camera: str = ""
    rotation: tuple[float, ...] | None = None
    position: tuple[float, ...] | None = None
    split: str = ""
    take: str = ""

    def document(self) -> dict[str, Any]:
        """What is known of it, JSON-able."""
        return {key: value for key, value in asdict(self).items() if value not in ("", None)}


@dataclass(frozen=True)
class About:
    """What ``dataset.json`` says beside its columns.

    Attributes:
        name: such as ``cmu``.
        split: ``train``, ``test`` or empty.
        skeleton: name of the skeleton the columns are in.
        fps: frames a second; 0 for single images.
        licence: under which terms the data may be used.
        source: where they come from.
        keypoints: where the 2D comes from: ``projected``, ``annotated`` or ``detected``.
        intrinsics: ``known``, ``unknown``, or the hypothesis that ``focal`` and ``center`` follow.
        made_by: the command that wrote the folder.
        notes: anything a user should know.
        provenance: of generated labels: JSON-able, all that they follow from.
        images: folder of the photographs that ``images.txt`` lists, absolute or from the dataset's folder.
    """

    name: str
    split: str
    skeleton: str
    fps: float
    licence: str
    source: str
    keypoints: str = "projected"
    intrinsics: str = "known"
    made_by: str = ""
    notes: tuple[str, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    images: str = ""


COLUMNS: Mapping[str, tuple[str, tuple[str | int, ...]]] = {
    "uv": ("float32", ("N", "J", 2)),
    "visible": ("bool", ("N", "J")),
    "labelled": ("bool", ("N", "J")),
    "xyz": ("float32", ("N", "J", 3)),
    "focal": ("float32", ("N", 2)),
    "center": ("float32", ("N", 2)),
    "box": ("float32", ("N", 4)),
    "size": ("int32", ("N", 2)),
    "head": ("float32", ("N",)),
    "score": ("float32", ("N",)),
    "row": ("int64", ("N",)),
    "crop": ("float32", ("N", 4)),
    "image": ("int32", ("N",)),
    "rgb": ("uint8", ("N", "H", "W", 3)),
    "clip": ("int32", ("N",)),
    "frame": ("int32", ("N",)),
}
OPTIONAL = frozenset({"labelled", "xyz", "box", "size", "head", "score", "row", "crop", "image", "rgb"})

HEAD_PER_DIAGONAL = 0.6
"""PCKh's head size over the diagonal of the head's box."""
HEAD_PER_NECK_TO_TOP = 0.75
"""The same: MPII derived the head's two joints from the box, 0.8 of its diagonal apart (so in 2,958 people)."""


def layout_of(names: Iterable[str], joints: int, side: int = 0) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Dtype and shape of a row of some columns; ``side`` is that of pictures, px."""
    sizes = {"J": joints, "H": side, "W": side}
    return {
        name: (COLUMNS[name][0], tuple(sizes[s] if isinstance(s, str) else s for s in COLUMNS[name][1][1:]))
        for name in names
    }


def used_clips(clip: NDArray[np.integer], clips: Sequence[Clip]) -> tuple[NDArray[np.int32], tuple[Clip, ...]]:
    """The clips that the column ``clip`` (N,) names, and the column counted anew among them."""
    used, number = np.unique(clip, return_inverse=True)
    return number.astype(np.int32), tuple(clips[k] for k in used.tolist())


def check_columns(
    owner: str,
    about: About,
    columns: Mapping[str, NDArray[Any]],
    clips: tuple[Clip, ...],
    photographs: tuple[str, ...] = (),
) -> None:
    """Refuse columns that are not as agreed.

    Raises:
        WrongDataset: a column is missing, unknown, of another type or shape, out of order, or not in mm, or speaks of
            photographs that are not listed; names ``owner`` and the column.
    """
    try:
        sizes = {"J": len(skeleton(about.skeleton))}
    except KeyError as error:
        raise WrongDataset(f"{owner}: {error.args[0]}") from None
    for name, (dtype, shape) in COLUMNS.items():
        if name not in columns:
            if name in OPTIONAL:
                continue
            raise WrongDataset(f"{owner}: column {name!r} is missing")
        column = columns[name]
        sizes.setdefault("N", column.shape[0] if column.ndim else 0)
        if name == "rgb" and column.ndim == 4:
            sizes["H"], sizes["W"] = column.shape[1:3]
        wanted = tuple(side if isinstance(side, int) else sizes.get(side, -1) for side in shape)
        if str(column.dtype) != dtype or column.shape != wanted:
            raise WrongDataset(
                f"{owner}: column {name!r}: wanted {dtype} {wanted}, found {column.dtype} {column.shape}"
            )
    if unknown := set(columns) - set(COLUMNS):
        raise WrongDataset(f"{owner}: unknown columns {', '.join(sorted(unknown))}")
    clip, frame = columns["clip"], columns["frame"]
    if len(clip) and (clip.min() < 0 or clip.max() >= len(clips)):
        raise WrongDataset(f"{owner}: column 'clip' names a clip beyond the {len(clips)} listed")
    if len(clip) and (np.diff(clip) < 0).any():
        raise WrongDataset(f"{owner}: column 'clip' is not ascending")
    if (np.diff(frame)[np.diff(clip) == 0] <= 0).any():
        raise WrongDataset(f"{owner}: column 'frame' is not ascending within each clip")
    if "xyz" in columns:
        check_unit(owner, columns["xyz"], skeleton(about.skeleton))
    _check_pictures(owner, columns, photographs)
    let_go(columns.values())


def _check_pictures(owner: str, columns: Mapping[str, NDArray[Any]], photographs: tuple[str, ...]) -> None:
    image = columns.get("image", np.zeros(0, np.int32))
    if len(image) and (image.min() < 0 or image.max() >= len(photographs)):
        raise WrongDataset(f"{owner}: column 'image' names a photograph beyond the {len(photographs)} listed")
    if "image" in columns and "rgb" in columns:
        raise WrongDataset(f"{owner}: wanted column 'image' or 'rgb', found both")
    if photographs and "image" not in columns:
        raise WrongDataset(f"{owner}: photographs are listed, but column 'image' is missing")
    if "crop" in columns and "size" not in columns:
        raise WrongDataset(f"{owner}: column 'crop' is there, but 'size' is missing")


SHORTEST_BODY_MM, LONGEST_BODY_MM = 2500.0, 9000.0


def check_unit(owner: str, xyz: NDArray[Any], bones: Skeleton) -> None:
    """The metres guard: the bones of a person add up to a few thousand mm.

    Raises:
        WrongDataset: those of ``xyz`` (N, J, 3) do not; names ``owner``.
    """
    some = np.asarray(xyz[:: max(1, len(xyz) // 256)], dtype=np.float64)
    if not len(some):
        return
    parents, children = np.array(bones.bones).T
    lengths = np.linalg.norm(some[:, children] - some[:, parents], axis=-1)
    known = ~np.isnan(lengths).all(axis=0)
    if not known.any():
        return
    total = float(np.nanmedian(lengths[:, known], axis=0).sum())  # joint by joint: any may be missing somewhere
    if not SHORTEST_BODY_MM <= total <= LONGEST_BODY_MM:
        hint = "; this looks like metres" if total < LONGEST_BODY_MM / 1000 else ""
        raise WrongDataset(
            f"{owner}: column 'xyz' is not in mm: a person's bones add up to {total:.4g}, "
            f"wanted {SHORTEST_BODY_MM:.0f}-{LONGEST_BODY_MM:.0f}{hint}"
        )


def let_go(columns: Iterable[NDArray[Any]]) -> None:
    """Give back the memory of memory-mapped columns' pages; they are read again when they are needed.

    The kernel would do so only when it runs short, and until then a stream seems to grow with what it has read.
    """
    for column in columns:
        if isinstance(column.base, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            column.base.madvise(mmap.MADV_DONTNEED)
