"""How tests ask a server for a body through the client, and a server that says what it is told to."""

import asyncio
import contextlib
import hashlib
import socket
import threading
import time
from contextlib import contextmanager

from stages.lib.core.sections import Fetch
from stages.lib.fetch.http import Client
from tests.faulty_server import SETTINGS

BODY = bytes(range(256)) * 40


def client(say=print, **changes):
    return Client(Fetch(**SETTINGS | changes), say)


def get(url, the_client=None, max_mb=1.0, wanted=None):
    """Returns what came of one URL."""
    return get_all([url], the_client, max_mb, wanted and hashlib.md5(wanted).hexdigest())[0]


def get_all(urls, the_client=None, max_mb=1.0, md5=None, at_once=False):
    """Returns what came of some URLs, asked for in one session."""
    the_client = the_client or client()

    async def run():
        async with the_client:
            jobs = [the_client.get(url, max_mb, md5) for url in urls]
            return list(await asyncio.gather(*jobs)) if at_once else [await job for job in jobs]

    return asyncio.run(run())


def failure(url, **changes):
    """Returns why an only attempt failed."""
    got = get(url, client(**{"retries": 0} | changes))
    assert got.failure
    assert got.body is None
    return got.failure


@contextmanager
def saying(*pieces, pause_s=0.0):
    """A server that reads something, says these pieces whatever it was, and hangs up."""

    def run():
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection, contextlib.suppress(ConnectionError):
                connection.recv(1 << 16)
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(pause_s)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=run, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
