"""Doing one thing for many images: a few at a time, in threads or for each of several hosts."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

MAX_LANES = 64
"""Of all hosts together; each holds at most one body in memory."""

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_threads(jobs: Iterable[Job], work: Callable[[Job], Result], width: int) -> Iterator[Result]:
    """Yields the results in the order of the jobs, `width` at a time; once it is left, no further job starts."""
    pool = ThreadPoolExecutor(width)
    try:
        yield from pool.map(work, jobs)
    finally:
        pool.shutdown(cancel_futures=True)


async def in_lanes(
    jobs: Mapping[str, Iterable[Job]],
    work: Callable[[Job], Awaitable[object]],
    settled: Callable[[Job], bool],
    width: int,
) -> None:
    """Works on several hosts' jobs at once; the first exception ends the whole.

    A host's jobs run in order and one by one until one of them is `settled`, then `width` at a time. So what a dead
    host costs, and which of its jobs pay for it, is the same in every run.
    """
    free = asyncio.Semaphore(MAX_LANES)

    async def lane(todo: Iterator, alone: bool) -> None:
        async with free:
            for job in todo:  # shared by all lanes of the host
                await work(job)
                if alone and settled(job):
                    alone = False
                    for _ in range(width - 1):
                        group.create_task(lane(todo, False))

    try:
        async with asyncio.TaskGroup() as group:
            for of_host in jobs.values():
                group.create_task(lane(iter(of_host), True))
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
