"""How long a leaderboard of 1,000 made-up records of 15 actions takes to build, how large it is, how fast it sorts.

Run: python benchmarks/bench_leaderboard.py, or pytest benchmarks/bench_leaderboard.py -s
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from measure import Row, benchmarked, in_turn, printed

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from crowd import crowd

from benchsuite.leaderboard import FORMATS, write_leaderboard

BUILD_S, PAGE_MB, SORT_MS, ASKED = 2.0, 6.0, 100.0, "what is asked"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]

SORTING = """() => {
  const taken = [];
  const table = document.querySelector("[data-view=overall] table");
  for (const button of table.tHead.querySelectorAll("button")) {
    const start = performance.now();
    button.click();
    table.getBoundingClientRect();  // with the layout
    taken.push(performance.now() - start);
  }
  return taken;
}"""


def rows() -> Iterator[Row]:
    """Each form: seconds, and the page's size and its slowest sorting."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        count = crowd(root)
        for form in FORMATS:
            (seconds,) = in_turn(partial(write_leaderboard, root, form), rounds=3)
            asked = BUILD_S if form == "html" else None
            yield Row.of(
                f"leaderboard of {count:,} records as {form}", seconds, "s", BUILD_S, ASKED, most=asked and 1.0
            )
        page = write_leaderboard(root, "html")
        yield Row.of("its page", page.stat().st_size / 1e6, "MB", PAGE_MB, ASKED, most=1.0)
        yield from sorting(page)


def sorting(page: Path) -> Iterator[Row]:
    """How long columns of the page's larger table take to sort, layout included; nothing without Chromium."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        tab.goto(page.as_uri())
        count = tab.locator("#s0 [data-view=overall] tbody tr").count()
        tab.wait_for_timeout(1000)
        taken = [milliseconds for _ in range(3) for milliseconds in tab.evaluate(SORTING)]
        browser.close()
    for name, figure in (("median", median(taken)), ("slowest", max(taken))):
        yield Row.of(f"sorting {count} rows on the page, {name} column", figure, "ms", SORT_MS, ASKED, most=1.0)


def test_leaderboard(benchmark: Any) -> None:
    benchmarked(benchmark, rows)


if __name__ == "__main__":
    printed(rows())
