"""A project with this one's params.yaml and files, whose three stages take a moment: for what is about DVC and Git."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.experiments import SCORES

ROOT = Path(__file__).parents[1]
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "PYTHONPATH": str(ROOT),
    "GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.invalid",
    "GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.invalid",
}  # fmt: skip

STAGES = """
import json, shutil, sys
from pathlib import Path

import yaml

params = yaml.safe_load(Path("params.yaml").read_text())
if sys.argv[1] == "train":
    model = Path("models/model")
    model.mkdir(parents=True, exist_ok=True)
    if params["model"]["dropout"] == 0.9:
        sys.exit("error: this training fails")
    (model / "weights").write_text(f"{params['model']['dropout']} {params['seed']} {params['split']['fold']}")
elif sys.argv[1] == "evaluate":
    dropout, seed, fold = Path("models/model/weights").read_text().split()
    accuracy = round(0.9 - float(dropout) + int(seed) / 1000 + (0 if fold == "None" else int(fold)) / 100, 6)
    scores = dict.fromkeys(SCORES, accuracy / 4) | {"accuracy": accuracy, "f1_weighted": accuracy / 2}
    scores["loss"] = 1 - accuracy
    found = Path("data/evaluations/model")
    found.mkdir(parents=True, exist_ok=True)
    validation = {name: {"value": value, "low": value - 0.05, "high": value + 0.05} for name, value in scores.items()}
    (found / "assessment.json").write_text(json.dumps({"validation": validation}))
    loss = "model,{},validation,loss,{}\\n"
    curves = "row,epoch,split,metric,value\\n" + loss.format(0, 2.0) + loss.format(1, 1 - accuracy)
    (found / "curves.csv").write_text(curves)
    test = {"accuracy": accuracy - 0.1, "f1_macro": 0.1}
    (found / "scores.json").write_text(json.dumps({"val": scores, "test": test}))
else:
    found, plots = Path("data/evaluations/model"), Path("metrics/plots/model")
    plots.mkdir(parents=True, exist_ok=True)
    shutil.copy(found / "assessment.json", plots)
    shutil.copy(found / "curves.csv", "metrics/plots")
    scores = json.loads((found / "scores.json").read_text())
    Path("metrics/scores.json").write_text(json.dumps({"model": scores}))
    accuracy = scores["val"]["accuracy"]
    Path("metrics/report.md").write_text(f"# Results\\n\\naccuracy {accuracy}\\n")
"""
PIPELINE = """
stages:
  train:
    cmd: python small.py train
    deps: [small.py]
    params: [seed, split, model]
    outs: [models/model]
  evaluate:
    cmd: python small.py evaluate
    deps: [small.py, models/model]
    outs: [data/evaluations/model]
  publish:
    cmd: python small.py publish
    deps: [small.py, data/evaluations]
    outs:
      - metrics/plots: {cache: false}
      - metrics/report.md: {cache: false}
    metrics:
      - metrics/scores.json: {cache: false}
"""


def run(folder: Path, *command: str, fails: bool = False, **environment: str) -> str:
    """What a command prints; it has to succeed, or to fail if that is what it should."""
    done = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT | environment, capture_output=True, text=True, timeout=120
    )
    output = done.stdout + done.stderr
    assert (done.returncode != 0) == fails, output[-4000:]
    return output


def make(folder: Path) -> Path:
    """Makes the project in a folder: a Git repository on branch main, reproduced and committed."""
    folder.mkdir()
    for name in ("params.yaml", ".ci/check-lock", ".dvc/config", ".dvc/.gitignore", ".dvcignore", ".gitignore"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in ("data", "models"):
        (folder / name).mkdir()
        shutil.copy(ROOT / name / ".gitignore", folder / name)
    (folder / "small.py").write_text(f"SCORES = {list(SCORES)}\n{STAGES}")
    (folder / "dvc.yaml").write_text(PIPELINE)
    run(folder, "git", "init", "-q", "-b", "main")
    commit(folder, "start")
    run(folder, "dvc", "repro", "-q")
    commit(folder, "results")
    return folder


def commit(folder: Path, message: str) -> None:
    run(folder, "git", "add", "-A")
    run(folder, "git", "commit", "-qm", message)


def change(folder: Path, old: str, new: str) -> None:
    """Replaces the first occurrence of a text in params.yaml."""
    text = (folder / "params.yaml").read_text()
    assert old in text
    (folder / "params.yaml").write_text(text.replace(old, new, 1))
