"""Stage `fetch`: brings the catalog and the bytes of its images to `data/raw/<dataset>/`.

Sources in order: what is there and has its MD5, the mirror, the row's URL. An image is taken for its MD5, which is
its key; whether it can be used is for `validate` to say. Images that cannot be had are normal: the source sites
lose them, and fetch.csv says which and why. A run that was cut short goes on where it stopped: whatever arrived or
was refused stands in a journal, and a file is hashed before it is believed.
"""

import hashlib
import os
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path

from tqdm import tqdm

from stages.lib.core.errors import PipelineError, run_stage
from stages.lib.core.files import write_bytes
from stages.lib.core.params import load_params
from stages.lib.core.sections import SAMPLE_CATALOG
from stages.lib.data.catalog import parse_images
from stages.lib.fetch.embedded import generate
from stages.lib.fetch.fetchlog import STATUSES, Fetched, Journal, read_arrived, read_journal, write_table
from stages.lib.fetch.http import Client
from stages.lib.fetch.intake import Intake
from stages.lib.fetch.lanes import in_lanes
from stages.lib.fetch.mirror import Mirror
from stages.lib.fetch.sources import Drawings, read_catalog
from stages.lib.fetch.store import ImageStore
from stages.lib.fetch.urls import host_of

RAW = Path("data/raw")
QUARANTINE = Path("data/quarantine")
PROOFS = Path("data/proofs")
JOURNAL = ".fetch.journal"
TOP_FAILURES = 5
GOES_ON = "what arrived is kept, and the same command goes on where this one stopped"


def main() -> None:
    """Fetches what is missing, then writes fetch.csv and says what came of it."""
    params = load_params()
    client = Client(params.fetch, say=partial(tqdm.write, file=sys.stderr))
    origin = params.active.catalog
    raw = RAW / params.dataset

    # Everything that can be wrong with the request shows before the disk is touched.
    source: Mirror | Drawings | None = None
    if origin == SAMPLE_CATALOG:
        sample = generate(params.sample.images)
        source = Drawings(sample.bodies)
        content = sample.catalog.to_csv(index=False, lineterminator="\n").encode()
    else:
        content = read_catalog(origin, f"datasets.{params.dataset}.catalog", client)
    digest = hashlib.sha256(content).hexdigest()
    if params.active.sha256 not in (None, digest):
        raise PipelineError(
            f"{origin}: its sha256 is {digest}, but datasets.{params.dataset}.sha256 is "
            f"{params.active.sha256}: another version; get the pinned one or change the pin"
        )
    catalog = parse_images(content, origin)
    if params.active.mirror is not None:
        source = Mirror(params.active.mirror, f"datasets.{params.dataset}.mirror")
    if params.active.sha256 is None and origin != SAMPLE_CATALOG:
        print(f"{origin}: not pinned; set datasets.{params.dataset}.sha256 to {digest}", file=sys.stderr)

    urls: dict[str, str] = {}
    if origin != SAMPLE_CATALOG:  # the sample's addresses are made up
        urls = dict(zip(catalog["md5hash"], catalog["url"].str.strip(), strict=True))
    rows: dict[str, Fetched] = {}
    try:
        write_bytes(raw / "catalog.csv", content)
        request = f"{digest} {params.fetch.on_md5_mismatch}"
        records = read_arrived(raw / "fetch.csv") | read_journal(raw / JOURNAL, request)
        journal = Journal(raw / JOURNAL, request)
        store = ImageStore(raw / "images", QUARANTINE / params.dataset, PROOFS / f"{params.dataset}.json")
        intake = Intake(store, journal, records, params.fetch)

        run("fetch: on disk", {"": catalog["md5hash"]}, intake.look, os.cpu_count() or 1, rows)
        if source is not None:
            at_hand = source.in_order(missing(catalog["md5hash"], rows))

            def copy(key: str) -> Fetched:
                return intake.copy(key, source, last=not urls.get(key))

            run(f"fetch: {source.name}", {"": at_hand}, copy, source.readers, rows)
        to_download = defaultdict(list)
        for key in missing(catalog["md5hash"], rows):
            if (verdict := intake.resume(key)) is not None:
                rows[key] = verdict
            elif urls.get(key):
                to_download[host_of(urls[key])].append(key)

        def download(key: str) -> Fetched:
            return intake.download(rows[key], urls[key], client)

        def settled(key: str) -> bool:
            return client.settled(urls[key])

        run("fetch: download", to_download, download, params.fetch.connections_per_host, rows, settled, client.stop)

        table = [rows[key] for key in catalog["md5hash"]]
        keys = {status: {row.md5hash for row in table if row.status == status} for status in STATUSES}
        store.prune(keys["ok"], suspects=keys["md5_mismatch"])
        for stray in raw.glob(".*.partial"):  # of a killed run's catalog.csv or fetch.csv
            stray.unlink()
        write_table(raw / "fetch.csv", table)
        store.prove(row.md5hash for row in table if row.status == "ok" and row.md5_seen == row.md5hash)
        journal.close(done=True)
    except KeyboardInterrupt:
        reached = [row for row in rows.values() if row.status != "no_url" or not urls.get(row.md5hash)]
        print(summary(reached, urls, len(catalog)), flush=True)
        raise KeyboardInterrupt(GOES_ON) from None
    except OSError as error:
        raise PipelineError(
            f"{error.filename or raw}: {error.strerror or error}; free space or correct its permissions: {GOES_ON}"
        ) from None
    print(summary(table, urls, len(catalog)))
    if not keys["ok"]:
        why = counted(Counter(row.status for row in table), STATUSES)
        raise PipelineError(
            f"{origin}: none of {len(table):,} images arrived ({why}); check the network or set "
            f"datasets.{params.dataset}.mirror to a copy of the images (reasons: {raw / 'fetch.csv'})"
        )


