"""The site's pages of source: links from the documentation to files beside it lead to pages that show those files.

So a link such as `../registry/benchsuite_registry/poses.py` works where the repository is browsed and on the site.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

LINK = re.compile(r"(?<=\]\()(\.\./[^)#\s]+)(#[^)\s]*)?(?=\))")
LANGUAGES = {".py": "python", ".json": "json", ".md": "markdown", ".sh": "bash", ".toml": "toml"}
FENCE = "`" * 6
TEXTS = (*LANGUAGES, ".cfg", ".ini", ".txt", "")
HEAD = "---\nsearch:\n  exclude: true\nhide:\n  - toc\n---\n"


def on_files(files: Files, config: Any) -> Files:
    """Add a page for each file, or folder of files, that a page links to."""
    root = Path(config.config_file_path).parent
    for page in list(files.documentation_pages()):
        for target, _ in LINK.findall(page.content_string):
            if (place := _outside(page, target)) and files.get_file_from_path(_page(place)) is None:
                files.append(File.generated(config, _page(place), content=_shown(root, place)))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Files) -> str:
    """Let links out of the documentation lead to those pages."""

    def here(found: re.Match[str]) -> str:
        place = _outside(page.file, found[1])
        return posixpath.relpath(_page(place), posixpath.dirname(page.file.src_uri) or ".") if place else found[0]

    return LINK.sub(here, markdown)


def _outside(page: File, target: str) -> str:
    """Where in the repository a page's link leads; empty if it stays in the documentation."""
    place = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page.src_uri), target))
    return "" if place.startswith(("docs/", "..")) else place


def _page(place: str) -> str:
    return f"source/{place}.md"


def _shown(root: Path, place: str) -> str:
    path = root / place
    files = sorted(p for p in path.rglob("*") if p.is_file() and p.suffix in TEXTS) if path.is_dir() else [path]
    blocks = [f"## {file.relative_to(root)}\n\n{_block(file)}" for file in files]
    return f"{HEAD}# {place}\n\n" + (_block(path) if path.is_file() else "\n\n".join(blocks))


def _block(path: Path) -> str:
    return f"{FENCE}{LANGUAGES.get(path.suffix, 'text')}\n{path.read_text(encoding='utf-8')}\n{FENCE}\n"
