"""Taking images in: a body is what its bytes are, whatever its name, its server or its Content-Type says."""

from collections import Counter
from dataclasses import replace

from stages.lib.core.sections import Fetch
from stages.lib.fetch.http import Client
from stages.lib.fetch.mirror import MirrorError, Source
from stages.lib.fetch.records import Fetched, Log
from stages.lib.fetch.store import BodyStore

_IMAGES = {
    "JPEG image": (b"\xff\xd8\xff",),
    "PNG image": (b"\x89PNG\r\n\x1a\n",),
    "GIF image": (b"GIF87a", b"GIF89a"),
    "BMP image": (b"BM",),
    "TIFF image": (b"II*\0", b"MM\0*"),
}
"""How files start, by the formats' specifications. WebP is told apart in `kind_of`."""
_MARKUP = (b"<!doctype", b"<html", b"<head", b"<?xml", b"<!--")
_NO_IMAGE = ("empty body", "HTML page", "no image")


def kind_of(start: bytes) -> str:
    """Returns what a file is by its first bytes: `JPEG image`, `HTML page`, `no image`, ..."""
    if not start:
        return "empty body"
    for kind, magics in _IMAGES.items():
        if start.startswith(magics):
            return kind
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WebP image"
    return "HTML page" if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_MARKUP) else "no image"


def absent(key: str) -> Fetched:
    """Returns the row of an image that is to be fetched, which is its last if there is nowhere to fetch it from."""
    return Fetched(key, "no_url", detail="the catalog has no URL")


class Intake:
    """Decides which bodies are images of the catalog, and writes each verdict down. Threads may share it.

    Args:
        store: Where bodies are kept.
        log: Gets a row before its body is kept, and a final refusal when it is met.
        settings: The largest body accepted, and what becomes of bodies with another MD5.
    """

    def __init__(self, store: BodyStore, log: Log, settings: Fetch) -> None:
        self._store = store
        self._log = log
        self._max_mb = settings.max_image_mb
        self._keep_others = settings.on_md5_mismatch == "keep"

    def look(self, key: str) -> Fetched:
        """Returns the row of an image whose body is in the store; `no_url` if it is to be fetched."""
        record = self._log.arrived.get(key)
        if (size := self._store.size(key)) is not None:
            known = record is not None and record.md5_seen == key
            return record if known else Fetched(key, "ok", "cache", bytes=size, md5_seen=key)
        if self._keep_others and record is not None and self._store.size(record.md5_seen) is not None:
            row = self._judged(record, self._store.start(record.md5_seen))
            if row.status == "ok":
                return row
        return absent(key)

    def copy(self, key: str, source: Source, last: bool) -> Fetched:
        """Takes one image from a source at hand: of several files the one with its MD5, else the largest image.

        Args:
            key: Which.
            source: It must have the key.
            last: No other source is left.
        """
        best, fault = None, ""
        for name in source.files[key]:
            with self._store.receiving() as body:
                try:
                    source.copy(name, body, self._max_mb)
                except MirrorError as error:
                    fault = fault or str(error)
                    continue
                row = self._judged(Fetched(key, "", source.name, bytes=body.size, md5_seen=body.md5), body.start)
                rank = (body.md5 == key, kind_of(body.start) not in _NO_IMAGE, body.size)
                if best is None or rank > best[0]:
                    best = rank, row
                    if row.status == "ok":
                        body.save()  # first, so that the row below is of a body that the disk had room for
                        self._log.add(row)
                    self._store.keep(body)
                if rank[0]:
                    break
        if best is None:
            return Fetched(key, "fetch_failed", source.name, detail=f"the {source.name}: {fault}")
        if last and best[1].status != "ok":
            self._log.add(best[1])
        return best[1]

    def resume(self, key: str) -> Fetched | None:
        """Returns the verdict on this image of a run that was cut short, if there is one that still holds.

        So servers are not asked twice for what they refused. What could not be reached is asked for again.
        """
        row = self._log.refused.get(key)
        lost = row is not None and row.md5_seen and self._store.size(row.md5_seen) is None
        return None if lost else row

    async def download(self, local: Fetched, url: str, client: Client) -> Fetched:
        """Downloads one image that no source at hand had.

        Args:
            local: What became of it there: nothing, or a body that is not the image.
            url: Where from.
            client: With what.

        Returns:
            Its row; one with the mirror's fault says so even if the download fails too.
        """
        key = local.md5hash
        with self._store.receiving() as body:
            got = await client.get(url, body, self._max_mb, lambda: body.md5 == key)
            code = "" if got.http_code is None else got.http_code
            asked = {"http_code": code, "attempts": got.attempts, "final_url": got.final_url}
            if not got.failure:
                row = Fetched(key, "", "url", bytes=body.size, md5_seen=body.md5, **asked)
                row = self._judged(row, body.start)
                body.save()
                self._log.add(row)
                self._store.keep(body)
            elif local.detail and local.source:
                row = replace(local, detail=f"{local.detail}; its URL: {got.failure}", **asked)
            else:
                row = Fetched(key, "fetch_failed", detail=got.failure, **asked)
        if got.failure and (row.status == "md5_mismatch" or got.refused):
            self._log.add(row)
        return row

    def _judged(self, row: Fetched, start: bytes) -> Fetched:
        """Gives the row of a body its status, `ok` or `md5_mismatch`, and its detail.

        Args:
            row: With source and MD5.
            start: The body's first bytes.
        """
        if row.md5_seen == row.md5hash:
            return replace(row, status="ok", detail="")
        kind = kind_of(start)
        kept = self._keep_others and kind not in _NO_IMAGE
        detail = f"the {row.source}'s body is another: {kind}{', kept' if kept else ''}"
        return replace(row, status="ok" if kept else "md5_mismatch", detail=detail)


def set_placeholders_apart(rows: list[Fetched]) -> list[Fetched]:
    """Takes back what was kept with another MD5, where the same body came for another row too.

    It is what a server sends in place of images that it has lost, and shows the condition of none of these rows.
    """
    times = Counter(row.md5_seen for row in rows if row.status == "ok")
    return [
        row
        if row.status != "ok" or row.md5_seen == row.md5hash or times[row.md5_seen] == 1
        else replace(row, status="md5_mismatch", detail=f"the {row.source}'s body is one picture for several rows")
        for row in rows
    ]
