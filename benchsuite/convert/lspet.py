"""Leeds Sports Pose Extended: 10,000 photographs of one person each, 14 joints, labelled ones flagged 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from benchsuite_registry.skeletons import LSP_14

from benchsuite.convert.annotated import People, write_people
from benchsuite.convert.archives import WrongSource
from benchsuite.convert.leeds import read_annotations
from benchsuite.convert.outcome import Outcome
from benchsuite.datasets.columns import About, Clip

LICENCE = (
    "photographs from Flickr, for research; cite Johnson, Everingham: Learning Effective Human Pose Estimation from "
    "Inaccurate Annotation, CVPR 2011"
)


def convert(source: Path, out: Path, seed: int, *, with_images: bool = False) -> Outcome:
    """Write ``out``, a dataset in LSP_14, all of it for training; ``frame`` counts the photographs from 0.

    The file's flag is 1 where a joint is labelled; elsewhere its pixels are junk.

    Args:
        source: a folder with ``joints.mat`` or ``lspet_joints.mat``, that file, or a zip archive with it. Photographs
            are looked for in ``images`` beside it.
        out: folder to write.
        seed: nothing is drawn.
        with_images: take only people whose photograph is there.

    Raises:
        FileNotFoundError: there is no such source, or no such file in it.
    """
    try:
        found = read_annotations(source, "lspet")
    except WrongSource as error:
        return Outcome(problems=[str(error)])
    share = float(1 - found.flag.mean())
    about = About(
        name="lspet",
        split="train",
        skeleton=LSP_14.name,
        fps=0.0,
        licence=LICENCE,
        source="Leeds Sports Pose Extended",
        keypoints="annotated",
        made_by=f"benchsuite convert lspet {source.name} -o {out.name}",
        notes=(
            "frames count the photographs from 0: frame k is imXXXXX.jpg with XXXXX = k + 1",
            f"{share:.1%} of the joints are not labelled (flag 0); where labelled ones are occluded is not told",
        ),
    )
    number = np.arange(len(found.uv))
    people = People(
        uv=found.uv,
        labelled=found.flag,
        visible=found.flag,
        clip=np.zeros_like(number),
        frame=number,
        size=found.size,
        photographs=found.photographs,
    )
    return write_people(out, about, [Clip("lspet", split="train")], people, with_images=with_images)
