"""Publishing: a commit gets all of the report, and nothing that it no longer has."""

from pathlib import Path

import pytest

from stages import publish
from stages.lib.core.errors import PipelineError

FILES = {
    "data/report/report.md": "new",
    "data/report/MODEL_CARD.md": "card",
    "data/report/scores.json": "{}",
    "data/report/plots/model/curves.csv": "epoch",
    "metrics/paper.csv": "row",
    "metrics/report.md": "old",
    "metrics/plots/gone/curves.csv": "epoch",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tree(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_commit_holds_the_report_the_paper_and_no_row_that_is_gone(folder):
    publish.main()
    assert tree(folder / "metrics") == {
        "paper.csv": "row",
        "report.md": "new",
        "scores.json": "{}",
        "plots/model/curves.csv": "epoch",
    }
    assert (folder / "MODEL_CARD.md").read_text() == "card"


def test_without_a_report_nothing_is_touched(folder):
    (folder / "data/report").rename(folder / "elsewhere")
    before = tree(folder / "metrics")
    with pytest.raises(PipelineError, match=r"data/report: missing; .*dvc repro"):
        publish.main()
    assert tree(folder / "metrics") == before


def test_a_failure_half_way_leaves_no_half_file(folder, monkeypatch):
    def fail(source, target):
        target.write_text("ha")
        raise OSError("disk full")

    monkeypatch.setattr(publish.shutil, "copyfile", fail)
    with pytest.raises(OSError, match="disk full"):
        publish.main()
    assert (folder / "metrics/report.md").read_text() == "old" and not list(folder.rglob("*.partial"))
