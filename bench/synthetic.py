"""Made-up results of any size, in the files that the stages write: what the report is timed and tested on.

Nothing here comes from a photograph or a trained network. Labels and skin types are drawn at random, "predictions" are
noise that leans towards the right class, and images are smooth colour. The files are written by the
pipeline's own code.
"""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from stages.lib.baselines.baselines import MAJORITY, class_shares, describe, mean_name
from stages.lib.core.files import write_csv, write_json
from stages.lib.core.params import Params
from stages.lib.core.registry import BACKBONES
from stages.lib.core.sections import Row
from stages.lib.data.shard_writer import ShardSetWriter
from stages.lib.evaluate.assessment import assess
from stages.lib.scoring.bootstrap import draw
from stages.lib.scoring.evaluated import Evaluated
from stages.lib.scoring.metrics import estimates
from stages.lib.scoring.predictions import HIDDEN, Predicted, write_predictions

COARSE = ["benign", "malignant", "non-neoplastic"]
FINE = [f"{coarse} {part}" for coarse in COARSE for part in ("dermal", "epidermal", "other")]
IMAGE_PX = 64
EPOCHS = 12
TYPES = [1, 2, 3, 4, 5, 6, -1]
TYPE_SHARES = [0.18, 0.29, 0.2, 0.16, 0.09, 0.04, 0.04]


