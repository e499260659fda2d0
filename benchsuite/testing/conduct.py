"""Checks of how any component behaves: what it gives back, and what it leaves alone."""

from __future__ import annotations

import io
import random
from typing import Any

import numpy as np
import torch
from benchsuite_registry.contracts import Refinement
from benchsuite_registry.poses import Frame, PoseBatch

from benchsuite.running.handed import left_alone
from benchsuite.running.stdout import aside
from benchsuite.testing.findings import EVALUATOR, EVERY, IMAGE_MODEL, LIFTER, REFINER, check
from benchsuite.testing.settings import kept, settings
from benchsuite.testing.subject import ACTS, NotConforming, Subject, columns, copied, demand_same, seeded


@check(*EVERY)
def gives_one_row_a_sample(subject: Subject) -> None:
    """It gives what its contract says, one row for each sample."""
    count = len(subject.given[0])
    for name, column in columns(subject.gave).items():
        if column.shape[:1] != (count,):
            raise NotConforming(f"{name}: wanted {count} rows, found shape {column.shape}")


@check(LIFTER, IMAGE_MODEL, REFINER)
def keeps_the_order_of_samples(subject: Subject) -> None:
    """The ids come back as they were given, in their order."""
    wanted = subject.given[0].ids.tolist()
    for part in _carriers(subject.gave):
        if (found := part.ids.tolist()) != wanted:
            raise NotConforming(f"wanted ids {wanted}, found {found}")


@check(LIFTER, IMAGE_MODEL, REFINER)
def says_the_right_frame(subject: Subject) -> None:
    """Lifters and image models give poses relative to the root, refiners poses before the camera."""
    wanted = Frame.CAMERA if subject.kind == REFINER else Frame.ROOT
    for part in _carriers(subject.gave):
        if isinstance(part, PoseBatch) and part.frame is not wanted:
            raise NotConforming(f"wanted poses in {wanted}, found {part.frame}")


@check(LIFTER, IMAGE_MODEL, REFINER)
def keeps_to_float32(subject: Subject) -> None:
    """Of float32 samples come float32 coordinates; a refiner's depths and costs are float64, its flags uint8."""
    wanted = {"depth_mm": "float64", "cost": "float64", "flags": "uint8", "visible": "bool"}
    for name, column in subject.reference.items():
        if column.dtype != wanted.get(name, "float32"):
            raise NotConforming(f"{name}: wanted {wanted.get(name, 'float32')}, found {column.dtype}")


@check(EVALUATOR)
def gives_numbers(subject: Subject) -> None:
    """The figures of samples are arrays of numbers."""
    for name, column in subject.reference.items():
        if column.dtype.kind not in "biuf":
            raise NotConforming(f"{name}: wanted an array of numbers, found {column.dtype}")


@check(*EVERY)
def leaves_its_input_alone(subject: Subject) -> None:
    """What it is given is afterwards as it was before."""
    own, told = copied(subject.given), list[str]()
    with torch.inference_mode(), left_alone(told.append, *own):
        getattr(subject.made, ACTS[subject.kind][1])(*own)
    if told:
        raise NotConforming("it writes into what it is given")


@check(*EVERY)
def shares_no_memory_with_its_input(subject: Subject) -> None:
    """What it gives is not a view of what it was given: whoever changes one does not change the other."""
    own = copied(subject.given)
    with torch.inference_mode():
        gave = columns(subject.checked(getattr(subject.made, ACTS[subject.kind][1])(*own)))
    for tensor in (one for part in own for one in part.tensors()):
        for name, column in gave.items():
            if name != "right_uv" and np.shares_memory(tensor.numpy(), column):
                raise NotConforming(f"{name} lies in the memory of what was given")


@check(*EVERY)
def keeps_what_it_gave(subject: Subject) -> None:
    """What it gave stays as it is when it is called again: no buffer is used twice."""
    gave = columns(subject.act(subject.made, subject.given))
    kept = {name: column.copy() for name, column in gave.items()}
    subject.act(subject.made, subject.other)
    demand_same(kept, gave, "after another call")


@check(*EVERY)
def acts_the_same_again(subject: Subject) -> None:
    """The same samples and seed give the same, bit by bit, whatever came in between."""
    subject.act(subject.made, subject.other)
    demand_same(subject.reference, subject.gives(subject.given), "called again")


@check(*EVERY)
def builds_the_same_again(subject: Subject) -> None:
    """Built twice, it behaves the same, bit by bit."""
    demand_same(subject.reference, subject.gives(subject.given, subject.build()), "built again")


@check(*EVERY)
def works_in_inference_mode(subject: Subject) -> None:
    """In torch's inference mode, in which the runner calls it, it gives the same as outside."""
    outside = columns(subject.act(subject.made, subject.given, inference=False))
    demand_same(outside, subject.reference, "in inference mode", exactly=False)


@check(*EVERY)
def prints_nothing(subject: Subject) -> None:
    """It writes nothing to standard output, where the tables go."""
    with aside(printed := io.StringIO()):
        subject.everything()
    if text := printed.getvalue():
        raise NotConforming(f"wanted nothing on standard output, found {text[:60]!r}")


@check(*EVERY)
def does_not_seed(subject: Subject) -> None:
    """It may draw from the global generators, which the runner has seeded, but seeds none of them itself."""
    states = []
    for seed in (1, 2):
        seeded(seed)
        subject.everything()
        drawn = np.random.get_state(legacy=False)  # noqa: NPY002 - this is the generator in question
        states.append((random.getstate(), repr(drawn), torch.get_rng_state().numpy().tobytes()))
    for name, one, two in zip(("random", "numpy.random", "torch"), *states, strict=True):
        if one == two:
            raise NotConforming(f"it seeds the global generator of {name}: after two seeds its state is the same")


@check(*EVERY)
def leaves_settings_alone(subject: Subject) -> None:
    """Thread count, default type and device, autograd, working directory and environment stay as they were."""
    with kept():  # what is set when a library is imported first is not this component's doing
        subject.everything()
    before = settings()
    subject.everything()
    for name, now in settings().items():
        if now == before[name]:
            continue
        raise NotConforming(f"it changes {name}" + ("" if name == "the environment" else f" to {now}"))


@check(*EVERY, unit="pose")
def takes_an_empty_batch(subject: Subject) -> None:
    """Of no samples come no rows."""
    gave = subject.gives(tuple(part.rows(slice(0, 0)) for part in subject.given))
    for name, column in gave.items():
        if len(column):
            raise NotConforming(f"{name}: wanted no rows, found {len(column)}")


@check(*EVERY, unit="clip")
def takes_a_clip_of_one_frame(subject: Subject) -> None:
    """A clip may be as short as one frame."""
    for name, column in subject.gives(tuple(part.rows(slice(4, 5)) for part in subject.given)).items():
        if len(column) != 1:
            raise NotConforming(f"{name}: wanted one row, found {len(column)}")


def _carriers(gave: Any) -> list[Any]:
    """The batches that a source or refiner gave."""
    return list(gave) if isinstance(gave, tuple) else [gave.poses if isinstance(gave, Refinement) else gave]
