"""What README, CONTRIBUTING and the pages of docs tell people to type: it runs, as it is written."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from benchsuite import cli

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
SET_UP = ("python -m venv ", ". .venv/bin/activate", "pip install ")


def block(name: str, marker: str, language: str) -> str:
    """The fenced block that follows the comment ``marker`` in the file ``name``."""
    fence = rf"^( *)<!-- {re.escape(marker)} -->\n *```{language}\n(.*?)^ *```$"
    found = re.findall(fence, TEXTS[name], re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"{name}: wanted one {language} block after <!-- {marker} -->, found {len(found)}"
    return textwrap.dedent(found[0][1])


def parts(name: str, marker: str) -> tuple[list[str], list[str]]:
    """The commands of a block, those that set up an environment apart from the others, its body."""
    commands = [text.strip() for text in re.split(r"&&|\n", block(name, marker, "bash")) if text.strip()]
    return [c for c in commands if c.startswith(SET_UP)], [c for c in commands if not c.startswith(SET_UP)]


def run(command: str, folder: Path) -> str:
    """Standard output of ``command`` in the present environment, run in ``folder``."""
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, f"{command}: exit code {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def rows(table: str) -> set[tuple[str, str]]:
    """Method, without its recipe, and refiner of each row of the tables that ``benchsuite run`` prints."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "|" in line]
    bodies = [row for row in cells if row[0] != "method" and row[0].strip(":-")]
    return {(re.sub(r" \(.*\)$", "", method), refiner) for method, refiner, *_ in bodies}


# ---- the two commands ----------------------------------------------------------------------------


def test_both_commands_set_up_a_fresh_environment_with_the_pinned_versions() -> None:
    venv = ["python -m venv .venv", ". .venv/bin/activate"]
    assert parts("README.md", "command: run")[0] == [*venv, "pip install -c constraints.txt ."]
    assert parts("README.md", "command: test")[0] == [*venv, "pip install -c constraints.txt -e '.[test]'"]


def test_the_main_command_measures_all_four_combinations(tmp_path: Path) -> None:
    (command,) = parts("README.md", "command: run")[1]
    printed = run(command, tmp_path)
    four = {(lifter, refiner) for lifter in ("martinez", "stereo") for refiner in ("none", "geosearch")}
    assert rows(printed) == four
    records = list((tmp_path / "try" / "records" / "h36m-p1" / "synthetic").glob("*.json"))
    assert len(records) == 4
    again = run(command, tmp_path)
    assert again == printed  # nothing was measured again


def test_the_test_command_runs_this_suite() -> None:
    assert parts("README.md", "command: test")[1] == ["pytest -n auto"]
    listed = run("pytest -n 0 --collect-only -q", ROOT)  # to run it all from within would never end
    assert "tests/test_readme.py::test_the_test_command_runs_this_suite" in listed


# ---- everything else that is to be typed ---------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "marker", "file", "added"),
    [
        ("README.md", "plugin", "flat.py", {("flat", "none"), ("flat:depth_mm=4000.0", "geosearch")}),
        ("CONTRIBUTING.md", "refiner", "halfway.py", {("martinez", "none"), ("martinez", "halfway")}),
    ],
)
def test_the_example_plugins_run(
    name: str, marker: str, file: str, added: set[tuple[str, str]], tmp_path: Path
) -> None:
    (tmp_path / file).write_text(block(name, f"example: {file}", "python"))
    set_up, commands = parts(name, f"command: {marker}")
    assert not set_up
    printed = "".join(run(f"{command} --limit 200", tmp_path) for command in commands)
    assert added <= rows(printed)


def commands_in(name: str) -> list[str]:
    fenced = re.findall(r"^ *```bash\n(.*?)^ *```$", TEXTS[name], re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`(benchsuite [^`]+)`", TEXTS[name])
    typed = re.split(
        r"&&|\n", "\n".join(fenced).replace("\\\n", " ") + "\n" + "\n".join(" ".join(i.split()) for i in inline)
    )
    return [text.strip() for text in typed if text.strip().startswith("benchsuite ")]


@pytest.mark.parametrize(("name", "command"), [(name, c) for name in TEXTS for c in dict.fromkeys(commands_in(name))])
def test_every_command_can_be_typed_as_it_is_written(name: str, command: str) -> None:
    words = shlex.split(command, comments=True)[1:]
    assert words[0] in cli.COMMANDS
    if len(words) > 1:  # a command in the middle of a sentence may stand alone
        cli._parser(words).parse_args(words)


@pytest.mark.parametrize("name", TEXTS)
def test_links_lead_to_files_that_are_there(name: str) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", TEXTS[name]):
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        assert file.exists(), f"{name}: {target}"
        text = file.read_text(encoding="utf-8") if anchor else ""
        headings = {
            re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.*)$", text, re.MULTILINE)
        }
        assert not anchor or anchor in headings, f"{name}: {target}"


def test_results_are_those_of_the_leaderboard() -> None:
    text = TEXTS["README.md"].partition("<!-- leaderboard -->")[2].partition("<!-- /leaderboard -->")[0]
    table = (ROOT / "results" / "leaderboard.md").read_text(encoding="utf-8")
    numbers = re.findall(r"\d+\.\d\d(?: ± \d+\.\d\d)?", text)
    assert len(numbers) > 10
    assert [number for number in numbers if number not in table.replace("**", "")] == []
