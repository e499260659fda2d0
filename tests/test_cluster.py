"""Work handed to a Dask scheduler and two workers, processes of this machine: one is killed, nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import rowdies
import toys
from benchsuite_registry.loading import load_registries
from matrices import failure
from test_workers import alive, children, rowdy, timeless, until

from benchsuite.cli import main
from benchsuite.datasets.dataset import open_dataset, write_dataset
from benchsuite.labels.generator import label_dataset
from benchsuite.labels.labeller import LabellingStopped, Recipe
from benchsuite.records.results import Record
from benchsuite.running import cluster as module
from benchsuite.running.apart import Held
from benchsuite.running.cluster import Cluster, NoCluster
from benchsuite.running.matrix import Matrix
from benchsuite.running.pipeline import Settings
from benchsuite.running.runner import Runner
from benchsuite.running.workers import Limits
from benchsuite.synthetic.source import synthetic_dataset

pytest.importorskip("distributed")

SLOW = "rowdy:seconds=0.1,off_mm="


class Dask:
    """A scheduler and its workers, each a process with one thread."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "scheduler.json"
        self._log = (folder / "dask.log").open("wb")
        self._all = [self._start("scheduler", "--port", "0", "--host", "127.0.0.1", "--no-show")]
        until(self._file.is_file)
        self.address = json.loads(self._file.read_text())["address"]
        self.workers: list[subprocess.Popen[bytes]] = []

    def hire(self) -> subprocess.Popen[bytes]:
        """Start a worker; Dask's own guard, which would start it again, is left out."""
        worker = self._start("worker", "--no-nanny", "--nthreads", "1", "--host", "127.0.0.1")
        self.workers.append(worker)
        self._all.append(worker)
        return worker

    def _start(self, role: str, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", role, "--scheduler-file", str(self._file), "--no-dashboard", *words]
        path = os.pathsep.join((str(Path(toys.__file__).parent), os.environ.get("PYTHONPATH", "")))
        env = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, stdout=self._log, stderr=self._log, cwd=self._file.parent, env=env)

    def kill(self) -> None:
        for process in self._all:
            process.kill()
            process.wait()
        self._log.close()


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dask]:
    dask = Dask(tmp_path_factory.mktemp("dask"))
    dask.hire()
    dask.hire()
    yield dask
    dask.kill()


@pytest.fixture
def afar(dask: Dask) -> Iterator[Cluster]:
    for dead in [worker for worker in dask.workers if worker.poll() is not None]:
        dask.workers.remove(dead)
        dask.hire()
    cluster = Cluster(dask.address, Limits())
    until(lambda: cluster.size == 2)
    yield cluster
    cluster.close()


def working(dask: Dask) -> subprocess.Popen[bytes] | None:
    """A worker that has an errand under way."""
    return next((worker for worker in dask.workers if worker.poll() is None and children(worker.pid)), None)


def kill_one(dask: Dask) -> None:
    until(lambda: working(dask))
    victim = working(dask)
    assert victim
    (errand,) = children(victim.pid)
    victim.kill()
    victim.wait()
    until(lambda: not alive(errand))


def data_in(folder: Path, **more: Any) -> Path:
    dataset = toys.toy_dataset(**more)
    write_dataset(folder, dataset.about, dataset.columns, dataset.clips)
    return folder


def asked(folder: Path) -> Matrix:
    sources = [f"{SLOW}{17 * k}" for k in range(1, 5)]
    refiners = (None, "rowdy-back:back_mm=17", "rowdy-back:deed=raises")
    return rowdy(data_in(folder / "toy"), *sources, refiners=refiners)


def measured(matrix: Matrix, results: Path, cluster: Cluster | None = None) -> Generator[Record, None, None]:
    return Runner(matrix, results, cluster=cluster, apart=Limits() if cluster else None).measure()


def test_records_are_the_same_byte_for_byte_though_a_worker_is_lost(dask: Dask, afar: Cluster, tmp_path: Path) -> None:
    matrix = asked(tmp_path)
    coming = measured(matrix, tmp_path / "afar", afar)
    here = list(measured(matrix, tmp_path / "here"))
    records = [next(coming)]
    kill_one(dask)
    records += coming
    assert len(records) == len(here) == 4 * 3
    assert timeless(tmp_path / "afar") == timeless(tmp_path / "here")
    assert len([r for r in records if r.failure]) == 4


def recipe(lifter: str, **more: Any) -> Recipe:
    known = load_registries((Path(rowdies.__file__),))
    made = (
        known.lifters.parse(lifter),
        known.refiners.parse("geosearch"),
        (known.refiners.parse("geosearch:align=mean"),),
    )
    return Recipe(*made, "dataset", settings=Settings(batch=4), **more)


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_labels_are_the_same_byte_for_byte_though_a_worker_is_lost(dask: Dask, afar: Cluster, tmp_path: Path) -> None:
    source = open_dataset(data_in(tmp_path / "flat", clips=6, poses=False))
    asked = recipe("rowdy:seconds=0.1")
    label_dataset(source, asked, tmp_path / "here")
    told: list[int] = []

    def advance(people: int) -> None:
        told.append(people)
        if len(told) == 2:  # the first was those of an earlier run
            kill_one(dask)

    label_dataset(source, asked, tmp_path / "afar", advance, afar)
    assert sum(told) == len(source) == 30
    assert files(tmp_path / "afar") == files(tmp_path / "here")


