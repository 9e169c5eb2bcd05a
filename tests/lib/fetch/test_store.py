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

BODY = b"a body"
KEY = hashlib.md5(BODY).hexdigest()


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = BodyStore("mine")
    with store.alone(print):
        yield store


def test_a_kept_body_is_found_by_its_md5(store):
    assert store.read(KEY) is None
    store.keep(KEY, BODY)
    assert store.read(KEY) == store.path(KEY).read_bytes() == BODY


def test_a_body_that_changed_is_none_and_is_removed(store):
    store.keep(KEY, BODY)
    store.path(KEY).write_bytes(b"rot")
    assert store.read(KEY) is None
    assert not store.path(KEY).exists()


def test_nothing_is_left_half_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    partial = BodyStore("mine").folder / "partial"
    partial.mkdir(parents=True)
    (partial / "0").write_bytes(b"of a run that was killed")
    with pytest.raises(OSError, match="disk full"), BodyStore("mine").alone(print):
        assert list(partial.iterdir()) == []
        (partial / "1").write_bytes(b"half")
        raise OSError("disk full")
    assert not partial.exists()


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
        store.keep(KEY, BODY)
        kept = store.path(KEY)
        assert kept == tmp_path / f".dvc/cache/files/md5/{KEY[:2]}/{KEY[2:]}"
        assert kept.stat().st_mode & stat.S_IWUSR  # DVC hashes it before it believes it
        inode = kept.stat().st_ino
        Path("a").write_bytes(BODY)
        subprocess.run([sys.executable, "-m", "dvc", "add", "-q", "a"], check=True)
        assert kept.stat().st_ino == inode
        assert not kept.stat().st_mode & stat.S_IWUSR
        store.keep(KEY, BODY)  # again, over a protected file
        assert store.read(KEY) == BODY


def test_the_cache_may_be_elsewhere(tmp_path, monkeypatch):
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    repository(tmp_path / "project")
    config = configparser.ConfigParser()
    config["cache"] = {"dir": str(tmp_path / "shared"), "shared": "group"}
    with Path(".dvc/config.local").open("w") as file:  # as in the checkout of a queued experiment
        config.write(file)
    store = BodyStore("mine")
    with store.alone(print):
        store.keep(KEY, BODY)
    assert store.path(KEY) == tmp_path / f"shared/files/md5/{KEY[:2]}/{KEY[2:]}"
    for path in (store.path(KEY), store.path(KEY).parent, store.folder.parent):  # others of the group may write there
        assert path.stat().st_mode & stat.S_IWGRP
    assert store.folder.is_relative_to(tmp_path / "shared/fetch/mine")
