"""What a run of fetch left behind, whole or killed, is kept and not asked for again."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from stages import fetch
from stages.lib.core.errors import PipelineError
from stages.lib.fetch import http
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
    Path(f"data/raw/mine/images/{KEYS[0][:2]}/{KEYS[0]}").write_bytes(b"rot")
    fetch.main()
    assert list(table()["status"]) == ["ok"] * 3
    assert images() == sorted(KEYS[:3])
    assert list(Path("data/quarantine/mine").iterdir()) == []


def test_images_that_the_catalog_no_longer_lists_go(site):
    write_catalog([f"{site.url}/{i}.jpg" for i in range(3)])
    configure()
    fetch.main()
    write_catalog([f"{site.url}/{i}.jpg" for i in range(2)])
    Path(f"data/raw/mine/images/{KEYS[0][:2]}/.{KEYS[0]}.partial").write_bytes(b"half")
    Path("data/raw/mine/.fetch.csv.1.partial").write_bytes(b"half")
    fetch.main()
    assert sorted(path.name for path in Path("data/raw/mine").iterdir()) == ["catalog.csv", "fetch.csv", "images"]
    assert images() == sorted(KEYS[:2])
    assert len(table()) == 2


def test_a_full_disk_leaves_whole_files_and_no_fetch_csv(site, monkeypatch):
    write_catalog([f"{site.url}/{i}.jpg" for i in range(6)])
    configure({"connections_per_host": 1})
    get = http.Client.get

    def break_on_the_third(self, url, sink, max_mb, whole):
        if url.endswith("/2.jpg"):
            sink.write(b"half")
            raise OSError(28, "No space left on device")
        return get(self, url, sink, max_mb, whole)

    with monkeypatch.context() as patch:
        patch.setattr(http.Client, "get", break_on_the_third)
        with pytest.raises(PipelineError, match=r"data/raw/mine: No space left on device; free space .*goes on where"):
            fetch.main()
    assert not Path("data/raw/mine/fetch.csv").exists()
    assert images() == sorted(KEYS[:2])
    fetch.main()
    assert sorted(site.asked) == sorted(f"/{i}.jpg" for i in range(6))
    assert list(table()["attempts"]) == ["1"] * 6


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
    whole = [name for name in images() if not name.startswith(".")]
    assert 0 < len(whole) < 60
    assert all(md5(next(Path("data/raw").rglob(name)).read_bytes()) == name for name in whole)
    assert not Path("data/raw/mine/fetch.csv").exists()
    n_asked, in_flight = len(site.asked), SETTINGS["connections_per_host"]
    site.delay_s = 0
    fetch.main()
    assert 60 <= len(site.asked) <= 60 + in_flight
    assert n_asked > in_flight
    resumed = table()
    assert list(resumed["status"]) == ["ok", "ok", "md5_mismatch", "fetch_failed"] * 15
    assert not Path("data/raw/mine/.fetch.journal").exists()
    (tmp_path / "undisturbed").mkdir()
    monkeypatch.chdir(tmp_path / "undisturbed")
    write_catalog([f"{site.url}/{i}.jpg" for i in range(60)], [md5(body) for body in bodies])
    configure()
    fetch.main()
    pd.testing.assert_frame_equal(table().drop(columns="attempts"), resumed.drop(columns="attempts"))


def test_a_body_is_adopted_only_if_the_journal_says_where_it_is_from(site):
    write_catalog([f"{site.url}/{i}.jpg" for i in range(2)])
    configure()
    fetch.main()
    first = snapshot()
    for i, key in enumerate(KEYS[:2]):
        image = Path(f"data/raw/mine/images/{key[:2]}/{key}")
        image.rename(image.with_name(f".{key}.partial"))
        assert first[image] == BODIES[i]
    lines = Path("data/raw/mine/fetch.csv").read_text().splitlines(keepends=True)
    Path("data/raw/mine/fetch.csv").write_text("".join(lines[:2]))  # knows the first alone
    site.asked.clear()
    fetch.main()
    assert site.asked == ["/1.jpg"]
    assert snapshot() == first


def test_what_a_power_failure_left_is_not_believed(site):
    write_catalog([f"{site.url}/{i}.jpg" for i in range(3)])
    configure()
    fetch.main()
    lost = Path(f"data/raw/mine/images/{KEYS[1][:2]}/{KEYS[1]}")
    lost.write_bytes(bytes(lost.stat().st_size))
    Path("data/raw/mine/fetch.csv").write_bytes(b"")
    Path("data/raw/mine/.fetch.journal").write_bytes(b'\0\0\0{"md5hash": "')
    site.asked.clear()
    fetch.main()
    assert site.asked == ["/1.jpg"]
    assert lost.read_bytes() == BODIES[1]
    assert list(table()["status"]) == ["ok"] * 3
