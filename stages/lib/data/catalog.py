"""The catalog: one CSV row per image, in the form of Fitzpatrick17k (Groh et al., CVPR 2021 workshops).

Source: https://github.com/mattgroh/fitzpatrick17k, file `fitzpatrick17k.csv`, CC BY-NC-SA 3.0.
"""

import unicodedata

import pandas as pd
import pandera.pandas as pa

from stages.lib.core.errors import PipelineError
from stages.lib.core.words import SKIN_TYPES, SPLITS, UNKNOWN_TYPE, is_missing, plain
from stages.lib.data.csv_file import read_rows

WRONGLY_LABELLED = "3 Wrongly labelled"
"""The value of `qc` with which the dataset's dermatologists marked 17 images."""

_PUNCTUATION = str.maketrans(
    "\u2010\u2011\u2012\u2013\u2014\u2212\u2018\u2019\u201b\u02bc\u00b4`\u201c\u201d", "-" * 6 + "'" * 6 + '"' * 2
)
"""Hyphens, dashes and quotation marks, as ASCII has them."""

_TEXT = {"dtype": str, "coerce": True}
SCHEMA = pa.DataFrameSchema(
    {
        "md5hash": pa.Column(
            checks=pa.Check.str_matches(r"^[0-9a-f]{32}\Z", error="is not an MD5 in 32 lower-case hex digits"),
            **_TEXT,
        ),
        "fitzpatrick_scale": pa.Column(
            checks=pa.Check(lambda s: s.isin([str(t) for t in SKIN_TYPES]), error="is not 1 to 6 or -1"),
            **_TEXT,
        ),
        "label": pa.Column(
            checks=[
                pa.Check(lambda s: s != "", error="is empty"),
                pa.Check(lambda s: ~s.map(is_missing) | (s == ""), error="is unknown: it names no condition"),
            ],
            **_TEXT,
        ),
        "url": pa.Column(**_TEXT),
        "partition": pa.Column(
            checks=pa.Check(lambda s: s.isin([*SPLITS, ""]), error="is not train, val, test or empty"),
            required=False,
            **_TEXT,
        ),
    },
    strict=False,
)
"""The columns that the pipeline needs; more are allowed and carried along. All are read as text."""


def parse_catalog(content: bytes, origin: str) -> pd.DataFrame:
    """Reads a catalog and checks every row.

    Labels that differ in nothing one can see (`plain`) are one class, and a skin type that is missing is unknown. A
    key may be in several rows: which of them is used is for the stage validate to say.

    Args:
        content: The CSV's bytes.
        origin: Its path or URL, for messages.

    Returns:
        The rows in the file's order, every column as text (an empty cell is `""`), except
        `fitzpatrick_scale`, which is int64.

    Raises:
        PipelineError: If it is not CSV, lacks a column, has a malformed row or labels that look alike.
    """
    header, rows, lines = read_rows(content, origin)
    table = pd.DataFrame(rows, columns=header, index=lines, dtype=str)
    if "label" in table:
        table["label"] = table["label"].map(plain)
    if "fitzpatrick_scale" in table:
        types = table["fitzpatrick_scale"].map(plain)
        table["fitzpatrick_scale"] = types.mask(types.map(is_missing), str(UNKNOWN_TYPE))
    try:
        table = SCHEMA.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        raise PipelineError(f"{origin}: {_first_failure(error.failure_cases)}") from None
    if alike := _labels_alike(table["label"]):
        raise PipelineError(f"{origin}: {alike}")
    return table.reset_index(drop=True).astype({"fitzpatrick_scale": "int64"})


def _first_failure(cases: pd.DataFrame) -> str:
    """Puts the first failed check into words: line, column, value, what is wrong."""
    absent = cases[cases["check"] == "column_in_dataframe"]
    if not absent.empty:
        names = ", ".join(absent["failure_case"].astype(str))
        needed = [name for name, column in SCHEMA.columns.items() if column.required]
        return f"lacks the column {names}; it needs {', '.join(needed)}"
    more = f" (and {len(cases) - 1} more)" if len(cases) > 1 else ""
    case = cases.sort_values("index", kind="stable").iloc[0]
    where = f"line {int(case['index'])}, column {case['column']}"
    return f"{where}: {str(case['failure_case'])[:60]!r} {case['check']}{more}"


def _labels_alike(labels: pd.Series) -> str:
    """Names two labels that differ in case, in the form of a letter or in a kind of hyphen or quotation mark."""
    spellings: dict[str, str] = {}
    for label in labels.unique():
        folded = unicodedata.normalize("NFKC", label.translate(_PUNCTUATION)).casefold()
        other = spellings.setdefault(folded, label)
        if other != label:
            lines = [", ".join(map(str, labels.index[labels == name][:5])) for name in (other, label)]
            return (
                f"labels {other!r} (line {lines[0]}) and {label!r} (line {lines[1]}) look alike but would be two "
                f"classes; write both in one way"
            )
    return ""


def parse_images(content: bytes, origin: str) -> pd.DataFrame:
    """Reads a catalog for who brings its images: one row for each key, if a classifier can be learnt from them.

    Args:
        content: The CSV's bytes.
        origin: Its path or URL, for messages.

    Returns:
        As `parse_catalog`, but of the rows of one key the first that has a URL, or else the first.

    Raises:
        PipelineError: As `parse_catalog`; or if there is one class only, or a column `partition` that places every row
            and leaves a split without any.
    """
    catalog = parse_catalog(content, origin)
    if len(names := class_names(catalog)) < 2:
        raise PipelineError(f"{origin}: has one class only, {names[0]!r}; a classifier needs two")
    places = set(catalog.get("partition", [""]))
    if "" not in places and (absent := [name for name in SPLITS if name not in places]):
        raise PipelineError(
            f"{origin}: column partition places every row, and none in {' or '.join(absent)}; mark some, or empty the "
            f"cells of rows that may be dealt"
        )
    with_url_first = (catalog["url"].str.strip() == "").sort_values(kind="stable").index
    chosen = catalog.loc[with_url_first].drop_duplicates("md5hash")
    return chosen.sort_index().reset_index(drop=True)


def class_names(catalog: pd.DataFrame) -> list[str]:
    """Returns the classes in sorted order: the catalog's, whether or not their images arrived."""
    return sorted(catalog["label"].unique())
