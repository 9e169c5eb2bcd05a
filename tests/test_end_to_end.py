"""The real `dvc repro`, on a tiny sample in a Git repository of its own: what a newcomer and an experimenter do."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from stages.lib.scoring.metrics import shown
from tests.contract import Checkout
from tests.contract_files import AUDIT, undeclared_files, undeclared_openings

ROOT = Path(__file__).parents[1]
PARTS = (
    "stages",
    ".dvc/config",
    ".dvc/.gitignore",
    ".dvc/plots",
    ".dvcignore",
    ".gitignore",
    "dvc.yaml",
    "metrics/paper.csv",
)
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.invalid",
    "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.invalid",
}  # fmt: skip


def run(folder: Path, *command: str, fails: bool = False, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT | environment, capture_output=True, text=True, timeout=500
    )
    output = done.stdout + done.stderr
    assert (done.returncode != 0) == fails, output[-4000:]
    return output


def tiny_params() -> dict:
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["sample"]["images"] = 60
    params["datasets"]["sample"]["max_epochs"] = 2
    params["preprocess"]["image_size_px"] = params["model"]["image_size_px"] = 96
    params["tables"] = {"lenet-1": params["tables"]["lenet-1"] | {"image_size_px": 64}}
    params["explain"]["rows"] = {"lenet": "lenet-1"}
    return params


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A committed checkout with the tiny sample, reproduced once."""
    folder = tmp_path_factory.mktemp("checkout")
    for part in PARTS:
        (folder / part).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, folder / part)
    for name in ("data", "models"):
        (folder / name).mkdir()
        shutil.copy(ROOT / name / ".gitignore", folder / name)
    (folder / "params.yaml").write_text(yaml.safe_dump(tiny_params(), sort_keys=False))
    run(folder, "git", "init", "-q")
    run(folder, "git", "add", "-A")
    run(folder, "git", "commit", "-qm", "start")
    audit = tmp_path_factory.mktemp("audit")
    (audit / "sitecustomize.py").write_text(AUDIT)
    run(folder, "dvc", "repro", PYTHONPATH=str(audit), OPENED_LOG=str(folder / ".git/opened"))
    run(folder, "git", "add", "-A")
    run(folder, "git", "commit", "-qm", "results")
    return folder