def missing(keys: Iterable[str], rows: Mapping[str, Fetched]) -> list[str]:
    """Returns those of the keys whose image is not there yet, in their order: `rows` come as threads end."""
    return [key for key in keys if rows[key].status != "ok"]


def run(
    title: str,
    jobs: Mapping[str, Collection[str]],
    work: Callable[[str], Fetched],
    width: int,
    rows: dict[str, Fetched],
    settled: Callable[[str], bool] = lambda key: True,
    stop: threading.Event | None = None,
) -> None:
    """Does one step for all of its images, and shows rate, time left and counts.

    Args:
        title: The step's name.
        jobs: Each host's keys.
        work: Does one key and returns its row, which replaces the one in `rows`.
        width: Largest number of keys of one host at a time.
        rows: Every image's row so far.
        settled: Tells of a finished key whether its host's other lanes may open.
        stop: Set at the end, whatever the end is.
    """
    total = sum(map(len, jobs.values()))
    counts: Counter = Counter()
    done = in_lanes(jobs, work, settled, width, stop or threading.Event())
    with tqdm(total=total, desc=title, unit="image", mininterval=1, disable=total == 0) as progress:
        for row in done:
            rows[row.md5hash] = row
            counts[row.status] += 1
            if progress.update():
                progress.set_postfix_str(counted(counts, STATUSES))


def counted(counts: Mapping[str, int], names: Iterable[str]) -> str:
    """Puts counts into words: `41 no_url, 16,536 fetch_failed`."""
    return ", ".join(f"{counts[name]:,} {name}" for name in names if counts[name])


def summary(table: Collection[Fetched], urls: Mapping[str, str], total: int) -> str:
    """Says how many images came from where, why others did not, host by host, and how to try again.

    Args:
        table: The rows that were reached.
        urls: Each key's.
        total: The catalog's rows.
    """
    statuses = Counter(row.status for row in table)
    sources = Counter(f"from {row.source}" for row in table if row.status == "ok" and row.source)
    rest = f"; {total - len(table):,} not reached" if len(table) < total else ""
    lines = [f"fetch: {counted(statuses, STATUSES) or 'nothing'} of {total:,} images{rest}"]
    if sources:
        lines.append(f"  arrived: {counted(sources, sorted(sources))}")
    failures: dict[str, Counter] = defaultdict(Counter)
    not_asked: Counter = Counter()
    for row in table:
        if row.status in ("fetch_failed", "md5_mismatch"):
            host = host_of(urls.get(row.md5hash, "")) or row.source or "no host"
            failures[host][row.detail] += 1
            not_asked[host] += row.attempts == 0
    for host, details in sorted(failures.items(), key=lambda item: (-item[1].total(), item[0])):
        spared = f" ({not_asked[host]:,} not asked for)" if not_asked[host] else ""
        lines.append(f"  {host}: {details.total():,}{spared}")
        lines += [f"    {count:,} x {detail}" for detail, count in details.most_common(TOP_FAILURES)]
        if len(details) > TOP_FAILURES:
            lines.append(f"    and {len(details) - TOP_FAILURES:,} other reasons")
    if statuses["fetch_failed"]:
        lines.append("  to try the failed ones again: dvc repro -f -s fetch")
    return "\n".join(lines)


if __name__ == "__main__":
    run_stage(main)
