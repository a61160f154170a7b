import pickle

import pytest

from argminn_core.errors import ArgminnError, ConfigError, InputError, ModelFileError


def test_a_message_says_what_was_found_what_is_expected_and_how_to_mend_it():
    error = InputError(
        "x.fa is not FASTA", found="a BED file", expected="a first line with >", mend="Give it as regions"
    )
    assert str(error) == (
        "x.fa is not FASTA. Found: a BED file. Expected: a first line with >. Give it as regions."
    )


def test_empty_parts_are_left_out_and_full_stops_are_not_doubled():
    assert str(InputError("x.fa is empty.")) == "x.fa is empty."
    assert str(InputError("too many", found=0, mend="Split it.")) == "too many. Found: 0. Split it."


@pytest.mark.parametrize("kind", [InputError, ModelFileError, ConfigError])
def test_one_family(kind):
    with pytest.raises(ArgminnError):
        raise kind("no")


def test_survives_a_trip_between_processes():
    error = pickle.loads(pickle.dumps(InputError("what", found="f", expected="e", mend="m")))
    assert str(error) == "what. Found: f. Expected: e. m."
