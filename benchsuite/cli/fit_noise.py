"""``benchsuite fit-noise``: the 2D noise model of robustness curves, from a detector's predictions beside the truth."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = """Fit the 2D noise model of `benchsuite robustness` on a detector's predictions beside MPII's labels, a MATLAB
file as evaluation scripts for MPII's validation people read it (`detections_our_format.mat`)."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("detections", type=Path, metavar="DETECTIONS.mat")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE.json", help="model to write")


def main(args: argparse.Namespace) -> int:
    """Fit, write, and print how well the model gives the detector's PCKh."""
    import numpy as np
    from tabulate import tabulate

    from benchsuite.documents import dump, write_whole
    from benchsuite.robustness.fitting import fit_noise, pckh, read_detections
    from benchsuite.robustness.noise import DETECTED

    predicted, true, head = read_detections(args.detections)
    source = f"a stacked hourglass' predictions for {len(true):,} validation people of MPII Human Pose"
    made_by = f"benchsuite fit-noise {args.detections.name} -o {args.out.name}"
    model = fit_noise(predicted, true, head, source=source, made_by=made_by)
    write_whole(args.out, dump(model))
    found, made = (
        pckh(p, true, head) for p in (predicted, model.moved(true, DETECTED, head, np.random.default_rng(0)))
    )
    rows = [[joint, f"{a:.1f}", f"{b:.1f}"] for joint, a, b in zip(DETECTED.joints, found, made, strict=True)]
    print(tabulate(rows, ["PCKh@0.5 (%)", "detector", "model"], tablefmt="github", disable_numparse=True))
    print(f"{args.out}: {len(true):,} people; correlation of a person's joints {model.together:.2f}")
    return 0
