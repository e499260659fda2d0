"""``benchsuite fetch``: download a file whose hash and licence are known; say where datasets are to be had."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from benchsuite_registry.contracts import Source
from benchsuite_registry.registries import Registries

from benchsuite.cli import ALL_GOOD, SOME_FAILED, UsageError
from benchsuite.cli.arguments import add_plugin, registries
from benchsuite.cli.convert import FORMATS

HELP = """Download a file, such as the source of a dataset: one that a plugin offers by name, or a URL whose hash and
licence you know. Size and licence are shown first, and nothing is fetched without a yes. A download that breaks off
goes on when the command is repeated; a file with another hash is deleted. Without a name: say what is offered, and
where the datasets that `benchsuite convert` reads are to be had."""

PAGES = {
    "cmu": "http://mocap.cs.cmu.edu",
    "h36m": "http://vision.imar.ro/human3.6m, on registration",
    "mpi-inf-3dhp": "https://vcai.mpi-inf.mpg.de/3dhp-dataset/, on agreement to its licence",
    "penn-action": "http://dreamdragon.github.io/PennAction/",
    "lsp": "http://sam.johnson.io/research/lsp.html",
    "lspet": "http://sam.johnson.io/research/lspet.html",
    "mpii": "http://human-pose.mpi-inf.mpg.de",
    "coco": "https://cocodataset.org",
    "ai-challenger": "the challenge's organisers",
}
"""Who gives out what each format reads. None is downloaded by itself: most want a form to be signed, and a hash of what
none of us has fetched would be made up."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    parser.add_argument("source", nargs="?", metavar="NAME or URL", help="what a plugin offers, or http or https")
    parser.add_argument("--sha256", type=_digest, metavar="H", help="what the file at URL must have")
    parser.add_argument("--licence", metavar="TEXT", help="terms that you take the file at URL under")
    parser.add_argument("-o", "--out", type=Path, metavar="FILE", help="where to put it; default: the URL's last part")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_plugin(parser)


def main(args: argparse.Namespace) -> int:
    """Download the file unless it is there; 1 if the user says no."""
    known = registries(args)
    if args.source is None:
        return _list(known)
    source = _asked(args, known)
    out: Path = args.out or Path(PurePosixPath(urlsplit(source.url).path).name)
    if out.name in ("", ".."):
        raise UsageError(f"{source.url}: wanted --out, since the address ends in no name")
    return _fetch(source, out, ask=not args.yes)


def _asked(args: argparse.Namespace, known: Registries) -> Source:
    """The source that the arguments name or spell out; errors as ``Registry``."""
    spelt_out = args.sha256 is not None or args.licence is not None
    if "://" not in args.source:
        if spelt_out:
            raise UsageError(f"source {args.source!r}: its plugin says --sha256 and --licence; they go with a URL")
        return _checked(args.source, known.sources[args.source].build())
    if args.sha256 is None or args.licence is None:
        raise UsageError(f"{args.source}: wanted --sha256 and --licence, since nobody else says them of a URL")
    return Source(args.source, args.sha256, args.licence)


def _checked(name: str, source: Source) -> Source:
    try:
        return replace(source, sha256=_digest(source.sha256))
    except argparse.ArgumentTypeError as error:
        raise UsageError(f"source {name}: sha256: {error}") from None


def _fetch(source: Source, out: Path, *, ask: bool) -> int:
    from benchsuite_registry.checkpoints import sha256
    from tqdm import tqdm

    from benchsuite.downloads import fetch, size_of

    digest = source.sha256
    if out.exists():
        if (found := sha256(out)) != digest:
            raise UsageError(f"{out} is there already: wanted sha256 {digest}, found {found}")
        print(f"{out} is there already")
        return ALL_GOOD
    size = size_of(source.url)
    print(f"file: {source.url}\nsize: {'unknown' if size is None else f'{size:,} bytes'}\nlicence: {source.licence}")
    print(f"sha256: {digest}\nto: {out}", flush=True)
    if ask and not _agreed():
        print("nothing was downloaded", file=sys.stderr)
        return SOME_FAILED
    with tqdm(total=size, unit="B", unit_scale=True, disable=None) as bar:
        fetch(source.url, out, digest, bar.update)
    print(f"{out}: sha256 is right")
    if source.read_by:
        print(f"next: {source.read_by} {out}")
    return ALL_GOOD


def _list(known: Registries) -> int:
    print("offered by plugins:" if len(known.sources) else "offered by plugins: none")
    for entry in known.sources:
        source = entry.build()
        print(f"  {entry.name}: {entry.summary}\n    licence: {source.licence}\n    benchsuite fetch {entry.name}")
    print("to be had from those who made them:")
    for name, page in PAGES.items():
        module, summary = FORMATS[name]
        print(f"  {name}: {summary}\n    from: {page}\n    licence: {import_module(module).LICENCE}")
        print(f"    then: benchsuite convert {name} SOURCE -o DIR")
    return ALL_GOOD


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to ask; wanted --yes")
    return input("download it? [y/N] ").strip().lower() in ("y", "yes")


def _digest(text: str) -> str:
    if len(text) != 64 or not set(text.lower()) <= set("0123456789abcdef"):
        raise argparse.ArgumentTypeError(f"wanted 64 hexadecimal digits, found {text!r}")
    return text.lower()
