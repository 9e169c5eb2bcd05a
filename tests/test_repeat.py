"""Seeds and folds in one command, on a small project: each repetition an experiment of its own, made once."""

import sys

from tests.small_project import change, run
from tools import repeat

REPEAT = (sys.executable, "-m", "tools.repeat")


def rows(output: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith("|")]


def test_seeds_are_run_once_with_mean_and_spread_and_the_workspace_stays(project):
    command = (*REPEAT, "seeds", "--count", "2", "-S", "model.dropout=0.2")
    first = run(project, *command)
    # accuracy is 0.9 - 0.2 + seed / 1000
    assert "| seed=1 | 0.701 | 0.350 |" in first
    assert "| mean ± sd of 2 | 0.702 ± 0.001 |" in first
    assert run(project, "git", "status", "--porcelain") == ""
    made = run(project, "git", "for-each-ref", "refs/exps")
    assert made.count("/model-seed-") == 2
    assert rows(run(project, *command)) == rows(first)
    assert run(project, "git", "for-each-ref", "refs/exps") == made


def test_the_mean_and_the_sample_standard_deviation_are_of_all_repetitions():
    scores = {f"split.fold={n}": dict.fromkeys(repeat.SCORES, value) for n, value in enumerate((0.1, 0.2, 0.6))}
    lines = repeat.table(scores).splitlines()
    assert lines[2] == "| split.fold=0 |" + " 0.100 |" * len(repeat.SCORES)
    assert lines[-1] == "| mean ± sd of 3 |" + " 0.300 ± 0.265 |" * len(repeat.SCORES)


def test_folds_are_those_of_params(project, monkeypatch, capsys):
    monkeypatch.chdir(project)
    asked, scores = [], dict.fromkeys(repeat.SCORES, 0.5)
    monkeypatch.setattr(sys, "argv", ["repeat", "folds", "-S", "model.dropout=0.2"])
    monkeypatch.setattr(repeat, "repetition", lambda *what: asked.append(what) or {"val": scores})
    repeat.main()
    assert asked == [("model", ["model.dropout=0.2", f"split.fold={fold}"]) for fold in range(5)]
    assert "| mean ± sd of 5 | 0.500 ± 0.000 |" in capsys.readouterr().out


def test_what_a_stage_said_is_passed_on_in_one_line(project):
    said = run(project, *REPEAT, "seeds", "-S", "model.dropout=0.9", fails=True)
    (line,) = [line for line in said.splitlines() if line.startswith("error: ")]
    assert "-S model.dropout=0.9 -S seed=1 evaluate`" in line and line.endswith("error: this training fails")


def test_wrong_uses_end_before_anything_runs(project):
    assert "no row 'tables.nothing'" in run(project, *REPEAT, "folds", "--row", "tables.nothing", fails=True)
    change(project, "dropout: 0.5", "dropout: 0.6")
    assert "there are uncommitted changes" in run(project, *REPEAT, "folds", fails=True)
