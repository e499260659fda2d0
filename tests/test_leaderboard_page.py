"""The leaderboard's HTML in a real headless Chromium: sorting, filtering, turning poses, dark mode, narrow screens."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from benchsuite_registry.contracts import Metric
from benchsuite_registry.skeletons import H36M_17
from test_leaderboard import mpjpe, record
from test_leaderboard_formats import cost

from benchsuite.leaderboard import write_leaderboard
from benchsuite.leaderboard.sheets import H36M_SHORT
from benchsuite.records.cost import write_cost
from benchsuite.records.results import Part, Record, write_record
from benchsuite.records.worst import Worst, WorstSample, write_worst

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ARTEFACTS = Path(__file__).parent / "artefacts"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here")

MISSING = "\N{EN DASH}"
HOSTILE = "</script><script>document.title='owned'</script><b>&quot;"


def standing_pose(lean_mm: int) -> str:
    """A pose whose every joint is ``lean_mm`` farther to the right for each joint that stands before it."""
    return " ".join(f"{lean_mm * k} {60 * k - 500} {20 * k}" for k in range(len(H36M_17)))


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("a folder with blanks ü")
    smooth = Part("refiner", "smooth")
    records = [
        record("alpha", mpjpe(50.0, 48.0, 52.5, Walking=60.0, Eating=40.0)),
        record("beta", mpjpe(40.0, 39.0, 41.5, Walking=30.0, Eating=50.0)),
        replace(
            record("beta", mpjpe(30.5, 29.0, 31.5, Walking=41.0, Eating=20.0), refiner=smooth),
            provenance={"seed": 0, "command": "benchsuite run --lifter beta:weights=a.safetensors --refiner smooth"},
        ),
        record("delta", mpjpe(110.0, 105.0, 115.0, Walking=99.0, Eating=121.0)),
        record("ends", error="OutOfMemory"),
        record(HOSTILE, mpjpe(200.0), protocol={"joints": 14}),
    ]
    for each in records:
        write_record(root, each)
    lame = standing_pose(3).rsplit(" ", 3)[0] + " nan nan nan"
    samples = (
        WorstSample(7, "S9 Walking 1", 250, "Walking", 120.25, standing_pose(9), standing_pose(0)),
        WorstSample(9, HOSTILE, 3, "Eating", 90.0, lame, standing_pose(-2)),
    )
    write_worst(root, records[1], Worst("MPJPE", "mm", "lower", H36M_17.joints, H36M_17.parents, samples))
    return write_leaderboard(root, "html")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield made
        made.close()


class Visit:
    """A page opened from its file, with all that it says and asks for."""

    def __init__(self, browser: Any, file: Path, **context: Any) -> None:
        self.context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context})
        self.context.set_default_timeout(5000)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(file.as_uri())

    def column(self, place: int, view: str = "overall") -> list[str]:
        """What the larger contest's rows that can be seen show in one column."""
        cells = self.page.locator(f"#s1 [data-view={view}] tbody tr:visible > :nth-child({place})")
        return [text.strip() for text in cells.all_inner_texts()]

    def head(self, name: str, view: str = "overall") -> Any:
        return self.page.locator(f"#s1 [data-view={view}] thead th").filter(has_text=name).first

    def picture(self) -> bytes:
        """The pixels of the poses, once they are drawn."""
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return bytes(self.page.locator("canvas").evaluate("(c) => c.toDataURL()"), "ascii")

    def keep(self, name: str) -> None:
        ARTEFACTS.mkdir(exist_ok=True)
        self.page.screenshot(path=ARTEFACTS / f"{name}.png")


@pytest.fixture
def visit(browser: Any, page_file: Path) -> Iterator[Visit]:
    made = Visit(browser, page_file)
    yield made
    made.context.close()
    assert made.said == []
    assert made.asked == [page_file.as_uri()], "nothing but the file itself may be asked for"


RANKED = ["beta", "beta", "alpha", "delta", "ends"]


