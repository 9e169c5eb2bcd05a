"""Training a row's network: optimiser, early stopping, live logs, history."""

from pathlib import Path

import keras
import numpy as np
import pandas as pd
from dvclive import Live
from dvclive.keras import DVCLiveCallback
from tqdm.keras import TqdmCallback

from stages.lib.batches import Batches
from stages.lib.errors import PipelineError
from stages.lib.params import Row

OPTIMIZERS = {"adam": keras.optimizers.Adam, "rmsprop": keras.optimizers.RMSprop, "sgd": keras.optimizers.SGD}


def compile_network(model: keras.Model, row: Row) -> None:
    """Gives a network the row's optimiser, categorical cross-entropy, and the metrics of the tables.

    Keras' `F1Score` counts over the whole epoch before it divides, so it does not depend on the batch size.
    """
    model.compile(
        optimizer=OPTIMIZERS[row.optimizer](learning_rate=row.learning_rate),
        loss="categorical_crossentropy",
        metrics=["accuracy", keras.metrics.F1Score(average="weighted", name="f1_weighted")],
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )


def fit(model: keras.Model, row: Row, train: Batches, val: Batches, epochs: int, live_dir: Path) -> pd.DataFrame:
    """Trains until `row.monitor` has not improved for `row.patience` epochs, and goes back to the best weights.

    Args:
        model: A compiled network; ends with the weights of its best epoch.
        row: Says what is monitored and for how long.
        train: Training batches.
        val: Validation batches.
        epochs: At most so many.
        live_dir: Where dvclive logs every epoch.

    Returns:
        One line per epoch: epoch (from 0), loss, accuracy, f1_weighted, the same with `val_`, and `chosen`, 1 for the
        epoch whose weights were kept.

    Raises:
        PipelineError: If the loss stops being a number.
    """
    stopping = keras.callbacks.EarlyStopping(
        monitor=row.monitor,
        mode="min" if row.monitor == "val_loss" else "max",
        patience=row.patience,
        restore_best_weights=True,
    )
    # dvcyaml and save_dvc_exp off: inside a stage dvclive must not edit dvc.yaml or start an experiment of its own
    with Live(str(live_dir), dvcyaml=None, save_dvc_exp=False, report=None, monitor_system=False) as live:
        history = model.fit(
            train,
            validation_data=val,
            epochs=epochs,
            shuffle=False,  # Batches shuffles by seed and epoch
            verbose=0,
            callbacks=[
                stopping,
                keras.callbacks.TerminateOnNaN(),
                DVCLiveCallback(live=live),
                TqdmCallback(verbose=0),
            ],
        )
    table = pd.DataFrame(history.history)
    if not np.isfinite(table.to_numpy()).all():
        raise PipelineError(f"the loss became {table['loss'].iloc[-1]} in epoch {len(table) - 1}; lower learning_rate")
    columns = ["loss", "accuracy", "f1_weighted"]
    table = table[columns + [f"val_{name}" for name in columns]]
    table.insert(0, "epoch", range(len(table)))
    return table.assign(chosen=(table["epoch"] == stopping.best_epoch).astype(int))
