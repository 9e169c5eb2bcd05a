"""Features of each backbone: the stage's way against `model.predict` in float32, and against the bare network.

- predict: what a user would write: float32 images, keras.applications' `preprocess_input`, `model.predict`, batch 32.
- bare: the network of the stage on one resident batch, same precision and batch size: no reading, no float16.

All go over the same drawn images in turns, with random weights: the values change no time. Where the processor gains
nothing from bfloat16, `auto` is float32 and the stage does the same sums as `predict`: the note then says what share of
the rate of a bare matrix product, taken in the same rounds, the stage reaches, and so what is left to gain at most.
`python -m bench.features vgg16` measures one.
"""

import sys
from collections.abc import Iterable
from functools import partial
from types import SimpleNamespace

import keras
import numpy as np
from keras import applications

from bench.flop import gflop, gflop_per_cpu_s, matrix_product_rate
from bench.table import Figure, alternating, ratio, show, times
from stages.features import BATCH_IMAGES, compute
from stages.lib.backbone import backend
from stages.lib.backbone.backbones import build_backbone
from stages.lib.core.registry import BACKBONES
from stages.lib.core.sections import BackboneSpec
from stages.lib.features import precision

IMAGES, SIDE_PX = 32, 224
ROUNDS = {"vgg16": 3, "inceptionv3": 5, "resnet101v2": 3, "mobilenetv2": 11}
GOALS = {"vgg16": 2.5, "inceptionv3": 1.4, "resnet101v2": 1.4, "mobilenetv2": None}


def measure(names: Iterable[str] = BACKBONES) -> list[Figure]:
    backend.start()
    figures = []
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    keys = [f"{number:032x}" for number in range(IMAGES)]
    for name in names:
        application = BACKBONES[name]
        number_format = precision.resolve("auto", application.gains_from_bfloat16)
        spec = BackboneSpec(name=name, weights="random", rescale="native", precision=number_format)
        network = build_backbone(spec, SIDE_PX, images)
        plain = getattr(applications, application.builder)(
            weights=None,
            include_top=False,
            input_shape=(SIDE_PX, SIDE_PX, 3),
            pooling=None if application.pooling == "flatten" else "avg",
        )
        mode = application.normalisation
        cost = gflop(plain)
        rates, products = [], []

        def predict(plain: keras.Model = plain, mode: str = mode) -> None:
            prepared = applications.imagenet_utils.preprocess_input(images.astype(np.float32), mode=mode)
            plain.predict(prepared, batch_size=32, verbose=0)

        def bare(network: keras.Model = network) -> None:
            for _ in range(IMAGES // BATCH_IMAGES):
                network.predict_on_batch(images[:BATCH_IMAGES])

        def ours(network: keras.Model = network, cost: float = cost, rates: list[float] = rates) -> None:
            bar = SimpleNamespace(desc="", update=lambda n: None)
            run = partial(compute, network.predict_on_batch, keys, images, 0, BATCH_IMAGES, bar)
            rates.append(gflop_per_cpu_s(cost * IMAGES, run))

        def product(products: list[float] = products) -> None:
            products.append(matrix_product_rate())

        theirs_s, least_s, taken_s, _ = alternating(predict, bare, ours, product, rounds=ROUNDS[name])
        reached = max(rates) / max(products)
        note = (
            f"{number_format}: {IMAGES / taken_s.min():.1f} against {IMAGES / theirs_s.min():.1f} images/s; "
            f"{cost:.1f} GFLOP an image at {max(rates):.0f} a CPU second, {reached:.0%} of a matrix product's rate"
        )
        figures.append(
            ratio(f"features, {name}", "model.predict, float32", GOALS[name], times(theirs_s, taken_s), note)
        )
        figures.append(ratio(f"features, {name}", "network on a resident batch", 0.92, times(least_s, taken_s)))
        keras.backend.clear_session()
    return figures


if __name__ == "__main__":
    for backbone in sys.argv[1:] or BACKBONES:
        show(measure((backbone,)))
