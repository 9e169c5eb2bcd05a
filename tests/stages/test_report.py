"""The text of the report on made-up results, small ones, in all three forms, and what it cannot do without."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from stages import report
from stages.lib.core.errors import PipelineError
from stages.lib.report.rendering import escape_markdown
from tests.stages.report_run import ODD, run


def origin(markdown, html):
    """Returns the first line after the title of both files, which have to agree."""
    first = markdown.split("\n")[2]
    of_html = re.search(r"</h1>\s*<p[^>]*>(.*?)</p>", html).group(1)
    assert re.sub(r"</?strong>", "**", of_html) == first
    return first


def test_sample_says_that_it_is_no_skin_disease(inputs):
    markdown, html, card = run()
    assert origin(markdown, html) == (
        "These images are **drawings made by code**, not photographs: the figures say nothing about skin disease. "
        "Dataset **sample**; frozen networks start from **random** weights; their features are computed in "
        "**float32**; epochs of rows trained from pixels capped at 4; networks see images of 64 px, or of the least "
        "that they can take."
    )
    assert origin(markdown, html) in card


def test_fitzpatrick17k_names_its_weights(inputs):
    inputs(lambda params: params.update(dataset="fitzpatrick17k"))
    markdown, html, card = run()
    assert origin(markdown, html) == (
        "Dataset **fitzpatrick17k** (clinical photographs); frozen networks start from **imagenet** weights; "
        "their features are computed in **float32**."
    )
    assert "NOT comparable" not in markdown + html
    assert "| accuracy, paper |" in markdown and 'href="#paper"' in html
    assert "drawings" not in markdown + html + card


def test_another_dataset_is_not_compared_and_weights_of_single_backbones_are_named(inputs):
    def change(params):
        params["datasets"]["mine"] = dict(params["datasets"]["fitzpatrick17k"], catalog="mine.csv", weights="/x/y/own")
        params["dataset"] = "mine"
        params["backbones"]["vgg16"]["weights"] = "random"
        params["backbones"]["resnet101v2"]["weights"] = "imagenet"

    inputs(change)
    markdown, html, card = run()
    assert origin(markdown, html) == (
        "Dataset **mine** (not Fitzpatrick17k, from which the paper's figures come); frozen networks start "
        "from the weights in **own**, except vgg16 from **random**, resnet101v2 from **imagenet**; "
        "their features are computed in **float32**."
    )
    assert "/x/y" not in markdown + html + card
    assert "paper |" not in markdown and "NOT comparable" in html and 'class="paper" href="#paper"' not in html


def test_all_forms_hold_the_numbers_that_were_measured(inputs):
    markdown, html, card = run()
    tables = html.split('id="rows"')[1]
    for name in ("lenet-4", "vgg16", "inceptionv3-type"):
        scores = json.loads(Path(f"data/evaluations/{name}/scores.json").read_text())
        line = next(line for line in markdown.splitlines() if line.startswith(f"| {name} |"))
        row = re.search(rf'<tr><th scope="row">{name}</th>(.*?)</tr>', tables).group(1)
        of_html = [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td.*?>(.*?)</td>", row)]
        for cells in (of_html, line.strip("| ").split(" | ")):
            assert all(any(cell.startswith(f"{score:.3f}") for cell in cells) for score in scores["test"].values())
            assert any(cell.startswith(f"{scores['val']['accuracy']:.3f}") for cell in cells)
    accuracy = json.loads(Path("data/evaluations/model/scores.json").read_text())["test"]["accuracy"]
    for text in (markdown, card):
        assert f"names the right one for **{accuracy:.3f}** of them" in text


def test_verdicts_are_counted_and_named(inputs):
    markdown, html, _ = run()
    said = re.findall(r"^\| ([\w-]+) \| (better|worse|no difference shown) \|", markdown, re.M)
    assert len(said) == 3 + 5  # rows and baselines
    better = [name for name, verdict in said[:3] if verdict == "better"]
    assert f"Of the 3 other rows, {len(better)} " in markdown
    assert all(f"`{name}`" in markdown and f"<code>{name}</code>" in html for name in better)


def test_no_table_of_the_markdown_is_wider_than_a_pull_request(inputs):
    inputs(lambda params: params.update(dataset="fitzpatrick17k"))
    heads = [line for line in run()[0].splitlines() if line.startswith("|---")]
    assert len(heads) == 2 and all(head.count("|") - 1 <= 8 for head in heads)


def test_a_row_that_the_paper_lacks_is_a_further_one(inputs):
    inputs(lambda params: params["tables"].update(mine=params["tables"]["vgg16"]))
    shutil.copytree("data/evaluations/vgg16", "data/evaluations/mine")
    markdown, html, _ = run()
    assert "| mine |" in markdown
    assert ">mine</th>" in html.split("<h3>Further rows</h3>")[1]
    assert ">mine</th>" not in html.split("Beside the paper")[1].split("</details>")[0]


def test_what_was_dropped_or_doubted_is_said(inputs):
    summary = json.loads(Path("data/validation.json").read_text())
    for flagged, words in (
        (0, "No image with wrong or missing pixels was"),
        (1, "One image with"),
        (7, "7 images with"),
    ):
        summary["flagged"]["damaged"] = flagged
        Path("data/validation.json").write_text(json.dumps(summary))
        for text in run()[:2]:
            assert words in text and "2 keys are in several rows of the catalog" in text
    assert "149" in text and "75 of 75" in text  # planted copies that were found


@pytest.mark.parametrize("name", ["lenet-4", "model"])
def test_missing_scores_name_the_row_and_write_nothing(inputs, name):
    Path(f"data/evaluations/{name}/assessment.json").unlink()
    with pytest.raises(PipelineError, match=rf"row {name} has no scores yet: run `dvc repro`"):
        report.main()
    assert not Path("data/report").exists()


@pytest.mark.parametrize(
    "path",
    [
        *("data/evaluations/model/curves.csv", "data/evaluations/model/mistakes.csv"),
        *("data/evaluations/vgg16/assessment.json", "data/evaluations/vgg16/predictions.csv"),
        "data/evaluations/vgg16/scores.json",
        *("data/validation.json", "data/split.json", "data/baselines/baselines.json"),
        *("data/raw/catalog.csv", "data/explain/vgg16/explained.csv"),
    ],
)
def test_missing_inputs_are_named(inputs, path):
    Path(path).unlink()
    with pytest.raises(PipelineError, match=rf"{path}: missing; .*dvc repro"):
        report.main()


def test_class_names_are_text_in_every_form(inputs):
    summary = json.loads(Path("data/validation.json").read_text())
    summary["classes"]["gone"] = [ODD]
    Path("data/validation.json").write_text(json.dumps(summary))
    markdown, html, card = run()
    assert "<script>alert" not in markdown + html + card
    assert "&lt;script&gt;alert(1)&lt;/script&gt; | *c*" in html
    assert escape_markdown(ODD) in markdown and escape_markdown(ODD) in card


def test_no_photograph_is_shown_where_it_may_not_be(inputs):
    inputs(lambda params: params["report"].update(show_images=False))
    html = run()[1]
    assert "image/jpeg" not in html and 'class="sheet"' not in html and "Grad-CAM" not in html
    assert 'href="#pictures"' not in html


def test_a_row_without_mistakes_says_so(inputs):
    plots = Path("data/evaluations/model")
    confusion = pd.read_csv(plots / "confusion.csv")
    confusion["predicted"] = confusion["actual"]
    confusion.to_csv(plots / "confusion.csv", index=False)
    mistakes = pd.read_csv(plots / "mistakes.csv")
    mistakes.head(0).to_csv(plots / "mistakes.csv", index=False)
    html = run()[1]
    assert "No test image is misnamed." in html


def test_limits_are_one_bullet_each(inputs):
    markdown, html, card = run()
    bullets = [line[2:] for line in card.split("## Limits")[1].splitlines() if line]
    assert len(bullets) == html.split('id="limits"')[1].count("<li>") == 7
    assert bullets[0].startswith("This is research software, not a medical device.")
    assert "This is research software, not a medical device." in markdown
