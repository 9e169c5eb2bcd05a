"""Training a row's network: optimiser, early stopping, live logs, history, and going on after a kill."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from dvclive import Live
from tqdm.keras import TqdmCallback

from stages.lib.core.errors import PipelineError
from stages.lib.core.registry import LOSSES, OPTIMIZERS
from stages.lib.core.sections import Row
from stages.lib.network.batches import Batches
from stages.lib.train.checkpoint import Checkpoint

METRICS = ("loss", "accuracy", "f1_weighted")
SOFT_F1 = "val_f1_soft"
"""The monitor of the published multi-input rows: their F1 of probabilities, a mean over batches."""


def compile_network(model: keras.Model, row: Row) -> None:
    """Gives a network the row's optimiser and loss, and the metrics of the tables.

    Keras' `F1Score` counts over the whole epoch before it divides, so it does not depend on the batch size.
    """
    metrics = ["accuracy", keras.metrics.F1Score(average="weighted", name="f1_weighted")]
    model.compile(
        optimizer=getattr(keras.optimizers, OPTIMIZERS[row.optimizer])(learning_rate=row.learning_rate),
        loss=getattr(keras.losses, LOSSES[row.loss])(),
        metrics=[*metrics, f1_soft] if row.monitor == SOFT_F1 else metrics,
        jit_compile=False if keras.backend.backend() == "tensorflow" else "auto",
    )


def f1_soft(targets: keras.KerasTensor, probabilities: keras.KerasTensor) -> keras.KerasTensor:
    """Returns the F1 of the published code for one batch, which Keras then averages over the batches of an epoch.

    `stages.lib.scoring.published` says what is wrong with it; here it is the monitor of rows that repeat that run.

    Args:
        targets: float32 one-hot, `(b, n_classes)`.
        probabilities: float32, `(b, n_classes)`.

    Returns:
        float32, `()`.
    """
    ops, fuzz = keras.ops, keras.config.epsilon()
    targets = ops.cast(targets, probabilities.dtype)
    support = ops.sum(targets, axis=0) + fuzz
    right = ops.sum(targets * probabilities, axis=0) + fuzz
    precision = right / (ops.sum(probabilities, axis=0) + fuzz)
    recall = right / support
    f1 = 2 * precision * recall / (precision + recall + fuzz)
    return ops.sum(f1 * support) / ops.sum(support)


def fit(
    model: keras.Model,
    row: Row,
    train: Batches,
    val: Batches,
    live_dir: Path,
    checkpoint: Checkpoint | None = None,
) -> pd.DataFrame:
    """Trains until `row.monitor` has not improved for `row.patience` epochs, and keeps the epoch that `row.keep` says.

    Args:
        model: A compiled network; ends with the weights of the epoch that is kept.
        row: Says what is monitored, and for how many epochs at most.
        train: Training batches.
        val: Validation batches.
        live_dir: Where dvclive logs every epoch.
        checkpoint: Where the state is saved after epochs, and resumed from if there is one. None: not saved.

    Returns:
        One line per epoch: epoch (from 0), loss, accuracy, f1_weighted, the same with `val_`, and `chosen`, 1 for the
        epoch whose weights were kept.

    Raises:
        PipelineError: If the loss stops being a number.
    """
    # dvcyaml and save_dvc_exp off: inside a stage dvclive must not edit dvc.yaml or start an experiment of its own
    with Live(str(live_dir), dvcyaml=None, save_dvc_exp=False, report=None, monitor_system=False) as live:
        progress = _Progress(row, live, checkpoint)
        first = progress.resume(model)
        for _ in range(first):
            train.on_epoch_end()  # its order and augmentation follow from the number of epochs behind it
        model.fit(
            train,
            validation_data=val,
            initial_epoch=first,
            epochs=first if model.stop_training else row.epochs,
            shuffle=False,  # Batches shuffles by seed and epoch
            verbose=0,
            callbacks=[keras.callbacks.TerminateOnNaN(), progress, TqdmCallback(verbose=0)],
        )
    table = pd.DataFrame(progress.history)
    if not np.isfinite(table.to_numpy()).all():
        raise PipelineError(f"the loss became {table['loss'].iloc[-1]} in epoch {len(table) - 1}; lower learning_rate")
    table = table[[*METRICS, *(f"val_{name}" for name in METRICS)]]
    table.insert(0, "epoch", range(len(table)))
    kept = progress.best_epoch if row.keep == "best" else len(table) - 1
    return table.assign(chosen=(table["epoch"] == kept).astype(int))


class _Progress(keras.callbacks.EarlyStopping):
    """Early stopping that logs every epoch with dvclive and can go on where a killed training stood."""

    def __init__(self, row: Row, live: Live, checkpoint: Checkpoint | None):
        super().__init__(
            monitor=row.monitor,
            mode="min" if row.monitor == "val_loss" else "max",
            patience=row.patience,
            restore_best_weights=row.keep == "best",
        )
        self.history: list[dict[str, float]] = []
        self._live, self._checkpoint = live, checkpoint
        self._resumed: dict[str, Any] = {}

    def resume(self, model: keras.Model) -> int:
        """Restores network and logs from the checkpoint, if it has any, and returns how many epochs are behind."""
        model.stop_training = False
        found = self._checkpoint.restore(model) if self._checkpoint else None
        if found:
            best_weights, state = found
            model.stop_training = state["stopped"]
            self._resumed = {name: state[name] for name in ("best", "best_epoch", "wait")}
            self._resumed["best_weights"] = best_weights
            for logs in state["history"]:
                self._log(logs)
            print(f"goes on after epoch {len(self.history) - 1}, where an interrupted training of the same row stopped")
        return len(self.history)

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        """Forgets an earlier training, as Keras does, but for the one that is resumed."""
        super().on_train_begin(logs)
        for name, value in self._resumed.items():
            setattr(self, name, value)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Logs the epoch, applies early stopping, and saves the state."""
        self._log(logs)
        super().on_epoch_end(epoch, logs)
        if self._checkpoint and np.isfinite(list(logs.values())).all():
            self._checkpoint.save(
                self.model,
                self.best_weights or [],
                {
                    "history": self.history,
                    "stopped": self.model.stop_training,
                    "best": self.best,
                    "best_epoch": self.best_epoch,
                    "wait": self.wait,
                },
            )

    def _log(self, logs: dict[str, float]) -> None:
        self.history.append({name: float(value) for name, value in logs.items()})
        for name, value in self.history[-1].items():
            part = "eval" if name.startswith("val_") else "train"
            self._live.log_metric(f"{part}/{name.removeprefix('val_')}", value)
        self._live.next_step()
