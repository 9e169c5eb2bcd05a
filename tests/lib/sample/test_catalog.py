import hashlib
from collections import Counter

import cv2
import numpy as np
import pandas as pd
import pytest

from stages.lib.sample import catalog, copies

COLUMNS = [
    "md5hash",
    "fitzpatrick_scale",
    "fitzpatrick_centaur",
    "label",
    "nine_partition_label",
    "three_partition_label",
    "qc",
    "url",
    "url_alphanum",
]


@pytest.fixture(scope="module")
def drawn():
    return catalog.generate(130)


def pixels(body):
    return cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR)


def md5(body):
    return hashlib.md5(body).hexdigest()


def keys_of(drawn, fault):
    return [key for key, value in drawn.faults.items() if value == fault]


def sound(drawn):
    return drawn.catalog[~drawn.catalog.md5hash.isin(drawn.faults)]


def twin_error(drawn, key):
    """Smallest mean grey difference, on 24 x 24 thumbnails, of `key`'s image to a sound one of its label."""

    def thumbnail(md5hash):
        grey = cv2.cvtColor(pixels(drawn.bodies[md5hash]), cv2.COLOR_BGR2GRAY).astype(float)
        grey = cv2.resize(grey, (24, 24), interpolation=cv2.INTER_AREA)
        return grey - grey.mean()

    others = sound(drawn).set_index("label").md5hash[[drawn.catalog.set_index("md5hash").label[key]]]
    return min(np.abs(thumbnail(key) - thumbnail(other)).mean() for other in others)


def test_same_arguments_give_same_bytes_and_another_seed_does_not():
    first, second, other = catalog.generate(40), catalog.generate(40), catalog.generate(40, seed=8)
    pd.testing.assert_frame_equal(first.catalog, second.catalog)
    assert first.bodies == second.bodies
    assert first.faults == second.faults
    assert not set(first.bodies) & {key for key in other.bodies if other.faults.get(key) != "html_page"}


def test_columns_and_types_survive_a_csv_round_trip(drawn, tmp_path):
    assert list(drawn.catalog) == COLUMNS
    drawn.catalog.to_csv(tmp_path / "catalog.csv", index=False)
    read = pd.read_csv(tmp_path / "catalog.csv")
    pd.testing.assert_frame_equal(read, drawn.catalog)


def test_keys_are_unique_and_urls_reserved(drawn):
    catalog = drawn.catalog
    assert catalog.md5hash.is_unique
    assert catalog.md5hash.str.fullmatch("[0-9a-f]{32}").all()
    with_url = catalog.dropna(subset="url")
    assert with_url.url.is_unique
    assert with_url.url.str.startswith("https://sample.invalid/").all()
    expected = with_url.url.str.replace("[^A-Za-z0-9]", "", regex=True) + ".jpg"
    assert (expected == with_url.url_alphanum).all()
    assert set(drawn.bodies) == set(with_url.md5hash)


def test_labels_have_their_partitions(drawn):
    for label, rows in drawn.catalog.groupby("label"):
        assert set(rows.nine_partition_label) == {catalog.CONDITIONS[label][0]}
        assert set(rows.three_partition_label) == {catalog.CONDITIONS[label][1]}


@pytest.mark.parametrize("n_images, conditions", [(40, 3), (60, 4), (65, 5), (300, 5)])
def test_every_condition_has_twelve_images_at_least(n_images, conditions):
    labels = list(catalog.CONDITIONS)[: catalog.condition_count(n_images)]
    assert len(labels) == conditions
    counts = Counter(catalog.quotas(n_images, {label: catalog.CONDITIONS[label][2] for label in labels}, 12))
    assert len(counts) == conditions
    assert sum(counts.values()) == n_images
    assert min(counts.values()) >= 12


def test_majority_share_and_skin_types(drawn):
    labels = Counter(catalog.quotas(300, {key: value[2] for key, value in catalog.CONDITIONS.items()}, 12))
    assert 0.25 <= max(labels.values()) / 300 <= 0.3
    assert set(drawn.catalog.fitzpatrick_scale) == {-1, 1, 2, 3, 4, 5, 6}
    assert set(drawn.catalog.fitzpatrick_centaur) <= {-1, 1, 2, 3, 4, 5, 6}
    known = drawn.catalog.query("fitzpatrick_scale > 0")
    assert 0.6 < (known.fitzpatrick_scale == known.fitzpatrick_centaur).mean() < 0.95


