"""A server that says what it is told to."""

import contextlib
import socket
import threading
import time
from contextlib import contextmanager


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
