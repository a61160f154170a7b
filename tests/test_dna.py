import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from argminn_core import dna
from argminn_core.errors import InputError

texts = st.text(alphabet="ACGTN", max_size=60)
batches = hnp.arrays(
    np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=12), elements=st.integers(0, 4)
)


@given(texts)
def test_encode_and_decode_round_trip(text):
    assert dna.decode(dna.encode(text)) == text
    assert dna.decode(dna.encode(text.lower().encode())) == text


@given(batches)
def test_batches_round_trip(codes):
    texts = dna.decode_all(codes)
    assert len(texts) == len(codes)
    if len(codes):
        np.testing.assert_array_equal(dna.encode_all(texts), codes)


@given(batches.filter(lambda codes: codes.shape[1] > 0))
def test_one_hot_round_trip_keeps_n(codes):
    X = dna.one_hot(codes)
    assert X.shape == (codes.shape[0], 4, codes.shape[1])
    np.testing.assert_array_equal(X.sum(dim=1).numpy(), codes < dna.N_CODE)
    np.testing.assert_array_equal(dna.from_one_hot(X), codes)


@given(texts)
def test_reverse_complement_is_an_involution_and_agrees_with_the_codes(text):
    there = dna.reverse_complement(text)
    assert dna.reverse_complement(there) == text
    assert dna.decode(dna.reverse_complement_codes(dna.encode(text))) == there


def test_reverse_complement_by_hand():
    assert dna.reverse_complement("AACgN") == "NcGTT"
    np.testing.assert_array_equal(
        dna.reverse_complement_codes(np.array([[0, 0, 1], [2, 4, 3]])), [[2, 3, 3], [0, 4, 1]]
    )


@given(batches)
def test_gc_content_is_the_share_among_known_bases(codes):
    got = dna.gc_content(codes)
    for row, text in zip(got, dna.decode_all(codes), strict=True):
        known = len(text) - text.count("N")
        if known:
            assert row == pytest.approx((text.count("G") + text.count("C")) / known)
        else:
            assert np.isnan(row)


@pytest.mark.parametrize(("text", "letter", "column"), [("ACRT", "R", 3), ("é", "é", 1), (b"AC-", "-", 3)])
def test_a_letter_that_is_not_dna_is_named_with_its_column(text, letter, column):
    with pytest.raises(InputError, match=f"s1 has a letter that is not DNA at column {column}.*{letter!r}"):
        dna.encode(text, name="s1")
    assert dna.encode(text, ambiguous="N")[column - 1] == dna.N_CODE


def test_encode_all_names_the_sequence():
    with pytest.raises(InputError, match="sequence 2 has a letter that is not DNA at column 3"):
        dna.encode_all(["ACGT", "ACXT"])
    with pytest.raises(InputError, match=r"differ in length.*4 to 5"):
        dna.encode_all(["ACGT", "ACGTA"])
    assert dna.encode_all([]).shape == (0, 0)
    assert dna.encode_all(["", ""]).shape == (2, 0)
