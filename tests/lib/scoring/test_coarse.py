"""Coarse classes: found in the manifest, probabilities added up."""

import numpy as np
import pandas as pd
import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.scoring.coarse import NONE_KEPT, read_coarse_classes

MANIFEST = pd.DataFrame(
    {
        "label": ["acne", "nevus", "acne", "melanoma"],
        "nine_partition_label": ["inflammatory", "melanocytic", "inflammatory", "melanocytic"],
        "three_partition_label": ["non-neoplastic", "benign", "non-neoplastic", ""],
    }
)


def test_a_coarse_class_adds_up_its_classes():
    found = read_coarse_classes(MANIFEST, ["acne", "melanoma", "nevus"])
    assert list(found) == ["nine_partition_label"]  # the other has an empty cell
    nine = found["nine_partition_label"]
    assert nine.names == ["inflammatory", "melanocytic"] and nine.numbers.tolist() == [0, 1, 1]
    # acne is the likeliest class, a melanocytic one the likeliest coarse class
    assert nine.probabilities(np.array([[0.4, 0.35, 0.25]])) == pytest.approx(np.array([[0.4, 0.6]]))


def test_a_class_without_a_kept_image_stands_apart():
    nine = read_coarse_classes(MANIFEST, ["acne", "melanoma", "nevus", "zoster"])["nine_partition_label"]
    assert nine.names[nine.numbers[3]] == NONE_KEPT


def test_a_class_in_two_coarse_classes_is_refused():
    manifest = MANIFEST.assign(nine_partition_label=["a", "b", "c", "b"])
    with pytest.raises(PipelineError, match=r"class 'acne' is in nine_partition_label both 'a' and 'c'"):
        read_coarse_classes(manifest, ["acne", "melanoma", "nevus"])
    assert read_coarse_classes(MANIFEST[["label"]], ["acne"]) == {}
