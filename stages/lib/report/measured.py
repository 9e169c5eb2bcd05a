"""Figures with their intervals: what the JSON files of `evaluate` and `baselines` say of a row or a baseline."""

from pydantic import BaseModel, ConfigDict


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True)


class Estimate(_Read):
    """A figure with its 95 % interval; None where there is none."""

    value: float | None
    low: float | None
    high: float | None


class Partition(_Read):
    """Scores of coarser classes."""

    classes: int
    metrics: dict[str, Estimate]


class Fairness(_Read):
    """How a row's scores differ between skin types, for one rating, input and level (see docs of `evaluate`)."""

    rating: str
    input: str
    level: str
    gap: Estimate | None
    best: str | None
    worst: str | None
    gap_p: float | None
    pqd: float | None
    dpm: float | None
    eom: float | None
    min_support: int
    groups_compared: list[str]
    dpm_coverage: float | None
    eom_coverage: float | None


class Hidden(_Read):
    """The same test images with the skin type set to unknown."""

    metrics: dict[str, Estimate]
    difference: dict[str, Estimate]


class Assessment(_Read):
    """A row's assessment.json."""

    features_precision: str | None
    """The number format its features were computed in; None: trained from pixels."""
    images: dict[str, int]
    groups: dict[str, int]
    classes: int
    metrics: dict[str, Estimate]
    temperature: float
    f1_published: float
    batch_size: int
    partitions: dict[str, Partition]
    skin_types: list[Fairness]
    type_hidden: Hidden | None

    def fairness(self, rating: str = "fitzpatrick_scale", level: str = "type") -> Fairness | None:
        """Returns the comparison of skin types with the type given, None where the catalog has no such rating."""
        for entry in self.skin_types:
            if (entry.rating, entry.input, entry.level) == (rating, "given", level):
                return entry
        return None


class Baseline(_Read):
    """What a row has to beat."""

    kind: str
    features: str | None
    predicts: str | None
    metrics: dict[str, Estimate]
    loss: float | None
