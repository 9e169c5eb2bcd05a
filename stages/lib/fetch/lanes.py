"""Working on several hosts' jobs at once, a few at a time for each."""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

MAX_THREADS = 64

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_lanes(
    jobs: Mapping[str, Iterable[Job]],
    work: Callable[[Job], Result],
    settled: Callable[[Job], bool],
    width: int,
    stop: threading.Event,
) -> Iterator[Result]:
    """Works on several hosts' jobs at once.

    A host's jobs run one by one until one of them is `settled`, then `width` at a time. So what a dead host
    costs, and which of its jobs pay for it, is the same in every run.

    Args:
        jobs: Each host's jobs, taken in order.
        work: Does one job. Its exception ends the whole.
        settled: Tells of a finished job whether its host's other lanes may open.
        width: Largest number of jobs of one host at a time.
        stop: Set when the iterator ends for any reason; no new job starts then.

    Yields:
        The results as they come.
    """
    todo = {host: deque(of_host) for host, of_host in jobs.items()}
    lanes: queue.SimpleQueue = queue.SimpleQueue()
    results: queue.SimpleQueue = queue.SimpleQueue()

    def run() -> None:
        while (lane := lanes.get()) is not None:
            host, alone = lane
            while not stop.is_set():
                try:
                    job = todo[host].popleft()
                except IndexError:
                    break
                try:
                    results.put((work(job), None))
                except BaseException as error:
                    stop.set()
                    results.put((None, error))
                    return
                if alone and settled(job):
                    alone = False
                    for _ in range(width - 1):
                        lanes.put((host, False))

    total = sum(map(len, todo.values()))
    for host in todo:
        lanes.put((host, True))
    # Daemons: Ctrl-C must not wait for a server that is slow to answer.
    n_threads = min(MAX_THREADS, width * len(todo), total)
    threads = [threading.Thread(target=run, daemon=True) for _ in range(n_threads)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(total):
            result, error = results.get()
            if error is not None:
                raise error
            yield result
    finally:
        stop.set()
        for _ in threads:
            lanes.put(None)
