"""Stage evaluate: scores one trained row on the test split and keeps every prediction."""

import argparse
from pathlib import Path

import pandas as pd

from stages.lib import backend, warm
from stages.lib.errors import run_stage
from stages.lib.files import write_csv, write_json
from stages.lib.manifest import read_classes, read_examples
from stages.lib.params import load_params, row_name
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
    test = read_examples("test", data)

    backend.start()
    from stages.lib import artifact
    from stages.lib.batches import Batches

    model, network = artifact.load(Path("models") / name, classes)
    batches = Batches(network.row, data, test.positions, test.labels, test.skin_types, len(classes))
    probabilities = model.predict(batches, verbose=0)

    scores = score(test.labels, probabilities)
    labels = pd.Series(classes)
    predicted = labels.iloc[probabilities.argmax(axis=1)].to_numpy()
    table = pd.DataFrame({"md5hash": test.keys, "label": labels.iloc[test.labels].to_numpy(), "predicted": predicted})
    confusion = table[["label", "predicted"]].rename(columns={"label": "actual"})
    shares = pd.DataFrame(probabilities, columns=[f"p_{label}" for label in classes])
    plots = Path("metrics/plots") / name
    write_csv(Path("data/predictions") / f"{name}.csv", pd.concat([table, shares], axis=1), float_format="%.6g")
    write_csv(plots / "confusion.csv", confusion)
    write_csv(plots / "curves.csv", pd.read_csv(Path("models") / name / "history.csv"), float_format="%.6f")
    write_json(Path("metrics/scores") / f"{name}.json", scores)
    print(f"{name}: " + ", ".join(f"{metric} {value:.3f}" for metric, value in scores.items()))


if __name__ == "__main__":
    warm.hand_over()
    run_stage(main)
