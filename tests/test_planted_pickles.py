"""Every command that reads files from elsewhere: it unpickles nothing, and a pickle in their place is refused by name.

Torch is told to refuse pickles all the while, and an audit hook listens to Python itself.
"""

from __future__ import annotations

import csv
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h36m_archives
import numpy as np
import pytest
import torch
from annotations import MPII_HEAD, coco_person, lsp_joints, mpii_line, mpii_person, release
from penn_labels import penn
from pictured import photographed
from scipy.io import savemat
from shells import dataset_in
from test_adapters import Harm, Lifting, write_onnx, written
from test_cmu_dataset import amc, asf
from test_convert_3dhp import write_all as write_3dhp
from test_convert_3dhp import write_v5, write_v73
from toys import toy_dataset
from watching import watch

from benchsuite.cli import COMMANDS, main
from benchsuite.cli.convert import FORMATS
from benchsuite.datasets.dataset import write_dataset
from benchsuite.running import provenance

ROOT = Path(__file__).parents[1]
MARK = "harmed"
"""The folder that a pickle makes if it is loaded."""


@dataclass(frozen=True)
class Visit:
    """A command, as it is typed in a folder where what it reads lies.

    Attributes:
        words: its words; ``OUT`` stands for a place to write to, ``RECORD`` for the one record.
        reads: files in whose place pickles are planted.
        code: how it ends while the files are what they should be.
    """

    words: str
    reads: tuple[str, ...] = ()
    code: int = 0


