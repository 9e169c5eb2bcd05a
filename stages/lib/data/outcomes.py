"""What became of each image on its way in: the tables that fetch and preprocess leave for the stages after them."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import pandas as pd

from stages.lib.core.errors import PipelineError
from stages.lib.core.files import read_csv, write_csv
from stages.lib.core.paths import DECODED

FETCH_FAULTS = ("no_url", "fetch_failed", "md5_mismatch")
"""The statuses of fetch.csv that say that no image is there."""


@dataclass(frozen=True)
class Outcome:
    """A row of decoded.csv: what came of decoding one image.

    Attributes:
        md5hash: The catalog's key.
        reason: Why there is no tensor of it; empty if there is.
        detail: The reason in more words.
        width_px: Of the image as displayed; None, as the next two, if it could not be decoded.
        height_px: Likewise.
        pixels_digest: XXH3 (128 bits) of size and tensor: two images of one digest are the same to all that comes
            after, whatever their files' bytes.
        complaint: What a decoder found wrong with an image of which there is a tensor; empty: nothing.
        damaged: Whether pixels may be wrong by it.
    """

    md5hash: str
    reason: str
    detail: str
    width_px: int | None = None
    height_px: int | None = None
    pixels_digest: str | None = None
    complaint: str = ""
    damaged: bool = False


_COLUMNS = [field.name for field in fields(Outcome)]
_SIZES = {"width_px": "Int64", "height_px": "Int64"}


def read_fetched(raw: Path) -> pd.DataFrame:
    """Reads what the stage fetch says of every image.

    Args:
        raw: `data/raw`.

    Returns:
        Text columns `md5hash`, `status` (`ok`, or one of `FETCH_FAULTS`) and `detail`, among others.

    Raises:
        PipelineError: If the table is missing, damaged or has another status.
    """
    path = raw / "fetch.csv"
    fetched = read_csv(path, ("md5hash", "status", "detail"))
    unknown = fetched[~fetched["status"].isin(["ok", *FETCH_FAULTS])]
    if not unknown.empty:
        row = unknown.iloc[0]
        raise PipelineError(
            f"{path}: {row['md5hash']} has the unknown status {row['status']!r}; make it anew with `dvc repro`"
        )
    return fetched


def write_decoded(outcomes: Iterable[Outcome]) -> None:
    """Writes data/decoded.csv: what came of every image that was fetched."""
    write_csv(DECODED, pd.DataFrame([vars(outcome) for outcome in outcomes], columns=_COLUMNS).astype(_SIZES))


def read_decoded(keys: pd.Series) -> pd.DataFrame:
    """Reads what the stage preprocess says of images.

    Args:
        keys: Their md5hashes, `(n,)`.

    Returns:
        With the index of `keys`: `reason`, `detail`, `pixels_digest` and `complaint` (text), `width_px` and
        `height_px` (Int64), `damaged` (bool).

    Raises:
        PipelineError: If the table is missing, damaged or lacks an image.
    """
    table = read_csv(DECODED, _COLUMNS).set_index("md5hash")
    absent = keys[~keys.isin(table.index)]
    if not absent.empty or not table.index.is_unique:
        what = f"has no row of image {absent.iloc[0]}" if not absent.empty else "has an image twice"
        raise PipelineError(f"{DECODED}: {what}; make it anew with `dvc repro`")
    table = table.loc[keys].set_axis(keys.index)
    sizes = {name: pd.to_numeric(table[name]) for name in _SIZES}
    return table.assign(**sizes, damaged=table["damaged"] == "True").astype(_SIZES)
