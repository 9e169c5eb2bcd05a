"""Near-duplicates planted among HAM10000's images: recall per alteration, strangers joined, HAM's own lesion pairs.

`python -m bench.duplicates [--weights random|DIRECTORY] [--keep DIRECTORY]`; the images are in $FITZPATRICK_SHARED, by
default `../shared`. Features take minutes; `--keep` keeps them for the next run.
"""

import argparse
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from stages.lib.core.params import load_params
from stages.lib.data.images import read_square
from stages.lib.split import near_duplicates
from stages.lib.split.duplicates import group_names
from stages.lib.split.pixel_match import grey_square

SHARED = Path(os.environ.get("FITZPATRICK_SHARED", "../shared"))
PER_ALTERATION = 200
SIDE_PX, MAX_PIXELS = 224, 10**8


def encode(image: np.ndarray, quality: int = 90) -> bytes:
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def cropped(image: np.ndarray, share: float) -> np.ndarray:
    y, x = round(image.shape[0] * share), round(image.shape[1] * share)
    return image[y:-y, x:-x]


ALTERATIONS = {
    "re-encoded, quality 60": lambda image, _: encode(image, 60),
    "resized to 70 %": lambda image, _: encode(cv2.resize(image, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)),
    "flipped": lambda image, _: encode(image[:, ::-1]),
    "cropped, 5 % a side": lambda image, _: encode(cropped(image, 0.05)),
    "brightness +-15 %": lambda image, rng: encode(cv2.convertScaleAbs(image, alpha=1 + rng.choice([-0.15, 0.15]))),
}


def planted(bodies: list[bytes]) -> tuple[list[bytes], pd.DataFrame]:
    """Altered copies and where each comes from: columns alteration, source."""
    rng = np.random.default_rng(1)
    sources = rng.permutation(len(bodies))[: PER_ALTERATION * len(ALTERATIONS)]
    names = [name for name in ALTERATIONS for _ in range(PER_ALTERATION)]
    copies = []
    for name, source in zip(names, sources, strict=True):
        image = cv2.imdecode(np.frombuffer(bodies[source], np.uint8), cv2.IMREAD_COLOR)
        copies.append(ALTERATIONS[name](image, rng))
    return copies, pd.DataFrame({"alteration": names, "source": sources})


def features_of(images: np.ndarray, weights: str, keep: Path | None) -> np.ndarray:
    kept = keep / f"mobilenetv2-{Path(weights).name}.npy" if keep else None
    if kept and kept.exists():
        return np.load(kept)
    from stages.lib.backbone import backend

    backend.start()
    from stages.lib.backbone.backbones import build_backbone
    from stages.lib.core.sections import BackboneSpec

    network = build_backbone(BackboneSpec(name="mobilenetv2", weights=weights, rescale="native"), SIDE_PX)
    parts = [network.predict_on_batch(images[start : start + 32]) for start in range(0, len(images), 32)]
    features = np.concatenate(parts).astype(np.float16)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.save(kept, features)
    return features


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", default=str(SHARED / "weights"))
    parser.add_argument("--keep", type=Path)
    arguments = parser.parse_args()
    rules = load_params().split

    catalog = pd.read_csv(SHARED / "ham10000/catalog.csv", dtype=str)
    originals = [(SHARED / "ham10000/images" / url.rsplit("/", 1)[1]).read_bytes() for url in catalog["url"]]
    copies, plan = planted(originals)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        images = np.stack(
            list(pool.map(lambda body: read_square(body, SIDE_PX, MAX_PIXELS).pixels, originals + copies))
        )
    features = features_of(images, arguments.weights, arguments.keep)

    start, cpu = time.perf_counter(), time.process_time()
    squares = np.stack([grey_square(image) for image in images])
    found = near_duplicates.find(
        features,
        squares,
        rules.near_duplicate_cosine,
        rules.near_duplicate_neighbours,
        rules.near_duplicate_correlation,
    )
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    count, pairs = len(originals), found.pairs
    lesion = np.concatenate([catalog["lesion_id"], catalog["lesion_id"].to_numpy()[plan["source"]]])
    joined = set(map(tuple, pairs.tolist()))
    plan["found"] = [(source, count + number) in joined for number, source in enumerate(plan["source"])]
    print(f"{'planted':24} recall")
    for name, share in plan.groupby("alteration", sort=False)["found"].mean().items():
        print(f"{name:24} {share:.3f}")
    own = pairs[(pairs < count).all(axis=1)]
    strange = own[lesion[own[:, 0]] != lesion[own[:, 1]]]
    sizes = catalog["lesion_id"].value_counts()
    groups = pd.Series(group_names([f"{n:06}" for n in range(len(lesion))], pairs, None)).value_counts()
    print(f"pairs of different lesions: {len(strange)} in {count} images, {1000 * len(strange) / count:.2f} per 1,000")
    for a, b in strange:
        print(f"  {catalog['url'][a].rsplit('/', 1)[1]} and {catalog['url'][b].rsplit('/', 1)[1]}")
    print(f"pairs of one lesion: {len(own) - len(strange)} of {(sizes * (sizes - 1) // 2).sum()}")
    print(f"candidates {found.candidates}, confirmed {len(pairs)}, largest group {groups.iloc[0]}")
    each_ms = 1000 * cpu_seconds / len(images)
    print(f"{seconds:.0f} s, {cpu_seconds:.0f} s of CPU for {len(images)} images: {each_ms:.1f} ms each")


if __name__ == "__main__":
    main()
