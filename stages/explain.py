"""Stage explain: Grad-CAM of one row's network for a few test images, the same ones for every architecture."""

import argparse

import numpy as np
import pandas as pd

from stages.lib.backbone import backend
from stages.lib.core.errors import run_stage
from stages.lib.core.files import replacing, write_csv
from stages.lib.core.params import load_params
from stages.lib.core.paths import EXPLAIN, MODELS, TENSORS
from stages.lib.data import side_inputs
from stages.lib.data.manifest import Examples, read_classes, read_examples
from stages.lib.data.shards import ShardedArray

MAPS = "maps.npy"
EXPLAINED = "explained.csv"


def main() -> None:
    """Writes data/explain/<architecture>/: maps.npy (float16, one map per image) and explained.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", required=True, help="the name of a row of `tables`")
    name = parser.parse_args().row
    params = load_params()
    tensors = ShardedArray(TENSORS)
    classes = read_classes()
    test = read_examples("test", tensors)
    chosen = choose(test, params.explain.images)
    images = tensors.gather(test.positions[chosen])

    backend.start()
    from stages.lib.explain import gradcam
    from stages.lib.network import artifact

    model, network = artifact.load_on_pixels(MODELS / name, classes)
    sides = side_inputs.encode(network.side_inputs, test.table.iloc[chosen])
    maps, probabilities = gradcam.class_maps(gradcam.cut(model), images, sides)

    named = probabilities.argmax(axis=1)
    table = pd.DataFrame(
        {
            "md5hash": [test.keys[place] for place in chosen],
            "label": [classes[number] for number in test.labels[chosen]],
            "predicted": [classes[number] for number in named],
            "probability": probabilities[np.arange(len(named)), named],
        }
    )
    with replacing(EXPLAIN / network.row.architecture) as directory:
        directory.mkdir()
        np.save(directory / MAPS, maps.astype(np.float16))
        write_csv(directory / EXPLAINED, table, float_format="%.4f")
    print(f"explain: {name}, {len(table)} test images, maps of {maps.shape[1]} x {maps.shape[2]}")


def choose(test: Examples, count: int) -> np.ndarray:
    """Picks test images without looking at what any network made of them: of many classes, the most common first.

    Args:
        test: The test images.
        count: How many; all of them if there are fewer.

    Returns:
        int64 places in `test`. The first image of every class comes before the second of any; which image is first is
        decided by its md5hash.
    """
    table = pd.DataFrame({"key": test.keys, "label": test.labels}).sort_values("key")
    table["rank"] = table.groupby("label").cumcount()
    table["size"] = table.groupby("label")["key"].transform("size")
    ordered = table.sort_values(["rank", "size", "label"], ascending=[True, False, True], kind="stable")
    return ordered.index.to_numpy(np.int64)[:count]


if __name__ == "__main__":
    run_stage(main)
