"""Side inputs: a column becomes numbers by what the training split has, and what is not known stays so."""

import numpy as np
import pandas as pd
import pytest

from stages.lib.core.errors import PipelineError
from stages.lib.data import side_inputs

TRAIN = pd.DataFrame(
    {"fitzpatrick_scale": [1, 3, -1, 3], "sex": ["male", "female", "unknown", "male"], "age": ["10", "30", "", "NA"]}
)


def fit(**kinds: str) -> list[side_inputs.SideInput]:
    return side_inputs.fit(kinds, list(kinds), TRAIN)


def test_a_skin_type_is_one_of_seven_whatever_the_training_split_has():
    (skin,) = fit(fitzpatrick_scale="categorical")
    assert skin.encode([1, 6, -1]).tolist() == [[1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0, 1]]


def test_a_category_that_training_never_saw_is_unknown():
    (sex,) = fit(sex="categorical")
    assert sex.values == ["female", "male"] and sex.width == 3
    assert sex.encode(["male", " female ", "", "other", "Unknown"]).argmax(axis=1).tolist() == [1, 0, 2, 2, 2]


def test_a_number_is_standardised_on_the_training_split_and_unknown_has_its_own_column():
    (age,) = fit(age="number")
    assert (age.mean, age.scale) == (20.0, 10.0)
    assert age.encode(["30", "15.0", "n/a"]).tolist() == [[1.0, 0.0], [-0.5, 0.0], [0.0, 1.0]]


def test_a_raw_number_stays_as_it_is():
    (skin,) = fit(fitzpatrick_scale="raw")
    assert skin.encode(["3", "-1", ""]).tolist() == [[3.0], [-1.0], [-1.0]]


def test_a_number_that_never_changes_or_is_never_known_can_be_encoded():
    constant, empty = (
        side_inputs.fit({"x": "number"}, ["x"], pd.DataFrame({"x": x}))[0] for x in (["5", "5"], ["", ""])
    )
    assert constant.encode(["5", "6"]).tolist() == [[0, 0], [1, 0]]
    assert empty.encode(["", "7"]).tolist() == [[0, 1], [7, 0]]


def test_several_stand_side_by_side_and_each_can_be_hidden():
    sides = fit(sex="categorical", age="number")
    encoded = side_inputs.encode(sides, TRAIN)
    assert encoded.shape == (4, 5) and encoded.dtype == np.float32
    hidden = np.array([[True, False], [False, True], [True, True], [False, False]])
    found = side_inputs.hide(sides, encoded, hidden)
    assert found[0].tolist() == [0, 0, 1, -1, 0] and found[1].tolist() == [1, 0, 0, 0, 1]
    assert found[2].tolist() == [0, 0, 1, 0, 1] and (found[3] == encoded[3]).all()


def test_a_column_that_a_table_lacks_is_unknown_and_no_side_input_has_no_width():
    sides = fit(sex="categorical", age="number")
    assert side_inputs.encode(sides, pd.DataFrame({"sex": ["male"]})).tolist() == [[0, 1, 0, 0, 1]]
    assert side_inputs.encode([], TRAIN).shape == (4, 0)


@pytest.mark.parametrize(
    ("kinds", "table", "says"),
    [
        ({"height": "number"}, TRAIN, "has no column 'height'; it has fitzpatrick_scale, sex, age"),
        ({"sex": "number"}, TRAIN, "column 'sex': 'male' is no number"),
        ({"age": "number"}, pd.DataFrame({"age": ["1", "inf"]}), "column 'age': 'inf' is no number"),
    ],
)
def test_what_cannot_be_encoded_is_named(kinds, table, says):
    with pytest.raises(PipelineError, match=says):
        side_inputs.fit(kinds, list(kinds), table)
