"""Recipes in the documentation are what this checkout can do: each `-S`, target, module, stage and link is there."""

import itertools
import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from dvc.exceptions import DvcException
from dvc.utils.hydra import apply_overrides, get_hydra_sweeps

from stages.lib.core.errors import PipelineError
from stages.lib.core.params import load_params
from tests.small_project import ROOT, run

PAGES = [path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]]
# what takes seconds and stays within the checkout
QUICK = re.compile(r"dvc exp run -S model\.dropout=0\.4|dvc (metrics|exp) (diff|show)( HEAD)?")


def commands(page: str) -> list[str]:
    """The commands of a page: lines of fenced blocks that are shell, and code within sentences."""
    blocks = re.findall(r"^```(?:bash|sh|console)?\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    prose = re.sub(r"^```.*?^```$", "", page, flags=re.MULTILINE | re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", prose)
    found = [part.split("  #")[0].strip().removeprefix("$ ") for text in [*lines, *spans] for part in text.split("&&")]
    return [one for one in found if re.match(r"(dvc|make|python -m|git) [^<…]*$", one)]


def faults(page: str, folder: Path, home: Path = ROOT) -> list[str]:
    """What of a page's recipes this checkout does not know; `folder` is for scratch, `home` is where the page lies."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    variables = set(re.findall(r"\$[({]+(?:or \$\()?([A-Z_]+)", (ROOT / "Makefile").read_text())) | {"PYTHON"}
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    found = []
    for command in commands(page):
        words = shlex.split(command, comments=True)
        changes = [after for word, after in itertools.pairwise(words) if word == "-S"]
        changes += [change for word in words if word.startswith("SET=") for change in word[4:].split()]
        found += [f"{command}: {fault}" for fault in params_faults(changes, folder)]
        if words[0] == "make":
            names = [word.split("=")[0] for word in words[1:] if "=" in word]
            found += [f"{command}: no target {word}" for word in words[1:] if "=" not in word and word not in targets]
            found += [f"{command}: no variable {name}" for name in names if name not in variables]
        if words[:2] == ["python", "-m"] and words[2].split(".")[0] in ("stages", "tools", "bench"):
            path = ROOT / words[2].replace(".", "/")
            if not (path.with_suffix(".py").exists() or (path / "__main__.py").exists()):
                found.append(f"{command}: no module {words[2]}")
        if words[:2] == ["dvc", "repro"]:
            stages = [word.split("@")[0] for word in words[2:] if not word.startswith("-")]
            found += [f"{command}: no stage {stage}" for stage in stages if stage not in pipeline]
    links = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page) if "://" not in link]
    return found + [f"no file {link}" for link in links if not (home / link).exists()]


def params_faults(changes: list[str], folder: Path) -> list[str]:
    """Applies changes as DVC does, and checks what comes of them as every stage does."""
    if not changes or any("…" in change or "..." in change for change in changes):
        return []
    try:
        for sweep in get_hydra_sweeps({"params.yaml": changes}):
            shutil.copy(ROOT / "params.yaml", folder / "params.yaml")
            apply_overrides(folder / "params.yaml", sweep["params.yaml"])
            load_params(folder / "params.yaml")
    except (DvcException, PipelineError) as error:
        return [] if "'mine' is not among datasets" in str(error) else [str(error.__cause__ or error).splitlines()[0]]
    return []


@pytest.mark.parametrize("page", PAGES)
def test_recipes_are_what_the_checkout_knows(page, tmp_path):
    assert faults((ROOT / page).read_text(), tmp_path, (ROOT / page).parent) == []


@pytest.mark.parametrize(
    ("recipe", "fault"),
    [
        ("dvc exp run -S model.dropuot=0.4", "Could not override 'model.dropuot'"),
        ("dvc exp run --queue -S model.dropout=0.4,1.4", "model.dropout: Input should be less than 1 (got 1.4)"),
        ("dvc exp run -S model.architecture=vgg16", "add `-S model.input=data/features/vgg16`"),
        ('make seeds SET="model.dropuot=0.4"', "Could not override 'model.dropuot'"),
        ("make reproduce", "no target reproduce"),
        ("make seeds COUNT=5", "no variable COUNT"),
        ("python -m tools.comparison", "no module tools.comparison"),
        ("dvc repro -f -s fetching", "no stage fetching"),
    ],
)
def test_a_recipe_that_is_out_of_date_is_found(recipe, fault, tmp_path):
    for page in (f"# Page\n\n```\n{recipe}   # why\n```\n", f"# Page\n\nRun `{recipe}` now.\n"):
        (found,) = faults(page, tmp_path)
        assert found.startswith(recipe) and fault in found
    assert faults("[a page](docs/nothing.md#part)", tmp_path) == ["no file docs/nothing.md"]


def test_quick_recipes_of_the_readme_run(project):
    recipes = [command for command in commands((ROOT / "README.md").read_text()) if QUICK.fullmatch(command)]
    assert "dvc exp run -S model.dropout=0.4" in recipes and "dvc metrics diff" in recipes
    for recipe in dict.fromkeys(recipes):
        run(project, *shlex.split(recipe))
