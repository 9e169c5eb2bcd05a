import threading
import time

import pytest

from stages.lib.fetch.hosts import MISSES_AFTER_ANSWER, Hosts


@pytest.fixture
def hosts():
    return Hosts(0.0, threading.Event(), lambda line: None)


def test_a_host_is_its_scheme_name_and_port(hosts):
    assert hosts.of("http://A.de/b") is hosts.of("http://a.de/c?d")
    assert len({id(hosts.of(url)) for url in ("http://a.de/", "https://a.de/", "http://a.de:81/")}) == 3


def test_an_answer_makes_patient(hosts):
    host = hosts.of("http://a.de/")
    hosts.answered(host)
    for _ in range(MISSES_AFTER_ANSWER - 1):
        hosts.missed(host, "no data")
    assert not host.given_up
    hosts.answered(host)
    hosts.missed(host, "no data")
    assert not host.given_up
    assert host.misses == 1


def test_a_wait_ends_when_the_run_does_or_the_host_is_given_up():
    stop = threading.Event()
    hosts = Hosts(60.0, stop, lambda line: None)
    host = hosts.of("http://a.de/")
    hosts.wait_turn(host)
    threading.Timer(0.05, stop.set).start()
    start = time.monotonic()
    hosts.wait_turn(host)
    assert time.monotonic() - start < 5
    gone = hosts.of("http://b.de/")
    hosts.wait_turn(gone)
    hosts.missed(gone, "gone", gone=True)
    hosts.wait_turn(gone)
