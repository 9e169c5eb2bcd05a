import pytest

from stages.lib.fetch.urls import BadUrlError, host_of, parse


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/hostname",
        "ftp://a/b",
        "gopher://127.0.0.1/",
        "www.a.de/b",
        "/a",
        "http://",
        "http:a",
        "http:/a",
        "http://[a",
        "http://a:99999/",
        "http://a:b/",
        "http://a b/",
        "http://\t/",
        "http://a.de\\@b.de/c",
        "",
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
        ("http://a.de@b.de/c", "http://b.de/c"),
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
