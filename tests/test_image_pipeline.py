"""A pass with an image model: crops in, keypoints and poses out, what refiners and evaluators are handed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from benchsuite_registry.contracts import Entry, Measurements, Metric, Refinement, Scalar
from benchsuite_registry.poses import Frame, ImageBatch, KeypointBatch, Labels, PoseBatch, Target
from benchsuite_registry.registries import Origin, Registries
from benchsuite_registry.skeletons import H36M_17, MPII_16
from matrices import failure, run
from pictured import ABOUT, CLIPS, found_dots, people, photographed, rendered

from benchsuite.datasets.dataset import Dataset, WrongDataset, in_memory
from benchsuite.running import predicting
from benchsuite.running.matrix import Matrix
from benchsuite.running.pipeline import Settings

SIZE = 128


class DotFinder:
    """Finds the dots; its poses are flat, a mm a pixel, about the pelvis.

    Attributes:
        seen: how many crops it was handed each time.
        spoil: what becomes of what it hands back.
    """

    def __init__(self, spoil: Callable[[KeypointBatch, PoseBatch], Any] = lambda k, p: (k, p), size: Any = SIZE):
        self.size, self.spoil = size, spoil
        self.seen: list[int] = []

    def predict(self, images: ImageBatch) -> Any:
        self.seen.append(len(images))
        assert images.rgb.shape[1:] == (3, SIZE, SIZE)
        uv = torch.from_numpy(np.stack([found_dots(rgb) for rgb in images.rgb.permute(0, 2, 3, 1).numpy()])).float()
        visible = torch.ones(uv.shape[:2], dtype=torch.bool)
        nothing = torch.full_like(images.ids, -7)  # of clips and frames it knows nothing
        keypoints = KeypointBatch(uv, visible, images.camera, MPII_16, images.ids, nothing, nothing)
        poses = PoseBatch(torch.cat((uv, 0 * uv[..., :1]), dim=2), Frame.CAMERA, MPII_16, images.ids).root_relative()
        return self.spoil(keypoints, poses)


class Onlooker:
    """A refiner that keeps what it was handed, and puts everybody at 2 m."""

    def __init__(self) -> None:
        self.handed: list[KeypointBatch] = []

    def refine(self, poses: PoseBatch, keypoints: KeypointBatch) -> Refinement:
        self.handed.append(keypoints.rows(torch.arange(len(keypoints))))
        count = len(poses)
        placed = PoseBatch(poses.xyz + torch.tensor((0.0, 0.0, 2000.0)), Frame.CAMERA, MPII_16, poses.ids)
        keypoints.uv.zero_()  # spoilt for nobody else
        zero = torch.zeros(count)
        return Refinement(placed, zero + 2000, zero, torch.zeros(count, dtype=torch.uint8))


class PixelError:
    """Distance of found keypoints from the true ones, px of the dataset's pictures."""

    def measure(self, poses: PoseBatch, target: Target) -> Measurements:
        assert poses.uv is not None
        assert target.keypoints is not None
        return {"px": (poses.uv - target.keypoints.uv).norm(dim=-1).amax(1).numpy()}

    def summarise(self, measurements: Measurements, labels: Labels) -> tuple[Metric, ...]:
        return (Metric("error", float(measurements["px"].max()), "px", "lower", n=len(labels)),)

    def protocol(self) -> Mapping[str, Scalar]:
        return {}


class Asked:
    """A matrix of one model, one evaluator, and refiners, on one dataset."""

    def __init__(self, dataset: Dataset, model: DotFinder | None = None, **more: Any) -> None:
        self.model, self.onlookers = model or DotFinder(), (Onlooker(), Onlooker())
        known = Registries()
        known.image_models.register(Entry("dots", lambda: self.model, "finds dots"), Origin("toys", "1"))
        for number, one in enumerate(self.onlookers):
            known.refiners.register(Entry(f"looks{number}", lambda one=one: one, "looks on"), Origin("toys", "1"))
        known.evaluators.register(Entry("px", PixelError, "pixels"), Origin("toys", "1"))
        self.matrix = Matrix(
            (known.image_models.parse("dots"),),
            (None, known.refiners.parse("looks0"), known.refiners.parse("looks1")),
            (known.evaluators.parse("px"),),
            (("spots", dataset),),
            **{"settings": Settings(batch=4), **more},
        )


def test_keypoints_come_back_in_the_datasets_pixels(tmp_path: Path) -> None:
    """Through crops of other scales and places, all dots are found within a third of a pixel, refined or not."""
    asked = Asked(rendered(10))
    records = run(asked.matrix, tmp_path)
    assert [record.refiner.name if record.refiner else "" for record in records] == ["", "looks0", "looks1"]
    for record in records:
        assert record.failure is None
        assert 0 < record.metrics[0].value < 1 / 3
    assert asked.model.seen == [4, 4, 2], "once for all"


def test_photographs_give_what_pixels_give(tmp_path: Path) -> None:
    values = [
        run(Asked(dataset).matrix, tmp_path / str(k))[0].metrics[0].value
        for k, dataset in enumerate((rendered(5), photographed(tmp_path, 5)))
    ]
    assert values[0] == values[1]


