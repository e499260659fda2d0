"""Whatever bytes a file holds, reading it ends in a result or in the error that its reader declares, which names it."""

from __future__ import annotations

import io
import os
import pickle
import resource
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import toys
from benchsuite_registry.checkpoints import WrongCheckpoint, fill, load_checkpoint, save_checkpoint
from benchsuite_registry.registries import UnknownName, WrongParameter
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from matrices import matrix, run
from PIL import Image
from scipy.io import savemat
from shells import dataset_in

from benchsuite.convert.acclaim import read_amc, read_asf
from benchsuite.convert.archives import WrongSource, read_mat, read_npz, unpacked
from benchsuite.convert.bvh import read_bvh
from benchsuite.convert.hdf5_cdf import open_hdf5, read_cdf, read_dataset
from benchsuite.convert.json_items import json_items
from benchsuite.convert.motion import MotionFormatError
from benchsuite.convert.unpickler import read_pickled
from benchsuite.datasets.columns import WrongDataset
from benchsuite.datasets.dataset import open_dataset
from benchsuite.documents import WrongDocument
from benchsuite.images.photographs import WrongImage, photograph_size, read_photograph
from benchsuite.records.reported import read_table
from benchsuite.records.results import read_record
from benchsuite.records.worst import read_worst
from benchsuite.running.provenance import described
from benchsuite.synthetic.prior import WrongPrior, load_prior
from benchsuite.training.resume import Resume, TrainingStopped

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "40"))
ROOM = 2 << 30
"""Bytes that a reader may allocate for a file of some KB."""

