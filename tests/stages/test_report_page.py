"""The page with all of its pictures: it needs nothing beside itself, and a browser shows it."""

import json
import re
import shutil
from pathlib import Path

import pytest

from stages import report
from tests.stages.report_run import ROOT, run


@pytest.fixture(scope="module")
def page(results, tmp_path_factory):
    """The page with all of its pictures, made once."""
    root = tmp_path_factory.mktemp("page")
    shutil.copytree(results, root, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        report.main()
    return root / "data/report/report.html"


def test_what_it_was_made_from_lies_beside_it_but_no_predictions(page):
    folder = page.parent
    rows = {"model", "lenet-4", "vgg16", "inceptionv3-type"}
    assert json.loads((folder / "scores.json").read_text()).keys() == rows
    assert {path.name for path in (folder / "plots").iterdir()} == rows | {"curves.csv"}
    held = {path.name for path in (folder / "plots/model").iterdir()}
    assert {"assessment.json", "confusion.csv"} <= held and not {"predictions.csv", "curves.csv"} & held
    files = {"validation.json", "split.json", "baselines.json", "scores.json"}
    assert {path.name for path in folder.glob("*.json")} == files


def test_html_needs_nothing_beside_itself(page):
    html = page.read_text()
    sources = set(re.findall(r"""\s(?:src|href|srcset|action)\s*=\s*["']?([^"'\s>]{0,22})""", html))
    assert {source for source in sources if not source.startswith("#")} == {"data:image/jpeg;base64", "data:,"}
    anchors = {source[1:] for source in sources if source.startswith("#")}
    assert anchors and all(f'id="{anchor}"' in html for anchor in anchors)
    assert not re.search(r"url\(|@import|<iframe|https?:", re.sub(r"base64,[^\"]*", "", html))


def test_same_results_same_bytes_without_paths(inputs, page, tmp_path):
    first = run()
    assert first[1] == page.read_text()
    assert not any(str(tmp_path) in text or str(ROOT) in text for text in first)
    assert list(Path("data").glob(".*")) == []


FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("needs Chromium or Chrome on PATH; as root, .ci/run installs Debian's")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


WIDER = """[...document.querySelectorAll("body *")].filter(element =>
    element.getBoundingClientRect().right > innerWidth + 1).map(element => element.outerHTML.slice(0, 200))"""
CLASHES = """[...document.querySelectorAll("svg.axis")].filter(axis => {
    const boxes = [...axis.children].map(text => text.getBoundingClientRect()).filter(box => box.width)
    return boxes.some((box, place) => place && boxes[place - 1].right > box.left)}).map(axis => axis.outerHTML)"""


@pytest.mark.parametrize(
    ("width_px", "scheme"),
    [(360, "dark"), (400, "light"), (768, "dark"), (961, "light"), (1280, "dark"), (1280, "light"), (1600, "light")],
)
def test_nothing_is_wider_than_the_page_and_axes_can_be_read(page, browser, width_px, scheme):
    opened = browser.new_page(viewport={"width": width_px, "height": 800}, color_scheme=scheme)
    said, asked = [], []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url[:30]))
    opened.goto(page.as_uri())
    opened.evaluate("document.querySelectorAll('details').forEach(part => (part.open = true))")
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    images = opened.evaluate("[...document.images].map(image => image.complete && image.naturalWidth > 0)")
    assert len(images) > 20 and all(images)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width_px
    assert opened.evaluate(WIDER) == []
    assert opened.evaluate(CLASHES) == []
    opened.close()


def test_the_first_screen_has_the_result_the_picture_of_every_row_and_three_cards(page, browser):
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    opened.goto(page.as_uri())
    bottoms = opened.evaluate("""[".headline", ".first table", ".cards a:last-child"].map(
        selector => document.querySelector(selector).getBoundingClientRect().bottom)""")
    assert max(bottoms) < 800 and opened.locator(".cards a").count() == 3
    assert opened.locator(".first tbody tr").count() == 4 and opened.locator(".first use.test").count() == 5
    opened.close()


def test_paper_shows_what_is_folded_in_and_cuts_nothing_off(page, browser):
    opened = browser.new_page(viewport={"width": 703, "height": 1030})  # A4 without its margins
    opened.goto(page.as_uri())
    assert opened.locator("details[open]").count() == 0
    opened.pdf(prefer_css_page_size=True)
    assert opened.locator("details[open]").count() == opened.locator("details").count() > 5
    opened.emulate_media(media="print")
    assert opened.evaluate(WIDER) == []
    opened.close()


def test_a_click_on_a_heading_sorts_by_its_column(page, browser):
    opened = browser.new_page(viewport={"width": 1280, "height": 800})
    opened.goto(page.as_uri())
    opened.evaluate("document.querySelectorAll('details').forEach(part => (part.open = true))")
    table = opened.locator('table[aria-label="Scores of every class"]')
    column = table.locator("thead th").all_inner_texts().index("test images")
    values = lambda: [int(cell) for cell in table.locator(f"tbody td:nth-child({column + 1})").all_inner_texts()]  # noqa: E731
    before = values()
    table.locator("thead button").nth(column).click()
    assert values() == sorted(before, reverse=True) != before
    table.locator("thead button").nth(column).click()
    assert values() == sorted(before)
    opened.close()
