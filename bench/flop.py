"""What a network costs, in operations of one image, and what the processor can do: a bare matrix product."""

import time
from collections.abc import Callable

import keras
import numpy as np
from keras import layers
from threadpoolctl import threadpool_limits

SIDE = 2048


def gflop(model: keras.Model) -> float:
    """Counts two operations for each multiply-add of one image, from the shapes of the layers, in 10^9.

    Only what multiplies by a kernel is counted: all else (normalisation, activation, pooling) is bytes, not sums.
    """
    total = 0
    for layer in model._flatten_layers(include_self=False):
        if isinstance(layer, layers.DepthwiseConv2D | layers.Conv2D | layers.Dense):
            # each of a kernel's numbers is used once per place of the output
            places = np.prod(layer.output.shape[1:-1], dtype=np.int64)
            total += 2 * int(np.prod(layer.kernel.shape, dtype=np.int64)) * int(places)
        elif getattr(layer, "kernel", None) is not None:
            raise TypeError(f"{layer.name}: how many operations does {type(layer).__name__} take?")
    return total / 1e9


def gflop_per_cpu_s(gflop: float, work: Callable[[], object]) -> float:
    """Runs `work`, which takes so many operations, and returns its rate per second of processor time.

    Unlike a rate by the clock, this one stays the same when other programs run.
    """
    start = time.process_time()
    work()
    return gflop / (time.process_time() - start)


def matrix_product_rate() -> float:
    """Returns the rate of a product of two large float32 matrices in numpy, here and now: 10^9 a CPU second.

    On one thread: several would spin while they wait for each other, which counts as CPU time.
    """
    square = np.ones((SIDE, SIDE), np.float32)
    with threadpool_limits(1):
        return gflop_per_cpu_s(2 * SIDE**3 / 1e9, lambda: square @ square)
