"""Evaluators that ship with the suite."""

from __future__ import annotations

from collections.abc import Iterable

from benchsuite_registry.contracts import Entry, Evaluator, Parameter, late
from benchsuite_registry.hookspecs import hookimpl


@hookimpl
def benchsuite_evaluators() -> Iterable[Entry[Evaluator]]:
    """Human3.6M's Protocol #1."""
    return (
        Entry(
            name="h36m-p1",
            build=late("benchsuite_evaluators.h36m:H36MProtocol1"),
            summary="Human3.6M Protocol #1: MPJPE in mm after root alignment; P-MPJPE and N-MPJPE beside it",
            needs=("xyz",),
            reference="Ionescu et al., Human3.6M, TPAMI 2014; as used by Martinez et al., ICCV 2017",
            parameters={
                "joints": Parameter(
                    17,
                    "joints of H36M_17 that count: 17 all, 16 without neck_nose, 14 also without pelvis and spine",
                    (17, 16, 14),
                ),
                "root": Parameter(
                    "counted",
                    "whether the root, whose error is 0, is one of them; 14 joints leave it out anyway",
                    ("counted", "excluded"),
                ),
                "average": Parameter(
                    "actions",
                    "the headline: mean of the actions' means, or mean over all frames; the other stands beside it",
                    ("actions", "frames"),
                ),
                "bootstrap": Parameter(
                    1000, "sets of clips drawn for the 95 % confidence intervals; 0 for no intervals"
                ),
            },
        ),
    )
