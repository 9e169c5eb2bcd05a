"""Every figure of the report: nothing is cut off, no labels overlap, and the same data gives the same bytes."""

import io
import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from stages.lib.report import drawing, figures_calibration, figures_classes, figures_data, figures_rows

NAMES_114 = [f"condition number {number} {'of the skin ' * (number % 4)}".strip() for number in range(114)]
ROWS_20 = [f"resnet101v2-type-d{number}" for number in range(20)]


def history(epochs=3):
    names = ("loss", "accuracy", "f1_weighted", "val_loss", "val_accuracy", "val_f1_weighted")
    table = pd.DataFrame({name: np.linspace(0.9, 0.1, epochs) for name in names})
    return table.assign(epoch=range(epochs), chosen=[0] * (epochs - 1) + [1])


def mark(paper=0.3):
    return {"value": 0.2, "low": 0.15, "high": 0.25, "paper": paper}


def by_type(n=(294, 480, 330, 278, 153, 63, 55), inputs=("given",)):
    table = pd.DataFrame({"group": ["1", "2", "3", "4", "5", "6", "unknown"], "n": n})
    values = np.where(table["n"] > 0, 0.3, np.nan)
    table = table.assign(accuracy=values, accuracy_low=values - 0.1, accuracy_high=values + 0.1)
    return pd.concat(table.assign(rating="fitzpatrick_scale", level="type", input=name) for name in inputs)


def bins(n=5):
    edges = np.linspace(0, 1, 16)
    table = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "n": n})
    table = table.assign(confidence=(edges[:-1] + edges[1:]) / 2, accuracy=0.5)
    table.loc[0, ["n", "confidence", "accuracy"]] = 0, np.nan, np.nan
    return pd.concat([table.assign(calibration=name) for name in ("before", "after")])


def counts(names):
    return pd.DataFrame({"catalog": np.arange(len(names)) + 50, "kept": 40}, index=names)


def pairs(count):
    names = NAMES_114[:count]
    return pd.DataFrame({"actual": names, "predicted": names[::-1], "images": 12, "share": 0.5})


FIGURES = {
    "comparison": lambda: figures_rows.comparison(
        {"Model": {"model": mark(None)}, "Table 1": {name: mark() for name in ROWS_20}},
        {"most common class": 0.04, "nearest class mean": 0.19},
    ),
    "curves": lambda: figures_rows.curves(history(50)),
    "curves of one epoch": lambda: figures_rows.curves(history(1)),
    "all curves": lambda: figures_rows.all_curves({name: history(20) for name in ROWS_20}),
    "reliability": lambda: figures_calibration.reliability(bins()),
    "by type": lambda: figures_calibration.accuracy_by_type(by_type(), {"value": 0.3}),
    "by type, hidden too": lambda: figures_calibration.accuracy_by_type(
        by_type(inputs=("given", "hidden")), {"value": 0.3}
    ),
    "by type, one empty": lambda: figures_calibration.accuracy_by_type(by_type((9, 9, 9, 9, 9, 0, 0)), {"value": 0.3}),
    "confusion of 3": lambda: figures_classes.confusion(pd.Series(list("abca")), pd.Series(list("abbb"))),
    "confusion of 9": lambda: figures_classes.confusion(pd.Series(NAMES_114[:9]), pd.Series(NAMES_114[1:10])),
    "confusion of 30": lambda: figures_classes.confusion(pd.Series(NAMES_114[:30]), pd.Series(NAMES_114[:30])),
    "20 pairs": lambda: figures_classes.confused_pairs(pairs(20)),
    "1 pair": lambda: figures_classes.confused_pairs(pairs(1)),
    "114 classes": lambda: figures_data.classes(counts(NAMES_114)),
    "3 classes": lambda: figures_data.classes(counts(["a", "b", "c"])),
    "skin types": lambda: figures_data.skin_types(counts(["1", "2", "3", "4", "5", "6", "unknown"])),
}


def pixels(content):
    image = Image.open(io.BytesIO(content))
    assert image.format == "PNG"
    assert image.info.keys() <= {"dpi"}, "a version or date in the metadata changes the bytes"
    return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_cut_off_and_no_labels_overlap(name, monkeypatch):
    drawn = []
    draw = drawing.png
    monkeypatch.setattr(drawing, "png", lambda figure: drawn.append(figure) or draw(figure))
    image = pixels(FIGURES[name]())
    border = np.concatenate([image[:2].ravel(), image[-2:].ravel(), image[:, :2].ravel(), image[:, -2:].ravel()])
    assert (border == 255).all(), "something is cut off"

    renderer = FigureCanvasAgg(drawn[0]).get_renderer()
    for axes in drawn[0].axes:
        if not axes.get_visible():
            continue
        for labels in (axes.get_xticklabels(), axes.get_yticklabels(), axes.texts):
            shown = [label for label in labels if label.get_text() and label.get_visible()]
            angle = max((label.get_rotation() for label in shown), default=0)
            if angle:  # their boxes overlap, their lines need not: a line needs its height / sin(angle)
                places = [label.get_window_extent(renderer).x1 for label in shown]
                height = min(label.get_fontsize() for label in shown) / 72 * drawn[0].dpi
                assert np.diff(places).min() >= 0.9 * height / np.sin(np.radians(angle))
                continue
            boxes = [label.get_window_extent(renderer).shrunk(0.98, 0.9) for label in shown]
            clashes = [
                (a.get_text(), b.get_text())
                for (a, box), (b, other) in itertools.combinations(zip(shown, boxes, strict=True), 2)
                if box.overlaps(other)
            ]
            assert clashes == []


def test_same_data_same_bytes_whatever_the_users_style(monkeypatch):
    first = FIGURES["reliability"](), FIGURES["confusion of 3"]()
    monkeypatch.setitem(drawing.matplotlib.rcParams, "axes.facecolor", "black")
    assert (FIGURES["reliability"](), FIGURES["confusion of 3"]()) == first


@pytest.mark.parametrize("paper", [None, 0.9])
def test_comparison_marks_the_paper_only_where_it_has_a_row(paper):
    drawn = pixels(figures_rows.comparison({"Table 1": {"a": mark(paper)}}, {"most common class": 0.1}))
    orange = (np.abs(drawn.astype(int) - (0xD5, 0x5E, 0x00)).sum(axis=2) < 30).any()
    assert orange == (paper is not None)


def test_a_row_without_interval_is_drawn():
    bare = {"value": 0.5, "low": None, "high": None, "paper": None}
    assert pixels(figures_rows.comparison({"Table 1": {"a": bare}}, {})).std() > 0


@pytest.mark.parametrize("name", ["$x$", "100 % $", r"\frac", "a" * 200, "<b>"])
def test_class_names_are_text_not_markup(name):
    assert pixels(figures_classes.confusion(pd.Series([name, "b"]), pd.Series([name, name]))).std() > 0
    table = pd.DataFrame({"actual": [name], "predicted": ["b"], "images": 1, "share": 1.0})
    assert pixels(figures_classes.confused_pairs(table)).std() > 0
    assert pixels(figures_data.classes(counts([name]))).std() > 0


def test_short_keeps_what_fits_and_marks_what_it_cuts():
    assert drawing.short("eczema") == "eczema"
    assert drawing.short("a" * 40, 10) == "a" * 9 + "…"
