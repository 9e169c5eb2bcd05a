"""Stage train: fits one row's network on the training split, watched on the validation split; never sees test."""

import argparse
from pathlib import Path

from stages.lib.backbone import backend
from stages.lib.core.errors import run_stage
from stages.lib.core.files import write_csv
from stages.lib.core.params import load_params, row_name
from stages.lib.core.paths import CHECKPOINTS, MODELS
from stages.lib.data import side_inputs
from stages.lib.data.manifest import read_classes, read_examples
from stages.lib.data.shards import ShardedArray


def main() -> None:
    """Writes models/<row>/: weights, model.json, history.csv, and dvclive's logs under live/."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", required=True, help="`model` or `tables.<row>`")
    key = parser.parse_args().row
    params = load_params()
    row = params.row(key).capped(params.active.max_epochs, params.active.max_image_size_px)
    data = ShardedArray(Path(row.input))
    classes = read_classes()
    train, val = read_examples("train", data), read_examples("val", data)
    sides = side_inputs.fit(params.active.side_inputs, row.side_inputs, train.table)

    backend.start()
    from stages.lib.backbone import origin
    from stages.lib.network import artifact
    from stages.lib.network.batches import Batches
    from stages.lib.train import training
    from stages.lib.train.checkpoint import Checkpoint, run_key

    backbone = origin.read(data.directory) if row.on_features else params.backbone(row.architecture)
    network = artifact.Artifact(row, classes, data.item_shape, sides, backbone)
    model = network.build(params.seed, data)
    training.compile_network(model, row)
    batches = [
        Batches(row, data, part, sides, len(classes), shuffle_seed)
        for part, shuffle_seed in ((train, params.seed), (val, None))
    ]
    examples = [
        [part.keys, part.labels.tolist(), side_inputs.encode(sides, part.table).tolist()] for part in (train, val)
    ]
    checkpoint = Checkpoint(
        CHECKPOINTS / f"{row_name(key)}.npz",
        run_key(model, Path(row.input), row.model_dump(), params.seed, classes, examples),
    )
    directory = MODELS / row_name(key)
    history = training.fit(model, row, *batches, directory / "live", checkpoint)
    write_csv(directory / "history.csv", history, float_format="%.6f")
    artifact.save(directory, model, network)
    checkpoint.remove()
    best = history[history["chosen"] == 1].iloc[0]
    print(
        f"{row_name(key)}: {len(history)} epochs, kept epoch {int(best['epoch'])}: "
        + ", ".join(f"{metric} {best[metric]:.3f}" for metric in ("val_loss", "val_accuracy", "val_f1_weighted"))
    )


if __name__ == "__main__":
    run_stage(main)
