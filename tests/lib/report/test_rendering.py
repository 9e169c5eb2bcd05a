import pytest

from stages.lib.report.rendering import bold_markdown, escape_markdown


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("a|b", r"a\|b"),
        ("<script>", r"\<script\>"),
        ("two\nlines", "two lines"),
        ("*bold*", r"\*bold\*"),
        ("snake_case", "snake_case"),
        ("_it_", r"\_it\_"),
    ],
)
def test_names_stand_for_themselves_in_markdown(text, escaped):
    assert escape_markdown(text) == escaped


def test_bold_is_escaped_too():
    assert bold_markdown("a|b") == r"**a\|b**"
