"""Adapters: a model in its own order, scaling and file format gives the poses that it should."""

from __future__ import annotations

import contextlib
import io
import json
import os
import pickle
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from benchsuite_registry.poses import Camera, Frame, KeypointBatch
from benchsuite_registry.skeletons import COCO_17, H36M_17, LSP_14, MPII_16, Skeleton
from torch import Tensor, nn

from benchsuite import adapters
from benchsuite.adapters import (
    Adapted,
    Convention,
    Scaling,
    WrongModel,
    exported,
    metres,
    onnx,
    pixels,
    rays,
    tensors,
    torchscript,
)
from benchsuite.cli import main
from benchsuite.records.results import read_records

DOCUMENT = (Path(__file__).parents[1] / "docs" / "adapters.md").read_text(encoding="utf-8")

ARM = Skeleton("arm", ("l_wrist", "pelvis", "l_elbow"), (2, -1, 1))


def keypoints(count: int = 3, skeleton: Skeleton = H36M_17) -> KeypointBatch:
    """Joint j of sample b at (10 b + j, 100 j) px; focal length 1000 px, centre (500, 400) px."""
    joint = torch.arange(len(skeleton)).float()
    sample = torch.arange(count)
    uv = torch.stack((10 * sample[:, None] + joint, (100 * joint).expand(count, -1)), dim=-1)
    camera = Camera(torch.full((count, 2), 1000.0), torch.tensor((500.0, 400.0)).repeat(count, 1))
    seen = torch.ones(count, len(skeleton), dtype=torch.bool)
    return KeypointBatch(uv, seen, camera, skeleton, sample + 7, torch.zeros_like(sample), sample)


def deepened(uv: Tensor) -> Tensor:
    """The model's 2D numbers with a third of 1 behind each."""
    return torch.cat((uv, torch.ones_like(uv[..., :1])), dim=-1)


def test_joints_go_by_name_and_come_back_about_the_root() -> None:
    given = keypoints()
    poses = Adapted(deepened, Convention(ARM.joints, ARM, pixels)).lift(given)
    assert (poses.frame, poses.skeleton, poses.ids.tolist()) == (Frame.ROOT, ARM, [7, 8, 9])
    # l_wrist is joint 13, l_elbow joint 12 of H36M_17, the pelvis joint 0; all at depth 1
    assert poses.xyz[2].tolist() == [[13, 1300, 0], [0, 0, 0], [12, 1200, 0]]


@pytest.mark.parametrize(
    ("scaled", "wanted"),
    [
        (pixels, (32.0, 1200.0)),
        (rays, (-0.468, 0.8)),
        (Scaling((500, 400), 500).pixels, (-0.936, 1.6)),
        (Scaling(0, [[1, 1], [1, 1], [2, 4]]).pixels, (16.0, 300.0)),
    ],
)
def test_pixels_become_the_models_numbers(scaled: Any, wanted: tuple[float, float]) -> None:
    seen: list[Tensor] = []

    def model(numbers: Tensor) -> Tensor:
        seen.append(numbers)
        return deepened(numbers)

    Adapted(model, Convention(ARM.joints, ARM, scaled)).lift(keypoints())
    assert seen[0].dtype == torch.float32
    assert seen[0][2, 2].tolist() == pytest.approx(wanted)  # the left elbow, at (32, 1200) px


