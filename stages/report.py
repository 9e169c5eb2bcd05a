"""Report: what all rows scored, for whom and how surely, as metrics/report.html, report.md and MODEL_CARD.md.

Reads what the other stages wrote and no network, so it runs in seconds. All three files come from the same numbers and
sentences; the page adds the pictures and needs nothing beside itself.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd

from stages.lib import (
    figures_calibration,
    figures_data,
    figures_rows,
    grids_model,
    grids_rows,
    pictures,
    results,
    tables,
)
from stages.lib.baselines import for_table
from stages.lib.catalog import SKIN_TYPES, UNKNOWN_TYPE, parse_catalog
from stages.lib.compare import compare
from stages.lib.errors import PipelineError, run_stage
from stages.lib.files import read_json, write_text
from stages.lib.manifest import read_classes, read_groups, read_manifest
from stages.lib.params import Params, load_params
from stages.lib.predictions import read_predictions
from stages.lib.published import NOT_AN_F1
from stages.lib.rendering import render
from stages.lib.results import MODEL
from stages.lib.sections import SAMPLE_CATALOG, TENSORS, Row

SCORES_DIR = Path("metrics/scores")
PLOTS_DIR = Path("metrics/plots")
PREDICTIONS_DIR = Path("data/predictions")
BASELINE_PREDICTIONS_DIR = Path("data/baselines")
EXPLAIN_DIR = Path("data/explain")
RAW_DIR = Path("data/raw")
PAPER_PATH = Path("metrics/paper.csv")
BASELINES_PATH = Path("metrics/baselines.json")
VALIDATION_PATH = Path("metrics/validation.json")
SPLIT_PATH = Path("metrics/split.json")
MARKDOWN_PATH = Path("metrics/report.md")
HTML_PATH = Path("metrics/report.html")
CARD_PATH = Path("MODEL_CARD.md")

PAPER_DATASET = "fitzpatrick17k"
CONFUSED_PAIRS = 20


def main() -> None:
    """Collects the results, draws the figures and writes the three files."""
    params = load_params()
    rows = {MODEL: params.model} | params.tables
    paper = tables.read_paper(PAPER_PATH)
    scores = {name: tables.read_scores(SCORES_DIR, name) for name in rows}
    assessments = {name: results.read_assessment(PLOTS_DIR / name) for name in rows}
    baselines = results.read_baselines(BASELINES_PATH)
    plots = results.read_plots(PLOTS_DIR / MODEL)
    explained = [results.read_explained(EXPLAIN_DIR, *item) for item in params.explain.rows.items()]
    validation, split = read_json(VALIDATION_PATH), read_json(SPLIT_PATH)
    catalog = parse_catalog(_bytes(RAW_DIR / params.dataset / "catalog.csv"), "the catalog")

    compared = compare(
        read_all_predictions(rows, baselines), MODEL, read_groups(), read_classes(),
        params.evaluate.bootstrap_samples, params.seed,
    )  # fmt: skip
    on_accuracy = compared[compared["metric"] == "accuracy"].set_index("row")
    verdicts = on_accuracy["verdict"].to_dict()
    by_table = tables.results_tables(params.tables, scores, paper)
    of_tables = [
        for_table([params.tables[result.name] for result in table.results], params.split.features) for table in by_table
    ]
    to_beat = for_table([params.model], params.split.features)
    pairs = results.confused_pairs(plots.confusion, CONFUSED_PAIRS)
    distributions = count_images(catalog, read_manifest())
    report = origin(params) | {
        "model": assessments[MODEL],
        "scores": scores[MODEL],
        "description": tables.describe(params.model),
        "not_an_f1": NOT_AN_F1,
        "skin_type_input": params.model.skin_type_input,
        "baselines": baselines,
        "compared": dict(on_accuracy.iterrows()),
        "verdicts": {
            word: [name for name in params.tables if verdicts[name] == word]
            for word in ("better", "worse", "no difference shown")
        },
        "fairness": assessments[MODEL].fairness(),
        "validation": validation,
        "dropped_total": sum(validation["dropped"].values()),
        "split": split,
        "explained": [entry.row for entry in explained],
        "mistakes_total": int((plots.confusion["actual"] != plots.confusion["predicted"]).sum()),
        "tables": [
            (table.title, grids_rows.results(table, assessments, verdicts, baselines, names))
            for table, names in zip(by_table, of_tables, strict=True)
        ],
        "grids": {
            "settings": grids_model.texts("setting", "value", settings(params.model, params.active.max_epochs)),
            "fingerprints": grids_model.texts("what", "SHA-256, first 16 digits", fingerprints(params.dataset)),
            "differences": grids_rows.differences(compared, baselines),
            "partitions": grids_rows.partitions(assessments),
            "skin_types": grids_model.skin_types(plots.skin_types),
            "fairness": grids_model.fairness(assessments[MODEL].skin_types),
            "fairness_of_rows": grids_rows.fairness_of_rows(assessments),
            "calibration": grids_rows.calibration(assessments),
            "card": grids_model.card(assessments[MODEL].metrics, baselines["majority"].metrics),
            "classes": grids_model.classes(plots.classes[plots.classes["partition"] == "label"]),
            "confused": grids_model.confused(pairs),
            "dropped": grids_model.counts("reason", "images dropped", validation["dropped"]),
            "types": grids_model.counts("skin type", "images kept", validation["kept_by_skin_type"]),
            "splits": grids_model.counts("split", "images", split["images"]),
        },
        "figures": {
            "comparison": pictures.comparison(by_table, assessments, baselines, to_beat),
            "curves": figures_rows.curves(plots.curves),
            "all_curves": figures_rows.all_curves({name: results.read_curves(PLOTS_DIR / name) for name in rows}),
            "reliability": figures_calibration.reliability(plots.reliability),
            "accuracy_by_type": pictures.by_type(plots.skin_types, assessments[MODEL]),
            "classes": figures_data.classes(distributions["label"]),
            "skin_types": figures_data.skin_types(distributions["skin_type"]),
        }
        | pictures.by_class(plots.confusion, pairs),
    }
    report |= (
        pictures.photographs(plots.mistakes, explained)
        if params.report.show_images
        else {"mistakes": [], "gradcam": []}
    )
    texts = [render(template, report) for template in ("report.md.j2", "report.html.j2", "model_card.md.j2")]
    for path, text in zip((MARKDOWN_PATH, HTML_PATH, CARD_PATH), texts, strict=True):
        write_text(path, text)
    print(f"report: {len(rows)} rows in {MARKDOWN_PATH}, {HTML_PATH} and {CARD_PATH}")


def origin(params: Params) -> dict[str, Any]:
    """Returns what the results come from: dataset, weights and whether the paper's figures can be compared."""
    return {
        "dataset": params.dataset,
        "synthetic": params.active.catalog == SAMPLE_CATALOG,
        "comparable": params.dataset == PAPER_DATASET,
        "weights": weights_name(params.active.weights),
        "own_weights": {
            name: weights_name(backbone.weights)
            for name, backbone in params.backbones.items()
            if backbone and backbone.weights and backbone.weights != params.active.weights
        },
        "max_epochs": params.active.max_epochs,
    }


