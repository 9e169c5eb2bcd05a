import gzip
import hashlib
import io
import re
import tarfile
import zipfile
from pathlib import Path

import fsspec
import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.fetch.mirror import MirrorError, drawings, open_mirror

PARAM = "datasets.mine.mirror"
BODIES = [bytes([i]) * 1000 for i in range(4)]
KEYS = [hashlib.md5(body).hexdigest() for body in BODIES]
FILES = {
    f"z/{KEYS[0]}.png": BODIES[0],
    f"a/b/{KEYS[1]}.jpg": BODIES[1],
    f"a/{KEYS[2].upper()}.JPEG": BODIES[2],
    "readme.txt": b"x",
    f"{KEYS[3]}0.jpg": b"x",
    f"x{KEYS[3]}": b"x",
    f".{KEYS[3]}.partial": b"x",
    f"{KEYS[3]}.jpg.part": b"x",
    f"{KEYS[3]}/notes.txt": b"x",
}


def write(folder, files):
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return str(folder)


def in_directory(folder):
    return write(folder / "images", FILES)


def in_zip(folder, name="images.zip", files=FILES):
    with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED if files is FILES else zipfile.ZIP_STORED) as archive:
        for member, body in files.items():
            archive.writestr(member, body)
    return str(folder / name)


def in_tar(folder, name="images.tar", mode="w"):
    with tarfile.open(folder / name, mode) as archive:
        for member, body in FILES.items():
            info = tarfile.TarInfo(f"./{member}")
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return str(folder / name)


def in_tar_gz(folder):
    return in_tar(folder, "images.tar.gz", "w:gz")


def in_memory(folder):
    fsspec.filesystem("memory").pipe({f"/images/{name}": body for name, body in FILES.items()})
    return "memory://images"


def zip_in_memory(folder):
    fsspec.filesystem("memory").pipe("/archives/images.zip", Path(in_zip(folder)).read_bytes())
    return "memory://archives/images.zip"


@pytest.fixture(autouse=True)
def forget():
    yield
    fsspec.filesystem("memory").store.clear()


def read(mirror, key, max_mb=1.0):
    (name,) = mirror.files[key]
    return mirror.read(name, max_mb)


@pytest.mark.parametrize("place", [in_directory, in_zip, in_tar, in_tar_gz, in_memory, zip_in_memory])
def test_images_are_found_by_name_at_any_depth(tmp_path, place):
    mirror = open_mirror(place(tmp_path), PARAM)
    assert {key: read(mirror, key) for key in mirror.files} == dict(zip(KEYS[:3], BODIES[:3], strict=True))
    assert read(mirror, KEYS[0], 0.001) == BODIES[0]
    with pytest.raises(MirrorError, match=r"larger than 0.000999 MB"):
        read(mirror, KEYS[0], 0.000999)


def test_a_compressed_archive_is_read_from_front_to_back(tmp_path):
    assert list(open_mirror(in_tar_gz(tmp_path), PARAM).files) == KEYS[:3]


def test_an_s3_bucket(monkeypatch):
    pytest.importorskip("s3fs")
    moto_server = pytest.importorskip("moto.server")
    moto = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    moto.start()
    try:
        host, port = moto.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "x")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        store = fsspec.filesystem("s3", skip_instance_cache=True)
        store.mkdir("bucket")
        store.pipe({f"bucket/images/{name}": body for name, body in FILES.items()})
        mirror = open_mirror("s3://bucket/images", PARAM)
        assert mirror.readers > 1
        assert {key: read(mirror, key) for key in mirror.files} == dict(zip(KEYS[:3], BODIES[:3], strict=True))
        with pytest.raises(PipelineError, match="s3://bucket/none: no such mirror"):
            open_mirror("s3://bucket/none", PARAM)
    finally:
        moto.stop()


