"""Stage `fetch`: brings the catalog and the bytes of its images to `data/raw/<dataset>/`.

An image is taken for its MD5, which is its key, and for nothing else; whether it is an image at all is for
`validate` to say. What is there stays, so a run that was cut short goes on where it stopped. Images that
cannot be had are normal: the source sites lose them, and fetch.csv says which and why.
"""

import hashlib
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from stages.lib.catalog import parse_catalog
from stages.lib.errors import PipelineError, run_stage
from stages.lib.files import write_bytes, write_csv
from stages.lib.http import Client, host_of, in_lanes
from stages.lib.params import SAMPLE_CATALOG, load_params
from stages.lib.sample import generate
from stages.lib.sources import ImageStore, index_mirror, read_catalog

RAW = Path("data/raw")
QUARANTINE = Path("data/quarantine")
STATUSES = ("ok", "no_url", "fetch_failed", "md5_mismatch")
TOP_FAILURES = 5


@dataclass(frozen=True)
class Fetched:
    """A row of fetch.csv. Cells without a value are empty strings.

    Attributes:
        md5hash: The catalog's key.
        status: One of `STATUSES`.
        source: Where the body came from: mirror, url or sample.
        http_status: The last answer's.
        bytes: The body's size.
        md5_seen: The body's MD5.
        attempts: Requests made, redirects not counted.
        final_url: The last URL asked, after redirects.
        detail: Why it is not ok.
    """

    md5hash: str
    status: str
    source: str = ""
    http_status: int | str = ""
    bytes: int | str = ""
    md5_seen: str = ""
    attempts: int | str = 0
    final_url: str = ""
    detail: str = ""


def main() -> None:
    """Fetches what is missing, then writes fetch.csv and says what came of it."""
    params = load_params()
    client = Client(params.fetch)
    origin = params.active.catalog
    raw = RAW / params.dataset

    # Everything that can be wrong with the request shows before the disk is touched.
    bodies: Mapping[str, bytes] = {}
    if origin == SAMPLE_CATALOG:
        sample = generate(params.sample.images)
        bodies = sample.bodies
        content = sample.catalog.to_csv(index=False, lineterminator="\n").encode()
    else:
        content = read_catalog(origin, client)
    digest = hashlib.sha256(content).hexdigest()
    if params.active.sha256 not in (None, digest):
        raise PipelineError(
            f"{origin}: its sha256 is {digest}, but datasets.{params.dataset}.sha256 is "
            f"{params.active.sha256}: another version; get the pinned one or change the pin"
        )
    catalog = parse_catalog(content, origin)
    mirror = index_mirror(params.active.mirror) if params.active.mirror is not None else {}
    if params.active.sha256 is None and origin != SAMPLE_CATALOG:
        print(f"{origin}: not pinned; set datasets.{params.dataset}.sha256 to {digest}", file=sys.stderr)

    store = ImageStore(raw / "images", QUARANTINE / params.dataset)
    write_bytes(raw / "catalog.csv", content)
    earlier = read_earlier(raw / "fetch.csv")
    urls: dict[str, str] = {}
    if origin != SAMPLE_CATALOG:  # the sample's addresses are made up
        urls = dict(zip(catalog["md5hash"], catalog["url"].str.strip(), strict=True))
    rows: dict[str, Fetched] = {}
    with tqdm(total=len(catalog), desc="fetch", unit="image", mininterval=1) as progress:
        to_download = defaultdict(list)
        for key in catalog["md5hash"]:
            if store.holds(key):
                size = store.path(key).stat().st_size
                rows[key] = earlier.get(key) or Fetched(key, "ok", bytes=size, md5_seen=key)
            else:
                rows[key] = fetch_local(key, store, mirror, bodies)
                if rows[key].status != "ok" and urls.get(key):
                    to_download[host_of(urls[key])].append(key)
                    continue
            progress.update()

        def download(key: str) -> Fetched:
            return fetch_url(rows[key], urls[key], store, client, params.fetch.max_image_mb)

        def settled(key: str) -> bool:
            return client.settled(urls[key])

        for row in in_lanes(to_download, download, settled, params.fetch.connections_per_host, client.stop):
            rows[row.md5hash] = row
            progress.update()

    table = [rows[key] for key in catalog["md5hash"]]
    keys = {status: {row.md5hash for row in table if row.status == status} for status in STATUSES}
    store.prune(keys["ok"], suspects=keys["md5_mismatch"])
    for stray in raw.glob(".*.partial"):  # of a killed run's catalog.csv or fetch.csv
        stray.unlink()
    write_csv(raw / "fetch.csv", pd.DataFrame([asdict(row) for row in table]))
    print(summary(table, urls))
    if not keys["ok"]:
        why = counted(Counter(row.status for row in table), STATUSES)
        raise PipelineError(
            f"{origin}: none of {len(table):,} images arrived ({why}); check the network or set "
            f"datasets.{params.dataset}.mirror to a directory of images (reasons: {raw / 'fetch.csv'})"
        )


