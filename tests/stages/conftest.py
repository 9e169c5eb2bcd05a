"""What the modules of tests of one stage start from: fetch, validate, report."""

import shutil
from pathlib import Path

import pytest
import yaml

from bench import synthetic
from stages import preprocess, validate
from stages.lib.core.params import load_params
from stages.lib.core.sections import Preprocess, Validate
from tests.faulty_server import serving
from tests.stages.fetch_site import Site
from tests.stages.report_run import CLASSES, ROOT
from tests.stages.validate_project import Project


@pytest.fixture
def site():
    """A site whose pages a test of fetch may change."""
    with serving() as server:
        yield Site(server)


@pytest.fixture
def workspace(tmp_path, monkeypatch):
    """An empty folder for fetch to work in, without proxies and long waits."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("stages.lib.fetch.http.BACKOFF_S", 0.01)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def project(tmp_path, monkeypatch):
    """What validate works on, for one test to fill."""
    made, params = Project(tmp_path), load_params()
    of_tensors = Preprocess(image_size_px=75, max_pixels=10_000)
    for stage in (preprocess, validate):
        monkeypatch.setattr(
            stage,
            "load_params",
            lambda: params.model_copy(
                update={"dataset": "sample", "preprocess": of_tensors, "validate_": Validate(**made.rules)}
            ),
        )
    monkeypatch.chdir(tmp_path)
    return made


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """Everything that the stage reads, for a few rows, made once."""
    root = tmp_path_factory.mktemp("results")
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["dataset"] = "sample"
    kept = ("lenet-4", "vgg16", "inceptionv3-type")
    params["tables"] = {name: params["tables"][name] for name in kept}
    params["explain"]["rows"] = {"lenet": "lenet-4", "vgg16": "vgg16"}
    params["evaluate"]["bootstrap_samples"] = 200
    (root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    (root / "metrics").mkdir()
    shutil.copy(ROOT / "metrics/paper.csv", root / "metrics")
    manifest = synthetic.write_catalog(root, CLASSES, 1200)
    synthetic.write_results(root, load_params(root / "params.yaml"), manifest)
    return root


@pytest.fixture
def inputs(results, tmp_path, monkeypatch):
    """A copy of the results to work in, and a function that changes params.yaml there."""
    shutil.copytree(results, tmp_path, dirs_exist_ok=True)
    params = yaml.safe_load((tmp_path / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)

    def change(function):
        function(params)
        Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))

    return change
