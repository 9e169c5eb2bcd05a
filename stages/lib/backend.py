"""The one module that knows which Keras backend runs: TensorFlow, unless `KERAS_BACKEND` says otherwise."""

import keras


def make_deterministic(seed: int) -> None:
    """Makes a run a function of its seed: the same bytes on the same machine.

    Args:
        seed: For initial weights and dropout, `0 <= seed < 2**31`.
    """
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
