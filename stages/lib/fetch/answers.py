"""What arrives of one answer: its status, the headers that matter, and as much of its body as is wanted."""

from collections.abc import Callable

from stages.lib.fetch.downloads import Order
from stages.lib.fetch.faults import Kind, TransferError

REST_BYTES = 1 << 16
"""As much of a refusal's body is read, so that the connection can be used again; after that it is hung up on."""
_REDIRECTS = (301, 302, 303, 307, 308)
_CODINGS = {b"", b"identity", b"none", b"gzip", b"x-gzip", b"deflate", b"br"}
"""Those that libcurl undoes."""


class Answer:
    """One request's answer, handed over piece by piece by libcurl, through which no exception can pass.

    Args:
        order: What is asked for. Its sink receives the body of a 200 and nothing else.
        heard: Called when the headers are complete, which shows that the server is alive.

    Attributes:
        status: None until the headers are complete.
        error: Why no more of the body is taken: it is too large, or the sink's fault.
        retry_after_s: For how long the server asks to be left alone.
    """

    def __init__(self, order: Order, heard: Callable[[], object]) -> None:
        order.sink.restart()
        self.status: int | None = None
        self.error: Exception | None = None
        self.retry_after_s = 0
        self._order = order
        self._heard = heard
        self._headers: dict[bytes, bytes] = {}
        self._code = 0
        self._size = 0

    def header(self, line: bytes) -> None:
        """Takes one line of the headers, its end included."""
        if line.startswith(b"HTTP/"):
            code = line.partition(b" ")[2][:3]
            self._code = int(code) if code.isdigit() else 0
            self._headers.clear()
        elif line.strip():
            name, _, value = line.partition(b":")
            self._headers.setdefault(name.strip().lower(), value.strip())
        elif self._code >= 200:  # 1xx announce the answer
            self.status = self._code
            self._heard()

    def body(self, chunk: bytes) -> int | None:
        """Takes a piece of the body, its Content-Encoding undone; returns 0 to hang up, else None."""
        self._size += len(chunk)
        if self.status != 200:
            return 0 if self._size > REST_BYTES else None
        try:
            if self._size > self._order.max_bytes:
                raise TransferError(Kind.FINAL, f"larger than {self._order.max_bytes / 1e6:g} MB")
            self._order.sink.write(chunk)
        except Exception as error:
            self.error = error
            return 0
        return None

    @property
    def settled(self) -> bool:
        """Tells whether the headers say it all, so that the body does not matter."""
        return self.status not in (None, 200)

    @property
    def location(self) -> str:
        """Where a redirect leads; empty if the answer is none."""
        return self._headers.get(b"location", b"").decode("latin-1") if self.status in _REDIRECTS else ""

    @property
    def sized(self) -> bool:
        """Tells whether the answer shows by itself where its body ends."""
        return b"content-length" in self._headers or b"chunked" in self._headers.get(b"transfer-encoding", b"").lower()

    @property
    def oddly_coded(self) -> bool:
        """Tells whether its Content-Encoding has a name that means nothing, as a character set's."""
        names = self._headers.get(b"content-encoding", b"").lower().split(b",")
        return any(name.strip() not in _CODINGS for name in names)
