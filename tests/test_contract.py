"""Holds dvc.yaml and params.yaml to the code: DVC traces neither imports nor reads, so what it is told must be true."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from stages.lib import params as params_module
from stages.lib.params import load_params

ROOT = Path(__file__).parents[1]
DVC = yaml.safe_load((ROOT / "dvc.yaml").read_text())
PARAMS_TEXT = (ROOT / "params.yaml").read_text()
STAGE_MODULES = sorted(path.stem for path in (ROOT / "stages").glob("*.py") if path.stem != "__init__")
# a reproducibility break that DVC cannot see: the package's own start-up only quiets TensorFlow
NOT_DEPENDENCIES = {"stages/__init__.py", "stages/lib/__init__.py"}

SECTION_MODELS = {
    "fetch": params_module.Fetch,
    "sample": params_module.Sample,
    "validate": params_module.Validate,
    "preprocess": params_module.Preprocess,
    "features": params_module.Features,
    "split": params_module.Split,
    "evaluate": params_module.Evaluate,
    "explain": params_module.Explain,
    "report": params_module.Report,
}


def definition(name: str) -> dict:
    stage = DVC["stages"][name]
    return stage.get("do", stage)


def module_of(name: str) -> str:
    return re.match(r"python -m stages\.(\w+)", definition(name)["cmd"]).group(1)


def imported_files(path: Path) -> set[str]:
    """The project files that one file imports, wherever in it the import stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names = [node.module] + [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            candidate = Path(*name.split(".")).with_suffix(".py")
            if name.split(".")[0] == "stages" and (ROOT / candidate).is_file():
                found.add(candidate.as_posix())
    return found


def closure(module: str) -> set[str]:
    seen, waiting = set(), {f"stages/{module}.py"}
    while waiting:
        path = waiting.pop()
        seen.add(path)
        waiting |= imported_files(ROOT / path) - seen
    return seen


def params_read(module: str, row_key: str) -> set[str]:
    """The params that a stage reads, in dvc.yaml's words, from the attribute chains on the name `params`."""
    read = set()
    for node in ast.walk(ast.parse((ROOT / f"stages/{module}.py").read_text())):
        if not (isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "params"):
            continue
        if node.attr == "active":
            continue  # its fields are found below
        words = {
            "validate_": {"validate"},
            "row": {row_key},
            "backbone": {"datasets.${dataset}.weights", BACKBONE_KEYS[row_key]},
        }
        read |= words.get(node.attr, {node.attr})
    for node in ast.walk(ast.parse((ROOT / f"stages/{module}.py").read_text())):
        chain = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
        if match := re.fullmatch(r"params\.active\.(\w+)", chain):
            read.add(f"datasets.${{dataset}}.{match.group(1)}")
    return read


BACKBONE_KEYS = {
    "tables.${key}": "backbones.${item.architecture}",
    "model": "backbones.${model.architecture}",
    "tables.${item}": "backbones.${key}",
    "": "backbones.${item}",
}


@pytest.mark.parametrize("name", DVC["stages"])
def test_every_imported_module_is_a_dependency_and_no_other(name):
    declared = {dep for dep in definition(name)["deps"] if dep.endswith(".py")}
    assert declared == closure(module_of(name)) - NOT_DEPENDENCIES


@pytest.mark.parametrize("name", DVC["stages"])
def test_declared_params_are_those_that_the_stage_reads(name):
    row_key = {
        "train-table": "tables.${key}",
        "evaluate-table": "tables.${key}",
        "explain": "tables.${item}",
    }.get(name)
    row_key = row_key or ("model" if name in ("train", "evaluate") else "")
    assert set(definition(name).get("params", [])) == params_read(module_of(name), row_key)


@pytest.mark.parametrize("section", SECTION_MODELS)
def test_every_param_of_a_section_is_used_by_a_stage_that_declares_it(section):
    users = {module_of(name) for name in DVC["stages"] if section in definition(name).get("params", [])}
    assert users
    source = "\n".join((ROOT / path).read_text() for user in users for path in closure(user) - {"stages/lib/params.py"})
    unused = [field for field in SECTION_MODELS[section].model_fields if not re.search(rf"\.{field}\b", source)]
    assert unused == []


def test_every_row_key_is_used():
    source = "\n".join((ROOT / path).read_text() for path in closure("train") | closure("report"))
    assert [key for key in params_module.Row.model_fields if not re.search(rf"\.{key}\b", source)] == []


def test_every_stage_module_is_a_stage_and_is_run():
    assert {module_of(name) for name in DVC["stages"]} == set(STAGE_MODULES)


def test_table_stages_go_over_the_rows_of_params():
    for name in ("train-table", "evaluate-table"):
        assert DVC["stages"][name]["foreach"] == "${tables}"


def test_features_are_computed_for_every_backbone():
    assert set(DVC["stages"]["features"]["foreach"]) == set(params_module.BACKBONES)


def test_every_row_stands_in_every_plot_of_all_rows():
    rows = [*load_params(ROOT / "params.yaml").tables, "model"]
    of_all = [entry for plot in DVC["plots"] for title, entry in plot.items() if "every row" in title]
    assert len(of_all) >= 3
    for entry in of_all:
        assert list(entry["y"]) == [f"metrics/plots/{row}/curves.csv" for row in rows]


def test_every_row_has_scores_and_plots_in_the_commit():
    rows = {*load_params(ROOT / "params.yaml").tables, "model"}
    assert {path.stem for path in (ROOT / "metrics/scores").glob("*.json")} == rows
    assert {path.name for path in (ROOT / "metrics/plots").iterdir()} == rows


def test_params_hold_no_anchor_and_row_names_no_dot():
    # with an anchor `dvc exp run -S` silently changes nothing; a dot is DVC's separator of keys
    tokens = list(yaml.scan(PARAMS_TEXT))
    assert not [token for token in tokens if isinstance(token, yaml.AnchorToken | yaml.AliasToken)]
    assert not [name for name in yaml.safe_load(PARAMS_TEXT)["tables"] if "." in str(name)]


def test_training_keeps_its_run_cache():
    # one out with `cache: false` switches the run-cache of its stage off
    for name in ("train", "train-table", "features", "preprocess"):
        outs = definition(name)["outs"]
        assert not [out for out in outs if isinstance(out, dict) and False in [v.get("cache") for v in out.values()]]


def test_training_reads_only_training_and_validation_examples():
    tree = ast.parse((ROOT / "stages/train.py").read_text())
    asked = [
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "read_examples"
    ]
    assert sorted(asked) == ["train", "val"]
    assert "data/splits.csv" in definition("train")["deps"]


def test_stages_do_not_import_stages_and_lib_imports_no_stage():
    for path in [*(ROOT / "stages").glob("*.py"), *(ROOT / "stages/lib").glob("*.py")]:
        assert [name for name in imported_files(path) if not name.startswith("stages/lib/")] in (
            [],
            ["stages/__init__.py"],
        )


def test_tensorflow_is_named_in_one_module_alone():
    users = [
        path.name
        for path in (ROOT / "stages").rglob("*.py")
        if re.search(r"\b(import tensorflow|from tensorflow)", path.read_text())
    ]
    assert users == ["backend.py"]