def test_refiners_go_by_what_the_model_found(tmp_path: Path) -> None:
    """Its own keypoints, in the crop with the crop's camera; ids, clips and frames are the dataset's."""
    dataset = rendered(6)
    asked = Asked(dataset, settings=Settings(batch=6))
    run(asked.matrix, tmp_path)
    truth, crops = dataset.keypoints(slice(0, 6)), dataset.images(slice(0, 6), SIZE)
    for onlooker in asked.onlookers:
        (handed,) = onlooker.handed
        assert handed.ids.tolist() == list(range(6))
        assert handed.clip.tolist() == truth.clip.tolist()
        assert handed.frame.tolist() == [3, 4, 5, 6, 7, 8]
        torch.testing.assert_close(handed.camera.focal, crops.camera.focal)
        torch.testing.assert_close(handed.camera.center, crops.camera.center)
        assert (handed.uv - truth.camera.pixels_in(truth.uv, crops.camera)).abs().max() < 0.5
        assert (handed.camera.pixels_in(handed.uv, truth.camera) - truth.uv).abs().max() < 1 / 3


def test_so_many_crops_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches are cut up, the next part in another thread; the numbers do not change."""
    whole = Asked(rendered(11), settings=Settings(batch=11))
    (record, *_) = run(whole.matrix, tmp_path / "whole")
    cutters: list[str] = []
    images = Dataset.images

    def spied(self: Dataset, rows: Any, size: int) -> ImageBatch:
        cutters.append(threading.current_thread().name)
        return images(self, rows, size)

    monkeypatch.setattr(Dataset, "images", spied)
    monkeypatch.setattr(predicting, "CROPS", 4)
    parts = Asked(rendered(11), settings=Settings(batch=11))
    (other, *_) = run(parts.matrix, tmp_path / "parts")
    assert (whole.model.seen, parts.model.seen) == ([11], [4, 4, 3])
    assert other.metrics == record.metrics
    assert threading.main_thread().name not in cutters


def test_a_limit_looks_at_those_rows_alone(tmp_path: Path) -> None:
    dataset = photographed(tmp_path, 7)
    (tmp_path / "photos" / "some" / "1.png").unlink()
    asked = Asked(dataset, limit=3)  # rows 0, 3 and 6
    assert run(asked.matrix, tmp_path / "results")[0].metrics[0].value < 1 / 3
    with pytest.raises(WrongDataset, match=r"dataset spots: 1 of 7 photographs are missing in .*: some/1\.png$"):
        Asked(dataset)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda k, p: p, "image model dots: wanted keypoints and poses, found a PoseBatch"),
        (lambda k, p: (p, k), "image model dots: wanted a KeypointBatch, found a PoseBatch"),
        (lambda k, p: (k, p.xyz), "image model dots: wanted a PoseBatch, found a Tensor"),
        (lambda k, p: (k, replace(p, frame=Frame.CAMERA)), "wanted poses in Frame.ROOT, found Frame.CAMERA"),
        (lambda k, p: (k, p.rows(slice(1, None))), "wanted 4 poses, found 3"),
        (lambda k, p: (k.rows(slice(1, None)), p), "wanted 4 keypoints, found 3"),
        (lambda k, p: (k, replace(p, ids=p.ids + 1)), "wanted ids in the order given: 0 where 1 was found"),
        (lambda k, p: (replace(k, ids=k.ids.flip(0)), p), "wanted ids in the order given: 0 where 3 was found"),
        (
            lambda k, p: (k, p.in_skeleton(H36M_17)),
            "wanted both in one skeleton, found keypoints in MPII_16, poses in H36M_17",
        ),
    ],
)
def test_models_that_break_their_contract(tmp_path: Path, spoil: Any, told: str) -> None:
    record, *others = run(Asked(rendered(5), DotFinder(spoil)).matrix, tmp_path)
    kind, message = failure(record)
    assert kind == "BrokenContract"
    assert told in message
    assert all(other.failure for other in others)


@pytest.mark.parametrize("size", [128.0, "128", 0, None, True])
def test_sizes_that_are_none(tmp_path: Path, size: Any) -> None:
    (record, *_) = run(Asked(rendered(2), DotFinder(size=size)).matrix, tmp_path)
    assert failure(record) == (
        "BrokenContract",
        f"image model dots: size: wanted a whole number of px, found {size!r}",
    )


def test_keypoints_of_another_shape(tmp_path: Path) -> None:
    spoil = lambda k, p: (replace(k, uv=k.uv[:, :5]), p)  # noqa: E731
    (record, *_) = run(Asked(rendered(2), DotFinder(spoil)).matrix, tmp_path)
    assert failure(record)[1] == "image model dots: KeypointBatch.uv: wanted shape ('any', 16, 2), found (2, 5, 2)"


def test_what_a_model_spoils_is_its_own(tmp_path: Path) -> None:
    """Crops, cameras and ids that it is handed are copies; keypoints are mapped back by the true camera."""

    class Vandal(DotFinder):
        def predict(self, images: ImageBatch) -> Any:
            keypoints, poses = super().predict(images)
            keypoints, poses = (replace(made, ids=images.ids.clone()) for made in (keypoints, poses))
            for tensor in (images.rgb, images.camera.focal, images.camera.center, images.ids):
                tensor.zero_()
            return keypoints, poses

    for record in run(Asked(rendered(5), Vandal()).matrix, tmp_path):
        assert record.metrics[0].value < 1 / 3
        assert record.provenance["remarks"][0] == "image model dots changed its input"


def test_an_image_model_needs_pictures() -> None:
    flat = in_memory(ABOUT, people(2), CLIPS, "")
    with pytest.raises(WrongDataset, match=r"dataset spots has no pictures .*, which image model dots needs"):
        Asked(flat)


def test_a_photograph_that_turns_out_spoilt_fails_the_model_alone(tmp_path: Path) -> None:
    dataset = photographed(tmp_path, 5)
    (tmp_path / "photos" / "some" / "4.png").write_bytes(b"spoilt")
    (record, *_) = run(Asked(dataset).matrix, tmp_path / "results")
    kind, message = failure(record)
    assert kind == "WrongImage"
    assert "4.png: wanted a whole photograph" in message
