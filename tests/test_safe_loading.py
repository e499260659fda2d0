"""Nothing that lies in data or weights is ever executed: no loader that could is called; test_planted_pickles tries."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

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
    "torch.jit.load",
    "torch.export.load",
    "np.fromregex",
}
KNOWN = {
    ("benchsuite/adapters.py", "torch.jit.load"),  # a program, which docs/adapters.md says
    ("benchsuite/adapters.py", "torch.export.load"),  # likewise, and without pickles
    ("benchsuite/running/worker.py", "pickle.load"),  # what the process that started it wrote
    ("benchsuite/running/workers.py", "pickle.loads"),  # what a process that we started says
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
