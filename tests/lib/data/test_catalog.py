"""What a catalog may look like, and the line that a wrong one gets."""

from pathlib import Path

import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.data.catalog import class_names, parse_catalog, parse_images

KEY, OTHER = "0123456789abcdef0123456789abcdef", "f" * 32
HEADER = "md5hash,fitzpatrick_scale,label,url\n"
REAL = Path(__file__).parents[4] / "shared/fitzpatrick17k/fitzpatrick17k.csv"


def test_columns_are_text_but_for_the_skin_type_and_extra_ones_are_kept():
    rows = f"{KEY},-1,acne,,007\n{OTHER},NA,eczema,,\n"
    table = parse_catalog(f"md5hash,fitzpatrick_scale,label,url,lesion_id\n{rows}".encode(), "c.csv")
    assert table["fitzpatrick_scale"].tolist() == [-1, -1]
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
        (f"{HEADER}{KEY},1,,\n".encode(), "line 2, column label: '' is empty"),
        (f"{HEADER}{KEY},1,unknown,\n".encode(), "line 2, column label: 'unknown' is unknown"),
        (f"{HEADER}{KEY},7,acne,\n".encode(), "line 2, column fitzpatrick_scale: '7' is not 1 to 6 or -1"),
        (
            f"md5hash,fitzpatrick_scale,label,url,partition\n{KEY},1,acne,,valid\n".encode(),
            "line 2, column partition: 'valid' is not train, val, test or empty",
        ),
        (f"{HEADER}{KEY},1,acne,,5,6\n".encode(), "line 2 has 6 cells where the header has 4"),
        (f"{HEADER}{KEY},1,N/A,\n".encode(), "line 2, column label: 'N/A' is unknown"),
        (HEADER.encode("utf-16"), "not a CSV file in UTF-8 but in UTF-16; save it as `CSV UTF-8`"),
        (f"{HEADER}{KEY},1,n\xe6vus,\n".encode("latin-1"), "not a CSV file in UTF-8: line 2 has the byte 0xe6"),
        (f"{HEADER}{KEY},1,ac\0ne,\n".encode(), "line 2 has a NUL byte"),
        (HEADER.replace(",", ";").encode(), "its cells are separated by semicolons"),
        (HEADER.replace(",", "\t").encode(), "its cells are separated by tabs"),
        (b"sep=,\n" + HEADER.encode(), "first line, `sep=`, is one that only Excel reads; delete that line"),
        (b"sep=;\n" + HEADER.replace(",", ";").encode(), "`sep=`"),
        (b"md5hash, label\na,b\n", "the column ' label' has white space or invisible characters in its name"),
        (f"md5hash,fitzpatrick_scale,label,url,label\n{KEY},1,acne,,x\n".encode(), "has 2 columns 'label'; leave one"),
        (f'{HEADER}{KEY},1,"acne,\n'.encode(), "not a CSV file: line 2: unexpected end of data"),
        (f"{HEADER}{KEY},1,acne,\n{OTHER},2,acne,\n".encode(), "has one class only, 'acne'"),
        (
            f"{HEADER[:-1]},partition\n{KEY},1,acne,,train\n{OTHER},2,zoster,,val\n".encode(),
            "column partition places every row, and none in test",
        ),
    ],
)
def test_a_wrong_catalog_gets_one_line(content, says):
    with pytest.raises(PipelineError) as caught:
        parse_images(content, "some/catalog.csv")
    line = str(caught.value)
    assert line.startswith("some/catalog.csv: ") and says in line


def rows_of(*labels: str) -> bytes:
    return (HEADER + "".join(f"{number:032x},3,{label},\n" for number, label in enumerate(labels))).encode()