def test_the_models_numbers_become_millimetres() -> None:
    numbers = torch.tensor([[[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [0.5, 0.0, 1.0]]])
    said = {"metres": metres, "scaled": Scaling((1, 2, 3), 10.0).poses}
    found = {
        name: Adapted(lambda uv: numbers, Convention(ARM.joints, ARM, poses=poses)).lift(keypoints(1)).xyz[0].tolist()
        for name, poses in said.items()
    }
    assert found["metres"] == [[1000, 2000, 3000], [0, 0, 0], [500, 0, 1000]]
    assert found["scaled"] == [[10, 20, 30], [0, 0, 0], [5, 0, 10]]


@pytest.mark.parametrize(
    ("shape", "given", "gives"),
    [("joints", (4, 3, 2), (4, 3, 3)), ("flat", (4, 6), (4, 9)), ("clip", (1, 4, 3, 2), (1, 4, 3, 3))],
)
def test_shapes(shape: Any, given: Sequence[int], gives: Sequence[int]) -> None:
    seen: list[Tensor] = []

    def model(numbers: Tensor) -> Tensor:
        seen.append(numbers)
        return deepened(numbers.view(4, 3, 2)).view(*gives)

    poses = Adapted(model, Convention(ARM.joints, ARM, pixels, shape=shape)).lift(keypoints(4))
    assert tuple(seen[0].shape) == given
    assert poses.xyz[3, 0].tolist() == [13, 1300, 0]


def test_another_shape_is_refused() -> None:
    with pytest.raises(WrongModel, match=r"wanted \(3, 3, 3\) from the model, found \(3, 3, 2\)"):
        Adapted(lambda uv: uv, Convention(ARM.joints, ARM)).lift(keypoints())


def test_hidden_joints_stand_in_the_middle_of_the_others() -> None:
    given = keypoints(2)
    given.visible[0] = False
    given.visible[0, [0, 2]] = True  # at (0, 0) and (2, 200) px
    given.uv[1, 13] = torch.nan
    read: list[Tensor] = []
    Adapted(lambda uv: (read.append(uv), deepened(uv))[1], Convention(ARM.joints, ARM, pixels)).lift(given)
    assert read[0][0].tolist() == [[1, 100], [0, 0], [1, 100]]
    others = [j for j in range(17) if j != 13]
    assert read[0][1, 0].tolist() == pytest.approx([10 + np.mean(others), 100 * np.mean(others)])


def test_joints_that_a_dataset_lacks_are_interpolated_or_refused() -> None:
    read: list[Tensor] = []
    hips = Skeleton("pelvis", ("pelvis",), (-1,))
    Adapted(lambda uv: (read.append(uv), deepened(uv))[1], Convention(("pelvis",), hips, pixels)).lift(
        keypoints(1, COCO_17)
    )
    assert read[0][0].tolist() == [[11.5, 1150.0]]  # between joints 11 and 12
    with pytest.raises(WrongModel, match="wanted joint 'nose', which skeleton LSP_14 does not give"):
        Adapted(deepened, Convention(("nose",), hips)).lift(keypoints(1, LSP_14))


def test_no_samples_do_not_reach_the_model() -> None:
    for shape in ("joints", "flat", "clip"):
        model = Adapted(nn.Linear(1, 1), Convention(ARM.joints, ARM, shape=shape))  # type: ignore[arg-type]
        assert tuple(model.lift(keypoints(0)).xyz.shape) == (0, 3, 3)


def test_modules_are_put_in_evaluation_mode_and_moved() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(6, 9), nn.Dropout(0.9), nn.Unflatten(1, (3, 3)))
    lifter = Adapted(network, Convention(ARM.joints, ARM))
    assert not network.training
    assert lifter.to(torch.device("meta")) is lifter
    assert network[1].weight.device.type == "meta"


# ---- files ---------------------------------------------------------------------------------------


class Lifting(nn.Module):
    """A linear network, rays (..., J, 2) to poses (..., J, 3) in a unit of ``scale`` mm."""

    def __init__(self, joints: int, scale: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.depth = nn.Parameter(torch.randn(joints) * 100.0 / scale)
        self.away = 5000.0 / scale

    def forward(self, rays: Tensor) -> Tensor:
        return torch.cat((rays * self.away, self.depth.expand(rays.shape[:-1])[..., None]), dim=-1)


def write_onnx(file: Path, joints: int, batch: int | str) -> None:
    """The same in ONNX, by hand: what an exporter would write."""
    from onnx import TensorProto, helper, save

    model = Lifting(joints, 1.0)
    depth = helper.make_tensor("depth", TensorProto.FLOAT, (1, joints, 1), model.depth.detach().numpy().ravel())
    away = helper.make_tensor("away", TensorProto.FLOAT, (), [model.away])
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["rays", "away"], ["plane"]),
            helper.make_node("Slice", ["rays", "zero", "one", "last"], ["first"]),
            helper.make_node("Sub", ["first", "first"], ["nothing"]),
            helper.make_node("Add", ["nothing", "depth"], ["deep"]),
            helper.make_node("Concat", ["plane", "deep"], ["poses"], axis=2),
        ],
        "lifting",
        [helper.make_tensor_value_info("rays", TensorProto.FLOAT, (batch, joints, 2))],
        [helper.make_tensor_value_info("poses", TensorProto.FLOAT, (batch, joints, 3))],
        [
            depth,
            away,
            *(helper.make_tensor(n, TensorProto.INT64, (1,), [v]) for n, v in (("zero", 0), ("one", 1), ("last", 2))),
        ],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), file)


