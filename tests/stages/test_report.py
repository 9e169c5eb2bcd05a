"""The report on made-up results, small ones: its text in all three forms, and the page in a browser."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from bench import synthetic
from stages import report
from stages.lib.core.errors import PipelineError
from stages.lib.core.params import load_params
from stages.lib.report.rendering import escape_markdown

ROOT = Path(__file__).parents[2]
ODD = "<script>alert(1)</script> | *c*"
CLASSES = [ODD, *(f"condition {letter}" for letter in "abcdefghijk")]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Everything that the stage reads, for a few rows, made once."""
    root = tmp_path_factory.mktemp("results")
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["dataset"] = "sample"
    kept = ("lenet-4", "vgg16", "inceptionv3-type")
    params["tables"] = {name: params["tables"][name] for name in kept}
    params["explain"]["rows"] = {"lenet": "lenet-4", "vgg16": "vgg16"}
    params["evaluate"]["bootstrap_samples"] = 200
    (root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    (root / "metrics").mkdir()
    shutil.copy(ROOT / "metrics/paper.csv", root / "metrics")
    manifest = synthetic.write_catalog(root, "sample", CLASSES, 1200)
    synthetic.write_results(root, load_params(root / "params.yaml"), manifest)
    return root


@pytest.fixture(scope="module")
def page(results, tmp_path_factory):
    """The page with all of its pictures, made once."""
    root = tmp_path_factory.mktemp("page")
    shutil.copytree(results, root, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        report.main()
    return root / "data/report/report.html"


@pytest.fixture
def inputs(results, tmp_path, monkeypatch):
    """A copy of the results to work in, and a function that changes params.yaml there."""
    shutil.copytree(results, tmp_path, dirs_exist_ok=True)
    params = yaml.safe_load((tmp_path / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)

    def change(function):
        function(params)
        Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    return change


@pytest.fixture
def quick(monkeypatch):
    """Draws no figures, for tests of the text."""
    for module in ("figures_rows", "figures_classes", "figures_calibration", "figures_data"):
        owner = getattr(report, module, None) or getattr(report.pictures, module)
        for name in ("comparison", "curves", "all_curves", "confusion", "confused_pairs", "reliability"):
            if hasattr(owner, name):
                monkeypatch.setattr(owner, name, lambda *args: b"png")
        for name in ("accuracy_by_type", "classes", "skin_types"):
            if hasattr(owner, name):
                monkeypatch.setattr(owner, name, lambda *args: b"png")


def run():
    report.main()
    return tuple(
        Path(path).read_text()
        for path in ("data/report/report.md", "data/report/report.html", "data/report/MODEL_CARD.md")
    )


def origin(markdown, html):
    """Returns the first line after the title of both files, which have to agree."""
    first = markdown.split("\n")[2]
    of_html = re.search(r"</h1>\s*<p[^>]*>(.*?)</p>", html).group(1)
    assert re.sub(r"</?strong>", "**", of_html) == first
    return first


def test_sample_says_that_it_is_no_skin_disease(inputs, quick):
    markdown, html, card = run()
    assert origin(markdown, html) == (
        "Dataset **sample** (synthetic drawings, not Fitzpatrick17k: its figures say nothing about skin "
        "disease); frozen networks start from **random** weights; their features are computed in **float32**; epochs "
        "of rows trained from pixels capped at 2."
    )
    assert origin(markdown, html) in card


def test_fitzpatrick17k_names_its_weights(inputs, quick):
    inputs(lambda params: params.update(dataset="fitzpatrick17k"))
    shutil.copytree("data/raw/sample", "data/raw/fitzpatrick17k")
    markdown, html, card = run()
    assert origin(markdown, html) == (
        "Dataset **fitzpatrick17k** (clinical photographs); frozen networks start from **imagenet** weights; "
        "their features are computed in **float32**."
    )
    assert "NOT comparable" not in markdown + html
    assert "drawings" not in markdown + html + card


def test_another_dataset_is_not_compared_and_weights_of_single_backbones_are_named(inputs, quick):
    def change(params):
        params["datasets"]["mine"] = dict(params["datasets"]["fitzpatrick17k"], catalog="mine.csv", weights="/x/y/own")
        params["dataset"] = "mine"
        params["backbones"]["vgg16"]["weights"] = "random"
        params["backbones"]["resnet101v2"]["weights"] = "imagenet"

    inputs(change)
    shutil.copytree("data/raw/sample", "data/raw/mine")
    markdown, html, card = run()
    assert origin(markdown, html) == (
        "Dataset **mine** (not Fitzpatrick17k, from which the paper's figures come); frozen networks start "
        "from **own** weights, except vgg16 from **random**, resnet101v2 from **imagenet**; "
        "their features are computed in **float32**."
    )
    assert "/x/y" not in markdown + html + card
    assert "NOT comparable" in markdown
    assert "NOT comparable" in html


def test_all_forms_hold_the_numbers_that_were_measured(inputs, quick):
    markdown, html, card = run()
    for name in ("lenet-4", "vgg16", "inceptionv3-type"):
        scores = json.loads(Path(f"data/evaluations/{name}/scores.json").read_text())
        line = next(line for line in markdown.splitlines() if line.startswith(f"| {name} |"))
        row = re.search(rf'<tr><th scope="row">{name}</th>(.*?)</tr>', html).group(1)
        of_html = [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td.*?>(.*?)</td>", row)]
        assert [cell.strip() for cell in line.strip("| ").split(" | ")[1:]] == of_html
        for metric in scores:
            assert f"{scores[metric]:.3f}" in of_html
    accuracy = json.loads(Path("data/evaluations/model/scores.json").read_text())["accuracy"]
    for text in (markdown, card):
        assert f"names the right condition for **{accuracy:.3f}** of them" in text


def test_verdicts_are_counted_and_named(inputs, quick):
    markdown, html, _ = run()
    table = markdown.split("## Which rows differ")[1].split("###")[0]
    said = re.findall(r"^\| ([\w-]+) \|(?: [^|]+\|){3} ([\w ]+) \|", table, re.M)
    assert len(said) == 1 + 3 + 5  # heading, rows and baselines
    better = [name for name, verdict in said[1:4] if verdict == "better"]
    assert f"Of the 3 published rows, {len(better)} " in markdown
    assert all(f"`{name}`" in markdown and f"<code>{name}</code>" in html for name in better)


def test_a_row_that_the_paper_lacks_shows_dashes(inputs, quick):
    inputs(lambda params: params["tables"].update(mine=params["tables"]["vgg16"]))
    shutil.copytree("data/evaluations/vgg16", "data/evaluations/mine")
    line = next(line for line in run()[0].splitlines() if line.startswith("| mine"))
    assert line.count("—") == 3


def test_what_it_was_made_from_lies_beside_it_but_no_predictions(page):
    folder = page.parent
    rows = {"model", "lenet-4", "vgg16", "inceptionv3-type"}
    assert {path.stem for path in (folder / "scores").iterdir()} == rows
    assert {path.name for path in (folder / "plots").iterdir()} == rows
    held = {path.name for path in (folder / "plots/model").iterdir()}
    assert {"assessment.json", "confusion.csv", "curves.csv"} <= held and "predictions.csv" not in held
    assert {path.name for path in folder.glob("*.json")} == {"validation.json", "split.json", "baselines.json"}


@pytest.mark.parametrize("name", ["lenet-4", "model"])
def test_missing_scores_name_the_row_and_write_nothing(inputs, name):
    Path(f"data/evaluations/{name}/scores.json").unlink()
    with pytest.raises(PipelineError, match=rf"row {name} has no scores yet; run `dvc repro`"):
        report.main()
    assert not Path("data/report").exists()


@pytest.mark.parametrize(
    "path",
    [
        *("data/evaluations/model/curves.csv", "data/evaluations/model/mistakes.csv"),
        *("data/evaluations/vgg16/assessment.json", "data/evaluations/vgg16/predictions.csv"),
        *("data/validation.json", "data/split.json", "data/baselines/baselines.json"),
        *("data/raw/sample/catalog.csv", "data/explain/vgg16/explained.csv"),
    ],
)
def test_missing_inputs_are_named(inputs, path):
    Path(path).unlink()
    with pytest.raises(PipelineError, match=rf"{path}: missing; .*dvc repro"):
        report.main()


def test_class_names_are_text_in_every_form(inputs, quick):
    markdown, html, card = run()
    assert "<script>alert" not in markdown + html + card
    assert "&lt;script&gt;alert(1)&lt;/script&gt; | *c*" in html.replace("</<wbr>", "</").replace("/<wbr>", "/")
    assert escape_markdown(ODD) in markdown


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


def test_no_photograph_is_shown_where_it_may_not_be(inputs, quick):
    inputs(lambda params: params["report"].update(show_images=False))
    html = run()[1]
    assert "image/jpeg" not in html and 'class="sheet"' not in html and "Grad-CAM" not in html


def test_a_row_without_mistakes_says_so(inputs, quick):
    plots = Path("data/evaluations/model")
    confusion = pd.read_csv(plots / "confusion.csv")
    confusion["predicted"] = confusion["actual"]
    confusion.to_csv(plots / "confusion.csv", index=False)
    mistakes = pd.read_csv(plots / "mistakes.csv")
    mistakes.head(0).to_csv(plots / "mistakes.csv", index=False)
    markdown, html, _ = run()
    assert "No test image is misnamed." in markdown
    assert "No test image is misnamed." in html


def test_limits_are_one_bullet_each(inputs, quick):
    markdown, html, card = run()
    for text in (markdown, card):
        bullets = [line[2:] for line in text.split("## Limits")[1].splitlines() if line]
        assert len(bullets) == html.split('id="limits"')[1].count("<li>") == 7
        assert bullets[0].startswith("This is research software, not a medical device.")


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
