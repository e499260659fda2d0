"""Leeds Sports Pose: 2,000 photographs of one person each, 14 joints, occluded ones flagged 1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from benchsuite_registry.skeletons import LSP_14
from numpy.typing import NDArray

from benchsuite.columns import About, Clip
from benchsuite.convert.annotated import People, photograph_sizes, write_people
from benchsuite.convert.archives import WrongSource, read_mat, unpacked
from benchsuite.convert.outcome import Outcome

TRAINING = 1000
"""The first thousand are for training, the others for testing."""

LICENCE = (
    "photographs from Flickr, for research; cite Johnson, Everingham: Clustered Pose and Nonlinear Appearance "
    "Models for Human Pose Estimation, BMVC 2010"
)
SUFFIXES = frozenset({".mat", ".jpg"})


def convert(source: Path, out: Path, seed: int) -> Outcome:
    """Write ``out``, a dataset in LSP_14; ``frame`` counts the photographs from 0.

    The file's flag is 1 where a joint is occluded, the other way round than in the extended set. Occluded joints are
    labelled all the same.

    Args:
        source: a folder with ``joints.mat`` or ``lsp_joints.mat``, that file, or a zip archive with it. Photographs
            are looked for in ``images`` beside it, for their sizes.
        out: folder to write.
        seed: nothing is drawn.

    Raises:
        FileNotFoundError: there is no such source, or no such file in it.
    """
    try:
        with unpacked(source, SUFFIXES) as folder:
            file = joints_file(source, folder, "lsp_joints.mat")
            uv, flag = read_joints(file)
            if (share := float((flag > 0).mean())) > 0.5:
                found = f"{share:.0%} flagged: this is LSPET, where 1 means labelled; convert it as lspet"
                raise WrongSource(file, "LSP, where few joints are flagged 1, occluded", found)
            size = sizes_beside(file, len(uv))
    except WrongSource as error:
        return Outcome(problems=[str(error)])
    test = np.arange(len(uv)) >= TRAINING
    clips = [Clip("lsp-train", split="train"), Clip("lsp-test", split="test")][: 2 if test.any() else 1]
    about = About(
        name="lsp",
        split="",
        skeleton=LSP_14.name,
        fps=0.0,
        licence=LICENCE,
        source="Leeds Sports Pose",
        keypoints="annotated",
        made_by=f"benchsuite convert lsp {source.name} -o {out.name}",
        notes=(
            "frames count the photographs from 0: frame k is imXXXX.jpg with XXXX = k + 1",
            f"{share:.1%} of the joints are occluded (flag 1): not visible, though their pixels are labelled",
        ),
    )
    labelled = np.ones(flag.shape, dtype=bool)
    frame = np.arange(len(uv))
    people = People(uv, labelled, flag == 0, clip=test.astype(np.int32), frame=frame, size=size)
    return Outcome(write_people(out, about, clips, people))


def joints_file(source: Path, folder: Path, name: str) -> Path:
    """The file itself, or ``name`` or ``joints.mat`` in a folder or one below it.

    Raises:
        FileNotFoundError: it is not there; names ``source``.
    """
    if folder.is_file():
        return folder
    for place in (name, "joints.mat", f"*/{name}", "*/joints.mat"):
        if found := sorted(folder.glob(place)):
            return found[0]
    raise FileNotFoundError(f"{source}: wanted {name} or joints.mat, found neither")


def read_joints(file: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixels (N, 14, 2) and flags (N, 14) of ``joints``, whether it is 3 x 14 x N or 14 x 3 x N.

    Raises:
        WrongSource: it has neither shape, or holds no numbers.
    """
    joints: Any = read_mat(file).get("joints")
    shape: tuple[int, ...] = getattr(joints, "shape", ())
    count = len(LSP_14)
    if len(shape) == 3 and shape[:2] in ((3, count), (count, 3)) and shape[2] and joints.dtype.kind in "uif":
        rows = joints.transpose((2, 1, 0) if shape[0] == 3 else (2, 0, 1)).astype(np.float64)
        return rows[..., :2], rows[..., 2]
    raise WrongSource(file, f"joints of (3, {count}, N) or ({count}, 3, N)", str(shape or "none"))


def sizes_beside(file: Path, count: int) -> NDArray[np.int64]:
    """Sizes (N, 2) px of the photographs in ``images`` beside ``file``, 0 where one is missing."""
    there = {int(f.stem[2:]): f for f in (file.parent / "images").glob("im*.jpg") if f.stem[2:].isdecimal()}
    return photograph_sizes([there.get(number) for number in range(1, count + 1)])
