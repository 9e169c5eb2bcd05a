"""All that is said about one row: from its predictions to assessment.json and the tables beside it.

Needs predictions and the manifest, no network and no TensorFlow, so that it can be repeated anywhere in a second.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from stages.lib.core.sections import Evaluate
from stages.lib.evaluate import calibration, subgroups
from stages.lib.evaluate.assessment_tables import classes_table, confusion_table, first, mistakes_table
from stages.lib.scoring import counts
from stages.lib.scoring.bootstrap import LEVEL, Resamples, draw, estimate
from stages.lib.scoring.partitions import Partition, read_partitions
from stages.lib.scoring.predictions import HIDDEN, Predicted
from stages.lib.scoring.published import f1_published

TOP = (3, 5)
HIDDEN_METRICS = ("accuracy", "balanced_accuracy", "f1_weighted", "f1_macro", "loss")


@dataclass(frozen=True)
class Assessment:
    """What `assess` finds."""

    summary: dict
    """The content of assessment.json."""
    tables: dict[str, pd.DataFrame]
    """confusion, classes, reliability, mistakes and skin_types: the content of the CSV files so named."""


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
        parts: Its predictions by split: `val`, `test` and, where it takes the skin type, `test_hidden`.
        manifest: Of the kept images.
        groups: Group of every image, by md5hash.
        classes: The catalog's.
        batch_size: The row's; only `f1_published` depends on it, and on the order of the test images.
        settings: Of the section `evaluate`.
        seed: Of the bootstrap.
        features_precision: The number format that its features were computed in, which belongs to the result: `auto`
            is another one on another processor. None: trained from pixels.
    """
    val, test, n_classes = parts["val"], parts["test"], len(classes)
    images = manifest.set_index("md5hash").loc[test.keys].reset_index()
    of_image = groups.loc[test.keys].to_numpy(dtype=str)
    resamples = draw(of_image, settings.bootstrap_samples, seed)
    temperature = calibration.fit_temperature(val.labels, val.probabilities)
    right = test.labels == test.predicted
    scaled = calibration.scale(test.probabilities, temperature)
    confidences = {"before": test.probabilities.max(axis=1), "after": scaled.max(axis=1)}
    bins = settings.calibration_bins

    metrics = counts.estimates(resamples, test.labels, test.predicted, n_classes)
    place = places(test.labels, test.probabilities)
    for k in TOP:
        metrics[f"top_{k}"] = estimate(float((place < k).mean()), resamples.share_interval(place < k))
    for name, probabilities in (("loss", test.probabilities), ("loss_scaled", scaled)):
        metrics[name] = _mean(resamples, calibration.image_losses(test.labels, probabilities))
    for name, values in (("ece", confidences["before"]), ("ece_scaled", confidences["after"])):
        error = calibration.expected_calibration_error(right, values, bins)
        metrics[name] = estimate(error, calibration.calibration_interval(resamples, right, values, bins))

    partitions = read_partitions(manifest, classes)
    coarse = {column: _coarse(partition, test) for column, partition in partitions.items()}
    types, type_tables = _by_skin_type(parts, images, resamples, n_classes, settings.min_support, seed)
    summary = {
        "images": {split: len(parts[split].keys) for split in ("val", "test")},
        "groups": {split: int(groups.loc[parts[split].keys].nunique()) for split in ("val", "test")},
        "classes": n_classes,
        "features_precision": features_precision,
        "interval": {"level": LEVEL, "samples": settings.bootstrap_samples, "unit": "group"},
        "metrics": metrics,
        "temperature": round(temperature, 4),
        "f1_published": round(f1_published(test.labels, test.probabilities, batch_size), 6),
        "batch_size": batch_size,
        "partitions": {
            column: {
                "classes": len(partition.names),
                "metrics": counts.estimates(resamples, *coarse[column], len(partition.names)),
            }
            for column, partition in partitions.items()
        },
        "skin_types": types,
        "type_hidden": _hidden(resamples, test, parts[HIDDEN], n_classes) if HIDDEN in parts else None,
    }
    by_class = [classes_table("label", classes, test.labels, test.predicted)]
    by_class += [classes_table(column, partitions[column].names, *coarse[column]) for column in partitions]
    reliability = [
        calibration.reliability(right, values, bins).assign(calibration=name) for name, values in confidences.items()
    ]
    tables = {
        "confusion": confusion_table(test, classes, partitions, coarse),
        "classes": pd.concat(by_class, ignore_index=True),
        "reliability": first("calibration", pd.concat(reliability, ignore_index=True)),
        "mistakes": mistakes_table(test, images, classes, settings.mistakes),
        "skin_types": type_tables,
    }
    return Assessment(summary, tables)


def places(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Returns the place of the true class among the classes by probability, int `(n,)`, 0 the first.

    Of equally probable classes the one further up in the list comes first, as `argmax` has it: the share of images in
    place 0 is the accuracy.
    """
    true = probabilities[np.arange(len(labels)), labels][:, None]
    before = np.arange(probabilities.shape[1]) < labels[:, None]
    return ((probabilities > true) | ((probabilities == true) & before)).sum(axis=1)


def _mean(resamples: Resamples, values: np.ndarray) -> dict[str, float | None]:
    return estimate(float(values.mean()), resamples.interval(resamples.means(values)))


def _coarse(partition: Partition, test: Predicted) -> tuple[np.ndarray, np.ndarray]:
    """Returns true and predicted partition of every image; predicted is the one with the largest summed probability."""
    return partition.numbers[test.labels], partition.probabilities(test.probabilities).argmax(axis=1)


def _by_skin_type(
    parts: dict[str, Predicted], images: pd.DataFrame, resamples: Resamples, n_classes: int, min_support: int, seed: int
) -> tuple[list[dict], pd.DataFrame]:
    """Scores by skin type for both ratings, at both levels, with the type given and hidden."""
    inputs = {"given": parts["test"]} | ({"hidden": parts[HIDDEN]} if HIDDEN in parts else {})
    summaries, tables = [], []
    for rating, skin_types in subgroups.read_ratings(images).items():
        for name, part in inputs.items():
            rated = subgroups.Rated(resamples, part.labels, part.predicted, n_classes, skin_types, seed)
            for level in subgroups.LEVELS:
                which = {"rating": rating, "input": name, "level": level}
                summaries.append(which | subgroups.summarise(rated, level, min_support))
                tables.append(first(list(which), subgroups.by_group(rated, level).assign(**which)))
    return summaries, pd.concat(tables, ignore_index=True)


def _hidden(resamples: Resamples, given: Predicted, hidden: Predicted, n_classes: int) -> dict:
    """Says what the metrics are with the skin type set to unknown, and by how much they differ on the same images."""
    values, replicates = [], []
    for part in (given, hidden):
        losses = calibration.image_losses(part.labels, part.probabilities)
        counted = counts.count(part.labels, part.predicted, n_classes)
        moved = counts.count_resamples(resamples, part.labels, part.predicted, n_classes)
        values.append(counts.averages(counted) | {"loss": losses.mean()})
        replicates.append(counts.averages(moved) | {"loss": resamples.means(losses)})
    metrics, difference = {}, {}
    for name in HIDDEN_METRICS:
        value = float(values[1][name])
        metrics[name] = estimate(value, counts.interval(resamples, name, replicates[1][name], value))
        between = resamples.interval(replicates[1][name] - replicates[0][name])
        difference[name] = estimate(float(values[1][name] - values[0][name]), between)
    return {"metrics": metrics, "difference": difference}
