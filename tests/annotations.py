"""What converters of 2D sources are given in tests, and the command that runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from benchsuite_registry.skeletons import MPII_16

from benchsuite.cli import main
from benchsuite.datasets.dataset import Dataset, open_dataset


class Converter:
    """The command, its output, and the dataset it wrote."""

    def __init__(self, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._out, self._capsys = out, capsys
        self.notes = self.problems = ""

    def __call__(self, form: str, source: Path, *options: str) -> int:
        self._capsys.readouterr()
        code = main(["convert", form, str(source), "-o", str(self._out), *options])
        self.notes, self.problems = self._capsys.readouterr()
        return code

    @property
    def dataset(self) -> Dataset:
        return open_dataset(self._out)


def lsp_joints(count: int, share: float, seed: int = 0) -> np.ndarray:
    """(count, 14, 3): x, y and a flag that is 1 for about that share of the joints."""
    rng = np.random.default_rng(seed)
    uv = rng.uniform(20, 120, (count, 14, 2))
    return np.concatenate((uv, rng.uniform(size=(count, 14, 1)) < share), axis=2)


def mpii_line(joints: np.ndarray) -> list[str]:
    return [str(number) for number in joints.ravel().tolist()]


MPII_HEAD = ["ID", "NAME", *[f"{j}_{axis}" for j in MPII_16.joints for axis in "XY"], "Scale", "Activity", "Category"]


def mpii_person(at: float) -> np.ndarray:
    """Joint j at (at + 10 j, 100 + j); the head's joints 3 to the right and 4 up of each other."""
    joints = np.stack((at + 10.0 * np.arange(16), 100.0 + np.arange(16)), axis=1)
    joints[9] = joints[8] + (30, -40)
    return joints


def structs(*rows: dict[str, Any]) -> np.ndarray:
    """An array of MATLAB structures."""
    made = np.empty((1, len(rows)), dtype=[(name, object) for name in rows[0]])
    for number, row in enumerate(rows):
        made[0, number] = tuple(row.values())
    return made


def release() -> dict[str, Any]:
    """Three images: two people of whom one has no joints, nobody, and one for testing."""
    joints = mpii_person(10)
    points = [{"x": x, "y": y, "id": k, "is_visible": "1"} for k, (x, y) in enumerate(joints.tolist())]
    points[2]["is_visible"] = "0"
    points[8]["is_visible"] = points[9]["is_visible"] = np.empty((0, 0))
    del points[5]
    head = {"x1": 100.0, "y1": 50.0, "x2": 160.0, "y2": 130.0}
    with_joints = {**head, "scale": 2.0, "annopoints": structs({"point": structs(*points)})}
    without = {**head, "scale": 2.0, "annopoints": np.empty((0, 0))}

    def image(name: str, people: np.ndarray) -> dict[str, Any]:
        return {"image": structs({"name": name}), "annorect": people}

    def act(category: str, name: str) -> dict[str, Any]:
        return {"cat_name": category, "act_name": name, "act_id": 1}

    return {
        "annolist": structs(
            image("a.jpg", structs(with_joints, without)),
            image("b.jpg", np.empty((0, 0))),
            image("c.jpg", structs({"scale": 1.0})),
        ),
        "act": structs(act("sports", "curling"), act("", ""), act("", "")).T,
        "img_train": np.array([[1, 1, 0]], np.uint8),
    }


def coco_person(image: int, number: int, flags: dict[int, int] | None = None, **changed: Any) -> dict[str, Any]:
    points: list[int] = []
    for joint in range(17):
        flag = (flags or {}).get(joint, 2)
        points += [number + joint, 2 * joint, flag] if flag else [0, 0, 0]
    return {"id": number, "image_id": image, "iscrowd": 0, "bbox": [1, 2, 30, 40], "keypoints": points, **changed}
