import pandas as pd

from stages.lib.report import pictures


def test_samples_go_from_the_lightest_to_the_darkest_known_skin_type():
    train = pd.DataFrame({"md5hash": list("abcdef"), "fitzpatrick_scale": [6, -1, 1, 3, 4, 1]})
    assert pictures.spread(train, 3)["md5hash"].tolist() == ["c", "d", "a"]
    assert pictures.spread(train, 9)["fitzpatrick_scale"].tolist() == [1, 1, 3, 4, 6]


def test_samples_of_unknown_type_are_shown_only_if_there_are_no_others():
    train = pd.DataFrame({"md5hash": list("ab"), "fitzpatrick_scale": -1})
    assert pictures.spread(train, 4)["md5hash"].tolist() == ["a", "b"]