def test_a_file_that_went_away_is_one_files_fault(tmp_path):
    mirror = open_mirror(in_directory(tmp_path), PARAM)
    (tmp_path / "images" / f"z/{KEYS[0]}.png").unlink()
    with pytest.raises(MirrorError, match=r"^No such file or directory$"):
        read(mirror, KEYS[0])
    assert read(mirror, KEYS[1]) == BODIES[1]


def test_several_files_may_have_one_name(tmp_path):
    names = [f"{KEYS[0]}.jpg", f"{KEYS[0]}.jpg.jpg", f"{KEYS[0]}.txt", f"thumbnails/{KEYS[0]}.jpg"]
    broken_off = [f"{KEYS[0]}.jpg.part", f"{KEYS[0]}.jpg.crdownload"]
    address = write(tmp_path, dict.fromkeys([*names, *broken_off], b"x"))
    assert open_mirror(address, PARAM).files == {KEYS[0]: [f"{address}/{name}" for name in names]}


def test_links_to_folders_are_followed_once(tmp_path):
    in_directory(tmp_path)
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror/all").symlink_to(tmp_path / "images")
    (tmp_path / "mirror/again").symlink_to(tmp_path / "images")
    (tmp_path / "images/loop").symlink_to(tmp_path / "mirror")
    (tmp_path / f"mirror/{KEYS[3]}.jpg").symlink_to(tmp_path / "gone")
    mirror = open_mirror(str(tmp_path / "mirror"), PARAM)
    assert read(mirror, KEYS[0]) == BODIES[0]
    assert len(mirror.files[KEYS[1]]) == 1
    with pytest.raises(MirrorError, match=r"^broken link$"):
        read(mirror, KEYS[3])


def test_a_zip_may_have_backslashes(tmp_path):
    mirror = open_mirror(in_zip(tmp_path, files={f"images\\a\\{KEYS[0]}.jpg": BODIES[0]}), PARAM)
    assert read(mirror, KEYS[0]) == BODIES[0]


def test_equal_faults_have_equal_reasons(tmp_path):
    files = {f"a/{key}.jpg": body for key, body in zip(KEYS, BODIES, strict=True)}
    content = Path(in_zip(tmp_path, files=files)).read_bytes()
    (tmp_path / "damaged.zip").write_bytes(content.replace(BODIES[0], b"?" * 1000).replace(BODIES[1], b"!" * 1000))
    locked = bytearray(content)
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        for found in re.finditer(mark, content):
            locked[found.start() + flags] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    for name, reason in (("damaged.zip", "BadZipFile: Bad CRC-32 for file <file>"), ("locked.zip", ".*by a password")):
        mirror = open_mirror(str(tmp_path / name), PARAM)
        for key in KEYS[:2]:
            with pytest.raises(MirrorError, match=f"^{reason}$"):
                read(mirror, key)


def test_drawings_are_a_source():
    assert read(drawings({KEYS[0]: b"a", KEYS[1]: b"b"}), KEYS[1]) == b"b"


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("nowhere", "nowhere: no such mirror"),
        ("empty", "empty: the mirror has no file named <md5hash>"),
        ("a.rar", "a.rar: the mirror is neither a directory nor"),
        ("broken.zip", r"broken.zip: the mirror cannot be opened \(BadZipFile"),
        ("broken.tar.gz", r"broken.tar.gz: the mirror cannot be opened \(ReadError"),
        ("warp://a/b", r"warp://a/b: the mirror cannot be opened \(ValueError"),
    ],
)
def test_a_mirror_that_is_none_is_named(tmp_path, monkeypatch, address, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.rar").write_bytes(b"x")
    (tmp_path / "broken.zip").write_bytes(b"x")
    (tmp_path / "broken.tar.gz").write_bytes(gzip.compress(b"x" * 10))
    with pytest.raises(PipelineError, match=message) as error:
        open_mirror(address, PARAM)
    assert "\n" not in str(error.value)
    assert str(error.value).endswith("correct datasets.mine.mirror or set it to null")
