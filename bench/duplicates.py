"""Near-duplicates: which altered copies are found among HAM10000's images, which strangers are joined, at what cost.

`python -m bench.duplicates [recall] [scale]`. `recall` takes the images from $FITZPATRICK_SHARED, by default
`../shared`: copies altered in 46 ways are looked for among all; then 400 images of different lesions get the same
watermark, so that every pair that is joined is a fault. `scale` runs the stage on 16,577 drawn images.
"""

import argparse
import os
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from bench.scale import run
from bench.table import ROOT, Figure, below, one_of, show
from stages.lib.core.files import write_csv, write_json
from stages.lib.data.images import decode, read_square, stretch
from stages.lib.data.shard_writer import ShardSetWriter
from stages.lib.sample.catalog import generate
from stages.lib.split.duplicates import group_names
from stages.lib.split.local_features import LocalFeatures, describe
from stages.lib.split.near_duplicates import find, found_among, workers
from stages.lib.split.nominate import Keypoints
from stages.lib.split.planted import ALTERATIONS, cropped, framed, marked, recompressed, rotated, shaded, shrunk

SHARED = Path(os.environ.get("FITZPATRICK_SHARED", "../shared"))
PER_ALTERATION, MARKED = 60, 400
SIDE_PX, MAX_PIXELS = 224, 10**8
IMAGES = 16577


def contrast(image: np.ndarray, factor: float) -> np.ndarray:
    mean = image.mean(axis=(0, 1))
    return np.clip((image - mean) * factor + mean, 0, 255).astype(np.uint8)


def gamma(image: np.ndarray) -> np.ndarray:
    return (255 * (image / 255) ** 0.6).astype(np.uint8)


def sticker(image: np.ndarray) -> np.ndarray:
    (height, width), image = image.shape[:2], image.copy()
    image[int(0.55 * height) : int(0.85 * height), int(0.1 * width) : int(0.4 * width)] = (60, 160, 60)
    return image


def written_over(image: np.ndarray) -> np.ndarray:
    (height, width), image = image.shape[:2], image.copy()
    for line in (0.25, 0.5, 0.75):
        place = (3, int(line * height))
        cv2.putText(image, "www.some-clinic.org 2019", place, cv2.FONT_HERSHEY_SIMPLEX, width / 440, (255, 0, 0), 1)
    return image


def tilted(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[:2]
    x, y = 0.08 * width, 0.08 * height
    square = np.float32([[0, 0], [width, 0], [width, height], [0, height]])
    seen = np.float32([[x, y], [width, 0], [width - x, height], [0, height - y]])
    return cv2.warpPerspective(image, cv2.getPerspectiveTransform(square, seen), (width, height))


def locally_equalised(image: np.ndarray) -> np.ndarray:
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)
    lab[:, :, 0] = cv2.createCLAHE(3.0, (4, 4)).apply(np.ascontiguousarray(lab[:, :, 0]))
    return cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)


