import hashlib
import io

import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.core.sections import Fetch
from stages.lib.fetch.http import Client
from stages.lib.fetch.sources import Drawings, read_catalog
from tests.faulty_server import SETTINGS


def md5(body):
    return hashlib.md5(body).hexdigest()


KEYS = [md5(bytes([i])) for i in range(4)]


@pytest.fixture
def client():
    return Client(Fetch(**SETTINGS))


def test_a_catalog_is_read_as_it_is(tmp_path, client):
    path = tmp_path / "catalog.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\r\n")
    assert read_catalog(str(path), "datasets.mine.catalog", client) == b"\xef\xbb\xbfa,b\r\n"


@pytest.mark.parametrize(
    "origin", ["no-such.csv", ".", "file:///etc/passwd", "ftp://a/b.csv", "S3://a/b.csv", "http://x.invalid/a.csv"]
)
def test_a_catalog_that_cannot_be_had_is_named(origin, client, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PipelineError, match=f"^{origin}: ") as error:
        read_catalog(origin, "datasets.mine.catalog", client)
    assert "\n" not in str(error.value)


def test_drawings_are_a_source():
    drawings = Drawings({KEYS[0]: b"a", KEYS[1]: b"b"})
    assert drawings.in_order([KEYS[1], KEYS[2], KEYS[0]]) == [KEYS[1], KEYS[0]]
    sink = io.BytesIO()
    drawings.copy(KEYS[1], sink, 1.0)
    assert sink.getvalue() == b"b"
