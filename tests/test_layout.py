"""The house's rules, held over the source: which way imports run, what is installed, what is named where."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from configparser import ConfigParser
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest
from benchsuite_registry.loading import load_registries

ROOT = Path(__file__).resolve().parents[1]
SETUP = ConfigParser()
SETUP.read(ROOT / "setup.cfg", encoding="utf-8")

PACKAGES = {
    package: ROOT / folder
    for package, folder in (line.split(" = ") for line in SETUP["options"]["package_dir"].strip().splitlines())
}
"""Top-level packages, by name."""

RANK = {"benchsuite_registry": 0, "benchsuite": 1}
"""An import may go to a package of the same rank or a lower one; all other packages of ours are plugins."""

LONGEST_FILE = 300


def name_of(path: Path) -> str:
    """Dotted name of the module at ``path``."""
    package, folder = next((p, f) for p, f in PACKAGES.items() if path.is_relative_to(f))
    parts = (package, *path.relative_to(folder).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for folder in PACKAGES.values() for path in sorted(folder.rglob("*.py"))}
TREES = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in MODULES.items()}


def imported(name: str, nodes: Iterator[ast.AST]) -> Iterator[str]:
    """The modules that import statements among ``nodes`` of module ``name`` ask for."""
    package = name if MODULES[name].name == "__init__.py" else name.rpartition(".")[0]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module or ""
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield whole if whole in MODULES else base


def at_import(tree: ast.Module) -> Iterator[ast.AST]:
    """Statements that run when the module is imported: none in functions, none for type checkers alone."""
    waiting: list[ast.AST] = list(tree.body)
    for node in waiting:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        yield node
        waiting += ast.iter_child_nodes(node)


@pytest.mark.parametrize("name", MODULES)
def test_imports_run_from_plugins_to_benchsuite_to_registry(name: str) -> None:
    own = RANK.get(name.partition(".")[0], 2)
    for target in imported(name, ast.walk(TREES[name])):
        package = target.partition(".")[0]
        if package in PACKAGES:
            assert RANK.get(package, 2) <= own, f"{name} imports {target}"


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {name: set(imported(name, at_import(tree))) & set(MODULES) for name, tree in TREES.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(MODULES)  # it raises CycleError


@pytest.mark.parametrize("name", [name for name in MODULES if RANK.get(name.partition(".")[0], 2) < 2])
def test_suite_and_ground_name_no_method(name: str) -> None:
    """Neither as a word of an identifier nor in a text that runs; docstrings may say whose idea something was.

    A slug that is a word of English too, or the name of an author whose data may have a reader, counts only where a
    text is that slug, with or without parameters.
    """
    loaded = load_registries()
    methods = {"martinez", "stereo", "geosearch", "zhou", "yang", "wild"}
    methods |= {e.name for kind in (loaded.lifters, loaded.refiners, loaded.image_models) for e in kind}
    ordinary = {"wild", "nearest", "martinez", "zhou", "yang"}
    tree = TREES[name]
    docstrings = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            assert node.value.partition(":")[0] not in methods, f"line {node.lineno}: {node.value!r}"
            words = set(re.findall(r"[\w-]+", node.value.lower()))
        else:
            spelt = {getattr(node, key, None) for key in ("id", "attr", "arg", "name", "asname", "module")}
            words = {word for text in spelt if isinstance(text, str) for word in re.split(r"[._]", text.lower())}
        assert not words & (methods - ordinary), f"line {getattr(node, 'lineno', '?')}: {words & methods}"


@pytest.mark.parametrize("name", MODULES)
def test_no_file_is_too_long_to_read(name: str) -> None:
    lines = len(MODULES[name].read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE, f"{MODULES[name].relative_to(ROOT)} has {lines} lines"


@pytest.fixture(scope="module")
def tree() -> list[Path]:
    """Every file that is or would be in the repository."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [path for name in filter(None, listed.stdout.split("\0")) if (path := ROOT / name).is_file()]


# ---- what is installed ---------------------------------------------------------------------------


def test_the_list_of_packages_is_what_lies_on_disk() -> None:
    assert set(PACKAGES) == {
        "benchsuite",
        *(path.name for root in ("registry", "plugins") for path in (ROOT / root).iterdir() if list(path.glob("*.py"))),
    }
    on_disk = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    assert sorted(SETUP["options"]["packages"].split()) == sorted(on_disk)
    homeless = {str(p.relative_to(ROOT)) for p in MODULES.values() if not (p.parent / "__init__.py").is_file()}
    assert not homeless


def test_source_roots_are_no_packages() -> None:
    assert not (ROOT / "registry" / "__init__.py").exists()
    assert not (ROOT / "plugins" / "__init__.py").exists()


def test_every_file_that_is_no_code_is_installed_too(tree: list[Path]) -> None:
    patterns = {package: text.split() for package, text in SETUP["options.package_data"].items()}
    folders = {name: path.parent for name, path in MODULES.items() if path.name == "__init__.py"}
    installed = {
        path
        for package, folder in folders.items()
        for pattern in patterns["*"] + patterns.get(package, [])
        for path in folder.glob(pattern)
    }
    found = {path for path in tree if any(path.is_relative_to(folder) for folder in PACKAGES.values())}
    assert {path.relative_to(ROOT) for path in found - installed if path.suffix != ".py"} == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_marked_as_typed(package: str) -> None:
    assert (PACKAGES[package] / "py.typed").is_file()


def test_every_dependency_is_pinned_once_and_by_version_alone() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert len(pins) == sum(not line.startswith("#") for line in lines)
    assert all(re.fullmatch(r"\d+(\.\d+)*", version) for version in pins.values())
    assert pins["torch"] == "2.13.0"
    extras = SETUP["options.extras_require"].values()
    asked = {
        re.split(r"[<>=\[ ]", line)[0]
        for text in (SETUP["options"]["install_requires"], *extras)
        for line in text.strip().splitlines()
        if not line.startswith("#")
    }
    assert asked - {"benchsuite"} <= set(pins)


# ---- what is in the tree -------------------------------------------------------------------------


def test_nothing_names_a_place_on_a_machine(tree: list[Path]) -> None:
    place = re.compile(rf"{re.escape(str(ROOT))}|(?<![\w.~*)}}])/(?:home|Users|root|mnt|opt|work|workspace)/\w")
    found = []
    for path in tree:
        content = path.read_bytes()
        if b"\0" not in content:
            lines = enumerate(content.decode("utf-8").splitlines(), 1)
            found += [f"{path.relative_to(ROOT)}:{number}: {line}" for number, line in lines if place.search(line)]
    assert not found
