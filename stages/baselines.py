"""Stage baselines: what the rows of every table have to beat, on the same test images."""

from pathlib import Path

import numpy as np
import pandas as pd

from stages.lib.baselines.baselines import MAJORITY, class_shares, describe, mean_name, nearest_class_mean
from stages.lib.core.errors import run_stage
from stages.lib.core.files import write_csv, write_json
from stages.lib.core.params import load_params
from stages.lib.core.paths import BASELINES
from stages.lib.core.registry import BACKBONES
from stages.lib.core.sections import features_dir
from stages.lib.data.manifest import read_classes, read_examples, read_groups
from stages.lib.data.shards import ShardedArray
from stages.lib.scoring.bootstrap import draw
from stages.lib.scoring.evaluated import Evaluated
from stages.lib.scoring.metrics import estimates


def main() -> None:
    """Writes data/baselines/<name>.csv and baselines.json beside them."""
    params = load_params()
    classes = read_classes()
    features = {name: ShardedArray(Path(features_dir(name))) for name in BACKBONES}
    any_data = next(iter(features.values()))
    train, test = read_examples("train", any_data), read_examples("test", any_data)
    shares = class_shares(train.labels, len(classes))

    predicted = {MAJORITY: np.full(len(test.labels), shares.argmax())}
    for name, data in features.items():
        places = data.positions(train.keys), data.positions(test.keys)
        means = nearest_class_mean(data, places[0], train.labels, places[1], len(classes), name)
        predicted[mean_name(name)] = means

    names = np.array(classes)
    resamples = draw(read_groups().loc[test.keys].to_numpy(), params.evaluate.bootstrap_samples, params.seed)
    results = {}
    for baseline, numbers in predicted.items():
        keys = {"md5hash": test.keys, "split": "test", "label": names[test.labels], "predicted": names[numbers]}
        write_csv(BASELINES / f"{baseline}.csv", pd.DataFrame(keys))
        # the majority's probabilities are the shares of the classes in training
        probabilities = np.tile(shares, (len(numbers), 1)) if baseline == MAJORITY else None
        images = Evaluated(
            resamples, test.labels, numbers, len(classes), probabilities, n_bins=params.evaluate.calibration_bins
        )
        description = describe(baseline, classes[shares.argmax()])
        results[baseline] = {"description": description, "metrics": estimates(images)}
    write_json(BASELINES / "baselines.json", results)
    accuracies = (f"{name} {result['metrics']['accuracy']['value']:.3f}" for name, result in results.items())
    print("baselines: accuracy " + ", ".join(accuracies))


if __name__ == "__main__":
    run_stage(main)
