"""Certificates are verified, through proxies too, and what is wrong with TLS is said."""

import shutil
import socket
import subprocess
import threading

import pytest

from tests.faulty_server import page, self_signed, serving
from tests.lib.fetch.asking import failure, get, saying

pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture
def site():
    with serving(tls=True) as site:
        site.default = page(b"secret")
        yield site


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_a_certificate_is_believed_if_the_environment_vouches_for_it(monkeypatch, tmp_path, site, variable):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    assert failure(f"{site.url}/a", retries=2) == "TLS: self-signed certificate"
    (tmp_path / ("ca.pem" if variable == "SSL_CERT_FILE" else hashed_name())).write_bytes(self_signed())
    assert get(f"{site.url}/a").body == b"secret"
    assert failure(site.url.replace("127.0.0.1", "localhost")).startswith("TLS: Hostname mismatch")
    assert site.asked == ["/a"]


def hashed_name():
    """The name by which OpenSSL finds the certificate in a folder: the hash of its subject."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the command openssl")
    command = ["openssl", "x509", "-hash", "-noout"]
    return subprocess.run(command, input=self_signed(), capture_output=True, check=True).stdout.decode().strip() + ".0"


def test_a_certificate_is_verified_through_a_proxy_too(monkeypatch, tmp_path, site):
    with serving() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        assert failure(f"{site.url}/a") == "TLS: self-signed certificate"
        (tmp_path / "ca.pem").write_bytes(self_signed())
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        assert get(f"{site.url}/a").body == b"secret"
        assert site.asked == ["/a"]
        assert proxy.asked == [f"CONNECT {site.url[8:]}"] * 2


def test_a_handshake_that_fails_is_told_from_one_that_breaks_off():
    with saying(b"HTTP/1.1 400 Bad Request\r\n\r\n") as place:
        assert failure(f"https://{place}/") == "TLS: handshake failed"
    # as if a firewall had cut the line: the next attempt may do better
    with socket.create_server(("127.0.0.1", 0)) as server:

        def reset():
            connection, _ = server.accept()
            connection.recv(1)  # closed with the rest unread, it is reset
            connection.close()

        thread = threading.Thread(target=reset)
        thread.start()
        assert failure(f"https://127.0.0.1:{server.getsockname()[1]}/") == "connection broken off"
        thread.join()
