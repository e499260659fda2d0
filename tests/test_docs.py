"""The documentation: what it shows is what commands print, its examples run, its site builds and asks nobody."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest
from test_readme import block, parts, run

from benchsuite import cli

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
OURS = {"benchsuite_evaluators", "benchsuite_image_models", "benchsuite_lifters", "benchsuite_refiners"}


def loaded() -> ModuleType:
    """``docs/refresh.py``, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("refresh", DOCS / "refresh.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


refresh = loaded()


def marked(pattern: re.Pattern[str]) -> list[str]:
    """Names of the pages in which there is such a block."""
    return [str(p.relative_to(ROOT)) for p in refresh.PAGES if pattern.search(p.read_text(encoding="utf-8"))]


def measures(name: str) -> bool:
    """Whether a page shows what a measurement printed."""
    return re.search(r"^<!-- output: .*--limit", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE) is not None


SHOWING = sorted({*marked(refresh.OUTPUT), *marked(refresh.GENERATED)})


# ---- what stands in the pages ----------------------------------------------------------------------


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="argparse of another Python words help otherwise")
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if measures(name) else ()) for name in SHOWING]
)
def test_output_in_the_pages_is_what_commands_print(name: str) -> None:
    others = {point.value for point in metadata.entry_points(group="benchsuite")} - OURS
    if others and "output: benchsuite list" in (ROOT / name).read_text(encoding="utf-8"):
        pytest.skip(f"plugins of others are installed: {', '.join(sorted(others))}")
    written, now = (ROOT / name).read_text(encoding="utf-8"), refresh.fresh(ROOT / name)
    assert refresh.alike(written, now), f"{name} is stale: python docs/refresh.py {name}"


def test_a_stale_page_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("Said:\n\n<!-- output: benchsuite --version -->\n\n```text\nbenchsuite 0.0.1\n```\n\nEnd.\n")
    version = metadata.version("benchsuite")
    assert refresh.main([str(page), "--check"]) == 1
    assert "0.0.1" in page.read_text()
    assert refresh.main([str(page)]) == 0
    assert (
        page.read_text()
        == f"Said:\n\n<!-- output: benchsuite --version -->\n\n```text\nbenchsuite {version}\n```\n\nEnd.\n"
    )
    assert refresh.main([str(page), "--check"]) == 0


def test_last_digits_may_differ_and_nothing_else() -> None:
    assert refresh.alike("37.13 [35.73, 38.58]", "37.17 [35.70, 38.60]")
    assert not refresh.alike("37.13", "37.23")
    assert not refresh.alike("600 of 252", "601 of 252")
    assert not refresh.alike("MPJPE 1.00", "PCK 1.00")


def test_a_command_that_fails_is_no_output(tmp_path: Path) -> None:
    with pytest.raises(refresh.Failed, match="exit code 2"):
        refresh.output("benchsuite describe nobody", tmp_path)
    with pytest.raises(refresh.Failed, match="wanted a command of benchsuite"):
        refresh.output("ls", tmp_path)


def test_every_command_has_its_help() -> None:
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert [name for name in cli.COMMANDS if f"\n## benchsuite {name}\n" not in text] == []


def test_every_deviation_is_listed() -> None:
    said = sum(
        len(re.findall(r'^ *(?:""")?Deviation: ', path.read_text(encoding="utf-8"), re.MULTILINE))
        for folder in refresh.CODE
        for path in (ROOT / folder).rglob("*.py")
    )
    assert refresh.deviations().count("\n* [") == said > 20


# ---- the examples ----------------------------------------------------------------------------------


EXAMPLES = [
    (name, file)
    for name in marked(refresh.EXAMPLE)
    for file, _ in refresh.EXAMPLE.findall((ROOT / name).read_text(encoding="utf-8"))
    if name.startswith("docs/") and name != "docs/adapters.md"  # test_adapters.py makes the model files that those need
]


def test_there_is_an_example_of_each_kind() -> None:
    kinds = [
        re.findall(r"def (benchsuite_\w+)\(", block(name, f"example: {file}", "python")) for name, file in EXAMPLES
    ]
    assert sorted(map(tuple, kinds)) == [
        ("benchsuite_evaluators",),
        ("benchsuite_image_models",),
        ("benchsuite_lifters",),
        ("benchsuite_refiners",),
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "file"), EXAMPLES)
def test_the_examples_run_and_keep_their_contracts(name: str, file: str, tmp_path: Path) -> None:
    (tmp_path / file).write_text(block(name, f"example: {file}", "python"), encoding="utf-8")
    set_up, commands = parts(name, f"command: {file}")
    assert not set_up
    assert commands[0].startswith("benchsuite check ")
    for command in commands:
        run(command, tmp_path)  # checks that fail end with another exit code than 0


# ---- the site --------------------------------------------------------------------------------------


def test_every_page_is_in_the_navigation() -> None:
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2]
    assert sorted(re.findall(r"[\w/-]+\.md", nav)) == sorted(p.relative_to(DOCS).as_posix() for p in refresh.PAGES)


@pytest.mark.slow
def test_the_site_builds_and_asks_nothing_of_other_hosts(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="the extra docs is not installed")
    pytest.importorskip("mkdocstrings", reason="the extra docs is not installed")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path / "site")]
    done = subprocess.run(build, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    pages = {
        page.relative_to(tmp_path / "site").as_posix(): page.read_text("utf-8") for page in tmp_path.rglob("*.html")
    }
    asked = r'<(?:script|img|iframe)[^>]* src="?https?:|<link[^>]* rel="?(?:stylesheet|preconnect|icon)[^>]*https?:'
    assert [name for name, text in pages.items() if re.search(asked, text)] == []
    assert "backproject" in pages["api/poses/index.html"]
    assert "class GeoSearch" in re.sub(
        "<[^>]+>", "", pages["source/plugins/benchsuite_refiners/geosearch.py/index.html"]
    )
