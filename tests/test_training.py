"""Training: resuming, freezing, stopping, several processes, and what a source may draw from."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from benchsuite_lifters.courses import MartinezCourse, StereoCourse
from benchsuite_registry.checkpoints import load_checkpoint
from benchsuite_registry.skeletons import H36M_17
from people import person
from shells import Shell

from benchsuite.datasets.dataset import About, Clip, Dataset, WrongDataset, in_memory, write_dataset
from benchsuite.filming import place_cameras
from benchsuite.training import engine
from benchsuite.training.batch import pinned
from benchsuite.training.engine import Plan, TrainingStopped, train
from benchsuite.training.pairs import Pairs, filmed, varied
from benchsuite.training.sources import DatasetSource

QUICK: dict[str, Any] = {"width": 16, "blocks": 1, "dropout": 0.2, "steps": 12, "max_norm": 0.0}


class People:
    """A source of one posture with a little noise."""

    name = "people"

    def pairs(self, rng: np.random.Generator, count: int) -> Pairs:
        return filmed(rng, varied(rng, person() + rng.normal(0, 30, (count, 17, 3))))

    held_out = pairs

    def about(self) -> dict[str, Any]:
        return {"dataset": self.name}


def plan(out: Path, **changes: Any) -> Plan:
    return replace(Plan(out=out, batch=32, validate_every=4, save_every_s=0.0, device="cpu", half=False), **changes)


def weights(path: Path, method: str) -> dict[str, torch.Tensor]:
    return load_checkpoint(path, method)[0]


@pytest.fixture(autouse=True)
def _small_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "FIT_SAMPLES", 500)
    monkeypatch.setattr(engine, "VALIDATION_SAMPLES", 64)


@pytest.mark.parametrize("killed_after", [5, 12, 17])
def test_killed_and_resumed_ends_with_the_same_weights(tmp_path: Path, killed_after: int) -> None:
    course = partial(StereoCourse, **QUICK)
    train(course, [People()], plan(tmp_path / "whole.safetensors"))

    class Killed(BaseException):
        pass

    class Mortal(People):
        draws = 0

        def pairs(self, rng: np.random.Generator, count: int) -> Pairs:
            Mortal.draws += 1
            if Mortal.draws > killed_after + 1:  # the first draw fits the scaling
                raise Killed
            return super().pairs(rng, count)

    out = tmp_path / "resumed.safetensors"
    with pytest.raises(Killed):
        train(course, [Mortal()], plan(out))
    assert not out.exists()
    train(course, [People()], plan(out))
    whole, resumed = weights(tmp_path / "whole.safetensors", "stereo"), weights(out, "stereo")
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert not list(tmp_path.glob("*.resume"))


def test_an_unfinished_run_of_another_plan_is_not_mixed_in(tmp_path: Path) -> None:
    class Mortal(People):
        draws = 0

        def pairs(self, rng: np.random.Generator, count: int) -> Pairs:
            Mortal.draws += 1
            if Mortal.draws > 6:
                raise KeyboardInterrupt
            return super().pairs(rng, count)

    out = tmp_path / "w.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train(partial(MartinezCourse, **QUICK), [Mortal()], plan(out))
    with pytest.raises(TrainingStopped, match="another plan"):
        train(partial(MartinezCourse, **QUICK), [People()], plan(out, seed=1))


def test_seeds_decide(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        train(partial(MartinezCourse, **QUICK), [People()], plan(tmp_path / name, seed=seed))
    a, b, c = (weights(tmp_path / name, "martinez") for name in "abc")
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(a["lifting.layers.0.weight"], c["lifting.layers.0.weight"])


def test_the_second_stage_leaves_the_first_network_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept: list[StereoCourse] = []

    def course() -> StereoCourse:
        kept.append(StereoCourse(**QUICK))
        return kept[-1]

    after_first: dict[str, torch.Tensor] = {}
    run_stage = engine._run_stage

    def watched(*args: Any) -> dict[str, Any]:
        done = run_stage(*args)
        if args[1].name == "view synthesis":
            after_first.update({k: v.clone() for k, v in kept[-1].network.synthesis.state_dict().items()})
        return done

    monkeypatch.setattr(engine, "_run_stage", watched)
    before = StereoCourse(**QUICK).network.reconstruction.state_dict()
    train(course, [People()], plan(tmp_path / "w"))
    final = kept[-1].network
    assert any(name.endswith("running_mean") for name in after_first)
    assert all(torch.equal(after_first[name], value) for name, value in final.synthesis.state_dict().items())
    assert not torch.equal(before["layers.0.weight"], final.reconstruction.state_dict()["layers.0.weight"])


def test_early_stop_keeps_the_best(tmp_path: Path) -> None:
    # a learning rate of zero never improves on the first validation but for batch norm's statistics
    still = partial(MartinezCourse, **{**QUICK, "steps": 400, "lr": 0.0})
    train(still, [People()], plan(tmp_path / "w", patience=2))
    stage = load_checkpoint(tmp_path / "w", "martinez")[1]["stages"]["lifting"]
    errors = [error for _, error in stage["curve"]]
    assert stage["steps"] < 400
    assert stage["error"] == pytest.approx(min(errors), abs=1e-3)
    assert min(errors) == errors[-3]


def test_a_loss_that_is_not_finite_stops_training(tmp_path: Path) -> None:
    class Poisoned(People):
        draws = 0

        def pairs(self, rng: np.random.Generator, count: int) -> Pairs:
            Poisoned.draws += 1
            good = super().pairs(rng, count)
            return good if Poisoned.draws < 8 else good._replace(uv=good.uv * torch.nan)

    with pytest.raises(TrainingStopped, match=r"the loss is nan at step \d+.*holds the last good state"):
        train(partial(MartinezCourse, **QUICK), [Poisoned()], plan(tmp_path / "w"))
    assert (tmp_path / "w.resume").is_file()


def test_training_learns(tmp_path: Path) -> None:
    course = partial(
        MartinezCourse,
        width=64,
        blocks=1,
        dropout=0.0,
        steps=400,
        lr=0.005,
        schedule="cosine",
        max_norm=0.0,
        adam="repo",
    )
    train(course, [People()], plan(tmp_path / "w", batch=128, validate_every=100, save_every_s=60))
    error = load_checkpoint(tmp_path / "w", "martinez")[1]["stages"]["lifting"]["error"]
    xyz = People().pairs(np.random.default_rng(0), 1000).xyz
    truth = xyz - xyz[:, :1]
    assert error < 0.75 * (truth - truth.mean(0)).norm(dim=-1).mean()  # what a mean pose would err by


@pytest.mark.slow
def test_two_processes_train_one_network(tmp_path: Path) -> None:
    train(partial(MartinezCourse, **QUICK), [People()], plan(tmp_path / "w", processes=2))
    tensors, about = load_checkpoint(tmp_path / "w", "martinez")
    assert about["stages"]["lifting"]["steps"] == 12
    torch.manual_seed(0)
    start = MartinezCourse(**QUICK).network.state_dict()
    assert not torch.equal(tensors["lifting.layers.0.weight"], start["lifting.layers.0.weight"])
    assert all(value.isfinite().all() for value in tensors.values())


def folder(takes: int = 40, *, placed: bool = True) -> Dataset:
    """Takes of the person in memory, four frames each, every take filmed by one camera."""
    rng = np.random.default_rng(3)
    count = 4 * takes
    world = person() + rng.normal(0, 20, (count, 17, 3))
    cameras = place_cameras(rng, np.repeat(world[:1, 0], takes, axis=0))
    clip = np.repeat(np.arange(takes), 4)
    each = type(cameras)(cameras.rotation[clip], cameras.position[clip], cameras.focal[clip], cameras.center[clip])
    xyz = each.see(world)
    columns = {
        "uv": each.project(xyz).astype(np.float32),
        "visible": np.ones((count, 17), dtype=bool),
        "xyz": xyz.astype(np.float32),
        "focal": each.focal.astype(np.float32),
        "center": each.center.astype(np.float32),
        "clip": clip.astype(np.int32),
        "frame": np.tile(np.arange(4), takes).astype(np.int32),
    }
    clips = tuple(
        Clip(
            f"{k}.cam1",
            "stand",
            "someone",
            "cam1",
            tuple(cameras.rotation[k].ravel()) if placed else None,
            tuple(cameras.position[k]) if placed else None,
        )
        for k in range(takes)
    )
    return in_memory(About("made-up", "train", "H36M_17", 10.0, "none", "made up"), columns, clips, "f")


def test_refilming_keeps_the_posture() -> None:
    source = DatasetSource(folder(), refilm=True)
    pairs = source.pairs(np.random.default_rng(0), 500)
    torch.testing.assert_close(pairs.camera.project(pairs.xyz), pairs.uv, rtol=0, atol=0.01)
    assert pairs.xyz[..., 2].min() >= 1199.0
    # the thigh bends by the same angle whatever the body and the view: compare with the person's, give or take noise
    thigh, shin = pairs.xyz[:, 2] - pairs.xyz[:, 1], pairs.xyz[:, 3] - pairs.xyz[:, 2]
    bend = torch.nn.functional.cosine_similarity(thigh, shin)
    upright = torch.from_numpy(person())
    wanted = torch.nn.functional.cosine_similarity(upright[2] - upright[1], upright[3] - upright[2], dim=0)
    assert abs(bend.mean() - wanted) < 0.02


def test_other_bodies_are_symmetric_and_stand_where_they_stood() -> None:
    rng = np.random.default_rng(0)
    world = np.repeat(person()[None], 300, axis=0)
    bodies = varied(rng, world)
    lengths = np.stack([np.linalg.norm(bodies[:, j] - bodies[:, p], axis=1) for p, j in H36M_17.bones], axis=1)
    columns = {joint: k for k, (_, joint) in enumerate(H36M_17.bones)}
    for left, right in enumerate(H36M_17.mirror):
        if left < right:
            own = np.linalg.norm(person()[left] - person()[H36M_17.parents[left]])
            other = np.linalg.norm(person()[right] - person()[H36M_17.parents[right]])
            ratio = lengths[:, columns[left]] / lengths[:, columns[right]]
            assert set(np.round(ratio, 6)) <= {round(own / other, 6), round(other / own, 6)}
    np.testing.assert_allclose(bodies[..., 2].min(1), world[..., 2].min(1), atol=1e-9)
    assert 0.04 < (lengths[:, 0] / lengths[:, 0].mean()).std() < 0.1  # 6 % size and 4 % bone: 7.2 %


def test_held_out_takes_are_never_trained_on() -> None:
    source = DatasetSource(folder(), refilm=False)
    drawn = {tuple(row) for row in source.pairs(np.random.default_rng(0), 2000).uv.flatten(1).tolist()}
    held = {tuple(row) for row in source.held_out(np.random.default_rng(0), 2000).uv.flatten(1).tolist()}
    assert held
    assert drawn.isdisjoint(held)


def test_a_source_refuses_what_it_cannot_film() -> None:
    with pytest.raises(WrongDataset, match="40 of 40 clips do not say where their camera stood"):
        DatasetSource(folder(placed=False), refilm=True)
    flat = folder()
    with pytest.raises(WrongDataset, match="without 3D"):
        DatasetSource(replace(flat, columns={k: v for k, v in flat.columns.items() if k != "xyz"}), refilm=False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("martinez", "--device", "cuda"), "device cuda: there is no CUDA device here"),
        (("martinez", "--precision", "16-mixed"), "--precision 16-mixed: wanted a CUDA device, found a CPU"),
        (("martinez", "--batch", "1"), "--batch: wanted a multiple of --processes 1, at least 2 for each, found 1"),
        (("martinez", "--batch", "2", "--processes", "2"), "a multiple of --processes 2, at least 2 for each, found 2"),
        (("martinez", "--processes", "3"), "a multiple of --processes 3, at least 2 for each, found 64"),
        (("martinez", "--save-every", "nan"), "argument --save-every: wanted a number above 0, found 'nan'"),
        (("martinez", "-o", "people"), "people: wanted a file to write, found a folder"),
        (("martinez", "-o", "people/uv.npy/w"), "people/uv.npy: cannot write w here: "),
        (("stereo:steps=0",), "training stereo: steps: wanted at least 1, found 0"),
        (("martinez:steps=-5",), "training martinez: steps: wanted at least 1, found -5"),
        (("martinez:lr=-1",), "training martinez: lr: wanted at least 0, found -1.0"),
        (("stereo:width=0",), "training stereo: width: wanted at least 1, found 0"),
        (("stereo:blocks=-1",), "training stereo: blocks: wanted at least 0, found -1"),
        (("stereo:dropout=1",), "training stereo: dropout: wanted 0 or more and less than 1, found 1.0"),
        (("zhou:steps=-1",), "training zhou: steps: wanted at least 0, found -1"),
        (("yang:lambda_adv=-1",), "training yang: lambda_adv: wanted at least 0, found -1.0"),
        (("yang:finetune_steps=-1",), "training yang: finetune_steps: wanted at least 0, found -1"),
        (("wild:pretrain_steps=0,steps=0",), "pretrain_steps, steps, finetune_steps: wanted one of them above 0"),
    ],
)
def test_train_refuses_before_any_work(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(engine, "train", lambda *_: pytest.fail("it trains"))
    made, shell = folder(), Shell(tmp_path, capsys)
    write_dataset(tmp_path / "people", made.about, made.columns, made.clips)
    before = sorted(tmp_path.rglob("*"))
    assert shell("train", "--data", "people", "--as-filmed", "-o", "w", *words) == 2
    assert message in shell.err
    assert sorted(tmp_path.rglob("*")) == before


def test_pairs_for_a_gpu_are_pinned_and_others_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda column: column + 1.0)  # there may be no GPU to pin for
    pair = (torch.zeros(2), torch.ones(3))
    pairs = Pairs(*pair, *(torch.zeros(1) for _ in Pairs._fields[2:]))
    on_gpu, on_cpu = (pinned(pairs, torch.device(kind)) for kind in ("cuda", "cpu"))
    assert on_cpu is pairs
    assert [float(column.sum()) for column in on_gpu[:2]] == [2.0, 6.0]
