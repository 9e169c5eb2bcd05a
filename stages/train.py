"""Stage train: fits one row's network on the training split, watched on the validation split; never sees test."""

import argparse
from pathlib import Path

from stages.lib.backbone import backend
from stages.lib.core.errors import run_stage
from stages.lib.core.files import write_csv
from stages.lib.core.params import load_params, row_name
from stages.lib.core.sections import TENSORS
from stages.lib.data.manifest import read_classes, read_examples
from stages.lib.data.shards import ShardedArray

CHECKPOINTS = Path("data/checkpoints")
"""Ignored by Git and unknown to DVC, which removes a stage's outs before it runs; empty but for killed trainings."""


def main() -> None:
    """Writes models/<row>/: weights, model.json, history.csv, and dvclive's logs under live/."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", required=True, help="`model` or `tables.<row>`")
    key = parser.parse_args().row
    params = load_params()
    row = params.row(key)
    epochs = row.epochs
    if row.input == TENSORS:
        epochs = min(epochs, params.active.max_epochs or epochs)
    data = ShardedArray(Path(row.input))
    classes = read_classes()
    train, val = read_examples("train", data), read_examples("val", data)

    backend.start()
    from stages.lib.network import artifact
    from stages.lib.network.batches import Batches
    from stages.lib.train import training
    from stages.lib.train.checkpoint import Checkpoint, run_key

    network = artifact.Artifact(
        row, classes, data.item_shape, params.backbone(row.architecture) if row.input == TENSORS else None
    )
    model = network.build(params.seed)
    training.compile_network(model, row)
    batches = [
        Batches(row, data, part.positions, part.labels, part.skin_types, len(classes), shuffle_seed)
        for part, shuffle_seed in ((train, params.seed), (val, None))
    ]
    examples = [[part.keys, part.labels.tolist(), part.skin_types.tolist()] for part in (train, val)]
    checkpoint = Checkpoint(
        CHECKPOINTS / f"{row_name(key)}.npz",
        run_key(model, Path(row.input), row.model_dump(), epochs, params.seed, classes, examples),
    )
    directory = Path("models") / row_name(key)
    history = training.fit(model, row, *batches, epochs, directory / "live", checkpoint)
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
