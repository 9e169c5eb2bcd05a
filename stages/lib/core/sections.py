"""The sections of params.yaml: what may be set, in which unit and range.

One model per section. Unknown keys and silent conversions are errors.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from stages.lib.core import paths
from stages.lib.core.registry import ARCHITECTURES, BACKBONES, LOSSES, OPTIMIZERS, min_image_size_px

TENSORS = paths.TENSORS.as_posix()
"""The input of rows that see pixels; `data/features/<backbone>` is the input of those that see features."""

SAMPLE_CATALOG = "sample"
"""The value of `datasets.<name>.catalog` of the embedded sample."""

SIDE_KINDS = ("categorical", "number", "raw")
"""How a catalog column becomes an input (see `stages.lib.data.side_inputs`)."""
FUSIONS = ("concatenate", "metablock")
"""How side inputs join the image's features (see `stages.lib.network.fusion`)."""


def features_dir(backbone: str) -> str:
    """Returns where the outputs of a frozen backbone are kept."""
    return f"{paths.FEATURES.as_posix()}/{backbone}"


class Section(BaseModel):
    """A part of params.yaml: no unknown keys, no silent conversions, no changes after loading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, protected_namespaces=())


class Dataset(Section):
    """Where a dataset comes from and what its rows start from."""

    catalog: str = Field(min_length=1)
    """`sample`, a path, or an http(s) URL of a CSV in Fitzpatrick17k's form."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None
    """Of the catalog's bytes; null: not pinned."""
    mirror: str | None
    """A directory, .zip, .tar(.gz) or fsspec URL with images named `<md5hash>`, tried before the URLs; null: none."""
    weights: str = Field(min_length=1)
    """`imagenet`, `random`, or a directory with `<backbone>.weights.h5`."""
    max_epochs: Annotated[int, Field(ge=1)] | None
    """Caps the epochs of rows trained from pixels (on features they cost next to nothing); null: each row's own."""
    max_image_size_px: Annotated[int, Field(ge=32, le=1024)] | None
    """Caps the side of the images that networks see, but for those that need more; null: each row's own."""
    side_inputs: dict[str, Literal[SIDE_KINDS]]
    """The catalog columns that rows may take beside the image, and of which kind each is."""


class Sample(Section):
    """The embedded sample."""

    images: int = Field(ge=40, le=5000)


class Fetch(Section):
    """How images are downloaded."""

    connections_per_host: int = Field(ge=1, le=64)
    delay_s: float = Field(ge=0, le=60)
    """Least time between the starts of two requests to one host."""
    contact: str | None = Field(pattern=r"^[\x21-\x7e]+$")
    """An e-mail address or page, told to the servers; null: none."""
    connect_timeout_s: float = Field(gt=0, le=600)
    read_timeout_s: float = Field(gt=0, le=600)
    """Of each wait for data."""
    image_deadline_s: float = Field(gt=0, le=86400)
    """Of one image from its first request on, retries and pauses included."""
    retries: int = Field(ge=0, le=20)
    max_redirects: int = Field(ge=0, le=20)
    max_image_mb: float = Field(gt=0, le=1000)
    on_md5_mismatch: Literal["drop", "keep"]
    """Bodies with another MD5 than the catalog's: put aside, or taken if they start like an image."""


class Preprocess(Section):
    """How images become tensors."""

    image_size_px: int = Field(ge=75, le=1024)
    max_pixels: int = Field(ge=1)
    """Of an image in its file; larger ones are not decoded."""


class Validate(Section):
    """Which files count as images of their class."""

    min_side_px: int = Field(ge=1)
    damaged: Literal["drop", "keep"]
    """Images that can be decoded although a decoder says that pixels may be wrong."""
    drop_wrongly_labelled: bool
    duplicates: Literal["keep_first", "drop"]
    """Rows of one image, or of equal pixels, and different labels: keep the first of them, or none."""
    min_kept_fraction: float = Field(ge=0, le=1)
    """Of the catalog's rows: the run ends where fewer are usable."""


