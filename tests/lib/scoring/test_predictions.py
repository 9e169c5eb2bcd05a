"""The file of predictions: there and back, and what is said of a broken one."""

import numpy as np
import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.core.files import write_csv
from stages.lib.scoring.predictions import (
    Predicted,
    class_numbers,
    from_table,
    read_predictions,
    to_table,
    write_predictions,
)

CLASSES = ["a", "b, or b", "NA"]
PARTS = {
    "val": Predicted(["0" * 32], np.array([2]), np.array([[0.2, 0.3, 0.5]])),
    "test": Predicted(["1" * 32, "2" * 32], np.array([0, 1]), np.array([[0.4, 0.4, 0.2], [0.0, 0.25, 0.75]])),
}


def test_there_and_back(tmp_path):
    path = tmp_path / "row.csv"
    write_predictions(path, PARTS, CLASSES)
    table = read_predictions(path)
    assert table["predicted"].tolist() == ["NA", "a", "NA"]
    back = from_table(table, CLASSES)
    assert list(back) == ["val", "test"]
    for split, part in PARTS.items():
        assert back[split].keys == part.keys
        assert (back[split].labels == part.labels).all() and (back[split].probabilities == part.probabilities).all()
    assert list(read_predictions(path, probabilities=False)) == ["md5hash", "split", "label", "predicted"]


def test_the_bytes_are_those_of_pandas(tmp_path):
    random = np.random.default_rng(0)
    shares = (10 ** random.uniform(-12, 0, (200, 3))).astype(np.float32)
    shares[0] = 0.0, 1.0, 0.5
    parts = {"test": Predicted([f"{number:032x}" for number in range(200)], random.integers(0, 3, 200), shares)}
    write_predictions(tmp_path / "ours.csv", parts, CLASSES)
    write_csv(tmp_path / "pandas.csv", to_table(parts, CLASSES), float_format="%.6g")
    assert (tmp_path / "ours.csv").read_bytes() == (tmp_path / "pandas.csv").read_bytes()


def test_faults_are_named(tmp_path):
    with pytest.raises(PipelineError, match=r"none\.csv: missing"):
        read_predictions(tmp_path / "none.csv")
    for content in (b"md5hash,label\n1,a\n", b"\xff\xfe\x00", b"md5hash,split,label,predicted\n", b""):
        (tmp_path / "bad.csv").write_bytes(content)
        for probabilities in (True, False):
            with pytest.raises(PipelineError, match=r"bad\.csv: "):
                read_predictions(tmp_path / "bad.csv", probabilities)
    with pytest.raises(PipelineError, match="other classes"):
        from_table(to_table(PARTS, CLASSES), ["a", "b", "c"])
    with pytest.raises(PipelineError, match="'b, or b' is no class"):
        class_numbers(to_table(PARTS, CLASSES)["label"], ["a", "NA"])
