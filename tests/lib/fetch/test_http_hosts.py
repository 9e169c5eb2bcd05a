"""What one answer says of its host holds for all requests to it: dead ones are given up, and none is hurried."""

import socket
import time

import pytest

from tests.faulty_server import page
from tests.lib.fetch.asking import BODY, client, get, get_all

pytestmark = pytest.mark.usefixtures("quick")


def test_a_host_that_does_not_resolve_is_asked_once_and_said_once():
    said = []
    the_client = client(said.append)
    first, second, _ = (get(f"http://www.x.invalid/{i}", the_client) for i in range(3))
    assert (first.failure, first.attempts) == ("host www.x.invalid does not resolve", 1)
    assert (second.failure, second.attempts, second.final_url) == (first.failure, 0, "")
    assert the_client.settled("http://www.x.invalid/c")
    assert len(said) == 1
    assert "www.x.invalid does not resolve" in said[0]


def test_a_host_that_refuses_three_times_is_given_up():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening: refuses
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        the_client = client(retries=1)
        gots = [get(f"{url}/{i}", the_client) for i in range(4)]
    assert [got.attempts for got in gots] == [2, 1, 0, 0]
    assert gots[3].failure == "host 127.0.0.1 given up: cannot connect: Connection refused"


def test_a_host_that_accepts_and_never_answers_is_given_up(server):
    server.default = lambda h, n: time.sleep(0.3)
    the_client = client(read_timeout_s=0.05, retries=0)
    assert [get(f"{server.url}/{i}", the_client).attempts for i in range(4)] == [1, 1, 1, 0]


def test_a_host_that_answered_is_not_given_up_so_soon(server):
    the_client = client(retries=0)
    get(f"{server.url}/a", the_client)
    server.default = lambda h, n: h.reset()
    assert [get(f"{server.url}/b", the_client).attempts for _ in range(5)] == [1] * 5


def test_connections_are_used_again_after_redirects_and_refusals(server):
    server.routes["/a"] = lambda h, n: h.answer(302, b"moved", Location="/b")
    server.routes["/b"] = page(b"gone" * 100, 404)
    server.routes["/c"] = page(BODY)
    get_all([f"{server.url}{path}" for path in ("/a", "/c", "/b", "/c")])
    assert len(server.peers) == 1


def test_retry_after_holds_for_the_whole_host(server):
    server.routes["/a"] = lambda h, n: h.answer(429, b"", Retry_After="1")
    the_client = client(retries=0)
    get(f"{server.url}/a", the_client)
    get(f"{server.url}/b", the_client)
    assert server.starts_s[1] - server.starts_s[0] > 0.9


def test_requests_to_one_host_keep_their_distance(server):
    get_all([f"{server.url}/{i}" for i in range(5)], client(delay_s=0.1), at_once=True)
    # sent 0.1 s apart; a server that is slow to wake makes one gap shorter and another longer
    assert max(server.starts_s) - min(server.starts_s) > 0.35


def test_a_host_is_its_scheme_name_and_port(server):
    the_client = client()
    get(f"{server.url}/a", the_client)
    assert the_client.settled(f"{server.url.upper()}/b?c")
    assert not the_client.settled(f"{server.url.replace('http:', 'https:')}/b")
    assert not the_client.settled("http://127.0.0.1:1/b")
