import hashlib
import os

import pytest

from stages.lib.fetch import body as body_module
from stages.lib.fetch.body import START_BYTES, Body


def md5(content):
    return hashlib.md5(content).hexdigest()


@pytest.fixture(params=["in memory", "spilled"])
def spill(request, monkeypatch):
    """Every body is tried in memory and in a file."""
    if request.param == "spilled":
        monkeypatch.setattr(body_module, "SPILL_BYTES", 7)
    return request.param == "spilled"


def test_a_body_is_hashed_as_it_comes_and_can_start_again(tmp_path, spill):
    body = Body(tmp_path / "deep" / "a")
    body.write(b"half a body")
    body.restart()
    for chunk in (b"a" * 40, b"b" * 40):
        body.write(chunk)
    whole = b"a" * 40 + b"b" * 40
    assert (body.md5, body.size, body.start) == (md5(whole), 80, whole[:START_BYTES])
    body.write(b"c")
    assert body.md5 == md5(whole + b"c")
    assert (tmp_path / "deep").exists() == spill
    assert body.save().read_bytes() == whole + b"c"
    assert body.save().read_bytes() == whole + b"c"  # the second time there is nothing to do


def test_a_body_that_begins_again_is_shorter(tmp_path, spill):
    body = Body(tmp_path / "a")
    body.write(b"a long beginning")
    body.restart()
    body.write(b"short")
    assert (body.save().read_bytes(), body.md5, body.start) == (b"short", md5(b"short"), b"short")


def test_an_empty_body_is_a_file_too(tmp_path):
    body = Body(tmp_path / "a")
    assert (body.md5, body.size) == (md5(b""), 0)
    assert body.save().read_bytes() == b""


def test_what_is_discarded_is_gone_and_what_has_moved_stays(tmp_path, spill):
    for moved in (False, True):
        body = Body(tmp_path / "a")
        body.write(b"0123456789")
        assert (tmp_path / "a").exists() == spill
        body.save()
        body.moved = moved
        body.discard()
        assert (tmp_path / "a").exists() == moved


def test_memory_holds_no_more_than_its_share(tmp_path):
    body = Body(tmp_path / "a")
    for _ in range(64):
        body.write(bytes(1 << 18))
        assert body._held <= body_module.SPILL_BYTES
    assert (tmp_path / "a").stat().st_size + body._held == 1 << 24
    body.discard()
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_takes_a_part_of_a_write_gets_the_rest(tmp_path, monkeypatch):
    write = os.write
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:3]))
    body = Body(tmp_path / "a")
    body.write(b"0123456789")
    assert body.save().read_bytes() == b"0123456789"
