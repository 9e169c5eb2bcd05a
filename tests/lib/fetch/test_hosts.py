import asyncio
import time

import pytest

from stages.lib.fetch.hosts import MISSES_AFTER_ANSWER, BadUrlError, Host, host_of, parse


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/",
        "www.a.de/b",
        "",
        "http:a",
        "http:/a",
        "http://[a",
        "http://a:99999/",
        "http://a b/",
        "http://a\\@b/c",
    ],
)
def test_what_is_no_http_url_is_refused(url):
    with pytest.raises(BadUrlError):
        parse(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a.de", "http://a.de"),
        ("HTTP://A.de/b", "http://a.de/b"),
        ("http://a.de/b.jpg?c=/d.e&f#g", "http://a.de/b.jpg?c=/d.e&f"),
        ("http://a.de/b/../../c/./d", "http://a.de/c/d"),
        ("http://a.de/b c\u00e4", "http://a.de/b%20c%C3%A4"),
        ("http://a.de:80@b.de:81/c", "http://b.de:81/c"),
        ("http://x:y@a.de:8080/b", "http://a.de:8080/b"),
        ("http://b\u00fccher.de/", "http://xn--bcher-kva.de/"),
        ("http://[::1]:81/a", "http://[::1]:81/a"),
        ("http://a.de//b", "http://a.de//b"),
    ],
)
def test_a_url_has_a_normal_form_without_login_and_fragment(url, expected):
    assert str(parse(url)) == expected


def test_host_of():
    assert host_of("https://Www.A.de:8080/b?c") == "www.a.de"
    assert host_of("ftp://a.de/b") == "a.de"
    assert host_of("x") == host_of("http://[a") == host_of("http://a:99999/") == host_of("") == ""


def test_an_answer_makes_patient():
    host = Host("a.de", 0.0, answered=True)
    assert not any(host.missed("no data") for _ in range(MISSES_AFTER_ANSWER - 1))
    assert host.missed("no data")


def test_nobody_waits_for_a_host_that_is_given_up():
    gone = Host("b.de", 60.0)
    gone.hold("60")
    assert gone.missed("gone", gone=True)
    assert not gone.missed("gone", gone=True)  # told once
    start = time.monotonic()
    asyncio.run(gone.turn())
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("pause", ["", "soon", "-5", "0", "Mon, 01 Jan 0001 00:00:00 GMT", "Mon, 01 Jan 2001 00:00:00"])
def test_a_pause_that_is_none_holds_nobody(pause):
    host = Host("a.de", 0.0)
    host.hold(pause)
    assert host.free_at_s <= time.monotonic()


def test_a_pause_has_an_end():
    host = Host("a.de", 0.0)
    for endless in ("86400", "9" * 400, "Mon, 01 Jan 2999 00:00:00 GMT"):
        host.hold(endless)
        assert 100 < host.free_at_s - time.monotonic() <= 120