RECORD = "results/records/h36m-p1/toy/*.json"
TOY = ("toy/uv.npy", "toy/dataset.json")
LIFTER = "martinez:weights=weights.safetensors"
VISITS = (
    Visit(f"run --lifter {LIFTER} --dataset toy -o OUT", (*TOY, "weights.safetensors")),
    Visit(f"run --lifter {LIFTER} --lifter mean-pose --dataset toy --jobs 2 -o OUT", (*TOY, "weights.safetensors")),
    Visit(
        "run --image-model zhou:weights=zhou.safetensors --dataset spots/data --evaluator pckh:head=segment -o OUT",
        ("zhou.safetensors", "spots/data/image.npy", "spots/data/images.txt", "spots/photos/some/0.png"),
    ),
    Visit("run --lifter martinez --dataset toy -o results", (RECORD,)),
    Visit("run --plugin mine.py --lifter mine --dataset toy -o OUT", ("mine.pth",)),
    Visit("run --plugin program.py --lifter program --dataset toy -o OUT", ("program.pt2",)),
    Visit(
        "run --plugin onnxed.py --lifter onnxed --evaluator h36m-p1:joints=14 --dataset toy -o OUT", ("onnxed.onnx",)
    ),
    Visit("run --plugin scripted.py --lifter scripted --dataset toy -o OUT", ("scripted.pt",)),
    Visit("list --plugin mine.py"),
    Visit("describe martinez"),
    Visit("check mine --plugin mine.py", ("mine.pth",)),
    Visit("plugins list --plugin mine.py"),
    Visit("evaluate mine.npz --dataset toy", ("mine.npz", *TOY)),
    Visit("evaluate mine.npy --dataset toy", ("mine.npy",)),
    Visit(f"compare mine.npz {LIFTER} --dataset toy", ("mine.npz", "weights.safetensors", *TOY)),
    Visit(
        "compare RECORD RECORD",
        (RECORD,),
    ),
    Visit("explain h36m-p1 h36m-p1@P-MPJPE --predictions mine.npz --dataset toy", ("mine.npz", *TOY)),
    Visit(f"robustness --lifter {LIFTER} --dataset toy --only focal -o OUT", ("weights.safetensors", *TOY)),
    Visit(f"cost --lifter {LIFTER} --dataset toy --batch 1 -o OUT", ("weights.safetensors", *TOY)),
    Visit(
        "leaderboard -r results -f html -o OUT",
        (
            RECORD,
            "results/worst/h36m-p1/toy/*.json",
            "results/costs/*.json",
            "results/reported/table.json",
        ),
    ),
    Visit("results validate results", (RECORD,)),
    Visit("results migrate results", (RECORD,)),
    Visit("convert cmu mocap -o OUT", ("mocap/05/05.asf", "mocap/05/05_01.amc")),
    Visit("convert h36m h36m/data_3d_h36m.npz -o OUT", ("h36m/data_3d_h36m.npz",)),
    Visit("convert h36m martinez -o OUT", ("martinez/h36m/S1/MyPoses/3D_positions/Photo.h5",)),
    Visit("convert mpi-inf-3dhp 3dhp -o OUT", ("3dhp/test_set/TS1/annot_data.mat",)),
    Visit("convert mpi-inf-3dhp 3dhp-v5 -o OUT", ("3dhp-v5/test_set/TS1/annot_data.mat",)),
    Visit("convert penn-action penn -o OUT", ("penn/0001.mat",)),
    Visit("convert lsp lsp -o OUT", ("lsp/joints.mat",)),
    Visit("convert lspet lspet/joints.mat -o OUT", ("lspet/joints.mat",)),
    Visit("convert mpii mpii.mat -o OUT", ("mpii.mat",)),
    Visit("convert mpii mpii.csv -o OUT", ("mpii.csv",)),
    Visit("convert coco coco -o OUT", ("coco/annotations/person_keypoints_val2017.json",)),
    Visit("convert ai-challenger ai -o OUT", ("ai/keypoint_validation_annotations_20170911.json",)),
    Visit("convert keypoints own.npz -o OUT", ("own.npz",)),
    Visit("convert keypoints own.json -o OUT", ("own.json",)),
    Visit("convert part toy -o OUT", TOY),
    Visit("doctor toy", TOY),
    Visit("doctor spots/data", ("spots/photos/some/0.png",), code=1),
    Visit(
        f"label --data flat --lifter {LIFTER} --refiner geosearch --agree none --keep-all -o OUT",
        ("flat/uv.npy", "flat/dataset.json", "weights.safetensors"),
    ),
    Visit("render wild --data filmed --count 2 --size 32 --threads 1 -o OUT", ("filmed/train/xyz.npy",)),
    Visit("train martinez:width=8,steps=2 --data filmed -o OUT", ("filmed/train/uv.npy",)),
    Visit("train martinez:width=8,steps=2 --data filmed -o half", ("half.resume",)),
    Visit("fit-prior mocap -o OUT.npz", ("mocap/05/05_01.amc",), code=2),
    Visit("fit-noise found.mat -o OUT", ("found.mat",)),
    Visit(f"show toy --lifter {LIFTER} -o OUT.png", (*TOY, "weights.safetensors")),
    Visit("show RECORD -o OUT.png", (RECORD,), code=2),
)
ELSEWHERE = {
    "fetch": "it hashes what it gets and opens none of it",
    "bench": "it reads nothing but what its own benchmarks have just written",
}


def planting(kind: str, file: Path) -> None:
    """Write to ``file`` what makes the folder ``MARK`` if somebody unpickles it."""
    harm = Harm(Path(MARK))
    match kind:
        case "array":
            with file.open("wb") as opened:
                np.save(opened, np.array([harm], dtype=object), allow_pickle=True)
        case "arrays":
            names = ("xyz", "ids", "uv", "skeleton", "positions_3d", "metadata")
            packed: dict[str, Any] = {name: np.array([harm], dtype=object) for name in names}
            with file.open("wb") as opened:
                np.savez(opened, **packed)
        case "checkpoint":
            torch.save({"plan": harm, "network": harm, "weight": torch.ones(2)}, file)
        case "old checkpoint":
            torch.save({"weight": harm}, file, _use_new_zipfile_serialization=False)
        case "text":
            file.write_bytes(pickle.dumps(harm, protocol=0))
        case _:
            file.write_bytes(pickle.dumps(harm))


