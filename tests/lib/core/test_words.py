"""Words that mean nothing, and texts that look the same."""

import pytest

from stages.lib.core.words import MISSING_WORDS, is_missing, plain


@pytest.mark.parametrize(
    "text",
    ["", " ", "NA", "n/a", "#N/A", "NaN", "None", "NULL", "-", "?", "Unknown", "-1", "not known", "\u200bna"],
)
def test_what_people_write_for_a_missing_value_is_missing(text):
    assert is_missing(text)


@pytest.mark.parametrize("text", ["0", "1", "acne", "nasal", "none of these", "A", "no", "Nan's patient"])
def test_what_says_something_is_not_missing(text):
    assert not is_missing(text)


def test_the_list_is_in_the_form_that_it_is_asked_in():
    assert all(word == plain(word).lower() for word in MISSING_WORDS)


@pytest.mark.parametrize("text", ["a\u00a0b", " a  b\t", "a\u200b b", "a\nb", "\ufeffa b", "a\u2003b\u200f"])
def test_plain_texts_differ_in_what_one_can_see(text):
    assert plain(text) == "a b"


def test_letters_are_composed():
    assert plain("e\u0301") == "\u00e9"
