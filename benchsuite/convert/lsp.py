"""Leeds Sports Pose: 2,000 photographs of one person each, 14 joints, occluded ones flagged 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from benchsuite_registry.skeletons import LSP_14

from benchsuite.convert.annotated import People, write_people
from benchsuite.convert.archives import WrongSource
from benchsuite.convert.leeds import read_annotations
from benchsuite.convert.outcome import Outcome
from benchsuite.datasets.columns import About, Clip

TRAINING = 1000
"""The first thousand are for training, the others for testing."""

LICENCE = (
    "photographs from Flickr, for research; cite Johnson, Everingham: Clustered Pose and Nonlinear Appearance "
    "Models for Human Pose Estimation, BMVC 2010"
)


def convert(source: Path, out: Path, seed: int, *, with_images: bool = False) -> Outcome:
    """Write ``out``, a dataset in LSP_14; ``frame`` counts the photographs from 0.

    The file's flag is 1 where a joint is occluded, the other way round than in the extended set. Occluded joints are
    labelled all the same.

    Args:
        source: a folder with ``joints.mat`` or ``lsp_joints.mat``, that file, or a zip archive with it. Photographs
            are looked for in ``images`` beside it.
        out: folder to write.
        seed: nothing is drawn.
        with_images: take only people whose photograph is there.

    Raises:
        FileNotFoundError: there is no such source, or no such file in it.
    """
    try:
        found = read_annotations(source, "lsp")
    except WrongSource as error:
        return Outcome(problems=[str(error)])
    number = np.arange(len(found.uv))
    test = number >= TRAINING
    clips = [Clip("lsp-train", split="train"), Clip("lsp-test", split="test")][: 2 if test.any() else 1]
    share = float(found.flag.mean())
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
    people = People(
        uv=found.uv,
        labelled=np.ones_like(found.flag),
        visible=~found.flag,
        clip=test.astype(np.int32),
        frame=number,
        size=found.size,
        photographs=found.photographs,
    )
    return write_people(out, about, clips, people, with_images=with_images)
