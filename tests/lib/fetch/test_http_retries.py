"""What may do better is asked for again, after the wait that the server wants, and what is final is not."""

import email.utils
import socket
import time

import pytest

from stages.lib.fetch import http
from tests.lib.fetch.asking import BODY, get

pytestmark = pytest.mark.usefixtures("quick")


@pytest.mark.parametrize("status", [401, 403, 404, 410, 204, 400])
def test_a_refusal_is_final(server, status):
    server.routes["/a"] = lambda h, n: h.answer(status, b"")
    got, _ = get(f"{server.url}/a")
    assert (got.failure, got.http_code, got.attempts) == (f"HTTP {status}", status, 1)
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server, status):
    server.routes["/a"] = lambda h, n: h.answer(status, b"busy") if n == 1 else h.answer(body=BODY)
    got, body = get(f"{server.url}/a")
    assert (got.failure, got.http_code, got.attempts, body) == ("", 200, 2, BODY)


def test_a_server_that_stays_busy_is_given_its_retries_and_no_more(server):
    server.routes["/a"] = lambda h, n: h.answer(500, b"")
    got, _ = get(f"{server.url}/a")
    assert (got.failure, got.attempts, len(server.asked)) == ("HTTP 500", 3, 3)


@pytest.mark.parametrize(("asked", "least", "most"), [("0", 0, 0.9), ("1", 1, 3), ("soon", 0, 0.9)])
def test_retry_after_is_kept(server, asked, least, most):
    server.routes["/a"] = lambda h, n: h.answer(429, b"", Retry_After=asked) if n == 1 else h.answer(body=BODY)
    start = time.monotonic()
    got, _ = get(f"{server.url}/a")
    assert got.failure == ""
    assert least <= time.monotonic() - start < most


def test_retry_after_may_be_a_date(server):
    def answer(handler, n):
        moment = email.utils.formatdate(time.time() + 2, usegmt=True)  # of whole seconds
        handler.answer(503, b"", Retry_After=moment) if n == 1 else handler.answer(body=BODY)

    server.routes["/a"] = answer
    assert get(f"{server.url}/a")[0].failure == ""
    assert 0.9 < server.starts_s[1] - server.starts_s[0] < 4


def test_an_endless_retry_after_is_cut(server, monkeypatch):
    monkeypatch.setattr(http, "RETRY_AFTER_MAX_S", 0)
    server.routes["/a"] = lambda h, n: h.answer(503, b"", Retry_After="86400") if n == 1 else h.answer(body=BODY)
    assert get(f"{server.url}/a")[0].failure == ""


def test_a_short_body_is_asked_for_again_and_never_passed_off_as_whole(server):
    server.routes["/a"] = lambda h, n: h.answer(body=BODY, length=len(BODY) + 1)
    got, _ = get(f"{server.url}/a")
    assert (got.failure, got.http_code, got.attempts) == ("body cut short", 200, 3)
    server.routes["/b"] = lambda h, n: h.answer(body=BODY * 2, length=len(BODY) * 3) if n == 1 else h.answer(body=BODY)
    got, body = get(f"{server.url}/b")
    assert (got.failure, got.attempts, body) == ("", 2, BODY)


def without_length(body):
    def answer(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    return answer


def test_a_body_of_no_stated_length_is_asked_for_again_unless_it_is_the_one_wanted(server):
    server.routes["/a"] = lambda h, n: without_length(BODY[:-1] if n == 1 else BODY)(h)
    got, body = get(f"{server.url}/a", wanted=BODY)
    assert (got.failure, got.attempts, body) == ("", 2, BODY)
    # where no attempt brings it, what came is the body, for others to judge
    server.routes["/b"] = lambda h, n: without_length(b"another")(h)
    got, body = get(f"{server.url}/b", wanted=BODY)
    assert (got.failure, got.http_code, got.attempts, body) == ("", 200, 3, b"another")


def test_a_reset_is_retried(server):
    def reset_once(handler, n):
        if n == 1:
            handler.connection.shutdown(socket.SHUT_RDWR)
            handler.close_connection = True
        else:
            handler.answer(body=BODY)

    server.routes["/a"] = reset_once
    got, body = get(f"{server.url}/a")
    assert (got.failure, got.attempts, body, len(server.asked)) == ("", 2, BODY, 2)


def test_an_encoding_that_is_not_the_one_it_says_is_a_failure(server):
    server.routes["/a"] = lambda h, n: h.answer(body=BODY, Content_Encoding="gzip")
    assert get(f"{server.url}/a")[0].failure == "body cannot be decoded"