class Features(Section):
    """How the outputs of the frozen backbones are computed; the same for all of them."""

    precision: Literal["auto", "float32", "bfloat16"]
    """What the networks compute in; `auto`: bfloat16 where processor and network gain by it."""
    views: int = Field(ge=0, le=100)
    """Augmented views of every image beside the plain one, for rows with `augment: true`."""


class Backbone(Section):
    """One frozen network of keras.applications."""

    weights: str | None = Field(min_length=1)
    """As `datasets.<name>.weights`, for this backbone alone; null: the dataset's."""
    rescale: Literal["native", "unit"]
    """`native`: what its weights were trained on; `unit`: x / 255, as the published run did."""
    channels: Literal["rgb", "bgr"]
    """The order of the colours that it is given before that; `bgr` is the published run's mistake in its table 4."""


class Split(Section):
    """How rows are dealt to train, validation and test."""

    groups: Literal["all", "none"]
    """Whether copies, and images of one value of `group_column`, stay together, or every image is dealt for itself."""
    conflicts: Literal["keep", "drop"]
    """Near-duplicates with different labels: keep them in one split, or leave all of them out."""
    group_column: str | None
    """A catalog column whose equal values belong together (`lesion_id`, `patient_id`); null: none."""
    rare_classes: Literal["fail", "train"]
    """Classes too small to be dealt to every split: stop, or keep all of their images in train."""
    folds: int = Field(ge=2, le=20)
    """Of the `fold` column: parts of equal make-up, for cross-validation."""
    fold: Annotated[int, Field(ge=0)] | None
    """For cross-validation: the fold to test on; null: the 80/10/10 split."""


class Evaluate(Section):
    """How results are assessed."""

    bootstrap_samples: int = Field(ge=100, le=100000)
    """Resamples behind every interval, and swaps behind every comparison."""
    calibration_bins: int = Field(ge=2, le=100)
    min_support: int = Field(ge=1)
    """Images that a skin type, or a class within it, needs to be compared with others."""
    mistakes: int = Field(ge=0, le=1000)
    """How many of the most confident mistakes are listed."""


class Explain(Section):
    """Which networks the results page explains with Grad-CAM, on how many images."""

    images: int = Field(ge=1, le=24)
    rows: dict[Literal[ARCHITECTURES], str]
    """A row of `tables` for each architecture that is shown."""


class Report(Section):
    """What the results page shows."""

    show_images: bool
    """Whether test images are shown on it: the most confident mistakes, and Grad-CAM."""