def test_too_few_images_are_refused_with_the_limit():
    with pytest.raises(ValueError, match="at least 40"):
        catalog.generate(39)


def test_sound_images_decode_match_their_key_and_keep_the_size_range(drawn):
    rows = sound(drawn)
    assert len(rows) == 130
    sides, aspects = [], set()
    for key in rows.md5hash:
        body = drawn.bodies[key]
        assert md5(body) == key
        assert body.startswith(b"\xff\xd8\xff")
        assert body.endswith(b"\xff\xd9")
        height, width = pixels(body).shape[:2]
        sides += [height, width]
        aspects.add(round(width / height, 1))
    assert 128 <= min(sides) < 150
    assert 260 < max(sides) <= 320
    assert len(aspects) >= 6


def test_fault_counts():
    assert catalog.fault_counts(300) == catalog.FAULTS
    assert min(catalog.fault_counts(40).values()) == 1


def test_faulty_rows_are_counted_and_on_top_of_the_sound_ones(drawn):
    assert Counter(drawn.faults.values()) == catalog.fault_counts(130)
    assert len(drawn.catalog) == 130 + sum(catalog.fault_counts(130).values())


def test_bodies_are_faulty_as_named(drawn):
    catalog = drawn.catalog.set_index("md5hash")
    assert set(catalog.index[catalog.url.isna()]) == set(keys_of(drawn, "no_url"))
    wrong = catalog.index[catalog.qc == "3 Wrongly labelled"]
    assert set(wrong) == set(keys_of(drawn, "wrongly_labelled"))
    for key in keys_of(drawn, "html_page"):
        assert drawn.bodies[key].lower().startswith(b"<!doctype html")
    for key in keys_of(drawn, "truncated"):
        assert drawn.bodies[key].startswith(b"\xff\xd8\xff")
        assert not drawn.bodies[key].endswith(b"\xff\xd9")
    for key, body in drawn.bodies.items():
        assert (md5(body) != key) == (drawn.faults.get(key) == "changed_on_server")


def test_exact_duplicates_have_equal_pixels_and_other_bytes(drawn):
    digests = {md5(pixels(drawn.bodies[key]).tobytes()): key for key in sound(drawn).md5hash}
    assert len(digests) == 130
    for key in keys_of(drawn, "exact_duplicate"):
        original = digests[md5(pixels(drawn.bodies[key]).tobytes())]
        labels = drawn.catalog.set_index("md5hash").label
        assert labels[original] == labels[key]
        assert drawn.bodies[original] != drawn.bodies[key]


def test_skin_types_lean_as_conditions_do_and_never_decide(drawn):
    known = drawn.catalog.query("fitzpatrick_scale > 0").groupby("label").fitzpatrick_scale
    means = known.mean()[list(catalog.CONDITIONS)]
    assert means.idxmin() == "melanoma" and means.idxmax() == "vitiligo"
    assert means.max() - means.min() > 1
    assert (known.nunique() >= 3).all()


UNDONE = {
    "turned": lambda copy, size: np.rot90(copy, -1),
    "shrunk": cv2.resize,
    "mirrored": lambda copy, size: cv2.flip(copy, 1),
    "cropped": None,
    "framed": lambda copy, size: copy[min(size) // 12 : -(min(size) // 12), min(size) // 12 : -(min(size) // 12)],
    "brightened": lambda copy, size: cv2.convertScaleAbs(copy, alpha=1 / 1.05, beta=-4),
    "cut": None,
    "recompressed": lambda copy, size: copy,
}
"""How to get the original back, of width and height `size`; None: a part of it is gone."""


@pytest.mark.parametrize("size", [(128, 128), (300, 200)])
@pytest.mark.parametrize("variant, undo", enumerate(UNDONE.values()), ids=UNDONE)
def test_near_copies_are_altered_as_named_and_stay_in_the_size_range(variant, undo, size):
    patches = np.random.default_rng(0).integers(40, 200, (5, 5, 3)).astype(np.uint8)
    image = cv2.resize(patches, size, interpolation=cv2.INTER_CUBIC)
    copy = pixels(copies.near_copy(copies.jpeg(image), variant))
    assert min(copy.shape[:2]) >= 128
    if undo:
        assert np.abs(undo(copy, size).astype(float) - image).mean() < 4
    else:
        assert cv2.matchTemplate(image, copy, cv2.TM_SQDIFF).min() / copy.size < 16
        assert copy.size < image.size or size == (128, 128)
