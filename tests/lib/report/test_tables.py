import json
from pathlib import Path

import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.core.params import load_params
from stages.lib.core.sections import Row
from stages.lib.report import tables

PAPER = Path("metrics/paper.csv")
SEED_ROWS = load_params().tables


def scores_of(names):
    return {name: tables.Scores(loss=1.0, accuracy=0.5, f1_weighted=0.4, f1_macro=0.3) for name in names}


def changed(row: Row, **changes) -> Row:
    return Row.model_validate(row.model_dump() | changes)


def test_paper_has_the_19_published_rows():
    paper = tables.read_paper(PAPER)
    assert list(paper) == list(SEED_ROWS)
    assert len(paper) == 19
    assert paper["lenet-1"] == tables.PaperScores(loss=3.907, accuracy=0.133, f1=0.089)
    assert paper["resnet101v2-type-d40"] == tables.PaperScores(loss=3.826, accuracy=0.374, f1=0.471)


def test_paper_and_params_agree_on_the_tables():
    table = tables.read_columns(PAPER, tables.PAPER_COLUMNS).set_index("row")["table"]
    assert {name: row.table for name, row in SEED_ROWS.items()} == table.to_dict()


def test_each_row_stands_once_beside_the_paper():
    built = tables.results_tables(SEED_ROWS, scores_of(SEED_ROWS), tables.read_paper(PAPER))
    assert [len(table.results) for table in built] == [9, 4, 3, 3]
    assert [result.name for table in built for result in table.results] == list(SEED_ROWS)
    vgg16 = built[2].results[0]
    assert (vgg16.paper.loss, vgg16.paper.accuracy, vgg16.paper.f1) == (3.697, 0.163, 0.120)
    assert (vgg16.batch_size, vgg16.dropout, vgg16.ours.accuracy) == (256, 0.0, 0.5)


def test_rows_that_the_paper_lacks_have_no_paper_scores_and_rows_of_no_table_come_last():
    rows = SEED_ROWS | {"mine": SEED_ROWS["vgg16"], "other": changed(SEED_ROWS["vgg16"], table=0)}
    built = tables.results_tables(rows, scores_of(rows), tables.read_paper(PAPER))
    assert [result.name for result in built[2].results][-1] == "mine"
    assert built[2].results[-1].paper is None
    assert (built[-1].title, built[-1].results[0].name) == ("Further rows", "other")


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("lenet-1", {}, "LeNet 32/64/128/128, dense 512, RMSprop 0.0001, augmented"),
        ("resnet101v2", {}, "frozen ResNet101V2, dense 512, Adam 0.0001"),
        ("inceptionv3-type", {}, "frozen InceptionV3 + skin type, dense 256, Adam 0.001"),
        (
            "inceptionv3-type",
            {"skin_type_encoding": "scalar"},
            "frozen InceptionV3 + skin type as a number, dense 256, Adam 0.001",
        ),
    ],
)
def test_describe(name, changes, words):
    assert tables.describe(changed(SEED_ROWS[name], **changes)) == words


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "row lenet-1 has no scores yet; run `dvc repro`"),
        ("<<<<<<< HEAD\n", "not JSON"),
        (json.dumps({"loss": 1.0, "accuracy": 0.5, "f1_weighted": 0.4}), "f1_macro: Field required"),
    ],
)
def test_bad_scores_name_the_row_and_the_way_out(tmp_path, content, fault):
    if content is not None:
        (tmp_path / "lenet-1").mkdir()
        (tmp_path / "lenet-1/scores.json").write_text(content)
    with pytest.raises(PipelineError) as caught:
        tables.read_scores(tmp_path / "lenet-1")
    assert fault in str(caught.value)
    assert "lenet-1" in str(caught.value)
    assert "dvc repro" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "not a CSV file"),
        ("row,loss\nlenet-1,1\n", "lacks the column table, accuracy, f1"),
        ("row,table,loss,accuracy,f1\n", "no row"),
        ("row,table,loss,accuracy,f1\na,1,1,1,1\na,1,1,1,1\n", "row a stands twice"),
        ("row,table,loss,accuracy,f1\na,1,x,1,1\n", "row a has a score that is no number"),
    ],
)
def test_bad_paper_names_the_file(tmp_path, content, fault):
    path = tmp_path / "paper.csv"
    path.write_text(content)
    with pytest.raises(PipelineError, match=fault) as caught:
        tables.read_paper(path)
    assert str(path) in str(caught.value)


def test_a_missing_paper_is_restored_from_git(tmp_path):
    with pytest.raises(PipelineError, match=r"missing; restore it with `git restore"):
        tables.read_paper(tmp_path / "paper.csv")


def test_every_architecture_and_optimizer_can_be_described():
    network, optimizer = (Row.model_fields[key].annotation.__args__ for key in ("architecture", "optimizer"))
    assert set(network) | set(optimizer) == set(tables._SPELLING)


def test_a_class_named_nan_stays_text(tmp_path):
    path = tmp_path / "confusion.csv"
    path.write_text("actual,predicted\nNA,nan\n")
    assert tables.read_columns(path, ("actual", "predicted")).loc[0].tolist() == ["NA", "nan"]
