"""`make freeze CATALOG=catalogs/mine.csv`: the catalog with today's split in its column `partition`.

Splits are dealt by quotas, so a larger catalog moves a few of its old images. No rule without memory can both place
every image for good and keep every class at its share; this file, committed to Git, is the memory. Images of a frozen
catalog stay where they are whatever is added to it; rows that were not dealt (dropped, say) keep an empty cell and are
dealt with the new ones when they come.
"""

import hashlib
import io
import shlex
from pathlib import Path

import pandas as pd

from stages.lib.core.errors import PipelineError
from stages.lib.core.files import read_bytes, write_text
from stages.lib.core.params import load_params
from stages.lib.core.paths import RAW
from stages.lib.core.sections import SAMPLE_CATALOG
from stages.lib.data.csv_file import read_rows
from stages.lib.data.manifest import SPLITS_TABLE
from stages.lib.split.splits import PARTITION
from tools.commands import Parser, start


def main() -> None:
    """Writes the file and prints how to use it."""
    parser = Parser(description=__doc__)
    parser.add_argument("catalog", type=Path, help="the CSV file to write")
    path = parser.parse_args().catalog
    params = load_params()
    section = f"datasets.{params.dataset}"
    if params.active.catalog == SAMPLE_CATALOG:
        raise PipelineError(f"params.yaml: {section}: its catalog is drawn by code; there is nothing to freeze")
    if params.split.fold is not None:
        raise PipelineError(
            f"params.yaml: split.fold: {SPLITS_TABLE} is that of fold {params.split.fold}; freeze the split itself, "
            f"after `dvc repro split` with `split.fold: null`"
        )
    files = ((RAW / "catalog.csv"), SPLITS_TABLE)
    text, placed, of = frozen(*(read_bytes(file).decode("utf-8-sig") for file in files))
    write_text(path, text)
    print(f"{path}: {placed:,} of {of:,} rows are placed. Add rows with an empty {PARTITION}, commit the file, then")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    print(shlex.join(["dvc", "exp", "run", "-S", f"{section}.catalog={path}", "-S", f"{section}.sha256={digest}"]))


def frozen(catalog: str, splits: str) -> tuple[str, int, int]:
    """Puts a split into a catalog.

    Args:
        catalog: The CSV file that was dealt; all of its columns stay as they are but for `partition`.
        splits: data/splits.csv.

    Returns:
        The CSV file with `partition`, how many of its rows are placed, and how many it has.

    Raises:
        PipelineError: If an image of the split is not in the catalog.
    """
    header, rows, _ = read_rows(catalog.encode(), "the catalog")
    table = pd.DataFrame(rows, columns=header)
    place = pd.read_csv(io.StringIO(splits), dtype=str).set_index("md5hash")["split"]
    strange = place.index.difference(table["md5hash"])
    if len(strange):
        raise PipelineError(f"{SPLITS_TABLE}: {strange[0]} is not in the catalog; deal it with `dvc repro split` first")
    table[PARTITION] = table["md5hash"].map(place).fillna("")
    return table.to_csv(index=False, lineterminator="\n"), len(place), len(table)


if __name__ == "__main__":
    start(main)
