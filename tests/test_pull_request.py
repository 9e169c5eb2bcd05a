"""What reviewers are told: on a small project with a branch, and a server on loopback that takes the comment."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from tests import small_github
from tests.small_project import ROOT, change, commit, run
from tools import pull_request

REPORT = (sys.executable, "-m", "tools.pull_request")


@pytest.fixture(scope="module")
def branch(small_original, tmp_path_factory) -> Path:
    """A branch that turns dropout up, with the figures that follow from it."""
    folder = shutil.copytree(small_original, tmp_path_factory.mktemp("pull") / "project", symlinks=True)
    run(folder, "git", "checkout", "-q", "-b", "more-dropout")
    change(folder, "  dropout: 0.5", "  dropout: 0.6")
    run(folder, "dvc", "repro", "-q")
    commit(folder, "more dropout")
    return Path(folder)


def test_a_branch_is_reported_with_params_scores_curves_tables_and_what_fell(branch, tmp_path):
    output = tmp_path / "report.md"
    said = run(branch, *REPORT, "main", "--output", str(output))
    report = output.read_text()
    assert report.startswith("## Against `main` (")
    assert "| `model.dropout` | 0.5 | 0.6 |" in report
    assert "| model | 0.442 → 0.342 (-0.100) | 0.221 → 0.171 (-0.050) |" in report
    assert "  line [2.0, 0.558]\n  line [2.0, 0.658]\n```" in report
    assert "accuracy 0.342\n\n</details>" in report
    fell = (
        "model: accuracy on validation images fell from 0.442 to 0.342, below the 95 % interval that the base gives "
        "for it, 0.392 to 0.492"
    )
    assert f"> **{fell}**" in report and f"warning: {fell}" in said
    assert said.count("warning: ") == 2  # loss too; the F1 scores stay within their intervals
    assert "stale" not in report


def test_without_a_change_it_says_so(project):
    report = run(project, *REPORT, "main", "--name", "trunk")
    assert report.startswith("## Against `trunk` (")
    assert "No param changes." in report and "No score changes." in report
    assert "WARNING" not in report and "mermaid" not in report


@pytest.mark.parametrize("base", ["nowhere", "--output=x"])
def test_an_unknown_base_is_named_with_what_to_do(project, base):
    said = run(project, *REPORT, "--", base, fails=True)
    assert f"BASE={base}: no such branch" in said and "git fetch origin" in said and said.count("\n") == 1


def test_the_workflows_script_reports_comments_and_fails_where_the_lock_is_stale(branch, tmp_path):
    folder = Path(shutil.copytree(branch, tmp_path / "project", symlinks=True))
    shutil.copy(ROOT / ".ci/pull-request", folder / ".ci")
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "requirements.lock").touch()
    (folder / ".venv").mkdir()
    (folder / ".venv/.complete").touch()  # PATH has an environment already
    for package in ("stages", "tools"):  # as in a checkout: make lets no PYTHONPATH through
        (folder / package).symlink_to(ROOT / package)
    actions = {
        "BASE": "main",
        "BASE_NAME": "main",
        "NUMBER": "7",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }
    with small_github.serving() as github:
        said = run(folder, "bash", ".ci/pull-request", **actions, **github.environment)
        assert "::warning title=Pipeline::model: accuracy on validation images fell" in said and "posted" in said
        summary = (tmp_path / "summary.md").read_text()
        assert "> **model: accuracy on validation images fell" in summary
        assert github.comments[0]["body"].endswith(summary)

        change(folder, "  dropout: 0.6", "  dropout: 0.7")
        said = run(folder, "bash", ".ci/pull-request", **actions, **github.environment, fails=True)
        assert "dvc.lock or a file under metrics/ is stale" in said and "updated" in said
        assert len(github.comments) == 1
        assert "> [!CAUTION]" in github.comments[0]["body"] and "Stale: train" in github.comments[0]["body"]


def test_the_workflow_gives_the_script_what_it_reads_and_runs_for_forks_without_secrets():
    workflow = yaml.safe_load((ROOT / ".github/workflows/pull-request.yaml").read_text())
    assert workflow[True] == "pull_request"  # `on`; with pull_request_target a fork's code would hold our token
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    (step,) = [step for step in workflow["jobs"]["report"]["steps"] if "run" in step]
    assert step["run"] == "bash .ci/pull-request"
    assert set(step["env"]) == {"BASE", "BASE_NAME", "NUMBER", "GITHUB_TOKEN"}
    assert "secrets." not in str(step)


def test_workflows_run_actions_of_one_commit_and_leave_no_token_on_the_disk():
    for path in (ROOT / ".github/workflows").glob("*.yaml"):
        workflow = yaml.safe_load(path.read_text())
        assert "pull_request_target" not in str(workflow[True]) and "permissions" in workflow
        used = [step for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"]) for step in used), path
        assert [step["with"]["persist-credentials"] for step in used if "/checkout@" in step["uses"]] == [False]


def scores(**validation: float) -> dict:
    return {"model": {"val": validation, "test": {"accuracy": 0.0, "f1_macro": 0.0}}}


def test_a_fall_is_one_that_leaves_the_interval_on_the_worse_side(project, monkeypatch):
    monkeypatch.chdir(project)
    assert pull_request.falls("main", scores(accuracy=0.393, loss=0.607)) == []
    assert pull_request.falls("main", scores(accuracy=0.9, loss=0.1)) == []
    (only,) = pull_request.falls("main", scores(accuracy=0.391))
    assert only.startswith("model: accuracy on validation images fell from 0.442 to 0.391, below")
    (only,) = pull_request.falls("main", scores(loss=0.609))
    assert only.startswith("model: log loss on validation images rose from 0.558 to 0.609, above")


def test_a_shorter_curve_is_as_long_as_the_axis(project, monkeypatch):
    monkeypatch.chdir(project)
    write_losses(3.0, 2.0, 1.5, 1.75)
    chart = pull_request.curves("main", "model")
    assert "(base, then here; flat after its last epoch)" in chart and 'x-axis "epoch" 0 --> 3' in chart
    assert "  line [2.0, 0.558, 0.558, 0.558]\n  line [3.0, 2.0, 1.5, 1.75]" in chart
    commit(project, "four epochs")
    write_losses(1.0)
    assert "  line [1.0, 1.0, 1.0, 1.0]" in pull_request.curves("HEAD", "model")
    commit(project, "one epoch")
    write_losses(2.0)
    assert pull_request.curves("HEAD", "model") == ""


def write_losses(*values: float) -> None:
    lines = [f"model,{epoch},validation,loss,{value}\n" for epoch, value in enumerate(values)]
    others = "model,0,training,loss,9.0\nvgg16,0,validation,loss,9.0\n"
    Path("metrics/plots/curves.csv").write_text("row,epoch,split,metric,value\n" + others + "".join(lines))


def test_test_scores_stand_beside_those_of_validation_and_warn_of_nothing(project, monkeypatch):
    monkeypatch.chdir(project)
    before = {"model": {"val": {"accuracy": 0.5}, "test": {"accuracy": 0.5}}, "same": {}, "old": {"val": {}}}
    now = {"model": {"val": {"accuracy": 0.5}, "test": {"accuracy": 0.1}}, "same": {}, "new": {"val": {"loss": 2.0}}}
    report = pull_request.markdown("main", "main", {}, before, now, "", [])
    head = "| row | val: accuracy | val: weighted F1 | val: macro F1 | val: log loss | test: accuracy | test: macro F1"
    assert head in report and pull_request.falls("main", {"model": {"val": {"accuracy": 0.5}, "test": {}}}) == []
    assert "| model | 0.500 | gone | gone | gone | 0.500 → 0.100 (-0.400) | gone |" in report
    assert "| new | gone | gone | gone | 2.000 | gone | gone |" in report and "| old | gone " in report
    assert "| same |" not in report


def test_a_base_without_intervals_is_not_judged(project, monkeypatch):
    monkeypatch.chdir(project)
    assert pull_request.falls("main~1", scores(accuracy=0.0)) == []
    path = project / "metrics/plots/model/assessment.json"
    assessment = json.loads(path.read_text())
    assessment["validation"]["accuracy"] |= {"low": None, "high": None}
    path.write_text(json.dumps(assessment))
    commit(project, "one group only: no interval")
    assert pull_request.falls("HEAD", scores(accuracy=0.0)) == []


def test_values_of_a_branch_are_not_taken_for_markup(project, monkeypatch):
    monkeypatch.chdir(project)
    params = {"fetch.contact": {"old": None, "new": "@everyone|<img src=x>`a`\n# b"}}
    report = pull_request.markdown("main", "0123456789", params, {}, {}, "", [])
    (line,) = [line for line in report.splitlines() if "fetch.contact" in line]
    assert line.count("|") == 4 and "@" not in line and "<" not in line and line.count("`") == 2


def test_another_number_format_of_the_features_is_said(project, monkeypatch):
    monkeypatch.chdir(project)
    path = Path("metrics/plots/model/assessment.json")
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"features_precision": "float32"}))
    commit(project, "in float32")
    assert pull_request.other_precision("main") == ""
    path.write_text(json.dumps(content | {"features_precision": "bfloat16"}))
    assert pull_request.other_precision("main").startswith("Features are in bfloat16 here and in float32 at the base")
