import hashlib
from pathlib import Path

import pytest

from stages.lib.fetch.body import START_BYTES, Body


def md5(content):
    return hashlib.md5(content).hexdigest()


def test_a_body_is_hashed_as_it_comes_and_can_start_again(tmp_path):
    body = Body(tmp_path / "a")
    body.write(b"a long beginning of a body")
    body.restart()
    for chunk in (b"a" * 40, b"b" * 40):
        body.write(chunk)
    whole = b"a" * 40 + b"b" * 40
    assert (body.md5, body.size, body.start) == (md5(whole), 80, whole[:START_BYTES])
    assert body.save().read_bytes() == whole
    assert body.save().read_bytes() == whole  # the second time there is nothing to do


@pytest.mark.parametrize("before", [b"", b"an attempt that broke off"])
def test_an_empty_body_is_a_file_too(tmp_path, before):
    body = Body(tmp_path / "a")
    if before:
        body.write(before)
        body.restart()
    assert (body.md5, body.size) == (md5(b""), 0)
    assert body.save().read_bytes() == b""


def test_the_disk_is_left_alone_until_there_is_something_to_write(tmp_path):
    body = Body(tmp_path / "a")
    body.restart()
    body.close()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_noticed_when_the_body_is_saved_at_the_latest():
    body = Body(Path("/dev/full"))
    body.write(b"small")
    with pytest.raises(OSError, match="No space left"):
        body.save()
