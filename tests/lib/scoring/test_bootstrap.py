"""Intervals: known cases, whole groups, and how often they hold the truth."""

import numpy as np
import pytest
from scipy import stats

from stages.lib.scoring import metrics
from stages.lib.scoring.bootstrap import Once, draw, estimate
from stages.lib.scoring.evaluated import Evaluated

N_CLASSES, N_BINS = 10, 15


def test_a_resample_draws_as_many_whole_groups_as_there_are():
    groups = np.array(["b", "a", "b", "c", "a", "b"])
    made = draw(groups, 200, 1)
    of_group = made.weights[[1, 0, 3]]
    assert (of_group.sum(axis=0) == 3).all() and of_group.std() > 0
    assert (made.weights == of_group[[1, 0, 1, 2, 0, 1]]).all()
    assert (made.sizes == made.weights.sum(axis=0)).all()


def test_resamples_follow_groups_and_seed_and_not_the_order_of_images():
    groups = np.array([f"g{n % 7}" for n in range(20)])
    order = np.random.default_rng(0).permutation(20)
    assert (draw(groups, 50, 1).weights[order] == draw(groups[order], 50, 1).weights).all()
    assert (draw(groups, 50, 1).weights != draw(groups, 50, 2).weights).any()


def test_totals_and_means_are_those_of_the_repeated_images():
    random = np.random.default_rng(0)
    made = draw(random.integers(0, 30, 60).astype(str), 20, 3)
    numbers, values = random.integers(0, 4, 60), random.random(60)
    totals, means = made.totals(numbers, 4, values), made.means(values)
    part = made.only(numbers == 2).means(values[numbers == 2])
    for sample in range(20):
        repeated = np.repeat(np.arange(60), made.weights[:, sample].astype(int))
        expected = np.bincount(numbers[repeated], weights=values[repeated], minlength=4)
        assert totals[sample] == pytest.approx(expected, rel=1e-5)
        assert means[sample] == pytest.approx(values[repeated].mean(), rel=1e-5)
        assert part[sample] == pytest.approx(values[repeated][numbers[repeated] == 2].mean(), rel=1e-5)


def test_the_interval_of_a_mean_is_that_of_student_when_it_is_normal():
    values = np.random.default_rng(4).normal(0, 1, 40)
    made = draw(np.arange(40).astype(str), 20000, 1)
    t = stats.t.interval(0.95, 39, values.mean(), values.std(ddof=1) / np.sqrt(40))
    assert made.interval(made.means(values)) == pytest.approx(t, abs=0.03)


def test_copies_of_images_in_one_group_do_not_narrow_an_interval():
    hits = np.random.default_rng(5).random(50) < 0.4

    def interval(groups: np.ndarray, values: np.ndarray) -> tuple[float, float]:
        made = draw(groups.astype(str), 2000, 1)
        return made.interval(made.means(values))

    copied = interval(np.repeat(np.arange(50), 6), np.repeat(hits, 6))
    assert copied == pytest.approx(interval(np.arange(50), hits))
    assert np.ptp(interval(np.arange(300), np.repeat(hits, 6))) < 0.6 * np.ptp(copied)


def test_a_share_of_all_or_none_still_has_an_interval():
    made = draw(np.arange(12).astype(str), 200, 1)
    low, high = made.wilson(hits=False)
    assert low == 0 and high == pytest.approx(0.2425, abs=1e-3)  # Wilson, 0 of 12
    assert made.wilson(hits=True) == pytest.approx((1 - high, 1))
    assert np.isnan(made.only(np.zeros(12, dtype=bool)).wilson(hits=False)).all()


def test_once_is_a_resample_that_has_every_image_once():
    numbers, values = np.array([2, 0, 2]), np.array([0.5, 2.0, 0.25])
    assert Once(3).totals(numbers, 4, values).tolist() == [2.0, 0.0, 0.75, 0.0]
    assert Once(3).means(values) == pytest.approx(2.75 / 3)


def test_one_group_has_no_interval():
    made = draw(np.array(["a", "a"]), 200, 1)
    assert np.isnan(made.interval(made.means(np.array([0.0, 1.0])))).all()
    assert estimate(0.5, (np.nan, np.nan)) == {"value": 0.5, "low": None, "high": None}


def simulated(random: np.random.Generator, n_groups: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images in groups of one to three that are right or wrong much alike; classes of unequal size; overconfident."""
    groups = np.repeat(np.arange(n_groups), random.choice([1, 2, 3], n_groups, p=[0.7, 0.2, 0.1]))
    labels = random.choice(N_CLASSES, n_groups, p=np.arange(1, N_CLASSES + 1) / 55)[groups]
    noise = random.normal(0, 1.5, (n_groups, N_CLASSES))[groups] + random.normal(0, 0.3, (len(groups), N_CLASSES))
    raised = np.exp(1.3 * (noise + 1.5 * np.eye(N_CLASSES)[labels]))
    return groups.astype(str), labels, raised / raised.sum(axis=1, keepdims=True)


def test_intervals_hold_the_truth_in_about_95_percent_of_300_sets():
    random = np.random.default_rng(0)

    def evaluated(n_groups: int, samples: int, seed: int) -> Evaluated:
        groups, labels, shares = simulated(random, n_groups)
        return Evaluated(
            draw(groups, samples, seed), labels, shares.argmax(axis=1), N_CLASSES, shares, shares, n_bins=N_BINS
        )

    truth = {name: value for name, (value, _) in metrics.measure(evaluated(100_000, 1, 0)).items()}
    held = dict.fromkeys(truth, 0)
    for seed in range(300):
        for name, found in metrics.estimates(evaluated(600, 500, seed)).items():
            held[name] += found["low"] <= truth[name] <= found["high"]
    # 95 % of 300 is 285, with a standard deviation of 3.8; means over classes and bins fall a little short
    assert {name: count for name, count in held.items() if not 273 <= count <= 297} == {}
