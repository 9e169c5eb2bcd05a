"""A DVC remote carries data and models to another checkout: a directory, and S3 as moto plays it on loopback."""

import re
from pathlib import Path

import pytest

from tests.small_project import run


def elsewhere(project: Path, tmp_path: Path) -> Path:
    """A clone with an empty cache of its own."""
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "-q", str(project), str(clone))
    return clone


def assert_all_is_there_and_nothing_runs(clone: Path, project: Path, **environment: str) -> None:
    assert not (clone / "models/model").exists()
    run(clone, "dvc", "pull", "-q", **environment)
    assert (clone / "models/model/weights").read_bytes() == (project / "models/model/weights").read_bytes()
    assert "up to date" in run(clone, "dvc", "status")
    repro = run(clone, "dvc", "repro")
    assert "Running stage" not in repro and "up to date" in repro
    assert run(clone, "git", "status", "--porcelain") == ""


def test_a_directory(project, tmp_path):
    run(project, "dvc", "remote", "add", "-q", "-d", "storage", str(tmp_path / "storage"))
    run(project, "git", "commit", "-qam", "remote")
    run(project, "dvc", "push", "-q")
    assert_all_is_there_and_nothing_runs(elsewhere(project, tmp_path), project)


def test_s3(project, tmp_path, monkeypatch):
    boto3, moto_server = pytest.importorskip("boto3"), pytest.importorskip("moto.server")
    credentials = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        url = "http://{}:{}".format(*server.get_host_and_port())
        for name, value in credentials.items():
            monkeypatch.setenv(name, value)
        boto3.client("s3", endpoint_url=url).create_bucket(Bucket="pipeline")
        run(project, "dvc", "remote", "add", "-q", "-d", "storage", "s3://pipeline/cache")
        run(project, "dvc", "remote", "modify", "storage", "endpointurl", url)
        run(project, "git", "commit", "-qam", "remote")
        run(project, "dvc", "push", "-q", **credentials)
        assert_all_is_there_and_nothing_runs(elsewhere(project, tmp_path), project, **credentials)
    finally:
        server.stop()


def test_without_cache_and_remote_the_stages_run_again_to_the_same_lock(project, tmp_path):
    clone = elsewhere(project, tmp_path)
    # the gate needs no data, and what needs it says which file is missing
    assert "agree with code and params" in run(clone, ".ci/check-lock")
    said = run(clone, "dvc", "pull", fails=True)
    assert "No remote provided" in said or "no remote" in said
    assert "agree with code and params" in run(clone, ".ci/check-lock")  # the pull has left empty folders behind
    assert "Running stage 'train'" in run(clone, "dvc", "repro")
    assert run(clone, "git", "status", "--porcelain") == ""


def test_an_experiment_is_pushed_pulled_and_promoted_with_a_diff_of_its_change_alone(project, tmp_path):
    run(project, "dvc", "remote", "add", "-q", "-d", "storage", str(tmp_path / "storage"))
    run(project, "git", "commit", "-qam", "remote")
    run(tmp_path, "git", "clone", "-q", "--bare", str(project), "origin.git")
    run(project, "git", "remote", "add", "origin", str(tmp_path / "origin.git"))
    run(project, "dvc", "exp", "run", "-q", "--temp", "--name", "winner", "-S", "model.dropout=0.3")
    run(project, "dvc", "exp", "push", "-q", "origin", "winner")

    clone = elsewhere(tmp_path / "origin.git", tmp_path)
    run(clone, "dvc", "exp", "pull", "-q", "origin", "winner")
    run(clone, "dvc", "exp", "apply", "-q", "winner")
    diff = run(clone, "git", "diff", "-U0", "params.yaml").splitlines()
    assert [line for line in diff if re.match(r"[-+] ", line)] == ["-  dropout: 0.5", "+  dropout: 0.3"]
    assert "Running stage" not in run(clone, "dvc", "repro")
