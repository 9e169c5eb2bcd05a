"""params.yaml as a typed object: its sections, and what fits together.

`Params` holds a model per section (`stages.lib.core.sections`). Every stage loads and checks the whole file, so a
typo anywhere ends the first stage that runs, but reads only the keys that dvc.yaml declares for it
(tests/test_contract.py proves that from the code).
"""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, Field, ValidationError, model_validator

from stages.lib.core import paths, yaml_file
from stages.lib.core.errors import PipelineError
from stages.lib.core.registry import ARCHITECTURES, BACKBONES, min_image_size_px
from stages.lib.core.sections import (
    TENSORS,
    Backbone,
    BackboneSpec,
    Dataset,
    Evaluate,
    Explain,
    Features,
    Fetch,
    Preprocess,
    Report,
    Row,
    Sample,
    Section,
    Split,
    Validate,
)


class Params(Section):
    """All of params.yaml."""

    seed: int = Field(ge=0, lt=2**31)
    dataset: str
    datasets: dict[Annotated[str, Field(pattern=r"^\w+$")], Dataset]
    sample: Sample
    fetch: Fetch
    validate_: Validate = Field(alias="validate")
    preprocess: Preprocess
    features: Features
    backbones: dict[Literal[ARCHITECTURES], Backbone | None]
    split: Split
    evaluate: Evaluate
    explain: Explain
    report: Report
    model: Row
    tables: dict[Annotated[str, Field(pattern=r"^[\w-]+$")], Row]

    @model_validator(mode="after")
    def _names_exist(self) -> "Params":
        if self.dataset not in self.datasets:
            raise ValueError(f"dataset {self.dataset!r} is not among datasets: {', '.join(self.datasets)}")
        if "model" in self.tables:
            raise ValueError("tables.model: the name is taken by the model under study; choose another")
        for architecture, name in self.explain.rows.items():
            if name not in self.tables or self.tables[name].architecture != architecture:
                raise ValueError(f"explain.rows.{architecture}: no row {name!r} of {architecture} in tables")
        side_px, known = self.preprocess.image_size_px, self.active.side_inputs
        for key, row in self.rows.items():
            if row.augment and row.on_features and not self.features.views:
                raise ValueError(
                    f"{key}.augment: true needs pixels or views: add `{row.option('input', TENSORS, key)}` or "
                    f"`-S features.views=1`, or set it to false"
                )
            if row.on_features and row.image_size_px != side_px:
                raise ValueError(
                    f"{key}.image_size_px: features are taken at preprocess.image_size_px, {side_px}; "
                    f"add `{row.option('image_size_px', side_px, key)}`, or train from {TENSORS}"
                )
            for name in row.side_inputs:
                if name not in known:
                    raise ValueError(
                        f"{key}.side_inputs: dataset {self.dataset} has no side input {name!r}; it has "
                        f"{', '.join(known) or 'none'}. Name a column's kind with "
                        f"`-S +datasets.{self.dataset}.side_inputs.{name}=categorical` (or number)"
                    )
        for name in ARCHITECTURES:
            if (self.backbones.get(name) is None) == (name in BACKBONES):
                raise ValueError(
                    f"backbones.{name}: " + ("spell out weights and rescale" if name in BACKBONES else "has to be null")
                )
        return self

    @property
    def active(self) -> Dataset:
        """The dataset that `dataset` names."""
        return self.datasets[self.dataset]

    @property
    def rows(self) -> dict[str, Row]:
        """All rows by their keys: `model` and `tables.<row>`."""
        return {"model": self.model} | {f"tables.{name}": row for name, row in self.tables.items()}

    def row(self, key: str) -> Row:
        """Returns the row that `key` names: `model` or `tables.<row>`.

        Raises:
            PipelineError: If there is no such row.
        """
        if key not in self.rows:
            raise PipelineError(f"params.yaml: no row {key!r}; the rows are {', '.join(self.rows)}")
        return self.rows[key]

    def backbone(self, name: str) -> BackboneSpec | None:
        """Returns what a backbone starts from under the active dataset; None for LeNet and AlexNet."""
        own = self.backbones[name]
        if own is None:
            return None
        cap_px = self.active.max_image_size_px
        return BackboneSpec(
            name=name, weights=own.weights or self.active.weights, rescale=own.rescale, channels=own.channels,
            max_image_size_px=cap_px and max(cap_px, min_image_size_px(name)),
        )  # fmt: skip


def row_name(key: str) -> str:
    """Returns the name under which the results of row `key` are filed (`tables.lenet-1`: `lenet-1`)."""
    return key.removeprefix("tables.")


def load_params(path: Path = paths.PARAMS) -> Params:
    """Reads and checks params.yaml.

    Args:
        path: The file, by default the one in the working directory.

    Returns:
        The checked parameters.

    Raises:
        PipelineError: With the first offending key, what is wrong with it and how many more there are.
    """
    try:
        content = yaml_file.parse(path.read_text(encoding="utf-8"), str(path))
    except FileNotFoundError:
        raise PipelineError(f"{path}: missing; run from the root of the checkout") from None
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        # a key that is misspelt is also missing: the one to be corrected comes first
        faults = sorted(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise PipelineError(f"{path}: {_describe(faults[0])}{more}") from None


def _describe(fault: dict) -> str:
    """Puts one pydantic fault into words: the key, what is wrong and the value."""
    key = ".".join(str(part) for part in fault["loc"] if part != "[key]")
    if fault["type"] == "extra_forbidden":
        return f"{key}: unknown key; remove it or correct its spelling"
    if fault["type"] == "missing":
        return f"{key}: missing; every key is spelled out"
    message = fault["msg"].removeprefix("Value error, ").replace("<row>", key)
    given = f" (got {fault['input']!r})" if not isinstance(fault["input"], dict | BaseModel) else ""
    return f"{key}: {message}{given}" if key else f"{message}{given}"
