"""What arrives is stored if it is the catalog's image, and of every row fetch says what became of it."""

import hashlib
from pathlib import Path

import pytest
import yaml

from stages import fetch
from stages.lib.core.errors import PipelineError
from stages.lib.fetch.records import Fetched
from stages.lib.fetch.summary import summary
from tests.stages.fetch_site import BODIES, KEYS, ROOT, configure, images, md5, snapshot, table, write_catalog

pytestmark = pytest.mark.usefixtures("workspace")


def test_every_kind_of_row(site, capsys):
    site.pages |= {"/3.jpg": (200, b"<html>another"), "/4.jpg": (200, bytes(200_000))}
    urls = site.urls(5)
    write_catalog([urls[0], "", f"{site.url}/gone.jpg", *urls[3:], "ftp://a/b"])
    configure()
    fetch.main()
    got = table()
    assert ",".join(got.columns) == "md5hash,status,source,http_code,bytes,md5_seen,attempts,final_url,detail"
    assert list(got["md5hash"]) == KEYS
    assert list(got["status"]) == ["ok", "no_url", "fetch_failed", "md5_mismatch", "fetch_failed", "fetch_failed"]
    assert list(got["source"]) == ["url", "", "", "url", "", ""]
    assert list(got["http_code"]) == ["200", "", "404", "200", "200", ""]
    assert list(got["attempts"]) == ["1", "0", "1", "1", "1", "0"]
    assert list(got["md5_seen"]) == [KEYS[0], "", "", md5(b"<html>another"), "", ""]
    assert got["detail"][4] == "larger than 0.1 MB"
    assert images() == [KEYS[0]]
    assert Path(f"data/raw/images/{KEYS[0][:2]}/{KEYS[0]}").read_bytes() == BODIES[0]
    assert Path(f"data/quarantine/mine/{KEYS[3]}").read_bytes() == b"<html>another"
    assert Path("data/raw/catalog.csv").read_bytes() == Path("catalog.csv").read_bytes()
    said = capsys.readouterr()
    for part in ("1 ok, 1 no_url, 3 fetch_failed, 1 md5_mismatch of 6", "1 x HTTP 404", "dvc repro -f -s fetch"):
        assert part in said.out
    assert hashlib.sha256(Path("catalog.csv").read_bytes()).hexdigest() in said.err


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


def test_other_bytes_may_be_kept_if_they_are_an_image(site):
    site.pages |= {"/1.jpg": (200, b"\xff\xd8\xff another"), "/2.jpg": (200, b"<html>not found")}
    write_catalog(site.urls(3))
    configure({"on_md5_mismatch": "keep"})
    fetch.main()
    got = table()
    assert list(got["status"]) == ["ok", "ok", "md5_mismatch"]
    of_others = ["the url's body is another: JPEG image, kept", "the url's body is another: HTML page"]
    assert list(got["detail"]) == ["", *of_others]
    assert got["md5_seen"][1] == md5(b"\xff\xd8\xff another")
    assert images() == sorted(KEYS[:2])
    first = snapshot()
    configure({"on_md5_mismatch": "drop"})
    fetch.main()
    assert list(table()["status"]) == ["ok", "md5_mismatch", "md5_mismatch"]
    assert images() == [KEYS[0]]
    configure({"on_md5_mismatch": "keep"})
    for _ in range(2):  # what was put aside, and then what was kept, is there: it is not asked for again
        site.asked.clear()
        fetch.main()
        assert snapshot() == first
        assert site.asked == ["/2.jpg"]


def test_one_picture_for_several_rows_is_kept_for_none(site, capsys):
    site.pages |= {f"/{i}.jpg": (200, b"\xff\xd8\xff image not available") for i in (0, 2, 3)}
    own = b"\xff\xd8\xff of one row, and served for another"
    site.pages |= {"/4.jpg": (200, b"\xff\xd8\xff re-encoded"), "/5.jpg": (200, own)}
    keys = [*KEYS[:5], md5(own), KEYS[5]]
    write_catalog([*site.urls(6), f"{site.url}/5.jpg"], keys)
    configure({"on_md5_mismatch": "keep"})
    for _ in range(2):
        fetch.main()
        got = table()
        assert list(got["status"]) == ["md5_mismatch", "ok", *["md5_mismatch"] * 2, "ok", "ok", "md5_mismatch"]
        assert set(got["detail"][[0, 2, 3, 6]]) == {"the url's body is one picture for several rows"}
        assert images() == sorted([keys[1], keys[4], keys[5]])
    assert "4 x the url's body is one picture for several rows" in capsys.readouterr().out


def test_the_summary_counts_by_host_and_reason():
    rows = [
        Fetched("a", "ok", "url", attempts=1),
        Fetched("b", "fetch_failed", http_code=404, attempts=1, detail="HTTP 404"),
        Fetched("c", "fetch_failed", detail="host b.de does not resolve", attempts=1),
        Fetched("d", "fetch_failed", detail="host b.de does not resolve"),
        Fetched("e", "no_url"),
    ]
    hosts = {"a": "http://a.de/1", "b": "http://a.de/2", "c": "http://b.de/3", "d": "http://b.de/4"}
    assert summary(rows, hosts, 7).splitlines() == [
        "fetch: 1 ok, 1 no_url, 3 fetch_failed of 7 images; 2 not reached",
        "  arrived: 1 from url",
        "  b.de: 2 (1 not asked for)",
        "    2 x host b.de does not resolve",
        "  a.de: 1",
        "    1 x HTTP 404",
        "  to try the failed ones again: dvc repro -f -s fetch",
    ]


def test_no_name_of_a_dataset_is_in_the_path_of_an_output():
    # DVC deletes outputs before any of our code has seen the name, which may be empty or `..`
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert "${" not in str(stages["fetch"]["outs"])
    for name in ("", "..", "a/b"):
        configure()
        Path("params.yaml").write_text(Path("params.yaml").read_text().replace("dataset: mine", f"dataset: '{name}'"))
        with pytest.raises(PipelineError, match=f"dataset '{name}' is not among datasets"):
            fetch.main()
