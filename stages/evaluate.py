"""Stage evaluate: predicts validation and test with one trained row, keeps every prediction and assesses them."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from stages.lib.backbone import backend
from stages.lib.core.errors import run_stage
from stages.lib.core.files import read_json, replacing
from stages.lib.core.params import load_params, row_name
from stages.lib.core.sections import TENSORS
from stages.lib.core.words import UNKNOWN_TYPE
from stages.lib.data.manifest import read_classes, read_examples, read_groups, read_manifest
from stages.lib.data.shards import ShardedArray
from stages.lib.evaluate.assessment import assess
from stages.lib.evaluate.evaluation import write_evaluation
from stages.lib.scoring.predictions import TYPE_UNKNOWN, Predicted

EVALUATIONS = Path("data/evaluations")


def main() -> None:
    """Writes data/evaluations/<row>/: scores.json, assessment.json, predictions.csv and other tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", required=True, help="`model` or `tables.<row>`")
    name = row_name(parser.parse_args().row)
    params = load_params()
    classes = read_classes()

    backend.start()
    from stages.lib.network import artifact
    from stages.lib.network.batches import Batches

    # the row is the one that was trained, and it says what its input is
    model, network = artifact.load(Path("models") / name, classes)
    data = ShardedArray(Path(network.row.input))
    examples = {"val": read_examples("val", data), "test": read_examples("test", data)}
    # what it costs not to know the skin type: the test images again, all of unknown type
    inputs = {split: (images, images.skin_types) for split, images in examples.items()}
    if network.row.skin_type_input:
        inputs[TYPE_UNKNOWN] = examples["test"], np.full_like(examples["test"].skin_types, UNKNOWN_TYPE)
    parts = {}
    for split, (images, skin_types) in inputs.items():
        batches = Batches(network.row, data, images.positions, images.labels, skin_types, len(classes))
        parts[split] = Predicted(images.keys, images.labels, model.predict(batches, verbose=0))

    precision = None if network.row.input == TENSORS else read_json(data.directory / "backbone.json")["precision"]
    assessment = assess(
        parts, read_manifest(), read_groups(), classes, network.row.batch_size, params.evaluate, params.seed, precision
    )
    history = pd.read_csv(Path("models") / name / "history.csv")
    with replacing(EVALUATIONS / name) as directory:
        write_evaluation(directory, parts, classes, assessment, history)
    print(f"{name}: " + ", ".join(f"{metric} {value:.3f}" for metric, value in assessment.scores.items()))


if __name__ == "__main__":
    run_stage(main)
