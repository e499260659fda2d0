"""Nothing that lies in data or weights is ever executed: no loader that could is called; torch may forbid it too."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from shells import dataset_in

from benchsuite.training.resume import Resume, TrainingStopped

ROOT = Path(__file__).parents[1]
SAFE_IF = {
    "torch.load": ("weights_only", True),
    "np.load": ("allow_pickle", False),
    "np.lib.format.read_array": ("allow_pickle", False),
    "np.save": ("allow_pickle", False),
}
"""Calls that are safe with this argument."""

NEVER = {
    "eval",
    "exec",
    "pickle.load",
    "pickle.loads",
    "pickle.Unpickler",
    "marshal.loads",
    "joblib.load",
    "np.fromregex",
}
KNOWN = {
    ("benchsuite/worker.py", "pickle.load"),  # what the process that started it wrote
    ("benchsuite/workers.py", "pickle.loads"),  # what a process that we started says
    ("benchsuite/testing/entries.py", "pickle.loads"),  # what the line before it pickled
}


def calls(path: Path) -> list[tuple[str, ast.Call]]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [(ast.unparse(node.func), node) for node in ast.walk(tree) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("folder", ["benchsuite", "registry", "plugins"])
def test_no_call_could_run_what_a_file_holds(folder: str) -> None:
    found = []
    for path in sorted((ROOT / folder).rglob("*.py")):
        place = str(path.relative_to(ROOT))
        for name, call in calls(path):
            said = {keyword.arg: getattr(keyword.value, "value", None) for keyword in call.keywords}
            if name in NEVER and (place, name) not in KNOWN:
                found.append(f"{place}:{call.lineno}: {name}")
            if name in SAFE_IF and said.get(SAFE_IF[name][0]) is not SAFE_IF[name][1]:
                found.append(f"{place}:{call.lineno}: {name} without {SAFE_IF[name]}")
    assert found == []


def test_the_search_finds_what_it_is_for(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("torch.load(path, weights_only=False)\nnp.load(x)\npickle.load(f)")
    assert [name for name, _ in calls(tmp_path / "a.py")] == ["torch.load", "np.load", "pickle.load"]


class Harm:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.mark),)


def test_an_unfinished_training_that_does_harm_is_refused(tmp_path: Path) -> None:
    mark = tmp_path / "harmed"
    resume = Resume(tmp_path / "w", torch.nn.Linear(1, 1), "plan")
    torch.save({"plan": Harm(mark)}, resume.path)
    with pytest.raises(TrainingStopped, match=r"w\.resume: wanted an unfinished run, found UnpicklingError"):
        resume.load()
    assert not mark.exists()


@pytest.mark.slow
def test_commands_do_without_pickles(tmp_path: Path) -> None:
    """With torch told to refuse them, whatever is shipped still loads: trained lifters, the prior, a dataset."""
    dataset_in(tmp_path / "toy")
    env = {**os.environ, "TORCH_FORCE_WEIGHTS_ONLY_LOAD": "1"}
    lifters = ("--lifter", "martinez", "--lifter", "stereo", "--refiner", "geosearch")
    for words in (
        ("run", *lifters, "--limit", "20", "-o", str(tmp_path / "results")),
        ("doctor", str(tmp_path / "toy")),
    ):
        done = subprocess.run((sys.executable, "-m", "benchsuite", *words), env=env, capture_output=True, text=True)
        assert done.returncode in (0, 1), done.stderr
        assert "failed" not in done.stderr
