"""Augmentation alone, one thread, 150 and 224 px: `stages.lib.backbone.augment` against Keras' ImageDataGenerator.

Both get the published settings (shifts, shear, zoom 0.2, rotation 40, flip, brightness 0.5-1.5, channel shift 20) and
the same uint8 image, and give one variation. The generator interpolates each time with scipy, in float32.
"""

import cv2
import numpy as np
from keras.src.legacy.preprocessing.image import ImageDataGenerator

from bench.table import Figure, alternating, ratio, show, times
from stages.lib.backbone.augment import augment

IMAGES = 60


def measure() -> list[Figure]:
    cv2.setNumThreads(1)
    generator = ImageDataGenerator(
        width_shift_range=0.2,
        height_shift_range=0.2,
        shear_range=0.2,
        zoom_range=0.2,
        rotation_range=40,
        horizontal_flip=True,
        brightness_range=(0.5, 1.5),
        channel_shift_range=20,
    )
    figures = []
    for side_px in (150, 224):
        image = cv2.resize(np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8), (side_px, side_px))

        def theirs(image: np.ndarray = image) -> None:
            for _ in range(IMAGES):
                generator.random_transform(image.astype(np.float32))

        def ours(image: np.ndarray = image) -> None:
            for number in range(IMAGES):
                augment(image, np.random.default_rng([42, 0, number]))

        slow, fast = alternating(theirs, ours, rounds=9)
        note = f"{IMAGES / fast.min():,.0f} against {IMAGES / slow.min():,.0f} images/s"
        figures.append(ratio(f"augmentation, {side_px} px", "ImageDataGenerator", 8, times(slow, fast), note))
    return figures


if __name__ == "__main__":
    show(measure())
