"""Training image models: that they learn, what each stage may touch, resuming, stopping, starting from one another."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from benchsuite_image_models import shipped
from benchsuite_image_models.courses import WildCourse, YangCourse, ZhouCourse
from benchsuite_image_models.losses import discriminator_loss, generator_loss, zhou_loss
from benchsuite_image_models.optimisation import Optimisation
from benchsuite_registry.checkpoints import WrongCheckpoint, load_checkpoint
from benchsuite_registry.skeletons import H36M_17, MPII_16
from shells import Shell
from sticks import stick_figures

from benchsuite.datasets.dataset import Dataset, write_dataset
from benchsuite.training import engine
from benchsuite.training.batch import joined
from benchsuite.training.crops import Crops, CropSource
from benchsuite.training.engine import Plan, TrainingStopped, train

COURSES = {"zhou": ZhouCourse, "yang": YangCourse, "wild": WildCourse}
TINY: dict[str, Any] = {"features": 8, "stacks": 1, "modules": 1, "depth": 1, "regression": 1, "size": 16}
QUICK: dict[str, Any] = {**TINY, "pretrain_steps": 4, "steps": 6, "finetune_steps": 6}
SMALL: dict[str, Any] = {
    **{"features": 64, "stacks": 1, "modules": 1, "depth": 2, "regression": 2, "size": 64},
    **{"peaks": "exact", "schedule": "cosine"},
}


@pytest.fixture(autouse=True)
def _few_crops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "CROPS", 64)


def plan(out: Path, **changes: Any) -> Plan:
    return replace(Plan(out=out, batch=8, validate_every=3, save_every_s=600.0, device="cpu", half=False), **changes)


def sources(size: int = 16, *, flat: bool = True, varied: bool = True, of: type[CropSource] = CropSource) -> list[Any]:
    """A laboratory and photographs, 32 people each, all of them both trained on and validated with."""
    sets = (stick_figures(32, side=size, take="one"), stick_figures(32, side=size, seed=1, take="one", flat=flat))
    return [of(dataset, size=size, number=k, varied=varied) for k, dataset in enumerate(sets)]


def crops(size: int = 16, count: int = 8) -> Crops:
    return joined([source.pairs(np.random.default_rng(0), count) for source in sources(size)])


def weights(path: Path, method: str) -> dict[str, torch.Tensor]:
    return load_checkpoint(path, method)[0]


# learning


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Heat maps of the 32 people and of 32 others, which all three start from."""
    out = tmp_path_factory.mktemp("pretrained") / "pretrained.safetensors"
    course = partial(ZhouCourse, **SMALL, pretrain_steps=800, steps=0, lr=0.002)
    train(course, sources(64, varied=False), plan(out, batch=12, validate_every=400))
    return out


@pytest.mark.slow
@pytest.mark.parametrize("method", COURSES)
def test_overfitting_32_images(tmp_path: Path, pretrained: Path, method: str) -> None:
    """PCKh over 95 % and MPJPE under 40 mm, of what the finished weights predict through the contract."""
    settings: dict[str, Any] = {**SMALL, "start": str(pretrained), "pretrain_steps": 0, "lambda_reg": 0.02, "lr": 5e-4}
    settings |= {"steps": 600} if method == "wild" else {"steps": 500, "finetune_steps": 100}
    if method == "yang":
        settings["lambda_adv"] = 2e-5  # a discriminator that knows 32 poses by heart pulls harder than one of many
    given = sources(64, flat=method != "wild", varied=False)
    out = tmp_path / "w.safetensors"
    train(partial(COURSES[method], **settings), given, plan(out, batch=16, validate_every=200))

    dataset: Dataset = given[0].dataset
    everybody = slice(0, 32)
    images = dataset.images(everybody, 64)
    model = getattr(shipped, method)(str(out))
    keypoints, poses = model.predict(images)
    truth = dataset.poses(everybody).in_skeleton(MPII_16).root_relative().xyz
    assert (poses.root_relative().xyz - truth).norm(dim=-1).mean() < 40
    both = [joint for joint in MPII_16.joints if joint in H36M_17.joints]
    found = keypoints.camera.pixels_in(keypoints.uv, dataset.keypoints(everybody).camera)
    found = found[:, [MPII_16.index(joint) for joint in both]]
    uv = dataset.keypoints(everybody).uv
    head = (uv[:, H36M_17.index("head_top")] - uv[:, H36M_17.index("thorax")]).norm(dim=-1)
    gaps = (found - uv[:, [H36M_17.index(joint) for joint in both]]).norm(dim=-1)
    assert (gaps <= 0.5 * head[:, None]).float().mean() > 0.95


