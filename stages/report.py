"""Stage report: what all rows scored, for whom and how surely, as report.html, report.md and MODEL_CARD.md.

Reads what the other stages wrote and no network, so it runs in seconds. All three files come from the same numbers and
sentences; the page adds the pictures and needs nothing beside itself. `publish` puts them where Git finds them.
"""

import shutil
from pathlib import Path

from stages.lib.baselines.baselines import MAJORITY, for_table
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
from stages.lib.data.manifest import read_classes, read_groups, read_manifest
from stages.lib.report import about, charted, charts, pictures, results, tables, thumbnails
from stages.lib.report.rendering import render
from stages.lib.report.results import MODEL
from stages.lib.scoring.bootstrap import LEVEL
from stages.lib.scoring.compare import BETTER, NO_DIFFERENCE, WORSE, compare
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
    model = assessments[MODEL]
    curves = {name: results.read_curves(EVALUATIONS / name) for name in rows}
    baselines = read_json(BASELINES / "baselines.json")
    of_model = results.read_tables(EVALUATIONS / MODEL)
    explained = [results.read_explained(EXPLAIN / name, row) for name, row in params.explain.rows.items()]
    validation, split, manifest = read_json(VALIDATION), read_json(SPLIT_SUMMARY), read_manifest()

    predictions = {name: read_predictions(EVALUATIONS / name / "predictions.csv") for name in rows}
    predictions |= {name: read_predictions(BASELINES / f"{name}.csv") for name in baselines}
    compared = compare(
        predictions, MODEL, read_groups(), read_classes(), params.evaluate.bootstrap_samples, params.seed
    )
    verdicts = compared[compared["metric"] == "accuracy"].set_index("row")["verdict"].to_dict()
    by_table = results.by_table(list(params.tables), paper)
    descriptions = {name: about.describe(row, params.active.side_inputs) for name, row in rows.items()}
    types = of_model["skin_types"]
    main_types = types[(types["rating"] == "fitzpatrick_scale") & (types["level"] == "type")]
    pairs = results.confused_pairs(of_model["confusion"], CONFUSED_PAIRS)
    training, top_loss = charted.training(curves)
    files = {
        "the catalog": RAW / "catalog.csv",
        "the images kept": MANIFEST,
        "the split": SPLITS_TABLE,
        "the predictions of the model": EVALUATIONS / MODEL / "predictions.csv",
    }

    def scored(names: list[str]) -> tables.Table:
        to_beat = {name: baselines[name] for name in for_table([rows[row] for row in names])}
        return tables.results({name: descriptions[name] for name in names}, assessments, to_beat, verdicts)

    max_epochs, max_image_size_px = params.active.max_epochs, params.active.max_image_size_px
    capped = params.model.capped(max_epochs, max_image_size_px)
    report = about.origin(
        params.dataset, params.active.catalog, params.active.weights, max_epochs, max_image_size_px, params.backbones
    )
    comparable = paper if report["comparable"] else None
    references = {
        "the most common class" if name == MAJORITY else "the nearest class mean": baselines[name]["metrics"][
            "accuracy"
        ]
        for name in for_table([params.model])
    }
    report |= {
        "random_weights": "random" in [report["weights"], *report["own_weights"].values()],
        "precisions": sorted({a["features_precision"] for a in assessments.values() if a["features_precision"]}),
        "level": f"{LEVEL:.0%}".replace("%", " %"),
        "alpha": round(1 - LEVEL, 6),
        "calibration_bins": params.evaluate.calibration_bins,
        "outline": thumbnails.LEVEL,
        "thumbnail_px": pictures.THUMBNAIL_PX,
        "model": model,
        "card": {name: metric.label for name, metric in shown("card").items()},
        "description": descriptions[MODEL],
        "side_inputs": [about.column_label(column) for column in params.model.side_inputs],
        "not_an_f1": NOT_AN_F1,
        "baselines": baselines,
        "references": list(references),
        "verdict_of": verdicts,
        "verdicts": {
            word: [name for name in params.tables if verdicts[name] == word] for word in (BETTER, WORSE, NO_DIFFERENCE)
        },
        "fairness": results.fairness_of(model),
        "validation": validation,
        "split": split,
        "mistakes_total": int((of_model["confusion"]["actual"] != of_model["confusion"]["predicted"]).sum()),
        "results": list(by_table),
        "matrix": results.matrix(of_model["confusion"]),
        "training": training,
        "top_loss": top_loss,
        "reliability": charts.reliability(of_model["reliability"]),
        "tables": {
            "comparison": charted.comparison(assessments, comparable, references, verdicts),
            "types": charted.skin_types(main_types, model["metrics"]["accuracy"]["value"]),
            "main_types": tables.skin_types(main_types),
            "skin_types": tables.skin_types(types),
            "fairness": tables.fairness(model["skin_types"]),
            "fairness_of_rows": tables.fairness_of_rows(assessments),
            "dropped": charted.dropped(validation),
            "kept_types": charted.kept(validation["per_skin_type"], "skin_type"),
            "kept_classes": charted.kept(validation["per_class"], "class"),
            "mean_types": charted.mean_types(manifest),
            "copies": charted.copies(split["copies_recall"]),
            "differences": charted.differences(compared),
            "other_differences": tables.differences(compared),
            "calibration": tables.calibration(assessments),
            "all": tables.summary(scored(list(rows)), comparable),
            "beside_paper": tables.beside_paper(assessments, paper),
            "guesses": tables.guesses(assessments),
            "classes": tables.classes(of_model["classes"]),
            "confused": charted.confused(pairs),
            "settings": tables.listed("setting", "value", about.settings(params.model, capped)),
            "fingerprints": tables.listed("what", f"SHA-256, first {about.DIGITS} digits", about.fingerprints(files)),
            "card": tables.card(model, baselines[MAJORITY]),
            "kept": tables.listed("skin type", "images kept", validation["kept_by_skin_type"]),
        }
        | {title: scored(names) for title, names in by_table.items()},
    }
    report |= (
        pictures.photographs(of_model["mistakes"], explained, params.seed)
        if params.report.show_images
        else {"samples": [], "mistakes": [], "gradcam": []}
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
