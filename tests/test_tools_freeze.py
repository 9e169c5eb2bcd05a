"""A frozen catalog: what was dealt stays, what was not is left to deal, and all else is as it was."""

import io
import shutil
import sys

import pandas as pd
import pytest
import yaml

from stages.lib.core.errors import PipelineError
from tests.small_project import ROOT, run
from tools.freeze import frozen

CATALOG = "md5hash,label,note,partition\n1,a,007,test\n2,a,,\n3,b,NA,train\n"
SPLITS = "md5hash,group,split,fold\n3,g,val,0\n1,h,train,1\n"


@pytest.fixture
def project(tmp_path):
    """A folder with a catalog of its own that was dealt."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text())
    params["dataset"] = "fitzpatrick17k"
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    (tmp_path / "data/raw").mkdir(parents=True)
    (tmp_path / "data/raw/catalog.csv").write_text(CATALOG)
    (tmp_path / "data/splits.csv").write_text(SPLITS)

    def freeze(change=lambda params: None, fails=False):
        change(params)
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
        return run(tmp_path, sys.executable, "-m", "tools.freeze", "catalogs/mine.csv", fails=fails)

    return tmp_path, freeze


def test_the_split_goes_into_the_catalog_and_nothing_else_changes():
    text, placed, rows = frozen(CATALOG, SPLITS)
    table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    assert table["partition"].tolist() == ["train", "", "val"]
    assert table["note"].tolist() == ["007", "", "NA"]
    assert (placed, rows) == (2, 3)


def test_a_split_of_another_catalog_is_refused():
    with pytest.raises(PipelineError, match="4 is not in the catalog"):
        frozen(CATALOG, SPLITS + "4,g,val,0\n")


def test_the_file_is_written_and_what_to_run_is_said(project):
    folder, freeze = project
    said = freeze()
    assert "2 of 3 rows are placed" in said and "-S datasets.fitzpatrick17k.catalog=catalogs/mine.csv" in said
    assert (folder / "catalogs/mine.csv").read_text().startswith("md5hash,label,note,partition\n1,a,007,train\n")


def test_what_cannot_be_frozen_is_said_in_a_line(project):
    folder, freeze = project
    said = freeze(lambda params: params["split"].update(fold=2), fails=True)
    assert "is that of fold 2" in said and said.count("\n") == 1
    said = freeze(lambda params: params.update(dataset="sample"), fails=True)
    assert "there is nothing to freeze" in said and said.count("\n") == 1
    shutil.rmtree(folder / "data/raw")
    said = freeze(
        lambda params: params.update(dataset="fitzpatrick17k", split=params["split"] | {"fold": None}), fails=True
    )
    assert "catalog.csv: missing" in said and said.count("\n") == 1
    assert not (folder / "catalogs").exists()