def test_labelling_that_fails_says_in_whose_hands_and_goes_on_elsewhere(afar: Cluster, tmp_path: Path) -> None:
    source = open_dataset(data_in(tmp_path / "flat", poses=False))
    with pytest.raises(LabellingStopped, match=r"lifter rowdy:deed=faults: killed by signal 11"):
        label_dataset(source, recipe("rowdy:deed=faults"), tmp_path / "out", cluster=afar)
    with pytest.raises(LabellingStopped, match=r"lifter rowdy:deed=raises: ValueError: no"):
        label_dataset(source, recipe("rowdy:deed=raises"), tmp_path / "other", cluster=afar)


def test_who_ruins_his_process_ruins_no_worker(dask: Dask, afar: Cluster, tmp_path: Path) -> None:
    refiners = (None, "rowdy-back:deed=faults", "rowdy-back:deed=hangs")
    matrix = rowdy(data_in(tmp_path / "toy"), "rowdy:off_mm=34", refiners=refiners)
    patient = Cluster(dask.address, Limits(timeout_s=3))
    runner = Runner(matrix, tmp_path / "results", cluster=patient, apart=Limits())
    well, faults, hangs = runner.ordered(runner.measure())
    patient.close()
    assert well.metrics[0].value == pytest.approx(2, abs=1e-4)
    assert failure(faults)[1] == "refiner rowdy-back:deed=faults: killed by signal 11 (SIGSEGV)"
    assert failure(hangs)[0] == "TimedOut"
    assert all(worker.poll() is None for worker in dask.workers)


def test_whoever_stops_asking_stops_the_workers(dask: Dask, afar: Cluster, tmp_path: Path) -> None:
    matrix = rowdy(data_in(tmp_path / "toy"), "rowdy", "rowdy:deed=hangs")
    coming = measured(matrix, tmp_path / "results", afar)
    next(coming)
    until(lambda: working(dask))
    coming.close()
    until(lambda: not working(dask))


def test_the_embedded_dataset_and_folders_travel_by_name(tmp_path: Path) -> None:
    assert Held.of(synthetic_dataset(), 7).place == "synthetic"
    assert Held.of(open_dataset(data_in(tmp_path / "toy")), None).place == tmp_path / "toy"
    assert len(Held.of(synthetic_dataset(), 7).opened()) == 7
    few = synthetic_dataset(clips=3)
    assert Held.of(few, None).place is few


def test_other_versions_are_refused(afar: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = module.environment
    monkeypatch.setattr(module, "environment", lambda device: {**found(device), "torch": "1.0"})
    with pytest.raises(NoCluster, match=r"worker on .*: wanted torch 1\.0, found \d.*: workers need the versions"):
        next(measured(asked(tmp_path), tmp_path / "results", afar))


def test_a_worker_that_does_not_see_the_dataset_is_named(afar: Cluster, tmp_path: Path) -> None:
    matrix = asked(tmp_path)
    (tmp_path / "toy").rename(tmp_path / "moved")
    with pytest.raises(NoCluster, match=r"worker on .*toy: wanted a dataset\.json.*need the files of whoever asks"):
        next(measured(matrix, tmp_path / "results", afar))


def test_a_worker_that_lacks_the_package_is_named(
    afar: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").write_text("def done(errand, terms, limits): pass")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(module, "_done", import_module("only_here").done)
    with pytest.raises(NoCluster, match="lacks what is needed: No module named 'only_here'"):
        next(measured(asked(tmp_path), tmp_path / "results", afar))


def test_nobody_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    monkeypatch.setattr(module, "ANSWERS_WITHIN_S", 1)
    words = ["run", "--lifter", "martinez", "--limit", "5", "-o", str(tmp_path), "--scheduler"]
    assert main([*words, "tcp://127.0.0.1:9"]) == 2
    assert "scheduler tcp://127.0.0.1:9: wanted a Dask scheduler there" in capsys.readouterr().err
    assert main([*words, "tcp://127.0.0.1:9", "--jobs", "2"]) == 2
    assert "--jobs is for this machine" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([*words, "tcp://127.0.0.1:9"]) == 2
    assert "pip install 'benchsuite[cluster]'" in capsys.readouterr().err


def test_the_commands(dask: Dask, afar: Cluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data_in(tmp_path / "toy", clips=6)
    plugin = ["--plugin", rowdies.__file__, "--scheduler", dask.address]
    run = ["run", "--lifter", "rowdy:off_mm=34", "--evaluator", "rowdy-error", "--dataset", str(tmp_path / "toy")]
    assert main([*run, *plugin, "-o", str(tmp_path / "results"), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)[0]["metrics"][0]["value"] == pytest.approx(2, abs=1e-4)
    assert f"scheduler {dask.address}: 2 at a time" in said.err
    label = ["label", "--lifter", "rowdy", "--refiner", "geosearch", "--data", str(tmp_path / "toy")]
    assert main([*label, *plugin, "--intrinsics", "dataset", "-o", str(tmp_path / "labels")]) == 0
    assert "30 labels of 30 people" in capsys.readouterr().out
