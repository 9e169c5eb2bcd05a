import threading
import time

import pytest

from stages.lib.fetch import lanes
from stages.lib.fetch.lanes import in_lanes


class Gauge:
    """Work that takes a moment and notes how many did it at once."""

    def __init__(self):
        self.now, self.most, self.lock = 0, 0, threading.Lock()

    def __call__(self, job):
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        time.sleep(0.002)
        with self.lock:
            self.now -= 1
        return job


def test_lanes_run_every_job_once_and_no_more_than_width_at_a_time():
    work = Gauge()
    got = list(in_lanes({"one": range(60)}, work, lambda job: True, 3, threading.Event()))
    assert sorted(got) == list(range(60))
    assert 1 < work.most <= 3


def test_lanes_of_a_host_open_only_when_it_is_settled():
    work = Gauge()
    assert list(in_lanes({"a": range(20)}, work, lambda job: False, 8, threading.Event())) == list(range(20))
    assert work.most == 1


def test_lanes_serve_more_hosts_than_there_are_threads(monkeypatch):
    monkeypatch.setattr(lanes, "MAX_THREADS", 3)
    jobs = {str(host): [(host, i) for i in range(4)] for host in range(10)}
    got = list(in_lanes(jobs, lambda job: job, lambda job: True, 2, threading.Event()))
    assert sorted(got) == [(host, i) for host in range(10) for i in range(4)]


def test_lanes_pass_an_exception_on_and_stop():
    done, stop = [], threading.Event()

    def work(job):
        if job == 3:
            raise OSError("disk full")
        done.append(job)

    with pytest.raises(OSError, match="disk full"):
        list(in_lanes({"a": range(100_000)}, work, lambda job: False, 1, stop))
    assert stop.is_set()
    assert len(done) < 100_000


def test_no_jobs_no_results():
    assert list(in_lanes({}, len, bool, 4, threading.Event())) == []
