"""Bodies are filed in DVC's cache by their MD5, whole or not at all."""

import configparser
import hashlib
import multiprocessing
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from stages.lib.fetch.store import BodyStore


def md5(body):
    return hashlib.md5(body).hexdigest()


BODY = b"a body"
KEY = md5(BODY)


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = BodyStore("mine")
    with store.alone(print):
        yield store


def put(store, content=BODY):
    with store.receiving() as body:
        body.write(content)
        store.keep(body)


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "lock")


def test_a_kept_body_is_found_by_its_md5(store):
    assert store.size(KEY) is None
    put(store)
    assert (store.size(KEY), store.start(KEY), store.path(KEY).read_bytes()) == (len(BODY), BODY, BODY)


def test_a_body_that_changed_is_none_and_is_removed(store):
    put(store)
    store.path(KEY).write_bytes(b"rot")
    assert store.size(KEY) is None
    assert not store.path(KEY).exists()


@pytest.mark.parametrize("save", [False, True])
def test_nothing_is_left_of_what_broke_off(store, tmp_path, save):
    with pytest.raises(OSError, match="disk full"), store.receiving() as body:
        body.write(b"half")
        if save:
            body.save()
        raise OSError("disk full")
    assert files(tmp_path) == []


def test_what_a_killed_run_left_half_written_goes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        with BodyStore("mine").alone(print):
            assert files(tmp_path) == []
            (BodyStore("mine").folder / "partial" / "0").write_bytes(b"half")


def wait_for_turn(folder, said):
    os.chdir(folder)
    with BodyStore("mine").alone(said.put):
        said.put("in")


def test_one_run_at_a_time_fetches_a_dataset(store, tmp_path):
    context = multiprocessing.get_context("spawn")
    said = context.Queue()
    other = context.Process(target=wait_for_turn, args=(tmp_path, said))
    other.start()
    assert said.get(timeout=30) == "fetch: another run is fetching mine; waiting for its end"
    assert said.empty()
    other.kill()
    other.join()


def repository(folder):
    for command in (["git", "init", "-q"], [sys.executable, "-m", "dvc", "init", "-q"]):
        subprocess.run(command, cwd=folder, check=True)


def test_dvc_finds_what_was_kept_where_it_files_it_itself(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    repository(tmp_path)
    store = BodyStore("mine")
    with store.alone(print):
        put(store)
    kept = store.path(KEY)
    assert kept == tmp_path / f".dvc/cache/files/md5/{KEY[:2]}/{KEY[2:]}"
    assert kept.stat().st_mode & stat.S_IWUSR  # DVC hashes it before it believes it
    inode = kept.stat().st_ino
    Path("a").write_bytes(BODY)
    subprocess.run([sys.executable, "-m", "dvc", "add", "-q", "a"], check=True)
    assert kept.stat().st_ino == inode
    assert not kept.stat().st_mode & stat.S_IWUSR
    put(store)  # again, over a protected file
    assert store.size(KEY) == len(BODY)


def test_the_cache_may_be_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    repository(tmp_path / "project")
    config = configparser.ConfigParser()
    config["cache"] = {"dir": str(tmp_path / "shared")}
    with Path(".dvc/config.local").open("w") as file:  # as in the checkout of a queued experiment
        config.write(file)
    store = BodyStore("mine")
    with store.alone(print):
        put(store)
    assert store.path(KEY) == tmp_path / f"shared/files/md5/{KEY[:2]}/{KEY[2:]}"
    assert store.folder == tmp_path / "shared/fetch/mine"
