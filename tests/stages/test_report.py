import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from stages import report
from stages.lib.errors import PipelineError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def inputs(tmp_path, monkeypatch):
    """A directory with all that the stage reads, and a function that changes params.yaml in it."""
    plots = tmp_path / "metrics/plots/model"
    plots.mkdir(parents=True)
    shutil.copy(ROOT / "metrics/paper.csv", tmp_path / "metrics")
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["dataset"] = "sample"

    def save(change=lambda params: None):
        change(params)
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    save()
    (tmp_path / "metrics/scores").mkdir()
    for place, name in enumerate([*params["tables"], "model"]):
        scores = {key: (place + offset) / 100 for offset, key in enumerate(("accuracy", "f1_weighted", "f1_macro"))}
        (tmp_path / f"metrics/scores/{name}.json").write_text(json.dumps({"loss": 2.0 + place / 10, **scores}))
    names = [split + key for split in ("", "val_") for key in ("loss", "accuracy", "f1_weighted")]
    pd.DataFrame({"epoch": [1, 2], **{name: [0.5, 0.4] for name in names}, "chosen": [0, 1]}).to_csv(
        plots / "curves.csv", index=False
    )
    pd.DataFrame({"actual": ["a", "a", "a", "b"], "predicted": ["a", "b", "a", "b"]}).to_csv(
        plots / "confusion.csv", index=False
    )
    validation = {
        "catalog_rows": 1321,
        "kept": 1310,
        "dropped": {"no_url": 3, "truncated": 8},
        "classes": {"catalog": 3, "kept": 2, "gone": ["<script>alert(1)</script> | *c*"]},
        "kept_by_skin_type": {"1": 700, "unknown": 610},
    }
    split = {
        "images": {"train": 1302, "val": 4, "test": 4},
        "groups": 1300,
        "largest_group": 3,
        "images_in_groups": 17,
        "classes_missing": {"train": [], "val": ["b"], "test": []},
        "groups_in_two_splits": 0,
    }
    (tmp_path / "metrics/validation.json").write_text(json.dumps(validation))
    (tmp_path / "metrics/split.json").write_text(json.dumps(split))
    monkeypatch.chdir(tmp_path)
    return save


@pytest.fixture
def quick(monkeypatch):
    """Draws no figures, for tests of the text."""
    for name in ("comparison", "curves", "confusion"):
        monkeypatch.setattr(report.figures, name, lambda *args: b"png")


def run():
    report.main()
    return Path("metrics/report.md").read_text(), Path("metrics/report.html").read_text()


def origin(markdown, html):
    """Returns the first line after the title of both files, which have to agree."""
    first = markdown.split("\n")[2]
    of_html = re.search(r"</h1>\s*<p[^>]*>(.*?)</p>", html).group(1)
    assert re.sub(r"</?strong>", "**", of_html) == first
    return first


def test_sample_says_that_it_is_no_skin_disease(inputs, quick):
    assert origin(*run()) == (
        "Dataset **sample** (synthetic drawings, not Fitzpatrick17k: its figures say nothing about skin "
        "disease); frozen networks start from **random** weights; epochs capped at 6."
    )


def test_fitzpatrick17k_names_its_weights(inputs, quick):
    inputs(lambda params: params.update(dataset="fitzpatrick17k"))
    markdown, html = run()
    assert origin(markdown, html) == (
        "Dataset **fitzpatrick17k** (clinical photographs); frozen networks start from **imagenet** weights."
    )
    assert "NOT comparable" not in markdown + html
    assert "drawings" not in markdown + html


def test_another_dataset_is_not_compared_and_weights_of_single_backbones_are_named(inputs, quick):
    def change(params):
        params["datasets"]["mine"] = dict(params["datasets"]["fitzpatrick17k"], catalog="mine.csv", weights="/x/y/own")
        params["dataset"] = "mine"
        params["backbones"]["vgg16"]["weights"] = "random"
        params["backbones"]["resnet101v2"]["weights"] = "imagenet"

    inputs(change)
    markdown, html = run()
    assert origin(markdown, html) == (
        "Dataset **mine** (not Fitzpatrick17k, from which the paper's figures come); frozen networks start "
        "from **own** weights, except vgg16 from **random**, resnet101v2 from **imagenet**."
    )
    assert "/x/y" not in markdown + html
    assert "NOT comparable" in markdown
    assert "NOT comparable" in html


