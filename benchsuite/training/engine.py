"""The training loop: Lightning Fabric launches, places and scales; every step is a function of seed and step number.

Because the pairs and the dropout of a step follow from its number alone, a run that was killed and goes on ends with
the same weights as one that was not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from benchsuite_registry.checkpoints import save_checkpoint
from torch import Tensor, nn
from tqdm import tqdm

from benchsuite.training.course import Course, Stage
from benchsuite.training.pairs import Pairs, joined
from benchsuite.training.resume import Resume, TrainingStopped
from benchsuite.training.sources import Source

if TYPE_CHECKING:
    from lightning_fabric import Fabric

FIT_SAMPLES = 100_000
VALIDATION_SAMPLES = 4096
_FIT, _VALIDATE, _TRAIN = 0, 1, 2  # streams of random numbers that must not meet


@dataclass(frozen=True)
class Plan:
    """How to run a course.

    Attributes:
        out: the weights file to write; ``<out>.resume`` beside it holds an unfinished run.
        seed: of initialisation, pairs and dropout.
        batch: pairs a step, over all processes.
        validate_every: steps between two validations.
        patience: validations without improvement before a stage ends early; 0 never does.
        save_every_s: seconds between two saves of an unfinished run.
        device: ``auto``, ``cpu`` or ``cuda``.
        precision: Fabric's name, such as ``32-true`` or ``bf16-mixed``.
        processes: how many, each with its own device.
        recipe: label that runs which differ only in their seed share.
        command: what was typed, kept in the checkpoint.
        half: keep weights as float16.
    """

    out: Path
    seed: int = 0
    batch: int = 64
    validate_every: int = 1000
    patience: int = 0
    save_every_s: float = 60.0
    device: str = "auto"
    precision: str = "32-true"
    processes: int = 1
    recipe: str = ""
    command: str = ""
    half: bool = True


def train(make_course: Callable[[], Course], sources: Sequence[Source], plan: Plan) -> None:
    """Run a course to its end and write its weights.

    Args:
        make_course: makes the untrained method; called once in every process.
        sources: each gives an equal share of every batch.
        plan: how.

    Raises:
        TrainingStopped: Fabric is not installed (says which extra holds it), the loss stopped being finite, or an
            unfinished run of another plan is in the way.
    """
    try:
        from lightning_fabric import Fabric
    except ModuleNotFoundError:
        raise TrainingStopped("training needs lightning-fabric: pip install 'benchsuite[train]'") from None
    device = plan.device if plan.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    strategy = "auto" if plan.processes == 1 else "ddp_spawn" if device == "cpu" else "ddp"
    fabric = Fabric(
        accelerator=device,
        devices=plan.processes,
        strategy=strategy,
        precision=plan.precision,  # type: ignore[arg-type]
    )
    # a partial, because Fabric looks into plain arguments and stumbles over frozen ones
    work = partial(_run, make_course=make_course, sources=sources, plan=plan)
    if plan.processes > 1:
        fabric.launch(work)
    else:
        work(fabric)


class _Loss(nn.Module):
    """A stage as a module, so that Fabric can wrap its forward pass for any number of processes."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.module = stage.module
        self._loss = stage.loss

    def forward(self, *pairs: Tensor) -> Tensor:
        return self._loss(Pairs(*pairs))


def _run(fabric: Fabric, make_course: Callable[[], Course], sources: Sequence[Source], plan: Plan) -> None:
    torch.manual_seed(plan.seed)
    course = make_course()
    fit = _draw(sources, (plan.seed, _FIT), FIT_SAMPLES)
    course.fit(fit)
    course.network.to(fabric.device).eval().requires_grad_(False)  # each stage wakes its own part
    validation = joined(
        [
            s.held_out(np.random.default_rng((plan.seed, _VALIDATE, k)), VALIDATION_SAMPLES)
            for k, s in enumerate(sources)
        ]
    ).to(fabric.device)
    decisive = {k: v for k, v in asdict(plan).items() if k not in ("out", "save_every_s", "command", "device")}
    resume = Resume(plan.out, course.network, repr(sorted({**decisive, **course.architecture}.items())))
    done = resume.load()
    history: dict[str, Any] = dict(done["history"])
    for number, stage in enumerate(course.stages()):
        if number < done["stage"]:
            continue
        state = done if number == done["stage"] and done["optimizer"] is not None else None
        history[stage.name] = _run_stage(fabric, stage, number, sources, validation, plan, resume, state, history)
    if fabric.global_rank == 0:
        about = {
            "method": course.method,
            "architecture": course.architecture,
            "recipe": plan.recipe,
            "seed": plan.seed,
            "batch": plan.batch,
            "precision": plan.precision,
            "command": plan.command,
            "data": [source.about() for source in sources],
            "stages": history,
        }
        save_checkpoint(plan.out, course.network.state_dict(), about, half=plan.half)
        resume.forget()
    fabric.barrier()


