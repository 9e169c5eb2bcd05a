"""Stage report: what all rows scored, for whom and how surely, as report.html, report.md and MODEL_CARD.md.

Reads what the other stages wrote and no network, so it runs in seconds. All three files come from the same numbers and
sentences; the page adds the pictures and needs nothing beside itself. `publish` puts them where Git finds them.
"""

import shutil
from pathlib import Path

from stages.lib.baselines.baselines import for_table
from stages.lib.core.errors import run_stage
from stages.lib.core.files import read_bytes, read_json, replacing, write_bytes, write_csv, write_json, write_text
from stages.lib.core.params import load_params
from stages.lib.core.paths import (
    BASELINES,
    CARD,
    EVALUATIONS,
    EXPLAIN,
    MANIFEST,
    PAPER,
    RAW,
    REPORT,
    SCORES,
    SPLIT_SUMMARY,
    SPLITS_TABLE,
    VALIDATION,
)  # fmt: skip
from stages.lib.data.catalog import parse_catalog
from stages.lib.data.manifest import read_classes, read_groups, read_manifest
from stages.lib.report import (
    about,
    drawing,
    figures_calibration,
    figures_data,
    figures_rows,
    pictures,
    results,
    tables,
    thumbnails,
)  # fmt: skip
from stages.lib.report.compare import BETTER, NO_DIFFERENCE, WORSE, compare
from stages.lib.report.rendering import render
from stages.lib.report.results import MODEL
from stages.lib.scoring.bootstrap import LEVEL
from stages.lib.scoring.metrics import shown
from stages.lib.scoring.predictions import read_predictions
from stages.lib.scoring.published import NOT_AN_F1

CONFUSED_PAIRS = 20


