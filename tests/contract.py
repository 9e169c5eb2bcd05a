"""What has to hold between dvc.yaml, params.yaml and the code of a checkout, as checks that list every fault.

DVC traces neither imports nor reads, so what it is told must be true. `tests/test_contract.py` runs the checks on this
checkout, `tests/test_contract_mutations.py` on copies with one fault each.
"""

import ast
import re
from functools import cache, cached_property
from pathlib import Path

import yaml

from stages.lib.core import sections
from stages.lib.core.registry import BACKBONES

# empty but for a docstring
NOT_DEPENDENCIES = {"stages/__init__.py", "stages/lib/__init__.py"}
CORE = "stages/lib/core"
"""What every stage uses: a dependency as a whole, whether or not a stage imports each of its modules."""
SECTION_MODELS = {
    "fetch": sections.Fetch,
    "sample": sections.Sample,
    "validate": sections.Validate,
    "preprocess": sections.Preprocess,
    "features": sections.Features,
    "split": sections.Split,
    "evaluate": sections.Evaluate,
    "explain": sections.Explain,
    "report": sections.Report,
}
ROW_KEYS = {"train": "${key}", "train-table": "tables.${key}"}


class Checkout:
    """The files of a checkout that the checks read."""

    def __init__(self, root: Path):
        self.root = root

    @cached_property
    def dvc(self) -> dict:
        return yaml.load(self.text("dvc.yaml"), Loader=yaml.CSafeLoader)

    @property
    def stages(self) -> dict[str, dict]:
        """The stages of dvc.yaml; of a `foreach` stage what it does for each."""
        return {name: stage.get("do", stage) for name, stage in self.dvc["stages"].items()}

    def text(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def tree(self, path: str) -> ast.AST:
        return _parsed(self.text(path))

    def module(self, stage: str) -> str:
        """The file that a stage runs."""
        return "stages/{}.py".format(re.match(r"python -m stages\.(\w+)", self.stages[stage]["cmd"]).group(1))

    def modules(self, dependency: str) -> set[str]:
        """The modules that a dependency under stages/ stands for: itself, or all in the folder."""
        if dependency.endswith(".py"):
            return {dependency}
        modules = {path.relative_to(self.root).as_posix() for path in (self.root / dependency).rglob("*.py")}
        return {path for path in modules if not path.endswith("/__init__.py")}

    def imports(self, path: str) -> set[str]:
        """The project files that one file imports, wherever in it the import stands."""
        candidates = [Path(*name.split(".")).with_suffix(".py") for name in _imported_names(self.text(path))]
        return {file.as_posix() for file in candidates if file.parts[0] == "stages" and (self.root / file).is_file()}

    def closure(self, path: str) -> set[str]:
        """A file and all that it imports, directly or not."""
        seen, waiting = set(), {path}
        while waiting:
            file = waiting.pop()
            seen.add(file)
            waiting |= self.imports(file) - seen
        return seen


@cache
def _parsed(source: str) -> ast.AST:
    return ast.parse(source)


@cache
def _imported_names(source: str) -> frozenset[str]:
    names = set()
    for node in ast.walk(_parsed(source)):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return frozenset(names)


def imports_are_dependencies(checkout: Checkout) -> list[str]:
    """Every imported module is a dependency, and no other is.

    A folder stands for all modules in it: DVC rewrites dvc.lock after every stage, and that took two seconds when every
    module had an entry.
    """
    faults = []
    for name, stage in checkout.stages.items():
        entries = {dep: checkout.modules(dep) for dep in stage["deps"] if dep.startswith("stages/")}
        declared = set().union(*entries.values())
        imported = checkout.closure(checkout.module(name)) - NOT_DEPENDENCIES
        if CORE in entries:
            imported |= entries[CORE]
        faults += [f"{name}: imports {path}, which is not in deps" for path in sorted(imported - declared)]
        faults += [f"{name}: {path} is in deps and not imported" for path in sorted(declared - imported)]
        faults += [f"{name}: {dep} has no module" for dep, modules in entries.items() if not modules]
    return faults


def params_are_those_read(checkout: Checkout) -> list[str]:
    """Declared params are those that the stage reads, from the attribute chains on the name `params`."""
    faults = []
    for name, stage in checkout.stages.items():
        declared, read = set(stage.get("params", [])), _params_read(checkout, name)
        faults += [f"{name}: reads {key}, which is not in params" for key in sorted(read - declared)]
        faults += [f"{name}: {key} is in params and not read" for key in sorted(declared - read)]
    return faults


def _params_read(checkout: Checkout, stage: str) -> set[str]:
    row_key = ROW_KEYS.get(stage, "")
    words = {
        "active": set(),  # its fields are found below
        "validate_": {"validate"},
        "row": {row_key},
        "backbone": {
            "datasets.${dataset}.weights",
            "datasets.${dataset}.max_image_size_px",
            f"backbones.${{item{'.architecture' if row_key else ''}}}",
        },
    }
    read = set()
    for node in ast.walk(checkout.tree(checkout.module(stage))):
        if not isinstance(node, ast.Attribute):
            continue
        if isinstance(node.value, ast.Name) and node.value.id == "params":
            read |= words.get(node.attr, {node.attr})
        elif match := re.fullmatch(r"params\.active\.(\w+)", ast.unparse(node)):
            read.add(f"datasets.${{dataset}}.{match.group(1)}")
    return read


def params_are_read_in_sight(checkout: Checkout) -> list[str]:
    """What `params_are_those_read` cannot see does not happen: params under another name, or handed on whole.

    Only a stage loads them, as `params = load_params()`; everything else is an attribute of that name.
    """
    faults = []
    for path in sorted((checkout.root / "stages").rglob("*.py")):
        name = path.relative_to(checkout.root).as_posix()
        if name == "stages/lib/core/params.py":
            continue
        tree = checkout.tree(name)
        plain = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Assign)]
        loads = sum(isinstance(node, ast.Call) and "load_params" in ast.unparse(node.func) for node in ast.walk(tree))
        if loads != plain.count("params = load_params()") or (loads and name.startswith("stages/lib/")):
            faults.append(f"{name}: load_params() is called in another way than `params = load_params()` in a stage")
        of_attributes = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        faults += [
            f"{name}: line {node.lineno}: params is handed on whole"
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and node.id == "params" and isinstance(node.ctx, ast.Load)
            if loads and id(node) not in of_attributes
        ]
    return faults