def test_a_click_on_a_head_sorts_and_a_second_turns_round(visit: Visit) -> None:
    visit.keep("overall")
    assert visit.column(2) == RANKED
    assert visit.head("#").get_attribute("aria-sort") == "ascending"
    head = visit.head("method")
    head.locator("button").click()
    assert visit.column(2) == ["alpha", "beta", "beta", "delta", "ends"]
    assert visit.column(4) == ["50.00", "30.50", "40.00", "110.00", MISSING], "equals stand as they are ranked"
    assert (head.get_attribute("aria-sort"), visit.head("#").get_attribute("aria-sort")) == ("ascending", None)
    head.locator("button").click()
    assert visit.column(2) == ["ends", "delta", "beta", "beta", "alpha"]
    assert head.get_attribute("aria-sort") == "descending"


def test_numbers_sort_as_numbers_and_what_is_missing_comes_last_both_ways(visit: Visit) -> None:
    head = visit.head("MPJPE").locator("button")
    head.click()
    assert visit.column(4) == ["30.50", "40.00", "50.00", "110.00", MISSING]
    head.click()
    assert visit.column(4) == ["110.00", "50.00", "40.00", "30.50", MISSING]


def test_heads_sort_by_keyboard(visit: Visit) -> None:
    visit.head("method").locator("button").focus()
    visit.page.keyboard.press("Tab")
    visit.page.keyboard.press("Enter")
    assert visit.head("refiner").get_attribute("aria-sort") == "ascending"
    visit.page.keyboard.press("Space")
    assert visit.head("refiner").get_attribute("aria-sort") == "descending"


def test_the_view_by_action_has_its_own_order(visit: Visit) -> None:
    assert visit.page.locator("#s1 [data-view=action]").is_hidden()
    visit.page.get_by_text("by action", exact=True).click()
    assert visit.page.locator("#s1 [data-view=overall]").is_hidden()
    assert visit.column(2, "action") == RANKED[:4], "what failed has no numbers by action"
    visit.head("Walk", "action").locator("button").click()
    assert visit.column(5, "action") == ["30.0", "41.0", "60.0", "99.0"]
    visit.keep("by-action")


def grouped(name: str, level: float) -> Record:
    """Two figures by scene and one of them by joint, as an evaluator of its own kind gives them."""
    metrics = [Metric("PCK", level, "%", "higher", n=9), Metric("AUC", level / 2, "%", "higher", n=9)]
    metrics += [Metric("error", 100 - level, "mm", "lower", n=9)]
    metrics += [
        Metric("PCK", level + k, "%", "higher", group=f"scene={s}", n=3) for k, s in enumerate(("studio", "park"))
    ]
    metrics += [Metric("AUC", level / 2, "%", "higher", group="scene=studio", n=3)]
    metrics += [Metric("error", 100 - level, "mm", "lower", group=f"joint={joint}", n=3) for joint in ("hip", "knee")]
    return replace(record(name, metrics), evaluator=Part("evaluator", "scenes"))


def test_every_evaluator_shows_its_own_groups_and_figures(browser: Any, tmp_path: Path) -> None:
    for each in (record("alpha", mpjpe(50.0, Walking=60.0)), grouped("near", 80.0), grouped("far", 60.0)):
        write_record(tmp_path, each)
    visit = Visit(browser, write_leaderboard(tmp_path, "html"))
    choices = visit.page.locator("fieldset label").all_inner_texts()
    assert choices == ["overall", "by action", "by scene", "by joint"]
    visit.page.get_by_text("by scene", exact=True).click()
    assert visit.page.locator("#s0 [data-view=overall]").is_visible(), "it has no scenes"
    figure = visit.page.locator("#s1 [data-view=scene]").get_by_label("Figure")
    assert figure.locator("option").all_inner_texts() == ["PCK", "AUC"]
    assert visit.column(2, "scene") == ["near", "far"]
    assert [visit.column(k, "scene") for k in (4, 5, 6)] == [["80.0", "60.0"], ["80.0", "60.0"], ["81.0", "61.0"]]
    figure.select_option("AUC")
    assert [visit.column(k, "scene") for k in (4, 5, 6)] == [["40.0", "30.0"], ["40.0", "30.0"], [MISSING] * 2]
    assert visit.page.locator("#s1 [data-view=scene] caption").inner_text().startswith("AUC in % by scene;")
    bold = visit.page.locator("#s1 [data-view=scene] td b")
    assert bold.all_inner_texts() == ["40.0", "40.0"]
    cells = visit.page.locator("#s1 [data-view=scene] tbody td:nth-child(5)")
    assert [cells.nth(k).get_attribute("class") for k in (0, 1)] == ["number t9", "number t5"]  # a quarter away: 4.5
    for _ in range(2):
        visit.head("all", "scene").locator("button").click()
    assert visit.column(4, "scene") == ["30.0", "40.0"], "sorted anew, by what stands there now"
    visit.keep("by-scene")
    figure.select_option("PCK")
    assert visit.column(6, "scene") == ["81.0", "61.0"]
    visit.page.get_by_text("by joint", exact=True).click()
    assert [visit.column(k, "joint") for k in (4, 5, 6)] == [["20.0", "40.0"]] * 3
    assert visit.page.locator("#s1 [data-view=joint]").get_by_label("Figure").count() == 0, "there is no other"
    visit.page.locator("#s1 [data-view=joint] .open").first.click()
    assert visit.page.locator(".groups h3").all_inner_texts() == ["PCK by scene", "error by joint"]
    assert visit.said == []
    visit.context.close()


