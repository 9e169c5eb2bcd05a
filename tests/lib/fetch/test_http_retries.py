"""What may do better is asked for again, after the wait that the server wants, and what is final is not."""

import email.utils
import time

import pytest

from tests.faulty_server import FAULTS, page
from tests.lib.fetch.asking import BODY, get

pytestmark = pytest.mark.usefixtures("quick")


@pytest.mark.parametrize("status", [401, 403, 404, 410, 204, 400])
def test_a_refusal_is_final(server, status):
    server.routes["/a"] = page(b"", status)
    got = get(f"{server.url}/a")
    assert (got.failure, got.http_code, got.attempts) == (f"HTTP {status}", status, 1)
    assert len(server.asked) == 1


@pytest.mark.parametrize("fault", ["500 then good", "reset then good", "cut then good"])
def test_what_fails_once_is_asked_for_again(server, fault):
    server.routes["/a"] = lambda h, n: FAULTS[fault](h, n, BODY)
    got = get(f"{server.url}/a")
    assert (got.failure, got.http_code, got.attempts, got.body, len(server.asked)) == ("", 200, 2, BODY, 2)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("always 500", "HTTP 500"), ("always reset", "connection broken off"), ("always cut", "body cut short")],
)
def test_what_keeps_failing_is_given_its_retries_and_no_more(server, fault, reason):
    server.routes["/a"] = lambda h, n: FAULTS[fault](h, n, BODY)
    got = get(f"{server.url}/a")
    assert (got.failure, got.attempts, got.body, len(server.asked)) == (reason, 3, None, 3)


@pytest.mark.parametrize(("asked", "least", "most"), [("0", 0, 0.9), ("1", 1, 3), ("date", 0.9, 4)])
def test_retry_after_is_kept(server, asked, least, most):
    def answer(handler, n):
        # a date has whole seconds
        pause = email.utils.formatdate(time.time() + 2, usegmt=True) if asked == "date" else asked
        handler.answer(429, b"", Retry_After=pause) if n == 1 else handler.answer(body=BODY)

    server.routes["/a"] = answer
    assert get(f"{server.url}/a").body == BODY
    assert least <= server.starts_s[1] - server.starts_s[0] < most


def test_a_body_of_no_stated_length_is_asked_for_again_unless_it_is_the_one_wanted(server):
    def answer(handler, n):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(BODY[:-1] if n == 1 else BODY)
        handler.close_connection = True

    server.default = answer
    got = get(f"{server.url}/a", wanted=BODY)
    assert (got.failure, got.attempts, got.body) == ("", 2, BODY)
    # where no attempt brings it, what came is the body, for others to judge
    got = get(f"{server.url}/b", wanted=b"another")
    assert (got.failure, got.http_code, got.attempts, got.body) == ("", 200, 3, BODY)
