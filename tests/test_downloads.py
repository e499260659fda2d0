"""Downloads from a server of our own: asked for, gone on with, and refused where the hash is another."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from benchsuite.cli import main
from benchsuite.cli.convert import FORMATS
from benchsuite.cli.fetch import PAGES
from benchsuite.downloads import WrongDownload, fetch, size_of

CONTENT = bytes(range(256)) * 40
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves ``CONTENT``.

    Attributes:
        asked: the range of each GET, or an empty text.
        ranges: whether it understands ranges.
        cut: after how many bytes it hangs up.
        content: what it has.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []
        self.ranges, self.cut, self.content = True, len(CONTENT), CONTENT

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/file"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self._head(200, len(self.server.content))

    def do_GET(self) -> None:
        span, content = self.headers.get("Range", ""), self.server.content
        self.server.asked.append(span)
        if self.path != "/file":
            self.send_error(404)
            return
        start = int(span.removeprefix("bytes=").removesuffix("-")) if span and self.server.ranges else 0
        if start >= len(content):
            self.send_error(416)
            return
        ranged = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"} if start else {}
        self._head(206 if start else 200, len(content) - start, ranged)
        self.wfile.write(content[start : self.server.cut])

    def _head(self, code: int, length: int, more: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for key, value in {"Content-Length": str(length), **(more or {})}.items():
            self.send_header(key, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


def test_a_file_comes_whole(server: Server, tmp_path: Path) -> None:
    came: list[int] = []
    fetch(server.url, tmp_path / "new folder" / "f", DIGEST, came.append)
    assert (tmp_path / "new folder" / "f").read_bytes() == CONTENT
    assert sum(came) == size_of(server.url) == len(CONTENT)
    assert [path.name for path in (tmp_path / "new folder").iterdir()] == ["f"]


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_what_was_cut_off_goes_on(ranges: bool, server: Server, tmp_path: Path) -> None:
    server.cut = 3000
    with pytest.raises(WrongDownload, match="repeat the command"):
        fetch(server.url, tmp_path / "f", DIGEST)
    assert (tmp_path / "f.partial").read_bytes() == CONTENT[:3000]
    assert not (tmp_path / "f").exists()
    server.cut, server.ranges = len(CONTENT), ranges
    came: list[int] = []
    fetch(server.url, tmp_path / "f", DIGEST, came.append)
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert server.asked == ["", "bytes=3000-"]
    assert sum(came) == len(CONTENT)


def test_what_had_come_whole_is_not_asked_for_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "f.partial").write_bytes(CONTENT)
    fetch(server.url, tmp_path / "f", DIGEST)
    assert (tmp_path / "f").read_bytes() == CONTENT


def test_another_file_is_deleted(server: Server, tmp_path: Path) -> None:
    server.content = CONTENT[::-1]
    found = hashlib.sha256(server.content).hexdigest()
    with pytest.raises(WrongDownload, match=f"wanted sha256 {DIGEST}, found {found}; it was deleted"):
        fetch(server.url, tmp_path / "f", DIGEST)
    assert list(tmp_path.iterdir()) == []


def test_what_went_on_from_another_file_is_deleted(server: Server, tmp_path: Path) -> None:
    (tmp_path / "f.partial").write_bytes(b"other")
    with pytest.raises(WrongDownload, match="it was deleted"):
        fetch(server.url, tmp_path / "f", DIGEST)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/f", "/etc/passwd"])
def test_only_the_web_is_asked(url: str, tmp_path: Path) -> None:
    with pytest.raises(WrongDownload, match="wanted an address that begins with http"):
        fetch(url, tmp_path / "f", DIGEST)


def test_who_does_not_answer_is_named(server: Server, tmp_path: Path) -> None:
    with pytest.raises(WrongDownload, match="missing: HTTP Error 404"):
        fetch(server.url.replace("file", "missing"), tmp_path / "f", DIGEST)
    server.shutdown()
    server.server_close()
    with pytest.raises(WrongDownload, match=f"{server.url}: .*refused"):
        fetch(server.url, tmp_path / "f", DIGEST)


def command(server: Server, out: Path, *more: str, digest: str = DIGEST) -> int:
    return main(["fetch", server.url, "--sha256", digest, "--licence", "CC0, by nobody", "-o", str(out), *more])


def test_the_command_shows_size_and_licence_and_takes_no_silence_for_a_yes(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert command(server, tmp_path / "f") == 2
    said = capsys.readouterr()
    assert "size: 10,240 bytes\nlicence: CC0, by nobody" in said.out
    assert "wanted --yes" in said.err
    assert server.asked == []
    assert command(server, tmp_path / "f", "--yes") == 0
    assert (tmp_path / "f").read_bytes() == CONTENT
    assert command(server, tmp_path / "f") == 0
    assert capsys.readouterr().out.endswith("f is there already\n")
    assert command(server, tmp_path / "f", digest="0" * 64) == 2
    assert (tmp_path / "f").read_bytes() == CONTENT


@pytest.mark.parametrize(("says", "code"), [("y", 0), ("", 1), ("n", 1)])
def test_the_command_asks(
    says: str, code: int, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal(f"{says}\n"))
    assert command(server, tmp_path / "f") == code
    assert (tmp_path / "f").exists() == (code == 0)


OFFERS = """\
from benchsuite_registry.contracts import Entry, Source
from benchsuite_registry.hookspecs import hookimpl