KINDS = ("checkpoint", "old checkpoint", "array", "arrays", "text", "pickle")


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with what was unpickled, a line a global; processes that are started write there, too."""
    file = tmp_path_factory.mktemp("heard") / "globals"
    watch(file)
    start = f"import pathlib, watching\nwatching.watch(pathlib.Path({str(file)!r}))\n"
    (file.parent / "sitecustomize.py").write_text(start)  # Python runs it before anything else
    return file


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what every command reads."""
    house = tmp_path_factory.mktemp("house")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(house)
        patch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")
        patch.setattr(provenance, "commit_of", lambda folder: {"commit": "0" * 40, "dirty": False})  # fit to publish
        furnish(house)
        for words in (
            "run --lifter martinez --dataset toy -o results",
            "cost --lifter martinez --dataset toy --batch 1 -o results",
            "convert cmu mocap -o filmed",
        ):
            assert main(words.split()) == 0
    return house


def furnish(house: Path) -> None:
    """Write the sources: to each format its smallest file."""
    toy = toy_dataset()
    dataset_in(house / "toy")
    flat = toy_dataset(poses=False)
    write_dataset(house / "flat", flat.about, flat.columns, flat.clips)
    photographed(house / "spots")
    shutil.copy(ROOT / "plugins" / "benchsuite_lifters" / "weights" / "martinez.safetensors", "weights.safetensors")
    shutil.copy(ROOT / "plugins" / "benchsuite_image_models" / "weights" / "zhou.safetensors", "zhou.safetensors")
    np.savez("mine.npz", xyz=toy.columns["xyz"])
    np.save("mine.npy", toy.columns["xyz"])
    furnish_models()
    shutil.copytree(ROOT / "results" / "reported", "results/reported")
    Path("results/reported/wang2019-table1.json").rename("results/reported/table.json")
    for name, text in {"05/05.asf": asf(), "05/05_01.amc": amc(), "02/02.asf": asf(), "02/02_01.amc": amc()}.items():
        (house / "mocap" / name).parent.mkdir(parents=True, exist_ok=True)
        (house / "mocap" / name).write_text(text)
    takes = h36m_archives.all_takes()
    h36m_archives.write_videopose3d(house / "h36m", takes)
    h36m_archives.write_martinez(house / "martinez", takes)
    write_3dhp(house / "3dhp", write_v73)
    write_3dhp(house / "3dhp-v5", write_v5)
    penn(house / "penn", 1)
    furnish_2d(house)


def furnish_models() -> None:
    torch.manual_seed(0)
    nn = torch.nn
    torch.save(nn.Sequential(nn.Linear(34, 256), nn.ReLU(), nn.Linear(256, 51)).state_dict(), "mine.pth")
    exec(written("export: program.pt2", "python"), {"network": Lifting(17, 1000.0)})
    write_onnx(Path("onnxed.onnx"), 16, "B")
    torch.jit.trace(Lifting(17, 1000.0), torch.zeros(1, 3, 17, 2)).save("scripted.pt")
    for name in ("mine", "program", "onnxed"):
        Path(f"{name}.py").write_text(written(f"example: {name}.py", "python"))
    scripted = Path("program.py").read_text().replace("exported", "torchscript").replace("program", "scripted")
    Path("scripted.py").write_text(scripted.replace("scripted.pt2", "scripted.pt"))


def furnish_2d(house: Path) -> None:
    for name, share in (("lsp", 0.1), ("lspet", 0.9)):
        (house / name).mkdir()
        savemat(house / name / "joints.mat", {"joints": lsp_joints(50, share).transpose(2, 1, 0)})
    savemat("mpii.mat", {"RELEASE": release()})
    with Path("mpii.csv").open("w", newline="") as file:
        csv.writer(file).writerows([MPII_HEAD, ["1", "a.jpg", *mpii_line(mpii_person(10)), "2.0", "curling", "sports"]])
    (house / "coco" / "annotations").mkdir(parents=True)
    coco = {"images": [{"id": 9, "width": 100, "height": 200}], "annotations": [coco_person(9, 400)], "categories": []}
    (house / "coco" / "annotations" / "person_keypoints_val2017.json").write_text(json.dumps(coco))
    points = [value for joint in range(14) for value in (joint, 100 + joint, 1)]
    person = {"image_id": "abc", "human_annotations": {"human1": [1, 2, 3, 4]}, "keypoint_annotations": {}}
    (house / "ai").mkdir()
    (house / "ai" / "keypoint_validation_annotations_20170911.json").write_text(
        json.dumps([{**person, "keypoint_annotations": {"human1": points}}])
    )
    own = {"skeleton": "LSP_14", "uv": lsp_joints(4, 0)[..., :2].tolist(), "image_size": [640, 480]}
    Path("own.json").write_text(json.dumps(own))
    np.savez("own.npz", **{key: np.asarray(value) for key, value in own.items()})
    true = np.random.default_rng(0).normal(500, 100, (16, 2, 300))
    boxes = np.stack((np.zeros((2, 300)), np.full((2, 300), 60.0)))
    found = {"pos_pred_src": true + 1, "pos_gt_src": true, "headboxes_src": boxes}
    savemat("found.mat", {**found, "jnt_missing": np.zeros((16, 300), np.uint8)})


