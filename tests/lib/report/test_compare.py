"""Comparison of rows: McNemar's test where it applies, and no verdicts out of noise."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from stages.lib.core.errors import PipelineError
from stages.lib.report.compare import BETTER, COMPARED, NO_DIFFERENCE, WORSE, compare, holm

CLASSES = ["a", "b", "c"]


def predictions(labels: np.ndarray, predicted: np.ndarray) -> pd.DataFrame:
    names = np.array(CLASSES)
    keys = [f"{n:032x}" for n in range(len(labels))]
    return pd.DataFrame({"md5hash": keys, "split": "test", "label": names[labels], "predicted": names[predicted]})


def groups(n: int, size: int = 1) -> pd.Series:
    return pd.Series([f"g{k // size}" for k in range(n)], index=[f"{k:032x}" for k in range(n)])


def guesses(random: np.random.Generator, labels: np.ndarray, rate: float) -> np.ndarray:
    return np.where(random.random(len(labels)) < rate, labels, (labels + 1) % 3)


def verdicts(table: pd.DataFrame, metric: str = "accuracy") -> dict[str, str]:
    return table[table["metric"] == metric].set_index("row")["verdict"].to_dict()


@pytest.mark.parametrize(("won", "lost"), [(9, 2), (14, 3), (6, 6), (3, 0)])
def test_on_single_images_the_p_of_accuracy_is_mcnemars(won, lost):
    labels = np.zeros(60, dtype=int)
    row, model = np.zeros(60, dtype=int), np.zeros(60, dtype=int)
    model[:won], row[won : won + lost] = 1, 1
    tables = {"row": predictions(labels, row), "model": predictions(labels, model)}
    found = compare(tables, "model", groups(60), CLASSES, 4000, 0).set_index("metric").loc["accuracy"]
    assert found["difference"] == pytest.approx((won - lost) / 60)
    assert found["p"] == pytest.approx(binomtest(won, won + lost).pvalue, abs=0.02)
    assert found["low"] <= found["difference"] <= found["high"]


def test_better_worse_and_no_difference():
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 600)
    model = guesses(random, labels, 0.5)
    tables = {
        "model": predictions(labels, model),
        "same": predictions(labels, model),
        "up": predictions(labels, guesses(random, labels, 0.7)),
        "down": predictions(labels, guesses(random, labels, 0.3)),
    }
    table = compare(tables, "model", groups(600), CLASSES, 1000, 0)
    assert len(table) == 3 * len(COMPARED)
    for metric in COMPARED:
        assert verdicts(table, metric) == {"same": NO_DIFFERENCE, "up": BETTER, "down": WORSE}
    same = table[table["row"] == "same"]
    assert (same[["difference", "low", "high"]] == 0).all(axis=None) and (same["p"] == 1).all()


def test_twenty_rows_of_one_skill_are_no_ranking():
    ranked, smallest = 0, []
    for seed in range(10):
        random = np.random.default_rng(seed)
        labels = random.integers(0, 3, 300)
        tables = {f"row-{n}": predictions(labels, guesses(random, labels, 0.4)) for n in range(20)}
        table = compare(tables, "row-0", groups(300), CLASSES, 500, seed)
        ranked += set(verdicts(table).values()) != {NO_DIFFERENCE}
        smallest.append(table.loc[table["metric"] == "accuracy", "p"].min())
    assert ranked <= 1  # 5 % of 10 is what is promised
    assert min(smallest) < 0.05  # which without Holm's correction would have been a verdict


def test_copies_of_the_same_images_prove_nothing_more():
    random = np.random.default_rng(4)
    labels = np.repeat(random.integers(0, 3, 40), 10)
    row, model = (np.repeat(guesses(random, labels[::10], rate), 10) for rate in (0.6, 0.5))
    tables = {"row": predictions(labels, row), "model": predictions(labels, model)}
    alone = compare(tables, "model", groups(400), CLASSES, 1000, 0)
    grouped = compare(tables, "model", groups(400, 10), CLASSES, 1000, 0)
    assert (grouped["p"] > alone["p"]).all()
    assert (grouped["high"] - grouped["low"] > 2 * (alone["high"] - alone["low"])).all()


def test_the_order_of_images_and_other_splits_change_nothing():
    random = np.random.default_rng(5)
    labels = random.integers(0, 3, 50)
    tables = {name: predictions(labels, guesses(random, labels, 0.5)) for name in ("row", "model")}
    mixed = {name: table.sample(frac=1, random_state=1) for name, table in tables.items()}
    mixed["row"] = pd.concat([mixed["row"], tables["row"].assign(split="val")])
    first, second = (compare(t, "model", groups(50), CLASSES, 200, 0) for t in (tables, mixed))
    pd.testing.assert_frame_equal(first, second)


def test_rows_of_other_images_are_refused():
    tables = {name: predictions(np.zeros(n, dtype=int), np.zeros(n, dtype=int)) for name, n in (("model", 5), ("r", 4))}
    with pytest.raises(PipelineError, match=r"the predictions of r: not about the images of model"):
        compare(tables, "model", groups(5), CLASSES, 100, 0)


def test_holm_by_hand():
    p = pd.Series([0.01, 0.04, 0.03, 0.005])
    assert holm(p).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