def every_key_is_used(checkout: Checkout) -> list[str]:
    """Every key of a section is used by a stage that declares it, and every key of a row by train or report."""
    faults = []
    for section, model in SECTION_MODELS.items():
        users = {checkout.module(name) for name, stage in checkout.stages.items() if section in stage.get("params", [])}
        faults += [f"{section}.{key}: used by no stage" for key in _unused(checkout, users, model)]
    rows = {"stages/train.py", "stages/report.py"}
    return faults + [f"model.{key}: used by no stage" for key in _unused(checkout, rows, sections.Row)]


def _unused(checkout: Checkout, modules: set[str], model: type[sections.Section]) -> list[str]:
    paths = {path for module in modules for path in checkout.closure(module)} - {"stages/lib/core/params.py"}
    source = "\n".join(map(checkout.text, paths))
    return [key for key in model.model_fields if not re.search(rf"\.{key}\b", source)]


def modules_are_stages(checkout: Checkout) -> list[str]:
    """Every module under stages/ is run by dvc.yaml; rows and backbones are those of params."""
    run = {checkout.module(name) for name in checkout.stages}
    paths = {f"stages/{path.name}" for path in (checkout.root / "stages").glob("*.py")} - NOT_DEPENDENCIES
    faults = [f"{path}: no stage runs it" for path in sorted(paths - run)]
    stages = checkout.dvc["stages"]
    faults += [
        f"{name}: foreach" for name in ("train-table", "evaluate-table") if stages[name]["foreach"] != "${tables}"
    ]
    if set(stages["features"]["foreach"]) != set(BACKBONES):
        faults.append("features: foreach")
    return faults


def params_are_plain(checkout: Checkout) -> list[str]:
    """No anchor, with which `dvc exp run -S` changes nothing; no dot, DVC's separator of keys, in a row's name."""
    text = checkout.text("params.yaml")
    anchors = [
        token
        for token in yaml.scan(text, Loader=yaml.CSafeLoader)
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken)
    ]
    faults = [f"params.yaml: line {token.start_mark.line + 1}: anchor or alias {token.value}" for token in anchors]
    names = yaml.load(text, Loader=yaml.CSafeLoader)["tables"]
    return faults + [f"params.yaml: tables.{name}: a dot in the name" for name in names if "." in str(name)]


def stages_keep_their_run_cache(checkout: Checkout) -> list[str]:
    """One out with `cache: false` switches the run-cache of its stage off: only `publish`, a copy, has any."""
    return [
        f"{name}: {path}: cache: false"
        for name, stage in checkout.stages.items()
        if name != "publish"
        for out in [*stage.get("outs", []), *stage.get("metrics", [])]
        for path, flags in (out.items() if isinstance(out, dict) else [])
        if flags.get("cache") is False
    ]


def training_never_sees_the_test_split(checkout: Checkout) -> list[str]:
    """Training asks for the examples of train and val, once each."""
    asked = [
        ast.unparse(node.args[0])
        for node in ast.walk(checkout.tree("stages/train.py"))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "read_examples"
    ]
    return [] if sorted(asked) == ["'train'", "'val'"] else [f"train: reads the examples of {', '.join(asked)}"]


def data_flows_one_way(checkout: Checkout) -> list[str]:
    """A stage imports no stage, and no module of the library does; TensorFlow is named in one module alone.

    Every import is by its full name: others would not be seen here.
    """
    faults = []
    for path in sorted((checkout.root / "stages").rglob("*.py")):
        name = path.relative_to(checkout.root).as_posix()
        others = {other for other in checkout.imports(name) if not other.startswith("stages/lib/")} - NOT_DEPENDENCIES
        faults += [f"{name}: imports {other}" for other in sorted(others)]
        relative = [node for node in ast.walk(checkout.tree(name)) if isinstance(node, ast.ImportFrom) and node.level]
        faults += [f"{name}: line {node.lineno}: relative import" for node in relative]
        if path.name != "backend.py" and re.search(r"\b(import tensorflow|from tensorflow)", path.read_text()):
            faults.append(f"{name}: imports tensorflow")
    return faults


CHECKS = (
    imports_are_dependencies,
    params_are_those_read,
    params_are_read_in_sight,
    every_key_is_used,
    modules_are_stages,
    params_are_plain,
    stages_keep_their_run_cache,
    training_never_sees_the_test_split,
    data_flows_one_way,
)
