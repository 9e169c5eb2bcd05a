"""Stage features: runs one frozen backbone over all tensors, once, so that no epoch has to do it again."""

import argparse
from pathlib import Path

import numpy as np
from tqdm import tqdm

from stages.lib import backend, warm
from stages.lib.errors import PipelineError, run_stage
from stages.lib.files import write_json
from stages.lib.params import TENSORS, features_dir, load_params
from stages.lib.shards import ShardedArray, ShardSetWriter

BATCH_IMAGES = 32


def main() -> None:
    """Writes data/features/<backbone>/: float16 shards and backbone.json, which says what made them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backbone", required=True)
    name = parser.parse_args().backbone
    params = load_params()
    spec = params.backbone(name)
    if spec is None:
        raise PipelineError(f"params.yaml: backbones.{name}: has no features; it is trained from pixels")
    tensors = ShardedArray(Path(TENSORS))

    backend.start()
    from stages.lib.backbones import build_backbone, weights_digest

    backbone = build_backbone(spec, tensors.item_shape[0])
    directory = Path(features_dir(name))
    shape = (backbone.output_shape[-1],)
    with (
        ShardSetWriter(directory, tensors.keys, shape, np.float16) as writer,
        tqdm(total=len(tensors.keys), desc=f"features {name}", unit="image", mininterval=1) as progress,
    ):
        for shard, _, images in tensors.shards():
            for start in range(0, len(images), BATCH_IMAGES):
                block = backbone.predict_on_batch(np.asarray(images[start : start + BATCH_IMAGES]))
                with np.errstate(over="ignore"):
                    half = block.astype(np.float16)
                if not np.isfinite(half).all():
                    raise PipelineError(f"{name}: a feature exceeds float16's 65,504; its weights are not as expected")
                writer.write(shard, start, half)
                progress.update(len(block))
        write_json(writer.directory / "backbone.json", spec.model_dump() | {"sha256": weights_digest(backbone)})


if __name__ == "__main__":
    warm.hand_over()
    run_stage(main)
