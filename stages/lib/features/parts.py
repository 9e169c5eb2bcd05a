"""Finished shards of a long computation, kept by what they were made of, so that none is computed twice.

DVC removes a stage's output before it runs the stage, so what a killed run had finished, and what is still right
after images were added, has to lie beside the output. A part's name is the hash of everything that went into it: a
part that is found is right, and one that is out of date is not found.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from stages.lib.core.files import replacing


class Parts:
    """A directory of `.npy` files named by the hash of their origin.

    Example:
        parts = Parts(Path("data/parts/vgg16"), {"weights": "3f1a...", "precision": "float32"})
        name = parts.name(keys, images)
        if (features := parts.read(name)) is None:
            features = compute(images)
            parts.write(name, features)
        parts.keep_only_used()
    """

    def __init__(self, directory: Path, recipe: Mapping[str, Any]):
        """Opens the store; nothing is read yet.

        Args:
            directory: Where the parts are.
            recipe: What turns input into output, as JSON: another recipe has other parts.
        """
        self._directory = directory
        self._recipe = json.dumps(recipe, sort_keys=True).encode()
        self._used: set[str] = set()

    def name(self, keys: Sequence[str], items: np.ndarray, **details: int) -> str:
        """Returns the name of the part that the recipe makes of `items`.

        Args:
            keys: The items' md5hashes, `(n,)`.
            items: The input, `(n, ...)`; every byte counts.
            details: What else distinguishes the part.
        """
        digest = hashlib.sha256(self._recipe)
        digest.update(json.dumps([list(keys), details, items.dtype.str, items.shape], sort_keys=True).encode())
        digest.update(np.ascontiguousarray(items))
        return digest.hexdigest()

    def read(self, name: str) -> np.ndarray | None:
        """Returns a part, or None if it was not finished before."""
        self._used.add(name)
        path = self._path(name)
        return np.load(path) if path.is_file() else None

    def write(self, name: str, values: np.ndarray) -> None:
        """Keeps a part; it appears whole or not at all."""
        self._used.add(name)
        with replacing(self._path(name)) as temporary, temporary.open("wb") as file:
            np.save(file, values)

    def keep_only_used(self) -> None:
        """Removes the parts that were neither read nor written since this store was opened."""
        for path in self._directory.glob("*.npy"):
            if path.stem not in self._used:
                path.unlink()

    def _path(self, name: str) -> Path:
        return self._directory / f"{name}.npy"