@pytest.mark.parametrize("batch", ["B", 1])
def test_onnx_gives_what_torch_gives(batch: int | str, tmp_path: Path) -> None:
    write_onnx(tmp_path / "model.onnx", 16, batch)
    convention = Convention(MPII_16.joints, MPII_16)
    given = keypoints(5)
    found = Adapted(onnx(tmp_path / "model.onnx"), convention).lift(given)
    wanted = Adapted(Lifting(16, 1.0), convention).lift(given)
    assert torch.allclose(found.xyz, wanted.xyz, atol=1e-3)
    assert found.xyz.abs().max() > 100


@pytest.mark.parametrize("count", [0, 1, 5])
def test_an_exported_program_gives_what_torch_gives(count: int, tmp_path: Path) -> None:
    network = nn.Sequential(Lifting(17, 1.0), nn.Dropout(0.5)).eval()
    batch = torch.export.Dim("B")
    program = torch.export.export(network, (torch.zeros(2, 17, 2),), dynamic_shapes=({0: batch},))
    torch.export.save(program, tmp_path / "model.pt2")
    convention = Convention(H36M_17.joints, H36M_17)
    found = Adapted(exported(tmp_path / "model.pt2"), convention).lift(keypoints(count))
    assert torch.equal(found.xyz, Adapted(network, convention).lift(keypoints(count)).xyz)
    assert "TORCH_FORCE_WEIGHTS_ONLY_LOAD" not in os.environ


