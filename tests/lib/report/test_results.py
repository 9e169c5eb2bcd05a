import pandas as pd
import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.report import results


def test_confused_pairs_come_by_number_then_share_then_name():
    actual = ["a"] * 4 + ["b"] * 2 + ["c"]
    predicted = ["a", "b", "b", "c", "a", "b", "a"]
    pairs = results.confused_pairs(pd.DataFrame({"actual": actual, "predicted": predicted}), 3)
    assert pairs[["actual", "predicted", "images"]].to_numpy().tolist() == [["a", "b", 2], ["c", "a", 1], ["b", "a", 1]]
    assert pairs["share"].tolist() == [0.5, 1.0, 0.5]


def test_no_mistakes_no_pairs():
    assert results.confused_pairs(pd.DataFrame({"actual": ["a"], "predicted": ["a"]}), 20).empty


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "missing"),
        ("<<<", "not JSON"),
        ('{"features_precision": null, "images": {}}', "groups: Field required"),
    ],
)
def test_a_bad_assessment_names_file_and_fault(tmp_path, content, fault):
    if content is not None:
        (tmp_path / "assessment.json").write_text(content)
    with pytest.raises(PipelineError, match=rf"assessment\.json: {fault}.*dvc repro"):
        results.read_assessment(tmp_path)


def test_a_missing_map_names_its_file(tmp_path):
    (tmp_path / "lenet").mkdir()
    (tmp_path / "lenet/explained.csv").write_text("md5hash,label,predicted,probability\nx,a,b,0.5\n")
    with pytest.raises(PipelineError, match=r"maps\.npy: cannot be read"):
        results.read_explained(tmp_path, "lenet", "lenet-4")
