"""A results folder of many made-up records: as large as a leaderboard has to bear."""

from __future__ import annotations

import random
from pathlib import Path

from benchsuite_registry.contracts import Metric
from benchsuite_registry.skeletons import H36M_17

from benchsuite.records.results import ClipFigures, DatasetUsed, Part, Record, write_record
from benchsuite.records.worst import COUNT, Worst, WorstSample, write_worst

ACTIONS = tuple(f"action {number}" for number in range(15))
FIGURES = {"MPJPE": 1.0, "P-MPJPE": 0.75, "N-MPJPE": 0.95}
DATASETS = tuple(DatasetUsed(name, "test", name[0] * 64, 543_344, 236) for name in ("alpha", "beta"))
LIFTERS, REFINERS, SEEDS = 250, (None, Part("refiner", "smooth", {"frames": 5}, {"frames": 5})), 1


def crowd(root: Path) -> int:
    """Write 1,000 records of 15 actions, each with its worst samples, under ``root``; returns how many."""
    draws = random.Random(5)
    poses = [" ".join(str(draws.randint(-900, 900)) for _ in range(3 * len(H36M_17))) for _ in range(32)]
    count = 0
    for dataset in DATASETS:
        for lifter in range(LIFTERS):
            for refiner in REFINERS:
                level = draws.uniform(35, 120)
                for seed in range(SEEDS):
                    record = _record(draws, f"lifter-{lifter:02}", refiner, dataset, seed, level)
                    write_record(root, record)
                    write_worst(root, record, _worst(draws, poses))
                    count += 1
    return count


def _record(
    draws: random.Random, name: str, refiner: Part | None, dataset: DatasetUsed, seed: int, level: float
) -> Record:
    metrics = []
    for figure, share in FIGURES.items():
        for group in ("", *(f"action={action}" for action in ACTIONS)):
            value = share * level * draws.uniform(0.8, 1.2)
            n = dataset.samples // (len(ACTIONS) if group else 1)
            metrics.append(Metric(figure, value, "mm", "lower", group, value - draws.random(), value + 1, n))
            if not group:
                metrics.append(Metric(f"{figure} avg_frames", value + 0.1, "mm", "lower", "", value - 1, value + 1, n))
    metrics += [Metric("undefined", 0.0, "samples", "lower", n=dataset.samples)]
    clips = range(dataset.clips)
    return Record(
        source=Part("lifter", name, {"width": 1024}, {}, "crowd 1.0"),
        refiner=refiner,
        evaluator=Part("evaluator", "toy-p1", {"joints": 17}, {}, "crowd 1.0"),
        dataset=dataset,
        protocol={"joints": 17, "root": "counted", "alignment": "root", "average": "actions"},
        metrics=tuple(metrics),
        failure=None,
        provenance={"seed": seed, "command": f"benchsuite run --lifter {name} --dataset {dataset.name} --seed {seed}"},
        clips=ClipFigures(
            "actions",
            " ".join(f"{level * draws.uniform(0.5, 1.5):.7g}" for _ in clips),
            " ".join("2302" for _ in clips),
            " ".join(str(clip % len(ACTIONS)) for clip in clips),
        ),
    )


def _worst(draws: random.Random, poses: list[str]) -> Worst:
    samples = (
        WorstSample(draws.randrange(543_344), "S9 Walking 1", 250, "Walking", 400.0 - k, *draws.sample(poses, 2))
        for k in range(COUNT)
    )
    return Worst("MPJPE", "mm", "lower", H36M_17.joints, H36M_17.parents, tuple(samples))
