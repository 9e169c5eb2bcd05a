"""Stage evaluate: predicts validation and test with one trained row, keeps every prediction and assesses them."""

import argparse
from pathlib import Path

import pandas as pd

from stages.lib.backbone import backend
from stages.lib.core.errors import run_stage
from stages.lib.core.files import replacing, write_csv
from stages.lib.core.params import load_params
from stages.lib.core.paths import EVALUATIONS, MODELS
from stages.lib.data.manifest import read_classes, read_examples, read_groups, read_manifest
from stages.lib.data.shards import ShardedArray
from stages.lib.evaluate.assessment import assess
from stages.lib.scoring.predictions import HIDDEN, Predicted, write_predictions


def main() -> None:
    """Writes data/evaluations/<row>/: scores.json, assessment.json, predictions.csv and other tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", required=True, help="`model`, or the name of a row of `tables`")
    name = parser.parse_args().row
    params = load_params()
    classes = read_classes()

    backend.start()
    from stages.lib.network import artifact
    from stages.lib.network.batches import Batches

    # the row is the one that was trained, and it says what its input is
    model, network = artifact.load(MODELS / name, classes)
    data = ShardedArray(Path(network.row.input))
    examples = {"val": read_examples("val", data), "test": read_examples("test", data)}
    if network.side_inputs:
        # what it costs not to know them: the test images again, with all side inputs unknown
        examples[HIDDEN] = examples["test"]
    parts = {}
    for split, images in examples.items():
        batches = Batches(network.row, data, images, network.side_inputs, len(classes), hide_sides=split == HIDDEN)
        parts[split] = Predicted(images.keys, images.labels, model.predict(batches, verbose=0))

    assessment = assess(
        parts, read_manifest(), read_groups(), classes, network.row.batch_size, params.evaluate, params.seed,
        features_precision=network.backbone and network.backbone.precision,
    )  # fmt: skip
    with replacing(EVALUATIONS / name) as directory:
        write_predictions(directory / "predictions.csv", parts, classes)
        assessment.write(directory)
        write_csv(directory / "curves.csv", pd.read_csv(MODELS / name / "history.csv"), float_format="%.6f")
    shown = (f"{metric} {value:.3f}" for metric, value in assessment.scores["val"].items())
    print(f"{name}: on validation images " + ", ".join(shown))


if __name__ == "__main__":
    run_stage(main)