def _draw(sources: Sequence[Source], key: tuple[int, ...], count: int) -> Pairs:
    shares = [count // len(sources) + (k < count % len(sources)) for k in range(len(sources))]
    return joined(
        [s.pairs(np.random.default_rng((*key, k)), n) for k, (s, n) in enumerate(zip(sources, shares, strict=True))]
    )


def _ahead(draw: Callable[[int], Pairs], steps: range) -> Iterator[tuple[int, Pairs]]:
    """Each step with its pairs, drawn in a thread of their own while the step before is computed."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        coming = pool.submit(draw, steps.start) if steps else None
        for step in steps:
            assert coming is not None
            pairs = coming.result()
            if step + 1 < steps.stop:
                coming = pool.submit(draw, step + 1)
            yield step, pairs


def _run_stage(
    fabric: Fabric,
    stage: Stage,
    number: int,
    sources: Sequence[Source],
    validation: Pairs,
    plan: Plan,
    resume: Resume,
    state: dict[str, Any] | None,
    history: dict[str, Any],
) -> dict[str, Any]:
    """Train one stage; returns its best error, the steps it took and its curve."""
    trained = list(stage.module.parameters())
    for parameter in trained:
        parameter.requires_grad_(True)
    model, optimizer = fabric.setup(_Loss(stage), stage.optimizer(trained))
    base_lr = [group["lr"] for group in optimizer.param_groups]
    first, best, best_weights, waited, curve = 0, float("inf"), None, 0, []
    if state is not None:
        optimizer.load_state_dict(state["optimizer"])
        first, best, waited, curve = state["step"], state["best"], state["waited"], list(state["curve"])
        best_weights = state["best_weights"]
    share = plan.batch // fabric.world_size
    bar = tqdm(
        total=stage.steps,
        initial=first,
        desc=stage.name,
        unit="step",
        disable=None if fabric.global_rank == 0 else True,
    )
    saved = time.monotonic()
    stage.module.train()
    key = (plan.seed, _TRAIN, number, fabric.global_rank)
    for step, pairs in _ahead(lambda step: _draw(sources, (*key, step), share), range(first, stage.steps)):
        torch.manual_seed(hash((plan.seed, number, step, fabric.global_rank)) % 2**63)  # dropout of this step
        for group, lr in zip(optimizer.param_groups, base_lr, strict=True):
            group["lr"] = lr * stage.lr_factor(step)
        loss = model(*pairs.to(fabric.device))
        if not torch.isfinite(loss):
            raise TrainingStopped(f"{stage.name}: the loss is {loss.item()} at step {step}; {resume.kept()}")
        optimizer.zero_grad(set_to_none=True)
        fabric.backward(loss)
        optimizer.step()
        stage.after_step()
        bar.update()
        if (step + 1) % plan.validate_every == 0 or step + 1 == stage.steps:
            error = _validate(stage, validation)
            curve.append([step + 1, round(error, 4)])
            bar.set_postfix_str(f"loss {loss.item():.4f}, held out {error:.1f} {stage.unit}")
            if error < best:
                best, waited = error, 0
                best_weights = {k: v.detach().clone() for k, v in stage.module.state_dict().items()}
            else:
                waited += 1
                if plan.patience and waited >= plan.patience:
                    break
        if fabric.global_rank == 0 and time.monotonic() - saved > plan.save_every_s:
            saved = time.monotonic()
            resume.save(number, step + 1, optimizer.state_dict(), best, best_weights, waited, curve, history)
    bar.close()
    if best_weights is not None:
        stage.module.load_state_dict(best_weights)
    stage.module.eval()
    for parameter in trained:
        parameter.requires_grad_(False)
    done = {"error": best, "unit": stage.unit, "steps": curve[-1][0] if curve else 0, "curve": curve}
    if fabric.global_rank == 0:
        resume.save(number + 1, 0, None, float("inf"), None, 0, [], {**history, stage.name: done})
    return done


@torch.no_grad()
def _validate(stage: Stage, validation: Pairs) -> float:
    stage.module.eval()
    error = float(stage.error(validation))
    stage.module.train()
    return error