def noisy(image: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 10, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def corner(image: np.ndarray, share: float) -> np.ndarray:
    return image[: int(image.shape[0] * share), : int(image.shape[1] * share)]


def beside(image: np.ndarray, other: np.ndarray, axis: int) -> np.ndarray:
    return np.concatenate([image, cv2.resize(other, image.shape[1::-1])], axis=axis)


FURTHER = {
    "turned by 180 degrees": lambda image: np.rot90(image, 2),
    "transposed": lambda image: image.transpose(1, 0, 2),
    "turned by 20 degrees": lambda image: rotated(image, 20),
    "turned by 45 degrees": lambda image: rotated(image, 45),
    "8 % cropped off each side": lambda image: cropped(image, 0.08),
    "20 % cropped off each side": lambda image: cropped(image, 0.2),
    "25 % cropped off each side": lambda image: cropped(image, 0.25),
    "12 % off left and right": lambda image: image[:, image.shape[1] * 12 // 100 : -(image.shape[1] * 12 // 100)],
    "20 % off left and right": lambda image: image[:, image.shape[1] // 5 : -(image.shape[1] // 5)],
    "a corner, 70 % of the sides": lambda image: corner(image, 0.7),
    "a corner, 60 % of the sides": lambda image: corner(image, 0.6),
    "white frame": lambda image: 255 - framed(255 - image, 0.12),
    "black bars above and below": lambda image: np.pad(image, ((image.shape[0] * 15 // 100,) * 2, (0, 0), (0, 0))),
    "half as wide again": lambda image: cv2.resize(image, None, fx=1.5, fy=1),
    "sticker": sticker,
    "three lines of text": written_over,
    "gamma 0.6": gamma,
    "contrast x 0.5": lambda image: contrast(image, 0.5),
    "contrast x 1.6": lambda image: contrast(image, 1.6),
    "brighter by 40": lambda image: np.minimum(image.astype(np.int16) + 40, 255).astype(np.uint8),
    "40 % of the size, JPEG 50": lambda image: recompressed(shrunk(image, 0.4), 50),
    "noise, deviation 10": noisy,
    "sharpened": lambda image: cv2.addWeighted(image, 2, cv2.GaussianBlur(image, (0, 0), 2), -1, 0),
    "locally equalised": locally_equalised,
    "tilted": tilted,
    "quarter turn, framed, gamma": lambda image: gamma(framed(np.rot90(image), 0.08)),
    "upside down, watermark, half the size": lambda image: shrunk(marked(np.ascontiguousarray(image[::-1])), 0.5),
    "12 % cropped, 10 degrees, cast": lambda image: shaded(rotated(cropped(image, 0.12), 10), (1.2, 1.0, 0.7)),
    "mirrored, quarter turn, blurred, JPEG 40": lambda image: recompressed(
        cv2.GaussianBlur(np.rot90(image[:, ::-1]), (0, 0), 1), 40
    ),
}
COLLAGES = {"collage, side by side": 1, "collage, above each other": 0}


def described(image: np.ndarray) -> LocalFeatures:
    """What the stage sees of a photograph as received."""
    image = np.ascontiguousarray(image)
    return describe(stretch(image, SIDE_PX), image.shape[1] / image.shape[0])


def copies_of(images: list[np.ndarray], pool) -> tuple[list[LocalFeatures], pd.DataFrame]:
    """Altered copies, and of each its alteration and source."""
    drawn = np.random.default_rng(3).permutation(len(images))[: 2 * PER_ALTERATION]
    sources, others = drawn[:PER_ALTERATION], drawn[PER_ALTERATION:]
    ways = {name: lambda image, _, alter=alter: alter(image) for name, alter in (ALTERATIONS | FURTHER).items()}
    ways |= {name: lambda image, other, axis=axis: beside(image, other, axis) for name, axis in COLLAGES.items()}
    plan = [(name, source, other) for name in ways for source, other in zip(sources, others, strict=True)]
    copies = pool.map(lambda one: described(ways[one[0]](images[one[1]], images[one[2]])), plan)
    return list(copies), pd.DataFrame(plan, columns=["alteration", "source", "other"])


def recall() -> list[Figure]:
    catalog = pd.read_csv(SHARED / "ham10000/catalog.csv", dtype=str)
    names, lesion = catalog["url"].str.rsplit("/", n=1).str[1], catalog["lesion_id"].to_numpy()
    with workers() as pool:
        bodies = ((SHARED / "ham10000/images" / name).read_bytes() for name in names)
        photographs = list(pool.map(lambda body: decode(body, MAX_PIXELS).pixels, bodies))
        images = list(pool.map(described, photographs))
        known = Keypoints(images, pool)
        found = find(images, known, pool)
        copies, plan = copies_of(photographs, pool)
        plan["found"] = found_among(copies, plan["source"].to_numpy(), images, known, np.arange(len(images)), pool)
        first = np.sort(pd.Series(lesion).drop_duplicates().index[:MARKED])
        same_mark = list(pool.map(lambda number: described(marked(photographs[number])), first))
        joined = find(same_mark, Keypoints(same_mark, pool), pool).pairs

    print(f"\n{'copies':42} found")
    per = plan.groupby("alteration", sort=False)["found"].mean()
    for name, share in per.items():
        print(f"{name:42} {share:.3f}")
    strange = lesion[found.pairs[:, 0]] != lesion[found.pairs[:, 1]]
    print(f"\n{strange.sum()} pairs of two lesions by their numbers; look at them:")
    for (a, b), agreeing in zip(found.pairs[strange], found.inliers[strange], strict=True):
        print(f"  {names[a]} and {names[b]}: {agreeing} keypoints")
    sizes = catalog["lesion_id"].value_counts()
    groups = pd.Series(group_names(catalog["md5hash"].tolist(), found.pairs, None)).value_counts()
    print(
        f"{(~strange).sum()} of {(sizes * (sizes - 1) // 2).sum()} pairs of one lesion; largest group {groups.iloc[0]}"
    )
    known_pairs = set(map(tuple, found.pairs.tolist()))
    by_mark = [pair for pair in first[joined].tolist() if tuple(pair) not in known_pairs]
    worst = f"of {len(plan)}; the least found: {per.idxmin()}, {per.min():.2f}"
    return [
        Figure("altered copies found", "-", ">= 0.98", f"{per.mean():.3f}", bool(per.mean() >= 0.98), worst),
        below("pairs of two lesions joined", 30, float(strange.sum()), "pairs", f"among {len(images):,} images"),
        below("more of them under one watermark", 5, len(by_mark), "pairs", f"among {MARKED} images"),
    ]


def draw(folder: Path, count: int) -> None:
    """Writes tensors, manifest and classes of drawn images that are all sound and different."""
    sample = generate(count)
    kept = sample.catalog[~sample.catalog["md5hash"].isin(sample.faults)].sort_values("md5hash")
    sizes = {}
    with ShardSetWriter(folder / "data/tensors", kept["md5hash"].tolist(), (SIDE_PX, SIDE_PX, 3), np.uint8) as writer:
        for shard, keys in writer.shard_keys.items():
            pictures = [read_square(sample.bodies[key], SIDE_PX, MAX_PIXELS) for key in keys]
            sizes |= {key: (one.width_px, one.height_px) for key, one in zip(keys, pictures, strict=True)}
            writer.write(shard, 0, np.stack([one.pixels for one in pictures]))
    kept[["width_px", "height_px"]] = [sizes[key] for key in kept["md5hash"]]
    write_csv(folder / "data/manifest.csv", kept)
    write_json(folder / "data/classes.json", sorted(kept["label"].unique()))
    (folder / "params.yaml").write_text((ROOT / "params.yaml").read_text())


def scale() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        draw(Path(name), IMAGES)
        taken = run(Path(name), ["-m", "stages.split"])
        note = f"{IMAGES:,} images; {taken.cpu_s:.0f} s of CPU"
        print((Path(name) / "log").read_text().rsplit("\r", 1)[-1])
    return [
        below("split", 300, taken.wall_s, "s", note),
        below("peak RSS, split", 2.5, taken.rss_gb, "GB", f"{IMAGES:,} images"),
    ]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parts = {"recall": recall, "scale": scale}
    parser.add_argument("parts", nargs="*", default=[*parts], type=one_of(*parts), help=", ".join(parts))
    show([figure for part in parser.parse_args().parts for figure in parts[part]()])
