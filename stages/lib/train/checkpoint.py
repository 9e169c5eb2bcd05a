"""Checkpoints of a training: a killed one resumes after its last saved epoch and ends with the same bytes.

Keras' own `BackupAndRestore` keeps neither the history nor the state of early stopping, so a training that it resumes
may stop in another epoch and keep other weights.
"""

import hashlib
import json
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from stages.lib.core.files import replacing

MAX_SHARE = 0.05
"""Of the time since the last write that the next one may cost: a large network with short epochs is not written after
each of them."""


class Checkpoint:
    """The state of one training in a file; a state that another training left there is ignored."""

    def __init__(self, path: Path, key: str):
        """Names the file; nothing is read or written yet.

        Args:
            path: An `.npz` file outside DVC's outs, which DVC removes before it runs a stage.
            key: What the training depends on, from `run_key`.
        """
        self._path, self._key = path, key
        self._written_s, self._cost_s = time.perf_counter(), 0.0

    def save(self, model: keras.Model, best_weights: list[np.ndarray], state: dict[str, Any]) -> None:
        """Writes the state, unless that would cost more than `MAX_SHARE` of the time since it was last written.

        Args:
            model: A compiled network: its variables, random seeds included, and its optimizer's are kept.
            best_weights: Of the best epoch so far, as `model.get_weights()` gives them.
            state: Anything else, of what JSON takes; floats come back exactly.
        """
        start_s = time.perf_counter()
        if self._cost_s > MAX_SHARE * (start_s - self._written_s):
            return
        groups = {"model": model.variables, "optimizer": model.optimizer.variables}
        arrays = {f"{name}/{n}": _array(value) for name, group in groups.items() for n, value in enumerate(group)}
        arrays |= {f"best/{n}": value for n, value in enumerate(best_weights)}
        with replacing(self._path) as temporary, temporary.open("wb") as file:
            np.savez(file, state=np.array(json.dumps({"key": self._key, **state})), **arrays)
        self._written_s = time.perf_counter()
        self._cost_s = self._written_s - start_s

    def restore(self, model: keras.Model) -> tuple[list[np.ndarray], dict[str, Any]] | None:
        """Restores the state of the interrupted training.

        Args:
            model: The network; not touched unless there is a state of the same key.

        Returns:
            The best epoch's weights and the other state as `save` was given them; None where nothing can be resumed.
        """
        try:
            with np.load(self._path) as file:
                state = json.loads(str(file["state"]))
                if state.pop("key") != self._key:
                    return None
                arrays = {name: file[name] for name in file.files}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None  # none, or broken by a crash of the machine: training starts at its beginning
        model.optimizer.build(model.trainable_variables)
        for name, variables in (("model", model.variables), ("optimizer", model.optimizer.variables)):
            for n, variable in enumerate(variables):
                variable.assign(arrays[f"{name}/{n}"])
        best = sorted((name for name in arrays if name.startswith("best/")), key=lambda name: int(name[5:]))
        return [arrays[name] for name in best], state

    def remove(self) -> None:
        """Removes the file, once the training's outputs are written."""
        self._path.unlink(missing_ok=True)


def run_key(model: keras.Model, input_dir: Path, *settings: Any) -> str:
    """Hashes what a training depends on, so that only the very same one is resumed.

    Args:
        model: The network before training; its initial values follow from the seed and a backbone's weights.
        input_dir: The training's input. Files count by name, size and time of change: reading gigabytes would cost
            more than the epochs that it saves, and an input written again only means training from the start.
        settings: Everything else, of what JSON takes.

    Returns:
        64 hex digits. The stages' code and the versions of Keras and its backend are in it too.
    """
    digest = hashlib.sha256(json.dumps(settings).encode())
    for variable in model.variables:
        digest.update(np.ascontiguousarray(_array(variable)))
    for path in sorted(input_dir.iterdir()):
        digest.update(f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}".encode())
    for source in sorted(Path(__file__).parents[2].rglob("*.py")):
        digest.update(source.read_bytes())
    backend = keras.backend.backend()
    digest.update(f"{keras.__version__} {backend} {sys.modules[backend].__version__}".encode())
    return digest.hexdigest()


def _array(variable: keras.Variable) -> np.ndarray:
    return keras.ops.convert_to_numpy(variable.value)