ASF = b"""# skeleton
:version 1.10
:name toy
:units
  mass 1.0
  length 0.45
  angle deg
:root
  order TX TY TZ RX RY RZ
  axis XYZ
  position 0 0 0
  orientation 0 0 0
:bonedata
  begin
    id 1
    name arm
    direction 1 0 0
    length 2
    axis 0 0 0 XYZ
    dof rx ry
    limits (-90 90)
  end
:hierarchy
  begin
    root arm
  end
"""
AMC = b""":FULLY-SPECIFIED
:DEGREES
1
root 0 0 0 0 0 0
arm 1 2
2
root 0 0 0 0 0 0
arm 3 4
"""
BVH = b"""HIERARCHY
ROOT hips
{
  OFFSET 0 0 0
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT arm
  {
    OFFSET 1 0 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 1 0 0
    }
  }
}
MOTION
Frames: 2
Frame Time: .0083333
0 0 0 0 0 0 1 2 3
0 0 0 0 0 0 4 5 6
"""


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        name: of the file; its folder may hold others.
        sound: files that read.
        read: reads the file at a path.
        errors: what it may raise; the message names the file, or its folder.
        magic: what such files begin with.
    """

    name: str
    sound: tuple[bytes, ...]
    read: Callable[[Path], object]
    errors: tuple[type[Exception], ...]
    magic: tuple[bytes, ...] = (b"",)


def npy(array: np.ndarray[Any, Any]) -> bytes:
    made = io.BytesIO()
    np.save(made, array, allow_pickle=True)
    return made.getvalue()


def zipped(**members: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_", "."), content)
    return made.getvalue()


def npz_of_objects(protocol: int) -> bytes:
    header = npy(np.array({}, dtype=object))[:128]
    array = np.empty((), dtype=object)
    array[()] = {"S1": np.arange(6.0).reshape(2, 3), "names": ["a", "b"], "n": np.float32(2)}
    return zipped(a_npy=header + pickle.dumps(array, protocol=protocol))


def mat() -> tuple[bytes, ...]:
    made = []
    for compressed in (False, True):
        content = io.BytesIO()
        held = {"joints": np.arange(12.0).reshape(3, 4), "RELEASE": {"a": np.array([1, 2]), "text": "words"}}
        savemat(content, held, do_compression=compressed)
        made.append(content.getvalue())
    return tuple(made)


def hdf5() -> bytes:
    h5py: Any = pytest.importorskip("h5py")
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file["poses/3D"] = np.arange(12.0).reshape(3, 4)
        file.create_dataset("packed", data=np.zeros(100), compression="gzip")
    return content.getvalue()


def read_hdf5(path: Path) -> None:
    with open_hdf5(path) as file:
        for key in ("poses/3D", "packed"):
            read_dataset(path, file, key)


def read_zip(path: Path) -> None:
    with unpacked(path, frozenset({".txt"})):
        pass


def pictures() -> tuple[bytes, ...]:
    made = []
    pixels = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)
    for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"):
        content = io.BytesIO()
        Image.fromarray(pixels).save(content, kind)
        made.append(content.getvalue())
    return tuple(made)


def look(path: Path) -> None:
    read_photograph(path)
    photograph_size(path)


def checkpoint(folder: Path) -> bytes:
    save_checkpoint(folder / "weights", {"weight": torch.ones(2, 3), "bias": torch.ones(2)}, {"method": "toy"})
    return (folder / "weights").read_bytes()


def read_weights(path: Path) -> None:
    tensors, _ = load_checkpoint(path, "toy")
    fill(torch.nn.Linear(3, 2), tensors, path)


def tell_weights(path: Path) -> None:
    from benchsuite_registry.contracts import Entry
    from benchsuite_registry.registries import Origin

    known = toys.toy_registries()
    known.lifters.register(Entry("trained", toys.ToyLifter, "", checkpoint=lambda _: path), Origin("toys", "1"))
    described(known.lifters.parse("trained"))


def resumed(folder: Path) -> bytes:
    resume = Resume(folder / "resumed", torch.nn.Linear(3, 2), "plan")
    resume.save(0, 1, {}, None)
    return resume.path.read_bytes()


def go_on(path: Path) -> None:
    Resume(path.with_suffix(""), torch.nn.Linear(3, 2), "plan").load()


def score(path: Path) -> None:
    from benchsuite.cli.evaluate import _arrays

    _arrays(path, (3, 17, 3))


def formats(folder: Path) -> dict[str, Format]:
    """All of them; ``folder`` holds what a file needs beside it."""
    from benchsuite.cli import UsageError

    toy = dataset_in(folder / "toy")
    (folder / "toy.asf").write_bytes(ASF)
    skeleton = read_asf(folder / "toy.asf")
    run(matrix("toy:off_mm=34"), folder / "results")
    (record,) = (folder / "results" / "records").rglob("*.json")
    (worst,) = (folder / "results" / "worst").rglob("*.json")
    (table, *_) = sorted((Path(__file__).parents[1] / "results" / "reported").glob("*.json"))
    prior = Path(__file__).parents[1] / "benchsuite" / "synthetic"
    alone = npy(np.zeros((3, 17, 3)))
    numbers = zipped(xyz_npy=alone, ids_npy=npy(np.arange(3)))
    motion, source, document = (MotionFormatError,), (WrongSource,), (WrongDocument,)

    def opened(_: Path) -> None:
        open_dataset(toy, verify=False)

    return {
        "asf": Format("a.asf", (ASF,), read_asf, motion),
        "amc": Format("a.amc", (AMC,), lambda path: read_amc(path, skeleton), motion),
        "bvh": Format("a.bvh", (BVH,), read_bvh, motion),
        "dataset": Format("toy/dataset.json", ((toy / "dataset.json").read_bytes(),), opened, (WrongDataset,)),
        "column": Format("toy/clip.npy", ((toy / "clip.npy").read_bytes(),), opened, (WrongDataset,), (b"\x93NUMPY",)),
        "json items": Format(
            "a.json", (b'{"a": [1, {"b": []}, "c"], "d": 2}', b"[[1], 2.5e3]"), lambda p: list(json_items(p)), source
        ),
        "npz": Format("a.npz", (numbers,), read_npz, source, (b"PK\x03\x04",)),
        "predictions": Format("p.npz", (numbers, alone), score, (UsageError,), (b"PK\x03\x04", b"\x93NUMPY")),
        "zip": Format("a.zip", (zipped(a_txt=b"words"),), read_zip, source, (b"PK\x03\x04",)),
        "pickles": Format(
            "o.npz", tuple(map(npz_of_objects, (0, 2, 4))), lambda p: read_pickled(p, "a"), source, (b"PK\x03\x04",)
        ),
        "mat": Format("a.mat", mat(), read_mat, source, (b"MATLAB 5.0" + b" " * 116 + b"\x00\x01IM",)),
        "hdf5": Format("a.h5", (hdf5(),), read_hdf5, source, (b"\x89HDF\r\n\x1a\n",)),
        "cdf": Format(
            "a.cdf", (b"\xcd\xf3\x00\x01\x00\x00\xff\xff" + bytes(400),), lambda p: read_cdf(p, "Pose"), source
        ),
        "record": Format("r.json", (record.read_bytes(),), read_record, document),
        "worst": Format("w.json", (worst.read_bytes(),), read_worst, document),
        "reported": Format("t.json", (table.read_bytes(),), read_table, document),
        "prior": Format("p.npz", (next(prior.glob("*.npz")).read_bytes()[:4000],), load_prior, (WrongPrior,), (b"PK",)),
        "weights": Format(
            "w.safetensors", (checkpoint(folder),), read_weights, (WrongCheckpoint,), (b"\x40" + bytes(7),)
        ),
        "weights described": Format("d.safetensors", (checkpoint(folder),), tell_weights, ()),
        "unfinished training": Format("t.resume", (resumed(folder),), go_on, (TrainingStopped,), (b"PK\x03\x04",)),
        "photograph": Format(
            "a.jpg",
            pictures(),
            look,
            (WrongImage,),
            (
                b"\xff\xd8\xff\xe0",
                b"\x89PNG\r\n\x1a\n",
                b"GIF89a",
                b"BM",
                b"II*\x00",
                b"RIFF",
                b"P6 9 9 255 ",
                b"\x00\x00\x01\x00",
            ),
        ),
    }


FORMATS: tuple[str, ...] = (
    "asf",
    "amc",
    "bvh",
    "dataset",
    "column",
    "json items",
    "npz",
    "predictions",
    "zip",
    "pickles",
    "mat",
    "hdf5",
)
FORMATS += ("cdf", "record", "worst", "reported", "prior", "weights", "weights described", "unfinished training")
FORMATS += ("photograph",)

TROUBLE = (
    *(
        b"nan",
        b"-1",
        b"0",
        b"1e999",
        b"9" * 5000,
        b"1e400",
        b"null",
        b"{}",
        b"[]",
        b'""',
        b"true",
        b"\n",
        b" ",
        b"\x00",
    ),
    *(
        b"[" * 20000,
        b'{"a":' * 20000,
        b"\xff" * 8,
        b"\x7f" * 4,
        b"\x80\x04\x95",
        b"\xc3\x28",
        "٣".encode(),
        "²".encode(),
    ),
    *(struct.pack("<Q", 1 << power) for power in (20, 31, 40, 62)),
    *(b"r\xff\xff\xff\x7f", b"schema", b"(1099511627776,)", b"'|O'", b"begin", b"end", b"}", b"{", b",", b":", b"]"),
)


@st.composite
def spoilt(draw: st.DrawFn, form: Format) -> bytes:
    """A sound file with a few things wrong, or noise behind what such files begin with."""
    if draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from(form.magic)) + draw(st.binary(max_size=300))
    content = draw(st.sampled_from(form.sound))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(content)))
        stop = min(len(content), start + draw(st.sampled_from((0, 0, 1, 2, 4, 8, 40))))
        put = draw(st.one_of(st.binary(max_size=4), st.sampled_from(TROUBLE), st.just(content[stop : stop + 40])))
        content = content[:start] + (b"" if draw(st.integers(0, 20)) == 0 else put + content[stop:])
    return content


@contextmanager
def little_room() -> Iterator[None]:
    """Nothing may allocate more than ``ROOM`` on top of what there is."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    status = Path("/proc/self/status").read_text(encoding="ascii")
    used = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmData")) * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (used + ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", FORMATS)
def test_any_bytes_give_a_result_or_an_error_that_names_the_file(name: str, tmp_path: Path) -> None:
    form = formats(tmp_path)[name]
    path = tmp_path / form.name
    for content in form.sound:
        path.write_bytes(content)
        if name not in ("cdf", "prior"):
            form.read(path)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=EXAMPLES < 100,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(spoilt(form))
    @example(b"")
    def check(content: bytes) -> None:
        path.write_bytes(content)
        try:
            with little_room():
                form.read(path)
        except form.errors as error:
            said = str(error)
            assert str(path.parent) in said
            if name != "cdf":  # whose reader asks for as many bytes as a size says, and fills those that are there
                assert "Unable to allocate" not in said
                assert "MemoryError" not in said

    check()


@given(st.text(max_size=60) | st.from_regex(r"toy:(off_mm|does|)=?[-0-9.einfa,:=²٣]*", fullmatch=True))
@settings(max_examples=max(EXAMPLES, 200), deadline=None, derandomize=True, database=None)
def test_any_component_is_understood_or_refused(text: str) -> None:
    known = toys.toy_registries().lifters
    try:
        component = known.parse(text)
    except (UnknownName, WrongParameter):
        return
    assert known.parse(str(component)) == component
