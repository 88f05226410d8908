"""The page in a real browser, without a network: it opens, plays, obeys mouse and keyboard, and says what it shows.

Skipped only where playwright or a Chromium cannot be had.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lesionlab.analysis.records.record import load
from lesionlab.sim.page.document import alone, document
from lesionlab.sim.page.packing import Shape, as_text, deflated
from lesionlab.sim.page.play import as_json, make_play
from tests.made_record import make_record

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARMS = ("untreated", "radiotherapy", "combined")
LESSON = {"title": "A lesson", "steps": [
    {"title": "First", "text": "Look at **this**.\n\nAnd that.",
     "shows": {"label": "two arms", "arms": ["untreated", "combined"], "layer": "oxygen", "day": 60},
     "question": {"asks": "Which?", "answer": "It is the second.", "shows": None,
                  "choices": [{"says": "one", "is_right": False, "reply": "No."}, {"says": "two", "is_right": True, "reply": ""}]}},
    {"title": "Second", "text": "The end.", "shows": None}]}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as engine:
        try:
            # Without a user's namespaces, as in most containers, Chromium's own sandbox cannot start.
            opened = engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if os.geteuid() == 0 else [])
        except playwright.Error as error:
            pytest.skip(f"no Chromium: {error}")
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("page")
    for arm in ARMS:
        make_record(made / f"{arm}.h5", arm)
    play = make_play([load(made / f"{arm}.h5") for arm in ARMS], most_days=40)
    (made / "arms.html").write_text(alone(play), encoding="utf-8")
    presets = [{"label": "two", "arms": ["untreated", "combined"], "layer": "tissue", "day": 0}]
    (made / "lesson.html").write_text(alone(play, "A lesson", {"lesson": LESSON, "presets": presets}), encoding="utf-8")
    return made


class Tab:
    """A tab without a network, that collects what goes wrong and what is asked for."""

    def __init__(self, browser: Any, path: Path, width: int = 1280, height: int = 900, **options: Any) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": height}, offline=True, **options)
        self.page = self.context.new_page()
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda message: self.wrong.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(path.as_uri())
        self.wait("lesionlab.drawn > 0")

    def wait(self, condition: str) -> None:
        """Wait until a condition holds; the page's own policy forbids to poll inside it."""
        for _ in range(200):
            if self.page.evaluate(f"Boolean(window.lesionlab && ({condition}))"):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"{condition} did not come to hold; {self.wrong}")

    def value(self, expression: str) -> Any:
        return self.page.evaluate(expression)

    def pixels(self, arm: int = 0) -> int:
        """Return a checksum of a picture."""
        return int(self.page.evaluate("""(n) => { const c = document.querySelectorAll('.frame canvas')[2 * n];
            const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
            return data.reduce((sum, v) => (sum * 31 + v) % 1000003, 7); }""", arm))


