"""A server on loopback that plays the part of GitHub's API that a pull request's report needs."""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class GitHub:
    """Comments of one pull request; `may_write` is what the token may, `broken` answers everything with 500."""

    def __init__(self):
        self.comments: list[dict] = []
        self.may_write, self.broken, self.url = True, False, ""

    def answer(self, method: str, url: str, authorization: str, value: dict | None) -> tuple[int, object]:
        path, query = urlsplit(url).path, parse_qs(urlsplit(url).query)
        assert authorization == "Bearer secret"
        if self.broken:
            return 500, {"message": "out of order"}
        if method == "GET" and path == "/repos/me/pipeline/issues/7/comments":
            start, size = (int(query["page"][0]) - 1) * int(query["per_page"][0]), int(query["per_page"][0])
            return 200, self.comments[start : start + size]
        if not self.may_write:
            return 403, {"message": "Resource not accessible by integration"}
        if method == "POST" and path == "/repos/me/pipeline/issues/7/comments":
            self.comments.append({"id": 1000 + len(self.comments), "body": value["body"]})
            return 201, self.comments[-1]
        (found,) = [one for one in self.comments if path == f"/repos/me/pipeline/issues/comments/{one['id']}"]
        found["body"] = value["body"]
        return 200, found

    @property
    def environment(self) -> dict[str, str]:
        """What GitHub Actions would set."""
        return {"GITHUB_API_URL": self.url, "GITHUB_REPOSITORY": "me/pipeline", "GITHUB_TOKEN": "secret"}


@contextlib.contextmanager
def serving() -> Iterator[GitHub]:
    state = GitHub()

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            value = json.loads(body) if body else None
            status, answer = state.answer(self.command, self.path, self.headers["Authorization"], value)
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = handle_any  # noqa: N815

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
