"""The tables of fetch and preprocess come back as written, or with a line that says what is wrong."""

import pandas as pd
import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.data.outcomes import DECODED, Outcome, read_decoded, read_fetched, write_decoded

SOUND, BAD = Outcome("a" * 32, "", "", 600, 450, "0123"), Outcome("b" * 32, "truncated", "half, of it")
DAMAGED = Outcome("c" * 32, "", "", 600, 450, "4567", "bad Huffman code", True)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_decoded_rows_come_back_in_the_order_asked_for():
    write_decoded([SOUND, BAD, DAMAGED])
    keys = pd.Series([BAD.md5hash, SOUND.md5hash, DAMAGED.md5hash, SOUND.md5hash], index=[7, 3, 1, 2])
    found = read_decoded(keys)
    assert found.index.tolist() == [7, 3, 1, 2]
    assert found["complaint"].tolist() == ["", "", "bad Huffman code", ""]
    assert found["damaged"].tolist() == [False, False, True, False]
    found = found.loc[[7, 3]]
    assert found["reason"].tolist() == ["truncated", ""]
    assert found["detail"].tolist() == ["half, of it", ""]
    assert found["pixels_digest"].tolist() == ["", "0123"]
    assert (found.loc[3, "width_px"], found.loc[3, "height_px"]) == (600, 450)
    assert found.loc[7, ["width_px", "height_px"]].isna().all()
    assert read_decoded(keys[:0]).empty


def test_an_image_that_was_not_decoded_is_named():
    write_decoded([SOUND])
    with pytest.raises(PipelineError, match=rf"decoded\.csv: has no row of image {BAD.md5hash}"):
        read_decoded(pd.Series([SOUND.md5hash, BAD.md5hash]))


def test_an_image_twice_is_refused():
    write_decoded([SOUND, SOUND])
    with pytest.raises(PipelineError, match="an image twice"):
        read_decoded(pd.Series([SOUND.md5hash]))


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(PipelineError, match=f"{DECODED}: missing"):
        read_decoded(pd.Series([SOUND.md5hash]))
    with pytest.raises(PipelineError, match=r"fetch\.csv: missing"):
        read_fetched(tmp_path)


def test_an_unknown_status_is_named(tmp_path):
    table = pd.DataFrame({"md5hash": ["a", "b"], "status": ["ok", "maybe"], "detail": ""})
    table.to_csv(tmp_path / "fetch.csv", index=False)
    with pytest.raises(PipelineError, match="b has the unknown status 'maybe'"):
        read_fetched(tmp_path)
    table.assign(status=["ok", "no_url"]).to_csv(tmp_path / "fetch.csv", index=False)
    assert read_fetched(tmp_path)["status"].tolist() == ["ok", "no_url"]
