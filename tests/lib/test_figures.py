import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from stages.lib import figures, tables


def history(epochs=3):
    names = ("loss", "accuracy", "f1_weighted", "val_loss", "val_accuracy", "val_f1_weighted")
    table = pd.DataFrame({name: np.linspace(0.9, 0.1, epochs) for name in names})
    return table.assign(epoch=range(1, epochs + 1), chosen=[0] * (epochs - 1) + [1])


def pairs(names):
    return pd.DataFrame({"actual": names, "predicted": names[1:] + names[:1]})


def results(paper):
    scores = tables.Scores(loss=1.0, accuracy=0.5, f1_weighted=0.4, f1_macro=0.3)
    row = tables.Result(name="a", settings="", batch_size=1, dropout=0.0, paper=paper, ours=scores, best=True)
    return [tables.Table("Table 1: x", [row])], scores


def pixels(png):
    image = Image.open(io.BytesIO(png))
    assert image.format == "PNG"
    assert image.info.keys() <= {"dpi"}, "a version or date in the metadata changes the bytes"
    return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("paper", [None, tables.PaperScores(1.0, 0.9, 0.1)])
def test_comparison_marks_the_paper_only_where_it_has_a_row(paper):
    built, scores = results(paper)
    drawn = pixels(figures.comparison(built, scores, test_images=30, majority=0.2))
    orange = (np.abs(drawn.astype(int) - (0xD5, 0x5E, 0x00)).sum(axis=2) < 30).any()
    assert orange == (paper is not None)


def test_curves_of_one_epoch():
    assert pixels(figures.curves(history(1))).std() > 0


def test_same_data_same_bytes_whatever_the_users_style(monkeypatch):
    first = figures.curves(history()), figures.confusion(pairs(["a", "b"]))
    monkeypatch.setitem(figures.matplotlib.rcParams, "axes.facecolor", "black")
    assert (figures.curves(history()), figures.confusion(pairs(["a", "b"]))) == first


@pytest.mark.parametrize("count", [1, 10, 20, 114])
def test_confusion_fits_any_number_of_classes(count):
    drawn = pixels(figures.confusion(pairs([f"class {i}" for i in range(count)])))
    border = np.concatenate([drawn[:3].ravel(), drawn[-3:].ravel(), drawn[:, :3].ravel(), drawn[:, -3:].ravel()])
    assert (border == 255).all(), "something is cut off"


@pytest.mark.parametrize("name", ["$x$", "100 % $", r"\frac", "a" * 200, "<b>"])
def test_class_names_are_text_not_markup(name):
    assert pixels(figures.confusion(pairs([name, "other"]))).std() > 0


def test_a_class_that_was_only_predicted_has_an_empty_row():
    table = pd.DataFrame({"actual": ["a", "a"], "predicted": ["a", "b"]})
    assert pixels(figures.confusion(table)).std() > 0
