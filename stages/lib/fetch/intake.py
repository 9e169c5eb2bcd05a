"""Taking images in: a body is what its bytes are, whatever its name, its server or its Content-Type says."""

from collections.abc import Mapping
from dataclasses import replace

from stages.lib.core.sections import Fetch
from stages.lib.fetch.body import Body
from stages.lib.fetch.fetchlog import Fetched, Journal
from stages.lib.fetch.http import Client
from stages.lib.fetch.mirror import Mirror, MirrorError
from stages.lib.fetch.sources import Drawings
from stages.lib.fetch.store import ImageStore

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


class Intake:
    """Decides which bodies become images of the store, and writes each verdict down. Threads may share it.

    Args:
        store: Where images are kept.
        journal: Where an image is written down before it takes its name, and a final refusal when it is met.
        records: The rows of earlier runs.
        settings: The largest body accepted, and what becomes of bodies with another MD5.
    """

    def __init__(self, store: ImageStore, journal: Journal, records: Mapping[str, Fetched], settings: Fetch) -> None:
        self._store = store
        self._journal = journal
        self._records = records
        self._max_mb = settings.max_image_mb
        self._keep_others = settings.on_md5_mismatch == "keep"

    def look(self, key: str) -> Fetched:
        """Returns the row of an image that is there, found by hashing it; `no_url` if it is to be fetched."""
        record = self._records.get(key)
        if record is not None and record.status != "ok":
            record = None
        expected = record.md5_seen if self._keep_others and record is not None else key
        seen, size = self._store.digest(key)
        if seen not in (key, expected) and record is not None:
            # Killed between journal and name. A body without a row is asked for again: nothing says where it is from.
            self._store.adopt(key, expected)
            seen, size = self._store.digest(key)
        if record is not None and seen == record.md5_seen == expected:
            return record
        if seen == key:
            return Fetched(key, "ok", bytes=size, md5_seen=seen)
        return Fetched(key, "no_url", detail="the catalog has no URL")

    def copy(self, key: str, source: Mirror | Drawings, last: bool) -> Fetched:
        """Takes one image from a source at hand.

        Args:
            key: Which.
            source: It must have the key.
            last: No other source is left.
        """
        with self._store.receiving(key) as body:
            try:
                source.copy(key, body, self._max_mb)
            except MirrorError as error:
                return Fetched(key, "fetch_failed", source.name, detail=f"the {source.name}: {error}")
            row = self._take(key, source.name, body)
        if last and row.status != "ok":
            self._journal.add(row)
        return row

    def resume(self, key: str) -> Fetched | None:
        """Returns the verdict on this image of a run that was cut short, if there is one that still stands.

        So servers are not asked twice for what they refused. What could not be reached is asked for again.
        """
        record = self._records.get(key)
        if record is None or record.status == "ok":
            return None
        if record.status == "md5_mismatch" and self._store.quarantined(key) != record.md5_seen:
            return None
        return record

    def download(self, local: Fetched, url: str, client: Client) -> Fetched:
        """Downloads one image that no source at hand had.

        Args:
            local: What became of it there: nothing, or a body that is not the image.
            url: Where from.
            client: With what.

        Returns:
            Its row; one with the mirror's fault says so even if the download fails too.
        """
        key = local.md5hash
        with self._store.receiving(key) as body:
            got = client.get(url, body, self._max_mb, lambda: body.md5 == key)
            code = "" if got.http_code is None else got.http_code
            asked = {"http_code": code, "attempts": got.attempts, "final_url": got.final_url}
            if not got.failure:
                row = self._take(key, "url", body, **asked)
            elif local.detail and local.source:
                row = replace(local, detail=f"{local.detail}; its URL: {got.failure}", **asked)
            else:
                row = Fetched(key, "fetch_failed", detail=got.failure, **asked)
        if row.status == "md5_mismatch" or got.refused:
            self._journal.add(row)
        return row

    def _take(self, key: str, source: str, body: Body, **asked: int | str) -> Fetched:
        """Takes a whole body in, or puts it aside; returns its row, `ok` or `md5_mismatch`."""
        row = Fetched(key, "ok", source, bytes=body.size, md5_seen=body.md5, **asked)
        if row.md5_seen != key:
            kind = kind_of(body.start)
            kept = self._keep_others and kind not in _NO_IMAGE
            detail = f"the {source}'s body is another: {kind}{', kept' if kept else ''}"
            row = replace(row, status="ok" if kept else "md5_mismatch", detail=detail)
        if row.status == "ok":
            body.save()  # so that a row of the journal is a body on the disk, which the next run can adopt
            self._journal.add(row)
            self._store.keep(key, body)
        else:
            self._store.quarantine(key, body)
        return row
