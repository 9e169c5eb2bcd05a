"""What a server says is a whole answer or a failure with its reason, and waiting for it has an end."""

import gzip
import threading
import time

import pytest

from stages.lib.fetch.answers import REST_BYTES
from stages.lib.fetch.faults import Kind
from stages.lib.fetch.sources import Memory
from tests.faulty_server import page, serving
from tests.lib.fetch.reading import failure, read, saying

pytestmark = pytest.mark.usefixtures("no_proxies")

BODY = bytes(range(256)) * 40
HEAD = b"HTTP/1.1 200 OK\r\n"
PACKED = gzip.compress(BODY)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (b"", (Kind.BREAK, "connection broken off")),
        (b"\0garbage\r\n\r\n", (Kind.BREAK, "connection broken off")),
        (HEAD + b"Content-Length: 9\r\n\r\nabc", (Kind.BREAK, "body cut short")),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab", (Kind.BREAK, "body cut short")),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nab", (Kind.BREAK, "connection broken off")),
        (HEAD + b"Content-Encoding: gzip\r\n\r\nabc", (Kind.BREAK, "body cannot be decoded")),
        (HEAD + b"Content-Encoding: gzip\r\n\r\n" + PACKED + b"abc", (Kind.BREAK, "body cannot be decoded")),
        (HEAD + b"Content-Encoding: utf-8\r\n\r\nabc", (Kind.BREAK, "body cannot be decoded")),
        (HEAD[:-2], (Kind.BREAK, "connection broken off")),
        (HEAD + b"Content-Length: 1000001\r\n\r\n" + bytes(1_000_001), (Kind.FINAL, "larger than 1 MB")),
        (HEAD + (b"A: " + b"x" * 60_000 + b"\r\n") * 9, (Kind.BREAK, "connection broken off")),
    ],
)
def test_an_answer_that_is_not_whole_is_a_failure(said, expected):
    with saying(said) as place:
        assert failure(f"http://{place}/") == expected


@pytest.mark.parametrize(
    "said",
    [
        HEAD + b"\r\nabc",
        HEAD + b"Content-Length: 3\r\n\r\nabcdef",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nTrailer: x\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLocation: /x\r\n\r\n" + HEAD + b"\r\nabc",
        HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"abc"),
        HEAD + b"content-encoding: identity\r\n\r\nabc",
        b"HTTP/1.0 200\r\n\r\nabc",
    ],
)
def test_a_whole_answer_may_take_many_forms(said):
    with saying(said) as place:
        assert read(f"http://{place}/") == b"abc"


def test_a_body_may_be_taken_as_it_is():
    with saying(HEAD + b"Content-Encoding: utf-8\r\n\r\nabc") as place:
        assert read(f"http://{place}/", decode=False) == b"abc"


def test_servers_are_asked_for_the_bytes_as_they_are():
    with serving() as site:
        seen = []
        site.default = lambda h, n: (seen.append(h.headers["Accept-Encoding"]), h.answer(200, b"x"))
        assert read(f"{site.url}/a") == b"x"
        assert seen == ["identity"]


@pytest.mark.parametrize("said", [HEAD, HEAD + b"Content-Length: 9\r\n\r\nabc"])
def test_a_wait_for_data_has_an_end(said):
    start = time.monotonic()
    with saying(said, pause_s=4.0) as place:
        assert failure(f"http://{place}/", read_timeout_s=0.5) == (Kind.BREAK, "no data: timed out")
    assert 0.5 < time.monotonic() - start < 2.0


def test_many_waits_may_be_longer_than_one():
    with saying(HEAD + b"\r\n", *[b"a"] * 8, pause_s=0.3) as place:
        assert read(f"http://{place}/", read_timeout_s=1.5) == b"a" * 8


def test_the_end_of_a_requests_time_is_told_from_silence():
    with saying(HEAD + b"\r\n", *[b"a"] * 50, pause_s=0.1) as place:
        assert failure(f"http://{place}/", due_s=0.5) == (Kind.LATE, "")


def test_stop_ends_a_wait_for_data():
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    start = time.monotonic()
    with saying(HEAD, pause_s=6.0) as place:
        assert failure(f"http://{place}/", stop=stop, read_timeout_s=30.0, due_s=30.0) == (Kind.FINAL, "interrupted")
    assert time.monotonic() - start < 2.0


def test_a_fault_of_the_sink_is_passed_on():
    class Full(Memory):
        def write(self, chunk):
            raise OSError(28, "No space left on device")

    with serving() as site:
        site.default = page(BODY)
        with pytest.raises(OSError, match="No space left"):
            read(f"{site.url}/a", sink=Full())


def test_a_long_refusal_is_not_read_to_its_end():
    class Untouched(Memory):
        def write(self, chunk):
            raise AssertionError

    with saying(b"HTTP/1.1 404 Gone\r\n\r\n", *[bytes(REST_BYTES)] * 9, pause_s=0.1) as place:
        start = time.monotonic()
        assert read(f"http://{place}/", sink=Untouched()) == 404
        assert time.monotonic() - start < 0.5
