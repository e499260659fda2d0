"""Write into the pages what commands print and what the source says, or check that it stands there: `--check`.

A page says in a comment what belongs below it::

    <!-- output: benchsuite list -->        what the command prints, in the fenced block that follows
    <!-- generated: NAME --> ... <!-- /generated -->        what the function of that name makes

Commands of a page run in one folder, in which the page's examples (`<!-- example: FILE -->`) and what earlier commands
wrote lie. Decimals that a check finds may differ by 0.05: processors add up in other orders.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import inspect
import os
import re
import shlex
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs").rglob("*.md"))
COLUMNS = "100"
TOLERANCE = 0.05

OUTPUT = re.compile(r"^<!-- output: (?P<said>.+?) -->\n+```text\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
GENERATED = re.compile(
    r"^<!-- generated: (?P<said>\S+) -->\n(?P<body>.*?)^<!-- /generated -->$", re.MULTILINE | re.DOTALL
)
EXAMPLE = re.compile(r"^ *<!-- example: (\S+) -->\n *```python\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
DECIMAL = re.compile(r"-?\d+\.\d+")

CODE = ("registry", "benchsuite", "plugins")
DEVIATION = re.compile(
    r"^Deviation: (.*?)(?=^\s*$|^(?:Source|Deviation|Args|Attributes|Returns|Raises):|\Z)", re.M | re.S
)


class Failed(RuntimeError):
    """A command ended with an error; says which and what it printed."""


def fresh(page: Path) -> str:
    """The page's text with every marked block as it should be now."""
    text = page.read_text(encoding="utf-8")
    text = GENERATED.sub(lambda m: _with_body(m, GENERATORS[m["said"]]()), text)
    with tempfile.TemporaryDirectory() as folder:
        for name, body in EXAMPLE.findall(text):
            (Path(folder) / name).write_text(textwrap.dedent(body), encoding="utf-8")
        return OUTPUT.sub(lambda m: _with_body(m, output(m["said"], Path(folder))), text)


def _with_body(found: re.Match[str], body: str) -> str:
    start, end = found.start("body") - found.start(), found.end("body") - found.start()
    return f"{found[0][:start]}{body}{found[0][end:]}"


def output(command: str, folder: Path) -> str:
    """What ``benchsuite ...`` prints on standard output, run in ``folder``.

    Raises:
        Failed: it is no command of ours, or its exit code is not 0.
    """
    words = shlex.split(command)
    if words[0] != "benchsuite":
        raise Failed(f"{command}: wanted a command of benchsuite")
    environment = {**os.environ, "COLUMNS": COLUMNS, "NO_COLOR": "1", "OMP_NUM_THREADS": "1"}
    run = [sys.executable, "-m", "benchsuite", *words[1:]]
    done = subprocess.run(run, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        raise Failed(f"{command}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout.strip("\n") + "\n"


def commands() -> str:
    """Every command's help, and that of what it has beneath it."""
    from benchsuite import cli

    os.environ["COLUMNS"] = COLUMNS
    return (
        "\n"
        + "\n".join(_helped(_beneath(cli._parser([name]))[name], f"benchsuite {name}") for name in cli.COMMANDS)
        + "\n"
    )


def _helped(parser: argparse.ArgumentParser, words: str) -> str:
    own = f"{'#' * (words.count(' ') + 1)} {words}\n\n```text\n{parser.format_help()}```\n"
    return "\n".join([own, *(_helped(child, f"{words} {name}") for name, child in _beneath(parser).items())])


def _beneath(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    actions = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return next((dict(action.choices) for action in actions), {})


def licences() -> str:
    """The licence that each converter writes into its datasets."""
    from benchsuite.cli.convert import FORMATS

    stated = ((name, getattr(import_module(module), "LICENCE", "")) for name, (module, _) in FORMATS.items())
    return "\n| format | licence |\n|---|---|\n" + "".join(f"| `{n}` | {text} |\n" for n, text in stated if text) + "\n"


def checks() -> str:
    """The conformance kit's checks, by whom they apply to."""
    from benchsuite.testing import CHECKS
    from benchsuite.testing.findings import EVERY

    lines = ["", "| check | for | what holds if it passes |", "|---|---|---|"]
    for check in CHECKS:
        whom = "all" if check.kinds == EVERY else ", ".join(f"{kind}s" for kind in check.kinds)
        whom += f", by {check.units[0]}" if len(check.units) == 1 else ""
        lines.append(f"| `{check.name}` | {whom} | {check.rule.replace('``', '`')} |")
    return "\n".join([*lines, "", ""])


def deviations() -> str:
    """What the source says after ``Deviation:``, file by file."""
    lines = [""]
    for path in sorted(path for folder in CODE for path in (ROOT / folder).rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        lines += [f"* [{place}](../{place}){owner and f', `{owner}`'}: {text}" for owner, text in _deviations(path)]
    return "\n".join([*lines, "", ""])


def _deviations(path: Path) -> Iterator[tuple[str, str]]:
    """Owner, and what departs from what: of docstrings of modules, classes and functions, and below assignments."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        body = getattr(node, "body", None)
        for before, said in pairwise([node, *body] if isinstance(body, list) else []):
            if (
                isinstance(said, ast.Expr)
                and isinstance(said.value, ast.Constant)
                and isinstance(said.value.value, str)
            ):
                for text in DEVIATION.findall(inspect.cleandoc(said.value.value)):
                    yield _name(before), " ".join(text.split()).replace("``", "`")


def _name(node: ast.AST) -> str:
    targets = getattr(node, "targets", [getattr(node, "target", None)])
    return str(getattr(node, "name", getattr(targets[0], "id", "")))


GENERATORS: dict[str, Callable[[], str]] = {f.__name__: f for f in (commands, licences, checks, deviations)}


def alike(written: str, now: str) -> bool:
    """Whether two texts are the same but for the last digits of decimals."""
    if DECIMAL.sub("#", written) != DECIMAL.sub("#", now):
        return False
    pairs = zip(DECIMAL.findall(written), DECIMAL.findall(now), strict=True)
    return all(abs(float(a) - float(b)) <= TOLERANCE for a, b in pairs)


def main(argv: list[str] | None = None) -> int:
    """Refresh the pages; with ``--check`` write nothing and return 1 if one is stale."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="*", type=Path, metavar="PAGE.md", help="default: all")
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 and a diff if one is stale")
    args = parser.parse_args(argv)
    stale = False
    for page in args.pages or PAGES:
        written, now = page.read_text(encoding="utf-8"), fresh(page)
        if alike(written, now):
            continue
        stale = True
        if args.check:
            sys.stdout.writelines(
                difflib.unified_diff(written.splitlines(True), now.splitlines(True), str(page), "now")
            )
        else:
            page.write_text(now, encoding="utf-8")
            print(f"refreshed {page}")
    return int(args.check and stale)


if __name__ == "__main__":
    raise SystemExit(main())
