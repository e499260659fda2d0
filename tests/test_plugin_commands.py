"""``benchsuite check`` and ``benchsuite plugins``: what they print, how they end, and that a new plugin works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from benchsuite_registry.contracts import Entry
from benchsuite_registry.hookspecs import PROJECT, hookimpl
from shells import PLUGIN, Shell
from test_readme import block

from benchsuite.cli.plugins import PARTS
from benchsuite.records.results import read_records
from benchsuite.testing import CHECKS

SIMPLE = """\
from benchsuite_registry.contracts import Entry, Parameter
from benchsuite_registry.hookspecs import hookimpl
from benchsuite_registry.poses import PoseBatch, Frame


class Simple:
    def __init__(self, unit_mm):
        self.unit_mm = unit_mm

    def lift(self, keypoints):
        uv = keypoints.uv.where(keypoints.visible[..., None], keypoints.camera.center[:, None])
        xyz = keypoints.camera.backproject(uv, uv.new_full(uv.shape[:2], 5000.0))
        poses = PoseBatch(xyz, Frame.CAMERA, keypoints.skeleton, keypoints.ids).root_relative()
        print("lifting")
        return PoseBatch(poses.xyz * self.unit_mm, Frame.ROOT, poses.skeleton, poses.ids)


@hookimpl
def benchsuite_lifters():
    unit = Parameter(1.0, "what a millimetre is multiplied by")
    talks = {"prints_nothing": "it says what it does"}
    return [Entry("simple", Simple, "one depth", parameters={"unit_mm": unit}, expected_failures=talks)]
