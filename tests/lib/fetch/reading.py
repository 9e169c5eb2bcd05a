"""How tests read a URL over connections, with no client around them, and a server that says what it is told to."""

import contextlib
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from stages.lib.core.sections import Fetch
from stages.lib.fetch.answers import Answer
from stages.lib.fetch.connections import Connections
from stages.lib.fetch.downloads import Order
from stages.lib.fetch.faults import TransferError
from stages.lib.fetch.proxies import Proxies
from stages.lib.fetch.sources import Memory
from tests.faulty_server import SETTINGS


def read(url, sink=None, due_s=5.0, decode=True, stop=None, **changes):
    """Returns the body; fails as `Connections.get` does."""
    sink = sink or Memory()
    connections = Connections(Fetch(**SETTINGS | changes), "me", Proxies(), stop or threading.Event())
    answer = Answer(Order(sink, 1_000_000, 0.0, lambda: True), lambda: None)
    connections.get(url, time.monotonic() + due_s, answer, decode)
    return sink.getvalue() if answer.status == 200 else answer.status


def failure(url, **how):
    with pytest.raises(TransferError) as caught:
        read(url, **how)
    return caught.value.kind, caught.value.detail


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
