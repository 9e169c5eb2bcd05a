"""Each catalog row is kept, or dropped with the reason; the four outputs agree with one another.

What they are made from is what preprocess writes of images like these.
"""

import hashlib
import io
import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from stages import preprocess, validate
from stages.lib.core.errors import PipelineError
from stages.lib.core.params import load_params
from stages.lib.core.sections import Preprocess, Validate

OUTPUTS = ("data/manifest.csv", "data/dropped.csv", "data/classes.json", "data/validation.json")


def jpeg(seed: int, width: int = 50, height: int = 40) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


class Project:
    """A checkout with what fetch writes."""

    def __init__(self, root):
        self.root, self.rows, self.fetched = root, [], []
        self.rules = {"min_side_px": 32, "drop_wrongly_labelled": True}
        self.rules |= {"duplicates": "keep_first", "min_kept_fraction": 0.0}

    def add(self, content=None, label="acne", skin_type=3, qc="", status="ok", detail="", store=True) -> str:
        key = hashlib.md5(content or str(len(self.rows)).encode()).hexdigest()
        self.rows.append([key, skin_type, label, qc, f"http://x.invalid/{key}"])
        self.fetched.append([key, status, "url", detail])
        if content is not None and store:
            path = self.raw / "images" / key[:2] / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return key

    @property
    def raw(self):
        return self.root / "data/raw/sample"

    def write(self, columns=("md5hash", "fitzpatrick_scale", "label", "qc", "url")):
        self.raw.mkdir(parents=True, exist_ok=True)
        names = ["md5hash", "fitzpatrick_scale", "label", "qc", "url"]
        catalog = pd.DataFrame(self.rows, columns=names)[list(columns)]
        catalog.to_csv(self.raw / "catalog.csv", index=False)
        fetched = pd.DataFrame(self.fetched, columns=["md5hash", "status", "source", "detail"])
        # fetch may finish in any order
        fetched[::-1].to_csv(self.raw / "fetch.csv", index=False)

    def decode(self, **options):
        self.write(**options)
        preprocess.main()

    def run(self, **options):
        self.decode(**options)
        validate.main()
        dropped = pd.read_csv(self.root / "data/dropped.csv", keep_default_na=False)
        summary = json.loads((self.root / "data/validation.json").read_text())
        return (
            pd.read_csv(self.root / "data/manifest.csv", dtype=str, keep_default_na=False),
            dropped,
            summary,
        )

    def outputs(self):
        return [name for name in OUTPUTS if (self.root / name).exists()]


@pytest.fixture
def project(tmp_path, monkeypatch):
    made, params = Project(tmp_path), load_params()
    of_tensors = Preprocess(image_size_px=75, max_pixels=10_000)
    for stage in (preprocess, validate):
        monkeypatch.setattr(
            stage,
            "load_params",
            lambda: params.model_copy(
                update={"dataset": "sample", "preprocess": of_tensors, "validate_": Validate(**made.rules)}
            ),
        )
    monkeypatch.chdir(tmp_path)
    return made


