"""Stage `fetch`: brings the catalog and the bytes of its images to `data/raw/`.

Sources in order: what arrived before, the mirror, the row's URL. An image is taken for its MD5, which is its key;
whether it can be used is for `validate` to say. Images that cannot be had are normal: the source sites lose them, and
fetch.csv says which and why. What arrives goes to DVC's cache at once (stages/lib/fetch/store.py), and a log beside it
notes it: so a run that was cut short goes on where it stopped, whatever becomes of the outputs.
"""

import asyncio
import errno
import hashlib
import os
import shutil
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tqdm import tqdm

from stages.lib.core.errors import PipelineError, run_stage
from stages.lib.core.files import replacing, write_bytes
from stages.lib.core.params import load_params
from stages.lib.core.paths import QUARANTINE, RAW
from stages.lib.core.sections import SAMPLE_CATALOG
from stages.lib.data.catalog import parse_images
from stages.lib.fetch.hosts import host_of
from stages.lib.fetch.http import Client
from stages.lib.fetch.intake import Intake, absent, set_placeholders_apart
from stages.lib.fetch.lanes import in_lanes, in_threads
from stages.lib.fetch.mirror import Source, drawings, open_mirror
from stages.lib.fetch.records import Fetched, Log, write_table
from stages.lib.fetch.sources import read_catalog
from stages.lib.fetch.store import BodyStore
from stages.lib.fetch.summary import counted, mirror_hint, summary
from stages.lib.sample.catalog import generate

GOES_ON = "what arrived is kept, and the same command goes on where this one stopped"
REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EACCES: "make it writable",
    errno.EROFS: "make it writable",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
}
THREADS = os.cpu_count() or 1


def main() -> None:
    """Fetches what is missing, writes data/raw/images, catalog.csv and fetch.csv, and says what came of it."""
    params = load_params()
    say = partial(tqdm.write, file=sys.stderr)
    client = Client(params.fetch, say)
    origin, param = params.active.catalog, f"datasets.{params.dataset}"

    # Everything that can be wrong with the request is found before the disk is touched.
    source: Source | None = None
    if origin == SAMPLE_CATALOG:
        sample = generate(params.sample.images)
        source = drawings(sample.bodies)
        content = sample.catalog.to_csv(index=False, lineterminator="\n").encode()
    else:
        content = read_catalog(origin, f"{param}.catalog", client)
    digest = hashlib.sha256(content).hexdigest()
    if params.active.sha256 not in (None, digest):
        raise PipelineError(
            f"{origin}: its sha256 is {digest}, but {param}.sha256 is {params.active.sha256}: another version; get the "
            f"pinned one or change the pin"
        )
    catalog = parse_images(content, origin)
    if params.active.mirror is not None:
        source = open_mirror(params.active.mirror, f"{param}.mirror")
    if params.active.sha256 is None and origin != SAMPLE_CATALOG:
        print(f"{origin}: not pinned; set {param}.sha256 to {digest}", file=sys.stderr)

    urls = dict(zip(catalog["md5hash"], catalog["url"].str.strip(), strict=True))
    if origin == SAMPLE_CATALOG:
        urls = dict.fromkeys(urls, "")  # they are made up
    rows = {key: absent(key) for key in urls}
    store = BodyStore(params.dataset)
    try:
        with store.alone(say):
            log = Log(store.folder / "log.jsonl", f"{digest} {params.fetch.on_md5_mismatch}")
            intake = Intake(store, log, params.fetch)
            if origin != SAMPLE_CATALOG:  # which is drawn again: the cache does not say what is from where
                follow("fetch: arrived before", in_threads(urls, intake.look, THREADS), len(urls), rows)
            if source is not None:
                at_hand = [key for key in source.files if key in rows and rows[key].status != "ok"]
                copied = in_threads(at_hand, lambda key: intake.copy(key, source), source.readers)
                follow(f"fetch: {source.name}", copied, len(at_hand), rows)
            hint = mirror_hint(rows.values())
            asyncio.run(download(urls, rows, intake, client, params.fetch.connections_per_host))

            table = set_placeholders_apart(list(rows.values()))
            write_outputs(store, content, table, QUARANTINE / params.dataset)
            log.end(table)
    except KeyboardInterrupt:
        reached = [row for row in rows.values() if row.status != "no_url" or not urls[row.md5hash]]
        print(summary(reached, urls, len(urls)), flush=True)
        raise KeyboardInterrupt(GOES_ON) from None
    except OSError as error:
        where, why = error.filename2 or error.filename or f"{RAW} or {store.cache}", error.strerror or error
        raise PipelineError(f"{where}: {why}; {REMEDIES.get(error.errno, 'look at that disk')}: {GOES_ON}") from None
    print(summary(table, urls, len(urls), hint))
    if not any(row.status == "ok" for row in table):
        why = counted(Counter(row.status for row in table))
        remedy = hint or f"check the network or set {param}.mirror to a copy of the images"
        raise PipelineError(
            f"{origin}: none of {len(table):,} images arrived ({why}); {remedy} (reasons: {RAW / 'fetch.csv'})"
        )