def test_a_renamed_sample_is_still_called_synthetic(inputs, quick):
    inputs(lambda params: params.update(dataset="toy", datasets={"toy": params["datasets"]["sample"]}))
    assert "synthetic drawings" in origin(*run())


def test_both_forms_hold_the_same_numbers(inputs, quick):
    markdown, html = run()
    of_markdown = re.findall(r"^\| \**([\w-]+)\** \| .*? \| (\d+ \| [\d.]+ \| .*) \|$", markdown, re.M)
    of_markdown = [(name, *re.findall(r"[\d.]+|—", cells)) for name, cells in of_markdown]
    rows = re.findall(r'<th scope="row">([\w-]+)</th><td class="settings">.*?</td>(.*?)</tr>', html)
    of_html = [(name, *re.findall(r">([\d.]+|—)<", cells)) for name, cells in rows]
    assert len(of_html) == 19
    assert of_markdown == of_html
    assert of_html[0] == (
        "lenet-1",
        "20",
        "0.0",
        "3.907",
        "2.000",
        "0.133",
        "0.000",
        "0.089",
        "0.010",
        "0.020",
    )
    assert "1,310 of the catalog's 1,321 images were kept (11 dropped)" in markdown
    assert "1,310 of the catalog&#39;s" in html or "1,310 of the catalog's" in html


def test_best_of_each_table_is_bold(inputs, quick):
    markdown, html = run()
    assert re.findall(r"^\| \*\*([\w-]+)\*\*", markdown, re.M) == [
        "alexnet",
        "lenet-4-d30",
        "resnet101v2",
        "resnet101v2-type-d40",
    ]
    assert html.count('<tr class="best">') == 4


def test_a_row_that_the_paper_lacks_shows_dashes(inputs, quick):
    inputs(lambda params: params["tables"].update(mine=params["tables"]["vgg16"]))
    shutil.copy("metrics/scores/vgg16.json", "metrics/scores/mine.json")
    markdown, html = run()
    line = next(line for line in markdown.splitlines() if line.startswith("| mine"))
    assert line.count("—") == 3
    assert html.count("—") == 3


@pytest.mark.parametrize("name", ["lenet-4", "model"])
def test_missing_scores_name_the_row_and_write_nothing(inputs, quick, name):
    Path(f"metrics/scores/{name}.json").unlink()
    with pytest.raises(PipelineError, match=rf"row {name} has no scores yet; run `dvc repro`"):
        report.main()
    assert not list(Path("metrics").glob("report*"))


@pytest.mark.parametrize(
    "path", ["plots/model/curves.csv", "plots/model/confusion.csv", "validation.json", "split.json"]
)
def test_missing_inputs_are_named(inputs, quick, path):
    Path("metrics", path).unlink()
    with pytest.raises(PipelineError, match=rf"{path}: missing; .*dvc repro"):
        report.main()


def test_class_names_are_text_in_both_forms(inputs, quick):
    markdown, html = run()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; | *c*" in html
    assert "<script" not in html
    assert r"\<script\>alert(1)\</script\> \| \*c\*" in markdown


def test_html_needs_nothing_beside_itself(inputs):
    _, html = run()
    sources = re.findall(r"""(?:src|href|srcset|data|action)\s*=\s*["']?([^"'\s>]{0,22})""", html)
    assert sources == ["data:image/png;base64,"] * 3
    assert not re.search(r"url\(|@import|<link|<script|<iframe|https?:|//\w", re.sub(r"base64,[^\"]*", "", html))


def test_same_results_same_bytes_without_paths(inputs, tmp_path):
    first = run()
    assert run() == first
    assert not any(str(tmp_path) in text or str(ROOT) in text for text in first)
    assert list(Path("metrics").glob(".*")) == []


def test_limits_are_one_bullet_each(inputs, quick):
    markdown, html = run()
    bullets = [line[2:] for line in markdown.split("## Limits")[1].splitlines() if line]
    assert len(bullets) == html.count("<li>") == 7
    assert bullets[0].startswith("This is research software, not a medical device.")
    assert bullets[1].startswith("On 4 test images")