def main() -> None:
    """Writes data/report/: the three files, and the scores and tables that they were made from."""
    params = load_params()
    rows = {MODEL: params.model} | params.tables
    paper = results.read_paper(PAPER)
    assessments = {name: results.read_assessment(EVALUATIONS / name) for name in rows}
    curves = {name: results.read_curves(EVALUATIONS / name) for name in rows}
    baselines = read_json(BASELINES / "baselines.json")
    of_model = results.read_tables(EVALUATIONS / MODEL)
    explained = [results.read_explained(EXPLAIN / name, row) for name, row in params.explain.rows.items()]
    catalog_path = RAW / "catalog.csv"
    catalog = parse_catalog(read_bytes(catalog_path), "the catalog")

    predictions = {name: read_predictions(EVALUATIONS / name / "predictions.csv") for name in rows}
    predictions |= {name: read_predictions(BASELINES / f"{name}.csv") for name in baselines}
    compared = compare(
        predictions, MODEL, read_groups(), read_classes(), params.evaluate.bootstrap_samples, params.seed
    )
    verdicts = compared[compared["metric"] == "accuracy"].set_index("row")["verdict"].to_dict()
    by_table = results.by_table(list(params.tables), paper)
    descriptions = {name: about.describe(row, params.active.side_inputs) for name, row in rows.items()}
    model = assessments[MODEL]
    pairs = results.confused_pairs(of_model["confusion"], CONFUSED_PAIRS)
    distributions = about.count_images(catalog, read_manifest())
    files = {
        "the catalog": catalog_path,
        "the images kept": MANIFEST,
        "the split": SPLITS_TABLE,
        "the predictions of the model": EVALUATIONS / MODEL / "predictions.csv",
    }

    def to_beat(names: list[str]) -> dict[str, dict]:
        return {name: baselines[name] for name in for_table([rows[row] for row in names])}

    max_epochs, max_image_size_px = params.active.max_epochs, params.active.max_image_size_px
    capped = params.model.capped(max_epochs, max_image_size_px)
    report = about.origin(
        params.dataset, params.active.catalog, params.active.weights, max_epochs, max_image_size_px, params.backbones
    ) | {
        "precisions": sorted({a["features_precision"] for a in assessments.values() if a["features_precision"]}),
        "level": drawing.LEVEL,
        "alpha": round(1 - LEVEL, 6),
        "calibration_bins": params.evaluate.calibration_bins,
        "outline": thumbnails.LEVEL,
        "thumbnail_px": pictures.THUMBNAIL_PX,
        "one_column": figures_data.ONE_COLUMN,
        "model": model,
        "card": {name: metric.label for name, metric in shown("card").items()},
        "description": descriptions[MODEL],
        "side_inputs": [about.column_label(column) for column in params.model.side_inputs],
        "not_an_f1": NOT_AN_F1,
        "baselines": baselines,
        "verdict_of": verdicts,
        "verdicts": {
            word: [name for name in params.tables if verdicts[name] == word] for word in (BETTER, WORSE, NO_DIFFERENCE)
        },
        "fairness": results.fairness_of(model),
        "validation": (validation := read_json(VALIDATION)),
        "split": (split := read_json(SPLIT_SUMMARY)),
        "explained": [entry.row for entry in explained],
        "mistakes_total": int((of_model["confusion"]["actual"] != of_model["confusion"]["predicted"]).sum()),
        "results": list(by_table),
        "tables": {
            "settings": tables.listed("setting", "value", about.settings(params.model, capped)),
            "fingerprints": tables.listed("what", f"SHA-256, first {about.DIGITS} digits", about.fingerprints(files)),
            "differences": tables.differences(compared),
            "guesses": tables.guesses(assessments),
            "skin_types": tables.skin_types(of_model["skin_types"]),
            "fairness": tables.fairness(model["skin_types"]),
            "fairness_of_rows": tables.fairness_of_rows(assessments),
            "calibration": tables.calibration(assessments),
            "card": tables.card(model, baselines["majority"]),
            "classes": tables.classes(of_model["classes"]),
            "confused": tables.confused(pairs),
            "dropped": tables.listed("reason", "images dropped", validation["dropped"]),
            "types": tables.listed("skin type", "images kept", validation["kept_by_skin_type"]),
            "splits": tables.listed("split", "images", split["images"]),
        }
        | {
            title: tables.results(
                {name: rows[name] for name in names}, descriptions, assessments, paper, to_beat(names), verdicts
            )
            for title, names in by_table.items()
        },
        "figures": {
            "comparison": pictures.comparison(by_table, assessments, paper, to_beat([MODEL])),
            "curves": figures_rows.curves(curves[MODEL]),
            "all_curves": figures_rows.all_curves(curves),
            "reliability": figures_calibration.reliability(of_model["reliability"]),
            "accuracy_by_type": figures_calibration.accuracy_by_type(
                of_model["skin_types"], model["metrics"]["accuracy"]
            ),
            "classes": figures_data.classes(distributions["label"]),
            "skin_types": figures_data.skin_types(distributions["skin_type"]),
        }
        | pictures.by_class(of_model["confusion"], pairs),
    }
    report["random_weights"] = "random" in [report["weights"], *report["own_weights"].values()]
    report |= (
        pictures.photographs(of_model["mistakes"], explained)
        if params.report.show_images
        else {"mistakes": [], "gradcam": []}
    )
    texts = {path: render(f"{path.lower()}.j2", report) for path in ("report.md", "report.html", CARD.name)}
    with replacing(REPORT) as directory:
        directory.mkdir()
        collect(list(rows), directory)
        write_json(directory / SCORES.name, {name: read_json(EVALUATIONS / name / "scores.json") for name in rows})
        write_csv(directory / "plots/curves.csv", results.long_curves(curves), float_format="%.6f")
        for name, text in texts.items():
            write_text(directory / name, text)
    print(f"report: {len(rows)} rows in {REPORT}")


def collect(rows: list[str], directory: Path) -> None:
    """Puts what the report was made from beside it, so that one folder holds all that belongs into a commit.

    Predictions stay behind: they are as large as the catalog, times the number of rows. Curves are in one table.
    """
    left_out = shutil.ignore_patterns("predictions.csv", "scores.json", "curves.csv")
    for row in rows:
        shutil.copytree(EVALUATIONS / row, directory / "plots" / row, ignore=left_out)
    for path in (BASELINES / "baselines.json", VALIDATION, SPLIT_SUMMARY):
        write_bytes(directory / path.name, read_bytes(path))


if __name__ == "__main__":
    run_stage(main)
