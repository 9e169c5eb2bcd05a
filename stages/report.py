"""Stage report: what all rows scored, for whom and how surely, as report.html, report.md and MODEL_CARD.md.

Reads what the other stages wrote and no network, so it runs in seconds. All three files come from the same numbers and
sentences; the page adds the pictures and needs nothing beside itself. `publish` puts them where Git finds them.
"""

import shutil
from pathlib import Path

import pandas as pd

from stages.lib.baselines.baselines import for_table
from stages.lib.core.errors import run_stage
from stages.lib.core.files import read_bytes, read_json, replacing, write_text
from stages.lib.core.params import load_params
from stages.lib.core.sections import Row
from stages.lib.data.catalog import parse_catalog
from stages.lib.data.manifest import MANIFEST, SPLITS_TABLE, read_classes, read_groups, read_manifest
from stages.lib.report import (
    about,
    figures_calibration,
    figures_data,
    figures_rows,
    grids_model,
    grids_rows,
    pictures,
    results,
    tables,
)
from stages.lib.report.compare import compare
from stages.lib.report.measured import Baseline
from stages.lib.report.rendering import render
from stages.lib.report.results import MODEL
from stages.lib.scoring.predictions import read_predictions
from stages.lib.scoring.published import NOT_AN_F1

EVALUATIONS = Path("data/evaluations")
BASELINES = Path("data/baselines")
EXPLAIN = Path("data/explain")
RAW = Path("data/raw")
PAPER = Path("metrics/paper.csv")
VALIDATION = Path("data/validation.json")
SPLIT = Path("data/split.json")
REPORT = Path("data/report")

CONFUSED_PAIRS = 20


def main() -> None:
    """Writes data/report/: the three files, and the scores and tables that they were made from."""
    params = load_params()
    rows = {MODEL: params.model} | params.tables
    paper = tables.read_paper(PAPER)
    scores = {name: tables.read_scores(EVALUATIONS / name) for name in rows}
    assessments = {name: results.read_assessment(EVALUATIONS / name) for name in rows}
    baselines = results.read_baselines(BASELINES / "baselines.json")
    plots = results.read_plots(EVALUATIONS / MODEL)
    explained = [results.read_explained(EXPLAIN, *item) for item in params.explain.rows.items()]
    validation, split = read_json(VALIDATION), read_json(SPLIT)
    catalog_path = RAW / params.dataset / "catalog.csv"
    catalog = parse_catalog(read_bytes(catalog_path), "the catalog")

    compared = compare(
        read_all_predictions(rows, baselines), MODEL, read_groups(), read_classes(),
        params.evaluate.bootstrap_samples, params.seed,
    )  # fmt: skip
    on_accuracy = compared[compared["metric"] == "accuracy"].set_index("row")
    verdicts = on_accuracy["verdict"].to_dict()
    by_table = tables.results_tables(params.tables, scores, paper)
    of_tables = [for_table([params.tables[result.name] for result in table.results]) for table in by_table]
    to_beat = for_table([params.model])
    pairs = results.confused_pairs(plots.confusion, CONFUSED_PAIRS)
    distributions = about.count_images(catalog, read_manifest())
    files = {
        "the catalog": catalog_path,
        "the images kept": MANIFEST,
        "the split": SPLITS_TABLE,
        "the predictions of the row under study": EVALUATIONS / MODEL / "predictions.csv",
    }
    report = about.origin(
        params.dataset, params.active.catalog, params.active.weights, params.active.max_epochs, params.backbones
    ) | {
        "precisions": sorted({a.features_precision for a in assessments.values() if a.features_precision}),
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
            "settings": grids_model.texts("setting", "value", about.settings(params.model, params.active.max_epochs)),
            "fingerprints": grids_model.texts("what", "SHA-256, first 16 digits", about.fingerprints(files)),
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
            "all_curves": figures_rows.all_curves({name: results.read_curves(EVALUATIONS / name) for name in rows}),
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
    with replacing(REPORT) as directory:
        directory.mkdir()
        collect(list(rows), directory)
        for name, text in zip(("report.md", "report.html", "MODEL_CARD.md"), texts, strict=True):
            write_text(directory / name, text)
    print(f"report: {len(rows)} rows in {REPORT}")


def read_all_predictions(rows: dict[str, Row], baselines: dict[str, Baseline]) -> dict[str, pd.DataFrame]:
    """Reads which class every row and baseline named for every test image."""
    paths = {name: EVALUATIONS / name / "predictions.csv" for name in rows}
    paths |= {name: BASELINES / f"{name}.csv" for name in baselines}
    return {name: read_predictions(path, probabilities=False) for name, path in paths.items()}


def collect(rows: list[str], directory: Path) -> None:
    """Puts what the report was made from beside it, so that one folder holds all that belongs into a commit.

    Predictions stay behind: they are as large as the catalog, times the number of rows.
    """
    left_out = shutil.ignore_patterns("predictions.csv", "scores.json")
    (directory / "scores").mkdir()
    for row in rows:
        shutil.copytree(EVALUATIONS / row, directory / "plots" / row, ignore=left_out)
        shutil.copyfile(EVALUATIONS / row / "scores.json", directory / "scores" / f"{row}.json")
    for path in (BASELINES / "baselines.json", VALIDATION, SPLIT):
        shutil.copyfile(path, directory / path.name)


if __name__ == "__main__":
    run_stage(main)