def read_earlier(path: Path) -> dict[str, Fetched]:
    """Reads the rows of images that arrived earlier, so that the next run writes the same of them."""
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (FileNotFoundError, UnicodeDecodeError, pd.errors.EmptyDataError, pd.errors.ParserError):
        return {}
    if list(table.columns) != [field.name for field in fields(Fetched)]:
        return {}
    table = table[(table["status"] == "ok") & (table["md5hash"] == table["md5_seen"])]
    return {cells[0]: Fetched(*cells) for cells in table.itertuples(index=False, name=None)}


def fetch_local(key: str, store: ImageStore, mirror: Mapping[str, Path], bodies: Mapping[str, bytes]) -> Fetched:
    """Takes one image from the mirror or else the sample.

    Returns:
        Its row: `ok`, `md5_mismatch`, or `no_url` if neither has it.
    """
    row = Fetched(key, "no_url", detail="the catalog has no URL")
    if key in mirror:
        with store.receiving(key) as partial:
            shutil.copyfile(mirror[key], partial)
            row = judge(key, "mirror", *store.accept(key, partial))
    if row.status != "ok" and key in bodies:
        with store.receiving(key) as partial:
            partial.write_bytes(bodies[key])
            row = judge(key, "sample", *store.accept(key, partial))
    return row


def fetch_url(local: Fetched, url: str, store: ImageStore, client: Client, max_mb: float) -> Fetched:
    """Downloads one image that no local source had.

    Args:
        local: What `fetch_local` found: nothing, or a body that is not the image.
        url: Where from.
        store: Where to.
        client: With what.
        max_mb: Largest body accepted, 10^6 bytes.

    Returns:
        Its row; one with the mirror's wrong body says so even if the download fails too.
    """
    key = local.md5hash
    with store.receiving(key) as partial:
        with partial.open("wb") as sink:
            got = client.get(url, sink, max_mb)
        asked = {
            "http_status": "" if got.http_status is None else got.http_status,
            "attempts": got.attempts,
            "final_url": got.final_url,
        }
        if not got.failure:
            return judge(key, "url", *store.accept(key, partial), **asked)
    if local.status == "md5_mismatch":
        return Fetched(**asdict(local) | asked | {"detail": f"{local.detail}; its URL: {got.failure}"})
    return Fetched(key, "fetch_failed", detail=got.failure, **asked)


def judge(key: str, source: str, seen: str, size: int, **asked: int | str) -> Fetched:
    """Returns the row of a body that arrived whole."""
    if seen == key:
        return Fetched(key, "ok", source, bytes=size, md5_seen=seen, **asked)
    detail = f"the {source}'s body is another"
    return Fetched(key, "md5_mismatch", source, bytes=size, md5_seen=seen, detail=detail, **asked)


def counted(counts: Mapping[str, int], names: Iterable[str]) -> str:
    """Puts counts into words: `41 no_url, 16,536 fetch_failed`."""
    return ", ".join(f"{counts[name]:,} {name}" for name in names if counts[name])


def summary(table: list[Fetched], urls: Mapping[str, str]) -> str:
    """Says how many images came from where, why others did not, and how to try again."""
    statuses = Counter(row.status for row in table)
    sources = Counter(f"from {row.source}" for row in table if row.status == "ok" and row.source)
    lines = [f"fetch: {counted(statuses, STATUSES)} of {len(table):,} images"]
    if sources:
        lines.append(f"  arrived: {counted(sources, sorted(sources))}")
    failures: dict[str, Counter] = defaultdict(Counter)
    for row in table:
        if row.status in ("fetch_failed", "md5_mismatch"):
            failures[host_of(urls.get(row.md5hash, "")) or row.source or "no host"][row.detail] += 1
    for host, details in sorted(failures.items(), key=lambda item: (-item[1].total(), item[0])):
        lines += [f"  {host}: {count:,} x {detail}" for detail, count in details.most_common(TOP_FAILURES)]
    if statuses["fetch_failed"]:
        lines.append("  to try the failed ones again: dvc repro -f -s fetch")
    return "\n".join(lines)


if __name__ == "__main__":
    run_stage(main)