def stages_run(output: str) -> set[str]:
    return {line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")}


def test_every_row_has_scores_and_the_report_shows_them(checkout):
    report = (checkout / "metrics/report.md").read_text()
    of_rows = json.loads((checkout / "metrics/scores.json").read_text())
    assert set(of_rows) == {"lenet-1", "model"}
    for row, scores in of_rows.items():
        predictions = pd.read_csv(checkout / f"data/evaluations/{row}/predictions.csv")
        for split in ("val", "test"):
            assert set(scores[split]) == set(shown(split))
            of_split = predictions[predictions["split"] == split]
            right = (of_split["label"] == of_split["predicted"]).mean()
            assert right == pytest.approx(scores[split]["accuracy"], abs=1e-6)
        assert f"{scores['test']['accuracy']:.3f}" in report


def test_splits_are_disjoint_and_cover_what_was_kept(checkout):
    splits = pd.read_csv(checkout / "data/splits.csv")
    manifest = pd.read_csv(checkout / "data/manifest.csv")
    dropped = pd.read_csv(checkout / "data/dropped.csv")
    catalog = pd.read_csv(checkout / "data/raw/catalog.csv")
    assert set(splits["md5hash"]) == set(manifest["md5hash"]) and splits["md5hash"].is_unique
    assert len(manifest) + len(dropped) == len(catalog)
    assert splits.groupby("group")["split"].nunique().max() == 1
    predictions = pd.read_csv(checkout / "data/evaluations/model/predictions.csv")
    for split in ("val", "test"):
        predicted = predictions.loc[predictions["split"] == split, "md5hash"]
        assert set(predicted) == set(splits.loc[splits["split"] == split, "md5hash"])


def test_a_second_repro_runs_nothing(checkout):
    output = run(checkout, "dvc", "repro")
    assert not stages_run(output) and "up to date" in output


def test_every_file_is_declared(checkout):
    assert undeclared_files(Checkout(checkout)) == []


def test_stages_open_what_they_declare_and_nothing_else(checkout):
    log = (checkout / ".git/opened").read_text()
    assert undeclared_openings(Checkout(checkout), log) == []
    assert "python -m stages.train --row model\tdata/splits.csv" in log.splitlines()
    (fault,) = undeclared_openings(Checkout(checkout), log + "python -m stages.train --row model\tdata/split.json\n")
    assert fault == "train@model: opens data/split.json, which is in neither deps nor outs"


def test_a_training_can_be_followed_in_another_terminal(checkout):
    path = "models/model/live/metrics.json"
    shown = json.loads(run(checkout, "dvc", "metrics", "show", path, "--json"))
    live = shown[""]["data"][path]["data"]
    assert live["step"] >= 0 and {"train", "eval"} <= set(live)


def test_an_edit_makes_stale_what_depends_on_it_and_nothing_else(checkout):
    def edit(path: str) -> set[str]:
        with (checkout / path).open("a") as file:
            file.write("# a comment\n")
        stale = json.loads(run(checkout, "dvc", "status", "--json"))
        run(checkout, "git", "checkout", "-q", path)
        return set(stale)

    assert edit("params.yaml") == set()
    assert edit("stages/lib/split/folds.py") == {"split"}
    assert edit("stages/lib/explain/gradcam.py") == {"explain@lenet"}


def test_an_experiment_reruns_one_row_and_its_repetition_only_publishes(checkout):
    change = ("dvc", "exp", "run", "-S", "model.dropout=0.4")
    assert stages_run(run(checkout, *change)) == {"train@model", "evaluate@model", "report", "publish"}
    config = json.loads((checkout / "models/model/model.json").read_text())
    assert config["row"]["dropout"] == 0.4
    changed = json.loads(run(checkout, "dvc", "metrics", "diff", "--json"))
    assert list(changed) == ["metrics/scores.json"]
    assert changed["metrics/scores.json"] and all(key.startswith("model.") for key in changed["metrics/scores.json"])
    run(checkout, "git", "checkout", "-q", ".")
    run(checkout, "dvc", "checkout", "-q")
    # DVC has all that was made; what belongs into Git is copied from there
    assert stages_run(run(checkout, *change)) == {"publish"}
    run(checkout, "git", "checkout", "-q", ".")
    run(checkout, "dvc", "checkout", "-q")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("model.architecture=vgg16", "-S model.input=data/features/vgg16"),
        ("model.dropout=1.5", "model.dropout: Input should be less than 1 (got 1.5)"),
        ("datasets.sample.catalog=missing.csv", "missing.csv"),
        ("backbones.vgg16.weights=nowhere", "nowhere/vgg16.weights.h5"),
    ],
)
def test_a_wrong_change_ends_with_one_line_and_keeps_the_results(checkout, change, line):
    before = (checkout / "metrics/report.md").read_bytes()
    output = run(checkout, "dvc", "exp", "run", "-S", change, fails=True)
    errors = [text for text in output.splitlines() if text.startswith("error: ")]
    assert len(errors) == 1 and line in errors[0]
    assert "Traceback" not in output
    assert (checkout / "metrics/report.md").read_bytes() == before
    run(checkout, "git", "checkout", "-q", ".")
    run(checkout, "dvc", "checkout", "-q")


def test_the_same_commit_gives_the_same_bytes_on_any_machine(checkout, tmp_path):
    """All stages again: on one core, in a folder with blanks, with other projects' settings, from a warm process."""
    again, home = tmp_path / "Ann's old projects" / "copy of it", tmp_path / "home"
    run(tmp_path, "git", "clone", "-q", str(checkout), str(again))
    (home / ".keras").mkdir(parents=True)
    settings = {"floatx": "float16", "epsilon": 0.1, "backend": "torch", "image_data_format": "channels_first"}
    (home / ".keras/keras.json").write_text(json.dumps(settings))
    (home / ".config/matplotlib").mkdir(parents=True)
    (home / ".config/matplotlib/matplotlibrc").write_text("font.size: 20\nfigure.dpi: 50\naxes.facecolor: red\n")
    other_machine = {
        "HOME": str(home), "TMPDIR": str(tmp_path / "not there"), "TZ": "Asia/Kathmandu",
        "LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONHASHSEED": "7", "PYTHONOPTIMIZE": "1",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline", "KERAS_BACKEND": "torch", "KERAS_MAX_EPOCHS": "1",
        "TF_ENABLE_ONEDNN_OPTS": "0", "TF_USE_LEGACY_KERAS": "1", "XLA_FLAGS": "--nonsense",
        "OPENBLAS_CORETYPE": "Nehalem", "OPENCV_IO_MAX_IMAGE_PIXELS": "100", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    command = (sys.executable, "-m", "tools.warm", "dvc", "repro", "--force", "report")
    cores = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(cores)})  # what is started inherits it
        run(again, *command, **other_machine)
    finally:
        os.sched_setaffinity(0, cores)
    assert (again / "dvc.lock").read_text() == (checkout / "dvc.lock").read_text()
