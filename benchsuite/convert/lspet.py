"""Leeds Sports Pose Extended: 10,000 photographs of one person each, 14 joints, labelled ones flagged 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from benchsuite_registry.skeletons import LSP_14

from benchsuite.columns import About, Clip
from benchsuite.convert.annotated import People, write_people
from benchsuite.convert.archives import WrongSource, unpacked
from benchsuite.convert.lsp import SUFFIXES, joints_file, read_joints, sizes_beside
from benchsuite.convert.outcome import Outcome

LICENCE = (
    "photographs from Flickr, for research; cite Johnson, Everingham: Learning Effective Human Pose Estimation from "
    "Inaccurate Annotation, CVPR 2011"
)


def convert(source: Path, out: Path, seed: int) -> Outcome:
    """Write ``out``, a dataset in LSP_14, all of it for training; ``frame`` counts the photographs from 0.

    The file's flag is 1 where a joint is labelled; elsewhere its pixels are junk.

    Args:
        source: a folder with ``joints.mat`` or ``lspet_joints.mat``, that file, or a zip archive with it. Photographs
            are looked for in ``images`` beside it, for their sizes.
        out: folder to write.
        seed: nothing is drawn.

    Raises:
        FileNotFoundError: there is no such source, or no such file in it.
    """
    try:
        with unpacked(source, SUFFIXES) as folder:
            file = joints_file(source, folder, "lspet_joints.mat")
            uv, flag = read_joints(file)
            if (share := float((flag > 0).mean())) < 0.5:
                found = f"{share:.0%} flagged: this is LSP, where 1 means occluded; convert it as lsp"
                raise WrongSource(file, "LSPET, where most joints are flagged 1, labelled", found)
            size = sizes_beside(file, len(uv))
    except WrongSource as error:
        return Outcome(problems=[str(error)])
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
            f"{1 - share:.1%} of the joints are not labelled (flag 0); where labelled ones are occluded is not told",
        ),
    )
    rows = np.arange(len(uv))
    people = People(uv, flag > 0, flag > 0, clip=np.zeros_like(rows), frame=rows, size=size)
    return Outcome(write_people(out, about, [Clip("lspet", split="train")], people))