@pytest.fixture
def tab(browser: Any, folder: Path) -> Iterator[Tab]:
    opened = Tab(browser, folder / "arms.html")
    yield opened
    opened.context.close()
    assert opened.wrong == []
    assert [url for url in opened.asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_it_opens_with_every_arm_and_says_what_it_is(tab: Tab) -> None:
    assert tab.page.locator("article.arm").count() == 3
    assert "Illustrative, not for clinical use" in tab.page.locator(".disclaimer").inner_text()
    assert [one.inner_text().strip() for one in tab.page.locator("article h3").all()] == ["Untreated", "Radiotherapy alone", "Combined"]


def test_it_plays_to_the_end_and_stops(tab: Tab) -> None:
    tab.page.select_option("#speed", "60")
    first = tab.pixels()
    tab.page.click("#play")
    assert tab.page.locator("#play").inner_text() == "Pause"
    tab.wait("lesionlab.index === lesionlab.clock.days.length - 1 && !lesionlab.transport.isPlaying")
    assert tab.page.locator("#play").inner_text() == "Play"
    assert tab.pixels() != first


def test_a_death_is_shown_on_the_picture(tab: Tab) -> None:
    end = tab.page.locator("article.arm").first.locator(".end")
    assert not end.first.is_visible()
    tab.page.focus("#player")
    tab.page.keyboard.press("End")
    tab.wait("lesionlab.drawn > 1")
    assert "Died: lethal burden reached on day" in end.first.inner_text()
    assert not tab.page.locator("article.arm").nth(2).locator(".end").first.is_visible()


def test_layers_and_lesions_change_the_picture(tab: Tab) -> None:
    seen = {tab.pixels(2)}
    for layer in ("oxygen", "vessels", "t_cells"):
        before = tab.value("lesionlab.drawn")
        tab.page.locator(f"input[name=layer][value={layer}]").check()
        tab.wait(f"lesionlab.drawn > {before}")
        seen.add(tab.pixels(2))
    tab.page.locator("[role=tab]", has_text="Pelvis").click()
    tab.wait("lesionlab.lesion === 'pelvis' && lesionlab.drawn > 4")
    seen.add(tab.pixels(2))
    assert len(seen) == 5
    assert "line: below 5 mmHg" not in tab.page.locator("#legend").inner_text()


def test_the_picture_is_painted_as_the_record_says(tab: Tab) -> None:
    """Colours on the canvas are those of the tissue legend, site by site."""
    colours = tab.value("""() => { const c = document.querySelector('.frame canvas');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; const seen = new Set();
        const hex = (v) => v.toString(16).padStart(2, '0').toUpperCase();
        for (let i = 0; i < d.length; i += 4) seen.add('#' + hex(d[i]) + hex(d[i + 1]) + hex(d[i + 2]));
        return [...seen]; }""")
    legend = {entry["colour"].upper() for entry in tab.value("lesionlab.data.layers[0].legend")}
    assert set(colours) <= legend and len(colours) > 4


def test_two_days_stand_side_by_side(tab: Tab) -> None:
    tab.page.check("#compare")
    tab.wait("lesionlab.drawn > 1")
    tab.page.focus("#slider")
    tab.page.keyboard.press("End")
    tab.wait("lesionlab.index > 0 && lesionlab.drawn > 2")
    days = [one.inner_text() for one in tab.page.locator("article.arm").nth(2).locator(".day").all()]
    assert days[0] == "day 0" and days[1] != "day 0"


def test_a_site_is_read_under_the_pointer_and_by_keyboard(tab: Tab) -> None:
    canvas = tab.page.locator("article.arm").nth(2).locator("canvas").first
    canvas.hover(position={"x": 40, "y": 40})
    tab.page.wait_for_timeout(100)
    hovered = tab.page.locator("#readout").inner_text()
    assert hovered.startswith("Combined, day 0:") and "mmHg" in hovered
    canvas.focus()
    for _ in range(12):
        tab.page.keyboard.press("ArrowDown")
    tab.page.wait_for_timeout(100)
    assert tab.page.locator("#readout").inner_text() != hovered
    assert tab.value("lesionlab.index") == 0


def test_the_keyboard_alone_reaches_every_control(tab: Tab) -> None:
    """Tab reaches every button, list, slider, picture and disclosure that is shown; groups of radio buttons and tabs count once."""
    expected = set(tab.value("""() => [...document.querySelectorAll(
        '#player button, #player select, #player input, #player canvas[tabindex], summary')].filter(
        (one) => one.checkVisibility() && one.tabIndex >= 0 && !(one.type === 'radio' && !one.checked))
        .map((one, n) => (one.dataset.n = String(n)))"""))
    visited = set()
    for _ in range(80):
        tab.page.keyboard.press("Tab")
        visited.add(tab.value("document.activeElement.dataset.n ?? ''"))
    assert expected <= visited and len(expected) > 12
    tab.page.focus("[role=tab][aria-selected=true]")
    tab.page.keyboard.press("ArrowRight")
    tab.wait("lesionlab.lesion !== lesionlab.data.lesion")


def test_arms_can_be_taken_away_but_not_all(tab: Tab) -> None:
    tab.page.locator("#arm-choice summary").click()
    for arm in ARMS[:2]:
        tab.page.uncheck(f"#arm-choice input[value={arm}]")
    tab.wait("document.querySelectorAll('article.arm').length === 1")
    tab.page.locator("#arm-choice input[value=combined]").click()
    tab.page.wait_for_timeout(100)
    assert tab.page.locator("article.arm").count() == 1
    assert "One arm stays" in tab.page.locator("#readout").inner_text()


def test_numbers_stand_in_a_table(tab: Tab) -> None:
    tab.page.locator("#numbers summary").click()
    tab.page.wait_for_timeout(100)
    assert tab.page.locator("#numbers table").count() == 2
    assert "RT mediastinum" in tab.page.locator("#numbers").inner_text()


@pytest.mark.parametrize("width", [360, 1920, 3840])
def test_nothing_sticks_out_at_any_width(browser: Any, folder: Path, width: int) -> None:
    for name in ("arms.html", "lesson.html"):
        opened = Tab(browser, folder / name, width, 740)
        assert opened.value("document.documentElement.scrollWidth") <= width
        shown = "[...document.querySelectorAll('.frame canvas')].filter((c) => c.checkVisibility())"
        assert opened.value(f"Math.min(...{shown}.map((c) => c.clientWidth))") >= 120
        opened.context.close()
        assert opened.wrong == []


def test_the_answer_shows_after_the_student_has_tried(browser: Any, folder: Path) -> None:
    opened = Tab(browser, folder / "lesson.html")
    page = opened.page
    assert opened.value("lesionlab.layer.name") == "oxygen" and page.locator("article.arm").count() == 2
    assert "It is the second" not in page.locator("#lesson").inner_text()
    page.click("text=Try it")
    assert "Choose an answer first" in page.locator("#lesson").inner_text()
    page.check("input[name=choice-0][value='0']")
    assert "It is the second" not in page.locator("#lesson").inner_text()
    page.click("text=Try it")
    said = page.locator("#lesson").inner_text()
    assert "something else" in said and "No." in said and "It is the second." in said
    page.click("#lesson >> text=Next")
    assert page.locator("#lesson h2").inner_text() == "Second"
    page.click("#lesson >> text=Back")
    assert "It is the second." in page.locator("#lesson").inner_text()
    page.click("#presets button")
    opened.wait("lesionlab.layer.name === 'tissue' && lesionlab.index === 0")
    opened.context.close()
    assert opened.wrong == []


def test_reduced_motion_begins_slowly(browser: Any, folder: Path) -> None:
    opened = Tab(browser, folder / "arms.html", reduced_motion="reduce")
    assert opened.value("document.getElementById('speed').value") == "2"
    opened.context.close()


@pytest.mark.parametrize("name", ["arms.html", "lesson.html"])
def test_no_serious_finding_of_axe(browser: Any, folder: Path, name: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True, bypass_csp=True)
    page = context.new_page()
    page.goto((folder / name).as_uri())
    page.wait_for_timeout(500)
    found = axe.Axe().run(page).response["violations"]
    context.close()
    assert [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found if one["impact"] in ("serious", "critical")] == []


def _large(folder: Path, n_days: int, edge: int) -> Path:
    """Write a page of four arms of edge x edge sites, whose pictures change a little each day."""
    make_record(folder / "r.h5", "combined")
    data = as_json(make_play([load(folder / "r.h5")], most_days=n_days))
    stream = np.random.default_rng(1)
    arms = []
    for number in range(4):
        pictures = np.repeat(stream.integers(0, 7, (1, edge, edge), dtype=np.uint8), n_days, axis=0)
        for day in range(1, n_days):
            rows, columns = stream.integers(0, edge, (2, 20_000))
            pictures[day:, rows, columns] = stream.integers(0, 7, 20_000, dtype=np.uint8)
        shape = Shape(n_days, edge, edge, 1)
        planes = {"sites": {**shape.as_json(), "chunks": [as_text(deflated(pictures[part.start:part.stop], 1)) for part in shape.ranges()]}}
        section = {"site_um": 20, "scale": [1.0] * n_days, "planes": planes, "at": list(range(n_days))}
        arms.append({**data["arms"][0], "name": f"arm_{number}", "label": f"Arm {number}", "sections": {data["lesion"]: section}})
    data |= {"arms": arms, "days": list(range(n_days)), "calendar": []}
    path = folder / "large.html"
    path.write_text(document("Large", data, "'none'"), encoding="utf-8")
    return path


def test_four_arms_of_a_million_sites_play_at_thirty_a_second(browser: Any, tmp_path: Path, request: pytest.FixtureRequest,
                                                                   capsys: pytest.CaptureFixture[str]) -> None:
    if not request.config.getoption("--page"):
        pytest.skip("a timing: run `make test-page`")
    n = 48
    opened = Tab(browser, _large(tmp_path, n, 1000), 1920, 1080)
    rates = opened.value("""async () => { const rates = []; for (let round = 0; round < 3; round += 1) { const start = performance.now();
        for (let i = 0; i < lesionlab.clock.days.length; i += 1) { await lesionlab.go(i); await new Promise(requestAnimationFrame); }
        rates.push(1000 * lesionlab.clock.days.length / (performance.now() - start)); } return rates; }""")
    with capsys.disabled():
        sys.stdout.write(f"\npictures a second, cold and warm: {[round(rate, 1) for rate in rates]}; "
                         f"file {(tmp_path / 'large.html').stat().st_size / 1e6:.1f} MB\n")
    opened.context.close()
    assert opened.wrong == []
    assert max(rates) >= 30