def test_all_words_of_the_filter_must_be_found(visit: Visit) -> None:
    count = visit.page.locator("#count")
    assert count.inner_text() == "6 rows"
    visit.page.locator("#filter").fill("BET smooth")
    assert visit.column(2) == ["beta"]
    assert visit.column(4) == ["30.50"]
    assert count.inner_text() == "1 of 6 rows"
    visit.page.keyboard.press("Enter")
    assert visit.column(2) == ["beta"], "pressing Enter must not send the form"
    visit.page.locator("#filter").fill("")
    assert visit.column(2) == RANKED


def opened(visit: Visit, refiner: str = MISSING) -> None:
    row = visit.page.locator("#s1 [data-view=overall] tbody tr").filter(has_text="beta").filter(has_text=refiner)
    row.locator(".open").click()


def test_poses_turn_by_mouse_keyboard_and_buttons(visit: Visit) -> None:
    opened(visit)
    canvas = visit.page.locator("canvas")
    start = visit.picture()
    assert len(set(canvas.screenshot())) > 50, "nothing is drawn"
    visit.keep("worst")
    box = canvas.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    visit.page.mouse.move(x, y)
    visit.page.mouse.down()
    visit.page.mouse.move(x + 80, y + 10, steps=4)
    visit.page.mouse.up()
    dragged = visit.picture()
    assert dragged != start
    visit.page.mouse.move(x - 80, y)
    assert visit.picture() == dragged, "without a button held nothing turns"
    canvas.focus()
    visit.page.keyboard.press("ArrowLeft")
    keyed = visit.picture()
    assert keyed != dragged
    visit.page.keyboard.press("Home")
    assert visit.picture() == start
    visit.page.get_by_role("button", name="side").click()
    assert visit.picture() not in (start, dragged, keyed)


def test_the_dialog_says_how_to_measure_again_and_shows_each_sample(visit: Visit) -> None:
    opened(visit)
    assert "beta" in visit.page.locator("#row-title").inner_text()
    assert "95 % interval 39.00 to 41.50" in visit.page.locator(".numbers").inner_text()
    assert visit.page.locator(".groups dt").all_inner_texts() == ["Walk", "Eating"]
    first = visit.picture()
    samples = visit.page.locator(".samples button")
    assert [s.split() for s in samples.all_inner_texts()] == [["Walking", "120.2"], ["Eating", "90.0"]]
    samples.nth(1).click()
    assert visit.picture() != first
    assert samples.nth(1).get_attribute("aria-pressed") == "true"
    assert visit.page.locator(".unseen, .unshipped").filter(visible=True).count() == 0
    assert "Frame 3 of </script>" in visit.page.locator("canvas").get_attribute("aria-label")
    visit.page.keyboard.press("Escape")
    assert visit.page.locator("dialog").is_hidden()
    opened(visit, "smooth")
    assert visit.page.locator("canvas").is_hidden(), "nothing is known of this one's worst samples"
    assert "true poses of the dataset" in visit.page.locator(".unseen").inner_text()
    assert "results/reproduce.sh makes those" in visit.page.locator(".unshipped").inner_text()


