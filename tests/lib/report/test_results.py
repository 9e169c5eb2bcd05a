import json

import pandas as pd
import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.core.params import load_params
from stages.lib.core.paths import PAPER
from stages.lib.report import results

ROWS = list(load_params().tables)


def test_confused_pairs_come_by_number_then_share_then_name():
    actual = ["a"] * 4 + ["b"] * 2 + ["c"]
    predicted = ["a", "b", "b", "c", "a", "b", "a"]
    pairs = results.confused_pairs(pd.DataFrame({"actual": actual, "predicted": predicted}), 3)
    assert pairs[["actual", "predicted", "images"]].to_numpy().tolist() == [["a", "b", 2], ["c", "a", 1], ["b", "a", 1]]
    assert pairs["share"].tolist() == [0.5, 1.0, 0.5]


def test_no_mistakes_no_pairs():
    assert results.confused_pairs(pd.DataFrame({"actual": ["a"], "predicted": ["a"]}), 20).empty


def test_the_matrix_is_that_of_the_finest_classes_that_fit():
    few = pd.DataFrame({"actual": list("aab"), "predicted": list("aba")})
    assert results.matrix(few) == {"names": ["a", "b"], "counts": [[1, 1], [1, 0]], "fine": True}
    many = pd.DataFrame({"actual": [f"class {n}" for n in range(results.MAX_MATRIX + 1)], "predicted": "class 0"})
    assert results.matrix(many) is None
    assert results.matrix(many.assign(actual_three="x", predicted_three="y")) == {
        "names": ["x", "y"], "counts": [[0, results.MAX_MATRIX + 1], [0, 0]], "fine": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "missing; row vgg16 has no scores yet"),
        ("<<<", "not JSON"),
        ("[]", "lacks accuracy"),
        (json.dumps({"metrics": {}}), "lacks accuracy"),
    ],
)
def test_a_bad_assessment_names_file_and_fault(tmp_path, content, fault):
    (tmp_path / "vgg16").mkdir()
    if content is not None:
        (tmp_path / "vgg16/assessment.json").write_text(content)
    with pytest.raises(PipelineError, match=rf"vgg16/assessment\.json: {fault}.*dvc repro"):
        results.read_assessment(tmp_path / "vgg16")


def test_a_missing_map_names_its_file(tmp_path):
    (tmp_path / "explained.csv").write_text("md5hash,label,predicted,probability\nx,a,b,0.5\n")
    with pytest.raises(PipelineError, match=r"maps\.npy: cannot be read"):
        results.read_explained(tmp_path, "lenet-4")


def test_the_paper_has_every_row_and_its_tables_are_the_reports():
    paper = results.read_paper(PAPER)
    assert list(paper.index) == ROWS
    assert results.published(paper, "lenet-1") == {"table": "1", "loss": 3.907, "accuracy": 0.133, "f1": 0.089}
    tables = results.by_table(ROWS, paper)
    assert list(tables) == list(results.TITLES.values())[:4] and [len(names) for names in tables.values()] == [
        9,
        4,
        3,
        3,
    ]


def test_rows_that_the_paper_lacks_are_further_rows():
    paper = results.read_paper(PAPER)
    assert results.published(paper, "mine") == {}
    assert results.by_table(["mine", "vgg16"], paper) == {
        results.TITLES["3"]: ["vgg16"],
        results.TITLES[results.FURTHER]: ["mine"],
    }


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "missing"),
        ("", "not a CSV file"),
        ("row,loss\nlenet-1,1\n", "lacks the column table"),
        ("row,table,loss,accuracy,f1\na,1,1,1,1\na,1,1,1,1\n", "row a is there twice"),
        ("row,table,loss,accuracy,f1\na,1,x,1,1\n", "column loss: .*x"),
        ("row,table,loss,accuracy,f1\na,1,,1,1\n", "row a lacks a score"),
    ],
)
def test_a_bad_paper_is_named(tmp_path, content, fault):
    if content is not None:
        (tmp_path / "paper.csv").write_text(content)
    with pytest.raises(PipelineError, match=rf"paper\.csv: {fault}"):
        results.read_paper(tmp_path / "paper.csv")


def test_curves_of_all_rows_are_one_long_table():
    names = ["loss", "accuracy", "f1_weighted", "val_loss", "val_accuracy", "val_f1_weighted"]
    wide = pd.DataFrame([[n + place / 10 for place in range(6)] for n in range(2)], columns=names)
    wide = wide.assign(epoch=[0, 1], chosen=[0, 1])
    # a further metric, which the row was stopped by, is read as text
    table = results.long_curves({"a": wide, "b": wide.assign(val_f1_soft=["0.25", "0.5"])})
    assert list(table) == ["row", "epoch", "split", "metric", "value"] and len(table) == 2 * 2 * 6 + 2
    found = table.set_index(["row", "epoch", "split", "metric"])["value"]
    assert found["b", 1, "validation", "accuracy"] == 1.4 and found["a", 0, "training", "f1_weighted"] == 0.2
    assert found["b", 1, "validation", "f1_soft"] == 0.5
