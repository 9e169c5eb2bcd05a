import hashlib
import os

import pytest

from stages.lib.fetch import store as store_module
from stages.lib.fetch.store import ImageStore


def md5(body):
    return hashlib.md5(body).hexdigest()


KEYS = [md5(bytes([i])) for i in range(4)]


@pytest.fixture
def store(tmp_path):
    return ImageStore(tmp_path / "images", tmp_path / "quarantine", tmp_path / "proofs.json")


def put(store, key, body):
    with store.receiving(key) as arriving:
        arriving.write(body)
        store.keep(key, arriving)


def test_a_kept_body_has_its_name_and_its_digest(store):
    assert store.digest(KEYS[1]) == ("", 0)
    put(store, KEYS[1], b"\1")
    assert store.digest(KEYS[1]) == (KEYS[1], 1)
    assert store.path(KEYS[1]).read_bytes() == b"\1"
    assert store.path(KEYS[1]).parent.name == KEYS[1][:2]


def test_another_body_goes_to_quarantine(store, tmp_path):
    with store.receiving(KEYS[1]) as body:
        body.write(b"other")
        store.quarantine(KEYS[1], body)
    assert not store.path(KEYS[1]).exists()
    assert (tmp_path / "quarantine" / KEYS[1]).read_bytes() == b"other"
    assert store.quarantined(KEYS[1]) == md5(b"other")
    assert store.quarantined(KEYS[0]) == ""


def test_a_changed_file_shows(store):
    put(store, KEYS[1], b"\1")
    store.path(KEYS[1]).write_bytes(b"rot")
    assert store.digest(KEYS[1]) == (md5(b"rot"), 3)


def test_a_whole_body_of_a_killed_run_is_adopted_and_half_a_one_is_not(store):
    partial = store.path(KEYS[1]).with_name(f".{KEYS[1]}.partial")
    partial.parent.mkdir(parents=True)
    partial.write_bytes(b"half")
    store.adopt(KEYS[1], KEYS[1])
    assert store.digest(KEYS[1]) == ("", 0)
    partial.write_bytes(b"\1")
    store.adopt(KEYS[1], KEYS[1])
    assert store.digest(KEYS[1]) == (KEYS[1], 1)
    assert not partial.exists()


@pytest.mark.parametrize("save", [False, True])
def test_nothing_is_left_of_what_broke_off(store, tmp_path, save):
    with pytest.raises(OSError, match="disk full"), store.receiving(KEYS[1]) as body:
        body.write(b"half")
        if save:
            assert body.save().read_bytes() == b"half"
        raise OSError("disk full")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_failure_leaves_the_disk_alone(store, tmp_path):
    with store.receiving(KEYS[1]) as body:
        body.write(b"half")
    assert list(tmp_path.iterdir()) == []


def test_pruning_keeps_what_is_listed_and_nothing_else(store, tmp_path):
    for i, key in enumerate(KEYS[:3]):
        put(store, key, bytes([i]))
    with store.receiving(KEYS[3]) as body:
        body.write(b"other")
        store.quarantine(KEYS[3], body)
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


def test_a_proven_file_is_not_read_again_until_it_changes(store, tmp_path, monkeypatch):
    put(store, KEYS[1], b"\1")
    put(store, KEYS[2], b"\2")
    os.utime(store.path(KEYS[1]), (1, 1))
    store.prove([KEYS[1], KEYS[2]])
    again = ImageStore(tmp_path / "images", tmp_path / "quarantine", tmp_path / "proofs.json")
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "digest", lambda path: ("read", 0))
        assert again.digest(KEYS[1]) == (KEYS[1], 1)
        assert again.digest(KEYS[2]) == ("read", 0)  # too young to be proven
    again.path(KEYS[1]).write_bytes(b"\7")
    assert again.digest(KEYS[1]) == (md5(b"\7"), 1)
    again.path(KEYS[1]).unlink()
    assert again.digest(KEYS[1]) == ("", 0)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\0\0"])
def test_proofs_that_are_none_prove_nothing(tmp_path, content):
    (tmp_path / "proofs.json").write_bytes(content)
    store = ImageStore(tmp_path / "images", tmp_path / "quarantine", tmp_path / "proofs.json")
    put(store, KEYS[1], b"\1")
    assert store.digest(KEYS[1]) == (KEYS[1], 1)
