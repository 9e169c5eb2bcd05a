"""The catalog: one CSV row per image, in the form of Fitzpatrick17k (Groh et al., CVPR 2021 workshops).

Source: https://github.com/mattgroh/fitzpatrick17k, file `fitzpatrick17k.csv`, CC BY-NC-SA 3.0.
"""

import io

import pandas as pd
import pandera.pandas as pa

from stages.lib.core.errors import PipelineError
from stages.lib.core.words import SKIN_TYPES, SPLITS

WRONGLY_LABELLED = "3 Wrongly labelled"
"""The value of `qc` with which the dataset's dermatologists marked 17 images."""
_PLACEHOLDER_LABELS = {"nan", "none", "null", "unknown", "n/a", "na", "-1", "?"}

_TEXT = {"dtype": str, "coerce": True}
SCHEMA = pa.DataFrameSchema(
    {
        "md5hash": pa.Column(
            checks=pa.Check.str_matches(r"^[0-9a-f]{32}\Z", error="is not an MD5 in 32 lower-case hex digits"),
            unique=True,
            **_TEXT,
        ),
        "fitzpatrick_scale": pa.Column(
            checks=pa.Check(lambda s: s.isin([str(t) for t in SKIN_TYPES]), error="is not 1 to 6 or -1"),
            **_TEXT,
        ),
        "label": pa.Column(
            checks=[
                pa.Check(lambda s: s.str.strip() != "", error="is empty"),
                pa.Check(lambda s: s == s.str.strip(), error="has white space around it"),
                pa.Check(
                    lambda s: ~s.str.lower().isin(_PLACEHOLDER_LABELS),
                    error="is unknown: it names no condition",
                ),
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

    Args:
        content: The CSV's bytes.
        origin: Its path or URL, for messages.

    Returns:
        The rows in the file's order, every column as text (an empty cell is `""`), except
        `fitzpatrick_scale`, which is int64.

    Raises:
        PipelineError: If it is not CSV, lacks a column, or a row is malformed or stands twice.
    """
    try:
        table = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise PipelineError(f"{origin}: not a CSV file in UTF-8 ({error})") from None
    if len(table.columns) < 2:
        raise PipelineError(f"{origin}: not a CSV file: its first line is {str(table.columns[0])[:60]!r}")
    if table.empty:
        raise PipelineError(f"{origin}: has a header but no row")
    if isinstance(table.index, pd.MultiIndex) or table.index.dtype != "int64":
        raise PipelineError(f"{origin}: not a CSV file: its rows have more cells than its header")
    try:
        table = SCHEMA.validate(table, lazy=True)
    except pa.errors.SchemaErrors as error:
        raise PipelineError(f"{origin}: {_first_failure(error.failure_cases, table)}") from None
    return table.astype({"fitzpatrick_scale": "int64"})


def _first_failure(cases: pd.DataFrame, table: pd.DataFrame) -> str:
    """Puts the first failed check into words: row (as an editor counts lines), column, value, what is wrong."""
    absent = cases[cases["check"] == "column_in_dataframe"]
    if not absent.empty:
        names = ", ".join(absent["failure_case"].astype(str))
        needed = [name for name, column in SCHEMA.columns.items() if column.required]
        return f"lacks the column {names}; it needs {', '.join(needed)}"
    more = f" (and {len(cases) - 1} more)" if len(cases) > 1 else ""
    case = cases.sort_values("index", kind="stable").iloc[0]
    what = str(case["check"])
    if what == "field_uniqueness":
        rows = table.index[table[case["column"]] == case["failure_case"]] + 2
        what, more = f"stands in lines {', '.join(map(str, rows))}; a key is unique", ""
    return f"line {int(case['index']) + 2}, column {case['column']}: {str(case['failure_case'])[:60]!r} {what}{more}"


def class_names(catalog: pd.DataFrame) -> list[str]:
    """Returns the classes in sorted order: the catalog's, whether or not their images arrived."""
    return sorted(catalog["label"].unique())
