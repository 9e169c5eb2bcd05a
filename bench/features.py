"""Features of each backbone: the stage's way against `model.predict` in float32, and against the bare network.

- predict: what a user would write: float32 images, keras.applications' `preprocess_input`, `model.predict`, batch 32.
- bare: the network of the stage on one resident batch, same precision and batch size: no reading, no float16.

All three go over the same number of drawn images, with random weights: the values change no time. Where the processor
gains nothing from bfloat16, `auto` is float32 and the stage cannot be faster than `predict`, which does the same sums:
the note says what the network costs (GFLOP an image) and what the processor reached.
`python -m bench.features vgg16` measures one.
"""

import sys
from types import SimpleNamespace

import keras
import numpy as np
from keras import applications

from bench.table import Figure, alternating, ratio, show
from stages.features import BATCH_IMAGES, compute
from stages.lib import precision
from stages.lib.backbones import APPLICATIONS, build_backbone
from stages.lib.sections import BACKBONES, BackboneSpec

IMAGES, SIDE_PX = 32, 224
GOALS = {"vgg16": 2.5, "inceptionv3": 1.4, "resnet101v2": 1.4, "mobilenetv2": None}
GFLOP = {"vgg16": 30.7, "inceptionv3": 5.7, "resnet101v2": 14.4, "mobilenetv2": 0.6}
"""Two operations for each multiply-add of one 224 px image, from the layers' shapes."""


def measure(names: tuple[str, ...] = BACKBONES) -> list[Figure]:
    number_format, figures = precision.resolve("auto"), []
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, SIDE_PX, SIDE_PX, 3), dtype=np.uint8)
    keys = [f"{number:032x}" for number in range(IMAGES)]
    for name in names:
        network = build_backbone(BackboneSpec(name=name, weights="random", rescale="native"), SIDE_PX, number_format)
        plain = APPLICATIONS[name].build(
            weights=None,
            include_top=False,
            input_shape=(SIDE_PX, SIDE_PX, 3),
            pooling=None if APPLICATIONS[name].pooling == "flatten" else "avg",
        )
        mode = APPLICATIONS[name].normalisation

        network.predict_on_batch(images[:BATCH_IMAGES])  # both are traced at their first call
        plain.predict(images[:2].astype(np.float32), verbose=0)

        def predict(plain: keras.Model = plain, mode: str = mode) -> None:
            prepared = applications.imagenet_utils.preprocess_input(images.astype(np.float32), mode=mode)
            plain.predict(prepared, batch_size=32, verbose=0)

        def bare(network: keras.Model = network) -> None:
            for _ in range(IMAGES // BATCH_IMAGES):
                network.predict_on_batch(images[:BATCH_IMAGES])

        def ours(network: keras.Model = network) -> None:
            bar = SimpleNamespace(desc="", update=lambda n: None)
            compute(network.predict_on_batch, keys, images, 0, BATCH_IMAGES, bar)

        theirs, least, taken = alternating(predict, bare, ours, rounds=2, warm_up=False)
        note = (
            f"{number_format}: {IMAGES / taken:.1f} against {IMAGES / theirs:.1f} images/s; "
            f"{GFLOP[name] * IMAGES / taken:.0f} GFLOP/s"
        )
        figures.append(ratio(f"features, {name}", "model.predict, float32", GOALS[name], theirs / taken, note))
        figures.append(ratio(f"features, {name}", "network on a resident batch", 0.92, least / taken))
        keras.backend.clear_session()
    return figures


if __name__ == "__main__":
    for backbone in sys.argv[1:] or BACKBONES:
        show(measure((backbone,)))