@pytest.mark.parametrize(
    "spelling",
    ["basal\u00a0cell näve", "basal  cell näve", "basal\u200b cell näve", "basal cell na\u0308ve", " basal cell näve "],
)
def test_labels_that_differ_in_nothing_one_can_see_are_one_class(spelling):
    table = parse_catalog(rows_of("basal cell näve", spelling, "zoster"), "c.csv")
    assert class_names(table) == ["basal cell näve", "zoster"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Acne", "acne"),
        ("Darier's disease", "Darier\u2019s disease"),
        ("non-melanoma", "non\u2010melanoma"),
        ("\ufb01broma", "fibroma"),
        ("straße", "STRASSE"),
    ],
)
def test_labels_that_look_alike_are_refused_with_their_lines(one, other):
    with pytest.raises(PipelineError) as caught:
        parse_catalog(rows_of("zoster", one, one, other), "c.csv")
    assert f"labels {one!r} (line 3, 4) and {other!r} (line 5) look alike" in str(caught.value)


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("{0},3,acne,\n\n\n{1},3,acne,\n{2},9,acne,\n", 6),
        ('{0},3,"ac\nne",\n{1},9,acne,\n', 4),
        ("{0},3,acne,\r\n{1},9,acne,\r\n", 3),
        ("{0},3,acne,\r{1},9,acne,\r", 3),
        (",,,\n{0},3,acne,\n{1},9,acne,\n", 4),
    ],
)
def test_a_line_is_the_files(body, line):
    with pytest.raises(PipelineError, match=f"^c.csv: line {line}, column fitzpatrick_scale: '9'"):
        parse_catalog((HEADER + body.format(*(f"{number:032x}" for number in range(3)))).encode(), "c.csv")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + rows_of("acne", "zoster"),  # a byte order mark
        b"\xef\xbb\xbf" + rows_of("acne", "zoster").replace(b"md5hash,", b'"md5hash",'),
        rows_of("acne", "zoster").replace(b"\n", b"\r"),
        rows_of("acne", "zoster").replace(b"\n", b",,\n"),  # cells beyond the header, in it as well
        rows_of("acne", "zoster").replace(b",\n", b"\n").replace(b"label", b"label", 1),  # cells that a row lacks
        rows_of("acne", "zoster") + b",,,\n\n",
    ],
)
def test_what_spreadsheets_write_is_read(content):
    table = parse_catalog(content.replace(b"label,url,,", b"label,url,"), "c.csv")
    assert table["label"].tolist() == ["acne", "zoster"]
    assert table["url"].tolist() == ["", ""]
    assert table.columns.tolist() == ["md5hash", "fitzpatrick_scale", "label", "url"]


def test_columns_without_a_name_are_carried_along():
    content = f",{HEADER}0,{KEY},1,acne,\n1,{OTHER},2,zoster,\n".encode()
    table = parse_catalog(content, "c.csv")
    assert table.columns[0] == "Unnamed: 0"


def test_a_key_in_several_rows_is_one_image_with_the_first_address_that_there_is():
    rows = f"{KEY},1,acne,\n{OTHER},2,zoster,http://b\n{KEY},1,zoster,http://a\n{OTHER},2,acne,http://c\n"
    content = (HEADER + rows).encode()
    assert len(parse_catalog(content, "c.csv")) == 4
    images = parse_images(content, "c.csv")
    assert images[["md5hash", "url"]].to_numpy().tolist() == [[OTHER, "http://b"], [KEY, "http://a"]]


def test_a_partition_with_empty_cells_is_for_us_to_fill():
    content = f"{HEADER[:-1]},partition\n{KEY},1,acne,,test\n{OTHER},2,zoster,,\n".encode()
    assert parse_images(content, "c.csv")["partition"].tolist() == ["test", ""]


@pytest.mark.skipif(not REAL.exists(), reason="the real catalog is not here")
def test_the_real_catalog():
    table = parse_catalog(REAL.read_bytes(), "fitzpatrick17k.csv")
    assert len(table) == 16_577
    assert len(class_names(table)) == 114
    assert (table["url"] == "").sum() == 41
