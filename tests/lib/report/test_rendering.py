import pytest

from stages.lib.report.rendering import bold_markdown, escape_markdown, headings


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


def test_a_column_holds_numbers_if_every_cell_does():
    lines = [
        {"row": "a", "loss": "0.500 (.400 to .600)", "p": "< 0.001", "difference": "\N{MINUS SIGN}0.1", "n": "1,234"},
        {"row": "b", "loss": "—", "p": "0.2", "difference": "+0.000", "n": "5"},
    ]
    assert headings(lines) == {"row": False, "loss": True, "p": True, "difference": True, "n": True}
    assert headings([{"verdict": "0.5"}, {"verdict": "better"}]) == {"verdict": False}
