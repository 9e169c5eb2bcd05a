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
    assert {source for source in sources if not source.startswith("#")} == {
        "data:image/png;base64,", "data:image/jpeg;base64", "data:,",
    }  # fmt: skip
    assert not re.search(r"url\(|@import|<iframe|https?:", re.sub(r"base64,[^\"]*", "", html))


def test_same_results_same_bytes_without_paths(inputs, page, tmp_path):
    first = run()
    assert first[1] == page.read_text()
    assert not any(str(tmp_path) in text or str(ROOT) in text for text in first)
    assert list(Path("data").glob(".*")) == []


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("needs Chromium")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.mark.parametrize("width_px", [390, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_in_a_browser(page, browser, width_px, scheme):
    path, page = page, browser.new_page(viewport={"width": width_px, "height": 900}, color_scheme=scheme)
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url[:30]))
    page.goto(path.as_uri())
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    images = page.evaluate("[...document.images].map(image => image.complete && image.naturalWidth > 0)")
    assert len(images) > 20 and all(images)
    assert page.evaluate("document.documentElement.scrollWidth") <= width_px
    # what is wider than the window lies in a box of its own that scrolls
    outside = page.evaluate("""[...document.querySelectorAll("body *")].filter(element =>
        element.getBoundingClientRect().right > innerWidth + 1 && !element.closest(".scroll")).map(e => e.outerHTML)""")
    assert outside == []

    table = page.locator("table.sortable").filter(has_text="condition a").first
    column = table.locator("thead th").all_inner_texts().index("test images")
    values = lambda: [int(cell) for cell in table.locator(f"tbody td:nth-child({column + 1})").all_inner_texts()]  # noqa: E731
    before = values()
    table.locator("thead button").nth(column).click()
    assert values() == sorted(before, reverse=True) != before
    table.locator("thead button").nth(column).click()
    assert values() == sorted(before)
    page.close()
