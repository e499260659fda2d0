"""The example plugin is a real distribution: it is installed, keeps the contracts, and its temporal lifter learns."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from benchsuite_registry.loading import load_registries
from benchsuite_registry.registries import Origin

from benchsuite.cli import main
from benchsuite.datasets.dataset import Dataset, write_dataset
from benchsuite.records.results import read_records
from benchsuite.synthetic.source import synthetic_dataset
from benchsuite.testing import Subject, checks_for, examine

PLUGIN = Path(__file__).parent / "example_plugin"
NAMES = {"lifters": "window", "image-models": "box", "refiners": "put", "evaluators": "worst-joint"}
NOISE_PX = 15.0


@pytest.fixture(scope="module", autouse=True)
def _installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The plugin, installed by pip into a folder of its own."""
    folder = tmp_path_factory.mktemp("example")
    site, copy = folder / "site", folder / "copy"
    for file in (file for file in PLUGIN.rglob("*") if file.is_file() and file.suffix in {".py", ".toml", ".md"}):
        place = copy / file.relative_to(PLUGIN)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())  # building leaves folders beside the source
    install = ["install", "-q", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"]
    command = [sys.executable, "-m", "pip", *install, "--target", str(site), str(copy)]
    subprocess.run(command, check=True, capture_output=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(site))
        yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchsuite_example"]:
        del sys.modules[name]


def test_it_gives_one_component_of_each_kind() -> None:
    loaded = load_registries()
    assert loaded.broken == []
    for kind, name in NAMES.items():
        assert loaded.kinds()[kind].origin(name) == Origin("benchsuite-example", "0.1.0")


@pytest.mark.parametrize("kind", NAMES)
def test_it_passes_the_kit(kind: str) -> None:
    subject = Subject(load_registries().kinds()[kind], NAMES[kind])
    findings = [examine(subject, rule) for rule in checks_for(subject)]
    assert [f"{found.check}: {found.reason}" for found in findings if found.verdict != "pass"] == []


def noisy(dataset: Dataset, seed: int) -> Dataset:
    """The same people, each keypoint off by ``NOISE_PX`` in the mean square of u and of v, each frame anew."""
    uv = dataset.columns["uv"]
    off = np.random.default_rng(seed).normal(0.0, NOISE_PX, uv.shape).astype(np.float32)
    about = replace(dataset.about, name="noisy", keypoints="detected")
    return Dataset(about, {**dataset.columns, "uv": uv + off}, dataset.clips, "")


@pytest.mark.slow
def test_the_temporal_lifter_beats_its_single_frame_self(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchsuite_example.window import train

    monkeypatch.chdir(tmp_path)
    splits = {"train": synthetic_dataset(clips=600, split="train"), "test": noisy(synthetic_dataset(), seed=1)}
    for split, made in splits.items():
        write_dataset(tmp_path / "noisy" / split, made.about, made.columns, made.clips)
    for frames in (1, 9):
        train(tmp_path / "noisy", tmp_path / f"{frames}.safetensors", frames=frames, noise_px=NOISE_PX)
    lifters = [word for frames in (1, 9) for word in ("--lifter", f"window:weights={frames}.safetensors")]
    assert main(["run", *lifters, "--refiner", "none", "--refiner", "put", "--dataset", "noisy", "-o", "results"]) == 0
    records = read_records(tmp_path / "results")
    mpjpe = {r.source.trained["recipe"]: r.metrics[0] for r in records if r.refiner is None}
    print({recipe: round(metric.value, 1) for recipe, metric in mpjpe.items()})
    assert {metric.n for metric in mpjpe.values()} == {6048}
    # measured: 108.2 mm from single frames, 96.1 mm from nine, 95 % intervals of 2.5 mm to either side
    assert mpjpe["1 frames"].value == pytest.approx(108.0, abs=6.0)
    assert mpjpe["9 frames"].value < 0.92 * mpjpe["1 frames"].value
    assert mpjpe["9 frames"].high < mpjpe["1 frames"].low  # type: ignore[operator]
    assert {r.refiner and r.refiner.name for r in records} == {None, "put"}
