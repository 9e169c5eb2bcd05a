"""The report's pictures, from what was measured: which rows, classes, skin types and images each of them shows."""

from collections.abc import Mapping

import pandas as pd

from stages.lib.baselines.baselines import MAJORITY
from stages.lib.core.paths import TENSORS
from stages.lib.data.shards import ShardedArray
from stages.lib.report import figures_classes, figures_rows, thumbnails
from stages.lib.report.results import MODEL, Explained, published
from stages.lib.scoring import coarse

THUMBNAIL_PX = 144


def comparison(
    tables: Mapping[str, list[str]],
    assessments: Mapping[str, dict],
    paper: pd.DataFrame,
    references: Mapping[str, dict],
) -> bytes:
    """Draws the comparison of all rows.

    Args:
        tables: Names of rows, by the title of their table.
        assessments: By row.
        paper: The published scores, by row.
        references: The baselines that the model has to beat, by name; drawn as lines.
    """

    def mark(name: str) -> dict[str, float | None]:
        return assessments[name]["metrics"]["accuracy"] | {"paper": published(paper, name).get("accuracy")}

    groups = {"Model": [MODEL]} | {title.split(":")[0]: names for title, names in tables.items()}
    return figures_rows.comparison(
        {title: {name: mark(name) for name in names} for title, names in groups.items()},
        {
            "most common class" if name == MAJORITY else "nearest class mean": line["metrics"]["accuracy"]["value"]
            for name, line in references.items()
        },
    )


def by_class(confusion: pd.DataFrame, pairs: pd.DataFrame) -> dict[str, bytes]:
    """Draws the confusion matrices that have room for names, and the pairs that are mistaken most."""
    drawn = {}
    for name in coarse.COLUMNS.values():
        if f"actual_{name}" in confusion:
            drawn[f"confusion_{name}"] = figures_classes.confusion(
                confusion[f"actual_{name}"], confusion[f"predicted_{name}"]
            )
    if pd.concat([confusion["actual"], confusion["predicted"]]).nunique() <= figures_classes.MAX_CLASSES:
        drawn["confusion"] = figures_classes.confusion(confusion["actual"], confusion["predicted"])
    if not pairs.empty:
        drawn["pairs"] = figures_classes.confused_pairs(pairs)
    return drawn


def photographs(mistakes: pd.DataFrame, explained: list[Explained]) -> dict[str, list]:
    """Makes thumbnails of the most confident mistakes and of what Grad-CAM found.

    Returns:
        `mistakes`: dictionaries of the mistake and its `jpeg`. `gradcam`: one dictionary per image, with its `jpeg`
        and, in the order of `explained`, the `networks`' maps and what each named.
    """
    tensors = ShardedArray(TENSORS)
    sheet = [
        line | {"jpeg": thumbnails.photograph(image, THUMBNAIL_PX)} for line, image in _with_images(tensors, mistakes)
    ]
    images: dict[str, dict] = {}
    for entry in explained:
        for (line, image), found in zip(_with_images(tensors, entry.table), entry.maps, strict=True):
            photograph = {"label": line["label"], "jpeg": thumbnails.photograph(image, THUMBNAIL_PX), "networks": []}
            spotlight = thumbnails.spotlight(image, found, THUMBNAIL_PX)
            images.setdefault(line["md5hash"], photograph)["networks"].append(
                line | {"row": entry.row, "seen": bool(found.any()), "jpeg": spotlight}
            )
    return {"mistakes": sheet, "gradcam": list(images.values())}


def _with_images(tensors: ShardedArray, table: pd.DataFrame) -> list[tuple[dict, object]]:
    """Returns each line of a table with the image, uint8 RGB, that its md5hash names."""
    images = tensors.gather(tensors.positions(table["md5hash"].tolist()))
    return list(zip(table.to_dict("records"), images, strict=True))
