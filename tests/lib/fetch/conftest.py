"""What tests that ask servers start from: one on loopback, no proxies, and no long waits."""

import pytest

from tests.faulty_server import serving


@pytest.fixture
def server():
    with serving() as server:
        yield server


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr("stages.lib.fetch.http.BACKOFF_S", 0.01)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
