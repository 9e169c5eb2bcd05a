import numpy as np
import pytest

from stages.lib.report import cells

MINUS = "\N{MINUS SIGN}"


@pytest.mark.parametrize(
    ("value", "text"), [(0.12345, "0.123"), (None, "—"), (float("nan"), "—"), (-0.5, f"{MINUS}0.500")]
)
def test_number(value, text):
    assert cells.number(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.0123, "+0.012"), (-0.0123, f"{MINUS}0.012"), (-0.0001, "+0.000")])
def test_signed_differences_never_are_minus_nothing(value, text):
    assert cells.signed(value) == text


def test_an_estimate_is_one_cell_and_an_interval_with_one_end_is_none():
    def shown(value, low, high, form=cells.number):
        return cells.estimate({"value": value, "low": low, "high": high}, form)

    assert shown(0.5, 0.4, 0.6) == "0.500 (.400 to .600)"
    assert shown(10.25, 0.5, 10.5) == "10.250 (.500 to 10.500)"
    assert shown(-0.1, -0.2, 0.00001, cells.signed) == f"{MINUS}0.100 ({MINUS}.200 to +.000)"
    assert shown(0.5, 0.1, None) == "0.500"
    assert shown(None, None, None) == "—"


def test_a_cell_is_written_by_what_it_is():
    written = [
        cells.cell(value) for value in ("a", 1234, np.int64(7), 0.5, None, {"value": 0.5, "low": 0.4, "high": 1})
    ]
    assert written == ["a", "1,234", "7", "0.500", "—", "0.500 (.400 to 1.000)"]


def test_a_small_probability_is_not_called_nothing():
    assert [cells.probability(value) for value in (0.0004, 0.001, None)] == ["< 0.001", "0.001", "—"]
