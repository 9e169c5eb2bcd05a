"""Quotas are met, groups stay whole, and few images move when others are added."""

import numpy as np
import pandas as pd
import pytest

from stages.lib.split.dealing import deal_parts, largest_remainder, systematic

TENTHS = [0.1, 0.1]


def images(n: int, seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame({
        "label": random.choice(["a", "b", "c", "d"], n, p=[0.5, 0.3, 0.15, 0.05]),
        "bucket": random.choice(["x", "y", "z"], n, p=[0.6, 0.3, 0.1]),
        "group": [f"{seed}-{number}" for number in range(n)],
    })  # fmt: skip


def test_quotas_are_exact_where_groups_are_single():
    table = images(1003)
    part = deal_parts(table[["label", "bucket"]], table["group"], TENTHS, "s")
    assert part.value_counts().to_dict() == {0: 100, 1: 100, 2: 803}
    for _, label in table.groupby("label"):
        for number in (0, 1):
            assert abs((part[label.index] == number).sum() - len(label) / 10) <= 1
    for _, bucket in table.groupby("bucket"):
        assert abs((part[bucket.index] == 0).sum() - len(bucket) / 10) < 4


def test_groups_of_many_sizes_and_mixed_labels_stay_whole_and_near_the_quotas():
    table = images(1000)
    random = np.random.default_rng(1)
    table = table.sort_values("label", ignore_index=True)  # so that most of a group have one label, as patients do
    table["group"] = np.repeat(np.arange(1000), random.integers(1, 7, 1000))[:1000].astype(str)
    table.loc[random.permutation(1000)[:100], "group"] = random.integers(0, 280, 100).astype(str)
    part = deal_parts(table[["label", "bucket"]], table["group"], TENTHS, "s")
    assert part.groupby(table["group"]).nunique().max() == 1
    for number in (0, 1):
        counts = table["label"][part == number].value_counts()
        ideal = table["label"].value_counts() / 10
        assert ((counts - ideal).abs() <= 2).all()


def test_groups_larger_than_a_quota_do_not_keep_a_class_out():
    table = pd.DataFrame({"label": "a", "bucket": "x", "group": np.repeat(list("abcdefghijkl"), 9)})
    table = pd.concat([table, pd.DataFrame({"label": "b", "bucket": "x", "group": np.repeat(list("mnopq"), 12)})])
    table = table.reset_index(drop=True)
    part = deal_parts(table[["label", "bucket"]], table["group"], TENTHS, "s")
    assert pd.crosstab(table["label"], part).min().min() > 0


def test_order_and_added_images_move_little():
    table = images(1000)
    part = deal_parts(table[["label", "bucket"]], table["group"], TENTHS, "s")
    shuffled = table.sample(frac=1, random_state=0)
    again = deal_parts(shuffled[["label", "bucket"]], shuffled["group"], TENTHS, "s")
    assert again.sort_index().equals(part)
    larger = pd.concat([table, images(10, seed=9)], ignore_index=True)
    moved = deal_parts(larger[["label", "bucket"]], larger["group"], TENTHS, "s")[:1000] != part
    assert moved.sum() <= 20  # of 1,000, by 10 images more


def test_another_salt_deals_otherwise():
    table = images(300)
    deals = [deal_parts(table[["label", "bucket"]], table["group"], TENTHS, salt) for salt in "st"]
    assert not deals[0].equals(deals[1])


def test_what_is_placed_stays_and_counts():
    table = images(1000)
    placed = pd.Series(-1, index=table.index)
    placed[:60], placed[60:400] = 0, 2
    part = deal_parts(table[["label", "bucket"]], table["group"], TENTHS, "s", placed)
    assert (part[:400] == placed[:400]).all()
    assert part.value_counts().to_dict() == pytest.approx({0: 100, 1: 100, 2: 800}, abs=3)


@pytest.mark.parametrize(
    ("wanted", "seats", "expected"),
    [
        ([1.5, 2.4, 0.3], 4, [2, 2, 0]),
        ([1.0, 2.0], 3, [1, 2]),
        ([0.4, 0.4, 0.4], 1, [1, 0, 0]),
        ([-1.0, 2.0], 2, [0, 2]),
    ],
)
def test_largest_remainder(wanted, seats, expected):
    assert largest_remainder(np.array(wanted), seats).tolist() == expected


def test_systematic_rounding_is_near_and_fair():
    wanted = np.array([2.35, 1.85, 0.65, 0.15])
    rows = np.array([systematic(wanted, 5, offset) for offset in np.linspace(0, 1, 200, endpoint=False)])
    assert (rows.sum(axis=1) == 5).all()
    assert ((rows == np.floor(wanted)) | (rows == np.ceil(wanted))).all()
    assert rows.mean(axis=0) == pytest.approx(wanted, abs=0.02)
    assert systematic(np.zeros(3), 2, 0.5).tolist() == [0, 0, 0]
