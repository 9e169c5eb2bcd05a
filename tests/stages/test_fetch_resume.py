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
from stages.lib.fetch.body import Body
from tests.faulty_server import SETTINGS
from tests.stages.fetch_site import BODIES, KEYS, ROOT, configure, images, md5, snapshot, table, write_catalog

pytestmark = pytest.mark.usefixtures("workspace")


def test_a_second_run_asks_for_nothing_and_writes_the_same(site):
    write_catalog([f"{site.url}/{i}.jpg" for i in range(6)])
    configure()
    fetch.main()
    first = snapshot()
    assert len(first) == 8
    assert sorted(site.asked) == sorted(f"/{i}.jpg" for i in range(6))
    fetch.main()
    assert snapshot() == first
    assert len(site.asked) == 6


def test_failures_are_tried_again_and_a_rotten_file_is_replaced(site):
    write_catalog([f"{site.url}/{i}.jpg" for i in range(3)])
    configure()
    site.pages["/1.jpg"] = (404, b"")
    site.pages["/2.jpg"] = (200, b"other")
    fetch.main()
    site.pages |= {"/1.jpg": (200, BODIES[1]), "/2.jpg": (200, BODIES[2])}
    next(Path("data/cache").rglob(KEYS[0][2:])).write_bytes(b"rot")
    fetch.main()
    assert list(table()["status"]) == ["ok"] * 3
    assert images() == sorted(KEYS[:3])
    assert site.asked.count("/0.jpg") == 2
    assert list(Path("data/quarantine/mine").iterdir()) == []


def test_the_outputs_are_the_catalogs_and_nothing_else(site):
    write_catalog([f"{site.url}/{i}.jpg" for i in range(3)])
    configure()
    fetch.main()
    first = snapshot()
    Path(f"data/raw/images/{KEYS[0][:2]}/{KEYS[0]}").write_bytes(b"changed by hand")
    Path("data/raw/images/zz").mkdir()
    Path("data/raw/.fetch.csv.1.partial").write_bytes(b"half")
    Path("data/raw/.images.1.partial").mkdir()
    fetch.main()
    assert snapshot() == first
    write_catalog([f"{site.url}/{i}.jpg" for i in range(2)])
    fetch.main()
    assert images() == sorted(KEYS[:2])
    assert len(table()) == 2
    assert sorted(path.name for path in Path("data/raw").iterdir()) == ["catalog.csv", "fetch.csv", "images"]
    assert len(site.asked) == 3


def test_outputs_that_are_deleted_are_written_again_from_what_arrived(site):
    write_catalog([f"{site.url}/{i}.jpg" for i in range(6)])
    configure()
    fetch.main()
    first = snapshot()
    shutil.rmtree("data/raw")
    fetch.main()
    assert snapshot() == first
    assert len(site.asked) == 6


def test_a_body_that_another_dataset_left_is_not_asked_for(site):
    write_catalog([f"{site.url}/{i}.jpg" for i in range(3)])
    configure()
    fetch.main()
    shutil.rmtree("data/cache/fetch")
    site.asked.clear()
    fetch.main()
    assert list(table()["source"]) == ["cache"] * 3
    assert site.asked == []


def test_a_full_disk_leaves_whole_files_and_no_fetch_csv(site, monkeypatch):
    write_catalog([f"{site.url}/{i}.jpg" for i in range(6)])
    configure({"connections_per_host": 1})
    write = Body.write

    def break_on_the_third(self, chunk):
        if chunk == BODIES[2]:
            raise OSError(28, "No space left on device")
        write(self, chunk)

    with monkeypatch.context() as patch:
        patch.setattr(Body, "write", break_on_the_third)
        with pytest.raises(PipelineError, match=r"data/cache: No space left on device; free some space: .*goes on"):
            fetch.main()
    assert not Path("data/raw").exists()
    fetch.main()
    assert sorted(site.asked) == sorted([f"/{i}.jpg" for i in range(6)] + ["/2.jpg"])
    assert list(table()["attempts"]) == ["1"] * 6


def test_a_full_disk_at_the_end_is_told_too(site, monkeypatch):
    write_catalog([f"{site.url}/{i}.jpg" for i in range(2)])
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
    write_catalog([f"{site.url}/{i}.jpg" for i in range(60)], [md5(body) for body in bodies])
    configure()
    site.delay_s = 0.2
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "stages.fetch"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
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
    write_catalog([f"{site.url}/{i}.jpg" for i in range(60)], [md5(body) for body in bodies])
    configure()
    fetch.main()
    pd.testing.assert_frame_equal(table().drop(columns="attempts"), resumed.drop(columns="attempts"))


def test_what_a_power_failure_left_is_not_believed(site):
    write_catalog([f"{site.url}/{i}.jpg" for i in range(3)])
    configure()
    fetch.main()
    first = snapshot()
    lost = next(Path("data/cache").rglob(KEYS[1][2:]))
    lost.write_bytes(bytes(lost.stat().st_size))
    log = next(Path("data/cache/fetch/mine").rglob("log.jsonl"))
    log.write_bytes(log.read_bytes() + b'\0\0\0{"md5hash": "')
    site.asked.clear()
    fetch.main()
    assert site.asked == ["/1.jpg"]
    assert snapshot() == first
