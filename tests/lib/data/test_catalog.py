"""What a catalog may look like, and the line that a wrong one gets."""

from pathlib import Path

import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.data.catalog import class_names, parse_catalog

KEY = "0123456789abcdef0123456789abcdef"
HEADER = "md5hash,fitzpatrick_scale,label,url\n"
REAL = Path(__file__).parents[4] / "shared/fitzpatrick17k/fitzpatrick17k.csv"


def test_columns_are_text_but_for_the_skin_type_and_extra_ones_are_kept():
    table = parse_catalog(f"md5hash,fitzpatrick_scale,label,url,lesion_id\n{KEY},-1,acne,,007\n".encode(), "c.csv")
    assert table.loc[0].to_dict() == {
        "md5hash": KEY, "fitzpatrick_scale": -1, "label": "acne", "url": "", "lesion_id": "007",
    }  # fmt: skip


def test_classes_are_sorted_and_come_from_all_rows():
    rows = "".join(f"{n:032x},1,{label},\n" for n, label in enumerate(["psoriasis", "acne", "acne"]))
    assert class_names(parse_catalog((HEADER + rows).encode(), "c.csv")) == ["acne", "psoriasis"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not a CSV file"),
        (b"\x89PNG\r\n\x1a\n\x00", "not a CSV file"),
        (b"<!doctype html>\n<p>moved</p>\n", "not a CSV file"),
        (HEADER.encode(), "has a header but no row"),
        (b"md5hash,label\na,b\n", "lacks the column fitzpatrick_scale, url"),
        (f"{HEADER}../../x,1,acne,\n".encode(), "line 2, column md5hash: '../../x' is not an MD5"),
        (f"{HEADER}{KEY.upper()},1,acne,\n".encode(), "line 2, column md5hash"),
        (f"{HEADER}{KEY},1,acne,\n{KEY},2,acne,\n".encode(), "stands in lines 2, 3; a key is unique"),
        (f"{HEADER}{KEY},1,,\n".encode(), "line 2, column label: '' is empty"),
        (f"{HEADER}{KEY},1,unknown,\n".encode(), "line 2, column label: 'unknown' is unknown"),
        (f"{HEADER}{KEY},7,acne,\n".encode(), "line 2, column fitzpatrick_scale: '7' is not 1 to 6 or -1"),
        (
            f"md5hash,fitzpatrick_scale,label,url,partition\n{KEY},1,acne,,valid\n".encode(),
            "line 2, column partition: 'valid' is not train, val, test or empty",
        ),
        (f"{HEADER}{KEY},1,acne,,5,6\n".encode(), "more cells than its header"),
    ],
)
def test_a_wrong_catalog_gets_one_line(content, says):
    with pytest.raises(PipelineError) as caught:
        parse_catalog(content, "some/catalog.csv")
    line = str(caught.value)
    assert line.startswith("some/catalog.csv: ") and says in line


@pytest.mark.skipif(not REAL.exists(), reason="the real catalog is not here")
def test_the_real_catalog():
    table = parse_catalog(REAL.read_bytes(), "fitzpatrick17k.csv")
    assert len(table) == 16_577
    assert len(class_names(table)) == 114
    assert (table["url"] == "").sum() == 41
