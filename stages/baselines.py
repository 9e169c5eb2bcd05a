"""Stage baselines: what the rows of every table have to beat, on the same test images."""

from pathlib import Path

import numpy as np
import pandas as pd

from stages.lib.baselines.baselines import MAJORITY, class_shares, mean_name, nearest_class_mean
from stages.lib.core.errors import run_stage
from stages.lib.core.files import write_csv, write_json
from stages.lib.core.params import load_params
from stages.lib.core.registry import BACKBONES
from stages.lib.core.sections import features_dir
from stages.lib.data.manifest import read_classes, read_examples, read_groups
from stages.lib.data.shards import ShardedArray
from stages.lib.scoring import counts
from stages.lib.scoring.bootstrap import draw

PREDICTIONS = Path("data/baselines")
METRICS = PREDICTIONS / "baselines.json"


def main() -> None:
    """Writes data/baselines/<name>.csv and baselines.json beside them."""
    params = load_params()
    classes = read_classes()
    features = {name: ShardedArray(Path(features_dir(name))) for name in BACKBONES}
    any_data = next(iter(features.values()))
    train, test = read_examples("train", any_data), read_examples("test", any_data)
    shares = class_shares(train.labels, len(classes))
    commonest = int(shares.argmax())

    predicted = {MAJORITY: np.full(len(test.labels), commonest)}
    about = {
        MAJORITY: {
            "kind": "majority",
            "features": None,
            "predicts": classes[commonest],
            # a class that no training image has would cost without end: as rare as one image at most
            "loss": float(-np.log(np.maximum(shares[test.labels], 1 / len(train.labels))).mean()),
        }
    }
    for name, data in features.items():
        places = data.positions(train.keys), data.positions(test.keys)
        baseline = mean_name(name)
        predicted[baseline] = nearest_class_mean(data, places[0], train.labels, places[1], len(classes), name)
        kind = {"kind": "nearest class mean", "features": features_dir(name), "predicts": None, "loss": None}
        about[baseline] = kind

    names = np.array(classes)
    resamples = draw(read_groups().loc[test.keys].to_numpy(), params.evaluate.bootstrap_samples, params.seed)
    results = {}
    for baseline, numbers in predicted.items():
        keys = {"md5hash": test.keys, "split": "test", "label": names[test.labels], "predicted": names[numbers]}
        write_csv(PREDICTIONS / f"{baseline}.csv", pd.DataFrame(keys))
        results[baseline] = about[baseline] | {
            "metrics": counts.estimates(resamples, test.labels, numbers, len(classes))
        }
    write_json(METRICS, results)
    accuracies = (f"{name} {result['metrics']['accuracy']['value']:.3f}" for name, result in results.items())
    print("baselines: accuracy " + ", ".join(accuracies))


if __name__ == "__main__":
    run_stage(main)
