import hashlib
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import yaml

from stages import fetch
from stages.lib.core.errors import PipelineError
from stages.lib.fetch import body as body_module
from stages.lib.fetch import http
from stages.lib.fetch.embedded import Sample
from stages.lib.fetch.fetchlog import Fetched
from tests.faulty_server import SETTINGS, serving

ROOT = Path(__file__).parents[2]
BODIES = [f"image {i} ".encode() * 50 for i in range(6)]


def md5(body):
    return hashlib.md5(body).hexdigest()


KEYS = [md5(body) for body in BODIES]


class Site:
    """Serves `pages` (path: status and body) after `delay_s`."""

    def __init__(self, server):
        self.url, self.asked, self.delay_s = server.url, server.asked, 0.0
        self.pages = {f"/{i}.jpg": (200, body) for i, body in enumerate(BODIES)}
        server.default = self.answer

    def answer(self, handler, seen):
        time.sleep(self.delay_s)
        handler.answer(*self.pages.get(handler.path, (404, b"gone")))


@pytest.fixture
def site():
    with serving() as server:
        yield Site(server)


@pytest.fixture(autouse=True)
def workspace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(http, "BACKOFF_S", 0.01)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def write_catalog(urls, keys=KEYS):
    rows = [{"md5hash": k, "fitzpatrick_scale": 2, "label": "acne", "url": u} for k, u in zip(keys, urls, strict=False)]
    pd.DataFrame(rows).to_csv("catalog.csv", index=False)


def configure(settings=None, **dataset):
    content = yaml.safe_load((ROOT / "params.yaml").read_text())
    content["dataset"] = "mine"
    defaults = {"catalog": "catalog.csv", "sha256": None, "mirror": None, "weights": "random", "max_epochs": 1}
    content["datasets"]["mine"] = defaults | dataset
    content["fetch"] = SETTINGS | {"retries": 1, "read_timeout_s": 5.0, "max_image_mb": 0.1} | (settings or {})
    Path("params.yaml").write_text(yaml.safe_dump(content))


def table():
    return pd.read_csv("data/raw/mine/fetch.csv", dtype=str, keep_default_na=False)


def images():
    return sorted(path.name for path in Path("data/raw/mine/images").rglob("*") if path.is_file())


def snapshot():
    return {path: path.read_bytes() for path in Path("data/raw").rglob("*") if path.is_file()}


def test_every_kind_of_row(site, capsys):
    site.pages["/3.jpg"] = (200, b"<html>another")
    site.pages["/4.jpg"] = (200, bytes(200_000))
    write_catalog(
        [f"{site.url}/0.jpg", "", f"{site.url}/gone.jpg", f"{site.url}/3.jpg", f"{site.url}/4.jpg", "ftp://a/b"]
    )
    configure()
    fetch.main()
    got = table()
    assert ",".join(got.columns) == "md5hash,status,source,http_code,bytes,md5_seen,attempts,final_url,detail"
    assert list(got["md5hash"]) == KEYS
    assert list(got["status"]) == ["ok", "no_url", "fetch_failed", "md5_mismatch", "fetch_failed", "fetch_failed"]
    assert list(got["source"]) == ["url", "", "", "url", "", ""]
    assert list(got["http_code"]) == ["200", "", "404", "200", "200", ""]
    assert list(got["attempts"]) == ["1", "0", "1", "1", "1", "0"]
    assert got["md5_seen"][0] == KEYS[0]
    assert got["md5_seen"][3] == md5(b"<html>another")
    assert got["detail"][4] == "larger than 0.1 MB"
    assert images() == [KEYS[0]]
    assert Path(f"data/raw/mine/images/{KEYS[0][:2]}/{KEYS[0]}").read_bytes() == BODIES[0]
    assert Path(f"data/quarantine/mine/{KEYS[3]}").read_bytes() == b"<html>another"
    assert Path("data/raw/mine/catalog.csv").read_bytes() == Path("catalog.csv").read_bytes()
    said = capsys.readouterr()
    assert "1 ok, 1 no_url, 3 fetch_failed, 1 md5_mismatch of 6 images" in said.out
    assert "1 x HTTP 404" in said.out
    assert "dvc repro -f -s fetch" in said.out
    assert hashlib.sha256(Path("catalog.csv").read_bytes()).hexdigest() in said.err