@hookimpl
def benchsuite_sources():
    made = lambda: Source("URL", "DIGEST", "CC0, by nobody", "benchsuite convert lsp")
    return [Entry("tiny-lsp", made, "ten people who jump")]
"""


@pytest.fixture
def offers(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plugin that offers what the server has."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "offers.py").write_text(OFFERS.replace("URL", server.url).replace("DIGEST", DIGEST.upper()))
    return tmp_path / "offers.py"


def test_a_plugin_offers_sources(offers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("fetch", "--plugin", "offers.py")
    assert main([*words]) == 0
    assert "  tiny-lsp: ten people who jump\n    licence: CC0, by nobody\n    benchsuite fetch tiny-lsp" in (
        capsys.readouterr().out
    )
    assert main([*words, "tiny-lsp", "--yes"]) == 0
    assert Path("file").read_bytes() == CONTENT
    assert capsys.readouterr().out.endswith("file: sha256 is right\nnext: benchsuite convert lsp file\n")
    for asked, message in {
        ("tiny",): "unknown source 'tiny'; did you mean tiny-lsp?",
        ("tiny-lsp", "--sha256", DIGEST): "source 'tiny-lsp': its plugin says --sha256 and --licence",
        ("http://127.0.0.1/f",): "wanted --sha256 and --licence, since nobody else says them of a URL",
        ("http://127.0.0.1/", "--sha256", DIGEST, "--licence", "none"): "wanted --out, since the address ends in no",
    }.items():
        assert main([*words, *asked]) == 2
        assert message in capsys.readouterr().err


def test_a_source_without_a_hash_is_refused(offers: Path, capsys: pytest.CaptureFixture[str]) -> None:
    offers.write_text(offers.read_text().replace(DIGEST.upper(), "unknown"))
    assert main(["fetch", "--plugin", "offers.py", "tiny-lsp", "--yes"]) == 2
    assert "source tiny-lsp: sha256: wanted 64 hexadecimal digits, found 'unknown'" in capsys.readouterr().err
    assert not Path("file").exists()


def test_without_a_name_it_says_where_datasets_are_to_be_had(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("offered by plugins: none\nto be had from those who made them:\n  cmu: CMU motion capture")
    assert (
        "licence: Human3.6M's licence: academic use, no redistribution\n    then: benchsuite convert h36m SOURCE"
        in said
    )
    assert PAGES.keys() == FORMATS.keys() - {"part", "keypoints"}, "of these two everybody has their own"
    document = (Path(__file__).parents[1] / "docs" / "datasets.md").read_text()
    assert [page for page in PAGES.values() if "://" in page and page.split(",")[0] not in document] == []


def test_the_command_refuses_what_is_no_hash(server: Server, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        command(server, tmp_path / "f", digest="0" * 63)