Ran = tuple[int, str]


@pytest.fixture
def run(
    house: Path, heard: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[[str], Ran]]:
    """Runs a command in the house; says how it ended and what it printed."""
    monkeypatch.chdir(house)
    monkeypatch.setenv("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "1")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (heard.parent, Path(__file__).parent))))
    heard.write_text("")
    record = next(house.glob(RECORD)).relative_to(house)
    number = iter(range(100))

    def ran(words: str) -> Ran:
        capsys.readouterr()
        code = main(words.replace("OUT", str(tmp_path / f"out{next(number)}")).replace("RECORD", str(record)).split())
        said = capsys.readouterr()
        return code, said.out + said.err

    yield ran
    assert heard.read_text() == ""
    assert not (house / MARK).exists()


def test_every_command_and_every_format_is_here() -> None:
    assert {visit.words.split()[0] for visit in VISITS} | ELSEWHERE.keys() == COMMANDS.keys()
    assert {words[1] for visit in VISITS if (words := visit.words.split())[0] == "convert"} == FORMATS.keys()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize("visit", VISITS, ids=lambda visit: visit.words)
def test_what_is_as_it_should_be_is_read_without_a_pickle(visit: Visit, run: Callable[[str], Ran]) -> None:
    code, said = run(visit.words)
    assert code == visit.code, said


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize(
    ("words", "place"), [(visit.words, place) for visit in VISITS for place in visit.reads], ids=str
)
def test_a_pickle_in_a_files_place_is_refused_by_name(
    words: str, place: str, house: Path, run: Callable[[str], Ran]
) -> None:
    file = next(house.glob(place), house / place)
    before = file.read_bytes() if file.exists() else None
    try:
        for kind in KINDS[:1] if words.startswith("cost") or "--jobs" in words else KINDS:  # processes take seconds
            planting(kind, file)
            code, said = run(words)
            assert code in (1, 2), f"{kind}: {said}"
            assert file.name in said, f"{kind}: {said}"
            assert not (house / MARK).exists(), kind
    finally:
        if before is None:
            file.unlink(missing_ok=True)
        else:
            file.write_bytes(before)


def test_the_hook_hears_what_it_is_for(heard: Path, tmp_path: Path) -> None:
    heard.write_text("")
    line = f"import pickle; pickle.loads({pickle.dumps(Harm(tmp_path / 'four'))!r})"
    path = os.pathsep.join(map(str, (heard.parent, Path(__file__).parent)))
    subprocess.run(
        (sys.executable, "-c", f"exec(compile({line!r}, 'a file', 'exec'))"), check=True, env={"PYTHONPATH": path}
    )
    pickle.loads(pickle.dumps(Harm(tmp_path / "one")))
    np.save(tmp_path / "a.npy", np.array([Harm(tmp_path / "two")], dtype=object), allow_pickle=True)
    np.load(tmp_path / "a.npy", allow_pickle=True)
    torch.save(Harm(tmp_path / "three"), tmp_path / "a.pt")
    torch.load(tmp_path / "a.pt", weights_only=False)
    assert [line.split(" in ")[0] for line in heard.read_text().splitlines()].count("posix.mkdir") == 4
    assert {"one", "two", "three", "four"} <= {path.name for path in tmp_path.iterdir()}