def test_bodies_that_do_not_fit_into_memory_are_like_any_other(site, monkeypatch):
    monkeypatch.setattr(body_module, "SPILL_BYTES", 100)
    site.pages["/1.jpg"] = (200, b"<html>another" * 50)
    site.pages["/2.jpg"] = (200, BODIES[2][:-1], len(BODIES[2]))  # cut short
    site.pages["/3.jpg"] = (200, bytes(200_000))
    write_catalog([f"{site.url}/{i}.jpg" for i in range(4)])
    configure()
    fetch.main()
    assert list(table()["status"]) == ["ok", "md5_mismatch", "fetch_failed", "fetch_failed"]
    assert list(table()["detail"][2:]) == ["body cut short", "larger than 0.1 MB"]
    assert images() == [KEYS[0]]
    assert Path(f"data/raw/mine/images/{KEYS[0][:2]}/{KEYS[0]}").read_bytes() == BODIES[0]
    assert Path(f"data/quarantine/mine/{KEYS[1]}").read_bytes() == b"<html>another" * 50


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
    write_catalog([f"{site.url}/0.jpg"])
    Path(f"data/raw/mine/images/{KEYS[0][:2]}/.{KEYS[0]}.partial").write_bytes(b"half")
    Path("data/raw/mine/.fetch.csv.1.partial").write_bytes(b"half")
    fetch.main()
    assert sorted(path.name for path in Path("data/raw/mine").iterdir()) == ["catalog.csv", "fetch.csv", "images"]
    assert images() == [KEYS[0]]
    assert len(table()) == 1


def test_a_mirror_comes_before_urls(site, tmp_path):
    for name, body in [
        (f"a/b/{KEYS[0]}.jpg", BODIES[0]),
        (KEYS[1], BODIES[1]),
        (f"{KEYS[2]}.png", b"wrong"),
        (f"{KEYS[3]}.png", b"wrong"),
    ]:
        path = tmp_path / "mirror" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    write_catalog(["", f"{site.url}/1.jpg", f"{site.url}/2.jpg", f"{site.url}/gone.jpg"])
    configure(mirror="mirror")
    fetch.main()
    got = table()
    assert list(got["status"]) == ["ok", "ok", "ok", "md5_mismatch"]
    assert list(got["source"]) == ["mirror", "mirror", "url", "mirror"]
    assert got["detail"][3] == "the mirror's body is another: no image; its URL: HTTP 404"
    assert sorted(site.asked) == ["/2.jpg", "/gone.jpg"]


def test_a_dead_host_costs_one_request_and_the_same_one_in_every_run(site):
    write_catalog([f"http://www.x.invalid/{i}.jpg" for i in range(5)] + [f"{site.url}/5.jpg"])
    configure()
    fetch.main()
    got = table()
    assert list(got["attempts"]) == ["1", "0", "0", "0", "0", "1"]
    assert set(got["detail"][:5]) == {"host www.x.invalid does not resolve"}
    first = snapshot()
    fetch.main()
    assert snapshot() == first


def test_no_image_at_all_ends_with_one_line_and_a_readable_fetch_csv():
    write_catalog(["http://www.x.invalid/0.jpg", "", ""])
    configure()
    with pytest.raises(PipelineError, match=r"none of 3 images .*2 no_url, 1 fetch_failed.*datasets.mine.mirror"):
        fetch.main()
    assert list(table()["status"]) == ["fetch_failed", "no_url", "no_url"]


@pytest.mark.parametrize(
    ("content", "dataset", "message"),
    [
        (None, {}, "catalog.csv: the catalog cannot be read"),
        (b"<html>\n", {}, "not a CSV"),
        (b"\xff\xfe\x00", {}, "not a CSV"),
        (b"", {}, "not a CSV"),
        (b"md5hash,label,url\na,b,c\n", {}, "lacks the column fitzpatrick_scale"),
        (b"md5hash,fitzpatrick_scale,label,url\nxyz,1,acne,\n", {}, "xyz"),
        (b"a,b\n", {"sha256": "0" * 64}, f"{hashlib.sha256(b'a,b' + bytes([10])).hexdigest()}.*{'0' * 64}"),
        (b"", {"catalog": "file:///etc/passwd"}, "not file:"),
        (b"", {"catalog": "http://www.x.invalid/a.csv"}, "does not resolve"),
        (
            f"md5hash,fitzpatrick_scale,label,url\n{KEYS[0]},1,acne,\n".encode(),
            {"mirror": "nowhere"},
            "nowhere: no such",
        ),
    ],
)
def test_a_fault_in_the_request_leaves_the_disk_alone(content, dataset, message):
    if content is not None:
        Path("catalog.csv").write_bytes(content)
    configure(**dataset)
    with pytest.raises(PipelineError, match=message):
        fetch.main()
    assert not Path("data").exists()


