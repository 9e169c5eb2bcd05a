import asyncio
import time

import pytest
from yarl import URL

from stages.lib.fetch.hosts import MISSES_AFTER_ANSWER, Hosts


@pytest.fixture
def hosts():
    return Hosts(0.0, lambda line: None)


def test_a_host_is_its_scheme_name_and_port(hosts):
    assert hosts.of(URL("http://A.de/b")) is hosts.of(URL("http://a.de:80/c?d"))
    assert len({id(hosts.of(URL(url))) for url in ("http://a.de/", "https://a.de/", "http://a.de:81/")}) == 3


def test_an_answer_makes_patient(hosts):
    host = hosts.of(URL("http://a.de/"))
    hosts.answered(host)
    for _ in range(MISSES_AFTER_ANSWER - 1):
        hosts.missed(host, "no data")
    assert not host.given_up
    hosts.answered(host)
    hosts.missed(host, "no data")
    assert not host.given_up
    assert host.misses == 1


def test_nobody_waits_for_a_host_that_is_given_up():
    hosts = Hosts(60.0, lambda line: None)
    gone = hosts.of(URL("http://b.de/"))
    hosts.hold(gone, 60.0)
    hosts.missed(gone, "gone", gone=True)
    start = time.monotonic()
    asyncio.run(hosts.turn(gone))
    assert time.monotonic() - start < 5