def test_hostile_names_stay_words(visit: Visit) -> None:
    assert visit.page.title() == "Leaderboard: monocular 3D human pose"
    assert visit.page.locator("#s0 .open").first.inner_text() == HOSTILE


def test_intervals_are_drawn_where_they_lie(visit: Visit) -> None:
    # of the three, the scale runs from 29 to 1.5 times 29; beta's interval alone lies at 10 to 12.5 of these 14.5
    bar = visit.page.locator("#s1 [data-view=overall] tbody tr:nth-child(2) td.bar span")
    style = bar.evaluate("(e) => [...'lwm'].map((key) => e.style.getPropertyValue(`--${key}`))")
    assert [float(number) for number in style] == pytest.approx(
        [100 * 10 / 14.5, 100 * 2.5 / 14.5, 100 * 11 / 14.5], abs=0.01
    )
    assert bar.get_attribute("title") == "95 % interval 39.00 to 41.50"
    beyond = visit.page.locator("#s1 [data-view=overall] td.bar .beyond")
    assert beyond.count() == 2, "alpha and delta are more than 1.5 times worse"


def test_dark_mode_is_dark(browser: Any, page_file: Path) -> None:
    found = {}
    for scheme in ("light", "dark"):
        visit = Visit(browser, page_file, color_scheme=scheme)
        paper, ink = visit.page.evaluate("""() => {
            const style = getComputedStyle(document.documentElement);
            return [style.backgroundColor, style.color].map((rgb) =>
                rgb.match(/\\d+/g).slice(0, 3).reduce((sum, v) => sum + Number(v), 0) / 765);
        }""")
        found[scheme] = paper, ink
        opened(visit)
        visit.picture()
        visit.keep(f"worst-{scheme}")
        visit.context.close()
    assert found["light"][0] > 0.9 > 0.3 > found["light"][1]
    assert found["dark"][0] < 0.15 < 0.8 < found["dark"][1]


@pytest.mark.parametrize("width", [320, 390, 768])
def test_a_narrow_screen_does_not_scroll_sideways(width: int, browser: Any, page_file: Path) -> None:
    visit = Visit(browser, page_file, viewport={"width": width, "height": 800}, has_touch=True, is_mobile=True)
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    visit.page.get_by_text("by action", exact=True).tap()
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    visit.page.get_by_text("overall", exact=True).tap()
    opened(visit)
    assert visit.page.evaluate("document.querySelector('dialog').scrollWidth") <= width
    visit.keep(f"narrow-{width}")
    assert visit.said == []
    visit.context.close()


def test_a_finger_turns_poses_and_does_not_scroll(browser: Any, page_file: Path) -> None:
    visit = Visit(browser, page_file, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    opened(visit)
    start = visit.picture()
    box = visit.page.locator("canvas").bounding_box()
    touch = visit.context.new_cdp_session(visit.page)
    points = [{"x": box["x"] + 150 + step, "y": box["y"] + 150} for step in (0, 20, 60)]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points[:1]})
    for point in points[1:]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert visit.picture() != start
    assert visit.page.locator("canvas").bounding_box() == box
    visit.context.close()


def test_without_scripts_all_numbers_can_be_read(browser: Any, page_file: Path) -> None:
    visit = Visit(browser, page_file, java_script_enabled=False)
    assert visit.page.locator("#s1 [data-view=overall] tbody tr").count() == 5
    assert visit.page.locator("#s1 [data-view=overall] b").first.inner_text() == "30.50"
    visit.context.close()


def test_a_long_table_shows_its_first_hundred_rows_until_asked(
    browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda file: None)  # these need not survive a power cut
    for k in range(120):
        write_record(tmp_path, record(f"m{k:03}", mpjpe(100.0 + k)))
    write_record(tmp_path, record("other", mpjpe(200.0), protocol={"joints": 14}))
    visit = Visit(browser, write_leaderboard(tmp_path, "html"))
    assert visit.column(2) == [f"m{k:03}" for k in range(100)]
    visit.head("method").locator("button").click()
    visit.head("method").locator("button").click()
    assert visit.column(2) == [f"m{k:03}" for k in range(119, 19, -1)]
    visit.page.locator("#filter").fill("m00")
    assert visit.column(2) == [f"m{k:03}" for k in range(9, -1, -1)], "the filter finds what is not shown too"
    visit.page.locator("#filter").fill("")
    visit.page.get_by_role("button", name="Show all 120 rows").click()
    assert visit.column(2) == [f"m{k:03}" for k in range(119, -1, -1)]
    assert visit.page.locator(".more:visible").count() == 0
    assert visit.said == []
    visit.context.close()


