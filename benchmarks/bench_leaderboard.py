"""How long a leaderboard of 1,000 made-up records of 15 actions takes to build, how large it is, how fast it sorts.

Run: python benchmarks/bench_leaderboard.py
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from crowd import crowd

from benchsuite.leaderboard import FORMATS, write_leaderboard

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


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        print(f"{crowd(root)} records of 15 actions")
        for form in FORMATS:
            seconds = []
            for _ in range(3):
                start = perf_counter()
                path = write_leaderboard(root, form)
                seconds.append(perf_counter() - start)
            print(f"{form:6} {min(seconds):5.2f} s  {path.stat().st_size / 1e6:5.2f} MB")
        sort(path)


def sort(page: Path) -> None:
    """Print how long each column of the larger table takes to sort, layout included."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        print("sorting was not timed: there is no Chromium here")
        return
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        tab.goto(page.as_uri())
        rows = tab.locator("#s0 [data-view=overall] tbody tr").count()
        tab.wait_for_timeout(1000)
        taken = [milliseconds for _ in range(3) for milliseconds in tab.evaluate(SORTING)]
        print(f"sorting {rows} rows: median {sorted(taken)[len(taken) // 2]:.0f} ms, slowest {max(taken):.0f} ms")
        browser.close()


if __name__ == "__main__":
    main()
