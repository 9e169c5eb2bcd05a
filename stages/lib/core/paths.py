"""Where data is, relative to the root of the checkout. The one list: `dvc.yaml` names the same paths."""

from pathlib import Path

PARAMS = Path("params.yaml")

RAW = Path("data/raw")
"""catalog.csv, fetch.csv, and images/ with their bytes as received."""
QUARANTINE = Path("data/quarantine")

TENSORS = Path("data/tensors")
DECODED = Path("data/decoded.csv")
MANIFEST = Path("data/manifest.csv")
DROPPED = Path("data/dropped.csv")
CLASSES = Path("data/classes.json")
VALIDATION = Path("data/validation.json")

FEATURES = Path("data/features")
"""`<backbone>/`: shards of float16 and backbone.json, which says what made them."""
PARTS = Path("data/parts")
"""Finished shards of features, for the run after a kill or after images were added; safe to delete."""

SPLITS_TABLE = Path("data/splits.csv")
SPLIT_SUMMARY = Path("data/split.json")
DUPLICATES = Path("data/duplicates.csv")
"""Pairs of near-duplicates that the split found."""

MODELS = Path("models")
CHECKPOINTS = Path("data/checkpoints")
"""Ignored by Git and unknown to DVC, which removes a stage's outs before it runs; empty but for killed trainings."""
EVALUATIONS = Path("data/evaluations")
BASELINES = Path("data/baselines")
EXPLAIN = Path("data/explain")
REPORT = Path("data/report")

METRICS = Path("metrics")
PAPER = METRICS / "paper.csv"
"""The published scores. The one file under metrics/ that no stage writes."""
SCORES = METRICS / "scores.json"
"""By row, then by split: what `dvc metrics diff` shows."""
CARD = Path("MODEL_CARD.md")
