"""The command line: which commands there are, and how each ends.

A command is a module with ``HELP``, ``configure(parser)`` and ``main(args) -> int``; only the one
asked for is imported.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module, metadata

COMMANDS = {
    "run": ("run", "measure methods on datasets"),
    "list": ("listing", "list methods, datasets and plugins"),
    "describe": ("describe", "say what a component is and which parameters it takes"),
    "check": ("check", "say whether a component keeps its contract"),
    "plugins": ("plugins", "list installed plugins, or start one of your own"),
    "evaluate": ("evaluate", "score predictions made elsewhere"),
    "compare": ("compare", "compare two methods pose by pose"),
    "explain": ("explain", "say why two protocols give one method two numbers"),
    "robustness": ("robustness", "measure how methods bear worse input"),
    "cost": ("cost", "measure latency, memory and size of methods"),
    "bench": ("bench", "measure how near the suite is to the machine's limits"),
    "leaderboard": ("leaderboard", "write the leaderboard of all results"),
    "results": ("results", "validate or migrate a folder of records"),
    "convert": ("convert", "convert a source of poses into a dataset folder"),
    "fetch": ("fetch", "download a file whose hash and licence are known"),
    "doctor": ("doctor", "say what is missing or odd in a dataset"),
    "label": ("label", "generate 3D labels for a dataset with 2D keypoints alone"),
    "render": ("render", "render people moved by motion capture, with exact truth"),
    "train": ("train", "train a method"),
    "fit-prior": ("fit_prior", "fit the motion prior behind the dataset `synthetic`"),
    "fit-noise": ("fit_noise", "fit the 2D noise model of robustness curves"),
    "show": ("show", "draw poses of a dataset"),
}
"""Each command's module and what it does."""

REFUSALS = {
    "benchsuite_registry.registries": ("UnknownName", "VendorTaken", "WrongParameter"),
    "benchsuite_registry.checkpoints": ("WrongCheckpoint",),
    "benchsuite.convert.archives": ("WrongSource",),
    "benchsuite.running.cluster": ("NoCluster",),
    "benchsuite.datasets.columns": ("WrongDataset",),
    "benchsuite.documents": ("WrongDocument", "CannotWrite"),
    "benchsuite.comparing.comparison": ("CannotCompare",),
    "benchsuite.leaderboard.fingerprints": ("MixedProtocols",),
    "benchsuite.comparing.explanation": ("CannotExplain",),
    "benchsuite.running.methods": ("NoPredictions",),
    "benchsuite.rendering.compiling": ("NoNumba",),
    "benchsuite.running.matrix": ("WrongRun",),
    "benchsuite.downloads": ("WrongDownload",),
    "benchsuite.pictures.drawing": ("NoMatplotlib",),
    "benchsuite.images.photographs": ("NoPillow",),
    "benchsuite.labels.labeller": ("LabellingStopped",),
    "benchsuite.synthetic.prior": ("WrongPrior",),
    "benchsuite.training.resume": ("TrainingStopped",),
}
"""By module, errors whose message is all that a user needs."""

ALL_GOOD, SOME_FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


class UsageError(Exception):
    """The command line asks for something that cannot be; nothing was done."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code: 0 all good, 1 some of it failed, 2 usage, 130 interrupted."""
    words = list(sys.argv[1:] if argv is None else argv)
    _open_closed()
    try:
        args = _parser(words).parse_args(words)
        code: int = args.main(args)
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has had enough, as in `benchsuite list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ALL_GOOD
    except _refusals() as error:
        return _refused(words, error)
    except OSError as error:
        if error.filename is None:  # no file that the user named, so a traceback serves him better
            raise
        return _refused(words, error)
    return code


def _open_closed() -> None:
    """Let standard streams that were closed, as by ``>&-``, swallow what comes."""
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is None:
            os.set_inheritable(os.dup2(os.open(os.devnull, os.O_RDWR), number), True)  # workers need it, too
            setattr(sys, name, os.fdopen(number, "w", closefd=False))


def _refused(words: Sequence[str], error: Exception) -> int:
    print(f"benchsuite {words[0]}: error: {error}", file=sys.stderr)
    return USAGE


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser, with the arguments of the one command that ``words`` ask for."""
    parser = argparse.ArgumentParser("benchsuite", description="A benchmark of monocular 3D human pose estimation.")
    parser.add_argument("--version", action="version", version=f"benchsuite {metadata.version('benchsuite')}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    asked = next((word for word in words if not word.startswith("-")), None)
    if asked is not None and asked not in COMMANDS:
        near = get_close_matches(asked, COMMANDS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        parser.error(f"unknown command {asked!r}{hint}; there are {', '.join(COMMANDS)}")
    for name, (module, text) in COMMANDS.items():
        command = commands.add_parser(name, help=text)
        if name == asked:
            described = import_module(f"benchsuite.cli.{module}")
            command.description = described.HELP
            described.configure(command)
            command.set_defaults(main=described.main)
    return parser


def _refusals() -> tuple[type[Exception], ...]:
    """Those of ``REFUSALS`` that may come: a module that nobody imported has raised none of its own."""
    loaded = ((sys.modules[module], names) for module, names in REFUSALS.items() if module in sys.modules)
    return (UsageError, *(getattr(module, name) for module, names in loaded for name in names))
