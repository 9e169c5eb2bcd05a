import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.fetch.sources import read_catalog
from tests.lib.fetch.asking import client


def test_a_catalog_is_read_as_it_is(tmp_path):
    path = tmp_path / "catalog.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\r\n")
    assert read_catalog(str(path), "datasets.mine.catalog", client()) == b"\xef\xbb\xbfa,b\r\n"


@pytest.mark.parametrize(
    "origin", ["no-such.csv", ".", "file:///etc/passwd", "ftp://a/b.csv", "S3://a/b.csv", "http://x.invalid/a.csv"]
)
def test_a_catalog_that_cannot_be_had_is_named(origin, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PipelineError, match=f"^{origin}: ") as error:
        read_catalog(origin, "datasets.mine.catalog", client())
    assert "\n" not in str(error.value)
