"""A row's assessment: consistent within itself, and dependent on nothing that it should not depend on."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stages.lib.core.sections import Evaluate
from stages.lib.core.words import SKIN_TYPES
from stages.lib.evaluate.assessment import Assessment, assess
from stages.lib.scoring.metrics import shown
from stages.lib.scoring.predictions import HIDDEN, Predicted

CLASSES = [f"condition {n}" for n in range(6)]
SETTINGS = Evaluate(bootstrap_samples=200, calibration_bins=15, min_support=3, mistakes=5)
KEYS = [f"{n:032x}" for n in range(180)]


@pytest.fixture(scope="module")
def world() -> tuple[dict[str, Predicted], pd.DataFrame, pd.Series]:
    random = np.random.default_rng(0)
    labels = random.integers(0, 6, 180)
    manifest = pd.DataFrame(
        {
            "md5hash": KEYS,
            "label": [CLASSES[n] for n in labels],
            "nine_partition_label": [f"nine {n % 3}" for n in labels],
            "three_partition_label": [f"three {n % 2}" for n in labels],
            "fitzpatrick_scale": random.choice(SKIN_TYPES, 180),
            "fitzpatrick_centaur": random.choice(SKIN_TYPES, 180).astype(str),
        }
    )

    def part(images: slice) -> Predicted:
        raised = np.exp(random.normal(0, 2, (90, 6)) + 2 * np.eye(6)[labels[images]])
        return Predicted(KEYS[images], labels[images], raised / raised.sum(axis=1, keepdims=True))

    parts = {"val": part(slice(0, 90)), "test": part(slice(90, 180)), HIDDEN: part(slice(90, 180))}
    return parts, manifest, pd.Series([f"g{n // 2}" for n in range(180)], index=KEYS)


def run(world, parts: dict[str, Predicted] | None = None, batch_size: int = 16) -> Assessment:
    own, manifest, groups = world
    return assess(parts or own, manifest, groups, CLASSES, batch_size, SETTINGS, 7, "float32")


def permuted(part: Predicted) -> Predicted:
    order = np.random.default_rng(1).permutation(len(part.keys))
    return Predicted([part.keys[n] for n in order], part.labels[order], part.probabilities[order])


def figures(value, path: str = "") -> dict[str, object]:
    """Every leaf of a JSON value by its path."""
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        return {k: v for key, inner in pairs for k, v in figures(inner, f"{path}/{key}").items()}
    return {path: value}


def test_the_figures_have_intervals_about_them_and_the_scores_are_some_of_them(world):
    found = run(world)
    metrics = found.summary["metrics"]
    assert all(stored["low"] <= stored["value"] <= stored["high"] for stored in metrics.values())
    assert metrics["accuracy"]["value"] <= metrics["top_3"]["value"] <= metrics["top_5"]["value"]
    assert found.scores["test"] == {name: metrics[name]["value"] for name in shown("test")}
    val, validation = world[0]["val"], found.summary["validation"]
    assert found.scores["val"] == {name: validation[name]["value"] for name in shown("val")}
    assert validation["accuracy"]["value"] == pytest.approx((val.labels == val.predicted).mean(), abs=1e-6)


def test_it_is_json_and_the_tables_add_up(world):
    found = run(world)
    assert "NaN" not in json.dumps(found.summary)
    test, tables = world[0]["test"], found.tables
    assert found.summary["images"] == {"val": 90, "test": 90} and found.summary["groups"]["test"] == 45
    assert len(tables["confusion"]) == 90
    for level, part in tables["classes"].groupby("level"):
        assert part["support"].sum() == part["predicted"].sum() == 90, level
    right = (test.labels == test.predicted).sum()
    assert (tables["confusion"]["actual"] == tables["confusion"]["predicted"]).sum() == right
    assert tables["reliability"].groupby("calibration")["n"].sum().to_dict() == {"before": 90, "after": 90}
    by_level = tables["skin_types"].groupby(["rating", "input", "level"])["n"].sum()
    assert len(by_level) == 8 == len(found.summary["skin_types"]) and (by_level == 90).all()


def test_mistakes_are_wrong_and_the_surest_come_first(world):
    mistakes = run(world).tables["mistakes"]
    assert len(mistakes) == SETTINGS.mistakes and (mistakes["label"] != mistakes["predicted"]).all()
    assert mistakes["confidence"].is_monotonic_decreasing
    test = world[0]["test"]
    wrong = test.probabilities.max(axis=1)[test.labels != test.predicted]
    assert mistakes["confidence"].iloc[0] == wrong.max()


def test_the_order_of_images_and_the_batch_size_change_f1_published_alone(world):
    before = figures(run(world).summary)
    for after in (
        figures(run(world, {split: permuted(part) for split, part in world[0].items()}).summary),
        figures(run(world, batch_size=5).summary),
    ):
        assert before.keys() == after.keys()
        changed = {key for key in before if before[key] != pytest.approx(after[key], abs=1e-5)}
        assert changed - {"/batch_size"} == {"/f1_published"}


def test_scaling_moves_the_loss_and_no_prediction(world):
    metrics = run(world).summary["metrics"]
    sharper = {split: Predicted(p.keys, p.labels, _sharpened(p.probabilities)) for split, p in world[0].items()}
    found = run(world, sharper).summary
    assert found["temperature"] == pytest.approx(3 * run(world).summary["temperature"], rel=1e-2)
    for name in ("accuracy", "top_3", "top_5", "f1_macro", "balanced_accuracy"):
        assert found["metrics"][name] == metrics[name]
    for name in ("loss_scaled", "ece_scaled"):
        assert found["metrics"][name]["value"] == pytest.approx(metrics[name]["value"], abs=2e-3)
    assert found["metrics"]["loss"]["value"] > metrics["loss"]["value"]


def _sharpened(probabilities: np.ndarray) -> np.ndarray:
    raised = probabilities**3
    return raised / raised.sum(axis=1, keepdims=True)


def test_hiding_side_inputs_is_a_difference_of_the_same_images(world):
    hidden = run(world).summary["hidden"]
    given = run(world).summary["metrics"]
    for name, change in hidden["difference"].items():
        assert change["value"] == pytest.approx(hidden["metrics"][name]["value"] - given[name]["value"], abs=2e-6)
    same = run(world, world[0] | {HIDDEN: world[0]["test"]}).summary["hidden"]["difference"]
    assert all(value == 0 for change in same.values() for value in change.values())
    without = {split: world[0][split] for split in ("val", "test")}
    assert run(world, without).summary["hidden"] is None


def test_a_catalog_without_coarse_classes_and_second_rating_is_assessed(world):
    parts, manifest, groups = world
    bare = manifest[["md5hash", "label", "fitzpatrick_scale"]]
    found = assess(parts, bare, groups, CLASSES, 16, SETTINGS, 7, "float32")
    assert found.summary["coarse_classes"] == {}
    assert list(found.tables["confusion"]) == ["actual", "predicted"]
    assert set(found.tables["skin_types"]["rating"]) == {"fitzpatrick_scale"}


def test_no_tensorflow_is_needed():
    modules = "stages.lib.evaluate.assessment, stages.lib.report.compare, stages.baselines"
    code = f"import sys, {modules}; assert not {{'tensorflow', 'keras'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])
