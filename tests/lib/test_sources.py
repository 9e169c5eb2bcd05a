import hashlib

import pytest

from stages.lib.errors import PipelineError
from stages.lib.http import Client
from stages.lib.params import Fetch
from stages.lib.sources import ImageStore, index_mirror, read_catalog


def md5(body):
    return hashlib.md5(body).hexdigest()


KEYS = [md5(bytes([i])) for i in range(4)]


@pytest.fixture
def client():
    return Client(Fetch(connections_per_host=1, connect_timeout_s=1.0, read_timeout_s=1.0, retries=0, max_image_mb=1.0))


@pytest.fixture
def store(tmp_path):
    return ImageStore(tmp_path / "images", tmp_path / "quarantine")


def put(store, key, body):
    with store.receiving(key) as partial:
        partial.write_bytes(body)
        return store.accept(key, partial)


def test_a_catalog_is_read_as_it_is(tmp_path, client):
    path = tmp_path / "catalog.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\r\n")
    assert read_catalog(str(path), client) == b"\xef\xbb\xbfa,b\r\n"


@pytest.mark.parametrize(
    "origin", ["no-such.csv", ".", "file:///etc/passwd", "ftp://a/b.csv", "S3://a/b.csv", "http://x.invalid/a.csv"]
)
def test_a_catalog_that_cannot_be_had_is_named(origin, client, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PipelineError, match=f"^{origin}: ") as error:
        read_catalog(origin, client)
    assert "\n" not in str(error.value)


def test_a_mirror_is_searched_at_any_depth_and_by_name_alone(tmp_path):
    for name in (KEYS[0], f"a/b/{KEYS[1]}.jpg", f"a/{KEYS[2].upper()}.JPEG", f"z/{KEYS[0]}.png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    for other in ("readme.txt", f"{KEYS[3]}0.jpg", f"x{KEYS[3]}", f".{KEYS[3]}.partial", f"{KEYS[3]}.jpg.part"):
        (tmp_path / other).write_bytes(b"x")
    (tmp_path / KEYS[3]).mkdir()
    assert index_mirror(str(tmp_path)) == {
        KEYS[0]: tmp_path / KEYS[0],
        KEYS[1]: tmp_path / f"a/b/{KEYS[1]}.jpg",
        KEYS[2]: tmp_path / f"a/{KEYS[2].upper()}.JPEG",
    }


def test_a_missing_mirror_is_named(tmp_path):
    with pytest.raises(PipelineError, match="nowhere: no such directory"):
        index_mirror(str(tmp_path / "nowhere"))


def test_a_body_is_taken_for_its_md5(store):
    assert not store.holds(KEYS[1])
    assert put(store, KEYS[1], b"\1") == (KEYS[1], 1)
    assert store.holds(KEYS[1])
    assert store.path(KEYS[1]).read_bytes() == b"\1"
    assert store.path(KEYS[1]).parent.name == KEYS[1][:2]


def test_another_body_goes_to_quarantine(store, tmp_path):
    assert put(store, KEYS[1], b"other") == (md5(b"other"), 5)
    assert not store.path(KEYS[1]).exists()
    assert (tmp_path / "quarantine" / KEYS[1]).read_bytes() == b"other"


def test_a_changed_file_is_not_held(store):
    put(store, KEYS[1], b"\1")
    store.path(KEYS[1]).write_bytes(b"rot")
    assert not store.holds(KEYS[1])


def test_nothing_is_left_of_what_broke_off(store, tmp_path):
    with pytest.raises(OSError, match="disk full"), store.receiving(KEYS[1]) as partial:
        partial.write_bytes(b"half")
        raise OSError("disk full")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_pruning_keeps_what_is_listed_and_nothing_else(store, tmp_path):
    for i, key in enumerate(KEYS[:3]):
        put(store, key, bytes([i]))
    put(store, KEYS[3], b"other")
    stray = tmp_path / "images" / "zz" / KEYS[0]
    stray.parent.mkdir()
    for path in (stray, store.path(KEYS[0]).with_name(f".{KEYS[0]}.partial"), tmp_path / "images" / "x.txt"):
        path.write_bytes(b"x")
    store.prune({KEYS[0], KEYS[1]}, {KEYS[3]})
    assert sorted(p for p in tmp_path.rglob("*") if p.is_file()) == sorted(
        [store.path(KEYS[0]), store.path(KEYS[1]), tmp_path / "quarantine" / KEYS[3]]
    )
    store.prune(set(), set())
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == []
    assert list((tmp_path / "images").iterdir()) == []


def test_pruning_before_anything_came(store, tmp_path):
    store.prune(set(), set())
    assert list(tmp_path.iterdir()) == []
