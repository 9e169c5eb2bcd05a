"""Every download has an end: by silence, by its deadline, or because the run stops."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from stages.lib.fetch import http
from tests.faulty_server import FAULTS, page
from tests.lib.fetch.asking import BODY, client, get

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
    server.routes = {"/a": lambda h, n: FAULTS["slow drip"](h, n, BODY), "/b": lambda h, n: slow(h)}

    def slow(handler):
        time.sleep(0.3)
        handler.answer(body=BODY)

    the_client = client(image_deadline_s=0.5)
    with ThreadPoolExecutor(2) as pool:
        dripping = pool.submit(get, f"{server.url}/a", the_client)
        gots = [get(f"{server.url}/b", the_client)[0] for _ in range(3)]
    assert dripping.result()[0].failure
    assert [got.failure for got in gots] == ["", "", ""]


def test_no_retry_starts_that_cannot_end_in_time(server, monkeypatch):
    monkeypatch.setattr(http, "BACKOFF_S", 60)
    server.routes["/a"] = page(b"", 500)
    start = time.monotonic()
    got, _ = get(f"{server.url}/a", client(image_deadline_s=5.0))
    assert (got.failure, got.attempts) == ("HTTP 500", 1)
    assert time.monotonic() - start < 2


def test_stop_ends_a_wait_at_once(server, monkeypatch):
    monkeypatch.setattr(http, "BACKOFF_S", 60)
    server.routes["/a"] = lambda h, n: h.answer(500, b"")
    the_client = client()
    threading.Timer(0.1, the_client.stop.set).start()
    start = time.monotonic()
    assert get(f"{server.url}/a", the_client)[0].failure == "HTTP 500"
    assert time.monotonic() - start < 5


def test_stop_ends_a_download_that_waits_for_data(server):
    server.routes["/a"] = lambda h, n: h.server.stopping.wait(10)
    the_client = client(read_timeout_s=30.0)
    threading.Timer(0.1, the_client.stop.set).start()
    start = time.monotonic()
    got, _ = get(f"{server.url}/a", the_client)
    assert (got.failure, got.attempts, got.http_code) == ("interrupted", 1, None)
    assert time.monotonic() - start < 2