def test_a_catalog_may_come_from_a_url_and_be_pinned(site, capsys):
    write_catalog([f"{site.url}/0.jpg"])
    content = Path("catalog.csv").read_bytes()
    site.pages["/catalog.csv"] = (200, content)
    configure(catalog=f"{site.url}/catalog.csv", sha256=hashlib.sha256(content).hexdigest())
    fetch.main()
    assert Path("data/raw/mine/catalog.csv").read_bytes() == content
    assert "pin" not in capsys.readouterr().err


def test_the_sample_needs_no_network(monkeypatch):
    rows = [{"md5hash": key, "fitzpatrick_scale": 1, "label": "acne", "url": "http://x.invalid/a"} for key in KEYS[:3]]
    rows[2]["url"] = None
    sample = Sample(pd.DataFrame(rows), {KEYS[0]: BODIES[0], KEYS[1]: b"changed"}, {})
    monkeypatch.setattr(fetch, "generate", lambda n_images: sample)
    monkeypatch.setattr(http.Client, "get", None)
    configure(catalog="sample")
    fetch.main()
    got = table()
    assert list(got["status"]) == ["ok", "md5_mismatch", "no_url"]
    assert list(got["source"]) == ["sample", "sample", ""]
    first = snapshot()
    fetch.main()
    assert snapshot() == first


def test_the_real_sample_is_fetched_whole():
    configure(catalog="sample")
    content = yaml.safe_load(Path("params.yaml").read_text())
    content["sample"]["images"] = 40
    Path("params.yaml").write_text(yaml.safe_dump(content))
    fetch.main()
    assert (table()["status"] == "ok").sum() >= 40


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


def test_other_bytes_may_be_kept_if_they_are_an_image(site, capsys):
    site.pages["/1.jpg"] = (200, b"\xff\xd8\xff another")
    site.pages["/2.jpg"] = (200, b"<html>not found")
    write_catalog([f"{site.url}/{i}.jpg" for i in range(3)])
    configure({"on_md5_mismatch": "keep"})
    fetch.main()
    got = table()
    assert list(got["status"]) == ["ok", "ok", "md5_mismatch"]
    assert list(got["detail"]) == [
        "",
        "the url's body is another: JPEG image, kept",
        "the url's body is another: HTML page",
    ]
    assert got["md5_seen"][1] == md5(b"\xff\xd8\xff another")
    assert images() == sorted(KEYS[:2])
    first = snapshot()
    site.asked.clear()
    fetch.main()
    assert snapshot() == first
    assert site.asked == ["/2.jpg"]
    configure({"on_md5_mismatch": "drop"})
    fetch.main()
    assert list(table()["status"]) == ["ok", "md5_mismatch", "md5_mismatch"]
    assert images() == [KEYS[0]]


def test_a_mirror_may_be_an_archive_and_its_faults_are_told(tmp_path):
    with zipfile.ZipFile("images.zip", "w") as archive:
        archive.writestr(f"f/{KEYS[0]}.jpg", BODIES[0])
        archive.writestr(f"f/{KEYS[1]}.jpg", bytes(200_000))
    write_catalog(["", "", ""])
    configure(mirror="images.zip")
    fetch.main()
    got = table()
    assert list(got["status"]) == ["ok", "fetch_failed", "no_url"]
    assert list(got["source"]) == ["mirror", "mirror", ""]
    assert got["detail"][1] == "the mirror: larger than 0.1 MB"


def test_the_summary_counts_by_host_and_reason():
    rows = [
        Fetched("a", "ok", "url", attempts=1),
        Fetched("b", "fetch_failed", http_code=404, attempts=1, detail="HTTP 404"),
        Fetched("c", "fetch_failed", detail="host b.de does not resolve", attempts=1),
        Fetched("d", "fetch_failed", detail="host b.de does not resolve"),
        Fetched("e", "no_url"),
    ]
    hosts = {"a": "http://a.de/1", "b": "http://a.de/2", "c": "http://b.de/3", "d": "http://b.de/4"}
    assert fetch.summary(rows, hosts, 7).splitlines() == [
        "fetch: 1 ok, 1 no_url, 3 fetch_failed of 7 images; 2 not reached",
        "  arrived: 1 from url",
        "  b.de: 2 (1 not asked for)",
        "    2 x host b.de does not resolve",
        "  a.de: 1",
        "    1 x HTTP 404",
        "  to try the failed ones again: dvc repro -f -s fetch",
    ]
