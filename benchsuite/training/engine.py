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
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

import numpy as np
import torch
from benchsuite_registry.checkpoints import save_checkpoint
from torch import Tensor, nn
from tqdm import tqdm

from benchsuite.training.batch import B, batch_like, joined, moved, pinned
from benchsuite.training.course import Course, Stage
from benchsuite.training.resume import Resume, TrainingStopped
from benchsuite.training.sources import Source

if TYPE_CHECKING:
    from lightning_fabric import Fabric

FIT_SAMPLES = 100_000
VALIDATION_SAMPLES = 4096
CROPS = 512
"""Pictures are large: that many must do for either, of all sources together."""
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


def train(make_course: Callable[[], Course[B]], sources: Sequence[Source[B]], plan: Plan) -> None:
    """Run a course to its end and write its weights.

    Args:
        make_course: makes the untrained method; called once in every process.
        sources: each gives an equal share of every batch.
        plan: how.

    Raises:
        TrainingStopped: Fabric is not installed (says which extra holds it), the loss, the weights or the held-out
            error stopped being finite (the unfinished run is kept as it last was when all three were), or an
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


class _Loss(nn.Module, Generic[B]):
    """A stage as a module, so that Fabric can wrap its forward pass for any number of processes."""

    def __init__(self, stage: Stage[B], like: B) -> None:
        super().__init__()
        self.module = stage.module
        self._loss, self._like = stage.loss, like

    def forward(self, *pairs: Tensor) -> Tensor:
        return self._loss(batch_like(self._like, pairs))


def _run(fabric: Fabric, make_course: Callable[[], Course[B]], sources: Sequence[Source[B]], plan: Plan) -> None:
    torch.manual_seed(plan.seed)
    course = make_course()
    fit, held_out = FIT_SAMPLES, VALIDATION_SAMPLES
    if course.reads == "crops":
        fit, held_out = CROPS, CROPS // len(sources)
    course.fit(_draw(sources, (plan.seed, _FIT), fit))
    course.network.to(fabric.device).eval().requires_grad_(False)  # each stage wakes its own part
    validation = moved(
        joined([s.held_out(np.random.default_rng((plan.seed, _VALIDATE, k)), held_out) for k, s in enumerate(sources)]),
        fabric.device,
    )
    decisive = {k: v for k, v in asdict(plan).items() if k not in ("out", "save_every_s", "command", "device")}
    decisive |= {"data": [source.about() for source in sources], **course.architecture}
    resume = Resume(plan.out, course.network, repr(sorted(decisive.items())))
    done = resume.load()
    history: dict[str, Any] = dict(done["history"])
    for number, stage in enumerate(course.stages()):
        if number < done["stage"]:
            continue
        first, running = (done["step"], done["running"]) if number == done["stage"] else (0, None)
        history[stage.name] = _run_stage(
            fabric, stage, number, sources, validation, plan, resume, first, running, history
        )
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


def _draw(sources: Sequence[Source[B]], key: tuple[int, ...], count: int) -> B:
    shares = [count // len(sources) + (k < count % len(sources)) for k in range(len(sources))]
    return joined(
        [s.pairs(np.random.default_rng((*key, k)), n) for k, (s, n) in enumerate(zip(sources, shares, strict=True))]
    )


def _ahead(draw: Callable[[int], B], steps: range) -> Iterator[tuple[int, B]]:
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
    stage: Stage[B],
    number: int,
    sources: Sequence[Source[B]],
    validation: B,
    plan: Plan,
    resume: Resume,
    first: int,
    running: dict[str, Any] | None,
    history: dict[str, Any],
) -> dict[str, Any]:
    """Train one stage; returns its best error, the steps it took and its curve."""
    trained = list(stage.module.parameters())
    for parameter in trained:
        parameter.requires_grad_(True)
    model, optimizer = fabric.setup(_Loss(stage, validation), stage.optimizer(trained))
    base_lr = [group["lr"] for group in optimizer.param_groups]
    scaler = fabric.strategy.precision
    best, best_weights, waited, curve = float("inf"), None, 0, []
    if running is not None:
        stage.module.load_state_dict(running["module"])
        optimizer.load_state_dict(running["optimizer"])
        scaler.load_state_dict(running["scaler"])
        best, best_weights, waited, curve = running["progress"]
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
    steps = range(first, stage.steps)
    for step, pairs in _ahead(lambda step: pinned(_draw(sources, (*key, step), share), fabric.device), steps):
        torch.manual_seed(hash((plan.seed, number, step, fabric.global_rank)) % 2**63)  # dropout of this step
        for group, lr in zip(optimizer.param_groups, base_lr, strict=True):
            group["lr"] = lr * stage.lr_factor(step)
        loss = model(*moved(pairs, fabric.device))
        if not torch.isfinite(loss):
            raise TrainingStopped(f"{stage.name}: the loss is {loss.item()} at step {step}; {resume.kept()}")
        optimizer.zero_grad(set_to_none=True)
        fabric.backward(loss)
        optimizer.step()
        stage.after_step()
        bar.update()
        if (step + 1) % plan.validate_every == 0 or step + 1 == stage.steps:
            error = _validate(stage, validation)
            if not isfinite(error):
                raise TrainingStopped(f"{stage.name}: the held-out error is {error} at step {step}; {resume.kept()}")
            figures = {name: round(figure, 4) for name, figure in stage.observed().items()}
            curve.append([step + 1, round(error, 4), *([figures] if figures else [])])
            shown = [f"loss {loss.item():.4f}", f"held out {error:.1f} {stage.unit}"]
            bar.set_postfix_str(", ".join(shown + [f"{name} {figure:.4g}" for name, figure in figures.items()]))
            if error < best:
                best, waited = error, 0
                best_weights = {k: v.detach().clone() for k, v in stage.module.state_dict().items()}
            else:
                waited += 1
                if plan.patience and waited >= plan.patience:
                    break
        if fabric.global_rank == 0 and time.monotonic() - saved > plan.save_every_s:
            saved = time.monotonic()
            if not all(weights.isfinite().all() for weights in stage.module.state_dict().values()):
                raise TrainingStopped(f"{stage.name}: weights are not finite after step {step}; {resume.kept()}")
            running = {
                "module": stage.module.state_dict(),
                "optimizer": optimizer.state_dict(),
                "scaler": scaler.state_dict(),
                "progress": (best, best_weights, waited, curve),
            }
            resume.save(number, step + 1, history, running)
    bar.close()
    if best_weights is not None:
        stage.module.load_state_dict(best_weights)
    stage.module.eval()
    for parameter in trained:
        parameter.requires_grad_(False)
    done = {"error": best, "unit": stage.unit, "steps": curve[-1][0] if curve else 0, "curve": curve}
    if fabric.global_rank == 0:
        resume.save(number + 1, 0, {**history, stage.name: done}, None)
    return done


@torch.no_grad()
def _validate(stage: Stage[B], validation: B) -> float:
    stage.module.eval()
    error = float(stage.error(validation))
    stage.module.train()
    return error