# what each stage may touch


@pytest.mark.parametrize("method", COURSES)
def test_stages_and_what_their_checkpoint_holds(tmp_path: Path, method: str) -> None:
    settings = {**QUICK, "finetune_steps": 0 if method == "wild" else 6}
    out = tmp_path / "w"
    train(partial(COURSES[method], **settings), sources(), plan(out))
    tensors, about = load_checkpoint(out, method)
    third = {"zhou": "geometric loss", "yang": "adversarial"}.get(method)
    assert set(about["stages"]) == {"heat maps", "depths", third} - {None}
    assert about["stages"]["heat maps"]["unit"] == "px"
    assert [row[0] for row in about["stages"]["depths"]["curve"]] == [3, 6]
    assert set(about["stages"]["depths"]["curve"][0][2]) == {"px"}
    if method == "yang":
        assert set(about["stages"]["adversarial"]["curve"][0][2]) == {"px", "true told", "found told"}
    assert set(tensors) == set(COURSES[method](**TINY).network.state_dict()), "no discriminator"
    assert about["data"][0]["varied"] is True


def test_the_first_stage_leaves_the_depth_head_alone(tmp_path: Path) -> None:
    torch.manual_seed(0)
    before = ZhouCourse(**TINY).network.state_dict()
    before = {name: value.clone() for name, value in before.items()}
    train(partial(ZhouCourse, **{**QUICK, "steps": 0, "finetune_steps": 0}), sources(), plan(tmp_path / "w"))
    after = weights(tmp_path / "w", "zhou")
    changed = {name.split(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == {"hourglass", "bone_sum_mm"}


def test_generator_and_discriminator_learn_from_their_own_losses_alone() -> None:
    torch.manual_seed(0)
    course = YangCourse(**TINY, lambda_adv=0.3)
    batch = crops()
    course.network.train()
    course.adversarial_loss(batch).backward()
    generator, judge = list(course.network.parameters()), list(course.discriminator.parameters())
    got = [parameter.grad for parameter in (*generator, *judge)]
    assert all(parameter.requires_grad for parameter in judge)

    maps, depths = course.network(batch.rgb)
    wanted = course.targets(batch)
    logits = course.discriminator.found(batch.rgb, maps[-1], depths)
    pose_loss = zhou_loss(maps, depths, wanted, lambda_geo=0.0)
    own = torch.autograd.grad(generator_loss(pose_loss, logits, lambda_adv=0.3), generator, retain_graph=True)
    lab = slice(0, 8)  # the sticks with 3D
    real = course.discriminator(batch.rgb[lab], wanted.maps[lab], wanted.xy[lab], wanted.depths[lab])
    own += torch.autograd.grad(discriminator_loss(real, logits), judge)
    assert len(own) == len(got)
    for gradient, alone in zip(got, own, strict=True):
        torch.testing.assert_close(gradient, alone, rtol=1e-3, atol=1e-6)


def test_the_geometric_loss_is_of_photographs_alone_and_of_the_third_stage() -> None:
    torch.manual_seed(0)
    course = ZhouCourse(**TINY, lambda_geo=1.0)
    batch = crops()
    lab, photographs = (Crops(*(column[rows] for column in batch)) for rows in (slice(0, 8), slice(8, 16)))
    with torch.no_grad():
        assert course.geometric_loss(lab) == course.pose_loss(lab)
        assert course.geometric_loss(photographs) > course.pose_loss(photographs)


def test_bones_add_up_to_the_mean_of_the_training_data() -> None:
    """The 14 bones by name, by another route: 3D of the dataset, its pelvis and thorax as they are."""
    (lab, _) = sources(varied=False)
    chains = ("ankle knee hip", "wrist elbow shoulder")
    pairs = [
        (f"{s}_{a}", f"{s}_{b}") for s in "lr" for c in chains for a, b in zip(c.split(), c.split()[1:], strict=False)
    ]
    pairs += [(f"{s}_hip", "pelvis") for s in "lr"] + [(f"{s}_shoulder", "thorax") for s in "lr"]
    pairs += [("pelvis", "thorax"), ("thorax", "head_top")]
    xyz = lab.dataset.columns["xyz"].astype(np.float64)
    sums = sum(np.linalg.norm(xyz[:, H36M_17.index(a)] - xyz[:, H36M_17.index(b)], axis=1) for a, b in pairs)
    course = WildCourse(**TINY)
    batch = lab.held_out(np.random.default_rng(0), 32)
    course.fit(batch)
    assert len(pairs) == 14
    assert abs(int(course.network.bone_sum_mm) - sums.mean()) <= 0.5


def test_depths_need_3d(tmp_path: Path) -> None:
    photographs = sources()[1:]
    with pytest.raises(TrainingStopped, match="wild: wanted a dataset with 3D to learn depths from, found none"):
        train(partial(WildCourse, **QUICK), photographs, plan(tmp_path / "w"))
    train(partial(WildCourse, **TINY, pretrain_steps=2, steps=0), photographs, plan(tmp_path / "w"))


def test_learning_rates() -> None:
    step, cosine = Optimisation(steps=1000), Optimisation(schedule="cosine")
    factors = [step.lr_factor(at, 1000, drops=True) for at in (0, 799, 800, 999)]
    assert factors == [1.0, 1.0, 0.1, 0.1]
    assert [step.lr_factor(at, 1000) for at in (0, 999)] == [1.0, 1.0]
    assert step.lr_factor(5, 10, share=0.1) == 0.1
    assert cosine.lr_factor(500, 1000) == pytest.approx(0.5)
    assert cosine.lr_factor(1000, 1000, share=0.1) == pytest.approx(0.0)
    assert [Optimisation(optimizer=name).first_lr for name in ("zhou", "seed")] == [2.5e-4, 1e-3]


# going on


class Killed(BaseException):
    pass


class Mortal(CropSource):
    """Dies after so many draws."""

    left = 0

    def pairs(self, rng: np.random.Generator, count: int) -> Crops:
        Mortal.left -= 1
        if Mortal.left < 0:
            raise Killed
        return super().pairs(rng, count)


@pytest.mark.parametrize("draws", [7, 12, 31])
def test_killed_and_resumed_ends_with_the_same_weights(tmp_path: Path, draws: int) -> None:
    """In the first, the second and the adversarial stage: two draws fit, each step takes two."""
    course = partial(YangCourse, **QUICK)
    train(course, sources(), plan(tmp_path / "whole"))
    Mortal.left = draws
    with pytest.raises(Killed):
        train(course, sources(of=Mortal), plan(tmp_path / "w", save_every_s=0.0))
    assert torch.load(tmp_path / "w.resume", weights_only=True)["stage"] == {7: 0, 12: 1, 31: 2}[draws]
    train(course, sources(), plan(tmp_path / "w"))
    (whole, told), (resumed, told_too) = (load_checkpoint(tmp_path / name, "yang") for name in ("whole", "w"))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert told["stages"] == told_too["stages"], "curves and the discriminator's figures too"


def test_other_data_is_another_plan(tmp_path: Path) -> None:
    Mortal.left = 9
    with pytest.raises(Killed):
        train(partial(ZhouCourse, **QUICK), sources(of=Mortal), plan(tmp_path / "w", save_every_s=0.0))
    with pytest.raises(TrainingStopped, match="another plan"):
        train(partial(ZhouCourse, **QUICK), sources(varied=False), plan(tmp_path / "w"))


def test_a_loss_that_is_not_finite_stops_training_and_keeps_the_last_good_state(tmp_path: Path) -> None:
    class Poisoned(CropSource):
        draws = 0

        def pairs(self, rng: np.random.Generator, count: int) -> Crops:
            Poisoned.draws += 1
            good = super().pairs(rng, count)
            return good if Poisoned.draws < 20 else good._replace(rgb=good.rgb * torch.nan)

    with pytest.raises(
        TrainingStopped, match=r"depths: the loss is nan at step 4; .*w.resume holds the last good state"
    ):
        train(partial(ZhouCourse, **QUICK), sources(of=Poisoned), plan(tmp_path / "w", save_every_s=0.0))
    state = torch.load(tmp_path / "w.resume", weights_only=True)
    assert (state["stage"], state["step"]) == (1, 4)
    assert all(value.isfinite().all() for value in state["network"].values())


def test_weights_that_are_not_finite_are_never_saved(tmp_path: Path) -> None:
    """The loss of the step that spoils the weights is finite: nobody would know until the next one."""

    class Spoilt(ZhouCourse):
        def more_stages(self) -> Any:
            (stage,) = super().more_stages()

            def spoil() -> None:
                self.network.depth_head.layers[-1].weight.data[0, 0] = torch.inf

            return (replace(stage, after_step=spoil),)

    with pytest.raises(
        TrainingStopped, match=r"geometric loss: weights are not finite after step 0; .*last good state"
    ):
        train(partial(Spoilt, **QUICK), sources(), plan(tmp_path / "w", save_every_s=0.0))
    state = torch.load(tmp_path / "w.resume", weights_only=True)
    assert (state["stage"], state["step"]) == (2, 0)
    assert all(value.isfinite().all() for value in state["network"].values())


def test_mixed_precision_and_memory_format(tmp_path: Path) -> None:
    kept: list[YangCourse] = []

    def course() -> YangCourse:
        kept.append(YangCourse(**QUICK))
        return kept[-1]

    train(course, sources(), plan(tmp_path / "w", precision="bf16-mixed"))
    convolutions = [m for m in kept[-1].network.modules() if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3)]
    assert convolutions
    assert all(m.weight.is_contiguous(memory_format=torch.channels_last) for m in convolutions)
    assert all(m.weight.dtype == torch.float32 for m in convolutions)


# starting from one another


def test_one_pretrained_network_serves_all_three(tmp_path: Path) -> None:
    first = tmp_path / "first.safetensors"
    train(partial(ZhouCourse, **TINY, pretrain_steps=4, steps=0), sources(), plan(first))
    begun = weights(first, "zhou")
    for method, course in COURSES.items():
        started = course(**TINY, start=str(first))
        assert all(torch.equal(begun[name], value) for name, value in started.network.state_dict().items()), method
        assert started.architecture["optimisation"]["start"].startswith("first.safetensors ")
    with pytest.raises(WrongCheckpoint, match=r"first.safetensors: .*wanted \(.*\), found \(.*\)"):
        WildCourse(**{**TINY, "features": 16}, start=str(first))


def test_training_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shell = Shell(tmp_path, capsys)
    for name, flat in (("lab", False), ("photographs", True)):
        made = stick_figures(24, side=16, flat=flat)
        write_dataset(tmp_path / name, made.about, made.columns, made.clips)
    tiny = ",".join(f"{key}={value}" for key, value in TINY.items())
    data = ("--data", str(tmp_path / "lab"), "--data", str(tmp_path / "photographs"))
    often = ("--batch", "4", "--validate-every", "2", "--device", "cpu")
    first, last = tmp_path / "first.safetensors", tmp_path / "last.safetensors"
    assert (
        shell("train", f"zhou:{tiny},pretrain_steps=2,steps=0,finetune_steps=0", *data, "-o", str(first), *often) == 0
    )
    method = f"yang:{tiny},start={first},pretrain_steps=0,steps=2,finetune_steps=2"
    assert shell("train", method, *data, "-o", str(last), *often, "--vary", "photographs") == 0, shell.err
    _, about = load_checkpoint(last, "yang")
    assert [source["varied"] for source in about["data"]] == [False, True]
    assert str(tmp_path) not in str(about), "checkpoints do not speak of the machine"
    assert "start=first.safetensors" in about["recipe"]
    model = shipped.yang(str(last))
    _, poses = model.predict(stick_figures(4, side=16).images(slice(0, 4), 16))
    assert poses.xyz.isfinite().all()

    assert shell("train", "zhou:size=20", *data, "-o", str(first)) == 2
    assert "training zhou: size: wanted a multiple of 64 px" in shell.err
    blind = {name: column for name, column in made.columns.items() if name != "rgb"}
    write_dataset(tmp_path / "blind", made.about, blind, made.clips)
    assert shell("train", f"zhou:{tiny}", "--data", str(tmp_path / "blind"), "-o", str(first)) == 2
    assert "no pictures" in shell.err
