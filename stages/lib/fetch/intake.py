"""Taking images in: a body is what its bytes are, whatever its name, its server or its Content-Type says."""

import hashlib
import re
from collections import Counter
from dataclasses import replace

from stages.lib.core.sections import Fetch
from stages.lib.fetch.http import Client
from stages.lib.fetch.mirror import MirrorError, Source
from stages.lib.fetch.records import Fetched, Log
from stages.lib.fetch.store import BodyStore

_STARTS = {
    "JPEG image": rb"\xff\xd8\xff",
    "PNG image": rb"\x89PNG\r\n\x1a\n",
    "GIF image": rb"GIF8[79]a",
    "BMP image": rb"BM",
    "TIFF image": rb"II\*\0|MM\0\*",
    "WebP image": rb"RIFF(?s:.{4})WEBP",
    "HTML page": rb"(?i)(\xef\xbb\xbf)?\s*<(!doctype|html|head|\?xml|!--)",
    "empty body": rb"\Z",
}
"""How files start, by the formats' specifications."""
_NO_IMAGE = ("HTML page", "empty body", "no image")


def kind_of(body: bytes) -> str:
    """Returns what a file is by its first bytes: `JPEG image`, `HTML page`, `no image`, ..."""
    return next((kind for kind, start in _STARTS.items() if re.match(start, body)), "no image")


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
        if (body := self._store.read(key)) is not None:
            known = record is not None and record.md5_seen == key
            return record if known else self._judged(Fetched(key, "", "cache"), body)
        if self._keep_others and record is not None and (body := self._store.read(record.md5_seen)) is not None:
            row = self._judged(record, body)
            if row.status == "ok":
                return row
        return absent(key)

    def copy(self, key: str, source: Source) -> Fetched:
        """Takes one image from a source that has it: of several files the one with its MD5, else the largest image."""
        best, fault = None, ""
        for name in source.files[key]:
            try:
                body = source.read(name, self._max_mb)
            except MirrorError as error:
                fault = fault or str(error)
                continue
            row = self._judged(Fetched(key, "", source.name), body)
            rank = row.md5_seen == key, kind_of(body) not in _NO_IMAGE, len(body)
            if best is None or rank > best[0]:
                best = rank, row, body
            if row.md5_seen == key:
                break
        if best is None:
            return Fetched(key, "fetch_failed", source.name, detail=f"the {source.name}: {fault}")
        _, row, body = best
        if row.status == "ok":
            self._log.add(row)
        self._store.keep(row.md5_seen, body)
        return row

    async def download(self, local: Fetched, url: str, client: Client) -> Fetched:
        """Downloads one image, unless a run that was cut short met a refusal of it.

        If the download fails, a fault that a source at hand had before, which `local` tells, is told too.
        """
        key = local.md5hash
        row = self._log.refused.get(key)
        if row is not None and (not row.md5_seen or self._store.read(row.md5_seen) is not None):
            return row
        got = await client.get(url, self._max_mb, key)
        asked = {"http_code": got.http_code, "attempts": got.attempts, "final_url": got.final_url}
        if got.body is not None:
            row = self._judged(Fetched(key, "", "url", **asked), got.body)
        elif local.source:
            row = replace(local, detail=f"{local.detail}; its URL: {got.failure}", **asked)
        else:
            row = Fetched(key, "fetch_failed", detail=got.failure, **asked)
        if got.body is not None or got.refused:
            self._log.add(row)
        if got.body is not None:
            self._store.keep(row.md5_seen, got.body)
        return row

    def _judged(self, row: Fetched, body: bytes) -> Fetched:
        """Gives a row what its body says: size, MD5, status (`ok` or `md5_mismatch`) and detail."""
        md5, kind = hashlib.md5(body, usedforsecurity=False).hexdigest(), kind_of(body)
        kept = self._keep_others and kind not in _NO_IMAGE
        status, detail = "ok", ""
        if md5 != row.md5hash:
            status = "ok" if kept else "md5_mismatch"
            detail = f"the {row.source}'s body is another: {kind}{', kept' if kept else ''}"
        return replace(row, status=status, bytes=len(body), md5_seen=md5, detail=detail)


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
