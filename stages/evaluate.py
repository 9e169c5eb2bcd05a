"""Stage evaluate: predicts validation and test with one trained row, keeps every prediction and assesses them."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from stages.lib import backend
from stages.lib.assessment import assess
from stages.lib.catalog import UNKNOWN_TYPE
from stages.lib.errors import run_stage
from stages.lib.files import write_csv, write_json
from stages.lib.manifest import read_classes, read_examples, read_groups, read_manifest
from stages.lib.params import load_params, row_name
from stages.lib.predictions import TYPE_UNKNOWN, Predicted, write_predictions
from stages.lib.scores import score
from stages.lib.shards import ShardedArray


def main() -> None:
    """Writes metrics/scores/<row>.json, metrics/plots/<row>/ and data/predictions/<row>.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", required=True, help="`model` or `tables.<row>`")
    key = parser.parse_args().row
    params = load_params()
    name = row_name(key)
    data = ShardedArray(Path(params.row(key).input))
    classes = read_classes()
    examples = {"val": read_examples("val", data), "test": read_examples("test", data)}

    backend.start()
    from stages.lib import artifact
    from stages.lib.batches import Batches

    model, network = artifact.load(Path("models") / name, classes)
    # what it costs not to know the skin type: the test images again, all of unknown type
    inputs = {split: (images, images.skin_types) for split, images in examples.items()}
    if network.row.skin_type_input:
        inputs[TYPE_UNKNOWN] = examples["test"], np.full_like(examples["test"].skin_types, UNKNOWN_TYPE)
    parts = {}
    for split, (images, skin_types) in inputs.items():
        batches = Batches(network.row, data, images.positions, images.labels, skin_types, len(classes))
        parts[split] = Predicted(images.keys, images.labels, model.predict(batches, verbose=0))

    scores = score(parts["test"].labels, parts["test"].probabilities)
    assessment = assess(
        parts, read_manifest(), read_groups(), classes, network.row.batch_size, params.evaluate, params.seed
    )
    plots = Path("metrics/plots") / name
    write_predictions(Path("data/predictions") / f"{name}.csv", parts, classes)
    for table, content in assessment.tables.items():
        write_csv(plots / f"{table}.csv", content, float_format="%.6f")
    write_json(plots / "assessment.json", assessment.summary)
    write_csv(plots / "curves.csv", pd.read_csv(Path("models") / name / "history.csv"), float_format="%.6f")
    write_json(Path("metrics/scores") / f"{name}.json", scores)
    print(f"{name}: " + ", ".join(f"{metric} {value:.3f}" for metric, value in scores.items()))


if __name__ == "__main__":
    run_stage(main)
