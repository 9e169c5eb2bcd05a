import asyncio
import time

from stages.lib.fetch.hosts import MISSES_AFTER_ANSWER, Host


def test_an_answer_makes_patient():
    host = Host("a.de", 0.0)
    host.heard()
    assert not any(host.missed("no data") for _ in range(MISSES_AFTER_ANSWER - 1))
    host.heard()
    assert not host.missed("no data")
    assert (host.misses, host.given_up) == (1, "")


def test_nobody_waits_for_a_host_that_is_given_up():
    gone = Host("b.de", 60.0)
    gone.hold(60.0)
    assert gone.missed("gone", gone=True)
    assert not gone.missed("gone", gone=True)  # told once
    start = time.monotonic()
    asyncio.run(gone.turn())
    assert time.monotonic() - start < 5
