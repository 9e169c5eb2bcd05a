import pytest
from markupsafe import Markup

from stages.lib.report.rendering import bold_markdown, escape_markdown, foldable, kinds


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


def test_a_column_holds_numbers_if_every_cell_does_or_charts():
    lines = [
        {"row": "a", "loss": "0.500 (.400 to .600)", "p": "< 0.001", "n": "1,234", "found": "9 of 10", "mean": "2 ± 1"},
        {"row": "b", "loss": "—", "p": "\N{MINUS SIGN}0.2", "n": "5", "found": "—", "mean": "3\N{NO-BREAK SPACE}± 1"},
    ]
    assert kinds(lines) == dict.fromkeys(lines[0], "number") | {"row": "words"}
    assert kinds([{"verdict": "0.5"}, {"verdict": "better"}]) == {"verdict": "words"}
    assert kinds([{"accuracy": Markup("<svg></svg>")}]) == {"accuracy": "chart"}


def test_a_cell_folds_before_its_interval_and_is_escaped():
    assert foldable("0.5 (.4 to .6)") == '0.5 <span class="bounds">(.4 to .6)</span>'
    assert foldable("32/64") == "32/<wbr>64"
    assert foldable("<b> (<i>") == '&lt;b&gt; <span class="bounds">(&lt;i&gt;</span>'
    assert foldable(Markup("<svg></svg>")) == "<svg></svg>"
