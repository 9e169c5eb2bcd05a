import asyncio
import time

import pytest

from stages.lib.fetch import lanes
from stages.lib.fetch.lanes import in_lanes, in_threads


class Gauge:
    """Work that takes a moment and notes how many did it at once."""

    def __init__(self):
        self.now, self.most, self.begun = 0, 0, []

    async def __call__(self, job):
        self.begun.append(job)
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.002)
        self.now -= 1


def test_lanes_of_a_host_run_every_job_once_in_order_and_open_when_it_is_settled():
    for settled, most in ((True, 3), (False, 1)):
        work = Gauge()
        asyncio.run(in_lanes({"one": range(30)}, work, lambda job, settled=settled: settled, 3))
        assert (work.begun, work.most) == (list(range(30)), most)


def test_lanes_serve_more_hosts_than_work_at_a_time(monkeypatch):
    monkeypatch.setattr(lanes, "MAX_LANES", 3)
    work = Gauge()
    asyncio.run(in_lanes({str(h): [(h, i) for i in range(4)] for h in range(10)}, work, lambda job: True, 2))
    assert sorted(work.begun) == [(host, i) for host in range(10) for i in range(4)]
    assert work.most == 3


def test_lanes_pass_an_exception_on_and_stop():
    done = []

    async def work(job):
        await asyncio.sleep(0)
        if job == 3:
            raise OSError("disk full")
        done.append(job)

    with pytest.raises(OSError, match="disk full"):
        asyncio.run(in_lanes({"a": range(100_000)}, work, lambda job: False, 1))
    assert done == [0, 1, 2]


def test_no_jobs_no_results():
    asyncio.run(in_lanes({}, None, bool, 4))
    assert list(in_threads([], len, 4)) == []


def test_threads_keep_the_order_and_do_nothing_once_left():
    assert list(in_threads("abc", str.upper, 2)) == ["A", "B", "C"]
    begun = []

    def work(job):
        begun.append(job)
        time.sleep(0.002)

    results = in_threads(range(500), work, 2)
    next(results)
    results.close()
    n_begun = len(begun)
    time.sleep(0.02)
    assert len(begun) == n_begun < 500
