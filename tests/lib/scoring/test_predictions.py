"""The file of predictions: what it holds, and what is said of a broken one."""

import numpy as np
import pandas as pd
import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.scoring.predictions import Predicted, class_numbers, read_predictions, write_predictions

CLASSES = ["a", "b, or b", "NA"]
PARTS = {
    "val": Predicted(["0" * 32], np.array([2]), np.array([[0.2, 0.3, 0.5]], dtype=np.float32)),
    "test": Predicted(["1" * 32, "2" * 32], np.array([0, 1]), np.array([[0.4, 0.4, 0.2], [0.0, 0.25, 0.75]])),
}


def test_classes_are_read_as_text_and_probabilities_have_six_digits(tmp_path):
    write_predictions(tmp_path / "row.csv", PARTS, CLASSES)
    table = read_predictions(tmp_path / "row.csv")
    assert list(table) == ["md5hash", "split", "label", "predicted"]
    assert table["predicted"].tolist() == ["NA", "a", "NA"]
    assert class_numbers(table["label"], CLASSES).tolist() == [2, 0, 1]
    whole = pd.read_csv(tmp_path / "row.csv")
    assert list(whole)[4:] == ["p_a", "p_b, or b", "p_NA"]
    assert whole.iloc[0, 4:].tolist() == [0.2, 0.3, 0.5]


def test_faults_are_named(tmp_path):
    for content, fault in (
        (None, "missing"),
        (b"md5hash,label\n1,a\n", "lacks the column split"),
        (b"\xff\xfe", "not a"),
    ):
        if content is not None:
            (tmp_path / "bad.csv").write_bytes(content)
        with pytest.raises(PipelineError, match=rf"bad\.csv: {fault}.*dvc repro"):
            read_predictions(tmp_path / "bad.csv")
    with pytest.raises(PipelineError, match="'b' is no class"):
        class_numbers(pd.Series(["a", "b"]), CLASSES)