def weights_name(weights: str) -> str:
    """Returns `imagenet`, `random` or a directory's last part: where it lies is no result."""
    return Path(weights).name


def settings(row: Row, max_epochs: int | None) -> dict[str, str]:
    """Returns a row's settings as text, in the order of params.yaml; empty ones and the table left out."""
    values = {key: value for key, value in row.model_dump(exclude={"table"}).items() if value != []}
    if max_epochs and max_epochs < row.epochs and row.input == TENSORS:
        values["epochs"] = f"{row.epochs}, capped at {max_epochs}"
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}


def fingerprints(dataset: str) -> dict[str, str]:
    """Returns what tells one run from another whatever its commit and date: digests of data and predictions."""
    paths = {
        "the catalog": RAW_DIR / dataset / "catalog.csv",
        "the images kept": Path("data/manifest.csv"),
        "the split": Path("data/splits.csv"),
        "the predictions of the row under study": PREDICTIONS_DIR / f"{MODEL}.csv",
    }
    return {name: hashlib.sha256(_bytes(path)).hexdigest()[:16] for name, path in paths.items()}


def read_all_predictions(rows: dict[str, Row], baselines: dict[str, results.Baseline]) -> dict[str, pd.DataFrame]:
    """Reads which class every row and baseline named for every test image."""
    paths = {name: PREDICTIONS_DIR / f"{name}.csv" for name in rows}
    paths |= {name: BASELINE_PREDICTIONS_DIR / f"{name}.csv" for name in baselines}
    return {name: read_predictions(path, probabilities=False) for name, path in paths.items()}


def count_images(catalog: pd.DataFrame, manifest: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Counts images before and after validation, by `label` and by `skin_type`."""
    by_label = {"catalog": catalog["label"].value_counts(), "kept": manifest["label"].value_counts()}
    by_type = {
        name: table["fitzpatrick_scale"].value_counts().reindex(SKIN_TYPES, fill_value=0)
        for name, table in (("catalog", catalog), ("kept", manifest))
    }
    types = pd.DataFrame(by_type)
    types.index = ["unknown" if number == UNKNOWN_TYPE else str(number) for number in types.index]
    return {"label": pd.DataFrame(by_label).fillna(0).astype(int), "skin_type": types}


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise PipelineError(f"{path}: missing; run the stage that writes it with `dvc repro`") from None


if __name__ == "__main__":
    run_stage(main)
