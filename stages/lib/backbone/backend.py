"""The one module that knows which Keras backend runs, and how: TensorFlow, with Keras' own defaults.

Nothing of that comes from the user's machine: `stages.lib.core.environment` removes the variables, and what
`~/.keras/keras.json` says is set back here. To change any of it, edit the code: DVC then knows that results are stale.
"""

import importlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from stages.lib.core.errors import PipelineError

LIBRARIES = ("sklearn.metrics", "dvclive", "dvc.repo")
"""What stages with a network import beside Keras; together they take longer than most of those stages run."""


def import_libraries() -> None:
    """Imports what every stage with a network needs and starts nothing: neither devices nor threads of computation."""
    with _quiet():
        _import_keras()
        for name in LIBRARIES:
            importlib.import_module(name)


def start() -> None:
    """Imports Keras, which takes seconds, and makes what follows a function of seeds, which those set who draw.

    A stage calls it once its input is checked, so that wrong input is told at once.
    """
    with _quiet():
        keras = _import_keras()
        keras.ops.zeros(1)  # TensorFlow looks for its devices at the first operation, and says so
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        # a CPU gives the same bytes without it, and trains LeNet twice as fast (measured: 108 against 61 images/s)
        if tf.config.list_physical_devices("GPU"):
            tf.config.experimental.enable_op_determinism()


def gradient(function: Callable[[Any], Any], value: Any) -> Any:
    """Returns the gradient of a scalar function at `value`: the one thing that `keras.ops` has no name for.

    Args:
        function: From a tensor of the backend to a scalar of the backend, made of `keras.ops` and Keras models.
        value: A float tensor of the backend.

    Returns:
        A tensor of `value`'s shape.
    """
    import keras

    if keras.backend.backend() == "jax":
        import jax

        return jax.grad(function)(value)
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(value)
        result = function(value)
    return tape.gradient(result, value)


def _import_keras() -> ModuleType:
    """Imports Keras and sets back what a user's keras.json has set.

    Raises:
        PipelineError: If Keras cannot be imported with that file.
    """
    try:
        import keras
    except (ValueError, TypeError, AttributeError) as error:
        home = os.environ.get("KERAS_HOME") or "~/.keras"
        raise PipelineError(
            f"{home}/keras.json: Keras cannot be imported with it ({type(error).__name__}: {error}); correct it or "
            f"delete it"
        ) from None
    keras.config.set_floatx("float32")
    keras.config.set_dtype_policy("float32")
    keras.config.set_epsilon(1e-7)
    keras.config.set_image_data_format("channels_last")
    return keras


@contextmanager
def _quiet() -> Iterator[None]:
    """Holds back what native code writes to stderr, and shows it only if the block fails.

    TensorFlow's start-up notes (which instructions it uses, that there is no GPU) come before its log level applies.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            yield
        except BaseException:
            os.dup2(kept, 2)
            notes.seek(0)
            sys.stderr.write(notes.read().decode(errors="replace"))
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)
