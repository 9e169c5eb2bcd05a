"""What a server says is a whole answer or a failure with its reason, and waiting for it has an end."""

import asyncio
import gzip
import time

import pytest

from stages.lib.fetch import http
from tests.faulty_server import FAULTS, page
from tests.lib.fetch.asking import BODY, client, failure, get, get_all, saying

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
        got = get(f"http://{place}/")
    assert (got.failure, got.attempts, got.body) == ("", 1, b"abc")


@pytest.mark.parametrize("said", [b"", HEAD, HEAD + b"Content-Length: 9\r\n\r\nabc"])
def test_a_wait_for_data_has_an_end(said):
    start = time.monotonic()
    with saying(said, pause_s=4.0) as place:
        assert failure(f"http://{place}/", read_timeout_s=0.3) == "no data: timed out"
    assert 0.3 < time.monotonic() - start < 2.0


def test_many_waits_may_be_longer_than_one():
    with saying(HEAD + b"\r\n", *[b"a"] * 6, pause_s=0.2) as place:
        assert get(f"http://{place}/", client(read_timeout_s=0.9)).body == b"a" * 6


def test_a_long_refusal_is_not_read_to_its_end():
    with saying(b"HTTP/1.1 404 Gone\r\n\r\n", *[bytes(http.REST_BYTES)] * 9, pause_s=0.1) as place:
        start = time.monotonic()
        assert failure(f"http://{place}/") == "HTTP 404"
        assert time.monotonic() - start < 0.5


@pytest.mark.parametrize("fault", ["slow drip", "slow header"])
def test_a_drip_ends_at_the_deadline_and_leaves_other_downloads_alone(server, fault):
    server.routes["/a"] = lambda h, n: FAULTS[fault](h, n, BODY)
    server.routes["/b"] = lambda h, n: (time.sleep(0.1 * n), h.answer(body=BODY))
    start = time.monotonic()
    the_client = client(image_deadline_s=0.5, connections_per_host=4)
    drip, *others = get_all([f"{server.url}/{path}" for path in "abbb"], the_client, at_once=True)
    assert 0.4 < time.monotonic() - start < 2
    assert (drip.failure, drip.attempts) == ("not complete after 0.5 s", 1)
    assert [got.body for got in others] == [BODY] * 3


def test_no_retry_starts_that_cannot_end_in_time(server, monkeypatch):
    monkeypatch.setattr(http, "BACKOFF_S", 60)
    server.routes["/a"] = page(b"", 500)
    start = time.monotonic()
    got = get(f"{server.url}/a", client(image_deadline_s=5.0))
    assert (got.failure, got.attempts) == ("HTTP 500", 1)
    assert time.monotonic() - start < 2


def test_a_cancelled_download_ends_at_once(server):
    server.routes["/a"] = lambda h, n: h.server.stopping.wait(10)

    async def run():
        async with client(read_timeout_s=30.0) as the_client, asyncio.timeout(0.2):
            await the_client.get(f"{server.url}/a", 1.0)

    start = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(run())
    assert time.monotonic() - start < 2