"""


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "simple.py").write_text(SIMPLE)
    return Shell(tmp_path, capsys)


# ---- check ---------------------------------------------------------------------------------------


def test_check_prints_a_line_for_each_check(shell: Shell) -> None:
    assert shell("check", "simple", "--plugin", "simple.py") == 0
    title, *lines, last = shell.out.splitlines()
    assert title == "lifter simple, from file simple.py"
    verdicts = {name: (verdict, " ".join(reason)) for verdict, name, *reason in map(str.split, lines)}
    lifters = [rule.name for rule in CHECKS if "lifter" in rule.kinds and "pose" in rule.units]
    assert list(verdicts) == lifters
    assert verdicts["prints_nothing"] == ("expected", "it says what it does")
    assert {verdict for name, (verdict, _) in verdicts.items() if name != "prints_nothing"} == {"pass"}
    assert last == f"{len(lifters)} checks: {len(lifters) - 1} passed, 1 failed as expected, 0 failed"
    assert "lifting" in shell.err


def test_check_takes_parameters_and_ends_with_1_if_a_check_fails(shell: Shell) -> None:
    assert shell("check", "simple:unit_mm=0.001", "--plugin", "simple.py", "--json") == 1
    (document,) = json.loads(shell.out)
    assert (document["name"], document["kind"], document["from"]) == ("simple", "lifter", "file simple.py")
    (failed,) = (one for one in document["checks"] if one["verdict"] == "fail")
    assert failed["check"] == "poses_are_in_millimetres"
    assert failed["reason"].endswith("in the middle; this looks like metres")
    assert failed["rule"].startswith("Bones are 50-1000 mm long")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("simpel", "--plugin", "simple.py"), "unknown name 'simpel'; did you mean simple?; known: "),
        (("simple", "--plugin", "simple.py", "--kind", "refiner"), "unknown refiner 'simple'; known: geosearch"),
        (("simple:unit=2", "--plugin", "simple.py"), "lifter simple: unknown parameter 'unit'; did you mean unit_mm?"),
        (("simple", "--plugin", "none.py"), "--plugin none.py: wanted a Python file, found none"),
    ],
)
def test_check_refuses_what_it_does_not_know(shell: Shell, words: tuple[str, ...], message: str) -> None:
    assert shell("check", *words) == 2
    assert message in shell.err
    assert shell.out == ""


def test_check_takes_all_kinds_of_a_name_or_one(shell: Shell) -> None:
    text = SIMPLE + '\n\n@hookimpl\ndef benchsuite_refiners():\n    return [Entry("simple", dict, "no refiner")]\n'
    (shell.folder / "simple.py").write_text(text)
    assert shell("check", "simple", "--plugin", "simple.py") == 1
    assert [line for line in shell.out.splitlines() if ", from " in line] == [
        "lifter simple, from file simple.py",
        "refiner simple, from file simple.py",
    ]
    assert shell("check", "simple", "--plugin", "simple.py", "--kind", "lifter") == 0
    assert "refiner" not in shell.out


# ---- vendor/name ---------------------------------------------------------------------------------


def test_two_files_with_one_name_are_called_after_their_files(shell: Shell) -> None:
    (shell.folder / "other.py").write_text(SIMPLE.replace("one depth", "another"))
    both = ("--plugin", "simple.py", "--plugin", "other.py")
    assert shell("list", "lifters", *both) == 0
    assert shell.err == "warning: lifter 'simple': several plugins give one: other/simple, simple/simple\n"
    assert {"other/simple", "simple/simple"} <= {line.split()[0] for line in shell.out.splitlines()}
    assert shell("check", "simple", *both) == 2
    assert "lifter 'simple' is given by several plugins: wanted other/simple or simple/simple" in shell.err
    assert shell("check", "other/simple", *both) == 0
    assert shell("describe", "simple", *both) == 0
    assert [line.split(" (")[0] for line in shell.out.splitlines() if "lifter" in line] == [
        "other/simple",
        "simple/simple",
    ]


def test_two_files_that_are_named_alike_may_not_give_one_name(shell: Shell) -> None:
    for folder in ("one", "two"):
        (shell.folder / folder).mkdir()
        (shell.folder / folder / "same.py").write_text(SIMPLE)
    both = ("--plugin", "one/same.py", "--plugin", "two/same.py")
    assert shell("run", "--lifter", "simple", "--dataset", "toy", *both) == 2
    told = "lifter 'simple' of file two/same.py: file one/same.py has a same/simple, too; wanted files of different"
    assert f"error: {told} names" in shell.err
    (shell.folder / "two/same.py").write_text(SIMPLE.replace('Entry("simple"', 'Entry("other"'))
    assert shell("describe", "other", *both) == 0
    assert shell("describe", "simple", *both) == 0


def test_records_carry_the_full_name(shell: Shell) -> None:
    (shell.folder / "other.py").write_text(SIMPLE)
    both = ("--plugin", "simple.py", "--plugin", "other.py", "--plugin", PLUGIN)
    words = ("run", *both, "--lifter", "other/simple", "--dataset", "toy", "--evaluator", "toy-error")
    assert shell(*words, "-o", "results") == 0
    (record,) = read_records(shell.results)
    assert record.source.name == "other/simple"
    assert "other/simple" in record.provenance["command"]
    assert "other/simple" in shell.out
    (file,) = (shell.results / "records").rglob("*.json")
    assert file.name.startswith("other_simple-")
    assert shell(*words, "-o", "results") == 0
    assert "already in results: 1 of the cells" in shell.err


# ---- plugins -------------------------------------------------------------------------------------


def broken_point() -> Any:
    raise ImportError("libabsent.so")


def test_plugins_list_says_what_each_distribution_gives(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    module = ModuleType("theirs")
    module.benchsuite_lifters = hookimpl(lambda: [Entry("theirs", dict, "one")])  # type: ignore[attr-defined]
    made = type("Distribution", (), {"name": "some-dist", "version": "2.1"})
    good = type("Point", (), {"name": "good", "dist": made, "load": staticmethod(lambda: module)})
    bad = type("Point", (), {"name": "bad", "dist": made, "load": staticmethod(broken_point)})
    monkeypatch.setattr(metadata, "entry_points", lambda *, group: [good, bad] if group == PROJECT else [])
    assert shell("plugins", "list", "--plugin", "simple.py", "--json") == 0
    assert json.loads(shell.out) == [
        {"from": "file simple.py", "gives": "simple", "state": "loaded"},
        {"from": "some-dist 2.1", "gives": "theirs", "state": "broken: ImportError: libabsent.so; loaded"},
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("new", "."), "wanted a new or an empty folder, found something in it"),
        (("new", "simple.py"), "simple.py: wanted a new or an empty folder, found something in it"),
        (("new", "there", "--name", "My Lifter"), "--name: wanted up to 64 lower-case letters, digits"),
        (("new", "2d"), "lower-case letters, digits and hyphens, a letter first, found '2d'"),
        (("new", "there", "--name", "../up"), "--name: wanted"),
        (("new", "café"), "found 'café'"),
        (("new", "l" * 65), "wanted up to 64 lower-case letters"),
        (("new", "class"), "wanted a name that is free, found 'class', which is a word of Python's grammar"),
        (("new", "json"), "found 'json', which is a module of Python's own"),
        (("new", "Benchsuite"), "found 'benchsuite', which is installed already: benchsuite "),
        (("new", "benchsuite_lifters"), "found 'benchsuite-lifters', which is a module that is installed already"),
        (("new", "my", "--name", "martinez"), "found 'martinez', which is taken by the lifter martinez"),
        ((), "the following arguments are required: ACTION"),
    ],
)
def test_plugins_new_refuses(shell: Shell, words: tuple[str, ...], message: str) -> None:
    before = sorted(shell.folder.rglob("*"))
    assert shell("plugins", *words) == 2
    assert message in shell.err
    assert sorted(shell.folder.rglob("*")) == before


def test_plugins_new_names_all_after_the_folder_or_as_asked(shell: Shell) -> None:
    assert shell("plugins", "new", "some/My Lifter") == 0
    assert "  pip install --no-deps -e 'some/My Lifter'\n" in shell.out
    project = tomllib.loads((shell.folder / "some/My Lifter/pyproject.toml").read_text())
    assert project["project"]["name"] == "my-lifter"
    assert project["project"]["entry-points"]["benchsuite"] == {"my-lifter": "my_lifter"}
    assert shell("plugins", "new", "other", "--name", "depth-net") == 0
    written = {str(path.relative_to("other")) for path in Path("other").rglob("*") if path.is_file()}
    assert written == {place.format(module="depth_net") for place in PARTS}
    texts = [path.read_text() for path in Path("other").rglob("*") if path.is_file()]
    assert not [text for text in texts if "@NAME@" in text or "@MODULE@" in text]


def test_every_template_is_used() -> None:
    assert {f"{template}.txt" for template in PARTS.values()} == {
        file.name for file in files("benchsuite").joinpath("scaffold").iterdir()
    }


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment, with its own pip, that has what this one has."""
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run((sys.executable, "-m", "venv", "env"), cwd=folder, check=True)
    (site,) = (folder / "env").glob("lib/*/site-packages")
    theirs = [path for path in sys.path if path.endswith("site-packages")]
    (site / "theirs.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in theirs))
    for name in ("benchsuite", "pytest"):
        command = folder / "env" / "bin" / name
        command.write_text(f'#!/bin/sh\nexec {command.with_name("python")} -m {name} "$@"\n')
        command.chmod(0o755)
    return folder


@pytest.mark.slow
def test_four_commands_lead_from_nothing_to_a_row(fresh: Path) -> None:
    environment = {
        **os.environ,
        "PATH": os.pathsep.join((str(fresh / "env" / "bin"), os.environ.get("PATH", ""))),
        "OMP_NUM_THREADS": "1",
        "PIP_NO_BUILD_ISOLATION": "1",  # or it would ask an index for setuptools
    }

    def run(command: str, folder: Path = fresh) -> str:
        done = subprocess.run(
            ("bash", "-c", command), cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    commands = block("docs/start.md", "command: four", "bash").strip().splitlines()
    assert len(commands) == 4
    said = [run(command) for command in commands]
    for command in commands[1:]:
        assert command.replace(" --lifter martinez", "") in said[0], "the first says what comes next"
    assert "| my-lifters " in said[2]
    row = next(line for line in (fresh / "try" / "leaderboard.md").read_text().splitlines() if "`my-lifters`" in line)
    assert row.split("|")[1].strip() == "2", "behind martinez"
    assert "my-lifters 0.1.0" in run("benchsuite plugins list")
    assert "31 checks: 31 passed, 0 failed" in run("benchsuite check my-lifters")
    suite, *steps = re.findall("- run: (.*)", (fresh / "my-lifters/.github/workflows/ci.yml").read_text())
    assert suite.startswith('pip install "${BENCHSUITE:?')
    assert "31 passed" in "".join(run(step, fresh / "my-lifters") for step in steps)


def test_check_on_the_example_plugins_of_the_documents(shell: Shell) -> None:
    """What CONTRIBUTING says of them."""
    (shell.folder / "flat.py").write_text(block("README.md", "example: flat.py", "python"))
    (shell.folder / "halfway.py").write_text(block("CONTRIBUTING.md", "example: halfway.py", "python"))
    assert shell("check", "flat", "--plugin", "flat.py") == 0
    assert shell("check", "halfway", "--plugin", "halfway.py") == 1
    failed = [line.split()[1] for line in shell.out.splitlines() if line.startswith("  fail")]
    assert failed == ["the_truth_is_a_fixed_point", "reprojection_is_no_worse"]
