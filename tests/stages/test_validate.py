"""Each catalog row is kept, or dropped with the reason; the four outputs agree with one another."""

import json

import pandas as pd
import pytest

from stages import validate
from tests.stages.validate_project import OUTPUTS, jpeg


def commented(content: bytes, comment: bytes) -> bytes:
    """The same pixels in other bytes."""
    return content[:2] + b"\xff\xfe\x00\x05" + comment + content[2:]


def test_every_reason_is_given(project):
    noise = jpeg(0)
    cut_and_closed = jpeg(8)[:-40] + b"\xff\xd9"
    expected = {
        project.add(status="no_url"): ("no_url", ""),
        project.add(status="fetch_failed", detail="404 twice"): ("fetch_failed", "404 twice"),
        project.add(status="md5_mismatch", detail="got 12ab"): ("md5_mismatch", "got 12ab"),
        project.add(jpeg(1), qc="3 Wrongly labelled"): ("wrongly_labelled", "qc is '3 Wrongly labelled'"),
        project.add(b"<html>gone</html>"): ("not_an_image", "17 bytes"),
        project.add(b"\0\0\0\x18ftypheic" + bytes(12)): ("unsupported", "HEIF (heic)"),
        project.add(noise[: len(noise) // 2]): ("truncated", "truncated"),
        project.add(cut_and_closed): ("damaged", "premature end of data segment"),
        project.add(jpeg(2, 31, 40)): ("too_small", "31x40 px"),
        project.add(jpeg(3, 101, 100)): ("too_many_pixels", "101x100 px"),
    }
    kept = [project.add(noise, label="psoriasis"), project.add(jpeg(9), label="zoster")]
    copy = project.add(commented(noise, b"abc"), label="rosacea")
    expected[copy] = ("exact_duplicate", f"same pixels as {kept[0]} (psoriasis)")

    manifest, dropped, summary = project.run()

    assert manifest["md5hash"].tolist() == kept
    assert dropped.columns.tolist() == ["md5hash", "label", "reason", "detail"]
    assert dropped["md5hash"].tolist() == list(expected)
    for row, (reason, detail) in zip(dropped.itertuples(), expected.values(), strict=True):
        assert row.reason == reason
        assert detail in row.detail
    assert summary["dropped"] == dict.fromkeys(validate.REASONS, 1) | {"conflicting_labels": 0}
    assert summary["classes"] == {"catalog": 5, "kept": 2, "gone": ["acne", "eczema", "rosacea"]}


@pytest.mark.parametrize(("policy", "kept"), [("drop", 3), ("keep", 4)])
def test_what_decoders_complain_of_is_kept_or_dropped_by_the_policy_and_said(project, capsys, policy, kept):
    project.rules["damaged"] = policy
    whole = jpeg(2)
    stray = whole[:20] + bytes(5) + whole[20:]  # after the first segment
    keys = [project.add(content) for content in (jpeg(0), jpeg(1), stray, jpeg(3)[:-40] + b"\xff\xd9")]
    manifest, dropped, summary = project.run()
    assert manifest["md5hash"].tolist() == keys[:kept]
    assert dropped["reason"].tolist() == ["damaged"] * (4 - kept)
    assert summary["flagged"] == {"damaged": kept - 3, "complaint": 1}
    said = capsys.readouterr().out
    assert "decoders complain of 2 of the tensors' images" in said
    assert "kept 1 images of which a decoder complains" in said
    assert ("though pixels may be wrong" in said) == (policy == "keep")


def test_another_policy_decodes_nothing_again(project):
    project.rules["damaged"] = "keep"
    key = project.add(jpeg(0)[:-40] + b"\xff\xd9")
    project.add(jpeg(1))
    project.decode()
    project.path(key).unlink()
    validate.main()
    assert key in (project.root / "data/manifest.csv").read_text()


@pytest.mark.parametrize(
    ("policy", "labels", "reasons"),
    [
        ("keep_first", ("acne", "eczema"), ["exact_duplicate"]),
        ("drop", ("acne", "eczema"), ["conflicting_labels"] * 2),
        ("drop", ("acne", "acne"), ["exact_duplicate"]),
    ],
)
def test_a_key_in_two_rows_is_for_the_policy_to_decide(project, capsys, policy, labels, reasons):
    project.rules["duplicates"] = policy
    key = project.add(jpeg(0), label=labels[0])
    project.add(jpeg(0), label=labels[1])
    others = [project.add(jpeg(1)), project.add(jpeg(2))]
    manifest, dropped, summary = project.run()
    assert manifest["md5hash"].tolist() == ([key] if len(reasons) == 1 else []) + others
    assert dropped["reason"].tolist() == reasons
    assert summary["repeated_keys"] == 1
    assert f"1 keys are in several rows ({key})" in capsys.readouterr().out


def test_kept_rows_stand_in_catalog_order_with_their_columns(project):
    keys = [project.add(jpeg(seed, 40 + seed, 50), skin_type=t) for seed, t in enumerate([1, 2, 2, 6, -1])]
    manifest, dropped, summary = project.run()
    assert manifest["md5hash"].tolist() == keys
    assert manifest.columns.tolist() == [
        "md5hash", "fitzpatrick_scale", "label", "qc", "url", "width_px", "height_px",
    ]  # fmt: skip
    assert manifest["width_px"].tolist() == ["40", "41", "42", "43", "44"]
    assert set(manifest["height_px"]) == {"50"}
    assert dropped.empty
    assert summary["catalog_rows"] == summary["kept"] == 5
    assert summary["dropped"] == dict.fromkeys(validate.REASONS, 0)
    assert summary["kept_by_skin_type"] == {"1": 1, "2": 2, "3": 0, "4": 0, "5": 0, "6": 1, "unknown": 1}


def test_classes_are_the_catalogs_even_where_no_image_is_left(project):
    project.add(jpeg(0), label="zoster")
    project.add(jpeg(1), label="eczema")
    project.add(status="no_url", label="acne")
    project.run()
    assert json.loads((project.root / "data/classes.json").read_text()) == ["acne", "eczema", "zoster"]


def test_wrongly_labelled_rows_stay_if_the_param_says_so(project):
    keys = [project.add(jpeg(seed), qc="3 Wrongly labelled") for seed in range(2)]
    project.rules["drop_wrongly_labelled"] = False
    assert project.run()[0]["md5hash"].tolist() == keys


def test_a_catalog_without_qc_is_fine(project):
    keys = [project.add(jpeg(0)), project.add(jpeg(1))]
    assert project.run(columns=("md5hash", "fitzpatrick_scale", "label", "url"))[0]["md5hash"].tolist() == keys


def test_a_duplicate_of_a_dropped_row_is_kept(project):
    noise = jpeg(0)
    project.add(noise, qc="3 Wrongly labelled")
    kept = [project.add(commented(noise, b"abc")), project.add(jpeg(1))]
    assert project.run()[0]["md5hash"].tolist() == kept


def test_a_second_run_writes_the_same_bytes(project):
    for seed in range(6):
        project.add(jpeg(seed))
    project.add(b"no image")
    project.run()
    first = [(project.root / name).read_bytes() for name in OUTPUTS]
    project.run()
    assert [(project.root / name).read_bytes() for name in OUTPUTS] == first


def test_none_of_several_labels_is_kept_if_the_param_says_so(project):
    noise, other = jpeg(0), jpeg(1)
    project.rules["duplicates"] = "drop"
    torn = [project.add(noise, label="acne"), project.add(commented(noise, b"abc"), label="eczema")]
    torn.append(project.add(commented(noise, b"xyz"), label="acne"))
    kept = project.add(other, label="acne")
    again = project.add(commented(other, b"abc"), label="acne")
    third = project.add(jpeg(2), label="eczema")
    manifest, dropped, summary = project.run()
    assert manifest["md5hash"].tolist() == [kept, third]
    assert dict(zip(dropped["md5hash"], dropped["reason"], strict=True)) == {
        **dict.fromkeys(torn, "conflicting_labels"),
        again: "exact_duplicate",
    }
    assert dropped["detail"][0] == f"same pixels as {torn[1]} (eczema); {torn[2]} (acne)"
    assert (summary["dropped"]["conflicting_labels"], summary["dropped"]["exact_duplicate"]) == (3, 1)


def test_outcomes_are_counted_per_class_and_skin_type(project):
    project.add(jpeg(0), label="acne", skin_type=1)
    project.add(b"<html>", label="acne", skin_type=-1)
    project.add(status="no_url", label="zoster", skin_type=-1)
    project.add(jpeg(1), label="eczema", skin_type=2)
    summary = project.run()[2]
    assert summary["per_class"] == [
        {"class": "acne", "kept": 1, "not_an_image": 1},
        {"class": "eczema", "kept": 1},
        {"class": "zoster", "kept": 0, "no_url": 1},
    ]
    assert summary["per_skin_type"][0] == {"skin_type": "1", "kept": 1}
    assert summary["per_skin_type"][-1] == {"skin_type": "unknown", "kept": 0, "no_url": 1, "not_an_image": 1}


def test_classes_without_an_image_are_said(project, capsys):
    project.add(jpeg(0), label="acne")
    project.add(jpeg(1), label="eczema")
    project.add(status="no_url", label="zoster")
    project.run()
    assert "no image is left of zoster" in capsys.readouterr().out


def test_extra_columns_are_carried_along(project):
    keys = [project.add(jpeg(seed)) for seed in range(2)]
    project.decode()
    path = project.raw / "catalog.csv"
    pd.read_csv(path).assign(lesion_id=["L1", ""], partition=["test", ""]).to_csv(path, index=False)
    validate.main()
    manifest = pd.read_csv(project.root / "data/manifest.csv", keep_default_na=False)
    assert manifest[["md5hash", "lesion_id", "partition"]].to_numpy().tolist() == [
        [keys[0], "L1", "test"],
        [keys[1], "", ""],
    ]
