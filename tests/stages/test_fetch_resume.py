"""What a run of fetch left behind, whole or killed, is kept and not asked for again."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from stages import fetch
from stages.lib.core.errors import PipelineError
from stages.lib.fetch.store import BodyStore
from tests.faulty_server import SETTINGS
from tests.stages.fetch_site import BODIES, KEYS, ROOT, configure, images, md5, snapshot, table, write_catalog

pytestmark = pytest.mark.usefixtures("workspace")


@pytest.fixture
def arrived(site):
    """What a run left whose images all arrived."""
    write_catalog(site.urls(6))
    configure()
    fetch.main()
    assert sorted(site.asked) == sorted(f"/{i}.jpg" for i in range(6))
    site.asked.clear()
    return snapshot()


@pytest.mark.parametrize("lost", [None, "data/raw", "data/raw/images", "data/raw/fetch.csv"])
def test_a_second_run_asks_for_nothing_and_writes_the_same(site, arrived, lost):
    if lost is not None:
        shutil.rmtree(lost) if Path(lost).is_dir() else Path(lost).unlink()
    fetch.main()
    assert snapshot() == arrived
    assert len(arrived) == 8
    assert site.asked == []


def test_a_rotten_file_is_fetched_again_whatever_the_log_says(site, arrived):
    next(Path("data/cache").rglob(KEYS[0][2:])).write_bytes(b"rot")
    lost = next(Path("data/cache").rglob(KEYS[1][2:]))
    lost.write_bytes(bytes(lost.stat().st_size))  # as a power failure leaves it
    log = next(Path("data/cache/fetch/mine").rglob("log.jsonl"))
    log.write_bytes(log.read_bytes() + b'\0\0\0{"row": {"md5hash": "')
    fetch.main()
    assert sorted(site.asked) == ["/0.jpg", "/1.jpg"]
    assert snapshot() == arrived


def test_failures_are_tried_again(site):
    write_catalog(site.urls(3))
    configure()
    site.pages |= {"/1.jpg": (404, b""), "/2.jpg": (200, b"other")}
    fetch.main()
    assert list(table()["status"]) == ["ok", "fetch_failed", "md5_mismatch"]
    site.pages |= {"/1.jpg": (200, BODIES[1]), "/2.jpg": (200, BODIES[2])}
    fetch.main()
    assert list(table()["status"]) == ["ok"] * 3
    assert images() == sorted(KEYS[:3])
    assert site.asked.count("/0.jpg") == 1
    assert list(Path("data/quarantine/mine").iterdir()) == []


def test_the_outputs_are_the_catalogs_and_nothing_else(site, arrived):
    Path(f"data/raw/images/{KEYS[0][:2]}/{KEYS[0]}").write_bytes(b"changed by hand")
    Path("data/raw/images/zz").mkdir()
    Path("data/raw/.fetch.csv.1.partial").write_bytes(b"half")
    Path("data/raw/.images.1.partial").mkdir()
    fetch.main()
    assert snapshot() == arrived
    write_catalog(site.urls(2))
    fetch.main()
    assert images() == sorted(KEYS[:2])
    assert len(table()) == 2
    assert sorted(path.name for path in Path("data/raw").iterdir()) == ["catalog.csv", "fetch.csv", "images"]
    assert site.asked == []


def test_a_body_that_another_dataset_left_is_not_asked_for(site, arrived):
    shutil.rmtree("data/cache/fetch")
    fetch.main()
    assert list(table()["source"]) == ["cache"] * 6
    assert site.asked == []


def test_a_full_disk_leaves_whole_files_and_no_fetch_csv(site, monkeypatch):
    write_catalog(site.urls(6))
    configure({"connections_per_host": 1})
    keep = BodyStore.keep

    def break_on_the_third(self, md5, body):
        if body == BODIES[2]:
            raise OSError(28, "No space left on device")
        keep(self, md5, body)

    with monkeypatch.context() as patch:
        patch.setattr(BodyStore, "keep", break_on_the_third)
        with pytest.raises(PipelineError, match=r"data/cache: No space left on device; free some space: .*goes on"):
            fetch.main()
    assert not Path("data/raw").exists()
    fetch.main()
    assert sorted(site.asked) == sorted([f"/{i}.jpg" for i in range(6)] + ["/2.jpg"])
    assert list(table()["attempts"]) == ["1"] * 6


def test_a_full_disk_at_the_end_is_told_too(site, monkeypatch):
    write_catalog(site.urls(2))
    configure()

    def full(source, target):
        raise OSError(28, "No space left on device", str(source), None, str(target))

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", full)
        with pytest.raises(PipelineError, match=r"^data/raw/.*: No space left on device; free some space"):
            fetch.main()
    fetch.main()
    assert sorted(site.asked) == ["/0.jpg", "/1.jpg"]


@pytest.mark.parametrize(("kill", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130)])
def test_a_killed_run_is_resumed_and_asks_for_nothing_twice(site, kill, code, tmp_path, monkeypatch):
    bodies = [f"body {i}".encode() * 1000 for i in range(60)]
    # every fourth page is gone and every fourth is another image
    site.pages = {f"/{i}.jpg": (200, body + b"x" * (i % 4 == 2)) for i, body in enumerate(bodies) if i % 4 != 3}
    write_catalog(site.urls(60), [md5(body) for body in bodies])
    configure()
    site.delay_s = 0.2
    command, environment = [sys.executable, "-m", "stages.fetch"], os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while len(site.asked) < 14 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(kill)
    said, cried = process.communicate(timeout=2)
    assert process.returncode == code
    if kill == signal.SIGINT:
        assert " of 60 images; " in said
        assert "not reached" in said
        assert "interrupted: what arrived is kept, and the same command goes on" in cried
    time.sleep(2 * site.delay_s)  # requests in flight
    whole = [path for path in Path("data/cache/files/md5").rglob("*") if path.is_file()]
    assert 0 < len(whole) < 60
    assert all(md5(path.read_bytes()) == path.parent.name + path.name for path in whole)
    assert not Path("data/raw").exists()
    n_asked, in_flight = len(site.asked), SETTINGS["connections_per_host"]
    site.delay_s = 0
    fetch.main()
    assert 60 <= len(site.asked) <= 60 + in_flight
    assert n_asked > in_flight
    resumed = table()
    assert list(resumed["status"]) == ["ok", "ok", "md5_mismatch", "fetch_failed"] * 15
    (tmp_path / "undisturbed").mkdir()
    monkeypatch.chdir(tmp_path / "undisturbed")
    write_catalog(site.urls(60), [md5(body) for body in bodies])
    configure()
    fetch.main()
    pd.testing.assert_frame_equal(table().drop(columns="attempts"), resumed.drop(columns="attempts"))
