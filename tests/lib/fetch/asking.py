"""How tests ask a server for a body through the client."""

import asyncio

from stages.lib.core.sections import Fetch
from stages.lib.fetch.http import Client
from stages.lib.fetch.sources import Memory
from tests.faulty_server import SETTINGS

BODY = bytes(range(256)) * 40


def client(say=print, **changes):
    return Client(Fetch(**SETTINGS | changes), say)


def get(url, the_client=None, max_mb=1.0, sink=None, wanted=None):
    """Returns what came of one URL, and its body."""
    sink = sink or Memory()
    got = get_all([url], the_client, max_mb, sink, lambda: wanted in (None, sink.getvalue()))[0]
    return got, sink.getvalue()


def get_all(urls, the_client=None, max_mb=1.0, sink=None, wanted=lambda: True, at_once=False):
    """Returns what came of some URLs, asked for in one session."""
    the_client = the_client or client()

    async def run():
        async with the_client:
            jobs = [the_client.get(url, sink or Memory(), max_mb, wanted) for url in urls]
            return list(await asyncio.gather(*jobs)) if at_once else [await job for job in jobs]

    return asyncio.run(run())


def failure(url, **changes):
    """Returns why an only attempt failed."""
    got, _ = get(url, client(retries=0, **changes))
    assert got.failure
    return got.failure
