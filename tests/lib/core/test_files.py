"""A write that fails leaves what was there."""

import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.core.files import read_csv, read_json, replacing, write_json


def test_a_failed_write_leaves_the_old_file_and_no_trace(tmp_path):
    path = tmp_path / "deep" / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert read_json(path) == {"a": 1}
    assert [item.name for item in path.parent.iterdir()] == ["a.json"]


def test_a_directory_is_replaced_whole(tmp_path):
    path = tmp_path / "out"
    for name in ("old", "new"):
        with replacing(path) as temporary:
            temporary.mkdir()
            (temporary / name).touch()
    assert [item.name for item in path.iterdir()] == ["new"]
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.mkdir()
        raise RuntimeError
    assert [item.name for item in tmp_path.iterdir()] == ["out"]


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(PipelineError, match=r"a\.json: missing"):
        read_json(tmp_path / "a.json")


@pytest.mark.parametrize(
    ("content", "message"), [(b"a\n1\n", "lacks the column b"), (b"", "not a CSV"), (b"\xff\xfe\xff", "not a CSV")]
)
def test_a_damaged_table_is_named(tmp_path, content, message):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(PipelineError, match=rf"t\.csv: {message}.*; run the stage that writes it with `dvc repro`"):
        read_csv(tmp_path / "t.csv", ["a", "b"])


def test_a_table_is_text(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,c\n01,,nan\n")
    assert read_csv(tmp_path / "t.csv", ["a", "b"]).to_numpy().tolist() == [["01", "", "nan"]]


def test_numbers_are_numbers_and_the_rest_can_stay_behind(tmp_path):
    (tmp_path / "t.csv").write_text("a,b,c\nx,1,2\ny,,3\n")
    table = read_csv(tmp_path / "t.csv", ["a"], ["b"], rest=False)
    assert list(table) == ["a", "b"] and table["b"].fillna(-1).tolist() == [1, -1]
    with pytest.raises(PipelineError, match=r"t\.csv: column a: .*x.*; mend it"):
        read_csv(tmp_path / "t.csv", [], ["a"], remedy="mend it")


def test_a_damaged_json_is_named(tmp_path):
    (tmp_path / "a.json").write_text("<<<<<<< HEAD\n")
    with pytest.raises(PipelineError, match=r"a\.json: not JSON .*dvc repro"):
        read_json(tmp_path / "a.json")
