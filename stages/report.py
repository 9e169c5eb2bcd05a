"""Report: the four tables, the row under study and the data's quality, as metrics/report.md and report.html.

Reads what is in Git already (scores, plots, `metrics/paper.csv`) and no image or model, so it runs in
seconds. Both files say the same; the HTML file adds three figures and needs nothing beside itself.
"""

import base64
import json
import math
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from stages.lib import figures, tables
from stages.lib.errors import run_stage
from stages.lib.files import read_json, write_text
from stages.lib.params import SAMPLE_CATALOG, Row, load_params

SCORES_DIR = Path("metrics/scores")
MODEL_PLOTS_DIR = Path("metrics/plots/model")
PAPER_PATH = Path("metrics/paper.csv")
VALIDATION_PATH = Path("metrics/validation.json")
SPLIT_PATH = Path("metrics/split.json")
MARKDOWN_PATH = Path("metrics/report.md")
HTML_PATH = Path("metrics/report.html")

TEMPLATES_DIR = Path(__file__).parent / "lib" / "templates"
PAPER_DATASET = "fitzpatrick17k"
CURVES_COLUMNS = (
    *("epoch", "loss", "accuracy", "f1_weighted"),
    *("val_loss", "val_accuracy", "val_f1_weighted", "chosen"),
)


def main() -> None:
    """Collects the results, draws the figures and writes both files."""
    params = load_params()
    paper = tables.read_paper(PAPER_PATH)
    scores = {name: tables.read_scores(SCORES_DIR, name) for name in params.tables}
    model = tables.read_scores(SCORES_DIR, "model")
    curves = tables.read_columns(MODEL_PLOTS_DIR / "curves.csv", CURVES_COLUMNS)
    pairs = tables.read_columns(MODEL_PLOTS_DIR / "confusion.csv", ("actual", "predicted")).astype(str)
    validation, split = read_json(VALIDATION_PATH), read_json(SPLIT_PATH)

    results = tables.results_tables(params.tables, scores, paper)
    majority = float(pairs["actual"].value_counts(normalize=True).max())
    own_weights = {
        name: weights_name(backbone.weights)
        for name, backbone in params.backbones.items()
        if backbone and backbone.weights and backbone.weights != params.active.weights
    }
    report = {
        "dataset": params.dataset,
        "synthetic": params.active.catalog == SAMPLE_CATALOG,
        "comparable": params.dataset == PAPER_DATASET,
        "weights": weights_name(params.active.weights),
        "own_weights": own_weights,
        "max_epochs": params.active.max_epochs,
        "tables": results,
        "model": model,
        "model_settings": settings(params.model, params.active.max_epochs),
        "validation": validation,
        "dropped_total": sum(validation["dropped"].values()),
        "split": split,
        "test_images": len(pairs),
        "majority": majority,
        "interval": tables.wilson_interval(model.accuracy, len(pairs)),
        "figures": {
            "comparison": figures.comparison(results, model, len(pairs), majority),
            "curves": figures.curves(curves),
            "confusion": figures.confusion(pairs),
        },
    }
    markdown, html = render("report.md.j2", report), render("report.html.j2", report)
    write_text(MARKDOWN_PATH, markdown)
    write_text(HTML_PATH, html)
    print(f"report: {len(scores)} rows and the row under study in {MARKDOWN_PATH} and {HTML_PATH}")


def weights_name(weights: str) -> str:
    """Returns `imagenet`, `random` or a directory's last part: where it lies is no result."""
    return Path(weights).name


def settings(row: Row, max_epochs: int | None) -> dict[str, str]:
    """Returns a row's settings as text, in the order of params.yaml; empty ones and the table left out."""
    values = {key: value for key, value in row.model_dump(exclude={"table"}).items() if value != []}
    if max_epochs and max_epochs < row.epochs:
        values["epochs"] = f"{row.epochs}, capped at {max_epochs}"
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def render(template: str, report: dict[str, Any]) -> str:
    """Fills in a template whose name ends in `.md.j2` or `.html.j2`.

    Args:
        template: Its file name in `stages/lib/templates`.
        report: What it shows, under the name `r`. Names from a catalog are escaped for the form at hand.
    """
    html = template.endswith(".html.j2")
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES_DIR),
        autoescape=html,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "plain": (lambda value: value) if html else escape_markdown,
        "bold": Markup("<strong>{}</strong>").format if html else bold_markdown,
        "score": format_score,
        "n": "{:,}".format,
        "base64": lambda content: base64.b64encode(content).decode(),
    }
    return environment.get_template(template).render(r=report)


def escape_markdown(value: object) -> str:
    """Makes one line of text stand for itself in Markdown, in a table cell and against HTML tags."""
    return re.sub(r"([\\`*\[\]<>|&~]|\b_|_\b)", r"\\\1", " ".join(str(value).split()))


def bold_markdown(value: object) -> str:
    """Returns one line of text, escaped, in bold."""
    return f"**{escape_markdown(value)}**"


def format_score(value: float | None) -> str:
    """Returns three decimals, as the paper prints; a dash for what does not exist."""
    return "—" if value is None or math.isnan(value) else f"{value:.3f}"


if __name__ == "__main__":
    run_stage(main)