def follow(title: str, done: Iterable[Fetched], total: int, rows: dict[str, Fetched]) -> None:
    """Takes one step's rows as they come, into `rows`, and shows rate, time left and counts."""
    with progress(title, total, rows) as take:
        for row in done:
            take(row)


@contextmanager
def progress(title: str, total: int, rows: dict[str, Fetched]) -> Iterator[Callable[[Fetched], None]]:
    """Yields what takes a step's row: it goes into `rows`, and a bar shows rate, time left and counts."""
    counts: Counter = Counter()
    with tqdm(total=total, desc=title, unit="image", mininterval=1, disable=total == 0) as bar:

        def take(row: Fetched) -> None:
            rows[row.md5hash] = row
            counts[row.status] += 1
            if bar.update():
                bar.set_postfix_str(counted(counts))

        yield take


async def download(
    urls: Mapping[str, str], rows: dict[str, Fetched], intake: Intake, client: Client, width: int
) -> None:
    """Downloads the images that no source at hand had, up to `width` of one host at a time."""
    of_hosts: dict[str, list[str]] = defaultdict(list)
    for key, url in urls.items():
        if url and rows[key].status != "ok":
            of_hosts[host_of(url)].append(key)
    with progress("fetch: download", sum(map(len, of_hosts.values())), rows) as take:

        async def work(key: str) -> None:
            take(await intake.download(rows[key], urls[key], client))

        async with client:
            await in_lanes(of_hosts, work, lambda key: client.settled(urls[key]), width)


def write_outputs(store: BodyStore, catalog: bytes, table: Sequence[Fetched], quarantine: Path) -> None:
    """Writes images and tables to data/raw/, fetch.csv last, and bodies with another MD5 to a folder for a person."""
    for stray in [*RAW.glob(".*.partial"), *quarantine.parent.glob(".*.partial")]:  # of a run that was killed
        shutil.rmtree(stray) if stray.is_dir() else stray.unlink()
    (RAW / "fetch.csv").unlink(missing_ok=True)
    others = {row.md5hash: store.path(row.md5_seen) for row in table if row.status == "md5_mismatch"}
    if others or quarantine.is_dir():
        copy_all(others, quarantine)
    images = {f"{row.md5hash[:2]}/{row.md5hash}": store.path(row.md5_seen) for row in table if row.status == "ok"}
    copy_all(images, RAW / "images")
    write_bytes(RAW / "catalog.csv", catalog)
    write_table(RAW / "fetch.csv", table)


def copy_all(files: Mapping[str, Path], folder: Path) -> None:
    """Fills a folder with copies of files, by their names in it, in place of what it held.

    They are copies, no links: whoever changed an output would change DVC's cache. Where the disk can share the bytes of
    two files, or `cache.type` asks for links, DVC makes them as it takes the output over.
    """
    with replacing(folder) as temporary:
        for parent in {temporary, *((temporary / name).parent for name in files)}:
            parent.mkdir(parents=True, exist_ok=True)
        list(in_threads(files.items(), lambda item: shutil.copyfile(item[1], temporary / item[0]), THREADS))


if __name__ == "__main__":
    run_stage(main)
