"""Each fault that the contract is there for, put into a copy of the checkout, is found and named."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stages.lib.core.errors import PipelineError
from tests.contract import CHECKS, Checkout
from tests.contract_files import undeclared_files

ROOT = Path(__file__).parents[1]


@pytest.fixture
def copy(tmp_path) -> Path:
    shutil.copytree(ROOT / "stages", tmp_path / "stages", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.parametrize(
    ("file", "old", "new", "fault"),
    [
        ("stages/split.py", "import pandas", "from stages.lib.report import tables\nimport pandas",
         "split: imports stages/lib/report/tables.py, which is not in deps"),
        ("stages/lib/data/shards.py", "import numpy", "from stages.lib.fetch import hosts\nimport numpy",
         "preprocess: imports stages/lib/fetch/hosts.py, which is not in deps"),
        ("dvc.yaml", "      - stages/lib/fetch\n", "",
         "fetch: imports stages/lib/fetch/mirror.py, which is not in deps"),
        ("dvc.yaml", "      - stages/lib/fetch\n", "      - stages/lib/fetch\n      - stages/lib/report\n",
         "fetch: stages/lib/report/tables.py is in deps and not imported"),
        ("stages/fetch.py", "from stages.lib.sample.catalog import", "from stages.lib.data.catalog import",
         "fetch: stages/lib/sample/catalog.py is in deps and not imported"),
        ("stages/split.py", "params.seed", "params.preprocess.image_size_px + params.seed",
         "split: reads preprocess, which is not in params"),
        ("stages/train.py", "params.seed", "params.active.sha256",
         "train: reads datasets.${dataset}.sha256, which is not in params"),
        ("stages/split.py", "params.seed", "load_params().evaluate.min_support + params.seed",
         "stages/split.py: load_params() is called in another way"),
        ("stages/split.py", "params.seed", "vars(params)['evaluate'].min_support + params.seed",
         "params is handed on whole"),
        ("stages/lib/split/splits.py", "import pandas",
         "from stages.lib.core.params import load_params\nload_params()\nimport pandas",
         "stages/lib/split/splits.py: load_params() is called in another way"),
        ("stages/lib/split/splits.py", "import pandas", "from ..report import tables\nimport pandas",
         "stages/lib/split/splits.py: line 3: relative import"),
        ("dvc.yaml", "      - validate\n    outs", "      - validate\n      - report\n    outs",
         "validate: report is in params and not read"),
        ("stages/lib/core/params.py", "from pydantic", "from stages import split\nfrom pydantic",
         "stages/lib/core/params.py: imports stages/split.py"),
        ("stages/lib/split/splits.py", "import pandas", "import tensorflow\nimport pandas",
         "stages/lib/split/splits.py: imports tensorflow"),
        ("params.yaml", "  lenet-1: {", "  lenet-1: &row {", "anchor or alias row"),
        ("params.yaml", "  lenet-1: {", "  lenet.1: {", "params.yaml: tables.lenet.1: a dot in the name"),
        ("dvc.yaml", "        - models/${key}\n\n", "        - models/${key}: {cache: false}\n\n",
         "train: models/${key}: cache: false"),
        ("dvc.yaml", "        - data/evaluations/${key}\n", "        - data/evaluations/${key}: {cache: false}\n",
         "evaluate: data/evaluations/${key}: cache: false"),
        ("stages/train.py", 'read_examples("val", data)', 'read_examples("test", data)',
         "train: reads the examples of 'train', 'test'"),
        ("stages/train.py", 'read_examples("val", data)', "read_examples(key, data)",
         "train: reads the examples of 'train', key"),
    ],
)  # fmt: skip
def test_a_fault_is_found_and_named(copy, file, old, new, fault):
    replace(copy / file, old, new)
    found = []
    for check in CHECKS:
        try:
            found += check(Checkout(copy))
        except PipelineError as error:  # params.yaml itself is refused
            found.append(str(error))
    assert any(fault in line for line in found), found


def test_a_module_that_no_stage_runs_is_found(copy):
    shutil.copy(copy / "stages/split.py", copy / "stages/split_again.py")
    assert [fault for check in CHECKS for fault in check(Checkout(copy))] == ["stages/split_again.py: no stage runs it"]


def test_the_copy_itself_has_no_fault(copy):
    assert [fault for check in CHECKS for fault in check(Checkout(copy))] == []


def test_an_undeclared_file_is_found_where_a_stage_writes_it(copy):
    replace(copy / "params.yaml", "  images: 1000", "  images: 40")
    fetch = [sys.executable, "-m", "stages.fetch"]
    subprocess.run(fetch, cwd=copy, check=True, capture_output=True)
    assert undeclared_files(Checkout(copy)) == []
    with (copy / "stages/fetch.py").open("a") as file:
        file.write('    Path("data/extra.csv").write_text("md5hash\\n")\n')
    subprocess.run(fetch, cwd=copy, check=True, capture_output=True)
    assert undeclared_files(Checkout(copy)) == ["data/extra.csv"]
