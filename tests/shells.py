"""A command line in a folder of its own, with the toy dataset and the toys at hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import toys

from benchsuite.cli import main
from benchsuite.datasets.dataset import Dataset, open_dataset, write_dataset

PLUGIN = str(Path(toys.__file__))


class Shell:
    """Runs commands in an empty folder with a toy dataset in it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.results = folder / "results"
        self._capsys = capsys
        self.out = self.err = ""
        dataset_in(folder / "toy")

    @property
    def dataset(self) -> Dataset:
        return open_dataset(self.folder / "toy")

    def __call__(self, *words: str) -> int:
        self._capsys.readouterr()
        try:
            code = main(words)
        except SystemExit as stop:  # argparse ends so
            code = int(str(stop.code))
        self.out, self.err = self._capsys.readouterr()
        return code

    def run(self, *words: str) -> int:
        return self("run", "--plugin", PLUGIN, "--dataset", "toy", "--evaluator", "toy-error", *words)


def dataset_in(folder: Path) -> Path:
    """``folder``, with the toy dataset in it."""
    dataset = toys.toy_dataset()
    write_dataset(folder, dataset.about, dataset.columns, dataset.clips)
    return folder


def timeless(results: Path) -> dict[str, str]:
    """The files of a results folder that count, by name, without the seconds that a cell took."""
    return {
        str(file.relative_to(results)): re.sub(r'"seconds": [0-9.]+', "", file.read_text(encoding="utf-8"))
        for folder in ("records", "worst")
        for file in sorted((results / folder).rglob("*.json"))
    }


def rows(table: str) -> list[list[str]]:
    """The cells of every line of a table but the ruler."""
    lines = [line for line in table.splitlines() if line.startswith("|") and not line.startswith("|-")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
