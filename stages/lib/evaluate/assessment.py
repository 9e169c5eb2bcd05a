"""All that is said about one row: from its predictions to assessment.json and the tables beside it.

Needs predictions and the manifest, no network and no TensorFlow, so that it can be repeated anywhere in a second.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from stages.lib.core.files import write_csv, write_json
from stages.lib.core.sections import Evaluate
from stages.lib.evaluate import subgroups
from stages.lib.evaluate.assessment_tables import classes_table, confusion_table, mistakes_table
from stages.lib.scoring import calibration, metrics
from stages.lib.scoring.bootstrap import LEVEL, Resamples, draw, estimate
from stages.lib.scoring.coarse import CoarseClasses, read_coarse_classes
from stages.lib.scoring.evaluated import Evaluated
from stages.lib.scoring.predictions import HIDDEN, Predicted
from stages.lib.scoring.published import f1_published


@dataclass(frozen=True)
class Assessment:
    """What `assess` finds."""

    summary: dict
    """The content of assessment.json."""
    tables: dict[str, pd.DataFrame]
    """The CSV files beside it, by name: confusion, classes, reliability, mistakes and skin_types."""

    @property
    def scores(self) -> dict[str, dict[str, float]]:
        """The content of scores.json, by split: the few metrics for `dvc metrics diff`, without their intervals."""
        found = {"val": self.summary["validation"], "test": self.summary["metrics"]}
        return {split: {name: of[name]["value"] for name in metrics.shown(split)} for split, of in found.items()}

    def write(self, directory: Path) -> None:
        """Writes assessment.json, scores.json and the tables into a directory, which is made."""
        for name, table in self.tables.items():
            write_csv(directory / f"{name}.csv", table, float_format="%.6f")
        write_json(directory / "assessment.json", self.summary)
        write_json(directory / "scores.json", self.scores)


def assess(
    parts: dict[str, Predicted],
    manifest: pd.DataFrame,
    groups: pd.Series,
    classes: list[str],
    batch_size: int,
    settings: Evaluate,
    seed: int,
    features_precision: str | None,
) -> Assessment:
    """Assesses a row.

    Args:
        parts: Its predictions by split: `val`, `test` and, where it takes side inputs, `test_hidden`.
        manifest: Of the kept images.
        groups: Group of every image, by md5hash.
        classes: The catalog's.
        batch_size: The row's; only `f1_published` depends on it, and on the order of the test images.
        settings: Of the section `evaluate`.
        seed: Of the bootstrap.
        features_precision: The number format that its features were computed in, which belongs to the result: `auto`
            is another one on another processor. None: trained from pixels.
    """
    val, test = parts["val"], parts["test"]
    images = manifest.set_index("md5hash").loc[test.keys].reset_index()
    resamples = draw(groups.loc[test.keys].to_numpy(dtype=str), settings.bootstrap_samples, seed)
    temperature = calibration.fit_temperature(val.labels, val.probabilities)
    evaluated = {
        name: _evaluated(parts[split], resamples, temperature, settings.calibration_bins)
        for name, split in (("given", "test"), ("hidden", HIDDEN))
        if split in parts
    }
    given = evaluated["given"]
    grouped = read_coarse_classes(manifest, classes)
    coarse = {column: _coarse(of_classes, given) for column, of_classes in grouped.items()}
    types, type_tables = _by_skin_type(evaluated, images, settings.min_support, seed)
    summary = {
        "images": {split: len(parts[split].keys) for split in ("val", "test")},
        "groups": {split: int(groups.loc[parts[split].keys].nunique()) for split in ("val", "test")},
        "classes": len(classes),
        "features_precision": features_precision,
        "interval": {"level": LEVEL, "samples": settings.bootstrap_samples, "unit": "group"},
        "validation": metrics.estimates(_validation(val, groups, settings, seed), metrics.shown("val")),
        "metrics": metrics.estimates(given),
        "temperature": round(temperature, 4),
        "f1_published": round(f1_published(test.labels, test.probabilities, batch_size), 6),
        "batch_size": batch_size,
        "coarse_classes": {
            column: {"classes": part.n_classes, "metrics": metrics.estimates(part)} for column, part in coarse.items()
        },
        "skin_types": types,
        "hidden": _hidden(given, evaluated["hidden"]) if "hidden" in evaluated else None,
    }
    right = test.labels == test.predicted
    reliability = [
        calibration.reliability(right, probabilities.max(axis=1), settings.calibration_bins).assign(calibration=name)
        for name, probabilities in (("before", given.probabilities), ("after", given.scaled))
    ]
    tables = {
        "confusion": confusion_table(test, classes, grouped, coarse),
        "classes": pd.concat(
            [
                classes_table("label", classes, given),
                *(classes_table(column, grouped[column].names, part) for column, part in coarse.items()),
            ]
        ),
        "reliability": pd.concat(reliability),
        "mistakes": mistakes_table(test, images, classes, settings.mistakes),
        "skin_types": type_tables,
    }
    return Assessment(summary, tables)


def _validation(val: Predicted, groups: pd.Series, settings: Evaluate, seed: int) -> Evaluated:
    resamples = draw(groups.loc[val.keys].to_numpy(dtype=str), settings.bootstrap_samples, seed)
    return Evaluated(resamples, val.labels, val.predicted, val.probabilities.shape[1], val.probabilities)


def _evaluated(part: Predicted, resamples: Resamples, temperature: float, n_bins: int) -> Evaluated:
    scaled = calibration.scale(part.probabilities, temperature)
    n_classes = part.probabilities.shape[1]
    return Evaluated(resamples, part.labels, part.predicted, n_classes, part.probabilities, scaled, n_bins)


def _coarse(grouped: CoarseClasses, images: Evaluated) -> Evaluated:
    """Returns the same images by coarse class; the predicted one has the largest summed probability."""
    predicted = grouped.probabilities(images.probabilities).argmax(axis=1)
    return Evaluated(images.resamples, grouped.numbers[images.labels], predicted, len(grouped.names))


def _by_skin_type(
    evaluated: dict[str, Evaluated], images: pd.DataFrame, min_support: int, seed: int
) -> tuple[list[dict], pd.DataFrame]:
    """Scores by skin type for both ratings, at both levels, with the side inputs given and hidden."""
    summaries, tables = [], []
    for rating, skin_types in subgroups.read_ratings(images).items():
        for name, part in evaluated.items():
            for level in subgroups.LEVELS:
                members = subgroups.members(skin_types, level)
                which = {"rating": rating, "input": name, "level": level}
                summaries.append(which | subgroups.summarise(part, members, min_support, seed))
                tables.append(pd.DataFrame([which | line for line in subgroups.by_group(part, members)]))
    return summaries, pd.concat(tables)


def _hidden(given: Evaluated, hidden: Evaluated) -> dict:
    """Says what the metrics are with all side inputs hidden, and by how much they differ on the same images."""
    resamples, before, after = given.resamples, metrics.measure(given), metrics.measure(hidden)
    return {
        "metrics": {name: metrics.METRICS[name].estimate(resamples, *found) for name, found in after.items()},
        "difference": {
            name: estimate(value - before[name][0], resamples.interval(replicates - before[name][1]))
            for name, (value, replicates) in after.items()
        },
    }
