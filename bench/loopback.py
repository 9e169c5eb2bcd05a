"""A fast web server on loopback for throughput: a process of its own that answers from memory and does little else.

    python -m bench.loopback FOLDER

Serves the folder's files by name, keeps connections alive, prints its port, and answers `/rate` with the number of
images served so far and the seconds from the first of them to the last.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import ClassVar

GONE = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


class Server(asyncio.Protocol):
    """One connection: requests in, files out."""

    pages: ClassVar[dict[bytes, bytes]] = {}
    served, first_s, last_s = 0, 0.0, 0.0

    def connection_made(self, transport) -> None:
        self.transport, self.received = transport, b""

    def data_received(self, data: bytes) -> None:
        self.received += data
        while (end := self.received.find(b"\r\n\r\n")) >= 0:
            head, self.received = self.received[:end], self.received[end + 4 :]
            self.answer(head)

    def answer(self, head: bytes) -> None:
        path = head.split(b" ", 2)[1]
        if path == b"/rate":
            body = f"{Server.served} {Server.last_s - Server.first_s}".encode()
            Server.served = 0
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            return
        Server.last_s = time.monotonic()
        if not Server.served:
            Server.first_s = Server.last_s
        Server.served += 1
        self.transport.write(self.pages.get(path, GONE))
        if b"connection: close" in head.lower():
            self.transport.close()


async def serve(folder: Path) -> None:
    for path in folder.iterdir():
        body = path.read_bytes()
        head = b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(body)
        Server.pages[f"/{path.name}".encode()] = head + body
    server = await asyncio.get_running_loop().create_server(Server, "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