class Harm:
    """Leaves a folder behind when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def planted(file: Path, out: Path, records: dict[str, bytes]) -> None:
    """The archive ``file``, written anew with some of its records changed or put in."""
    reader, writer = torch._C.PyTorchFileReader(str(file)), torch._C.PyTorchFileWriter(str(out))
    own = {name: reader.get_record(name) for name in reader.get_all_records() if not name.startswith(".data")}
    for name, content in {**own, **records}.items():
        if name not in ("version", "byteorder"):  # which the writer writes
            writer.write_record(name, content, len(content))
    writer.write_end_of_file()


def entry(path_name: str) -> dict[str, Any]:
    return {"path_name": path_name, "is_param": False, "use_pickle": True, "tensor_meta": None}


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("data/sample_inputs/model.pt", "a pickle of more than tensors, which is never loaded"),
        ("data/weights/weight_9", "a pickle of more than tensors, which is never loaded"),
        ("data/constants/tensor_9", "a pickle of more than tensors, which is never loaded"),
        ("data/constants/opaque_obj_9", "out/data/constants/opaque_obj_9, a pickled object, which is never loaded"),
        ("data/constants/OPAQUE_OBJ_9", "out/data/constants/OPAQUE_OBJ_9, a pickled object, which is never loaded"),
    ],
)
def test_pickles_in_an_exported_program_are_refused(place: str, message: str, tmp_path: Path) -> None:
    file, out, mark = tmp_path / "model.pt2", tmp_path / "out.pt2", tmp_path / "harmed"
    torch.export.save(torch.export.export(Lifting(17, 1.0), (torch.zeros(2, 17, 2),)), file)
    packed = io.BytesIO()
    torch.save({"x": Harm(mark)}, packed)
    content = {place: pickle.dumps(Harm(mark)) if "bj" in place.lower() else packed.getvalue()}
    folder, name = place.lower().split("/")[-2:]
    if folder != "sample_inputs":
        config = {"config": {"x": entry(name)}}
        content[f"data/{folder}/model_{folder}_config.json"] = json.dumps(config).encode()
    planted(file, out, content)
    with pytest.raises(WrongModel, match=f"out.pt2: wanted a .pt2 file of torch.export.save, found {message}"):
        exported(out)
    assert not mark.exists()
    with contextlib.suppress(Exception):
        torch.export.load(out)
    assert mark.exists(), "left alone torch does load it, so the refusal is needed"


def test_tensors_alone_are_loaded(tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(3)}, tmp_path / "state.pth")
    assert tensors(tmp_path / "state.pth")["weight"].tolist() == [1, 1, 1]
    torch.save(Lifting(17, 1.0), tmp_path / "whole.pth")
    torch.save(Harm(tmp_path / "harmed"), tmp_path / "harm.pth")
    (tmp_path / "empty.pth").touch()
    for name, found in {"whole": "UnpicklingError", "harm": "UnpicklingError", "empty": "EOFError"}.items():
        with pytest.raises(WrongModel, match=rf"{name}\.pth: wanted tensors alone, .*, found {found}: other pickles"):
            tensors(tmp_path / f"{name}.pth")
    assert not (tmp_path / "harmed").exists()


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_a_pickle_in_a_torchscript_file_calls_nothing_of_pythons(tmp_path: Path) -> None:
    torch.jit.trace(Lifting(17, 1.0), torch.zeros(2, 17, 2)).save(str(tmp_path / "model.pt"))
    planted(tmp_path / "model.pt", tmp_path / "out.pt", {"data.pkl": pickle.dumps(Harm(tmp_path / "harmed"), 2)})
    with pytest.raises(WrongModel, match=r"out\.pt: wanted a TorchScript file: "):
        torchscript(tmp_path / "out.pt")
    assert not (tmp_path / "harmed").exists()


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_torchscript_gives_what_torch_gives(tmp_path: Path) -> None:
    torch.jit.trace(Lifting(17, 1.0), torch.zeros(2, 17, 2)).save(str(tmp_path / "model.pt"))
    convention = Convention(H36M_17.joints, H36M_17)
    found = Adapted(torchscript(tmp_path / "model.pt"), convention).lift(keypoints(5))
    assert torch.equal(found.xyz, Adapted(Lifting(17, 1.0), convention).lift(keypoints(5)).xyz)


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize(
    ("opened", "what"),
    [(torchscript, "a TorchScript file"), (onnx, "an ONNX file"), (exported, "a .pt2 file of torch.export.save")],
)
def test_files_that_are_no_model_are_refused(opened: Any, what: str, tmp_path: Path) -> None:
    file = tmp_path / "model"
    with pytest.raises(WrongModel, match="model: no such model file"):
        opened(file)
    file.write_text("not a model")
    with pytest.raises(WrongModel, match=f"model: wanted {what}: "):
        opened(file)
    torch.save({"weight": torch.ones(3)}, file)
    with pytest.raises(WrongModel, match=f"model: wanted {what}(: |, found an archive of model/data.pkl, )"):
        opened(file)


def test_without_onnxruntime_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(WrongModel, match=r"pip install 'benchsuite\[onnx\]'"):
        adapters.onnx(tmp_path)


# ---- the page ------------------------------------------------------------------------------------


def written(marker: str, language: str) -> str:
    """The block of docs/adapters.md that follows a comment."""
    (found,) = re.findall(rf"<!-- {re.escape(marker)} -->\n```{language}\n(.*?)```", DOCUMENT, re.DOTALL)
    return str(found)


@pytest.mark.parametrize("name", ["mine", "program", "onnxed"])
def test_the_pages_examples_run_as_written_and_pass_the_kit(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(34, 256), nn.ReLU(), nn.Linear(256, 51))
    torch.save(network.state_dict(), "mine.pth")
    exec(written("export: program.pt2", "python"), {"network": Lifting(17, 1000.0)})
    write_onnx(tmp_path / "onnxed.onnx", 16, "B")
    Path(f"{name}.py").write_text(written(f"example: {name}.py", "python"))
    for command in written(f"command: {name}.py", "bash").strip().splitlines():
        words = shlex.split(command)[1:]
        limit = ["--limit", "100"] if words[0] == "run" and name != "program" else []
        assert main([*words, *limit]) == 0, capsys.readouterr().out
    printed = capsys.readouterr().out
    assert "31 checks: 31 passed, 0 failed" in printed or name == "program"
    assert f"| {name} " in printed


def test_other_weights_in_the_pages_first_file_are_measured_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(written("example: mine.py", "python"))
    for seed in (0, 1):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(34, 256), nn.ReLU(), nn.Linear(256, 51))
        torch.save(network.state_dict(), "mine.pth")
        assert main(["run", "--plugin", "mine.py", "--lifter", "mine", "--limit", "100", "-o", "try"]) == 0
    assert len({record.metrics[0].value for record in read_records(Path("try"))}) == 2
