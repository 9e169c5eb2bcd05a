"""What a server says is a whole answer or a failure with its reason, and waiting for it has an end."""

import gzip
import time

import pytest

from stages.lib.fetch.http import REST_BYTES
from stages.lib.fetch.sources import Memory
from tests.faulty_server import page
from tests.lib.fetch.asking import BODY, client, failure, get
from tests.lib.fetch.saying import saying

pytestmark = pytest.mark.usefixtures("quick")

HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"", "connection broken off"),
        (b"\0garbage\r\n\r\n", "connection broken off"),
        (HEAD + b"Content-Length: 9\r\n\r\nabc", "body cut short"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", "body cut short"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab", "connection broken off"),
        (HEAD + b"Content-Encoding: gzip\r\n\r\nabc", "body cannot be decoded"),
        (HEAD[:-2], "connection broken off"),
        (HEAD + b"Content-Length: 1000001\r\n\r\n" + bytes(1_000_001), "larger than 1 MB"),
        (HEAD + (b"A: " + b"x" * 80_000 + b"\r\n") * 9, "connection broken off"),
    ],
)
def test_an_answer_that_is_not_whole_is_a_failure(said, expected):
    with saying(said) as place:
        assert failure(f"http://{place}/") == expected


@pytest.mark.parametrize(
    "said",
    [
        HEAD + b"\r\nabc",
        HEAD + b"Content-Length: 3\r\n\r\nabc\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLocation: /x\r\n\r\n" + HEAD + b"\r\nabc",
        HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"abc"),
        HEAD + b"content-encoding: identity\r\n\r\nabc",
        HEAD + b"Content-Encoding: utf-8\r\n\r\nabc",
        HEAD + b"Set-Cookie: " + b"x" * 20_000 + b"\r\n\r\nabc",
        b"HTTP/1.0 200\r\n\r\nabc",
    ],
)
def test_a_whole_answer_may_take_many_forms(said):
    with saying(said) as place:
        got, body = get(f"http://{place}/")
    assert (got.failure, got.attempts, body) == ("", 1, b"abc")


def test_servers_are_asked_for_the_bytes_as_they_are(server):
    seen = []
    server.default = lambda h, n: (seen.append(h.headers["Accept-Encoding"]), h.answer(200, b"x"))
    assert get(f"{server.url}/a")[1] == b"x"
    assert seen == ["identity"]


@pytest.mark.parametrize("said", [HEAD, HEAD + b"Content-Length: 9\r\n\r\nabc"])
def test_a_wait_for_data_has_an_end(said):
    start = time.monotonic()
    with saying(said, pause_s=4.0) as place:
        assert failure(f"http://{place}/", read_timeout_s=0.5) == "no data: timed out"
    assert 0.5 < time.monotonic() - start < 2.0


def test_many_waits_may_be_longer_than_one():
    with saying(HEAD + b"\r\n", *[b"a"] * 8, pause_s=0.3) as place:
        assert get(f"http://{place}/", client(read_timeout_s=1.5))[1] == b"a" * 8


def test_a_fault_of_the_sink_is_passed_on(server):
    class Full(Memory):
        def write(self, chunk):
            raise OSError(28, "No space left on device")

    server.default = page(BODY)
    with pytest.raises(OSError, match="No space left"):
        get(f"{server.url}/a", sink=Full())


def test_a_long_refusal_is_not_read_to_its_end():
    class Untouched(Memory):
        def write(self, chunk):
            raise AssertionError

    with saying(b"HTTP/1.1 404 Gone\r\n\r\n", *[bytes(REST_BYTES)] * 9, pause_s=0.1) as place:
        start = time.monotonic()
        assert get(f"http://{place}/", sink=Untouched())[0].failure == "HTTP 404"
        assert time.monotonic() - start < 0.5