def test_every_reason_is_given(project):
    noise = jpeg(0)
    expected = {
        project.add(status="no_url"): ("no_url", ""),
        project.add(status="fetch_failed", detail="404 twice"): ("fetch_failed", "404 twice"),
        project.add(status="md5_mismatch", detail="got 12ab"): ("md5_mismatch", "got 12ab"),
        project.add(jpeg(1), qc="3 Wrongly labelled"): ("wrongly_labelled", "qc is '3 Wrongly labelled'"),
        project.add(b"<html>gone</html>"): ("not_an_image", "17 bytes"),
        project.add(noise[: len(noise) // 2]): ("truncated", "truncated"),
        project.add(jpeg(2, 31, 40)): ("too_small", "31x40 px"),
        project.add(jpeg(3, 101, 100)): ("too_many_pixels", "101x100 px"),
    }
    kept = project.add(noise, label="psoriasis")
    copy = project.add(noise[:2] + b"\xff\xfe\x00\x05abc" + noise[2:], label="eczema")
    expected[copy] = ("exact_duplicate", f"same pixels as {kept} (psoriasis)")

    manifest, dropped, summary = project.run()

    assert manifest["md5hash"].tolist() == [kept]
    assert dropped.columns.tolist() == ["md5hash", "label", "reason", "detail"]
    assert dropped["md5hash"].tolist() == list(expected)
    for row, (reason, detail) in zip(dropped.itertuples(), expected.values(), strict=True):
        assert row.reason == reason
        assert detail in row.detail
    assert summary["dropped"] == dict.fromkeys(validate.REASONS, 1) | {"conflicting_labels": 0}
    assert summary["classes"] == {"catalog": 3, "kept": 1, "gone": ["acne", "eczema"]}


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
    project.add(status="no_url", label="acne")
    project.run()
    assert json.loads((project.root / "data/classes.json").read_text()) == ["acne", "zoster"]


def test_wrongly_labelled_rows_stay_if_the_param_says_so(project):
    key = project.add(jpeg(0), qc="3 Wrongly labelled")
    project.rules["drop_wrongly_labelled"] = False
    assert project.run()[0]["md5hash"].tolist() == [key]


def test_a_catalog_without_qc_is_fine(project):
    key = project.add(jpeg(0))
    assert project.run(columns=("md5hash", "fitzpatrick_scale", "label", "url"))[0]["md5hash"].tolist() == [key]


def test_a_duplicate_of_a_dropped_row_is_kept(project):
    noise = jpeg(0)
    project.add(noise, qc="3 Wrongly labelled")
    kept = project.add(noise[:2] + b"\xff\xfe\x00\x05abc" + noise[2:])
    assert project.run()[0]["md5hash"].tolist() == [kept]


def test_a_second_run_writes_the_same_bytes(project):
    for seed in range(6):
        project.add(jpeg(seed))
    project.add(b"no image")
    project.run()
    first = [(project.root / name).read_bytes() for name in OUTPUTS]
    project.run()
    assert [(project.root / name).read_bytes() for name in OUTPUTS] == first


def commented(content: bytes, comment: bytes) -> bytes:
    """The same pixels in other bytes."""
    return content[:2] + b"\xff\xfe\x00\x05" + comment + content[2:]


def test_none_of_several_labels_is_kept_if_the_param_says_so(project):
    noise, other = jpeg(0), jpeg(1)
    project.rules["duplicates"] = "drop"
    torn = [project.add(noise, label="acne"), project.add(commented(noise, b"abc"), label="eczema")]
    torn.append(project.add(commented(noise, b"xyz"), label="acne"))
    kept = project.add(other, label="acne")
    again = project.add(commented(other, b"abc"), label="acne")
    manifest, dropped, summary = project.run()
    assert manifest["md5hash"].tolist() == [kept]
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
    summary = project.run()[2]
    assert summary["per_class"] == [
        {"class": "acne", "kept": 1, "not_an_image": 1},
        {"class": "zoster", "kept": 0, "no_url": 1},
    ]
    assert summary["per_skin_type"][0] == {"skin_type": "1", "kept": 1}
    assert summary["per_skin_type"][-1] == {"skin_type": "unknown", "kept": 0, "no_url": 1, "not_an_image": 1}


def test_classes_without_an_image_are_said(project, capsys):
    project.add(jpeg(0), label="acne")
    project.add(status="no_url", label="zoster")
    project.run()
    assert "no image is left of zoster" in capsys.readouterr().out


def test_too_few_kept_ends_the_run_and_writes_nothing(project):
    project.add(jpeg(0))
    project.add(status="fetch_failed")
    project.rules["min_kept_fraction"] = 0.51
    project.decode()
    with pytest.raises(PipelineError, match=r"1 of 2 rows are usable \(1 fetch_failed\).*min_kept_fraction"):
        validate.main()
    assert project.outputs() == []
    project.rules["min_kept_fraction"] = 0.5
    project.run()


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


def test_nothing_kept_writes_nothing(project):
    project.add(jpeg(0, 20, 20))
    project.add(jpeg(1, 20, 20))
    project.add(status="no_url")
    project.decode()
    with pytest.raises(PipelineError, match="no image of 3 rows is usable \\(1 no_url, 2 too_small\\)"):
        validate.main()
    assert project.outputs() == []


@pytest.mark.parametrize("name", ["catalog.csv", "fetch.csv"])
def test_a_missing_table_is_named(project, name):
    project.add(jpeg(0))
    project.decode()
    (project.raw / name).unlink()
    with pytest.raises(PipelineError, match=f"{name}: missing; run"):
        validate.main()


def test_decoded_images_of_another_fetch_are_refused(project):
    project.add(jpeg(0))
    project.decode()
    later = project.add(jpeg(1))
    project.write()
    with pytest.raises(
        PipelineError, match=rf"decoded\.csv: has no row of image {later}; make it anew with `dvc repro`"
    ):
        validate.main()
    assert project.outputs() == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t[1:], "one row for each"),
        (lambda t: pd.concat([t, t[:1]]), "one row for each"),
        (lambda t: t.drop(columns="status"), "lacks the column status"),
        (lambda t: t.assign(status="maybe"), "unknown status 'maybe'"),
    ],
)
def test_a_fetch_table_of_another_catalog_is_refused(project, change, message):
    project.add(jpeg(0))
    project.add(jpeg(1))
    project.write()
    path = project.raw / "fetch.csv"
    change(pd.read_csv(path)).to_csv(path, index=False)
    with pytest.raises(PipelineError, match=message):
        validate.main()


def test_an_empty_fetch_table_is_refused(project):
    project.add(jpeg(0))
    project.write()
    (project.raw / "fetch.csv").write_text("")
    with pytest.raises(PipelineError, match=r"fetch\.csv"):
        validate.main()
