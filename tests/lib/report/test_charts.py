"""Charts put every figure where its value says, and leave out what there is not."""

import math
import re

import numpy as np
import pandas as pd
import pytest

from stages.lib.report import charts
from stages.lib.report.charts import Mark, Scale

NONE = {"value": None, "low": None, "high": None}


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([0.9], [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ([0.31, None, math.nan, math.inf], [0, 0.1, 0.2, 0.3, 0.4]),
        ([-0.23, 0.75], [-0.4, -0.2, 0, 0.2, 0.4, 0.6, 0.8]),
        ([-3, -1], [-3, -2, -1, 0]),
        ([340], [0, 100, 200, 300, 400]),
        ([], [0, 0.2]),
        ([0, 0], [0, 0.2]),
    ],
)
def test_a_scale_has_room_for_its_values_and_zero_between_round_ticks(values, ticks):
    scale = Scale.around(values)
    assert scale.ticks() == pytest.approx(ticks)
    assert (scale.low, scale.high) == pytest.approx((ticks[0], ticks[-1]))
    assert (scale.place(scale.low), scale.place(scale.high)) == (0, 100)


def test_a_track_puts_figures_their_intervals_and_references_where_they_belong():
    found = {"value": 0.25, "low": 0.1, "high": 0.5}
    chart = charts.track(Scale(0, 1, 0.5), [Mark("test", found), Mark("val", NONE | {"value": 0.75})], [0.3])
    assert re.findall(r'<use class="(\w+)" href="#(\w+)" x="([\d.]+)%"', chart) == [
        ("test", "test", "25.0"), ("val", "val", "75.0"),
    ]  # fmt: skip
    assert re.findall(r'class="(\w+) interval" x1="([\d.]+)%" x2="([\d.]+)%"', chart) == [("test", "10.0", "50.0")]
    assert 'class="reference0" x1="30.0%" x2="30.0%"' in chart
    assert chart.count('class="tick"') == 3


@pytest.mark.parametrize("value", [None, math.nan])
def test_what_is_missing_is_not_drawn(value):
    chart = charts.track(Scale(0, 1, 0.5), [Mark("paper", NONE | {"value": value})])
    assert "paper" not in chart and "nan" not in chart and "None" not in chart


def test_a_bar_puts_its_parts_side_by_side():
    chart = charts.bar(Scale(0, 200, 50), {"kept": 100, "dropped": 50})
    rects = re.findall(r'class="(\w+)" x="([\d.]+)%" width="([\d.]+)%"', chart)
    assert rects == [("kept", "0.0", "50.0"), ("dropped", "50.0", "25.0")]


def history(losses):
    table = pd.DataFrame({"epoch": range(len(losses)), "loss": losses, "val_loss": losses})
    return table.assign(chosen=[0] * (len(losses) - 1) + [1])


def test_curves_go_down_as_losses_fall_and_mark_the_epoch_kept():
    chart = charts.curves(history([4.0, 2.0, 1.0]), "loss", 4.0)
    assert chart.count('points="0.00,0.00 50.00,50.00 100.00,75.00"') == 2
    assert 'class="chosen" x1="100.0%"' in chart


def test_one_epoch_is_a_dot_and_what_diverged_leaves_a_gap():
    assert 'points="0.00,50.00 0.00,50.00"' in charts.curves(history([2.0]), "loss", 4.0)
    chart = charts.curves(history([2.0, math.nan, 2.0, math.inf]), "loss", 4.0)
    assert 'points="0.00,50.00 66.67,50.00"' in chart


def test_reliability_draws_only_bins_that_have_images():
    edges = np.linspace(0, 1, 5)
    table = pd.DataFrame({"n": [0, 5, 5, 0], "confidence": edges[:-1] + 0.125, "accuracy": [np.nan, 0.25, 0.5, np.nan]})
    chart = charts.reliability(pd.concat([table.assign(calibration=name) for name in ("before", "after")]))
    assert chart.count('points="37.50,75.00 62.50,50.00"') == 2 and chart.count("<use") == 4


def test_a_heading_names_its_axis_and_escapes_its_text():
    heading = charts.heading("<b>", Scale(-0.5, 0.5, 0.5))
    assert heading.startswith("&lt;b&gt;<svg")
    assert re.findall(r'x="([-\d.]+)%" y="75%">([^<]+)<', heading) == [
        ("0.0", "\N{MINUS SIGN}0.5"), ("50.0", "0"), ("100.0", "0.5"),
    ]  # fmt: skip
