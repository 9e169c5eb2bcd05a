"""Damaged images of every format go through preprocess and validate: each is kept, noted or dropped, none unnoticed."""

import pytest

from bench import mutations
from stages.lib.core.words import DECODE_FAULTS

NUMBER = 390


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("mutations"))
        yield mutations.run(NUMBER, seed=7)


def test_every_damaged_image_has_an_outcome(outcome):
    of, decoded = outcome
    assert len(of) == len(decoded) > 0.95 * NUMBER
    assert set(decoded["reason"]) <= {"", *DECODE_FAULTS}
    assert (decoded["kept"] == decoded["dropped"].isna()).all()
    assert decoded.loc[decoded["reason"] != "", "detail"].ne("").all()
    assert not decoded["detail"].str.contains(" at 0x").any(), "an address would differ from run to run"


def test_nothing_that_a_strict_decoder_complains_of_is_kept_without_a_note(outcome):
    of, decoded = outcome
    assert mutations.unnoted(of, decoded).empty
    assert (of["strict"] != "").mean() > 0.3, "too few damaged images to prove anything"
    assert not decoded.loc[decoded["damaged"] == "True", "kept"].any()


def test_what_was_cut_is_not_kept_and_what_was_not_is_called_truncated_only_where_data_end_early(outcome):
    of, decoded = outcome
    cut = of["way"] == "cut"
    assert decoded.loc[cut & (decoded["reason"] != ""), "reason"].isin(["truncated", "not_an_image"]).mean() > 0.95
    assert (decoded.loc[of["way"].isin(["flip", "doubled"]), "reason"] == "truncated").mean() < 0.1
