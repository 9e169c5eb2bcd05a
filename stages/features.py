"""Stage features: runs one frozen backbone over all tensors, once, so that no epoch has to do it again."""

import argparse
import hashlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from tqdm import tqdm

from stages.lib.backbone import augment, backend
from stages.lib.core.errors import PipelineError, run_stage
from stages.lib.core.params import load_params
from stages.lib.core.paths import FEATURES, PARTS, TENSORS
from stages.lib.core.registry import BACKBONES
from stages.lib.data.shard_writer import ShardSetWriter
from stages.lib.data.shards import ShardedArray, view_dir

BATCH_IMAGES = 16
"""A CPU is as fast with 8 as with 64 (measured), and small batches waste less of it on a shard's last one."""
BATCH_IMAGES_GPU = 128


def main() -> None:
    """Writes data/features/<backbone>/: float16 shards, views, and backbone.json, which says what made them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", required=True)
    name = parser.parse_args().backbone
    params = load_params()
    spec = params.backbone(name)
    if spec is None:
        raise PipelineError(f"params.yaml: backbones.{name}: has no features; it is trained from pixels")
    tensors = ShardedArray(TENSORS)

    backend.start()
    import keras

    from stages.lib.backbone import backbones, origin
    from stages.lib.features import precision
    from stages.lib.features.parts import Parts

    number_format = precision.resolve(params.features.precision, BACKBONES[name].gains_from_bfloat16)
    spec = spec.model_copy(update={"precision": number_format})
    is_random = spec.weights == "random"
    images = backbones.calibration_images(tensors) if is_random else None
    backbone = backbones.build_backbone(spec, tensors.item_shape[0], images)
    on_gpu = bool(keras.distribution.list_devices("gpu"))
    spec = spec.model_copy(update={"sha256": backbones.weights_digest(backbone)})
    made_by = spec.model_dump() | asdict(BACKBONES[name])
    code = hashlib.sha256()
    for source in (__file__, backbones.__file__, augment.__file__):
        code.update(Path(source).read_bytes())
    parts = Parts(PARTS / name, made_by | {"code": code.hexdigest(), "keras": keras.__version__, "gpu": on_gpu})
    batch_images = BATCH_IMAGES_GPU if on_gpu else BATCH_IMAGES

    shape, views = (backbone.output_shape[-1],), params.features.views
    with (
        ShardSetWriter(FEATURES / name, tensors.keys, shape, np.float16) as writer,
        tqdm(total=len(tensors.keys) * (1 + views), desc=f"features {name}", unit="image", mininterval=1) as progress,
    ):

        def fill(target: ShardSetWriter, view: int) -> None:
            for shard, keys, images in tensors.shards():
                part = parts.name(keys, images, view=view)
                features = parts.read(part)
                if features is None:
                    features = compute(backbone.predict_on_batch, keys, images, view, batch_images, progress)
                    parts.write(part, features)
                else:
                    progress.initial += len(keys)  # not in the rate: the time left is that of what is computed
                    progress.update(len(keys))
                target.write(shard, 0, features)

        fill(writer, 0)
        for view in range(1, views + 1):
            with ShardSetWriter(view_dir(writer.directory, view), tensors.keys, shape, np.float16) as target:
                fill(target, view)
        origin.write(writer.directory, spec, backbones.read_scaling(backbone) if is_random else None, views)
    parts.keep_only_used()


def compute(
    predict: Callable[[np.ndarray], np.ndarray],
    keys: list[str],
    images: np.ndarray,
    view: int,
    batch_images: int,
    progress: tqdm,
) -> np.ndarray:
    """Computes the features of one shard.

    Args:
        predict: From uint8 images, `(b, S, S, 3)`, to float32 features, `(b, D)`.
        keys: The images' md5hashes, `(n,)`.
        images: uint8 RGB, `(n, S, S, 3)`.
        view: 0: the images as they are; from 1: that variation of each, which depends on the image and this number.
        batch_images: How many at a time.
        progress: Told after every batch.

    Returns:
        float16, `(n, D)`.

    Raises:
        PipelineError: If a feature does not fit into float16.
    """
    blocks = []
    for start in range(0, len(images), batch_images):
        batch = np.asarray(images[start : start + batch_images])
        if view:
            seeds = ([int(key, 16), view] for key in keys[start : start + batch_images])
            batch = np.stack([augment.augment(i, np.random.default_rng(s)) for i, s in zip(batch, seeds, strict=True)])
        with np.errstate(over="ignore"):
            half = predict(batch).astype(np.float16)
        if not np.isfinite(half).all():
            raise PipelineError(f"{progress.desc}: one exceeds float16's 65,504; the weights are not as expected")
        blocks.append(half)
        progress.update(len(half))
    return np.concatenate(blocks)


if __name__ == "__main__":
    run_stage(main)