class Row(Section):
    """One row of a results table: a network, what it sees and how it is trained.

    The defaults are what most published rows share, so that a row of `tables` lists only what differs.
    """

    architecture: Literal[ARCHITECTURES]
    input: str
    image_size_px: int = Field(224, ge=32, le=1024)
    filters: list[Annotated[int, Field(ge=1, le=4096)]] = Field([])
    """Of LeNet's convolutions, in order; empty for the other architectures."""
    dense_units: int = Field(512, ge=1, le=65536)
    dropout: float = Field(0.0, ge=0, lt=1)
    side_inputs: list[str] = Field([])
    """Catalog columns that the network takes beside the image, of `datasets.<name>.side_inputs`."""
    side_input_dropout: float = Field(0.0, ge=0, lt=1)
    """The share of training images for which a side input is set to unknown, drawn again in every epoch."""
    fusion: Literal[FUSIONS] = "concatenate"
    augment: bool = False
    loss: Literal[tuple(LOSSES)] = "cross_entropy"
    optimizer: Literal[tuple(OPTIMIZERS)] = "adam"
    learning_rate: float = Field(0.0001, gt=0, le=10)
    batch_size: int = Field(32, ge=1, le=65536)
    epochs: int = Field(20, ge=1, le=10000)
    patience: int = Field(5, ge=1, le=10000)
    monitor: Literal["val_loss", "val_accuracy", "val_f1_weighted", "val_f1_soft"] = "val_loss"
    keep: Literal["best", "last"] = "best"
    """Which epoch's weights are kept: the best by `monitor`, or the last one, as in the published run."""

    @property
    def on_features(self) -> bool:
        """Whether the network sees a frozen backbone's features instead of pixels."""
        return self.input != TENSORS

    @property
    def min_image_size_px(self) -> int:
        """The least side of images that its network can take."""
        return min_image_size_px(self.architecture, self.filters)

    def capped(self, max_epochs: int | None, max_image_size_px: int | None) -> "Row":
        """Returns the row as a dataset lets it train from pixels; one on features is what it was."""
        if self.on_features:
            return self
        side_px = max(max_image_size_px or self.image_size_px, self.min_image_size_px)
        epochs = min(self.epochs, max_epochs or self.epochs)
        return self.model_copy(update={"epochs": epochs, "image_size_px": min(self.image_size_px, side_px)})

    def change(self, field: str, value: object, key: str = "<row>") -> str:
        """Returns what sets a field after `dvc exp run -S`; DVC wants `+` before a key that the row leaves out."""
        shown = str(value).replace(" ", "").replace("'", "")
        return f"{'' if field in self.model_fields_set else '+'}{key}.{field}={shown}"

    def option(self, field: str, value: object, key: str = "<row>") -> str:
        """Returns the option of `dvc exp run` that sets a field, ready to paste."""
        change = self.change(field, value, key)
        return f"-S '{change}'" if isinstance(value, list) else f"-S {change}"

    @model_validator(mode="after")
    def _fits_together(self) -> "Row":
        fitting = [TENSORS]
        if self.architecture in BACKBONES:
            fitting.append(features_dir(self.architecture))
        filters = None
        if (self.architecture == "lenet") != bool(self.filters):
            filters = self.option("filters", [32, 64, 128, 128] if self.architecture == "lenet" else [])
        if self.input not in fitting:
            missing = self.option("input", fitting[-1]) + (f" {filters}" if filters else "")
            backbone = self.input.removeprefix(features_dir(""))
            instead = f", or give `{self.option('architecture', backbone)}` instead" if backbone in BACKBONES else ""
            raise ValueError(
                f"input {self.input} does not fit architecture {self.architecture}, which takes "
                f"{' or '.join(fitting)}: add `{missing}`{instead}"
            )
        if filters:
            raise ValueError(f"filters lists the convolutions of lenet and is [] for every other one: add `{filters}`")
        if self.image_size_px < self.min_image_size_px:
            raise ValueError(
                f"image_size_px {self.image_size_px} is too small for {self.architecture}, whose layers need "
                f"{self.min_image_size_px} px: add `{self.option('image_size_px', self.min_image_size_px)}`"
            )
        if not self.side_inputs and (self.side_input_dropout or self.fusion != "concatenate"):
            knob = "side_input_dropout hides an input" if self.side_input_dropout else "fusion joins an input"
            raise ValueError(f"{knob} that the row lacks: add `{self.option('side_inputs', ['fitzpatrick_scale'])}`")
        return self


class BackboneSpec(Section):
    """A backbone with all that decides what it puts out."""

    name: Literal[tuple(BACKBONES)]
    weights: str | None
    """None: left at what Keras draws, for a network whose saved weights are loaded next."""
    rescale: Literal["native", "unit"]
    channels: Literal["rgb", "bgr"] = "rgb"
    precision: Literal["float32", "bfloat16"] = "float32"
    """What the network computes in."""
    max_image_size_px: int | None = None
    """Larger images are shrunk to this side; None: taken as they are."""
    sha256: str | None = None
    """Of its weights (`stages.lib.backbone.backbones.weights_digest`); None: not known yet."""