def write_catalog(root: Path, classes: list[str], images: int, seed: int = 0) -> pd.DataFrame:
    """Writes catalog, manifest, classes, splits, tensors and the counts of validate and split; returns the manifest.

    Nine images of ten are kept; of those a tenth each is in `val` and `test`.
    """
    random = np.random.default_rng(seed)
    rarity = 1 / (np.arange(len(classes)) + 8)
    labels = random.choice(len(classes), images, p=rarity / rarity.sum())
    labels[: len(classes)] = np.arange(len(classes))
    shares = random.choice(TYPES, images, p=TYPE_SHARES)
    second = np.where(random.random(images) < 0.8, shares, random.choice(TYPES, images, p=TYPE_SHARES))
    catalog = pd.DataFrame(
        {
            "md5hash": [hashlib.md5(str(number).encode()).hexdigest() for number in range(images)],
            "fitzpatrick_scale": shares,
            "fitzpatrick_centaur": second,
            "label": np.array(classes)[labels],
            "nine_partition_label": np.array(FINE)[labels % len(FINE)],
            "three_partition_label": np.array(COARSE)[labels % len(FINE) // 3],
            "qc": "",
            "url": [f"https://synthetic.invalid/{number}.jpg" for number in range(images)],
            "url_alphanum": [f"{number}.jpg" for number in range(images)],
        }
    )
    kept = catalog[(np.arange(images) < len(classes)) | (random.random(images) < 0.9)]
    kept = kept.assign(width_px=IMAGE_PX, height_px=IMAGE_PX)
    splits = pd.DataFrame({"md5hash": kept["md5hash"], "group": kept["md5hash"], "fold": 0})
    splits["split"] = random.choice(["train", "val", "test"], len(kept), p=[0.8, 0.1, 0.1])
    write_csv(root / "data/raw/catalog.csv", catalog)
    write_csv(root / "data/manifest.csv", kept)
    write_csv(root / "data/splits.csv", splits[["md5hash", "group", "split", "fold"]])
    write_json(root / "data/classes.json", sorted(classes))
    types = kept["fitzpatrick_scale"].map(lambda number: "unknown" if number < 0 else str(number))
    write_json(
        root / "data/validation.json",
        {
            "catalog_rows": images,
            "kept": len(kept),
            "dropped": {"no_url": 0, "fetch_failed": images - len(kept)},
            "classes": {"catalog": len(classes), "kept": len(classes), "gone": []},
            "kept_by_skin_type": types.value_counts().sort_index().to_dict(),
        },
    )
    write_json(
        root / "data/split.json",
        {
            "images": splits["split"].value_counts().to_dict(),
            "groups": len(kept),
            "largest_group": 1,
            "images_in_groups": 0,
            "classes_missing": {"train": [], "val": [], "test": []},
            "near_duplicate_pairs": 0,
            "near_duplicates_in_two_splits": 0,
            "copies_recall": {"planted": 150, "found": 149, "overall": 0.9933, "per_alteration": []},
        },
    )
    with ShardSetWriter(root / "data/tensors", kept["md5hash"].tolist(), (IMAGE_PX, IMAGE_PX, 3), np.uint8) as writer:
        for shard, keys in writer.shard_keys.items():
            colours = random.integers(40, 220, (len(keys), 4, 4, 3), dtype=np.uint8)
            writer.write(shard, 0, np.stack([cv2.resize(colour, (IMAGE_PX, IMAGE_PX)) for colour in colours]))
    return kept


def write_results(root: Path, params: Params, manifest: pd.DataFrame, seed: int = 0) -> None:
    """Writes what `train`, `evaluate`, `baselines` and `explain` leave behind, for every row of `params`."""
    classes = sorted(manifest["label"].unique())
    splits = pd.read_csv(root / "data/splits.csv").set_index("md5hash")
    rows = {"model": params.model} | params.tables
    for place, (name, row) in enumerate(rows.items()):
        random = np.random.default_rng([seed, place])
        parts = {
            split: _predicted(manifest[manifest["md5hash"].map(splits["split"]) == split], classes, place, random)
            for split in ("val", "test")
        }
        if row.side_inputs:
            test = parts["test"]
            noise = test.probabilities * random.uniform(0.4, 1.6, test.probabilities.shape)
            parts[HIDDEN] = Predicted(test.keys, test.labels, noise / noise.sum(axis=1, keepdims=True))
        write_row(root, name, row, parts, manifest, splits["group"], classes, params)
        if name == "model":
            _write_baselines(root, params, parts["test"], splits["group"], classes)
    _write_explained(root, params, manifest[manifest["md5hash"].map(splits["split"]) == "test"])


def write_row(
    root: Path, name: str, row: Row, parts: dict[str, Predicted], manifest: pd.DataFrame, groups: pd.Series,
    classes: list[str], params: Params,
) -> None:  # fmt: skip
    """Writes one row's predictions, scores and tables, assessed as the stage `evaluate` does."""
    precision = None if not row.on_features else "float32"
    assessment = assess(parts, manifest, groups, classes, row.batch_size, params.evaluate, params.seed, precision)
    directory = root / "data/evaluations" / name
    write_predictions(directory / "predictions.csv", parts, classes)
    assessment.write(directory)
    write_csv(directory / "curves.csv", _curves(), float_format="%.6f")


def _predicted(images: pd.DataFrame, classes: list[str], place: int, random: np.random.Generator) -> Predicted:
    labels = images["label"].map({name: number for number, name in enumerate(classes)}).to_numpy(np.int64)
    scores = random.normal(0, 1, (len(labels), len(classes)))
    scores[np.arange(len(labels)), labels] += 1 + 0.12 * place
    odds = np.exp(1.6 * scores)
    return Predicted(images["md5hash"].tolist(), labels, odds / odds.sum(axis=1, keepdims=True))


def _curves() -> pd.DataFrame:
    epochs = np.arange(EPOCHS)
    fall = np.exp(-epochs / 4)
    table = pd.DataFrame({"epoch": epochs, "loss": 1 + 2 * fall, "val_loss": 1.6 + 1.4 * fall + 0.04 * epochs})
    for name in ("accuracy", "f1_weighted"):
        table[name], table[f"val_{name}"] = 0.6 - 0.5 * fall, 0.4 - 0.3 * fall
    return table.assign(chosen=(table["val_loss"] == table["val_loss"].min()).astype(int))


def _write_baselines(root: Path, params: Params, test: Predicted, groups: pd.Series, classes: list[str]) -> None:
    resamples = draw(groups.loc[test.keys].to_numpy(dtype=str), params.evaluate.bootstrap_samples, params.seed)
    random, names = np.random.default_rng(params.seed), np.array(classes)
    shares = class_shares(test.labels, len(classes))
    majority = np.full_like(test.labels, shares.argmax())
    summary = {}
    for name in (MAJORITY, *map(mean_name, BACKBONES)):
        named = majority if name == MAJORITY else np.where(random.random(len(majority)) < 0.2, test.labels, majority)
        probabilities = np.tile(shares, (len(named), 1)) if name == MAJORITY else None
        images = Evaluated(
            resamples, test.labels, named, len(classes), probabilities, n_bins=params.evaluate.calibration_bins
        )
        summary[name] = {"description": describe(name, classes[majority[0]]), "metrics": estimates(images)}
        table = {"md5hash": test.keys, "split": "test", "label": names[test.labels], "predicted": names[named]}
        write_csv(root / "data/baselines" / f"{name}.csv", pd.DataFrame(table))
    write_json(root / "data/baselines/baselines.json", summary)


def _write_explained(root: Path, params: Params, test: pd.DataFrame) -> None:
    shown = test.head(params.explain.images)
    side = np.linspace(-1, 1, 7)
    bump = np.exp(-((side[:, None] - 0.2) ** 2 + (side[None] + 0.1) ** 2) / 0.3)
    for architecture in params.explain.rows:
        folder = root / "data/explain" / architecture
        table = shown[["md5hash", "label"]].assign(predicted=test["label"].iloc[0], probability=0.5)
        write_csv(folder / "explained.csv", table)
        np.save(folder / "maps.npy", np.stack([bump] * len(shown)).astype(np.float16))
