"""Every download has an end: by silence, by its deadline, or because the run is interrupted."""

import asyncio
import time

import pytest

from stages.lib.fetch import http
from stages.lib.fetch.sources import Memory
from tests.faulty_server import FAULTS, page
from tests.lib.fetch.asking import BODY, client, get, get_all

pytestmark = pytest.mark.usefixtures("quick")


def test_silence_times_out(server):
    server.routes["/a"] = lambda h, n: time.sleep(0.6)
    got, _ = get(f"{server.url}/a", client(read_timeout_s=0.1, retries=1))
    assert (got.failure, got.http_code, got.attempts) == ("no data: timed out", None, 2)


@pytest.mark.parametrize("fault", ["slow drip", "slow header"])
def test_a_drip_ends_at_the_deadline_although_no_read_times_out(server, fault):
    server.routes["/a"] = lambda h, n: FAULTS[fault](h, n, BODY)
    the_client = client(image_deadline_s=0.5)
    start = time.monotonic()
    got, _ = get(f"{server.url}/a", the_client)
    assert (got.failure, got.attempts) == ("not complete after 0.5 s", 1)
    assert 0.4 < time.monotonic() - start < 2
    server.routes["/b"] = page(BODY)
    assert get(f"{server.url}/b", the_client)[1] == BODY


def test_a_deadline_leaves_other_downloads_alone(server):
    server.routes["/a"] = lambda h, n: FAULTS["slow drip"](h, n, BODY)

    def slow(handler, n):
        time.sleep(0.1 * n)
        handler.answer(body=BODY)

    server.routes["/b"] = slow
    urls = [f"{server.url}/a", *[f"{server.url}/b"] * 3]
    gots = get_all(urls, client(image_deadline_s=0.5, connections_per_host=4), at_once=True)
    assert [bool(got.failure) for got in gots] == [True, False, False, False]


def test_no_retry_starts_that_cannot_end_in_time(server, monkeypatch):
    monkeypatch.setattr(http, "BACKOFF_S", 60)
    server.routes["/a"] = page(b"", 500)
    start = time.monotonic()
    got, _ = get(f"{server.url}/a", client(image_deadline_s=5.0))
    assert (got.failure, got.attempts) == ("HTTP 500", 1)
    assert time.monotonic() - start < 2


def test_a_cancelled_download_ends_at_once(server):
    server.routes["/a"] = lambda h, n: h.server.stopping.wait(10)

    async def run():
        async with client(read_timeout_s=30.0) as the_client, asyncio.timeout(0.2):
            await the_client.get(f"{server.url}/a", Memory(), 1.0)

    start = time.monotonic()
    with pytest.raises(TimeoutError):
        asyncio.run(run())
    assert time.monotonic() - start < 2
