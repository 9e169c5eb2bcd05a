"""Where fetch takes catalog and images from: files, URLs, mirrors before them, and the sample."""

import hashlib
import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest
import yaml

from stages import fetch
from stages.lib.core.errors import PipelineError
from stages.lib.fetch import http
from stages.lib.sample.catalog import Sample
from tests.stages.fetch_site import BODIES, KEYS, configure, mirror_of, snapshot, table, write_catalog

pytestmark = pytest.mark.usefixtures("workspace")


def test_a_mirror_comes_before_urls(site):
    mirror_of({f"a/b/{KEYS[0]}.jpg": BODIES[0], KEYS[1]: BODIES[1]})
    mirror_of({f"{key}.png": b"wrong" for key in KEYS[2:4]})
    write_catalog(["", f"{site.url}/1.jpg", f"{site.url}/2.jpg", f"{site.url}/gone.jpg"])
    configure(mirror="mirror")
    fetch.main()
    got = table()
    assert list(got["status"]) == ["ok", "ok", "ok", "md5_mismatch"]
    assert list(got["source"]) == ["mirror", "mirror", "url", "mirror"]
    assert got["detail"][3] == "the mirror's body is another: no image; its URL: HTTP 404"
    assert sorted(site.asked) == ["/2.jpg", "/gone.jpg"]


def test_a_mirror_may_be_an_archive_and_its_faults_are_told():
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


def test_of_several_files_of_one_name_the_one_with_the_md5_is_taken_or_else_the_largest_image():
    full = b"\xff\xd8\xff the picture in full size, encoded again"
    others = {"{}.txt": b"a label " * 99, "a/{}.jpg": b"\xff\xd8\xff small", "b/{}.jpg": full, "c/{}.jpg": b"damaged"}
    mirror_of({name.format(key): body for key in KEYS[:3] for name, body in others.items()})
    mirror_of({f"d/{KEYS[0]}.jpg.jpg": BODIES[0], f"{KEYS[1]}.jpg": BODIES[1]})
    write_catalog(["", "", ""])
    for policy, status in (("drop", "md5_mismatch"), ("keep", "ok")):
        configure({"on_md5_mismatch": policy}, mirror="mirror")
        fetch.main()
        assert list(table()["status"]) == ["ok", "ok", status]
        assert table()["bytes"][2] == str(len(full))


def test_a_mirror_without_any_md5_of_its_names_is_said_to_be_re_encoded(site, capsys):
    mirror_of({f"{key}.jpg": b"\xff\xd8\xff again " + key.encode() for key in KEYS[:2]})
    write_catalog(["", f"{site.url}/1.jpg"])
    configure(mirror="mirror")
    fetch.main()
    said = capsys.readouterr().out
    assert "it seems re-encoded; to take it as it is, add `-S fetch.on_md5_mismatch=keep`" in said
    shutil.rmtree("data")
    write_catalog(["", ""])
    with pytest.raises(PipelineError, match=r"none of 2 images arrived.*seems re-encoded.*on_md5_mismatch=keep"):
        fetch.main()
    configure({"on_md5_mismatch": "keep"}, mirror="mirror")
    capsys.readouterr()
    fetch.main()
    assert list(table()["status"]) == ["ok", "ok"]
    mirror_of({f"{key}.jpg": b"no image at all" for key in KEYS[:2]})
    shutil.rmtree("data")
    with pytest.raises(PipelineError, match=r"set datasets\.mine\.mirror"):
        fetch.main()
    assert "re-encoded" not in capsys.readouterr().out


def test_equal_faults_of_a_mirror_are_one_line(capsys):
    mirror_of({f"{KEYS[2]}.jpg": BODIES[2]})
    for key in KEYS[:2]:
        Path(f"mirror/{key}.jpg").symlink_to("nowhere")
    write_catalog(["", "", ""])
    configure(mirror="mirror")
    fetch.main()
    assert list(table()["detail"]) == ["the mirror: broken link"] * 2 + [""]
    assert "2 x the mirror: broken link" in capsys.readouterr().out


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
            f"md5hash,fitzpatrick_scale,label,url\n{KEYS[0]},1,acne,\n{KEYS[1]},1,eczema,\n".encode(),
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
    write_catalog([f"{site.url}/{i}.jpg" for i in range(2)])
    content = Path("catalog.csv").read_bytes()
    site.pages["/catalog.csv"] = (200, content)
    configure(catalog=f"{site.url}/catalog.csv", sha256=hashlib.sha256(content).hexdigest())
    fetch.main()
    assert Path("data/raw/catalog.csv").read_bytes() == content
    assert "pin" not in capsys.readouterr().err


def test_the_sample_needs_no_network(monkeypatch):
    rows = [{"md5hash": key, "fitzpatrick_scale": 1, "label": "acne", "url": "http://x.invalid/a"} for key in KEYS[:3]]
    rows[2] |= {"url": None, "label": "eczema"}
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