def test_print_shows_every_view(browser: Any, page_file: Path) -> None:
    visit = Visit(browser, page_file)
    visit.page.emulate_media(media="print")
    assert visit.page.locator("#s1 [data-view=action]").is_visible()
    assert visit.page.locator(".tools").is_hidden()
    visit.context.close()


def named_pills(visit: Visit) -> dict[str, bool]:
    """The names of the tables to jump to, and whether each has rows."""
    pills = visit.page.locator("nav a")
    return {pill.inner_text(): "none" not in (pill.get_attribute("class") or "") for pill in pills.all()}


@pytest.fixture(scope="module")
def wide_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As wide as tables get: 15 actions, six figures with seeds, intervals, long names; two protocols; costs."""
    root = tmp_path_factory.mktemp("wide")
    smooth = Part("refiner", "geosearch")
    names = ("martinez", "stereo", "wild-hourglass")
    for k, (name, refiner) in enumerate((n, r) for n in names for r in (None, smooth)):
        for seed, joints in ((0, 17), (1, 17), (0, 14)):
            level = 44.0 + 1.5 * k + 0.5 * seed
            metrics = [m for figure in ("MPJPE", "P-MPJPE", "N-MPJPE") for m in wide(figure, level)]
            source: dict[str, Any] = {
                "weights": f"{name}-{seed}",
                "trained": {"recipe": "width 256, shift 5000 mm", "seed": seed},
            }
            each = record(name, metrics, refiner=refiner, protocol={"joints": joints}, seed=seed, **source)
            write_record(root, each)
        write_cost(root, replace(cost(name, refiner, 9.0 - k / 2), source=each.source))
    write_record(root, record("alone", wide("MPJPE", 150.0), protocol={"joints": 14}))
    write_record(root, record("floor", wide("MPJPE", 80.0), protocol={"joints": 17}))
    write_cost(root, cost("floor", None, 90.0))  # so far away that the others lie close together in the plot
    return write_leaderboard(root, "html")


def wide(figure: str, level: float) -> list[Metric]:
    metrics = [Metric(figure, level, "mm", "lower", low=level - 1, high=level + 1, n=9)]
    metrics += [Metric(f"{figure} avg_frames", level, "mm", "lower", low=level - 1, high=level + 1, n=9)]
    return metrics + [
        Metric(figure, level + 60, "mm", "lower", group=f"action={a}", n=9)
        for a in (*H36M_SHORT, "Eating", "Photo", "Sitting")
    ]


SPREAD = "(parts) => parts.map((part) => part.scrollWidth - part.clientWidth)"


@pytest.mark.parametrize("width", [1280, 1440])
def test_wide_tables_fit_a_desktop(width: int, browser: Any, wide_file: Path) -> None:
    visit = Visit(browser, wide_file, viewport={"width": width, "height": 900})
    for view in ("overall", "action"):
        visit.page.locator(f"fieldset input[value={view}]").evaluate("(choice) => choice.click()")
        assert visit.page.locator(f"[data-view={view}]").evaluate_all(SPREAD) == [0, 0]
    visit.keep(f"wide-{width}")
    assert visit.said == []
    visit.context.close()


def test_what_is_cut_fades_and_the_method_stays(browser: Any, wide_file: Path) -> None:
    visit = Visit(browser, wide_file, viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    part = visit.page.locator("#s1 [data-view=overall]")
    fades = "(part) => getComputedStyle(part).maskImage !== 'none'"
    assert part.evaluate(fades)
    left = part.bounding_box()["x"]
    part.evaluate("(part) => { part.scrollLeft = 200; }")
    visit.page.wait_for_selector("#s1 [data-view=overall].cut-left.cut-right")
    for cell in ("tbody tr:first-child th", "thead th:nth-child(2)"):
        assert part.locator(cell).bounding_box()["x"] == pytest.approx(left, abs=1)
    part.evaluate("(part) => { part.scrollLeft = part.scrollWidth; }")
    visit.page.wait_for_selector("#s1 [data-view=overall].cut-left:not(.cut-right)")
    assert not part.evaluate(fades)
    visit.context.close()


def test_tables_of_one_name_say_in_what_they_differ(browser: Any, wide_file: Path, visit: Visit) -> None:
    other = Visit(browser, wide_file)
    assert list(named_pills(other)) == ["cmu joints 14 7", "cmu joints 17 7"]
    assert other.page.locator("#s1 h2").inner_text().split() == ["cmu", "test", "joints", "17"]
    other.context.close()
    assert list(named_pills(visit)) == ["cmu joints 14, root counted not said 1", "cmu joints 17, root counted yes 5"]


def test_the_filter_leaves_nothing_empty(browser: Any, wide_file: Path) -> None:
    visit = Visit(browser, wide_file)
    page, nothing = visit.page, visit.page.locator("#nothing")
    seen = {"#s0": True, "#s1": True}

    def visible() -> dict[str, bool]:
        return {part: page.locator(part).is_visible() for part in seen}

    assert visible() == seen
    assert nothing.is_hidden()
    page.locator("#filter").fill("stereo geosearch")
    assert visible() == seen
    dim = page.locator("#s1 svg g.none title").all_text_contents()
    assert len(dim) == 6
    assert not any(said.startswith("stereo") and "geosearch" in said for said in dim)
    page.locator("#filter").fill("alone")
    assert visible() == {"#s0": True, "#s1": False}
    assert page.locator("#s0 figure").is_hidden(), "its cost is not known"
    assert named_pills(visit) == {"cmu joints 14 7": True, "cmu joints 17 7": False}
    page.locator("#filter").fill("alone geosearch")
    assert visible() == {"#s0": False, "#s1": False}
    assert nothing.is_visible()
    page.locator("#filter").fill("")
    assert visible() == seen
    assert nothing.is_hidden()
    assert page.locator("svg .none").count() == 0
    assert visit.said == []
    visit.context.close()


def test_names_in_the_plot_do_not_touch(browser: Any, wide_file: Path) -> None:
    visit = Visit(browser, wide_file)
    plot = visit.page.locator("#s1 svg")
    plot.screenshot(path=ARTEFACTS / "plot.png")
    names, points = plot.locator("g.front text"), plot.locator("g circle")
    assert names.count() == 6, "the slower, the more accurate"
    edges = names.evaluate_all(
        "(all) => all.map((e) => e.getBBox()).map((b) => [b.x, b.y, b.x + b.width, b.y + b.height])"
    )
    middles = points.evaluate_all("(all) => all.map((e) => [e.cx.baseVal.value, e.cy.baseVal.value])")
    assert plot.locator("line.leader:visible").count() > 0, "the points lie too close for all names beside them"
    for k, (left, top, right, bottom) in enumerate(edges):
        assert not any(left < x < right and top < y < bottom for x, y in middles)
        assert not any(left < b[2] and b[0] < right and top < b[3] and b[1] < bottom for b in edges[k + 1 :])
    visit.context.close()


@pytest.mark.parametrize("width", [320, 360])
def test_the_narrowest_phone_shows_headings_and_the_headline(width: int, browser: Any, wide_file: Path) -> None:
    phone = {"viewport": {"width": width, "height": 640}, "has_touch": True, "is_mobile": True}
    visit = Visit(browser, wide_file, reduced_motion="reduce", **phone)
    visit.page.locator("nav a").nth(1).tap()
    visit.page.wait_for_function("scrollY > 200")
    tools, heading = (visit.page.locator(part).bounding_box() for part in (".tools", "#s1 h2"))
    assert tools["y"] + tools["height"] <= heading["y"] < 320
    number = visit.page.locator("#s1 [data-view=overall] tbody tr:first-child td.number").first
    box = number.bounding_box()
    assert width / 3 < box["x"]
    assert box["x"] + box["width"] <= width
    name = visit.page.locator("#s1 [data-view=overall] tbody tr:nth-child(2) th")
    assert name.evaluate("(cell) => getComputedStyle(cell, '::after').content") == '"+ geosearch"'
    visit.keep(f"phone-{width}")
    visit.context.close()
